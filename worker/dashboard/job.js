/** One job: how it stands, why, what comes next, and what can be asked of it. */

import { get } from "./api.js";
import { commands } from "./commands.js";
import { fill, h } from "./dom.js";
import { events } from "./events.js";
import { watch } from "./live.js";
import { announce } from "./notices.js";
import { rejects } from "./rejects.js";
import { badge, bytes, counted, duration, ENDED, number, time } from "./words.js";

const WAIT_SECONDS = 2; // the answer comes at once with another state, else after this
const PAUSE_MS = 250;
const WORKING = ["opening", "sending", "closing"];
const REST_MS = 15_000; // a held job waits for a person, perhaps another one

export async function job(main, id) {
  const parts = ["head", "progress", "now", "acts", "counts", "stages", "proof"];
  const [head, progress, now, acts, counts, stages, proof] = parts.map((name) => h("div", { class: name, tabindex: name === "acts" ? "-1" : null }));
  const log = h("section", { "aria-labelledby": "events" });
  const aside = h("section", { "aria-labelledby": "rejects" });
  main.replaceChildren(head, progress, now, acts, counts, stages, proof, log, aside);
  const logged = events(log, id);
  const setAside = rejects(aside, id);
  head.append("Loading…");
  let state = null;
  let heard = null;
  await watch(async (signal) => {
    const status = await get(state ? `/status/${id}?wait=${WAIT_SECONDS}` : `/status/${id}`, signal);
    fill(head, [status.connector, status.mode, status.state, status.created_at, status.repeats], () => title(status));
    fill(progress, [status.progress ?? null, status.state], () => bar(status));
    fill(now, [status.waits_because, status.waits_until, status.next_step, status.if_killed_now, status.last_error, status.state], () => standing(status));
    fill(acts, [status.commands, status.rejected, status.missing, status.state], () => commands(status));
    fill(counts, countable(status), () => totals(status));
    fill(stages, status.stages, () => staged(status.stages));
    fill(proof, [status.verification, status.processing], () => proven(status));
    const latest = JSON.stringify([status.events, status.turns]);
    if (latest !== heard) await logged(signal);
    heard = latest;
    await setAside(status.rejected, signal);
    if (state && state !== status.state) announce(`The job is ${status.state}: ${counted(status.documents, "document")}`);
    state = status.state;
    if (ENDED.includes(state) && status.verification?.state !== "pending") return null;
    return ENDED.includes(state) || state === "held" ? REST_MS : PAUSE_MS;
  });
}

function title({ id, connector, mode, state, created_at, repeats }) {
  document.title = `${state} · ${connector} ${mode} – glean-durable-sync`;
  const list = `/jobs?connector=${encodeURIComponent(connector)}`;
  return [
    h("p", { class: "trail" }, h("a", { href: list }, `Jobs of ${connector}`)),
    h("h1", { tabindex: "-1" }, `${connector} ${mode} `, badge(state)),
    h("p", { class: "faint" }, h("code", {}, id), " asked for ", time(created_at)),
    repeats ? h("p", {}, "Reads again what was set aside by ", h("a", { href: `/status/${repeats}` }, repeats), ".") : null,
  ];
}

function bar({ progress, state }) {
  if (!progress || !WORKING.includes(state)) return null;
  const { documents, of, share, of_what, eta_at } = progress;
  const text = `${number(documents)} of about ${counted(of, "document")}, by ${of_what}`;
  const end = eta_at ? ` · ${left(eta_at)} left, at the pace so far` : "";
  return [
    h("progress", { max: 1, value: Math.min(1, share), "aria-label": "Progress, an estimate" }),
    h("p", { class: "faint" }, `${Math.floor(share * 100)} % · ${text}${end}`),
  ];
}

function left(instant) {
  const seconds = (new Date(instant) - Date.now()) / 1_000;
  return seconds < 10 ? "a few seconds" : `about ${duration(seconds)}`;
}

function standing({ state, waits_because, waits_until, next_step, if_killed_now, last_error }) {
  const isAtRest = if_killed_now === "nothing";
  return h(
    "dl",
    { class: "told" },
    last_error && last_error !== waits_because ? told(state === "failed" ? "Why it failed" : "Last error", h("strong", {}, last_error)) : null,
    waits_because ? told("Waits because", waits_because, waits_until ? [" · until ", time(waits_until)] : []) : null,
    told("Next", next_step),
    isAtRest ? null : told("If it were killed now", if_killed_now),
  );
}

function told(name, ...content) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, ...content.flat()));
}

function countable({ turns, attempt, next_attempt_at, documents, deleted, rejected, pages, bytes, started_at, finished_at, progress_at }) {
  return [turns, attempt, next_attempt_at, documents, deleted, rejected, pages, bytes, started_at, finished_at, progress_at];
}

function totals(status) {
  const { started_at, finished_at, progress_at } = status;
  const took = started_at && finished_at ? (new Date(finished_at) - new Date(started_at)) / 1_000 : null;
  return h(
    "dl",
    { class: "facts" },
    told("Documents", number(status.documents)),
    told("Deleted", number(status.deleted)),
    told("Set aside", number(status.rejected)),
    told("Pages", number(status.pages)),
    told("Read", bytes(status.bytes)),
    told("Turns", number(status.turns)),
    status.next_attempt_at ? told("Attempt", number(status.attempt)) : null,
    told("Started", time(started_at, "not yet")),
    finished_at ? told("Finished", time(finished_at)) : told("Progress", time(progress_at, "none yet")),
    took === null ? null : told("Took", duration(took)),
  );
}

function staged(stages) {
  if (stages.length < 2) return null;
  const names = ["Stage", "Pages", "Brought", "Deleted", "Set aside"];
  const rows = stages.map(({ stage, pages, brought, deleted, rejected }) =>
    h("tr", {}, h("th", { scope: "row" }, stage), [pages, brought, deleted, rejected].map((count) => h("td", { class: "count" }, number(count)))),
  );
  return [
    h("h2", {}, "Stages"),
    h("table", {}, h("thead", {}, h("tr", {}, names.map((name, index) => h("th", { scope: "col", class: index ? "count" : null }, name)))), h("tbody", {}, rows)),
  ];
}

/** Whether Glean holds what was sent, where the connector wants to know. */
function proven({ verification, processing }) {
  if (!verification && !processing) return null;
  return [h("h2", {}, "In Glean"), verification ? pairs(verification) : null, processing ? pairs(processing) : null];
}

function pairs(fields) {
  const known = Object.entries(fields).filter(([, value]) => value !== null && value !== "");
  return h("dl", { class: "facts" }, known.map(([name, value]) => told(name.replace(/_at$/, "").replaceAll("_", " "), said(name, value))));
}

function said(name, value) {
  if (name.endsWith("_at")) return time(value);
  return typeof value === "number" ? number(value) : String(value);
}
