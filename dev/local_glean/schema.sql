CREATE TABLE IF NOT EXISTS datasource (
  name TEXT PRIMARY KEY,
  config BLOB NOT NULL -- JSON, as it was sent
) WITHOUT ROWID;

-- The live index. identity is the id in one case, since Glean does not tell case, and the type
-- where documents are known by that too.
CREATE TABLE IF NOT EXISTS document (
  key INTEGER PRIMARY KEY,
  datasource TEXT NOT NULL,
  identity TEXT NOT NULL,
  id TEXT NOT NULL,
  object_type TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  body BLOB NOT NULL, -- JSON, as it was sent
  is_visible INTEGER NOT NULL,
  uploaded_at_ms INTEGER NOT NULL,
  indexed_at_ms INTEGER NOT NULL,
  paused_by INTEGER, -- the upload that would have deleted it
  UNIQUE (datasource, identity)
);
CREATE INDEX IF NOT EXISTS document_paused ON document (paused_by) WHERE paused_by IS NOT NULL;

-- Users, groups, memberships, employees and teams.
CREATE TABLE IF NOT EXISTS record (
  entity TEXT NOT NULL,
  datasource TEXT NOT NULL, -- empty for employees and teams, which are of none
  group_name TEXT NOT NULL, -- whose membership it is; else empty
  key TEXT NOT NULL, -- of a membership: 'user EMAIL' or 'group NAME'
  reference TEXT NOT NULL, -- of a user: the datasource's own id; else empty
  body BLOB NOT NULL, -- JSON, as it was sent
  paused_by INTEGER, -- the upload that would have deleted it
  PRIMARY KEY (entity, datasource, group_name, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_reference ON record (entity, datasource, reference);
CREATE INDEX IF NOT EXISTS record_paused ON record (paused_by) WHERE paused_by IS NOT NULL;

CREATE TABLE IF NOT EXISTS upload (
  sequence INTEGER PRIMARY KEY,
  entity TEXT NOT NULL,
  datasource TEXT NOT NULL,
  group_name TEXT NOT NULL, -- whose memberships it has; else empty
  upload_id TEXT NOT NULL,
  state TEXT NOT NULL,
  page_count INTEGER NOT NULL, -- that are not empty
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  UNIQUE (datasource, upload_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS upload_open ON upload (datasource, entity) WHERE state = 'open';

-- What was sent to uploads that are open.
CREATE TABLE IF NOT EXISTS staged (
  upload INTEGER NOT NULL REFERENCES upload (sequence),
  identity TEXT NOT NULL,
  id TEXT NOT NULL,
  object_type TEXT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  body BLOB NOT NULL,
  is_visible INTEGER NOT NULL,
  uploaded_at_ms INTEGER NOT NULL,
  UNIQUE (upload, identity)
);

CREATE TABLE IF NOT EXISTS staged_record (
  upload INTEGER NOT NULL REFERENCES upload (sequence),
  key TEXT NOT NULL,
  reference TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (upload, key)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS processing (
  sequence INTEGER PRIMARY KEY,
  kind TEXT NOT NULL, -- documents, identity or people
  datasource TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER NOT NULL
);

CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5 (
  title, text, content = 'document', content_rowid = 'key'
);
CREATE TRIGGER IF NOT EXISTS search_insert AFTER INSERT ON document BEGIN
  INSERT INTO search (rowid, title, text) VALUES (new.key, new.title, new.text);
END;
CREATE TRIGGER IF NOT EXISTS search_delete AFTER DELETE ON document BEGIN
  INSERT INTO search (search, rowid, title, text)
  VALUES ('delete', old.key, old.title, old.text);
END;
-- Most documents of a full crawl are the same as before: they are not indexed again.
CREATE TRIGGER IF NOT EXISTS search_update AFTER UPDATE ON document
WHEN old.title IS NOT new.title OR old.text IS NOT new.text BEGIN
  INSERT INTO search (search, rowid, title, text)
  VALUES ('delete', old.key, old.title, old.text);
  INSERT INTO search (rowid, title, text) VALUES (new.key, new.title, new.text);
END;
