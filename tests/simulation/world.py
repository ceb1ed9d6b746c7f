"""A connector in a box: its object, the object's storage, the source, Glean, and time."""

from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count, cycle

from msgspec import Struct

from dev.local_glean.readings import DEFAULTS, Readings
from durable.connector.definition import AnyConnector
from durable.engine.platform import Platform, RunnerContext
from durable.engine.processor import Begun, Processor
from durable.environment import Environment
from durable.limits import Limits
from durable.machine.commands import Instruction, Refusal
from durable.machine.job import Job, Mode, Stage
from durable.machine.states import Command
from durable.store.store import Store
from tests.fakes.connections import Connections
from tests.fakes.network import no_wait
from tests.fakes.storage import Storage
from tests.simulation.clock import HOUR_MS, NEW_YEAR_MS, Clock
from tests.simulation.connector import GLEAN_HOST, LIMITS, NOTES, SOURCE_HOST, deployed
from tests.simulation.driver import DiedError, Driver
from tests.simulation.fates import FatePlan, calm
from tests.simulation.glean import Glean
from tests.simulation.network import BugError, Network, Server, Transport, waited
from tests.simulation.questions import QuestionOracle
from tests.simulation.source import Order, Source


PAGES = (("a", "b", "c"), (), ("d", "e"))  # of two batches, of none, of one
ITS_LIST = "that which the job has"  # in the place of a list's digest
REDELIVERIES_MAX = 6  # the platform's, of an alarm whose handler did not end
REDELIVERY_MS_MIN = 2_000


class StandIn(Struct, frozen=True):
    """What is asked in the place of the source, which still says what is true.

    Attributes:
        connector: what the object serves.
        server: answers it; None: the source does.
        oracle: judges what comes of it.
    """

    connector: AnyConnector
    server: Server | None
    oracle: type[QuestionOracle] = QuestionOracle


class World:
    """Everything that a schedule needs, made anew for each.

    Args:
        pages: of the source: the ids of the notes on each.
        order: in which the source lists them.
        limits: the deployment's.
        plan: what becomes of each await.
        readings: of what Glean does not document.
        stand_in: asked in the place of the source; None: the source itself is.
        behind_ms: so far, the source's clock is.
        is_ours: Glean has nothing that somebody else may have brought, and the ledger says so.
    """

    def __init__(  # noqa: PLR0913 - each world differs in one or two of them
        self,
        pages: Sequence[Sequence[str]] = PAGES,
        order: Order = Order.PLACE,
        limits: Limits = LIMITS,
        plan: FatePlan = calm,
        *,
        readings: Readings = DEFAULTS,
        stand_in: StandIn | None = None,
        behind_ms: int = 0,
        is_ours: bool = True,
    ) -> None:
        self.clock = Clock()
        self.behind_ms = behind_ms
        self.source = Source(pages, NEW_YEAR_MS - HOUR_MS, order)
        self.glean = Glean(limits, self.clock, readings)
        self.storage = Storage(_settle, _migrated() if is_ours else None)
        asked = stand_in or StandIn(NOTES, None)
        self.oracle = asked.oracle(self.storage, self.source, self.glean, self.clock, limits)
        self.oracle.behind_ms = self.oracle.rejects.behind_ms = behind_ms
        self.oracle.has_clock = (
            asked.connector.streams(Mode.FULL)[Stage.DOCUMENTS].source.clock is not None
        )
        wire = Network(
            {SOURCE_HOST: asked.server or self.source.answer, GLEAN_HOST: self.glean.answer}
        )
        self._connector = asked.connector
        self.driver = Driver(self.storage, wire, self.clock, self.oracle)
        self.driver.plan = plan
        self.keys: dict[str, str] = {}  # the jobs that they began
        self.is_broken = False  # something in it must not be: what comes after says nothing
        self._has_died = False
        self._redelivery_at_ms: int | None = None
        self._redelivery_count = 0
        self.variables: dict[str, str | Exception] = {**deployed(limits)}
        nonces, draws = count(), cycle((1.0, 0.3))
        self._connections = Connections(Transport())
        self._host = Platform(
            now_ms=lambda: self.clock.now_ms,
            nonce=lambda: f"{next(nonces):06x}",
            draw=lambda: next(draws),
            transport=self._connections,
            wait=no_wait,
        )
        self.evict()
        self.storage.commit()

    def begin(self, mode: Mode, key: str | None = None) -> Begun | Refusal | None:
        """Ask for a job; None if the isolate died over it, and nobody knows."""
        with self._told():
            try:
                return self._begin(mode, key)
            except DiedError:
                self._revive()
                return None
            finally:
                self._rest()

    def begin_within(self, mode: Mode, key: str | None = None) -> None:
        """Ask for a job where the isolate's death is somebody else's to notice."""
        self._begin(mode, key)

    def begin_during(self, index: int, mode: Mode, key: str | None = None) -> None:
        """Ask for a job while the request of the so-manieth await is under way."""
        self.driver.meanwhile[index] = lambda: self._begin(mode, key)

    def edit(self, *note_ids: str) -> None:
        """Somebody writes notes, new ones or old ones."""
        self._catch_up()
        for note_id in note_ids:
            self.source.edit(note_id, self.clock.now_ms - self.behind_ms)

    def delete(self, *note_ids: str) -> None:
        self._catch_up()
        for note_id in note_ids:
            self.source.delete(note_id, self.clock.now_ms - self.behind_ms)

    def share(self, *note_ids: str) -> None:
        """Other people may see these notes, and they are as they were."""
        self._catch_up()
        for note_id in note_ids:
            self.source.share(note_id, self.clock.now_ms - self.behind_ms)

    def retype(self, *note_ids: str) -> None:
        """Notes become memos, and memos notes."""
        self._catch_up()
        for note_id in note_ids:
            self.source.retype(note_id, self.clock.now_ms - self.behind_ms)

    def lose(self, *note_ids: str) -> None:
        """The source forgets notes without a word."""
        self._catch_up()
        self.source.lose(note_ids, self.clock.now_ms - self.behind_ms)

    def spoil(self, *note_ids: str, of: set[str] | None = None) -> None:
        """Nobody can use these notes: Glean refuses them, or they are `of` others like that."""
        (self.glean.unfit if of is None else of).update(note_ids)
        self.oracle.rejects.spoil(note_ids, self.clock.now_ms)

    def mend(self, *note_ids: str) -> None:
        """They can be used again, as they are."""
        for unusable in (self.glean.unfit, self.source.broken, self.source.nameless):
            unusable.difference_update(note_ids)
        self.oracle.rejects.mend(note_ids, self.clock.now_ms)

    def wake(self, offset_ms: int = 0) -> None:
        """Fire the alarm, this much after its time, or before; also when there is none."""
        alarm_at_ms = self.storage.alarm_at_ms
        due_at_ms = self._redelivery_at_ms if alarm_at_ms is None else alarm_at_ms
        if due_at_ms is not None:
            self.clock.now_ms = max(self.clock.now_ms, due_at_ms + offset_ms)
        self.storage.fire()
        self._redelivery_at_ms = None
        self.oracle.turn_fetch_count = 0
        # What never gets as far as its first save, 7 times, no code can survive.
        self.driver.is_spared = self._redelivery_count == REDELIVERIES_MAX
        with self._told():
            try:
                self.driver.drive(self._processor.turn())
            except DiedError:
                self._revive()
                self._redeliver()
            except (BugError, ExceptionGroup) as error:
                if isinstance(error, ExceptionGroup) and error.split(BugError)[1] is not None:
                    raise
                # Caught and logged by the object, so the platform is content.
                self._redelivery_count, self._has_died = 0, True
            else:
                self._redelivery_count, self._has_died = 0, False
            self._rest()

    def run(self, offsets_ms: Iterable[int] = ()) -> None:
        """Fire alarms, each this much off its time, until there is nothing left to do."""
        remaining = iter(offsets_ms)
        while self.oracle.head is not None or self._is_to_be_woken:
            self.wake(next(remaining, 0))
        with self._told():
            self.driver.land()
        self.wake()  # for nothing

    @property
    def _is_to_be_woken(self) -> bool:
        return self.storage.alarm_at_ms is not None or self._redelivery_at_ms is not None

    def evict(self) -> None:
        """The platform takes the object from memory, between two calls."""
        environment = Environment(self._variable)
        self._processor = Processor(
            RunnerContext(self._connector, environment, Store(self.storage), self._host)
        )

    def redeploy(self, connector: AnyConnector) -> None:
        """New code, between two turns."""
        self._connector = connector
        self.oracle.is_redefined = True
        self.evict()

    def tend(self) -> bool:
        """A cron tick looks after the object; whether its alarm was lost."""
        with self._told():
            return self.driver.drive(self._processor.tend())

    def catch_up(self) -> None:
        """A cron tick has what earlier ones were to begin, begun."""
        with self._told():
            try:
                self.driver.drive(self._processor.catch_up(self.clock.now_ms))
            except DiedError:
                self._revive()
            finally:
                self._rest()

    def order(self, job_id: str, instruction: Instruction) -> Job | Refusal | None:
        """Somebody asks something of a job; None if the isolate died over it."""
        with self._told():
            try:
                return self._order(job_id, instruction)
            except DiedError:
                self._revive()
                return None
            finally:
                self._rest()

    def order_within(self, job_id: str, instruction: Instruction) -> None:
        """Ask something of a job where the isolate's death is somebody else's to notice."""
        self._order(job_id, instruction)

    def cancel_within(self) -> None:
        """Somebody cancels the job that is under way, while it waits for an answer."""
        job = self.oracle.head
        assert job is not None
        self._order(job.id, Instruction(Command.CANCEL))

    def told(self, claim: str) -> str:
        """The claim, and all that happened."""
        return "\n".join([claim, *self.driver.log])

    def _begin(self, mode: Mode, key: str | None) -> Begun | Refusal:
        begun = self.driver.drive(self._processor.begin(mode, key))
        known = self.oracle.jobs.get(self.keys.get(key or "", ""))
        if isinstance(begun, Refusal):
            assert key is not None, "refused without a cause"
            assert known is None or known.mode is not mode, "refused without a cause"
            return begun
        assert begun.job.mode is mode
        if key is not None:
            assert known is None or begun.job.id == known.id, f"{key} began another job"
            self.keys[key] = begun.job.id
        return begun

    def _order(self, job_id: str, instruction: Instruction) -> Job | Refusal:
        if instruction.list_digest == ITS_LIST:
            digest = self.oracle.jobs[job_id].crawl.gone.digest
            instruction = Instruction(instruction.command, digest)
        self.oracle.ordered(job_id, instruction)
        job = self.driver.drive(self._processor.obey(job_id, instruction))
        assert job is not None, f"there is no job {job_id}"
        return job

    def _catch_up(self) -> None:
        """No request is later than the next edit: see test_late_requests for those that are."""
        with self._told():
            self.driver.land()

    def _revive(self) -> None:
        self.storage.rollback()
        self.storage.is_alive = True
        self._connections.drop()
        self._has_died = True
        self.evict()

    def _redeliver(self) -> None:
        """The platform tries an alarm again whose handler neither set another nor deleted it."""
        if self.storage.alarm_at_ms is not None or self.storage.is_alarm_deleted:
            self._redelivery_count = 0
            return
        delay_ms = REDELIVERY_MS_MIN << self._redelivery_count
        self._redelivery_count += 1
        self._redelivery_at_ms = self.clock.now_ms + delay_ms

    def _rest(self) -> None:
        assert self._connections.open_count == 0, "an answer was never closed"
        is_redelivered = self._redelivery_at_ms is not None
        self.oracle.rested(has_died=self._has_died, is_redelivered=is_redelivered)

    def _variable(self, name: str) -> str | None:
        value = self.variables.get(name)
        if isinstance(value, Exception):
            raise value
        return value

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.is_broken = True
            error.add_note(self.told("What happened:"))
            raise


@cache
def _migrated() -> bytes:
    """What a new object's store makes of its storage, where Glean was found to have nothing."""
    storage = Storage()
    Store(storage).ledger.claim()
    storage.commit()
    return storage.image


async def _awaited(something: Awaitable[None]) -> None:
    await something


async def _settle() -> None:
    await waited()
