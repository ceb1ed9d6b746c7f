/** What is said beside the page: errors at once, news when there is a pause. */

import { fill, h } from "./dom.js";

const alert = document.getElementById("alert");
const news = document.getElementById("news");

/** Show what went wrong, and what is done about it. */
export function tell(error, remedy = "") {
  const close = h("button", { type: "button", class: "quiet", onclick: quiet }, "Dismiss");
  const title = error.title ?? "Error";
  const detail = [error.message, remedy].filter(Boolean).join(" ");
  fill(alert, [title, detail], () =>
    h("div", { class: "problem" }, h("p", {}, h("strong", {}, title), " ", detail), close),
  );
}

/** There is nothing wrong any more. */
export function quiet() {
  fill(alert, [], () => []);
}

/** For who hears the page: a change that is worth it. */
export function announce(text) {
  if (news.textContent !== text) news.textContent = text;
}
