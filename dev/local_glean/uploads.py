"""Bulk uploads: one open at a time in a datasource, staged, and live at the close."""

import sqlite3
import time
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from dev.local_glean.database import Database
from dev.local_glean.errors import RefusedError
from dev.local_glean.rules import Document


# Of what is there. More than that, and Glean asks somebody before it deletes.
DELETED_SHARE_MAX = 0.2


class UploadState(StrEnum):
    OPEN = "open"
    FINISHED = "finished"
    DISCARDED = "discarded"


class Page(Struct, frozen=True, kw_only=True):
    """One request of a bulk upload."""

    datasource: str
    upload_id: str
    is_first: bool
    is_last: bool
    restarts: bool
    deletes_unchecked: bool
    documents: Sequence[Document]


class _Upload(Struct, frozen=True):
    sequence: int
    upload_id: str
    state: UploadState


class Uploads:
    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, page: Page) -> None:
        """Stage a page; open and close its upload as its flags say. Raises RefusedError."""
        with self._database.transaction() as connection:
            sequence = _opened(connection, page) if page.is_first else _continued(connection, page)
            _stage(connection, sequence, page.documents)
            if page.is_last:
                _close(connection, page, sequence)

    def process(self, datasource: str | None) -> None:
        """Delete what waits in paused deletions, of one datasource or of all."""
        with self._database.transaction() as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM datasource")]
            for name in names if datasource is None else [datasource]:
                connection.execute(
                    "DELETE FROM document WHERE datasource = ? AND paused_by IS NOT NULL", (name,)
                )
                _processed(connection, name, now_ms())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _opened(connection: sqlite3.Connection, page: Page) -> int:
    known, is_open = _known(connection, page), _open(connection, page)
    if is_open is not None and not page.restarts:
        raise RefusedError(
            409,
            f"Upload {is_open.upload_id} of datasource {page.datasource} is not finished: "
            "set forceRestartUpload to discard it",
        )
    if known is not None and known.state is not UploadState.OPEN:
        raise RefusedError(409, f"uploadId {page.upload_id} was used before: that is {known.state}")
    if is_open is not None:
        connection.execute("DELETE FROM staged WHERE upload = ?", (is_open.sequence,))
        connection.execute(
            "UPDATE upload SET state = ?, ended_at_ms = ? WHERE sequence = ?",
            (UploadState.DISCARDED, now_ms(), is_open.sequence),
        )
    row = connection.execute(
        """
        INSERT INTO upload (datasource, upload_id, state, page_count, started_at_ms)
        VALUES (?, ?, ?, 0, ?)
        ON CONFLICT (datasource, upload_id) DO UPDATE SET
          state = excluded.state, page_count = 0, ended_at_ms = NULL,
          started_at_ms = excluded.started_at_ms
        RETURNING sequence
        """,
        (page.datasource, page.upload_id, UploadState.OPEN, now_ms()),
    ).fetchone()
    return int(row[0])


def _continued(connection: sqlite3.Connection, page: Page) -> int:
    known = _known(connection, page)
    if known is None:
        raise RefusedError(
            409, f"Upload {page.upload_id} of datasource {page.datasource} was not opened"
        )
    if known.state is not UploadState.OPEN:
        raise RefusedError(
            409, f"Upload {page.upload_id} of datasource {page.datasource} is {known.state}"
        )
    return known.sequence


def _known(connection: sqlite3.Connection, page: Page) -> _Upload | None:
    return _upload(connection, "upload_id", page.upload_id, page.datasource)


def _open(connection: sqlite3.Connection, page: Page) -> _Upload | None:
    return _upload(connection, "state", UploadState.OPEN, page.datasource)


def _upload(
    connection: sqlite3.Connection, column: str, value: str, datasource: str
) -> _Upload | None:
    row = connection.execute(
        f"SELECT sequence, upload_id, state FROM upload WHERE datasource = ? AND {column} = ?",  # noqa: S608 - a name of ours
        (datasource, value),
    ).fetchone()
    return None if row is None else _Upload(row[0], row[1], UploadState(row[2]))


def _stage(connection: sqlite3.Connection, sequence: int, documents: Sequence[Document]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        ((sequence, *_columns(document)) for document in documents),
    )
    connection.execute(
        "UPDATE upload SET page_count = page_count + ? WHERE sequence = ?",
        (1 if documents else 0, sequence),
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


def _close(connection: sqlite3.Connection, page: Page, sequence: int) -> None:
    started_at_ms = now_ms()
    live_count, stale_count = connection.execute(
        """
        SELECT count(*), count(*) - count(staged.folded_id) FROM document
        LEFT JOIN staged ON staged.upload = ? AND staged.folded_id = document.folded_id
        WHERE datasource = ?
        """,
        (sequence, page.datasource),
    ).fetchone()
    is_paused = not page.deletes_unchecked and stale_count > DELETED_SHARE_MAX * live_count
    stale = """datasource = :datasource AND NOT EXISTS (
        SELECT 1 FROM staged
        WHERE staged.upload = :upload AND staged.folded_id = document.folded_id
    )"""
    parameters = {"datasource": page.datasource, "upload": sequence}
    if is_paused:
        connection.execute(f"UPDATE document SET paused_by = :upload WHERE {stale}", parameters)  # noqa: S608 - a text of ours
    else:
        connection.execute(f"DELETE FROM document WHERE {stale}", parameters)  # noqa: S608 - a text of ours
    connection.execute(
        """
        INSERT INTO document
          (datasource, folded_id, id, object_type, title, text, body, is_visible)
        SELECT :datasource, folded_id, id, object_type, title, text, body, is_visible
        FROM staged WHERE upload = :upload
        ON CONFLICT (datasource, folded_id) DO UPDATE SET
          id = excluded.id, object_type = excluded.object_type, title = excluded.title,
          text = excluded.text, body = excluded.body, is_visible = excluded.is_visible,
          paused_by = NULL
        """,
        parameters,
    )
    connection.execute("DELETE FROM staged WHERE upload = :upload", parameters)
    connection.execute(
        "UPDATE upload SET state = ?, ended_at_ms = ? WHERE sequence = ?",
        (UploadState.FINISHED, now_ms(), sequence),
    )
    _processed(connection, page.datasource, started_at_ms)


def _processed(connection: sqlite3.Connection, datasource: str, started_at_ms: int) -> None:
    connection.execute(
        "INSERT INTO processing (datasource, started_at_ms, ended_at_ms) VALUES (?, ?, ?)",
        (datasource, started_at_ms, now_ms()),
    )
