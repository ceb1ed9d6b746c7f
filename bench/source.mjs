// A paged JSON source whose pages differ in nothing but their ids, so that each costs one copy.
//
// GET /pages?cursor=7 gives page 7 of those that the shape asks for; without a cursor, the first.
// By night 1, one document of a thousand has changed, and one of two thousand is gone.

import { serve } from "./server.mjs";

const DIGITS = 9;
const ID = "0".repeat(DIGITS);
// Line breaks and quotes are escaped in JSON, and letters beyond ASCII take more than a byte.
const LINE = 'A line of a document, with "quotes", umlauts (ä, ö, ü) and not much else to say.\n';

let shape, head, places, tail;

function reshape(wanted) {
  shape = wanted;
  const records = Array.from({ length: shape.documents }, () => record(shape.document_bytes));
  const items = `{"items":[${records.join(",")}],"next_cursor":`;
  head = Buffer.from(items);
  places = [];
  for (let at = head.indexOf('"doc-'); at >= 0; at = head.indexOf('"doc-', at + 1)) {
    places.push(at + '"doc-'.length);
  }
  tail = (next) => Buffer.from(next < shape.pages ? `"${next}"}` : "null}");
}

function record(bytes) {
  const empty = {
    id: `doc-${ID}`,
    title: "A document of the bench",
    url: "https://bench.example.com/documents/one",
    updated_at: "2026-01-02T03:04:05Z",
    text: "",
  };
  const missing = bytes - Buffer.byteLength(JSON.stringify(empty));
  const perLine = Buffer.byteLength(JSON.stringify(LINE)) - 2;
  const lines = LINE.repeat(Math.max(0, Math.floor(missing / perLine)));
  const rest = "x".repeat(Math.max(0, missing % perLine));
  return JSON.stringify({ ...empty, text: lines + rest });
}

const hasChanged = (number) => shape.night > 0 && number % 1_000 === 500;
const isGone = (number) => shape.night > 0 && number % 2_000 === 700;

function page(index) {
  const body = wholePage(index);
  const first = index * shape.documents;
  const numbers = Array.from({ length: shape.documents }, (_, place) => first + place);
  if (!numbers.some((number) => hasChanged(number) || isGone(number))) return body;
  const { items, next_cursor } = JSON.parse(body);
  const left = items.filter((_, place) => !isGone(numbers[place]));
  for (const item of left) {
    if (hasChanged(Number(item.id.slice("doc-".length)))) item.title = "A document that has changed";
  }
  return Buffer.from(JSON.stringify({ items: left, next_cursor }));
}

function wholePage(index) {
  const end = tail(index + 1);
  const body = Buffer.allocUnsafe(head.length + end.length);
  head.copy(body);
  end.copy(body, head.length);
  places.forEach((at, place) => {
    const id = String(index * shape.documents + place).padStart(DIGITS, "0");
    body.latin1Write(id, at, DIGITS);
  });
  return body;
}

serve("source", reshape, (request) => {
  const cursor = new URL(request.url, "http://source").searchParams.get("cursor");
  const index = Number(cursor ?? 0);
  return { kind: "page", index, body: page(index), latencyMs: shape.source_ms };
});
