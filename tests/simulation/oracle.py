"""What must hold at every moment, judged from outside: requests, answers, and what is on disk."""

from collections.abc import Mapping, Sequence
from operator import le

import httpx
import msgspec
from msgspec import Struct

from durable.limits import Limits
from durable.machine.commands import LEGAL, Instruction
from durable.machine.job import Job, Mode, Stage, Way
from durable.machine.notes import ErrorCode
from durable.machine.remedies import RemedyCode
from durable.machine.states import ENDED, PENDING, WORKING, Command, State
from durable.machine.watermark import SECOND_MS
from durable.sources.clock import BEHIND_MS_MAX
from durable.sources.since import OVERLAP_MS, Since, begin_ms
from durable.timestamps import rfc3339
from tests.fakes.storage import Storage
from tests.simulation.clock import Clock
from tests.simulation.connector import GLEAN_TOKEN, SOURCE_TOKEN
from tests.simulation.fates import Fate, Kind
from tests.simulation.glean import Glean
from tests.simulation.ledger_oracle import Entry, LedgerOracle
from tests.simulation.network import upload_id
from tests.simulation.reject_oracle import RejectOracle
from tests.simulation.source import Order, Source
from tests.simulation.tries import Tries


LEASE_MS_MAX = Limits().lease_ms
SOON_MS = 1_000
TOO_OFTEN = 429
CONFLICT = 409
SETTLED = frozenset({400, CONFLICT, 413})  # Glean's answers that are not the end of a job
KINDS = {
    Mode.FULL: {*Kind} - {Kind.SAVE, Kind.PROCESS},
    Mode.INCREMENTAL: {Kind.FETCH, Kind.SEND, Kind.DELETE, Kind.SHARE},
}


WRITES = frozenset({Kind.SEND, Kind.DELETE, Kind.SHARE})


class Seen(Struct):
    """What was seen of one job."""

    progress_at_ms: int
    death_count: int = 0  # since then
    fault_count: int = 0  # this and the next: of its latest crawl
    pause_count: int = 0
    fetch_count: int = 0
    first_sent_at_ms: int | None = None
    quiet_until_ms: int = 0
    source_quiet_until_ms: int = 0  # meanwhile, what was read is sent
    has_end: bool = False  # the source said so, and was heard
    is_forbidden: bool = False
    was_refused: bool = False  # by Glean, as a record or all of it may be at fault
    is_closed: bool = False
    order: Instruction | None = None  # the latest that it was given
    tries: Tries = msgspec.field(default_factory=Tries)  # since its latest page landed

    def begin_anew(self, job: Job) -> None:
        self.fault_count = 1  # one may be under way as this is seen
        self.fetch_count = self.pause_count = 0
        if job.mode is Mode.FULL and job.stage is Stage.DELETIONS:
            return  # it goes on from what the crawl has told
        self.has_end = self.is_closed = False
        self.first_sent_at_ms = None


class Oracle:
    """Told of all that happens; raises AssertionError when it must not.

    Args:
        storage: of the object under test.
        source: what the index has to come to.
        glean: the index.
        clock: of the world.
        limits: that the jobs are given.
    """

    def __init__(
        self, storage: Storage, source: Source, glean: Glean, clock: Clock, limits: Limits
    ) -> None:
        self._storage = storage
        self._source = source
        self._glean = glean
        self._clock = clock
        self._limits = limits
        self._ledger = LedgerOracle(storage, source, glean, limits)
        self.rejects = RejectOracle(storage, source, glean, limits)
        self._bodies: dict[str, str] = {}
        self.jobs: dict[str, Job] = {}
        self.seen: dict[str, Seen] = {}
        self.watermark_ms: int | None = None
        self.behind_ms = 0  # the source's clock is
        self.has_clock = False  # its records tell when they changed
        self.may_be_refused = False  # by Glean itself: something has arrived late there
        self.turn_fetch_count = 0
        self.excused: set[str] = set()  # notes that may be wrong in the index
        self.deaths: list[Fate] = []
        self.is_redefined = False  # the mapping is not what this knows
        self._closed_count = 0
        self._asking = ""  # the job whose request is under way

    @property
    def head(self) -> Job | None:
        """The job whose turn it is."""
        pending = [job for job in self.jobs.values() if job.state in PENDING]
        return min(pending, key=lambda job: (job.state is State.QUEUED, job.id), default=None)

    @property
    def latest(self) -> Job:
        return self.jobs[max(self.jobs)]

    @property
    def entries(self) -> Mapping[str, Entry]:
        """What the ledger has of documents, by key."""
        return self._ledger.entries()

    def sent(self, kind: Kind, request: httpx.Request, beside: Sequence[Kind]) -> None:
        """A request leaves, beside those that are under way."""
        now_ms, job = self._clock.now_ms, self.head
        assert job is not None, f"{kind} without a job"
        assert job.state in WORKING, f"{kind} while {job.state}"
        seen = self.seen[job.id]
        alarm_at_ms = self._storage.alarm_at_ms
        assert alarm_at_ms is not None, "works without a lease"
        assert now_ms < alarm_at_ms <= now_ms + LEASE_MS_MAX, f"a lease until {alarm_at_ms}"
        assert now_ms >= seen.quiet_until_ms, "does not wait as long as it was told"
        is_fetch = kind is Kind.FETCH
        is_early = is_fetch and now_ms < seen.source_quiet_until_ms
        assert not is_early, "does not wait as long as the source told it"
        assert not seen.is_forbidden, "goes on where it was refused for good"
        # A refusal may be meant for all: then Glean is asked whether it knows the datasource.
        is_inquiry = kind is Kind.ASK and seen.was_refused
        assert is_inquiry or kind in KINDS[job.mode], f"{kind} in a job that is {job.mode}"
        assert beside.count(Kind.FETCH) + (kind is Kind.FETCH) <= 1, "reads two pages at once"
        sends_max = self._limits.sends_max if job.is_upload else 1
        is_single = kind in {Kind.DELETE, Kind.SHARE}
        assert not (is_single and job.is_upload), f"{kind} one by one beside an upload"
        if not is_fetch:
            others = [other for other in beside if other is not Kind.FETCH]
            assert len(others) < sends_max, f"{kind} beside {others}"
            assert kind not in {Kind.OPEN, Kind.CLOSE} or not beside, f"{kind} beside {beside}"
        if kind is Kind.FETCH:
            self._check_since(job, seen, request)
        is_of_upload = kind in {Kind.OPEN, Kind.SEND, Kind.CLOSE}
        if is_of_upload and job.is_upload:
            assert upload_id(request) == job.upload.id, "sent to an upload that is not its own"
            assert job.upload.id.startswith(job.id), "an upload that names another job"
        assert kind is not Kind.CLOSE or seen.has_end, (
            "closed before the source said it has no more"
        )
        self._ledger.sent(job, kind, request)
        if seen.first_sent_at_ms is None:
            seen.first_sent_at_ms = now_ms
        seen.tries.request_count += 1
        self._asking = job.id
        # A close may need a document of a page that was read.
        if kind is Kind.FETCH and job.state is State.SENDING:
            seen.fetch_count += 1
            self.turn_fetch_count += 1
        assert self.turn_fetch_count <= self._limits.turn_pages_max, "a turn over its budget"

    def _check_since(self, job: Job, seen: Seen, request: httpx.Request) -> None:
        if seen.order is None:  # what a job has begun to read, it goes on to read
            watermark_ms = self.watermark_ms if job.mode is Mode.INCREMENTAL else None
            self.rejects.check_reach(job, watermark_ms)
        from_ms = read_from_ms(job.reads_from_ms)
        since = None if from_ms is None else rfc3339(from_ms)
        assert request.url.params.get("changed_since") == since, "reads from another time"

    def heard(self, kind: Kind, fate: Fate, request: httpx.Request) -> None:
        """Whoever asked, hears of it."""
        job = self.head
        if fate is Fate.OK and kind in WRITES and job is not None:
            self.seen[job.id].tries.hear(job, request)

    def answered(self, kind: Kind, fate: Fate, answer: httpx.Response | Exception) -> None:
        seen = self.seen[self._asking]
        is_whole = fate is Fate.OK or fate is Fate.GARBLED  # a cut body has its status
        is_refused = is_whole and isinstance(answer, httpx.Response) and answer.is_error
        status = answer.status_code if isinstance(answer, httpx.Response) else None
        # What a dead turn has sent, nobody has counted for Glean's minute.
        is_uncounted = status == TOO_OFTEN and bool(self.deaths)
        was_picky = self._glean.is_picky or self.rejects.changed_at_ms > 0
        has_cause = self.may_be_refused or was_picky or is_uncounted
        assert not is_refused or has_cause, f"{kind} was refused without a cause"
        content = answer.content if isinstance(answer, httpx.Response) and is_whole else b""
        is_write = kind not in {Kind.FETCH, Kind.ASK}
        is_unread = fate is Fate.GARBLED and is_write and not content
        if is_refused and status in SETTLED:
            seen.was_refused = True
            if status == CONFLICT:
                self.faulted()  # asked about, or waited for; else it is cut
        elif fate is Fate.FORBIDDEN or (is_refused and status != TOO_OFTEN):
            seen.is_forbidden = True
        elif is_refused:
            self.faulted()  # what arrived late was counted, too
        elif fate is not Fate.OK and not is_unread:
            headers = answer.headers if isinstance(answer, httpx.Response) else {}
            wait_ms = int(headers.get("retry-after", 0)) * 1_000
            wait_ms = min(wait_ms, self._limits.retry_after_ms_max)
            until_ms = self._clock.now_ms + wait_ms
            if kind is Kind.FETCH:
                seen.source_quiet_until_ms = until_ms
            else:
                seen.quiet_until_ms = max(seen.quiet_until_ms, until_ms)
        elif kind is Kind.FETCH and isinstance(answer, httpx.Response):
            page = msgspec.json.decode(answer.content)
            seen.has_end = seen.has_end or page["next"] is None

    def faulted(self) -> None:
        if (job := self.head) is not None:
            self.seen[job.id].fault_count += 1
            self.seen[job.id].tries.fault_count += 1

    def died(self, fate: Fate) -> None:
        self.deaths.append(fate)
        if (job := self.head) is not None:
            seen = self.seen[job.id]
            seen.death_count += 1
            if fate is Fate.DIED_UNSAVED:  # with the note of the latest answer, too
                seen.quiet_until_ms = seen.source_quiet_until_ms = 0
                seen.is_forbidden = False

    def closing_arrived(self) -> None:
        """If an upload was closed: what Glean has now must be the whole source."""
        if len(self._glean.closed) == self._closed_count:
            return
        self._closed_count = len(self._glean.closed)
        self._ledger.closed(self._glean.closed[-1])
        job = self.jobs[self._glean.closed[-1].rpartition("-")[0]]
        seen = self.seen[job.id]
        assert not seen.is_closed, "one crawl closed two uploads"
        seen.is_closed = True
        self.check_index(self._begun_ms(job))
        if self._source.changed_at_ms < self._begun_ms(job):
            extra = self._glean.index.keys() - self._source.rows.keys()
            assert not extra, f"what the source does not have: {extra}"

    def ordered(self, job_id: str, order: Instruction) -> None:
        """Somebody is about to ask something of a job."""
        self.seen[job_id].order = order
        if order.command is Command.APPROVE:
            self._ledger.approve(self.jobs[job_id])
        elif order.command is Command.RETRY:
            self._ledger.forget_approval(job_id)
        self.seen[job_id].fault_count += 1  # the page under way may be for nothing

    def committed(self) -> None:
        """Something may have been written to disk."""
        ended = []
        for row in self._storage.exec("SELECT id, body FROM job").toArray():
            job_id, body = str(row["id"]), str(row["body"])
            if self._bodies.get(job_id) == body:
                continue
            before, job = self.jobs.get(job_id), msgspec.json.decode(body, type=Job)
            seen = self.seen.setdefault(job_id, Seen(self._clock.now_ms))
            self._check_step(before, job, seen)
            self._ledger.stored(job)
            assert SOURCE_TOKEN not in body, "a secret is stored"
            assert GLEAN_TOKEN not in body, "a secret is stored"
            self._bodies[job_id], self.jobs[job_id] = body, job
            if job.pacing.pause and (
                before is None or job.turn_count > before.turn_count or not before.pacing.pause
            ):
                seen.pause_count += 1
                seen.tries.rest_count += 1
            if before is not None and job.crawl_count > max(1, before.crawl_count):
                seen.begin_anew(job)
            self._check_tries(before, job, seen)
            if before and (before.state, before.crawl.page_count) != (
                job.state,
                job.crawl.page_count,
            ):
                if job.state is not State.FAILED:
                    seen.progress_at_ms, seen.death_count = self._clock.now_ms, 0
                if job.state in ENDED:
                    ended.append(job)
        assert len(self._in(WORKING)) <= 1, "two jobs work"
        pending = self._in(PENDING)
        assert len({job.mode for job in pending}) == len(pending), "two pending jobs of one mode"
        watermarks = self._storage.exec("SELECT at_ms FROM watermark").toArray()
        watermark_ms = watermarks[0]["at_ms"] if watermarks else None
        for job in ended:
            self._ended(job)
            if job.state is State.SUCCEEDED:
                self.watermark_ms = self._moved_ms(job, watermark_ms)
        assert watermark_ms == self.watermark_ms, "the watermark is a successful job's start"

    def _moved_ms(self, job: Job, watermark_ms: object) -> int:
        """The watermark after a job's success: its start, by the source's clock if that is told."""
        begun_ms = self._begun_ms(job)
        before_ms = 0 if job.mode is Mode.FULL else self.watermark_ms or 0
        latest_ms = max(begun_ms, before_ms)
        if not self.has_clock:
            return latest_ms
        assert isinstance(watermark_ms, int)
        assert watermark_ms <= latest_ms, "the watermark is later than the job's start"
        earliest_ms = begun_ms + self.behind_ms - BEHIND_MS_MAX - SECOND_MS
        assert watermark_ms > max(earliest_ms, before_ms - 1), "the watermark is left behind"
        return watermark_ms

    def _begun_ms(self, job: Job) -> int:
        """When the job was begun, by the source's clock."""
        assert job.started_at_ms is not None
        return job.started_at_ms - self.behind_ms

    def rested(self, *, has_died: bool, is_redelivered: bool) -> None:
        """Nothing runs.

        Args:
            has_died: the last turn did not come to its end.
            is_redelivered: the platform will try the last alarm again.
        """
        self.committed()
        now_ms, alarm_at_ms, job = self._clock.now_ms, self._storage.alarm_at_ms, self.head
        if job is None:
            assert alarm_at_ms is None, "an alarm for nothing"
        elif alarm_at_ms is None:
            assert is_redelivered, f"{job.id} is {job.state} for ever"
        else:
            due_at_ms = max(now_ms + SOON_MS, job.pacing.retry_at_ms or 0)
            latest_at_ms = max(due_at_ms, now_ms + LEASE_MS_MAX) if has_died else due_at_ms
            assert alarm_at_ms <= latest_at_ms, f"{job.id} waits for nothing"
            self._check_counts(job)
        if not self.is_redefined:
            self._ledger.check_ledger(self._unsure)
        if self.watermark_ms is not None:
            # Each change of the last minutes is in a feed again, and sent again in its order: what
            # was sent before is there again once a job has come to its end.
            is_whole = job is None and self.latest.state is State.SUCCEEDED
            is_replayed = self._source.order is Order.FEED and not is_whole
            from_ms = min([self.watermark_ms, *self._reaches()]) if is_replayed else None
            self.check_index(self.watermark_ms if from_ms is None else from_ms - OVERLAP_MS)

    def _reaches(self) -> list[int]:
        """From when on jobs read that have not succeeded: what is tried again, they replay."""
        unended = [job for job in self.jobs.values() if job.state is not State.SUCCEEDED]
        return [at_ms for job in unended for at_ms in job.reaches.values()]

    @property
    def _unsure(self) -> set[str]:
        """Notes that may be wrong in the index."""
        source = self._source
        return self._unusable | source.restless

    def check_whole(self) -> None:
        """Glean has all of the source, but for rejects and for what is never the same."""
        source, awaited = self._source, self.rejects.awaited
        self._ledger.check_whole(source.broken | source.restless | self._glean.unfit | awaited)

    def check_index(self, since_ms: int) -> None:
        """Glean has what nobody has changed since then, as it is in the source."""
        if not self.is_redefined:
            self._ledger.check_index(since_ms, self._unusable | self._source.untold)

    @property
    def _unusable(self) -> set[str]:
        """Notes that are rejected, or that no job need have tried again yet."""
        rejected = self._source.broken | self._source.nameless | self._glean.unfit
        return self.excused | rejected | self.rejects.awaited

    def _check_tries(self, before: Job | None, job: Job, seen: Seen) -> None:
        """A page lands after so many tries, or the job ends."""
        if before is None or _place(before) != _place(job):
            seen.tries.land(job, self._source)
        elif job.state in WORKING:
            self._check_bounds(job, seen)

    def _check_bounds(self, job: Job, seen: Seen) -> None:
        seen.tries.check(job, self._source, self._limits)

    def _check_step(self, before: Job | None, job: Job, seen: Seen) -> None:
        """What is at rest is moved only by whoever may; and an error has a code."""
        assert bool(job.error) == bool(job.error_code), f"{job.error!r} is {job.error_code!r}"
        if before is None or before.state in PENDING:
            return
        if before.state is State.HELD and job.error_code == ErrorCode.REPLACED:
            return
        assert seen.order is not None, f"{job.id} was {before.state}"
        assert seen.order.command in LEGAL[before.state], "an illegal order"
        if job.state is State.QUEUED:
            seen.is_forbidden = False
            seen.quiet_until_ms = seen.source_quiet_until_ms = 0
            seen.progress_at_ms, seen.death_count = self._clock.now_ms, 0

    def _ended(self, job: Job) -> None:
        now_ms, seen = self._clock.now_ms, self.seen[job.id]
        is_successful = job.state is State.SUCCEEDED
        # Each fault may be to the cost of all pages under way, the one that is read too.
        ahead = min(self._limits.turn_pages_max, self._limits.sends_max + 1)
        stops = seen.fault_count + seen.pause_count + (not is_successful)
        fetches_max = job.crawl.page_count + ahead * stops
        assert seen.fetch_count <= fetches_max, f"{seen.fetch_count} fetches, not {fetches_max}"
        self._check_counts(job)
        if is_successful:
            assert job.started_at_ms is not None
            assert seen.first_sent_at_ms is not None
            assert job.created_at_ms <= job.started_at_ms <= seen.first_sent_at_ms
            assert seen.has_end, "succeeded before the end of the source"
            is_closing = job.mode is Mode.FULL and job.way is Way.REPLACE
            assert seen.is_closed or not is_closing, "succeeded without a close"
            self.rejects.succeeded(job)
            self.check_index(self._begun_ms(job))
            is_still = self._source.changed_at_ms < self._begun_ms(job)
            if job.mode is Mode.FULL and is_still and not self._source.nameless:
                extra = self._glean.index.keys() - self._source.live.keys() - self._unsure
                assert not extra, f"what the source does not have: {extra}"
            return
        if job.state is State.CANCELLED:
            is_replaced = job.error_code == ErrorCode.REPLACED
            is_ordered = seen.order is not None and seen.order.command is Command.CANCEL
            assert is_replaced or is_ordered, "cancelled without an order"
            return
        has_stalled = now_ms - seen.progress_at_ms >= self._limits.stall_ms_max
        has_died = seen.death_count >= self._limits.deaths_max
        was_displaced = job.restart_count >= self._limits.restarts_max
        was_displaced = was_displaced or job.remedy == RemedyCode.CHECK_UPLOADS
        has_too_many = job.remedy == RemedyCode.CORRECT_RECORDS or bool(job.shortfall)
        has_too_many = has_too_many or job.error_code == ErrorCode.NOTHING_TO_REPEAT
        is_for_all = bool(self._glean.refusing) and self._glean.refusing in job.error
        was_redefined = self.is_redefined and job.redefined_count >= self._limits.redefinitions_max
        causes = has_stalled, has_died, was_displaced, has_too_many, was_redefined
        is_refused = seen.is_forbidden or is_for_all
        assert any((*causes, is_refused)), f"gave up too early: {job.error}"
        assert job.error, "gave up without a word"

    def _check_counts(self, job: Job) -> None:
        """The counts are those of the pages that are in Glean, each counted once."""
        if job.started_at_ms is None or self._source.changed_at_ms >= self._begun_ms(job):
            return  # the pages may have changed since they were counted
        if self.excused or self.rejects.changed_at_ms >= job.started_at_ms:
            return  # and so may Glean's mind
        if job.mode is Mode.FULL and job.stage is Stage.DELETIONS:
            return  # they are of the ledger's list
        if job.state is State.QUEUED and job.asked_mode is not None:
            return  # it becomes another, and they are void
        if self._source.respelt:
            return  # of those that are one to Glean, one is rejected
        unfit = self._glean.unfit  # it takes their deletions all the same
        listed = [
            row
            for page in self._source.pages(read_from_ms(job.reads_from_ms))[: job.crawl.page_count]
            for row in page
            if row.id not in self._source.broken
        ]
        rows = [row for row in listed if row.text is None or row.id not in unfit]
        deletion_count = sum(row.text is None for row in rows)
        # Before each change, what may be there of another type: a feed tells several of a note.
        former_count = sum(max(0, len(self._source.types(row.id)) - 1) for row in listed)
        counts = job.crawl.document_count, job.crawl.deletion_count
        is_full = job.mode is Mode.FULL
        expected = len(rows) - deletion_count, 0 if is_full else deletion_count
        if not is_full or job.way is Way.RECONCILE:  # what Glean has already, is left out
            # So many are refused, of which others may see an older version.
            withdrawn_count = sum(row.id in unfit for row in listed)
            most = expected[0], expected[1] + former_count + withdrawn_count
            assert all(map(le, counts, most)), f"{counts}, more than the {most} that there are"
        elif self._glean.ignores(job.upload.id):  # it looks at none of what it seems to take
            sent_most = sum(row.text is not None for row in listed)
            assert expected[0] <= counts[0] <= sent_most, "miscounted"
            assert counts[1] == expected[1], "miscounted"
        else:
            assert counts == expected, "miscounted"

    def _in(self, states: frozenset[State]) -> list[Job]:
        return [job for job in self.jobs.values() if job.state in states]


def _place(job: Job) -> tuple[object, ...]:
    """How far it has come."""
    return job.state, job.crawl_count, job.stage_index, job.crawl.page_count


def read_from_ms(since_ms: int | None) -> int | None:
    """Since when a job reads changes, whose watermark this is."""
    return None if since_ms is None else begin_ms(Since(param="updated_since"), since_ms, None)
