/** Elements, made of texts and other elements only: no data is ever read as HTML. */

const SVG = "http://www.w3.org/2000/svg";
const shown = new WeakMap();

/**
 * An element. A property that begins with "on" is a listener, one that is true has no value, and
 * one that is null or false is left out; so are children that are null or false.
 */
export function h(name, properties = {}, ...children) {
  return furnished(document.createElement(name), properties, children);
}

/** An element of a drawing. */
export function svg(name, properties = {}, ...children) {
  return furnished(document.createElementNS(SVG, name), properties, children);
}

/**
 * Fill an element anew, but only where what it shows has changed: so focus and selection stay.
 * A focus that is lost with what is gone, goes to the element, if that takes one.
 */
export function fill(element, content, build) {
  const key = JSON.stringify(content);
  if (shown.get(element) === key) return;
  shown.set(element, key);
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  element.replaceChildren(...kept([build(content)].flat()));
  if (focused && !focused.isConnected) {
    const same = focused.dataset.key && element.querySelector(`[data-key="${CSS.escape(focused.dataset.key)}"]`);
    (same || element.closest("[tabindex]"))?.focus();
  }
}

function furnished(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...kept(children.flat()));
  return element;
}

function kept(children) {
  return children.filter((child) => child !== null && child !== undefined && child !== false);
}
