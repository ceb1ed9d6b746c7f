/** A question that comes before what cannot be taken back. */

import { h, refuge } from "./dom.js";

/**
 * Ask, and do it if the answer is yes. The focus stays within the dialog, and goes back to where it
 * was: the browser sees to both, but where that is gone meanwhile.
 *
 * @param question its title, the consequence as a text, and the words of the button.
 * @returns a promise of whether it was answered with yes.
 */
export function confirmed({ title, consequence, act, danger = false }) {
  const dialog = h("dialog", { "aria-labelledby": "question", "aria-describedby": "consequence" });
  const button = (text, look, answer) =>
    h("button", { type: "button", class: look, onclick: () => dialog.close(answer) }, text);
  dialog.append(
    h("h2", { id: "question" }, title),
    h("p", { id: "consequence" }, consequence),
    h(
      "div",
      { class: "buttons" },
      button("Leave it", "", ""),
      button(act, danger ? "danger" : "main", "yes"),
    ),
  );
  const home = refuge();
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      home();
      done(dialog.returnValue === "yes");
    });
  });
}
