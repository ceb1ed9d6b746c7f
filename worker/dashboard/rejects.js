/** Records that a job has set aside, each with its reason. */

import { acting } from "./actions.js";
import { get } from "./api.js";
import { h } from "./dom.js";
import { number } from "./words.js";

const COLUMNS = ["Page and record", "Document", "Reason", "Beginning of the record"];

/** Show them in a section, which is empty while there are none. Returns what looks for new ones. */
export function rejects(section, id) {
  let shown = null;
  return async (count, signal) => {
    if (count === shown) return;
    shown = count;
    const found = count ? await get(`/rejects/${id}`, signal) : null;
    section.replaceChildren(...(found ? listed(found) : []));
  };
}

function listed(first) {
  const body = h("tbody", { role: "rowgroup" }, first.rejects.map(row));
  const head = h("tr", { role: "row" }, COLUMNS.map((name) => h("th", { scope: "col", role: "columnheader" }, name)));
  const table = h("table", { class: "stacked", role: "table", "aria-labelledby": "rejects" }, h("thead", { role: "rowgroup" }, head), body);
  const more = h("button", { type: "button" }, "More");
  let next = first.next;
  more.hidden = !next;
  acting(more, async () => {
    const found = await get(next);
    const rows = found.rejects.map(row);
    body.append(...rows);
    next = found.next;
    more.hidden = !next;
    rows[0]?.querySelector("th").focus();
  });
  return [h("h2", { id: "rejects" }, `Set aside (${number(first.total)})`), table, h("div", { class: "buttons" }, more)];
}

function row({ page, record, key, reason, excerpt }) {
  const cells = [key ?? "–", reason, h("code", { class: "excerpt" }, excerpt)];
  return h(
    "tr",
    { role: "row" },
    h("th", { scope: "row", role: "rowheader", "data-label": COLUMNS[0], tabindex: "-1" }, `${page}.${record}`),
    cells.map((cell, index) => h("td", { role: "cell", "data-label": COLUMNS[index + 1] }, cell)),
  );
}
