"""Bulk uploads: one open at a time in a datasource and entity, staged, and live at the close."""

import sqlite3
from collections.abc import Sequence
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from dev.local_glean.database import Database
from dev.local_glean.errors import RefusedError
from dev.local_glean.in_force import InForce
from dev.local_glean.readings import Readings


# Of what is there. More than that, and Glean asks somebody before it deletes.
DELETED_SHARE_MAX = 0.2

Item = TypeVar("Item")
Item_contra = TypeVar("Item_contra", contravariant=True)


class Entity(StrEnum):
    """What is uploaded. Each has an endpoint, an upload and a history of its own."""

    DOCUMENTS = "documents"
    USERS = "users"
    GROUPS = "groups"
    MEMBERSHIPS = "memberships"
    EMPLOYEES = "employees"
    TEAMS = "teams"

    @property
    def kind(self) -> str:
        """Those that are processed together."""
        match self:
            case Entity.DOCUMENTS:
                return "documents"
            case Entity.EMPLOYEES | Entity.TEAMS:
                return "people"
        return "identity"


class UploadState(StrEnum):
    OPEN = "open"
    FINISHED = "finished"
    DISCARDED = "discarded"
    EXPIRED = "expired"


class Place(Struct, frozen=True):
    """Where an upload goes: what it replaces when it is closed."""

    entity: Entity
    datasource: str = ""  # employees and teams are of none
    group: str = ""  # whose memberships

    def __str__(self) -> str:
        match self.entity.kind:
            case "documents":
                return f"datasource {self.datasource}"
            case "people":
                return f"the {self.entity}"
        return f"the {self.entity} of datasource {self.datasource}"


class Page(Struct, Generic[Item], frozen=True, kw_only=True):
    """One request of a bulk upload."""

    place: Place
    upload_id: str
    is_first: bool
    is_last: bool
    restarts: bool
    deletes_unchecked: bool
    items: Sequence[Item]


class Contents(Protocol[Item_contra]):
    """What uploads are made of. All is done in the transaction of the page."""

    def stage(
        self, connection: sqlite3.Connection, upload: int, items: Sequence[Item_contra]
    ) -> None: ...

    def repeated(
        self, connection: sqlite3.Connection, upload: int, items: Sequence[Item_contra]
    ) -> str | None:
        """The first item that is staged already, for an error."""

    def replace(
        self, connection: sqlite3.Connection, upload: int, place: Place, *, unchecked: bool
    ) -> None:
        """Have what is staged in place of what is there."""


class _Upload(Struct, frozen=True):
    sequence: int
    upload_id: str
    state: UploadState
    entity: Entity
    group: str


class Uploads:
    def __init__(self, database: Database, in_force: InForce) -> None:
        self._database = database
        self._in_force = in_force

    def take(self, page: Page[Item], contents: Contents[Item]) -> None:
        """Stage a page; open and close its upload as its flags say. Raises RefusedError."""
        readings, now_ms = self._in_force.readings, self._in_force.clock.now_ms
        if readings.refuses_empty_last and _is_empty_last(page):
            raise RefusedError(
                400, f"The last page of upload {page.upload_id} has no {page.place.entity}"
            )
        with self._database.transaction() as connection:
            if page.is_first:
                sequence = _opened(connection, page, readings, now_ms())
            elif (continued := _continued(connection, page, contents, readings)) is not None:
                sequence = continued
            else:
                return
            contents.stage(connection, sequence, page.items)
            connection.execute(
                "UPDATE upload SET page_count = page_count + ? WHERE sequence = ?",
                (1 if page.items else 0, sequence),
            )
            if page.is_last:
                started_at_ms = now_ms()
                contents.replace(connection, sequence, page.place, unchecked=page.deletes_unchecked)
                _end(connection, sequence, UploadState.FINISHED, now_ms())
                kind, datasource = page.place.entity.kind, page.place.datasource
                note_processing(connection, kind, datasource, started_at_ms, now_ms())

    def expire(self, datasource: str | None) -> list[str]:
        """End what is open in one datasource or everywhere, as if for its age. Gives the ids.

        What was staged is gone; what is live is as it was.
        """
        now_ms = self._in_force.clock.now_ms()
        with self._database.transaction() as connection:
            uploads = connection.execute(
                """
                SELECT sequence, upload_id FROM upload
                WHERE state = ?1 AND (?2 IS NULL OR datasource = ?2) ORDER BY sequence
                """,
                (UploadState.OPEN, datasource),
            ).fetchall()
            for sequence, _ in uploads:
                _end(connection, sequence, UploadState.EXPIRED, now_ms)
        return [upload_id for _, upload_id in uploads]


def note_processing(
    connection: sqlite3.Connection, kind: str, datasource: str, started_at_ms: int, ended_at_ms: int
) -> None:
    """For the history of processing."""
    connection.execute(
        "INSERT INTO processing (kind, datasource, started_at_ms, ended_at_ms) VALUES (?, ?, ?, ?)",
        (kind, datasource, started_at_ms, ended_at_ms),
    )


def _is_empty_last(page: Page[Item]) -> bool:
    # A single page without documents is how Glean says to delete everything.
    return page.is_last and not page.is_first and not page.items


def _opened(
    connection: sqlite3.Connection, page: Page[Item], readings: Readings, now_ms: int
) -> int:
    known, is_open = _known(connection, page), _open(connection, page)
    if is_open is not None and not page.restarts:
        raise RefusedError(
            409,
            f"Upload {is_open.upload_id} of {page.place} is not finished: "
            "set forceRestartUpload to discard it",
        )
    may_reopen = page.restarts and not readings.refuses_repeated_first
    if known is not None and known.entity is not page.place.entity:
        raise RefusedError(409, f"uploadId {page.upload_id} was used before, for {known.entity}")
    if known is not None and known.state is not UploadState.OPEN and not may_reopen:
        raise RefusedError(409, f"uploadId {page.upload_id} was used before: that is {known.state}")
    if is_open is not None:
        _end(connection, is_open.sequence, UploadState.DISCARDED, now_ms)
    row = connection.execute(
        """
        INSERT INTO upload (entity, datasource, group_name, upload_id, state, page_count,
          started_at_ms)
        VALUES (?, ?, ?, ?, ?, 0, ?)
        ON CONFLICT (datasource, upload_id) DO UPDATE SET
          group_name = excluded.group_name, state = excluded.state, page_count = 0,
          ended_at_ms = NULL, started_at_ms = excluded.started_at_ms
        RETURNING sequence
        """,
        (
            page.place.entity,
            page.place.datasource,
            page.place.group,
            page.upload_id,
            UploadState.OPEN,
            now_ms,
        ),
    ).fetchone()
    return int(row[0])


def _continued(
    connection: sqlite3.Connection,
    page: Page[Item],
    contents: Contents[Item],
    readings: Readings,
) -> int | None:
    """The upload that takes the page; None if the page has no effect. Raises RefusedError."""
    known = _known(connection, page)
    if known is None or known.entity is not page.place.entity:
        raise RefusedError(409, f"Upload {page.upload_id} of {page.place} was not opened")
    if known.group != page.place.group:
        raise RefusedError(
            400, f"Upload {page.upload_id} is of group {known.group}, not {page.place.group}"
        )
    if known.state is not UploadState.OPEN:
        if _is_late_refused(known.state, readings, is_last=page.is_last):
            raise RefusedError(409, f"Upload {page.upload_id} of {page.place} is {known.state}")
        return None
    if readings.refuses_repeated_middle and not page.is_last:
        repeated = contents.repeated(connection, known.sequence, page.items)
        if repeated is not None:
            raise RefusedError(409, f"{repeated} was sent to upload {page.upload_id} before")
    return known.sequence


def _is_late_refused(state: UploadState, readings: Readings, *, is_last: bool) -> bool:
    match state:
        case UploadState.FINISHED if is_last:
            return readings.refuses_repeated_last
        case UploadState.FINISHED:
            return readings.refuses_finished
        case UploadState.DISCARDED:
            return readings.refuses_discarded
        case UploadState.EXPIRED:
            return readings.refuses_expired
    raise AssertionError(f"an upload that is {state} is not over")


def _known(connection: sqlite3.Connection, page: Page[Item]) -> _Upload | None:
    condition = "upload_id = ?"
    return _upload(connection, condition, page.place.datasource, page.upload_id)


def _open(connection: sqlite3.Connection, page: Page[Item]) -> _Upload | None:
    condition = "state = 'open' AND entity = ?"
    return _upload(connection, condition, page.place.datasource, page.place.entity)


def _upload(
    connection: sqlite3.Connection, condition: str, datasource: str, value: str
) -> _Upload | None:
    row = connection.execute(
        "SELECT sequence, upload_id, state, entity, group_name FROM upload "  # noqa: S608 - a text of ours
        f"WHERE datasource = ? AND {condition}",
        (datasource, value),
    ).fetchone()
    if row is None:
        return None
    return _Upload(row[0], row[1], UploadState(row[2]), Entity(row[3]), row[4])


def _end(connection: sqlite3.Connection, sequence: int, state: UploadState, now_ms: int) -> None:
    for table in ("staged", "staged_record"):
        connection.execute(f"DELETE FROM {table} WHERE upload = ?", (sequence,))  # noqa: S608 - a name of ours
    connection.execute(
        "UPDATE upload SET state = ?, ended_at_ms = ? WHERE sequence = ?",
        (state, now_ms, sequence),
    )
