// As much of Glean's indexing API as a sync asks for, and nothing checked: all is taken and counted.

import { serve } from "./server.mjs";

const BOUNDARY_BYTES_MAX = 1_000; // an opening or closing page has no documents
const ID = Buffer.from('"doc-'); // once in each document, however the JSON is laid out
const HISTORY_MAX = 10;

let shape;
const histories = new Map(); // by datasource, of uploads that a page of their own has opened, the newest first

function reshape(wanted) {
  shape = wanted;
}

function counted(body) {
  let count = 0;
  for (let at = body.indexOf(ID); at >= 0; at = body.indexOf(ID, at + ID.length)) count += 1;
  return count;
}

function bounded(body) {
  const page = JSON.parse(body);
  const time = new Date().toISOString();
  const history = histories.get(page.datasource) ?? [];
  if (page.isFirstPage) {
    history.unshift({
      uploadId: page.uploadId,
      startTime: time,
      endTime: "NA",
      status: "ACTIVE",
      processingState: "UPLOAD STARTED",
    });
    histories.set(page.datasource, history.slice(0, HISTORY_MAX));
  }
  if (page.isLastPage) {
    const upload = history.find((one) => one.uploadId === page.uploadId);
    Object.assign(upload ?? {}, {
      endTime: time,
      status: "SUCCESSFUL",
      processingState: "UPLOAD COMPLETED",
    });
  }
}

function status(url) {
  const [datasource] = url.split("/debug/")[1].split("/");
  const history = histories.get(datasource) ?? [];
  return JSON.stringify({
    documents: { bulkUploadHistory: history, counts: { uploaded: [], indexed: [] } },
    datasourceVisibility: "ENABLED_FOR_ALL",
  });
}

serve("sink", reshape, (request, body) => {
  if (request.url.includes("/debug/")) {
    return { kind: "status", body: Buffer.from(status(request.url)), latencyMs: shape.sink_ms };
  }
  if (request.url.endsWith("/deletedocument")) {
    return { kind: "deletion", body: Buffer.alloc(0), latencyMs: shape.sink_ms };
  }
  const documents = counted(body);
  if (documents === 0 && body.length <= BOUNDARY_BYTES_MAX) bounded(body);
  return {
    kind: documents === 0 ? "boundary" : "documents",
    documents,
    bytes: body.length,
    body: Buffer.alloc(0),
    latencyMs: shape.sink_ms,
  };
});
