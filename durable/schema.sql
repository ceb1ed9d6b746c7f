-- Each block is a version, applied once, in order. Only ever add a block:
-- after a rollback, old code runs on the new schema.

-- version 1
CREATE TABLE job (
  id TEXT PRIMARY KEY, -- sorts by time of creation
  state TEXT NOT NULL,
  body TEXT NOT NULL -- the whole Job, as JSON
) WITHOUT ROWID;
CREATE INDEX job_unended ON job (state) WHERE state NOT IN ('succeeded', 'failed');
CREATE TABLE trigger_key (
  key TEXT PRIMARY KEY, -- what asked for a job, where that must count once
  job_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE watermark (
  name TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL
) WITHOUT ROWID;
