/** A job's state or a connector's health: in words, with a colour, and with a shape. */

import { h, svg } from "./dom.js";
import { STATES } from "./states.js";

// Colours say much to many, and nothing to some: each has a shape of its own.
const SHAPES = {
  good: [
    ["circle", { cx: 8, cy: 8, r: 7, class: "solid" }],
    ["path", { d: "M5 8.2l2.2 2.2L11.2 6", class: "cut" }],
  ],
  busy: [
    ["circle", { cx: 8, cy: 8, r: 6, class: "line faint" }],
    ["path", { d: "M8 2a6 6 0 0 1 6 6", class: "line" }],
  ],
  idle: [["circle", { cx: 8, cy: 8, r: 6, class: "line" }]],
  warn: [
    ["path", { d: "M8 1l7 7-7 7-7-7z", class: "solid" }],
    ["path", { d: "M8 4.8v3.8M8 10.6v.6", class: "cut" }],
  ],
  bad: [
    ["rect", { x: 1, y: 1, width: 14, height: 14, rx: 2, class: "solid" }],
    ["path", { d: "M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6", class: "cut" }],
  ],
};

export const HEALTHS = {
  ok: { look: "good", words: "OK" },
  working: { look: "busy", words: "Working" },
  waiting: { look: "warn", words: "Waiting after an error" },
  held: { look: "warn", words: "Held: needs a person" },
  failing: { look: "bad", words: "Failing" },
  stale: { look: "warn", words: "Stale" },
  overdue: { look: "warn", words: "Cron is overdue" },
  degraded: { look: "warn", words: "Some documents are out of date" },
  paused: { look: "warn", words: "Deletion paused by Glean" },
  new: { look: "idle", words: "No job yet" },
  unreachable: { look: "bad", words: "Unreachable" },
};

/** A state or a health: in words, with a colour and a shape. */
export function badge(name, text = name) {
  const { look } = STATES[name] ?? HEALTHS[name];
  return h("span", { class: `badge ${look}` }, shape(look), text);
}

function shape(look) {
  const parts = SHAPES[look].map(([name, properties]) => svg(name, properties));
  return svg("svg", { viewBox: "0 0 16 16", class: "shape", "aria-hidden": "true" }, ...parts);
}
