/** Numbers, times and names, as people read them. */

import { h } from "./dom.js";
import { STATES } from "./states.js";
import { TEXTS } from "./texts.js";

const NUMBER = new Intl.NumberFormat("en");
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const ABSOLUTE = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "long" });
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const TICK_MS = 15_000;

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
  return whole < 86_400
    ? joined(whole, 3_600, "h", 60, "min")
    : joined(whole, 86_400, "d", 3_600, "h");
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

function relative(instant) {
  const seconds = (new Date(instant) - Date.now()) / 1_000;
  const [unit, length] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return RELATIVE.format(Math.round(seconds / length), unit);
}

/** A message in the words of this page; as the API says it where its code is newer. */
export function say(message) {
  if (!message) return "";
  const { code, parameters, text } = message;
  const shown = (name) =>
    typeof parameters[name] === "number" ? number(parameters[name]) : parameters[name];
  return TEXTS[code]?.replace(/\$(\w+)/g, (_, name) => shown(name)) ?? text;
}

/** Whether a state is in one of these phases of a job's life. */
export function isWithin(state, ...phases) {
  return phases.includes(STATES[state]?.phase);
}

setInterval(() => {
  for (const element of document.querySelectorAll("time")) {
    const text = relative(element.dateTime);
    if (element.textContent !== text) element.textContent = text;
  }
}, TICK_MS);
