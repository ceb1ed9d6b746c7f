/** How a job stands, part by part. Each is made of its status, and may be nothing. */

import { badge } from "./badge.js";
import { h } from "./dom.js";
import { bytes, counted, duration, isWithin, number, say, time } from "./words.js";

export function title({ id, connector, mode, state, created_at, repeats, begun_by }) {
  document.title = `${state} · ${connector} ${mode} – glean-durable-sync`;
  const list = `/jobs?connector=${encodeURIComponent(connector)}`;
  const repeated = h("a", { href: `/status/${repeats}`, "data-key": "repeats" }, repeats);
  return [
    h("p", { class: "trail" }, h("a", { href: list, "data-key": "jobs" }, `Jobs of ${connector}`)),
    h("h1", {}, `${connector} ${mode} `, badge(state)),
    h(
      "p",
      { class: "faint" },
      h("code", {}, id),
      " asked for ",
      time(created_at),
      begun_by ? ` by ${begun_by}` : "",
    ),
    repeats ? h("p", {}, "Reads again what was rejected by ", repeated, ".") : null,
  ];
}

export function progress({ progress, state }) {
  if (!progress || !isWithin(state, "working")) return null;
  const { documents, of, share, of_what, eta_at } = progress;
  const text = `${number(documents)} of about ${counted(of, "document")}, by ${of_what}`;
  const end = eta_at ? ` · ${left(eta_at)} left, at the pace so far` : "";
  return [
    h("progress", { max: 1, value: Math.min(1, share), "aria-label": "Progress, an estimate" }),
    h("p", { class: "faint" }, `${Math.floor(share * 100)} % · ${text}${end}`),
  ];
}

export function standing(status) {
  const { state, waits_because, waits_until, next_step, last_error } = status;
  const { if_killed_now, since_because } = status;
  const next = say(status.remedy ?? next_step) || "nothing";
  const until = waits_until ? [" · until ", time(waits_until)] : [];
  const isNews = last_error && last_error !== waits_because;
  const error = state === "failed" ? "Why it failed" : "Last error";
  return h(
    "dl",
    { class: "told" },
    isNews ? told(error, h("strong", {}, last_error)) : null,
    waits_because ? told("Waits because", waits_because, ...until) : null,
    told("Next", next),
    since_because ? told("Reads", say(since_because)) : null,
    if_killed_now ? told("If it were killed now", say(if_killed_now)) : null,
    status.findings.map((finding) => told("Worth knowing", say(finding))),
  );
}

/** What a job has done to the documents in Glean; what it has brought, where nobody compares. */
export function outcome({ changes, documents }) {
  if (!changes) return counted(documents, "document");
  const { added, changed, access, deleted, unchanged } = changes;
  const numbers = [
    [added, "added"],
    [changed, "changed"],
    [access, "permissions alone"],
    [deleted, "deleted"],
    [unchanged, "unchanged"],
  ];
  const words = numbers
    .filter(([count]) => count)
    .map(([count, what]) => `${number(count)} ${what}`);
  return words.join(", ") || "nothing yet";
}

export function changes({ changes, documents, way }) {
  if (!changes) return null;
  const how = { replace: "All are sent", reconcile: "Differences alone are sent" }[way];
  return h("p", {}, `Documents: ${outcome({ changes, documents })}.`, how ? ` ${how}.` : "");
}

export function totals(status) {
  const { started_at, finished_at } = status;
  const ms = started_at && finished_at ? new Date(finished_at) - new Date(started_at) : null;
  return h(
    "dl",
    { class: "facts" },
    told("Documents", number(status.documents)),
    told("Deleted", number(status.deleted)),
    told("Rejected", number(status.rejected)),
    told("Pages", number(status.pages)),
    told("Read", bytes(status.bytes)),
    told("Turns", number(status.turns)),
    status.next_attempt_at ? told("Attempt", number(status.attempt)) : null,
    told("Started", time(started_at, "not yet")),
    finished_at
      ? told("Finished", time(finished_at))
      : told("Progress", time(status.progress_at, "none yet")),
    ms === null ? null : told("Took", duration(ms / 1_000)),
  );
}

export function stages({ stages }) {
  if (stages.length < 2) return null;
  const count = { class: "count" };
  const heads = ["Pages", "Brought", "Deleted", "Rejected"].map((name) =>
    h("th", { scope: "col", ...count }, name),
  );
  const rows = stages.map(({ stage, pages, brought, deleted, rejected }) => {
    const cells = [pages, brought, deleted, rejected].map((one) => h("td", count, number(one)));
    return h("tr", {}, h("th", { scope: "row" }, stage), cells);
  });
  const head = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Stage"), heads));
  return [h("h2", {}, "Stages"), h("table", {}, head, h("tbody", {}, rows))];
}

/** Whether Glean holds what was sent, and has deleted what was not. */
export function proof({ verification, processing, deletions }) {
  const deleted = deletions.map(({ stage, state, ...fields }) => ({
    [`deletion of ${stage}`]: state === "paused" ? "DELETION PAUSED by Glean" : state,
    ...fields,
  }));
  const verified = verification && { ...verification, remedy: say(verification.remedy) };
  const known = [verified, processing, ...deleted].filter(Boolean);
  return known.length ? [h("h2", {}, "In Glean"), known.map(pairs)] : null;
}

function pairs(fields) {
  const known = Object.entries(fields).filter(([, value]) => value !== null && value !== "");
  const named = known.map(([name, value]) => {
    const words = name.replace(/_at$/, "").replaceAll("_", " ");
    const isTime = name.endsWith("_at") || ["until", "paused_since"].includes(name);
    return told(words, isTime ? time(value) : said(value));
  });
  return h("dl", { class: "facts" }, named);
}

function said(value) {
  return typeof value === "number" ? number(value) : String(value);
}

function told(name, ...content) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, ...content));
}

function left(instant) {
  const seconds = (new Date(instant) - Date.now()) / 1_000;
  return seconds < 10 ? "a few seconds" : `about ${duration(seconds)}`;
}
