-- Each block is a version, applied once, in order. Only ever add a block:
-- after a rollback, old code runs on the new schema.

-- version 1
CREATE TABLE job (
  id TEXT PRIMARY KEY, -- sorts by time of creation
  state TEXT NOT NULL,
  body TEXT NOT NULL -- the whole Job, as JSON
) WITHOUT ROWID;
CREATE INDEX job_state ON job (state);
CREATE TABLE trigger_key (
  key TEXT PRIMARY KEY, -- what asked for a job, where that must count once
  job_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE watermark (
  name TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE reject (
  job_id TEXT NOT NULL,
  page INTEGER NOT NULL, -- of the source, from 1
  place INTEGER NOT NULL, -- in the page, from 1
  body TEXT NOT NULL, -- the Reject, as JSON
  PRIMARY KEY (job_id, page, place)
) WITHOUT ROWID;
CREATE TABLE verification (
  job_id TEXT PRIMARY KEY,
  is_due INTEGER NOT NULL, -- whether there is still something to do
  body TEXT NOT NULL -- the whole Verification, as JSON
) WITHOUT ROWID;
CREATE TABLE processing ( -- the latest call of /processalldocuments
  datasource TEXT PRIMARY KEY,
  called_at_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE event ( -- what happened to a job
  job_id TEXT NOT NULL,
  number INTEGER NOT NULL, -- from 1, and of very many, some in the middle are forgotten
  body TEXT NOT NULL, -- the Happening, as JSON
  PRIMARY KEY (job_id, number)
) WITHOUT ROWID;
CREATE TABLE summary ( -- what there is one of
  name TEXT PRIMARY KEY,
  body TEXT NOT NULL -- as JSON
) WITHOUT ROWID;
CREATE TABLE delivery ( -- of an alert to one target, still to be made
  id TEXT PRIMARY KEY,
  due_at_ms INTEGER NOT NULL,
  body TEXT NOT NULL -- the Delivery, as JSON
) WITHOUT ROWID;
CREATE TABLE ledger ( -- what Glean has acknowledged, a row for each thing
  kind INTEGER NOT NULL, -- of thing
  key TEXT NOT NULL, -- its id, folded as Glean folds it
  number INTEGER NOT NULL, -- its place in what a crawl has seen
  type TEXT NOT NULL,
  content TEXT NOT NULL, -- digests
  access TEXT NOT NULL,
  state INTEGER NOT NULL,
  crawl_at_ms INTEGER NOT NULL, -- when the crawl began that wrote the row
  id TEXT, -- where it is spelt otherwise than the key
  record_key TEXT, -- the source's own, where it is not the id
  title TEXT,
  url TEXT,
  former_types TEXT, -- as JSON: Glean may have it under these, too
  PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE INDEX ledger_unconfirmed ON ledger (kind, state) WHERE state > 1;
CREATE TABLE pack ( -- of the crawl under way: each try of a page, before it is sent
  number INTEGER PRIMARY KEY, -- rises with each try
  page INTEGER NOT NULL, -- of the crawl, from 1
  number_next INTEGER NOT NULL, -- the first number of the ledger that is free after it
  seen TEXT NOT NULL, -- base64 of four bytes for each number
  others TEXT, -- OtherKeys, as JSON, where there are any
  puts TEXT -- as JSON, where there are any
);
CREATE TABLE more_puts ( -- of a pack that has very many
  number INTEGER NOT NULL, -- of the pack
  part INTEGER NOT NULL,
  puts TEXT NOT NULL, -- as JSON
  PRIMARY KEY (number, part)
) WITHOUT ROWID;
CREATE TABLE gone ( -- what a FULL crawl has not seen, by the crawl
  crawl_at_ms INTEGER NOT NULL,
  number INTEGER NOT NULL, -- from 1, in the order of the keys
  body TEXT NOT NULL, -- some of them, as JSON
  PRIMARY KEY (crawl_at_ms, number)
) WITHOUT ROWID;
