"""One turn of a job: decide, do, remember, until it waits, yields or ends."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.engine.alert_sender import find_targets
from durable.engine.clients import Clients
from durable.engine.deletion_watcher import watch_uploads
from durable.engine.executor import Executor
from durable.engine.gone_source import with_gone
from durable.engine.ledger_book import LedgerBook
from durable.engine.platform import Platform, renewing_host
from durable.engine.reject_reader import RepeatedReader
from durable.engine.verifier import follow
from durable.environment import Environment
from durable.limits import Limits
from durable.machine.commands import relieve
from durable.machine.effects import (
    CloseWithDocument,
    Effect,
    Event,
    Failed,
    Fetch,
    LedgerEffect,
    NoRoom,
    Packed,
    UploadQueried,
    Woke,
)
from durable.machine.job import Job, JobSpec, Mode, ReadContext
from durable.machine.machine import step
from durable.machine.memory import LATE_MS, Lease
from durable.machine.notes import WaitReason
from durable.machine.open_rejects import let_go
from durable.machine.pacing import not_before, spread_ms_max
from durable.machine.room import lease_bytes
from durable.machine.states import PENDING, State
from durable.machine.window import landed_pages
from durable.store.store import Store


class Turn:
    """Carries one job through one wake-up. Lives no longer than that."""

    def __init__(
        self,
        job_id: str,
        connector: AnyConnector,
        environment: Environment,
        store: Store,
        host: Platform,
    ) -> None:
        self._job_id = job_id
        self._connector = connector
        self._store = store
        self._host = host
        self._targets = find_targets(environment)
        self._limits = Limits()
        self._lease = Lease(connector.name)
        self._book = LedgerBook(store, connector, environment)
        host = renewing_host(host, self._lease)
        self._executor = Executor(connector, environment, host, self._book)
        self._number = 0  # of the turn, once it has begun
        self._crawl: ReadContext  # that the turn is of, likewise
        self._tasks: set[asyncio.Task[Any] | None] = set()  # of all that is under way

    async def run(self) -> None:
        ends, spec, job = self._executor.ends(), JobSpec(), self._store.load(self._job_id)
        if not isinstance(ends, Failed):
            ends = self._narrowed(ends, job)
            self._limits, spec = ends.limits, ends.spec
        self._recall(job)
        is_expected = self._is_expected(job)
        try:
            effects = await self._advance(self._woke(spec, job))
            self._watch_rejects()
            if effects and not is_expected and not await self._is_apart():
                return
            async with asyncio.TaskGroup() as group:
                self._begin(effects, ends, group)
        finally:
            self._host.memory.give_back(self._lease)
            if not isinstance(ends, Failed):
                await ends.close()

    def _woke(self, spec: JobSpec, job: Job | None) -> Woke:
        is_queued = job is not None and job.state is State.QUEUED
        last = self._store.latest() if is_queued else None
        before = self._store.successes
        return Woke(
            before.watermark_ms(),
            self._book.known_counts(job),
            spec,
            last,
            has_packs=job is not None and self._book.has_packs(job),
            documents=self._book.documents(job, self._limits),
            armed_at_ms=self._store.set_at_ms,
            rejects=before.rejects(),
        )

    def _is_expected(self, job: Job | None) -> bool:
        """Room is kept for it just now; and those who look for some, wake each at another time.

        Who is too late for that, may be back with all others of an isolate that died.
        """
        if job is None or job.pacing.waits_for != WaitReason.MEMORY:
            return False
        return self._host.now_ms() - (job.pacing.retry_at_ms or 0) < LATE_MS

    async def _is_apart(self) -> bool:
        """Keep apart from others that were killed with it. False: the turn was ended meanwhile."""
        before = self._loaded()
        longest_ms = spread_ms_max(before, self._limits)
        if not longest_ms or before.turn is None:
            return True
        self._store.put(replace(before, turn=replace(before.turn, is_apart=True)), self._limits)
        await self._host.wait(round(longest_ms * self._host.draw()))
        job = self._store.load(self._job_id)
        if job is None or job.turn is None or job.turn_count != self._number:
            return False
        self._store.put(replace(job, turn=replace(job.turn, is_apart=False)), self._limits)
        return True

    def _narrowed(self, ends: Clients, job: Job | None) -> Clients:
        """Where the job repeats what another one has rejected, its pages alone are read.

        And what a FULL job deletes is on its list.
        """
        if job is not None and job.mode is Mode.FULL and job.gone_at_ms:
            return with_gone(ends, self._store.ledger, job.gone_at_ms)
        if job is None or not job.repeats:
            return ends
        spots = self._store.spots(job.repeats)
        readers = {
            stage: RepeatedReader(reader, spots.get(stage, ()))
            for stage, reader in ends.readers.items()
        }
        return replace(ends, readers=readers)

    def _recall(self, job: Job | None) -> None:
        """Glean's reasons for what it refused of the page at the cursor, in an earlier turn."""
        if job is not None and job.crawl.landed.refused_count:
            page = job.page_base + job.crawl.page_count + 1
            stored = self._store.rejects(job.id, (page, 0), -1)
            self._executor.recall(reject for _, reject in stored)

    def _watch_rejects(self) -> None:
        """Those that are tried no more may come all the same, once they change."""
        job = self._store.load(self._job_id)
        if job is not None and job.turn is not None and not job.is_upload:
            rejects, now_ms = self._store.successes.rejects(), self._host.now_ms()
            self._executor.watched = let_go(rejects, job.stage, now_ms, self._limits)

    def _begin(
        self, effects: Sequence[Effect], ends: Clients | Failed, group: asyncio.TaskGroup
    ) -> None:
        for effect in effects:
            self._tasks.add(group.create_task(self._carry(effect, ends, group)))

    async def _carry(
        self, effect: Effect, ends: Clients | Failed, group: asyncio.TaskGroup
    ) -> None:
        """Have an effect performed, and in its place one of those that follow; others beside it."""
        following: Sequence[Effect] = (effect,)
        while following:
            effect, *others = following
            self._begin(others, ends, group)
            event: Event = ends if isinstance(ends, Failed) else await self._perform(effect, ends)
            following = await self._advance(event)
        self._tasks.discard(asyncio.current_task())

    async def _perform(self, effect: Effect, ends: Clients) -> Event:
        if isinstance(effect, Fetch | CloseWithDocument) and (place := self._ask_for_room()):
            return NoRoom(place, self._host.draw())
        if isinstance(effect, LedgerEffect):
            await self._host.wait(1)  # what was written before, is a transaction of its own
            return self._book.perform(effect, self._loaded())
        return await self._executor.perform(effect, ends, self._crawl)

    def _ask_for_room(self) -> int:
        """For the page that is to be read: 0 if there is room, else the place in the queue."""
        _, wanted_bytes = lease_bytes(self._loaded(), self._limits)
        bytes_max = self._limits.isolate_bytes_max
        return self._host.memory.ask(self._lease, wanted_bytes, bytes_max, self._host.now_ms())

    def _loaded(self) -> Job:
        job = self._store.load(self._job_id)
        assert job is not None, "it has just been saved"
        return job

    def _settle_memory(self, job: Job, now_ms: int) -> None:
        """Have the lease say what is held now, or who is to come back."""
        memory = self._host.memory
        if job.turn is not None:
            memory.keep(self._lease, *lease_bytes(job, self._limits), now_ms)
        elif job.pacing.waits_for == WaitReason.MEMORY and job.alarm_at_ms is not None:
            memory.expect(self._lease, job.alarm_at_ms)

    async def _advance(self, event: Event) -> tuple[Effect, ...]:
        """Load, step and save with no await between: one transaction."""
        now_ms = self._host.now_ms()
        before = self._store.load(self._job_id)
        if before is None or before.state not in PENDING or not self._is_ours(before, event):
            self._abandon()
            return ()  # ended or begun anew by somebody while we waited; the alarm is theirs
        if isinstance(event, Packed):
            event = self._book.members.weighed(before, event, self._executor.group_sizes)
        job, effects = step(before, event, now_ms, self._limits)
        if job.mode is not before.mode and (other := self._full_behind(job)) is not None:
            job, effects = relieve(job, other, now_ms, self._limits), ()
        self._number = job.turn_count
        crawl_id, mode = f"{job.id}-{job.crawl_count}", job.repeated_mode or job.mode
        self._crawl = ReadContext(crawl_id, mode, job.stage, job.reads_from_ms)
        if isinstance(event, Packed) and job.crawl.is_withheld:
            self._executor.withhold(event.page_index)
        self._book.record(before, job, event, self._executor.ledger_page, self._limits)
        self._book.members.record(before, job, self._executor.group_sizes)
        if isinstance(event, UploadQueried) and before.is_reconciling:
            self._store.observations.add_upload(event.foreign_id, job)
        self._keep_rejects(before, job)
        is_read = job.state in {State.HELD, State.SUCCEEDED} and job.mode is Mode.FULL
        if is_read and before.state is not job.state:
            self._store.supersede(job, self._targets, now_ms, self._limits)
        if job.state is State.SUCCEEDED:
            follow(job, self._connector, self._store, self._limits)
        watched = before, job, self._connector, self._store
        watch_uploads(*watched, alert_targets=self._targets, limits=self._limits)
        self._store.record(before, job, self._targets, now_ms, self._limits)
        self._settle_memory(job, now_ms)
        saved = self._store.save(job, self._alarm_at_ms(job, now_ms), self._limits)
        if job.turn is None:
            self._abandon()
        await saved
        return effects

    def _full_behind(self, job: Job) -> Job | None:
        """A FULL job that is queued, and has its crawl before it."""
        others = (other for other in self._store.pending() if other.id != job.id)
        full = (other for other in others if other.mode is Mode.FULL and not other.resumes)
        return next(full, None)

    def _abandon(self) -> None:
        """The turn is over, and whatever is still under way is of no use."""
        for task in self._tasks - {asyncio.current_task()}:
            assert task is not None, "a task is under way"
            task.cancel()

    def _is_ours(self, job: Job, event: Event) -> bool:
        is_first = isinstance(event, Woke)
        return is_first or (job.turn is not None and job.turn_count == self._number)

    def _keep_rejects(self, before: Job, job: Job) -> None:
        """Remember a page's rejects with the page; where they end the job, all that are known."""
        base, first, known = before.page_base, before.crawl.page_count, before.crawl.landed
        if job.crawl_count != before.crawl_count and job.page_base <= base:
            self._store.forget_rejects(job.id, job.page_base)
            return
        landed = landed_pages(before, job)
        is_stopped = job.crawl.pending_reject_count > 0  # by these very rejects
        is_refused = job.crawl.landed.refused_count > known.refused_count
        if not (landed or is_stopped or is_refused):
            return  # as it is with most steps
        pages = [flight.page for flight in before.crawl.flights]
        cursors = [before.crawl.cursor, *(page.next_cursor for page in pages)]
        told = {
            index: self._executor.rejects(index)
            for index in (self._executor.held() if is_stopped else landed)
        }
        if landed and (known.refused_count or known.is_full):
            self._store.forget_rejects(job.id, base + first)  # it may have changed
        elif is_refused:
            # The next try does not send it again, and so is to know Glean's reason.
            told[first] = self._executor.latest_rejects(first)
        for index, rejects in told.items():
            cursor, digest = cursors[index - first], pages[index - first].digest
            placed = [
                replace(reject, stage=before.stage.value, cursor=cursor, digest=digest)
                for reject in rejects
            ]
            self._store.keep_rejects(job.id, base + index + 1, placed, self._limits)
            if index in landed and (names := self._executor.accepted(index)):
                self._store.successes.accept(before.stage.value, names)
            if index in landed or is_stopped:
                self._executor.forget(index)

    def _alarm_at_ms(self, job: Job, now_ms: int) -> int | None:
        if job.state in PENDING:
            return job.alarm_at_ms
        is_another_queued = any(other.id != job.id for other in self._store.pending())
        return not_before(now_ms, now_ms) if is_another_queued else self._store.wake_at_ms(now_ms)
