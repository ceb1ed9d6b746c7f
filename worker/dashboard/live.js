/** What is looked at again and again, for as long as somebody sees it. */

import { Lost } from "./api.js";
import { quiet, tell } from "./notices.js";

const PAUSE_MS_MIN = 1_000;
const PAUSE_MS_MAX = 30_000;
const TRIED_AGAIN = [429, 500, 502, 503, 504];

const pauses = new Set(); // what ends each
let seen = new AbortController();

/** Something may be another now: end all pauses. */
export function lookAgain() {
  for (const end of [...pauses]) end();
}

/**
 * Show something, and show it again for as long as the page is seen.
 *
 * @param look asks the Worker, with a signal that ends the question, and shows the answer. It gives
 *   the milliseconds until the next look, or null where only we can bring anything new.
 * @throws what asking again does not help against.
 */
export async function watch(look) {
  for (let failures = 0; ; ) {
    try {
      if (document.hidden) await pause(null);
      const pause_ms = await look(seen.signal);
      if (failures) quiet();
      failures = 0;
      await pause(pause_ms);
    } catch (error) {
      if (error.name === "AbortError") continue;
      if (!(error instanceof Lost) && !TRIED_AGAIN.includes(error.status)) throw error;
      const pause_ms = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** failures++);
      tell(error, `Trying again in ${pause_ms / 1_000} s.`);
      await pause(pause_ms);
    }
  }
}

function pause(ms) {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      pauses.delete(end);
      done();
    };
    const timer = ms === null ? undefined : setTimeout(end, ms);
    pauses.add(end);
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    seen.abort();
    seen = new AbortController();
  } else {
    lookAgain();
  }
});
