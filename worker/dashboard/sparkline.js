/** The latest jobs of a connector, as bars. */

import { svg } from "./dom.js";
import { STATES } from "./states.js";
import { counted, duration, isWithin, number } from "./words.js";

const BARS = 30;
const STEP = 8;
const WIDTH = 6;
const HEIGHT = 40;
const TOP = 8; // for the marks of what did not succeed

/**
 * A drawing: a job's height is what it has brought and deleted, its colour and shape how it ended.
 *
 * @param jobs newest first, as the Worker gives them.
 */
export function sparkline(jobs) {
  const shown = jobs.slice(0, BARS).reverse();
  const most = Math.max(1, ...shown.map(moved));
  const bars = shown.map((job, index) => bar(job, (BARS - shown.length + index) * STEP, most));
  const label = { role: "img", "aria-label": told(shown, most), class: "sparkline" };
  const line = svg("line", {
    x1: 0,
    x2: BARS * STEP,
    y1: HEIGHT - 0.5,
    y2: HEIGHT - 0.5,
    class: "ground",
  });
  return svg("svg", { viewBox: `0 0 ${BARS * STEP} ${HEIGHT}`, ...label }, line, ...bars);
}

function bar(job, x, most) {
  const height = Math.max(3, ((HEIGHT - TOP) * moved(job)) / most);
  const y = HEIGHT - height;
  const title = svg(
    "title",
    {},
    `${job.mode} ${job.state}: ${counted(moved(job), "change")}, ${duration(job.seconds)}`,
  );
  const look = isWithin(job.state, "resting", "ended") ? STATES[job.state].look : "busy";
  const inset = look === "good" || look === "bad" ? 0 : 0.75; // the others are outlines
  const box = { x: x + inset, y: y + inset, width: WIDTH - 2 * inset, height: height - 2 * inset };
  return svg(
    "g",
    { class: `bar ${look}` },
    title,
    svg("rect", box),
    mark(look, x + WIDTH / 2, y - 4),
  );
}

/** Above the bar: a cross where it failed, a diamond where it is held. */
function mark(look, x, y) {
  if (look === "bad") return svg("path", { d: `M${x - 2.5} ${y - 2.5}l5 5m0-5l-5 5` });
  if (look === "warn") return svg("path", { d: `M${x} ${y - 3}l3 3-3 3-3-3z` });
  return null;
}

function moved(job) {
  return job.documents + job.deleted;
}

function told(jobs, most) {
  if (!jobs.length) return "No jobs yet";
  const counts = new Map();
  for (const { state } of jobs) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  return `The latest ${counted(jobs.length, "job")}: ${states}. The largest brought ${number(most)} changes.`;
}
