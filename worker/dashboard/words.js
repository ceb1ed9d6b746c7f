/** Numbers, times and states, as people read them. */

import { h, svg } from "./dom.js";

const NUMBER = new Intl.NumberFormat("en");
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const ABSOLUTE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "long" });
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
const TICK_MS = 15_000;

// What each state and health is like: its colour and, for who does not see that, its shape.
const LOOKS = {
  ok: "good", succeeded: "good",
  working: "busy", opening: "busy", sending: "busy", closing: "busy",
  queued: "idle", new: "idle", cancelled: "idle",
  waiting: "warn", held: "warn", stale: "warn",
  failing: "bad", failed: "bad", unreachable: "bad",
};
const SHAPES = {
  good: [["circle", { cx: 8, cy: 8, r: 7, class: "solid" }], ["path", { d: "M5 8.2l2.2 2.2L11.2 6" , class: "cut" }]],
  busy: [["circle", { cx: 8, cy: 8, r: 6, class: "line faint" }], ["path", { d: "M8 2a6 6 0 0 1 6 6", class: "line" }]],
  idle: [["circle", { cx: 8, cy: 8, r: 6, class: "line" }]],
  warn: [["path", { d: "M8 1l7 7-7 7-7-7z", class: "solid" }], ["path", { d: "M8 4.8v3.8M8 10.6v.6", class: "cut" }]],
  bad: [["rect", { x: 1, y: 1, width: 14, height: 14, rx: 2, class: "solid" }], ["path", { d: "M5.2 5.2l5.6 5.6M10.8 5.2l-5.6 5.6", class: "cut" }]],
};

export const HEALTHS = {
  ok: "OK",
  working: "Working",
  waiting: "Waiting after an error",
  held: "Held: needs a person",
  failing: "Failing",
  stale: "Stale",
  new: "No job yet",
  unreachable: "Unreachable",
};

export const ENDED = ["succeeded", "failed", "cancelled"];
export const STATES = ["queued", "opening", "sending", "closing", "held", ...ENDED];

export function number(count) {
  return count === null || count === undefined ? "–" : NUMBER.format(count);
}

/** As in "1 document" and "2 documents". */
export function counted(count, noun) {
  return `${number(count)} ${count === 1 ? noun : `${noun}s`}`;
}

export function bytes(count) {
  const exponent = count < 1_024 ? 0 : Math.min(4, Math.floor(Math.log2(count) / 10));
  const value = count / 1_024 ** exponent;
  return `${value.toFixed(exponent && value < 100 ? 1 : 0)} ${["B", "KiB", "MiB", "GiB", "TiB"][exponent]}`;
}

/** As in "2 d 3 h", "1 h 12 min", "43 s" or "0.4 s". */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return joined(whole, 60, "min", 1, "s");
  return whole < 86_400 ? joined(whole, 3_600, "h", 60, "min") : joined(whole, 86_400, "d", 3_600, "h");
}

function joined(seconds, length, unit, shortLength, shortUnit) {
  const rest = Math.floor((seconds % length) / shortLength);
  return `${Math.floor(seconds / length)} ${unit}${rest ? ` ${rest} ${shortUnit}` : ""}`;
}

/** An instant relative to now; the whole of it shows when it is pointed at. */
export function time(instant, none = "–") {
  if (!instant) return none;
  const title = ABSOLUTE.format(new Date(instant));
  return h("time", { datetime: instant, title }, relative(instant));
}

/** A state or a health: in words, with a colour and a shape. */
export function badge(name, text = name) {
  return h("span", { class: `badge ${LOOKS[name]}` }, shape(LOOKS[name]), text);
}

export function look(name) {
  return LOOKS[name];
}

function shape(look) {
  const parts = SHAPES[look].map(([name, properties]) => svg(name, properties));
  return svg("svg", { viewBox: "0 0 16 16", class: "shape", "aria-hidden": "true" }, ...parts);
}

function relative(instant) {
  const seconds = (new Date(instant) - Date.now()) / 1_000;
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return RELATIVE.format(Math.round(seconds / length), unit);
}

setInterval(() => {
  for (const element of document.querySelectorAll("time")) {
    const text = relative(element.dateTime);
    if (element.textContent !== text) element.textContent = text;
  }
}, TICK_MS);
