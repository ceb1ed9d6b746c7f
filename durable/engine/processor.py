"""The jobs of one connector: begun, carried from turn to turn, commanded.

Knows neither the platform nor the clock: the object that owns it hands them in.
"""

from collections.abc import Sequence
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from durable import cron
from durable.engine.alert_sender import AlertSender, find_targets
from durable.engine.clients import build_clients
from durable.engine.deletion_watcher import DeletionWatcher
from durable.engine.platform import RunnerContext
from durable.engine.turn import Turn
from durable.engine.verifier import Verifier
from durable.limits import Limits
from durable.machine.commands import LEGAL, Instruction, Refusal, RefusalCode, obey
from durable.machine.job import Job, Mode, Stage, make_job_id
from durable.machine.job_events import JobEvent
from durable.machine.notes import EventKind, Occasion
from durable.machine.pacing import jittered_lease_ms, not_before
from durable.machine.remedies import Remedy, RemedyCode
from durable.machine.states import ENDED, State
from durable.machine.ticks import Ticks, missed_ticks, record_begun, see_schedule
from durable.machine.ways import ask_to_replace, will_replace


OVERDUE_MS = 120_000  # the platform may fire a minute late


class Begun(Struct, frozen=True):
    """The answer to a request for a job."""

    job: Job
    is_new: bool  # False: the request was already being served


class Processor:
    """All that the object of one connector does."""

    def __init__(self, context: RunnerContext) -> None:
        self._context = context
        self._connector, self._environment = context.connector, context.environment
        self._store, self._host = context.store, context.host

    async def begin(
        self,
        mode: Mode,
        trigger_key: str | None,
        occasion: Occasion | None = None,
        *,
        is_replace_asked: bool = False,
    ) -> Begun | Refusal:
        """Queue a job, unless one of this mode is pending or the same trigger made one before.

        What its occasion is, its trigger tells where nothing else is said. Refused is a trigger
        that asked for something else before. Of FULL jobs, one that reconciles already is no
        answer to who asks for all documents anew: that one gets the job after it.
        """
        is_tick = trigger_key is not None and trigger_key.startswith(cron.KEY)
        ticks = self.see()
        known = None if trigger_key is None else self._store.triggered_by(trigger_key)
        if known is not None and _is_other(known, mode, is_replace_asked=is_replace_asked):
            return Refusal(
                RefusalCode.KEY_REUSED,
                f"The same key asked for another job before, {known.id}, in the mode "
                f"{known.asked_mode or known.mode}.",
                remedy=Remedy(RemedyCode.USE_ANOTHER_KEY.value),
            )
        if trigger_key is not None and is_tick:  # one that is refused is still to be made good
            self._store.archive.put_ticks(record_begun(ticks, mode, cron.key_ms(trigger_key)))
        if known is not None:
            return Begun(known, is_new=False)
        pending = self._store.pending()
        for job in pending:
            if job.mode is not mode or job.repeats:
                continue
            if (joined := self._joined(job) if is_replace_asked else job) is not None:
                self._store.remember(trigger_key, joined)
                return Begun(joined, is_new=False)
        if occasion is None:
            occasion = Occasion.CRON if is_tick else Occasion.REQUEST
        job = replace(self._new(mode, occasion), is_replace_asked=is_replace_asked)
        return await self._add(job, trigger_key, pending)

    def _joined(self, job: Job) -> Job | None:
        """A pending job that is to replace all documents; None where it is too late for that."""
        if will_replace(job):
            return job
        if job.state is not State.QUEUED:
            return None
        limits, now_ms = self._environment.usable_limits(), self._host.now_ms()
        after = ask_to_replace(job, now_ms, limits)
        self._store.record(job, after, (), now_ms, limits)
        self._store.put(after, limits)
        return after

    def see(self) -> Ticks:
        """Take note of the schedule: what it asks for from now on, is to be begun."""
        archive, schedule = self._store.archive, self._connector.schedule
        before = archive.ticks()
        ticks = see_schedule(before, schedule, self._host.now_ms())
        if ticks != before:
            archive.put_ticks(ticks)
        return ticks

    async def catch_up(self, ticked_at_ms: int) -> list[Job]:
        """Begin what cron did not, up to the minute before a tick; the jobs that are new."""
        archive, now_ms = self._store.archive, self._host.now_ms()
        worked_at_ms = {mode: archive.worked_at_ms(mode, now_ms) for mode in Mode}
        until_ms = ticked_at_ms - cron.MINUTE_MS
        jobs = []
        for one in missed_ticks(self.see(), self._connector.schedule, worked_at_ms, until_ms):
            # The tick's own key: if it comes all the same, it begins no other job.
            key = cron.trigger_key(one.due_at_ms)
            if one.mode is Mode.FULL:  # which brings what INCREMENTAL ones were to bring until now
                archive.put_ticks(record_begun(archive.ticks(), Mode.INCREMENTAL, until_ms))
            answer = await self.begin(one.mode, key, Occasion.CATCH_UP)
            if isinstance(answer, Refusal):  # a job of the other mode has it
                answer = await self.begin(one.mode, None, Occasion.CATCH_UP)
            if isinstance(answer, Begun) and answer.is_new:
                jobs.append(answer.job)
        return jobs

    def _new(self, mode: Mode, occasion: Occasion) -> Job:
        now_ms, name = self._host.now_ms(), self._connector.name
        job_id = make_job_id(name, now_ms, self._host.nonce())
        return Job(
            id=job_id,
            connector=name,
            mode=mode,
            created_at_ms=now_ms,
            begun_by=occasion.value,
        )

    async def _add(self, job: Job, trigger_key: str | None, pending: Sequence[Job]) -> Begun:
        # Where a job is working, its alarm is armed already, and its end arms the next.
        alarm_at_ms = None if pending else not_before(job.created_at_ms, job.created_at_ms)
        self._store.chronicle.record(None, job, job.created_at_ms, Limits())
        await self._store.add(job, trigger_key, alarm_at_ms)
        return Begun(job, is_new=True)

    async def repeat(self, job_id: str) -> Begun | Refusal | None:
        """Queue a job that reads again what another one has rejected; None if there is no such.

        It sends each record by itself, whatever the mode of the other, and moves no watermark.
        """
        before = self._store.load(job_id)
        if before is None:
            return None
        legal = LEGAL[before.state]
        if before.state not in ENDED:
            text = f"The job {job_id} is {before.state}: its rejects can be repeated at its end."
            return Refusal(RefusalCode.JOB_NOT_ENDED, text, legal)
        stages = self._store.spots(job_id)
        if not stages:
            text = f"The job {job_id} is {before.state}, and has no records to repeat."
            return Refusal(RefusalCode.NO_REJECTS, text, legal)
        pending = self._store.pending()
        for job in pending:
            if job.repeats == job_id:
                return Begun(job, is_new=False)
        job = replace(
            self._new(Mode.INCREMENTAL, Occasion.RETRY),
            stages=tuple(stage for stage in Stage if stage in stages),
            since_ms=before.since_ms,
            reaches=before.reaches,
            repeats=job_id,
            repeated_mode=before.mode,
        )
        return await self._add(job, None, pending)

    async def obey(self, job_id: str, instruction: Instruction) -> Job | Refusal | None:
        """Carry out a command; None if there is no such job. A refused one changes nothing."""
        now_ms, job = self._host.now_ms(), self._store.load(job_id)
        if job is None:
            return None
        others = [
            other
            for other in self._store.pending()
            if other.id != job_id and other.mode is job.mode and other.repeats == job.repeats
        ]
        limits = self._connector.limits.within(self._environment.usable_limits())
        after = obey(job, instruction, others[0] if others else None, now_ms, limits)
        if isinstance(after, Refusal):
            return after
        to_tell = find_targets(self._environment)
        self._store.record(job, after, to_tell, now_ms, limits)
        self._store.put(after, limits)
        if after.state is State.QUEUED:
            # The pages after these are read again.
            self._store.forget_rejects(job_id, after.page_base + after.crawl.page_count)
        pending = self._store.pending()
        at_ms = not_before(pending[0].alarm_at_ms or 0, now_ms) if pending else None
        await self._store.arm(at_ms or self._store.wake_at_ms(now_ms))
        if after.state is State.CANCELLED and after.is_stage_delegated:
            await self._call_off(after.crawl.cursor)
        return after

    async def _call_off(self, cursor: str | None) -> None:
        """Tell a backend that nobody waits for its crawl any more, as well as that can be done."""
        with suppress(Exception):  # the job is cancelled already, whatever this comes to
            found = build_clients(self._connector, self._environment, self._host)
            await found.readers[Stage.DOCUMENTS].cancel(cursor)

    async def tend(self) -> bool:
        """Arm the alarm where work waits for one that the platform has lost; remind people.

        Returns:
            Whether it was lost.
        """
        is_lost, now_ms = await self._rearm(), self._host.now_ms()
        connector, outbox = self._connector, self._store.outbox
        modes = set(connector.schedule.values())
        outbox.remind(connector.name, modes, find_targets(self._environment), now_ms)
        # A job that is pending sends them at the end of its turn.
        if outbox.due_at_ms() is not None and not self._store.pending():
            await self._store.arm(self._store.wake_at_ms(now_ms))
        return is_lost

    async def _rearm(self) -> bool:
        now_ms = self._host.now_ms()
        at_ms = (
            not_before(now_ms, now_ms) if self._store.pending() else self._store.wake_at_ms(now_ms)
        )
        if at_ms is None:
            return False
        armed_at_ms = await self._store.armed_at_ms()
        if armed_at_ms is not None and armed_at_ms >= now_ms - OVERDUE_MS:
            return False
        self._store.disarmed()
        await self._store.arm(at_ms)
        return True

    async def turn(self) -> Job | None:
        """Carry on with the connector's first job until it waits, yields or ends.

        Returns:
            The job as the turn left it; None if there was nothing to do.
        """
        self._store.disarmed()
        if not self._has_work():
            return None
        # Before anything that may fail or kill: from here on the object is woken again.
        now_ms, name = self._host.now_ms(), self._connector.name
        await self._store.arm(now_ms + jittered_lease_ms(f"{name} {now_ms}", Limits()))
        job = await self._carry_jobs()
        await self._deliver()
        if not self._store.pending():
            at_ms = self._store.wake_at_ms(self._host.now_ms())
            if at_ms != self._store.set_at_ms:
                await self._store.arm(at_ms)
        return job

    def _has_work(self) -> bool:
        """Also where that cannot be told: what is wrong is then met with under a lease."""
        try:
            is_due = self._store.wake_at_ms(self._host.now_ms()) is not None
            return is_due or bool(self._store.pending())
        except Exception:  # noqa: BLE001 - it is raised again as the work begins
            return True

    async def _carry_jobs(self) -> Job | None:
        pending = self._store.pending()
        if not pending:
            return await self._verify()
        job_id = pending[0].id
        await Turn(job_id, self._connector, self._environment, self._store, self._host).run()
        return self._store.load(job_id)

    async def _deliver(self) -> None:
        """Send what people are to be told, after all else, and wake again for what is left."""
        outbox, chronicle = self._store.outbox, self._store.chronicle
        if outbox.due_at_ms() is None:
            return
        faults = await AlertSender(self._environment, outbox, self._host).deliver()
        now_ms = self._host.now_ms()
        for job_id, fault in faults:
            happening = JobEvent(now_ms, EventKind.NOTE.value, fault)
            chronicle.add(job_id, happening, self._environment.usable_limits())
        at_ms = self._store.wake_at_ms(now_ms)
        if at_ms is not None and self._store.pending():
            await self._store.arm(min(at_ms, self._store.set_at_ms or at_ms))

    async def _verify(self) -> Job | None:
        """Carry on with what is to be done after a job's success, now that none is pending."""
        watcher = DeletionWatcher(self._context)
        job_id = await Verifier(self._context, watcher).turn()
        await watcher.turn()
        return None if job_id is None else self._store.load(job_id)


def _is_other(known: Job, mode: Mode, *, is_replace_asked: bool) -> bool:
    """Whether a trigger asks for something else than it did. It may have joined others' job."""
    is_other_way = is_replace_asked and not will_replace(known)
    return is_other_way or mode not in {known.asked_mode or known.mode, known.mode}
