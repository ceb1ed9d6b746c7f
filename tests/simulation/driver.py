"""Runs the code under test by hand, and decides at each await what becomes of it.

No threads, no sleeping: a schedule that fails, fails again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx
from msgspec import Struct

from tests.fakes.storage import Storage
from tests.simulation import network
from tests.simulation.clock import Clock
from tests.simulation.fates import (
    DEATHS,
    LANDS_LATE,
    LANDS_NOW,
    Await,
    Choice,
    Fate,
    FatePlan,
    Kind,
    calm,
)
from tests.simulation.loop import Loop
from tests.simulation.network import Answer, BugError, Network
from tests.simulation.oracle import Oracle


ANSWER_MS = 200  # until an answer
TIMEOUT_MS = 60_000  # until there is none
AWAITS_MAX = 3_000  # of one world: what does not end is an error, not a test that hangs

Result = TypeVar("Result")


class DiedError(Exception):
    """The isolate is gone, and with it all that was in its memory."""


class _Exchange(Struct, frozen=True, eq=False):
    """A request under way."""

    index: int  # of its await
    kind: Kind
    request: httpx.Request
    choice: Choice
    answer: Answer | None  # None: a death
    due_at_ms: int
    future: "asyncio.Future[httpx.Response | None]"


class Driver:
    """Plays the platform to coroutines.

    Args:
        storage: where they write.
        wire: over which they send.
        clock: moves while they wait for the network.
        oracle: is told what can be seen from outside.
    """

    def __init__(self, storage: Storage, wire: Network, clock: Clock, oracle: Oracle) -> None:
        self._storage = storage
        self._network = wire
        self._clock = clock
        self._oracle = oracle
        self._loop = Loop()  # type: ignore[abstract] # the rest nobody asks for
        self._exchanges: list[_Exchange] = []
        self._acts: deque[tuple[int, Callable[[], object]]] = deque()
        self.plan: FatePlan = calm
        self.answer_ms = ANSWER_MS
        self.meanwhile: dict[int, Callable[[], object]] = {}  # by the index of a request's await
        self.awaits: list[Await] = []
        self.heard: dict[
            int, int
        ] = {}  # by an await, how many there were as its answer, or somebody, came
        self.log: list[str] = []
        self.delivered: list[Kind] = []  # requests that arrived at the other side
        self.is_spared = False

    def drive(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """What the coroutine returns.

        Raises:
            DiedError: the isolate died under it.
        """
        task = self._loop.create_task(coroutine)
        try:
            self._loop.run_ready()
            while not task.done():
                self._go_on()
                self._loop.run_ready()
            if self._storage.has_uncommitted:
                self._save()  # whoever called gets no answer before it is on disk
        except BaseException:
            self._loop.kill()
            self._exchanges.clear()
            self._acts.clear()
            raise
        return task.result()

    def land(self) -> None:
        """Have all late requests arrive."""
        for late in self._network.arrivals(is_all=True):
            self._land(late)

    def _go_on(self) -> None:
        """Begin what is asked for; once all is under way, the next answer comes."""
        if self._loop.waits:
            request, future = self._loop.waits.popleft()
            if request is None:
                self._save()
                future.set_result(None)
            elif not future.done():  # else nobody waits for it any more
                self._send(request, future)
            return
        if self._acts:  # what leaves together, nobody comes between
            index, act = self._acts.popleft()
            self.heard[index] = len(self.awaits)
            act()
            return
        self._commit()  # what waits is not held back
        heard = [exchange for exchange in self._exchanges if not exchange.future.done()]
        assert heard, "waits for what no platform would end"
        exchange = min(heard, key=lambda exchange: (exchange.due_at_ms, exchange.index))
        self._exchanges = [other for other in heard if other is not exchange]
        self._answer(exchange)

    def _save(self) -> None:
        choice = self._choose(Kind.SAVE, "")
        if choice.fate is not Fate.OK and not self.is_spared:
            self._die(choice.fate)
        self._commit()

    def _send(
        self, request: httpx.Request, future: "asyncio.Future[httpx.Response | None]"
    ) -> None:
        kind = network.kind(request)
        choice = self._choose(kind, network.target(request))
        index = self.awaits[-1].index
        if choice.fate is Fate.DIED_UNSAVED:
            self._die(choice.fate)
        self._commit()  # the output gate
        beside = [other.kind for other in self._exchanges if not other.future.done()]
        self._oracle.sent(kind, request, beside)
        for late in self._network.arrivals():
            self._land(late)
        response = None
        if choice.fate in LANDS_NOW:
            response = self._deliver(kind, request)
        elif choice.fate in LANDS_LATE:
            self._network.postpone(request, choice.delay)
        answer = None if choice.fate in DEATHS else _answer(kind, response, choice)
        is_timeout = isinstance(answer, Exception)
        answer_ms = TIMEOUT_MS if is_timeout else self.answer_ms + choice.lag_ms
        if choice.fate is Fate.BROKE:
            answer_ms = 0
        due_at_ms = self._clock.now_ms + answer_ms
        self._exchanges.append(_Exchange(index, kind, request, choice, answer, due_at_ms, future))
        if index in self.meanwhile:
            self._acts.append((index, self.meanwhile.pop(index)))

    def _answer(self, exchange: _Exchange) -> None:
        fate, answer = exchange.choice.fate, exchange.answer
        self.heard.setdefault(exchange.index, len(self.awaits))
        self._clock.now_ms = max(self._clock.now_ms, exchange.due_at_ms)
        if answer is None:
            self._die(fate)
        elif fate is Fate.BROKE:
            self._oracle.died(fate)
        else:
            self._oracle.heard(exchange.kind, fate, exchange.request)
            self._oracle.answered(exchange.kind, fate, answer)
        if isinstance(answer, Exception):
            exchange.future.set_exception(answer)
        else:
            exchange.future.set_result(answer)

    def _deliver(self, kind: Kind, request: httpx.Request) -> httpx.Response:
        self.delivered.append(kind)
        response = self._network.deliver(request)
        if kind is Kind.CLOSE:
            self._oracle.closing_arrived()
        return response

    def _land(self, late: httpx.Request) -> None:
        kind = network.kind(late)
        self._oracle.may_be_refused = True
        response = self._deliver(kind, late)
        self._note(f"  {kind} {network.target(late)} arrives late: {response.status_code}")

    def _choose(self, kind: Kind, target: str) -> Choice:
        point = Await(len(self.awaits), kind, target)
        self.awaits.append(point)
        assert len(self.awaits) <= AWAITS_MAX, "this world does not end"
        choice = self.plan(point)
        self._note(f"{point.index:3} {kind} {target}: {choice.fate}")
        if choice.fate is not Fate.OK:
            self._oracle.faulted()
        return choice

    def _die(self, fate: Fate) -> None:
        if fate is Fate.DIED_UNSAVED:
            self._storage.rollback()
        else:
            self._commit()
        self._oracle.died(fate)
        self._storage.is_alive = False
        raise DiedError(fate)

    def _commit(self) -> None:
        if self._storage.has_uncommitted:
            self._storage.commit()
            self._oracle.committed()

    def _note(self, line: str) -> None:
        self.log.append(f"{self._clock.now_ms % 10**9:9} ms {line}")


def _answer(  # noqa: PLR0911 - an answer for each fate
    kind: Kind, response: httpx.Response | None, choice: Choice
) -> Answer:
    match choice.fate:
        case Fate.REFUSED:
            return network.refused(choice.flavour, choice.retry_after)
        case Fate.INTERCEPTED:
            return network.intercepted(kind, choice.flavour)
        case Fate.FORBIDDEN:
            return network.forbidden(kind, choice.flavour)
        case Fate.LATE:
            return httpx.ReadTimeout("no answer")
        case Fate.BROKE:
            return BugError("not foreseen")
    assert response is not None
    match choice.fate:
        case Fate.LOST:
            return network.lost(response, choice.flavour)
        case Fate.GARBLED:
            return network.garbled(response, choice.flavour)
    return response
