/** What a button does: once at a time, and what goes wrong is shown. */

import { tell } from "./notices.js";

/** Have a button do something. It keeps the focus meanwhile, so it is not disabled. */
export function acting(button, act) {
  button.addEventListener("click", async () => {
    if (button.ariaBusy) return;
    button.ariaBusy = "true";
    try {
      await act();
    } catch (error) {
      tell(error);
    }
    button.ariaBusy = null;
  });
  return button;
}
