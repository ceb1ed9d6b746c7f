"""The state of a datasource: for `/debug/{datasource}/status`, and for a person."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from dev.local_glean.database import Database
from dev.local_glean.readings import Readings
from dev.local_glean.uploads import UploadState


HISTORY_MAX = 50


class ObjectCount(Struct, frozen=True, rename="camel"):
    object_type: str
    count: int


class UploadEvent(Struct, frozen=True, rename="camel"):
    upload_id: str
    start_time: str
    end_time: str
    status: str
    processing_state: str


class ProcessingEvent(Struct, frozen=True, rename="camel"):
    start_time: str
    end_time: str


class DatasourceSummary(Struct, frozen=True, kw_only=True):
    """A datasource, for the page."""

    name: str
    config: bytes
    counts: Sequence[ObjectCount]
    invisible_count: int  # nobody is named in their permissions
    paused_count: int  # would be deleted, but for the check
    uploads: Sequence[UploadEvent]


class Status:
    def __init__(self, database: Database) -> None:
        self._rows = database.rows

    def debug(self, datasource: str, readings: Readings, *, is_test: bool) -> dict[str, Any]:
        """The documented shape. There are no users, groups or memberships here."""
        nothing = {"bulkUploadHistory": (), "counts": {"uploaded": 0}}
        return {
            "documents": {
                "bulkUploadHistory": self.uploads(datasource, readings),
                "counts": {
                    "uploaded": self._uploaded_counts(datasource),
                    "indexed": self._indexed_counts(datasource),
                },
                "processingHistory": self._processing(datasource),
            },
            "identity": {
                "processingHistory": (),
                "users": nothing,
                "groups": nothing,
                "memberships": nothing,
            },
            "datasourceVisibility": "ENABLED_FOR_TEST_GROUP" if is_test else "ENABLED_FOR_ALL",
        }

    def summaries(self, readings: Readings) -> list[DatasourceSummary]:
        return [
            DatasourceSummary(
                name=name,
                config=config,
                counts=self._indexed_counts(name),
                invisible_count=self._count(name, "NOT is_visible"),
                paused_count=self._count(name, "paused_by IS NOT NULL"),
                uploads=self.uploads(name, readings),
            )
            for name, config in self._rows("SELECT name, config FROM datasource ORDER BY name")
        ]

    def uploads(self, datasource: str, readings: Readings) -> list[UploadEvent]:
        """The newest first. For discarded and expired ones there is no documented state."""
        listed = {UploadState.OPEN, UploadState.FINISHED}
        if readings.lists_discarded:
            listed.add(UploadState.DISCARDED)
        rows = self._rows(
            """
            SELECT upload_id, started_at_ms, ended_at_ms, state, page_count,
              EXISTS (SELECT 1 FROM document WHERE paused_by = sequence)
            FROM upload WHERE datasource = ? AND state IN (SELECT value FROM json_each(?))
            ORDER BY started_at_ms DESC, sequence DESC LIMIT ?
            """,
            datasource,
            json.dumps(sorted(listed)),
            HISTORY_MAX,
        )
        return [_event(_Row(*row)) for row in rows]

    def _processing(self, datasource: str) -> list[ProcessingEvent]:
        rows = self._rows(
            "SELECT started_at_ms, ended_at_ms FROM processing WHERE datasource = ? "
            "ORDER BY sequence DESC LIMIT ?",
            datasource,
            HISTORY_MAX,
        )
        return [ProcessingEvent(_time(start), _time(end)) for start, end in rows]

    def _indexed_counts(self, datasource: str) -> list[ObjectCount]:
        rows = self._rows(
            "SELECT object_type, count(*) FROM document WHERE datasource = ? "
            "GROUP BY object_type ORDER BY object_type",
            datasource,
        )
        return [ObjectCount(*row) for row in rows]

    def _uploaded_counts(self, datasource: str) -> list[ObjectCount]:
        rows = self._rows(
            """
            SELECT object_type, count(*) FROM (
              SELECT folded_id, object_type FROM document WHERE datasource = ?1
              UNION
              SELECT folded_id, object_type FROM staged WHERE upload =
                (SELECT sequence FROM upload WHERE datasource = ?1 AND state = 'open')
            ) GROUP BY object_type ORDER BY object_type
            """,
            datasource,
        )
        return [ObjectCount(*row) for row in rows]

    def _count(self, datasource: str, condition: str) -> int:
        ((count,),) = self._rows(
            f"SELECT count(*) FROM document WHERE datasource = ? AND {condition}",  # noqa: S608 - a text of ours
            datasource,
        )
        return int(count)


class _Row(Struct, frozen=True):
    upload_id: str
    started_at_ms: int
    ended_at_ms: int | None
    state: str
    page_count: int
    is_paused: int


def _event(row: _Row) -> UploadEvent:
    ended_at_ms: int | None
    match UploadState(row.state):
        case UploadState.FINISHED:
            processing = "DELETION PAUSED" if row.is_paused else "INDEXING COMPLETED"
            ended_at_ms = row.ended_at_ms
        case _:  # a discarded one is listed only where Glean would not tell it from an open one
            processing = "UPLOAD IN PROGRESS" if row.page_count else "UPLOAD STARTED"
            ended_at_ms = None
    return UploadEvent(
        upload_id=row.upload_id,
        start_time=_time(row.started_at_ms),
        end_time="NA" if ended_at_ms is None else _time(ended_at_ms),
        status="ACTIVE" if ended_at_ms is None else "SUCCESSFUL",
        processing_state=processing,
    )


def _time(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
