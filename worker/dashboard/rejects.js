/** Records that a job has rejected, each with its reason. */

import { acting } from "./actions.js";
import { get } from "./api.js";
import { fill, h } from "./dom.js";
import { number } from "./words.js";

const COLUMNS = ["Page and record", "Document", "Reason", "Beginning of the record"];

/** Show them in a section, which is empty while there are none. Returns what looks for new ones. */
export function rejects(section, id) {
  let shown = null; // how many there were
  let rows = [];
  let next = null; // where further ones are
  const draw = () =>
    fill(section, [shown, rows, next], () => (shown ? listed(shown, rows, next && more) : []));
  const more = async () => {
    const from = next;
    const found = await get(from);
    if (next !== from) return; // they were read anew meanwhile
    const count = rows.length;
    rows = [...rows, ...found.rejects];
    next = found.next;
    draw();
    section.querySelectorAll("tbody th")[count]?.focus();
  };
  return async (count, signal) => {
    if (count === shown) return;
    const known = [];
    let path = count ? `/rejects/${id}` : null;
    // As many as were asked for before, so that no row goes that somebody reads.
    do {
      const found = path ? await get(path, signal) : { rejects: [], next: null };
      known.push(...found.rejects);
      path = found.next;
    } while (path && known.length < rows.length);
    [shown, rows, next] = [count, known, path];
    draw();
  };
}

function listed(total, rejects, more) {
  const body = h("tbody", { role: "rowgroup" }, rejects.map(row));
  const head = h(
    "tr",
    { role: "row" },
    COLUMNS.map((name) => h("th", { scope: "col", role: "columnheader" }, name)),
  );
  const table = h(
    "table",
    { class: "stacked", role: "table", "aria-labelledby": "rejects" },
    h("thead", { role: "rowgroup" }, head),
    body,
  );
  const button = more && h("button", { type: "button", onclick: acting(more) }, "More");
  return [
    h("h2", { id: "rejects" }, `Rejected (${number(total)})`),
    table,
    h("div", { class: "buttons" }, button),
  ];
}

function row({ page, record, key, reason, excerpt }) {
  const cells = [key ?? "–", reason, h("code", { class: "excerpt" }, excerpt)];
  return h(
    "tr",
    { role: "row", "data-key": `${page}.${record}` },
    h(
      "th",
      { scope: "row", role: "rowheader", "data-label": COLUMNS[0], tabindex: "-1" },
      `${page}.${record}`,
    ),
    cells.map((cell, index) => h("td", { role: "cell", "data-label": COLUMNS[index + 1] }, cell)),
  );
}
