"""Several connectors' objects in one isolate: one thread, one clock, one memory, no order but time.

Beside them is nothing: each has a source, a Glean and a storage of its own.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from typing import TypeVar

import httpx
from msgspec import Struct
from msgspec.structs import replace

from dev.local_glean.readings import DEFAULTS
from durable.engine.platform import Platform, RunnerContext
from durable.engine.processor import Begun, Processor
from durable.environment import Environment
from durable.limits import Limits
from durable.machine.commands import Instruction
from durable.machine.job import Job, Mode
from durable.machine.memory import MemoryBudget
from durable.machine.notes import WaitReason
from durable.machine.states import PENDING, Command
from durable.store.store import Store
from tests.fakes.storage import Storage
from tests.simulation.clock import HOUR_MS, NEW_YEAR_MS, Clock
from tests.simulation.connector import GLEAN_HOST, NOTES, SOURCE_HOST, deployed
from tests.simulation.glean import Glean
from tests.simulation.loop import Loop
from tests.simulation.network import Network
from tests.simulation.source import Source


Result = TypeVar("Result")
Pages = Sequence[Sequence[str]]
ACTS_MAX = 20_000  # of one isolate: what does not end is an error, not a test that hangs


class _Act(Struct, frozen=True, eq=False):
    """Something that is to happen."""

    at_ms: int
    number: int
    do: Callable[[], object]


class Tenant:
    """The object of one connector, and all that it reaches.

    Args:
        name: the connector's.
        pages: of its source, the ids of the notes on each.
        isolate: that it lives in.
    """

    def __init__(self, name: str, pages: Pages, isolate: "Isolate") -> None:
        self.name = name
        self.source = Source(pages, NEW_YEAR_MS - HOUR_MS)
        self.glean = Glean(isolate.limits, isolate.clock, DEFAULTS)
        self.storage = Storage()
        self.network = Network({SOURCE_HOST: self.source.answer, GLEAN_HOST: self.glean.answer})
        self.task: asyncio.Task[Job | None] | None = None
        self.reading_bytes = 0  # of the page that is on its way
        self.has_read = False  # a page, in this turn
        self.waits: list[WaitReason] = []  # that its turns have ended with
        self._isolate = isolate
        self.revive()

    def revive(self) -> None:
        """The object is made anew; what its turn had begun goes no further."""
        self.storage.rollback()
        self.task, self.reading_bytes = None, 0
        isolate, variables = self._isolate, deployed(self._isolate.limits)
        host = Platform(
            now_ms=lambda: isolate.clock.now_ms,
            nonce=lambda: f"{next(isolate.nonces):06x}",
            draw=isolate.chance.random,
            transport=_Transport(self, isolate),
            wait=isolate.wait,
            memory=isolate.memory,
        )
        connector = replace(NOTES, name=self.name)
        environment = Environment(variables.get)
        self.store = Store(self.storage)
        self.storage.commit()
        self.processor = Processor(RunnerContext(connector, environment, self.store, host))

    @property
    def is_working(self) -> bool:
        return self.task is not None and not self.task.done()

    @property
    def job(self) -> Job:
        job = self.store.latest()
        assert job is not None, f"{self.name} has no job"
        return job if not (pending := self.store.pending()) else pending[0]

    @property
    def held_bytes(self) -> int:
        """Of its pages, those that are in memory and the one on its way."""
        if not self.is_working:
            return 0
        held_bytes = sum(flight.page.byte_count for flight in self.job.crawl.flights)
        return held_bytes + self.reading_bytes


class Isolate:
    """All of them.

    Args:
        pages: of the source of each.
        limits: the deployment's.
        seed: of all that is left to chance: how long answers take, and what is drawn.
        answer_ms_max: how long an answer takes.
    """

    def __init__(
        self,
        pages: Sequence[Pages],
        limits: Limits,
        seed: int = 0,
        answer_ms_max: int = 400,
    ) -> None:
        self.limits = limits
        self.clock = Clock()
        self.chance = random.Random(seed)
        self.nonces = count()
        self.memory = MemoryBudget()
        self.most_held_bytes = 0
        self.is_crowded = False  # more was held than may be, and not by one alone
        self.bearable_bytes: int | None = None  # if more is held, the isolate dies of it
        self.death_count = 0
        self.readers: list[str] = []  # whose turns have read a page, turn by turn
        self._loop = Loop()  # type: ignore[abstract] # the rest nobody asks for
        self._acts: list[_Act] = []
        self._numbers = count()
        self._answer_ms_max = answer_ms_max
        self._is_overloaded = False
        self.tenants = [Tenant(f"notes-{n}", one, self) for n, one in enumerate(pages)]

    def begin(self, mode: Mode) -> None:
        """Ask each for a job."""
        for tenant in self.tenants:
            begun = self._drive(tenant.processor.begin(mode, None))
            assert isinstance(begun, Begun)

    def cancel(self, tenant: Tenant) -> None:
        """Somebody cancels its job, whatever is under way."""
        self._drive(tenant.processor.obey(tenant.job.id, Instruction(Command.CANCEL)))

    def run(self, until_ms: int | None = None) -> None:
        """Have all come about that is to, up to a time, or to the end of all jobs."""
        for _ in range(ACTS_MAX):
            at_ms = self.next_at_ms
            if at_ms is None or (until_ms is not None and at_ms > until_ms):
                self.clock.now_ms = max(self.clock.now_ms, until_ms or 0)
                return
            if until_ms is None and not any(self._is_pending(tenant) for tenant in self.tenants):
                return
            self._act(at_ms)
        raise AssertionError("this isolate does not come to an end")

    @property
    def next_at_ms(self) -> int | None:
        alarms = [at_ms for tenant in self.tenants if (at_ms := self._due_at_ms(tenant))]
        times = [*alarms, *(act.at_ms for act in self._acts)]
        return max(min(times), self.clock.now_ms) if times else None

    def die(self) -> None:
        """The isolate is ended, with all that is in it."""
        self.death_count += 1
        self._loop.kill()
        self._acts.clear()
        self.memory = MemoryBudget()
        for tenant in self.tenants:
            tenant.revive()

    def evict(self, tenant: Tenant) -> None:
        """One object is taken from the isolate, which lives on: nobody hears of its turn again."""
        tenant.revive()

    async def wait(self, duration_ms: int) -> None:
        """As the platform's."""
        future = self._loop.create_future()
        self._later(duration_ms, lambda: _come(future, None))
        await future

    async def exchange(self, tenant: Tenant, request: httpx.Request) -> httpx.Response:
        """The answer to a tenant's request, once it has come."""
        await request.aread()
        future: asyncio.Future[httpx.Response] = self._loop.create_future()
        response = tenant.network.deliver(request)
        is_page = request.url.host == SOURCE_HOST
        if is_page:
            tenant.reading_bytes = len(response.content)
            if not tenant.has_read:
                tenant.has_read = True
                self.readers.append(tenant.name)
        duration_ms = self.chance.randint(1, self._answer_ms_max)
        self._later(duration_ms, lambda: _come(future, response))
        self._look()
        try:
            return await future
        finally:
            if is_page:
                tenant.reading_bytes = 0

    def _act(self, at_ms: int) -> None:
        self.clock.now_ms = at_ms
        due = [act for act in self._acts if act.at_ms <= at_ms]
        if due:
            act = min(due, key=lambda act: (act.at_ms, act.number))
            self._acts.remove(act)
            act.do()
        else:
            woken = min(
                (one for one in self.tenants if self._due_at_ms(one)),
                key=lambda one: self._due_at_ms(one) or 0,
            )
            woken.storage.fire()
            woken.has_read = False
            woken.task = self._loop.create_task(woken.processor.turn())
        self._loop.run_ready()
        for tenant in self.tenants:
            if tenant.task is not None and tenant.task.done():
                tenant.task.result()
                tenant.task = None
                job = tenant.job
                if job.state in PENDING and job.pacing.waits_for:
                    tenant.waits.append(WaitReason(job.pacing.waits_for))
        self._look()
        if self._is_overloaded:
            self._is_overloaded = False
            self.die()

    def _look(self) -> None:
        held = [held_bytes for one in self.tenants if (held_bytes := one.held_bytes)]
        self.most_held_bytes = max(self.most_held_bytes, sum(held))
        self.is_crowded |= len(held) > 1 and sum(held) > self.limits.isolate_bytes_max
        self._is_overloaded |= self.bearable_bytes is not None and sum(held) > self.bearable_bytes

    def _later(self, duration_ms: int, do: Callable[[], object]) -> None:
        at_ms = self.clock.now_ms + duration_ms
        self._acts.append(_Act(at_ms, next(self._numbers), do))

    def _due_at_ms(self, tenant: Tenant) -> int | None:
        """Its alarm, unless its turn is under way: the platform calls one after the other."""
        return None if tenant.is_working else tenant.storage.alarm_at_ms

    def _is_pending(self, tenant: Tenant) -> bool:
        return tenant.is_working or bool(tenant.store.pending())

    def _drive(self, coroutine: Awaitable[object]) -> object:
        async def driven() -> object:
            return await coroutine

        task = self._loop.create_task(driven())
        self._loop.run_ready()
        return task.result()


def _come(future: "asyncio.Future[Result]", result: Result) -> None:
    if not future.done():  # else nobody waits for it any more
        future.set_result(result)


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, tenant: Tenant, isolate: Isolate) -> None:
        self._tenant = tenant
        self._isolate = isolate

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._isolate.exchange(self._tenant, request)
