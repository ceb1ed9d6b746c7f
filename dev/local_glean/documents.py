"""Documents: staged in an upload, live in the index, deleted when they are stale."""

import sqlite3
from collections.abc import Sequence

import msgspec

from dev.local_glean.database import Database
from dev.local_glean.errors import RefusedError
from dev.local_glean.in_force import InForce
from dev.local_glean.permissions import Named
from dev.local_glean.rules import Document, identity
from dev.local_glean.uploads import DELETED_SHARE_MAX, Entity, Place, note_processing


COLUMNS = "identity, id, object_type, title, text, body, is_visible, uploaded_at_ms"
GOES_LIVE = """
ON CONFLICT (datasource, identity) DO UPDATE SET
  id = excluded.id, object_type = excluded.object_type, title = excluded.title,
  text = excluded.text, body = excluded.body, is_visible = excluded.is_visible,
  uploaded_at_ms = excluded.uploaded_at_ms, indexed_at_ms = excluded.indexed_at_ms,
  paused_by = NULL
"""

_Columns = tuple[str, str, str, str, str, bytes, bool, int]


class Documents:
    """The documents of all datasources; the contents of their uploads."""

    def __init__(self, database: Database, in_force: InForce) -> None:
        self._database = database
        self._in_force = in_force
        self._now_ms = in_force.clock.now_ms

    def upsert(self, datasource: str, documents: Sequence[Document]) -> None:
        """Raises RefusedError."""
        with self._database.transaction() as connection:
            self._check_free(connection, datasource)
            self._show(connection, datasource, documents)

    def delete(self, datasource: str, object_type: str, identifier: str) -> None:
        """Delete a document, if it is there. Raises RefusedError."""
        with self._database.transaction() as connection:
            self._check_free(connection, datasource)
            connection.execute(
                "DELETE FROM document WHERE datasource = ? AND identity = ? AND object_type = ?",
                (datasource, self._identity(identifier, object_type), object_type),
            )

    def share(
        self, datasource: str, object_type: str, identifier: str, permissions: bytes, named: Named
    ) -> None:
        """Give a document other permissions. Raises RefusedError.

        Args:
            datasource: of the document.
            object_type: its own.
            identifier: its id, in any case.
            permissions: as they were sent.
            named: who is in them.
        """
        place = (datasource, self._identity(identifier, object_type), object_type)
        with self._database.transaction() as connection:
            self._check_free(connection, datasource)
            row = connection.execute(
                "SELECT key, body FROM document "
                "WHERE datasource = ? AND identity = ? AND object_type = ?",
                place,
            ).fetchone()
            if row is None:
                raise RefusedError(400, f"Document {identifier} not found")
            fields = msgspec.json.decode(row[1], type=dict[str, msgspec.Raw])
            body = msgspec.json.encode({**fields, "permissions": msgspec.Raw(permissions)})
            connection.execute(
                "UPDATE document SET body = ?, is_visible = ?, uploaded_at_ms = ?, "
                "indexed_at_ms = ? WHERE key = ?",
                (body, named.is_anybody, self._now_ms(), self._now_ms(), row[0]),
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
            f"INSERT OR REPLACE INTO staged (upload, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a text of ours
            ((upload, *self._columns(document)) for document in items),
        )
        if self._in_force.readings.shows_unclosed:
            datasource = connection.execute(
                "SELECT datasource FROM upload WHERE sequence = ?", (upload,)
            ).fetchone()[0]
            self._show(connection, datasource, items)

    def repeated(
        self, connection: sqlite3.Connection, upload: int, items: Sequence[Document]
    ) -> str | None:
        for document in items:
            if connection.execute(
                "SELECT 1 FROM staged WHERE upload = ? AND identity = ?",
                (upload, self._columns(document)[0]),
            ).fetchone():
                return f"Document {document.id}"
        return None

    def replace(
        self, connection: sqlite3.Connection, upload: int, place: Place, *, unchecked: bool
    ) -> None:
        live_count, stale_count = connection.execute(
            """
            SELECT count(*), count(*) - count(staged.identity) FROM document
            LEFT JOIN staged ON staged.upload = ? AND staged.identity = document.identity
            WHERE datasource = ?
            """,
            (upload, place.datasource),
        ).fetchone()
        is_paused = not unchecked and stale_count > DELETED_SHARE_MAX * live_count
        stale = """datasource = :datasource AND NOT EXISTS (
            SELECT 1 FROM staged
            WHERE staged.upload = :upload AND staged.identity = document.identity
        )"""
        parameters = {"datasource": place.datasource, "upload": upload}
        if is_paused:
            statement = f"UPDATE document SET paused_by = :upload WHERE {stale}"  # noqa: S608 - a text of ours
        else:
            statement = f"DELETE FROM document WHERE {stale}"  # noqa: S608 - a text of ours
        connection.execute(statement, parameters)
        connection.execute(
            f"""
            INSERT INTO document (datasource, {COLUMNS}, indexed_at_ms)
            SELECT :datasource, {COLUMNS}, :now_ms FROM staged WHERE upload = :upload
            {GOES_LIVE}
            """,  # noqa: S608 - a text of ours
            {**parameters, "now_ms": self._now_ms()},
        )

    def _show(
        self, connection: sqlite3.Connection, datasource: str, documents: Sequence[Document]
    ) -> None:
        connection.executemany(
            f"""
            INSERT INTO document (datasource, {COLUMNS}, indexed_at_ms)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            {GOES_LIVE}
            """,  # noqa: S608 - a text of ours
            ((datasource, *self._columns(document), self._now_ms()) for document in documents),
        )

    def _check_free(self, connection: sqlite3.Connection, datasource: str) -> None:
        """Raise RefusedError for a single write that an open upload is in the way of."""
        if not self._in_force.readings.refuses_single_writes:
            return
        row = connection.execute(
            "SELECT upload_id FROM upload WHERE datasource = ? AND entity = ? AND state = 'open'",
            (datasource, Entity.DOCUMENTS),
        ).fetchone()
        if row is not None:
            raise RefusedError(409, f"Upload {row[0]} of datasource {datasource} is not finished")

    def _identity(self, identifier: str, object_type: str) -> str:
        return identity(identifier, object_type, by_type=self._in_force.readings.keys_by_type)

    def _columns(self, document: Document) -> _Columns:
        return (
            self._identity(document.id, document.object_type),
            document.id,
            document.object_type,
            document.title,
            document.text,
            document.body,
            document.is_visible,
            self._now_ms(),
        )
