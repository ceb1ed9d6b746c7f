/** What a held job would delete: the first of it, and how many more there are. */

import { get } from "./api.js";
import { fill, h } from "./dom.js";
import { counted, number } from "./words.js";

const SHOWN = 20;
const COLUMNS = ["Id", "Type", "Title"];

/** Show it in a section, which is empty but for a held job. Returns what looks for another list. */
export function missing(section, id) {
  let shown = ""; // the list's digest
  return async ({ state, missing_list }, signal) => {
    const wanted = state === "held" ? missing_list : "";
    if (wanted === shown) return;
    const found = wanted ? await get(`/missing/${id}`, signal) : null;
    shown = wanted;
    fill(section, found, () => (found ? listed(found) : []));
  };
}

function listed({ stage, total, unnamed, missing }) {
  const first = missing.slice(0, SHOWN);
  const rest = unnamed ? 0 : total - first.length;
  const named =
    stage === "memberships"
      ? `Would lose members: ${counted(total, "group")}`
      : `Would be deleted: ${number(total)} ${stage}`;
  const heading = unnamed
    ? `In Glean, and brought by nobody here: ${number(total)} ${stage}`
    : named;
  const heads = COLUMNS.map((name) => h("th", { scope: "col", role: "columnheader" }, name));
  const table = h(
    "table",
    { class: "stacked", role: "table", "aria-labelledby": "missing" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
    h("tbody", { role: "rowgroup" }, first.map(row)),
  );
  return [
    h("h2", { id: "missing" }, heading),
    table,
    rest > 0 ? h("p", {}, `and ${number(rest)} more`) : null,
  ];
}

function row({ id, type, title, url }) {
  const name = title || url || "–";
  const cells = [type ?? "–", isPage(url) ? linked(name, url) : name];
  return h(
    "tr",
    { role: "row", "data-key": `${type} ${id}` },
    h("th", { scope: "row", role: "rowheader", "data-label": COLUMNS[0] }, h("code", {}, id)),
    cells.map((cell, index) => h("td", { role: "cell", "data-label": COLUMNS[index + 1] }, cell)),
  );
}

function linked(name, url) {
  return h("a", { href: url, rel: "noreferrer", target: "_blank" }, name);
}

/** A source may give any text for an address; one of another scheme would be code. */
function isPage(url) {
  return /^https?:\/\//i.test(url ?? "");
}
