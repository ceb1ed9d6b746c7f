"""Bulk uploads: one open at a time in a datasource, staged, and live at the close."""

import sqlite3
import time
from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from dev.local_glean.database import Database
from dev.local_glean.errors import RefusedError
from dev.local_glean.readings import Readings
from dev.local_glean.rules import Document


# Of what is there. More than that, and Glean asks somebody before it deletes.
DELETED_SHARE_MAX = 0.2


class UploadState(StrEnum):
    OPEN = "open"
    FINISHED = "finished"
    DISCARDED = "discarded"
    EXPIRED = "expired"


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

    def take(self, page: Page, readings: Readings) -> None:
        """Stage a page; open and close its upload as its flags say. Raises RefusedError."""
        if readings.refuses_empty_last and _is_empty_last(page):
            raise RefusedError(400, f"The last page of upload {page.upload_id} has no documents")
        with self._database.transaction() as connection:
            if page.is_first:
                sequence = _opened(connection, page, readings)
            elif (continued := _continued(connection, page, readings)) is not None:
                sequence = continued
            else:
                return
            _stage(connection, sequence, page.documents)
            if page.is_last:
                _close(connection, page, sequence)

    def expire(self, datasource: str | None) -> list[str]:
        """End what is open in one datasource or in all, as if for its age. Gives the ids.

        What was staged is gone; the index is as it was.
        """
        with self._database.transaction() as connection:
            uploads = connection.execute(
                """
                SELECT sequence, upload_id FROM upload
                WHERE state = ?1 AND (?2 IS NULL OR datasource = ?2) ORDER BY sequence
                """,
                (UploadState.OPEN, datasource),
            ).fetchall()
            for sequence, _ in uploads:
                _end(connection, sequence, UploadState.EXPIRED)
        return [upload_id for _, upload_id in uploads]

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


def _is_empty_last(page: Page) -> bool:
    # A single page without documents is how Glean says to delete everything.
    return page.is_last and not page.is_first and not page.documents


def _opened(connection: sqlite3.Connection, page: Page, readings: Readings) -> int:
    known, is_open = _known(connection, page), _open(connection, page)
    if is_open is not None and not page.restarts:
        raise RefusedError(
            409,
            f"Upload {is_open.upload_id} of datasource {page.datasource} is not finished: "
            "set forceRestartUpload to discard it",
        )
    may_reopen = page.restarts and not readings.refuses_repeated_first
    if known is not None and known.state is not UploadState.OPEN and not may_reopen:
        raise RefusedError(409, f"uploadId {page.upload_id} was used before: that is {known.state}")
    if is_open is not None:
        _end(connection, is_open.sequence, UploadState.DISCARDED)
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


def _continued(connection: sqlite3.Connection, page: Page, readings: Readings) -> int | None:
    """The upload that takes the page; None if the page has no effect. Raises RefusedError."""
    known = _known(connection, page)
    if known is None:
        raise RefusedError(
            409, f"Upload {page.upload_id} of datasource {page.datasource} was not opened"
        )
    if known.state is not UploadState.OPEN:
        if _is_late_refused(known.state, page, readings):
            raise RefusedError(
                409, f"Upload {page.upload_id} of datasource {page.datasource} is {known.state}"
            )
        return None
    if readings.refuses_repeated_middle and not page.is_last:
        _check_unstaged(connection, page, known.sequence)
    return known.sequence


def _is_late_refused(state: UploadState, page: Page, readings: Readings) -> bool:
    match state:
        case UploadState.FINISHED if page.is_last:
            return readings.refuses_repeated_last
        case UploadState.FINISHED:
            return readings.refuses_finished
        case UploadState.DISCARDED:
            return readings.refuses_discarded
        case UploadState.EXPIRED:
            return readings.refuses_expired
    raise AssertionError(f"an upload that is {state} is not over")


def _check_unstaged(connection: sqlite3.Connection, page: Page, sequence: int) -> None:
    for document in page.documents:
        if connection.execute(
            "SELECT 1 FROM staged WHERE upload = ? AND folded_id = ?",
            (sequence, document.folded_id),
        ).fetchone():
            raise RefusedError(
                409, f"Document {document.id} was sent to upload {page.upload_id} before"
            )


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
    _end(connection, sequence, UploadState.FINISHED)
    _processed(connection, page.datasource, started_at_ms)


def _end(connection: sqlite3.Connection, sequence: int, state: UploadState) -> None:
    connection.execute("DELETE FROM staged WHERE upload = ?", (sequence,))
    connection.execute(
        "UPDATE upload SET state = ?, ended_at_ms = ? WHERE sequence = ?",
        (state, now_ms(), sequence),
    )


def _processed(connection: sqlite3.Connection, datasource: str, started_at_ms: int) -> None:
    connection.execute(
        "INSERT INTO processing (datasource, started_at_ms, ended_at_ms) VALUES (?, ?, ?)",
        (datasource, started_at_ms, now_ms()),
    )
