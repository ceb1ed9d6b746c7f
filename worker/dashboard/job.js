/** One job, for as long as it lasts: how it stands, what can be asked of it, what has happened. */

import { get } from "./api.js";
import { commands } from "./commands.js";
import { fill, h } from "./dom.js";
import { events } from "./events.js";
import { watch } from "./live.js";
import { missing } from "./missing.js";
import { announce } from "./notices.js";
import { rejects } from "./rejects.js";
import { changes, outcome, progress, proof, stages, standing, title, totals } from "./standing.js";
import { isWithin } from "./words.js";

const WAIT_SECONDS = 2; // the answer comes at once with another state, else after this
const PAUSE_MS = 250;
const REST_MS = 15_000; // a held job waits for a person, perhaps another one

const REST = ["if_killed_now", "last_error", "since_because"];
// The parts of the page, each with the fields of the status that it is made of.
const PARTS = [
  [title, ["connector", "mode", "state", "created_at", "repeats", "begun_by"]],
  [progress, ["progress", "state"]],
  [standing, ["state", "waits_because", "waits_until", "next_step", "remedy", "findings", ...REST]],
  [commands, ["commands", "rejected", "missing", "missing_list", "stage", "state", "way"]],
  [changes, ["changes", "documents", "way"]],
  [totals, ["documents", "deleted", "rejected", "pages", "bytes", "turns", "attempt"]],
  [stages, ["stages"]],
  [proof, ["verification", "processing", "deletions"]],
];
const TIMES = ["started_at", "finished_at", "progress_at", "next_attempt_at"];

export async function job(main, id) {
  const parts = PARTS.map(([build, fields]) => ({
    build,
    fields: build === totals ? [...fields, ...TIMES] : fields,
    // It takes the focus when the button that had it is gone.
    element: h("div", { class: build.name, tabindex: build === commands ? "-1" : null }),
  }));
  const gone = h("section", { "aria-labelledby": "missing" });
  const log = h("section", { "aria-labelledby": "events" });
  const aside = h("section", { "aria-labelledby": "rejects" });
  main.replaceChildren(...parts.map(({ element }) => element), gone, log, aside);
  parts[0].element.append("Loading…");
  const logged = events(log, id);
  const setAside = rejects(aside, id);
  const lost = missing(gone, id);
  let state = null;
  let heard = null;
  await watch(async (signal) => {
    const wait = state ? `?wait=${WAIT_SECONDS}` : "";
    const status = await get(`/status/${id}${wait}`, signal);
    for (const { element, fields, build } of parts) {
      const shown = fields.map((field) => status[field]);
      fill(element, shown, () => build(status));
    }
    const latest = JSON.stringify([status.events, status.turns]);
    if (latest !== heard) await logged(signal);
    heard = latest;
    await setAside(status.rejected, signal);
    await lost(status, signal);
    if (state && state !== status.state) {
      announce(`The job is ${status.state}: ${outcome(status)}`);
    }
    state = status.state;
    if (isWithin(state, "ended") && status.verification?.state !== "pending") return null;
    return isWithin(state, "resting", "ended") ? REST_MS : PAUSE_MS;
  });
}
