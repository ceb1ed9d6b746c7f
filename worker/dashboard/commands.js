/** What can be asked of a job. Each asks before it acts, and says what comes of it. */

import { acting } from "./actions.js";
import { post } from "./api.js";
import { h } from "./dom.js";
import { lookAgain } from "./live.js";
import { quiet } from "./notices.js";
import { counted, isWithin, number } from "./words.js";

/** The buttons for what a job takes now. */
export function commands(status) {
  const known = { approve: approval, cancel: cancellation, retry: retrial };
  const offers = status.commands.filter((name) => name in known).map((name) => known[name](status));
  if (status.rejected && isWithin(status.state, "ended")) offers.push(repetition(status));
  return h("div", { class: "buttons" }, offers.map(button));
}

function approval({ id, stage, missing, missing_list, unnamed }) {
  if (unnamed) return takeover({ id, stage, missing, missing_list });
  if (stage === "memberships") return departure({ id, missing, missing_list });
  const documents = `${number(missing)} ${stage}`;
  return {
    label: `Approve: delete ${documents}`,
    title: `Delete ${documents}?`,
    consequence: `The job reads the source again from its start, and then deletes what is on this list of ${documents} and is still missing, and nothing else. If anything more is missing by then, the job is held again.`,
    act: `Delete ${documents}`,
    danger: true,
    path: `/approve/${id}`,
    body: { list: missing_list },
  };
}

function departure({ id, missing, missing_list }) {
  const groups = counted(missing, "group");
  return {
    label: `Approve: take members out of ${groups}`,
    title: `Take members out of ${groups}?`,
    consequence: `The job reads the source again from its start, and then the groups on this list lose as many members as it says, and no more. If a group would lose more by then, the job is held again.`,
    act: `Take members out of ${groups}`,
    danger: true,
    path: `/approve/${id}`,
    body: { list: missing_list },
  };
}

function takeover({ id, stage, missing, missing_list }) {
  const documents = `${number(missing)} ${stage}`;
  return {
    label: `Approve: replace ${documents}`,
    title: `Replace ${documents}?`,
    consequence: `The job reads the source from its start, and then all of the ${documents} in Glean that the source does not have are deleted. Which these are, nobody can tell before; where they are many, Glean pauses the deletion for seven days. If Glean has more by then, the job is held again.`,
    act: `Replace ${documents}`,
    danger: true,
    path: `/approve/${id}`,
    body: { list: missing_list },
  };
}

function cancellation({ id, state, documents, way }) {
  const brought = documents
    ? ` The ${counted(documents, "document")} it has brought so far ${way === "replace" ? "count for nothing, unless it is retried" : "stay"}.`
    : "";
  return {
    label: "Cancel",
    title: "Cancel this job?",
    consequence: `Nothing more is sent, and nothing more is deleted.${state === "held" ? " The deletions that wait for you do not take place." : brought}`,
    act: "Cancel the job",
    danger: true,
    path: `/cancel/${id}`,
  };
}

function retrial({ id, connector }) {
  return {
    label: "Retry",
    title: "Retry this job?",
    consequence: `It is queued again, behind what ${connector} has under way. It goes on from its last page if Glean still has its upload open, else it begins anew.`,
    act: "Retry the job",
    path: `/retry/${id}`,
  };
}

function repetition({ id, rejected }) {
  const records = counted(rejected, "record");
  return {
    label: `Retry ${records} rejected`,
    title: `Read ${records} again?`,
    consequence:
      "A new job reads the pages again that had them, and sends only these. Mend the source or the mapping first.",
    act: "Retry them",
    path: `/retry/${id}?rejects=true`,
  };
}

function button(offer) {
  const look = offer.danger && offer.body ? "danger" : "";
  const act = async () => {
    const { id, status_url } = await post(offer.path, offer.body);
    quiet();
    // Records that were rejected are read again by a job of their own.
    if (location.pathname === `/status/${id}`) lookAgain();
    else location.assign(status_url);
  };
  const does = { class: look, "data-key": offer.path, onclick: acting(act, offer) };
  return h("button", { type: "button", ...does }, offer.label);
}
