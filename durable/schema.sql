-- Each block is a version, applied once, in order. Only ever add a block:
-- after a rollback, old code runs on the new schema.

-- version 1
CREATE TABLE job (
  id TEXT PRIMARY KEY, -- sorts by time of creation
  state TEXT NOT NULL,
  trigger_key TEXT, -- what asked for the job, where that must count once
  body TEXT NOT NULL -- the whole Job, as JSON
) WITHOUT ROWID;
CREATE INDEX job_unended ON job (state) WHERE state NOT IN ('succeeded', 'failed');
CREATE INDEX job_trigger ON job (trigger_key) WHERE trigger_key IS NOT NULL;
CREATE TABLE watermark (
  name TEXT PRIMARY KEY,
  at_ms INTEGER NOT NULL
) WITHOUT ROWID;
