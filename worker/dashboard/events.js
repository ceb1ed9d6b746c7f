/** What has happened to a job, the latest first. */

import { get } from "./api.js";
import { badge } from "./badge.js";
import { fill, h } from "./dom.js";
import { counted, duration, isWithin, time } from "./words.js";

const LOUD = { retry: "waiting", killed: "failing", restarted: "waiting" };

/** Show them in a section. Returns what looks for new ones, and gives the job's end if it has one. */
export function events(section, id) {
  const list = h("ol", { class: "events", reversed: true });
  const heading = h("h2", { id: "events" }, "Events");
  section.replaceChildren(heading, list);
  const known = [];
  return async (signal) => {
    let path = `/events/${id}?after=${known.at(-1)?.number ?? 0}`;
    while (path) {
      const found = await get(path, signal);
      known.push(...found.events);
      path = found.next;
      fill(heading, found.total, (total) => `Events (${total})`);
    }
    fill(list, known.length, () => [...known].reverse().map(event));
    return isWithin(known.at(-1)?.kind, "ended");
  };
}

function event({ number, at, kind, what, pages, documents, deleted, rejected, seconds }) {
  const counts =
    kind === "turn"
      ? [
          counted(pages, "page"),
          counted(documents, "document"),
          deleted && `${deleted} deleted`,
          rejected && `${rejected} rejected`,
          duration(seconds),
        ]
      : [];
  const loud = LOUD[kind] ?? (isWithin(kind, "resting", "ended") ? kind : null);
  return h(
    "li",
    { value: number, "data-key": number },
    h("span", { class: "faint when" }, time(at)),
    loud ? badge(loud, kind) : h("span", { class: "kind" }, kind),
    h("span", { class: "what" }, what),
    counts.length ? h("span", { class: "faint" }, counts.filter(Boolean).join(" · ")) : null,
  );
}
