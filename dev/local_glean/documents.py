"""Documents: staged in an upload, live in the index, deleted when they are stale."""

import sqlite3
from collections.abc import Sequence

from dev.local_glean.database import Database
from dev.local_glean.in_force import InForce
from dev.local_glean.rules import Document
from dev.local_glean.uploads import DELETED_SHARE_MAX, Entity, Place, note_processing


GOES_LIVE = """
ON CONFLICT (datasource, folded_id) DO UPDATE SET
  id = excluded.id, object_type = excluded.object_type, title = excluded.title,
  text = excluded.text, body = excluded.body, is_visible = excluded.is_visible,
  paused_by = NULL
"""


class Documents:
    """The documents of all datasources; the contents of their uploads."""

    def __init__(self, database: Database, in_force: InForce) -> None:
        self._database = database
        self._now_ms = in_force.clock.now_ms

    def upsert(self, datasource: str, documents: Sequence[Document]) -> None:
        with self._database.transaction() as connection:
            connection.executemany(
                f"""
                INSERT INTO document
                  (datasource, folded_id, id, object_type, title, text, body, is_visible)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                {GOES_LIVE}
                """,  # noqa: S608 - a text of ours
                ((datasource, *_columns(document)) for document in documents),
            )

    def delete(self, datasource: str, object_type: str, identifier: str) -> None:
        """Delete a document, if it is there."""
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM document WHERE datasource = ? AND folded_id = ? AND object_type = ?",
                (datasource, identifier.casefold(), object_type),
            )

    def process(self, datasource: str | None) -> None:
        """Delete what waits in paused deletions, of one datasource or of all."""
        with self._database.transaction() as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM datasource")]
            for name in names if datasource is None else [datasource]:
                started_at_ms = self._now_ms()
                connection.execute(
                    "DELETE FROM document WHERE datasource = ? AND paused_by IS NOT NULL", (name,)
                )
                kind = Entity.DOCUMENTS.kind
                note_processing(connection, kind, name, started_at_ms, self._now_ms())

    def stage(self, connection: sqlite3.Connection, upload: int, items: Sequence[Document]) -> None:
        connection.executemany(
            "INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            ((upload, *_columns(document)) for document in items),
        )

    def repeated(
        self, connection: sqlite3.Connection, upload: int, items: Sequence[Document]
    ) -> str | None:
        for document in items:
            if connection.execute(
                "SELECT 1 FROM staged WHERE upload = ? AND folded_id = ?",
                (upload, document.folded_id),
            ).fetchone():
                return f"Document {document.id}"
        return None

    def replace(
        self, connection: sqlite3.Connection, upload: int, place: Place, *, unchecked: bool
    ) -> None:
        live_count, stale_count = connection.execute(
            """
            SELECT count(*), count(*) - count(staged.folded_id) FROM document
            LEFT JOIN staged ON staged.upload = ? AND staged.folded_id = document.folded_id
            WHERE datasource = ?
            """,
            (upload, place.datasource),
        ).fetchone()
        is_paused = not unchecked and stale_count > DELETED_SHARE_MAX * live_count
        stale = """datasource = :datasource AND NOT EXISTS (
            SELECT 1 FROM staged
            WHERE staged.upload = :upload AND staged.folded_id = document.folded_id
        )"""
        parameters = {"datasource": place.datasource, "upload": upload}
        if is_paused:
            statement = f"UPDATE document SET paused_by = :upload WHERE {stale}"  # noqa: S608 - a text of ours
        else:
            statement = f"DELETE FROM document WHERE {stale}"  # noqa: S608 - a text of ours
        connection.execute(statement, parameters)
        connection.execute(
            f"""
            INSERT INTO document
              (datasource, folded_id, id, object_type, title, text, body, is_visible)
            SELECT :datasource, folded_id, id, object_type, title, text, body, is_visible
            FROM staged WHERE upload = :upload
            {GOES_LIVE}
            """,  # noqa: S608 - a text of ours
            parameters,
        )


def _columns(document: Document) -> tuple[str, str, str, str, str, bytes, bool]:
    return (
        document.folded_id,
        document.id,
        document.object_type,
        document.title,
        document.text,
        document.body,
        document.is_visible,
    )
