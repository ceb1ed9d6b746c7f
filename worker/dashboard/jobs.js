/** The jobs of all connectors, newest first. */

import { get } from "./api.js";
import { badge } from "./badge.js";
import { fill, h } from "./dom.js";
import { watch } from "./live.js";
import { STATES } from "./states.js";
import { duration, number, time } from "./words.js";

const LOOK_MS = 5_000;
const COLUMNS = ["Job", "State", "Documents", "Deleted", "Rejected", "Took", "Error"];

export async function jobs(main) {
  const asked = new URLSearchParams(location.search);
  const filter = h("form", { class: "filter", role: "search", "aria-label": "Jobs" });
  const table = h("div", {}, "Loading…");
  const pages = h("nav", { class: "buttons", "aria-label": "Further jobs" });
  main.replaceChildren(h("h1", {}, "Jobs"), filter, table, pages);
  const { connectors } = await get("/connectors");
  filled(
    filter,
    asked,
    connectors.map(({ name }) => name),
  );
  const isFirst = !asked.has("before");
  await watch(async (signal) => {
    const found = await get(`/jobs?${asked}`, signal);
    fill(table, found.jobs, (jobs) =>
      jobs.length ? listed(jobs) : h("p", {}, "There are no such jobs."),
    );
    fill(pages, found.next, (next) => [
      isFirst
        ? null
        : h("a", { class: "button", href: newest(asked), "data-key": "newest" }, "Newest"),
      next ? h("a", { class: "button", href: next, "data-key": "older" }, "Older") : null,
    ]);
    return isFirst ? LOOK_MS : null;
  });
}

/** The choices; another one shows other jobs at once. */
function filled(form, asked, names) {
  const choice = (name, label, values, all) =>
    h(
      "label",
      {},
      label,
      h(
        "select",
        { name, onchange: () => form.requestSubmit() },
        h("option", { value: "" }, all),
        values.map((value) => h("option", { value, selected: asked.get(name) === value }, value)),
      ),
    );
  form.append(
    choice("connector", "Connector", names, "all"),
    choice("state", "State", Object.keys(STATES), "any"),
    h("noscript", {}, h("button", {}, "Show")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = [...new FormData(form)].filter(([, value]) => value);
    location.assign(`/jobs?${new URLSearchParams(chosen)}`);
  });
}

function newest(asked) {
  const rest = new URLSearchParams(asked);
  rest.delete("before");
  return `/jobs?${rest}`;
}

function listed(jobs) {
  const heads = COLUMNS.map((name, index) =>
    h("th", { scope: "col", role: "columnheader", class: counting(index) }, name),
  );
  const head = h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads));
  return h(
    "table",
    { class: "stacked", role: "table" },
    h("caption", { class: "unseen" }, "Jobs, newest first"),
    head,
    h("tbody", { role: "rowgroup" }, jobs.map(row)),
  );
}

function row(job) {
  const link = h(
    "a",
    { href: `/status/${job.id}`, "data-key": job.id },
    `${job.connector} ${job.mode}`,
  );
  const cells = [
    [
      link,
      " ",
      h(
        "span",
        { class: "faint" },
        time(job.created_at),
        job.begun_by ? ` by ${job.begun_by}` : "",
      ),
    ],
    badge(job.state),
    number(job.documents),
    number(job.deleted),
    number(job.rejected),
    duration(job.seconds),
    job.error ? h("span", { class: "clamped", title: job.error }, job.error) : null,
  ];
  return h(
    "tr",
    { role: "row", "data-key": job.id },
    cells.map((cell, index) => {
      const properties = {
        role: index ? "cell" : "rowheader",
        "data-label": COLUMNS[index],
        class: counting(index),
      };
      return h(
        index ? "td" : "th",
        cell === null ? { ...properties, "data-empty": true } : properties,
        cell,
      );
    }),
  );
}

function counting(index) {
  return index >= 2 && index <= 5 ? "count" : null;
}
