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
CREATE TABLE tied (
  name TEXT PRIMARY KEY, -- of the watermark
  at_ms INTEGER NOT NULL, -- likewise: with another one, this is out of date
  body TEXT NOT NULL -- the ties on it, as JSON
) WITHOUT ROWID;
CREATE TABLE full_count ( -- of the last FULL job that succeeded
  name TEXT PRIMARY KEY, -- of the stage
  document_count INTEGER NOT NULL
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
CREATE TABLE letter ( -- an alert that is still to be sent
  id TEXT PRIMARY KEY,
  due_at_ms INTEGER NOT NULL,
  body TEXT NOT NULL -- the Letter, as JSON
) WITHOUT ROWID;
