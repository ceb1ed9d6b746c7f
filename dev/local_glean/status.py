"""The state of a datasource: for `/debug/{datasource}/status`, and for a person."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from dev.local_glean.database import Database
from dev.local_glean.datasources import Datasource
from dev.local_glean.in_force import InForce
from dev.local_glean.miscounts import ObjectCount
from dev.local_glean.records import Records
from dev.local_glean.uploads import Entity, UploadState


HISTORY_MAX = 50
IDENTITIES = (Entity.USERS, Entity.GROUPS, Entity.MEMBERSHIPS)
PEOPLE = (Entity.EMPLOYEES, Entity.TEAMS)


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
    identities: Mapping[Entity, int]


class Status:
    def __init__(self, database: Database, in_force: InForce) -> None:
        self._rows = database.rows
        self._in_force = in_force
        self._records = Records(database, in_force)

    def debug(self, datasource: Datasource) -> dict[str, Any]:
        """The documented shape."""
        name, told = datasource.name, self._in_force.miscounts.told
        return {
            "documents": {
                "bulkUploadHistory": self._uploads(Entity.DOCUMENTS, name),
                "counts": {
                    "uploaded": told(name, "uploaded", self._uploaded_counts(name)),
                    "indexed": told(name, "indexed", self._indexed_counts(name)),
                },
                "processingHistory": self._processing(Entity.DOCUMENTS.kind, name),
            },
            "identity": {
                "processingHistory": self._processing(Entity.USERS.kind, name),
                **{
                    entity: {
                        "bulkUploadHistory": self._uploads(entity, name),
                        "counts": {"uploaded": self._records.uploaded_count(entity, name)},
                    }
                    for entity in IDENTITIES
                },
            },
            "datasourceVisibility": (
                "ENABLED_FOR_TEST_GROUP" if datasource.is_test else "ENABLED_FOR_ALL"
            ),
        }

    def people(self) -> Mapping[Entity, int]:
        return {entity: self._records.live_count(entity, "") for entity in PEOPLE}

    def summaries(self) -> list[DatasourceSummary]:
        return [
            DatasourceSummary(
                name=name,
                config=config,
                counts=self._indexed_counts(name),
                invisible_count=self._count(name, "NOT is_visible"),
                paused_count=self._count(name, "paused_by IS NOT NULL"),
                uploads=self._uploads(Entity.DOCUMENTS, name),
                identities={
                    entity: self._records.live_count(entity, name) for entity in IDENTITIES
                },
            )
            for name, config in self._rows("SELECT name, config FROM datasource ORDER BY name")
        ]

    def _uploads(self, entity: Entity, datasource: str) -> list[UploadEvent]:
        """The newest first. For discarded and expired ones there is no documented state."""
        listed = {UploadState.OPEN, UploadState.FINISHED}
        if self._in_force.readings.lists_discarded:
            listed.add(UploadState.DISCARDED)
        rows = self._rows(
            """
            SELECT upload_id, started_at_ms, ended_at_ms, state, page_count,
              EXISTS (SELECT 1 FROM document WHERE paused_by = sequence)
              OR EXISTS (SELECT 1 FROM record WHERE paused_by = sequence)
            FROM upload
            WHERE entity = ? AND datasource = ? AND state IN (SELECT value FROM json_each(?))
            ORDER BY started_at_ms DESC, sequence DESC LIMIT ?
            """,
            entity,
            datasource,
            json.dumps(sorted(listed)),
            HISTORY_MAX,
        )
        return [_event(_Row(*row)) for row in rows]

    def _processing(self, kind: str, datasource: str) -> list[ProcessingEvent]:
        rows = self._rows(
            "SELECT started_at_ms, ended_at_ms FROM processing WHERE kind = ? AND datasource = ? "
            "ORDER BY sequence DESC LIMIT ?",
            kind,
            datasource,
            HISTORY_MAX,
        )
        return [ProcessingEvent(told_time(start), told_time(end)) for start, end in rows]

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
              SELECT identity, object_type FROM document WHERE datasource = ?1
              UNION
              SELECT identity, object_type FROM staged WHERE upload =
                (SELECT sequence FROM upload
                 WHERE entity = 'documents' AND datasource = ?1 AND state = 'open')
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
        start_time=told_time(row.started_at_ms),
        end_time="NA" if ended_at_ms is None else told_time(ended_at_ms),
        status="ACTIVE" if ended_at_ms is None else "SUCCESSFUL",
        processing_state=processing,
    )


def told_time(at_ms: int) -> str:
    """As Glean writes times."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
