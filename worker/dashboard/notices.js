/** What is said beside the page: errors at once, news when there is a pause. */

import { h } from "./dom.js";

const alert = document.getElementById("alert");
const news = document.getElementById("news");

/** Show what went wrong, and what is done about it. */
export function tell(error, remedy = "") {
  const close = h("button", { type: "button", class: "quiet", onclick: quiet }, "Dismiss");
  const detail = [error.message, remedy].filter(Boolean).join(" ");
  alert.replaceChildren(h("div", { class: "problem" }, h("p", {}, h("strong", {}, error.title ?? "Error"), " ", detail), close));
}

/** There is nothing wrong any more. */
export function quiet() {
  alert.replaceChildren();
}

/** For who hears the page: a change that is worth it. */
export function announce(text) {
  if (news.textContent !== text) news.textContent = text;
}
