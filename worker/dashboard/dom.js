/** Elements, made of texts and other elements only: no data is ever read as HTML. */

const SVG = "http://www.w3.org/2000/svg";
const shown = new WeakMap(); // what an element was filled with, as a text
const heard = new WeakMap(); // the listeners of an element, by type
const OWN = ["aria-busy"]; // attributes that an element gives itself

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
 * Have an element show something else. What is shown as before, stays the same element: a focus, a
 * selection, and a key or a button that is held down survive. Where several are alike, each has a
 * `data-key` of its own. A focus that goes with what is gone, goes to the nearest that takes one.
 */
export function fill(element, content, build) {
  const key = JSON.stringify(content);
  if (shown.get(element) === key) return;
  shown.set(element, key);
  const home = refuge();
  hold(element, kept([build(content)].flat(2)));
  home();
}

/** What brings a focus that is lost meanwhile to the nearest that is still there and takes one. */
export function refuge() {
  const homes = [];
  for (let at = document.activeElement; at; at = at.parentElement) {
    if (at.matches("[tabindex], main")) homes.push(at);
  }
  return () => {
    if (document.activeElement === document.body) homes.find((at) => at.isConnected)?.focus();
  };
}

/** Have an element hold these nodes: its own where there is one such, made what that is. */
function hold(element, nodes) {
  const own = [...element.childNodes];
  const wanted = nodes.map((node) => {
    const fresh = typeof node === "object" ? node : document.createTextNode(node);
    const place = own.findIndex((one) => isAlike(one, fresh));
    return place < 0 ? fresh : renewed(...own.splice(place, 1), fresh);
  });
  for (const gone of own) gone.remove();
  wanted.forEach((node, place) => {
    const there = element.childNodes[place] ?? null;
    if (there !== node) element.insertBefore(node, there);
  });
}

function isAlike(one, other) {
  return one.nodeName === other.nodeName && one.dataset?.key === other.dataset?.key;
}

function renewed(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return old;
  }
  for (const name of old.getAttributeNames()) {
    if (!fresh.hasAttribute(name) && !OWN.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const listeners = heard.get(fresh) ?? {};
  for (const type of Object.keys({ ...heard.get(old), ...listeners })) {
    listen(old, type, listeners[type]);
  }
  hold(old, [...fresh.childNodes]);
  return old;
}

/** Have one listener for a type of event, in the place of the one before. */
function listen(element, type, listener) {
  const listeners = heard.get(element) ?? {};
  heard.set(element, listeners);
  if (!(type in listeners)) element.addEventListener(type, (event) => listeners[type]?.(event));
  listeners[type] = listener;
}

function furnished(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) listen(element, name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value);
  }
  element.append(...kept(children.flat()));
  return element;
}

function kept(children) {
  return children.filter((child) => child !== null && child !== undefined && child !== false);
}
