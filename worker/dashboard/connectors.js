/** All connectors: how each is, why, and what comes next. */

import { acting } from "./actions.js";
import { get, trigger } from "./api.js";
import { badge, HEALTHS } from "./badge.js";
import { fill, h } from "./dom.js";
import { watch } from "./live.js";
import { announce } from "./notices.js";
import { sparkline } from "./sparkline.js";
import { duration, number, say, time } from "./words.js";

const LOOK_MS = 5_000;

export async function connectors(main) {
  const list = h("div", { class: "cards" }, "Loading…");
  main.replaceChildren(h("h1", {}, "Connectors"), list);
  const healths = new Map();
  await watch(async (signal) => {
    const found = (await get("/connectors", signal)).connectors;
    fill(list, found, () =>
      found.length
        ? found.map(card)
        : h("p", {}, "There are no connectors: each file in connectors/ is one."),
    );
    for (const { name, health } of found) {
      const before = healths.get(name);
      if (before && before !== health) announce(`${name}: ${HEALTHS[health].words}`);
      healths.set(name, health);
    }
    return LOOK_MS;
  });
}

function card(connector) {
  const { name, health, why, remedy, findings, jobs, current } = connector;
  const told = [why, say(remedy)].filter(Boolean).join(". ");
  const list = `/jobs?connector=${encodeURIComponent(name)}`;
  return h(
    "article",
    { class: "card", tabindex: "-1", "data-key": name },
    h(
      "div",
      { class: "card-head" },
      h("h2", {}, h("a", { href: list, "data-key": `jobs ${name}` }, name)),
      badge(health, HEALTHS[health].words),
      told ? h("p", { class: "why" }, told) : null,
      findings.map((finding) => h("p", { class: "finding" }, say(finding))),
      current && current.id !== jobs[0]?.id
        ? h(
            "p",
            {},
            h(
              "a",
              { href: `/status/${current.id}`, "data-key": `now ${name}` },
              `${current.mode} ${current.state}`,
            ),
          )
        : null,
    ),
    facts(connector),
    h("div", { class: "card-jobs" }, sparkline(jobs), h("p", { class: "faint" }, latest(jobs[0]))),
    h("div", { class: "buttons" }, start(name, "FULL"), start(name, "INCREMENTAL")),
  );
}

function facts({
  name,
  datasource,
  next_at,
  next_mode,
  last_success_at,
  last_full_success_at,
  watermark,
  documents,
  outdated,
  unconfirmed,
  foreign_uploads,
  deletions,
  stale_after_seconds,
}) {
  const paused = deletions.filter(({ state }) => state === "paused");
  const due = next_at ? [time(next_at), ` ${next_mode}`] : ["by hand only"];
  return h(
    "dl",
    { class: "facts" },
    fact("Next due", ...due),
    fact("Last success", time(last_success_at, "never")),
    fact("Last FULL success", time(last_full_success_at, "never")),
    fact("Documents", number(documents)),
    outdated ? fact("Older than the source", number(outdated)) : null,
    unconfirmed ? fact("Unconfirmed", number(unconfirmed)) : null,
    paused.length ? fact("Deletions paused", paused.map(({ stage }) => stage).join(", ")) : null,
    foreign_uploads ? fact("Uploads by others", number(foreign_uploads)) : null,
    watermark ? fact("Watermark", time(watermark)) : null,
    datasource === name ? null : fact("Datasource", datasource),
    stale_after_seconds ? fact("Stale after", duration(stale_after_seconds)) : null,
  );
}

function fact(name, ...content) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, ...content));
}

function latest(job) {
  if (!job) return "No jobs yet";
  const when = time(job.finished_at ?? job.started_at ?? job.created_at);
  return h(
    "span",
    {},
    h(
      "a",
      { href: `/status/${job.id}`, "data-key": `latest ${job.connector}` },
      `Latest: ${job.mode} ${job.state}`,
    ),
    " ",
    when,
  );
}

function start(connector, mode) {
  const act = async () => location.assign((await trigger(connector, mode)).status_url);
  return h(
    "button",
    {
      type: "button",
      "data-key": `${mode} ${connector}`,
      "aria-label": `Trigger ${mode} of ${connector}`,
      onclick: acting(act),
    },
    `Trigger ${mode}`,
  );
}
