"""A connector in a box: its object, the object's storage, the source, Glean, and time."""

from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

from msgspec.structs import replace

from durable.environment import Environment
from durable.job import Limits, Mode, State
from durable.processor import Begun, Processor
from durable.store import Store
from durable.turn import Host
from tests.fakes.storage import Storage
from tests.simulation.clock import HOUR_MS, NEW_YEAR_MS, Clock
from tests.simulation.connector import GLEAN_HOST, LIMITS, NOTES, SOURCE_HOST, deployed
from tests.simulation.driver import DiedError, Driver
from tests.simulation.fates import Plan, calm
from tests.simulation.glean import Glean
from tests.simulation.network import BugError, Io, Network, Transport
from tests.simulation.oracle import Oracle
from tests.simulation.source import Order, Source


PAGES = (("a", "b", "c"), (), ("d", "e"))  # of two batches, of none, of one
REDELIVERIES_MAX = 6  # the platform's, of an alarm whose handler did not end
REDELIVERY_MS_MIN = 2_000


class World:
    """Everything that a schedule needs, made anew for each.

    Args:
        pages: of the source: the ids of the notes on each.
        order: in which the source lists them.
        limits: the deployment's.
        plan: what becomes of each await.
    """

    def __init__(
        self,
        pages: Sequence[Sequence[str]] = PAGES,
        order: Order = Order.PLACE,
        limits: Limits = LIMITS,
        plan: Plan = calm,
    ) -> None:
        self.clock = Clock()
        self.source = Source(pages, NEW_YEAR_MS - HOUR_MS, order)
        self.glean = Glean(limits)
        self.storage = Storage(_settle)
        self.oracle = Oracle(self.storage, self.source, self.glean, self.clock, limits)
        wire = Network({SOURCE_HOST: self.source.answer, GLEAN_HOST: self.glean.answer})
        self.driver = Driver(self.storage, wire, self.clock, self.oracle)
        self.driver.plan = plan
        self.keys: dict[str, str] = {}  # the jobs that they began
        self.is_broken = False  # something in it must not be: what comes after says nothing
        self._has_died = False
        self._redelivery_at_ms: int | None = None
        self._redelivery_count = 0
        self.variables: dict[str, str | Exception] = {**deployed(limits)}
        nonces = count()
        self._host = Host(
            now_ms=lambda: self.clock.now_ms,
            nonce=lambda: f"{next(nonces):06x}",
            transport=Transport(),
        )
        self.evict()
        self.storage.commit()

    def begin(self, mode: Mode, key: str | None = None) -> Begun | None:
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
            self.source.edit(note_id, self.clock.now_ms)

    def delete(self, *note_ids: str) -> None:
        self._catch_up()
        for note_id in note_ids:
            self.source.delete(note_id, self.clock.now_ms)

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
            except BugError:  # caught and logged by the object, so the platform is content
                self._redelivery_count, self._has_died = 0, True
            else:
                self._redelivery_count, self._has_died = 0, False
            self._rest()

    def run(self, offsets_ms: Iterable[int] = ()) -> None:
        """Fire alarms, each this much off its time, until there is nothing left to do."""
        remaining = iter(offsets_ms)
        while self.oracle.head is not None or self.storage.alarm_at_ms is not None:
            self.wake(next(remaining, 0))
        with self._told():
            self.driver.land()
        self.wake()  # for nothing

    def evict(self) -> None:
        """The platform takes the object from memory, between two calls."""
        environment = Environment(self._variable)
        self._processor = Processor(NOTES, environment, Store(self.storage), self._host)

    def end(self) -> None:
        """Somebody ends the job that is under way."""
        job = self.oracle.head
        assert job is not None
        ended = replace(job, state=State.FAILED, finished_at_ms=self.clock.now_ms, error="ended")
        self.oracle.seen[job.id].is_forbidden = True
        drop = Store(self.storage).save(ended, None)
        self.driver.drive(_awaited(drop))

    def told(self, claim: str) -> str:
        """The claim, and all that happened."""
        return "\n".join([claim, *self.driver.log])

    def _begin(self, mode: Mode, key: str | None) -> Begun:
        begun = self.driver.drive(self._processor.begin(mode, key))
        if key in self.keys:
            assert begun.job.id == self.keys[key], f"{key} began another job"
            assert not begun.is_new
            return begun
        assert begun.job.mode is mode or key is not None
        if begun.is_new and key is not None:
            self.keys[key] = begun.job.id
        return begun

    def _catch_up(self) -> None:
        """No request is later than the next edit: see test_late_requests for those that are."""
        with self._told():
            self.driver.land()

    def _revive(self) -> None:
        self.storage.rollback()
        self.storage.is_alive = True
        self._has_died = True
        self.evict()

    def _redeliver(self) -> None:
        """The platform tries an alarm again whose handler did not set another."""
        if self.storage.alarm_at_ms is not None:
            self._redelivery_count = 0
            return
        delay_ms = REDELIVERY_MS_MIN << self._redelivery_count
        self._redelivery_count += 1
        self._redelivery_at_ms = self.clock.now_ms + delay_ms

    def _rest(self) -> None:
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


async def _awaited(something: Awaitable[None]) -> None:
    await something


async def _settle() -> None:
    await Io()
