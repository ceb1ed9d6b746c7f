"""What the connector's object remembers: its jobs, its watermark, its next alarm.

Everything written between two awaits commits together, the alarm too, so `save`
writes all of it at once and only then hands out something to await.
"""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec.structs import replace

from durable.decoding import decode
from durable.limits import Limits
from durable.machine.commands import supersede
from durable.machine.job import Job, Mode, Stage
from durable.machine.ledger import Kind
from durable.machine.pacing import not_before
from durable.machine.rejects import Reject, RejectedPage
from durable.machine.states import ENDED, PENDING, State
from durable.machine.transitions import clear_in_flight
from durable.store.checkpoints import Checkpoints
from durable.store.event_log import EventLog
from durable.store.group_sizes import GroupSizes
from durable.store.job_queries import JobQueries
from durable.store.ledger import Ledger
from durable.store.observations import Observations
from durable.store.outbox import Outbox
from durable.store.retention import Retention
from durable.store.sql import Binding, Row, decode_rows, encode, encode_states, migrate, to_integer
from durable.store.verifications import Verifications


BODY_BYTES_MAX = 1_000_000  # half of what the platform takes in one value
TRIGGER_KEYS_MAX = 1_000
KNOWN_STAGES = frozenset(stage.value for stage in Stage)  # newer code may have had others


class Rows(Protocol):
    def toArray(self) -> Sequence[Mapping[str, object]]: ...  # noqa: N802 - the platform's name


class Sql(Protocol):
    def exec(self, query: str, *bindings: Binding) -> Rows: ...


class Storage(Protocol):
    """The part of a Durable Object's storage that is used here."""

    @property
    def sql(self) -> Sql: ...
    def getAlarm(self) -> Awaitable[int | None]: ...  # noqa: N802 - the platform's name
    def setAlarm(self, at_ms: int) -> Awaitable[None]: ...  # noqa: N802 - the platform's name
    def deleteAlarm(self) -> Awaitable[None]: ...  # noqa: N802 - the platform's name


class Store:
    """Made once for each life of the object; brings the schema up to date.

    What newer code wrote before a rollback stays as it is: fields that are not known
    are passed over, and jobs in states that are not known are not there.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._armed_at_ms: int | None = None
        # The job that has a turn, with what is under way, and as it was written last.
        self._working: Job | None = None
        self._written: Job | None = None
        self.successes = Checkpoints(self._query)
        self.verifications = Verifications(self._query)
        self.chronicle = EventLog(self._query)
        self.archive = JobQueries(self._query)
        self.outbox = Outbox(self._query)
        self.observations = Observations(self._query)
        self.ledger = Ledger(self._query)
        self.group_sizes = GroupSizes(self._query)
        self._retention = Retention(self._query)
        migrate(self._query)

    def load(self, job_id: str) -> Job | None:
        if self._working is not None and self._working.id == job_id:
            return self._working
        rows = self._query(
            "SELECT body FROM job WHERE id = ?  AND state IN (SELECT value FROM json_each(?))",
            job_id,
            encode_states(State),
        )
        return next(decode_rows(rows, Job), None)

    def pending(self) -> list[Job]:
        """The working job first, if there is one, then those that are queued, oldest first."""
        rows = self._query(
            "SELECT body FROM job WHERE state IN (SELECT value FROM json_each(?))"
            "  ORDER BY state = ?, id",
            encode_states(PENDING),
            State.QUEUED.value,
        )
        working = self._working
        jobs = decode_rows(rows, Job)
        return [working if working and working.id == job.id else job for job in jobs]

    def latest(self) -> Job | None:
        """The job that had the latest turn, as only one has turns at a time."""
        # More than one, as newer code may have written the latest, which is not understood here.
        rows = self._query(
            "SELECT body FROM job"
            "  ORDER BY json_extract(body, '$.pacing.progress_at_ms') DESC LIMIT 9"
        )
        return next(decode_rows(rows, Job), None)

    def held(self) -> list[Job]:
        rows = self._query("SELECT body FROM job WHERE state = ?", State.HELD.value)
        return list(decode_rows(rows, Job))

    def triggered_by(self, trigger_key: str) -> Job | None:
        rows = self._query("SELECT job_id FROM trigger_key WHERE key = ?", trigger_key)
        return self.load(str(rows[0]["job_id"])) if rows else None

    def remember(self, trigger_key: str | None, job: Job) -> None:
        """Answer the trigger with this job if it comes again, until a day after the job's end."""
        if trigger_key is None:
            return
        self._query(
            "INSERT INTO trigger_key (key, job_id) VALUES (?, ?)"
            "  ON CONFLICT (key) DO UPDATE SET job_id = excluded.job_id",
            trigger_key,
            job.id,
        )
        self._query(
            "DELETE FROM trigger_key WHERE key IN"
            "  (SELECT key FROM trigger_key WHERE key <> ? ORDER BY job_id DESC LIMIT -1 OFFSET ?)",
            trigger_key,
            TRIGGER_KEYS_MAX - 1,
        )

    def add(self, job: Job, trigger_key: str | None, alarm_at_ms: int | None) -> Awaitable[None]:
        """Remember a new job; `alarm_at_ms` None leaves the alarm as it is."""
        self._query(
            "INSERT INTO job (id, state, body) VALUES (?, ?, ?)",
            job.id,
            job.state.value,
            _body(_stored(job)),
        )
        self.remember(trigger_key, job)
        return _nothing() if alarm_at_ms is None else self.arm(alarm_at_ms)

    def save(self, job: Job, alarm_at_ms: int | None, limits: Limits) -> Awaitable[None]:
        """Remember the job, what its success means for others, and the object's next alarm."""
        self.put(job, limits)
        assert job.state not in PENDING or alarm_at_ms is not None, "a pending job has an alarm"
        return self.arm(alarm_at_ms)

    def put(self, job: Job, limits: Limits) -> None:
        """As `save`, where the alarm is somebody else's."""
        if job.state is State.SUCCEEDED and not job.repeats:
            self.successes.add(job, limits)
            self.observations.add_crawl(job)
            if job.mode is Mode.FULL and not job.is_delegated:
                self.observations.keep_document_count(self.ledger.count(Kind.DOCUMENT))
        state, stored, before = job.state.value, _stored(job), self._working
        if before is None or before.id != job.id:
            before = None
        # Rows written are billed.
        if before is None or stored != self._written:
            self._query("UPDATE job SET body = ? WHERE id = ?", _body(stored), job.id)
        if before is None or before.state is not job.state:
            # Apart, as it touches an index.
            query = "UPDATE job SET state = ? WHERE id = ? AND state <> ?"
            self._query(query, state, job.id, state)
        if job.turn is not None:
            self._working, self._written = job, stored
        elif before is not None:
            self._working = None
        if job.state in ENDED:
            self._prune(job, limits)

    def record(
        self, before: Job, after: Job, targets: Sequence[str], now_ms: int, limits: Limits
    ) -> None:
        """Remember what has happened to a job between two states, and what is to be told of it.

        The job itself is for `save` or `put`.
        """
        self.chronicle.record(before, after, now_ms, limits)
        self.outbox.announce(before, after, targets, now_ms)

    def supersede(self, by: Job, targets: Sequence[str], now_ms: int, limits: Limits) -> None:
        """End the held jobs whose lists are out of date since another has read the source."""
        for held in self.held():
            if held.id != by.id:
                after = supersede(held, by, now_ms, limits)
                self.record(held, after, targets, now_ms, limits)
                self.put(after, limits)

    def keep_rejects(
        self, job_id: str, page: int, rejects: Sequence[Reject], limits: Limits
    ) -> None:
        """Remember rejects of a page, as long as there is room; the same again changes nothing."""
        for reject in rejects:
            self._query(
                "INSERT OR REPLACE INTO reject (job_id, page, place, body) SELECT ?, ?, ?, ?"
                "  WHERE (SELECT count(*) FROM reject WHERE job_id = ?) < ?",
                job_id,
                page,
                reject.order,
                encode(reject),
                job_id,
                limits.rejects_kept_max,
            )

    def rejects(self, job_id: str, after: tuple[int, int], count: int) -> list[tuple[int, Reject]]:
        """So many rejects with their pages, that come after a page and an order in it; -1: all."""
        rows = self._query(
            "SELECT page, body FROM reject WHERE job_id = ? AND (page, place) > (?, ?)"
            "  ORDER BY page, place LIMIT ?",
            job_id,
            *after,
            count,
        )
        return [(to_integer(row["page"]), decode(str(row["body"]), Reject)) for row in rows]

    def spots(self, job_id: str) -> dict[Stage, list[RejectedPage]]:
        """Where the rejects of a job are in its sources, as far as they are remembered."""
        spots: dict[Stage, dict[int, RejectedPage]] = {}
        for page, reject in self.rejects(job_id, (0, 0), -1):
            if reject.stage in KNOWN_STAGES:
                of_stage = spots.setdefault(Stage(reject.stage), {})
                before = of_stage.get(page, RejectedPage(reject.cursor, reject.digest, frozenset()))
                of_stage[page] = replace(before, places=before.places | {reject.place})
        return {stage: list(of_stage.values()) for stage, of_stage in spots.items()}

    def forget_rejects(self, job_id: str, after_page: int = 0) -> None:
        self._query("DELETE FROM reject WHERE job_id = ? AND page > ?", job_id, after_page)

    def arm(self, alarm_at_ms: int | None) -> Awaitable[None]:
        """Set or delete the alarm. Setting it again to the same time costs nothing."""
        if alarm_at_ms == self._armed_at_ms and alarm_at_ms is not None:
            return _nothing()
        self._armed_at_ms = alarm_at_ms
        if alarm_at_ms is None:
            return self._storage.deleteAlarm()
        return self._storage.setAlarm(alarm_at_ms)

    @property
    def set_at_ms(self) -> int | None:
        """The alarm, as far as it was set here since it fired last."""
        return self._armed_at_ms

    def disarmed(self) -> None:
        """The alarm has fired: the platform holds none until one is set."""
        self._armed_at_ms = None

    def armed_at_ms(self) -> Awaitable[int | None]:
        """The alarm that the platform holds, whatever was set."""
        return self._storage.getAlarm()

    def wake_at_ms(self, now_ms: int) -> int | None:
        """When the object has something to do that is no job; None: never."""
        verification = self.verifications.due()
        times = [
            self.outbox.due_at_ms(),
            verification.due_at_ms if verification else None,
            self.verifications.watch_at_ms(),
        ]
        at_ms = min((at_ms for at_ms in times if at_ms is not None), default=None)
        return None if at_ms is None else not_before(at_ms, now_ms)

    def _prune(self, ended: Job, limits: Limits) -> None:
        for job_id in self._retention.forgotten(ended.id, ended.finished_at_ms or 0, limits):
            self.forget_rejects(job_id)
            self.chronicle.forget(job_id)
            self._query("DELETE FROM trigger_key WHERE job_id = ?", job_id)
            self._query("DELETE FROM job WHERE id = ?", job_id)
        self.verifications.prune()

    def _query(self, query: str, *bindings: Binding) -> Sequence[Row]:
        # A cursor that is not read to its end blocks later changes of the schema.
        return self._storage.sql.exec(query, *bindings).toArray()


def _stored(job: Job) -> Job:
    """As it survives the turn."""
    return replace(clear_in_flight(job), turn=job.turn, ended_turn=None)


def _body(job: Job) -> str:
    body = msgspec.json.encode(job)
    assert len(body) <= BODY_BYTES_MAX, f"job {job.id} takes {len(body)} bytes"
    return body.decode()


async def _nothing() -> None:
    pass
