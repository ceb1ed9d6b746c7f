/** What a button does: once at a time, and what goes wrong is shown. */

import { confirmed } from "./dialog.js";
import { tell } from "./notices.js";

/**
 * A listener for a button's click. The button keeps the focus meanwhile, so it is not disabled.
 *
 * @param act what it does.
 * @param question asked before, if there is one. While it is asked, nothing is done yet.
 */
export function acting(act, question = null) {
  return async ({ currentTarget: button }) => {
    if (button.ariaBusy || (question && !(await confirmed(question)))) return;
    button.ariaBusy = "true";
    try {
      await act();
    } catch (error) {
      tell(error);
    }
    button.ariaBusy = null;
  };
}
