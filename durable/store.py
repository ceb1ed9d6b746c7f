"""What the connector's object remembers: its jobs, its watermark, its next alarm.

Everything written between two awaits commits together, the alarm too, so `save`
writes all of it at once and only then hands out something to await.
"""

from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from durable.job import ENDED, Job, State
from durable.machine import watermark_ms


Binding = str | int | float | None  # the platform mangles bool, dict and list without a word

BODY_BYTES_MAX = 1_000_000  # half of what the platform takes in one value
VERSION_MARK = "-- version "


class Rows(Protocol):
    def toArray(self) -> Sequence[Mapping[str, object]]: ...  # noqa: N802 - the platform's name


class Sql(Protocol):
    def exec(self, query: str, *bindings: Binding) -> Rows: ...


class Storage(Protocol):
    """The part of a Durable Object's storage that is used here."""

    @property
    def sql(self) -> Sql: ...
    def setAlarm(self, at_ms: int) -> Awaitable[None]: ...  # noqa: N802 - the platform's name
    def deleteAlarm(self) -> Awaitable[None]: ...  # noqa: N802 - the platform's name


class Store:
    """Made once for each life of the object; brings the schema up to date."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._armed_at_ms: int | None = None
        self._migrate()

    def load(self, job_id: str) -> Job | None:
        rows = self._query("SELECT body FROM job WHERE id = ?", job_id)
        return _job(rows[0]) if rows else None

    def unended(self) -> list[Job]:
        """The working job first, if there is one, then those that wait, oldest first."""
        rows = self._query(
            "SELECT body FROM job WHERE state NOT IN ('succeeded', 'failed') "
            "ORDER BY state = ?, id",
            State.QUEUED.value,
        )
        return [_job(row) for row in rows]

    def triggered_by(self, trigger_key: str) -> Job | None:
        rows = self._query(
            "SELECT body FROM job WHERE id = (SELECT job_id FROM trigger_key WHERE key = ?)",
            trigger_key,
        )
        return _job(rows[0]) if rows else None

    def remember(self, trigger_key: str | None, job: Job) -> None:
        """Answer the trigger with this job if it comes again, also after the job's end."""
        if trigger_key is not None:
            self._query("INSERT INTO trigger_key VALUES (?, ?)", trigger_key, job.id)

    def watermark_ms(self) -> int | None:
        rows = self._query("SELECT at_ms FROM watermark WHERE name = 'succeeded'")
        if not rows:
            return None
        at_ms = rows[0]["at_ms"]
        assert isinstance(at_ms, int | float), at_ms
        return int(at_ms)

    def add(self, job: Job, trigger_key: str | None, alarm_at_ms: int | None) -> Awaitable[None]:
        """Remember a new job; `alarm_at_ms` None leaves the alarm as it is."""
        self._query(
            "INSERT INTO job (id, state, body) VALUES (?, ?, ?)",
            job.id,
            job.state.value,
            _body(job),
        )
        self.remember(trigger_key, job)
        return _nothing() if alarm_at_ms is None else self.arm(alarm_at_ms)

    def save(self, job: Job, alarm_at_ms: int | None) -> Awaitable[None]:
        """Remember the job, its watermark if it succeeded, and the object's next alarm."""
        state = job.state.value
        self._query("UPDATE job SET body = ? WHERE id = ?", _body(job), job.id)
        # Apart, as it touches an index: rows written are billed.
        self._query("UPDATE job SET state = ? WHERE id = ? AND state <> ?", state, job.id, state)
        if (at_ms := watermark_ms(job)) is not None:
            self._query("INSERT OR REPLACE INTO watermark VALUES ('succeeded', ?)", at_ms)
        assert job.state in ENDED or alarm_at_ms is not None, "a job that is not ended has an alarm"
        return self.arm(alarm_at_ms)

    def arm(self, alarm_at_ms: int | None) -> Awaitable[None]:
        """Set or delete the alarm. Setting it again to the same time costs nothing."""
        if alarm_at_ms == self._armed_at_ms and alarm_at_ms is not None:
            return _nothing()
        self._armed_at_ms = alarm_at_ms
        if alarm_at_ms is None:
            return self._storage.deleteAlarm()
        return self._storage.setAlarm(alarm_at_ms)

    def disarmed(self) -> None:
        """The alarm has fired: the platform holds none until one is set."""
        self._armed_at_ms = None

    def _migrate(self) -> None:
        self._query("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
        applied = {row["version"] for row in self._query("SELECT version FROM schema_version")}
        for version, statements in _schema():
            if version not in applied:
                self._query(statements)
                self._query("INSERT INTO schema_version VALUES (?)", version)

    def _query(self, query: str, *bindings: Binding) -> Sequence[Mapping[str, object]]:
        # A cursor that is not read to its end blocks later changes of the schema.
        return self._storage.sql.exec(query, *bindings).toArray()


def _schema() -> list[tuple[int, str]]:
    text = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    blocks = [block.partition("\n") for block in text.split(VERSION_MARK)[1:]]
    return [(int(version), statements) for version, _, statements in blocks]


def _body(job: Job) -> str:
    body = msgspec.json.encode(job)
    assert len(body) <= BODY_BYTES_MAX, f"job {job.id} takes {len(body)} bytes"
    return body.decode()


def _job(row: Mapping[str, object]) -> Job:
    body = row["body"]
    assert isinstance(body, str)
    return msgspec.json.decode(body, type=Job)


async def _nothing() -> None:
    pass
