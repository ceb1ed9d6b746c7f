"""Runs the code under test by hand, and decides at each await what becomes of it.

No event loop, no threads, no sleeping: a schedule that fails, fails again.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

import httpx

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
    Kind,
    Plan,
    calm,
)
from tests.simulation.network import Answer, BugError, Io, Network
from tests.simulation.oracle import Oracle


ANSWER_MS = 200  # until an answer
TIMEOUT_MS = 60_000  # until there is none
AWAITS_MAX = 3_000  # of one world: what does not end is an error, not a test that hangs

Result = TypeVar("Result")


class DiedError(Exception):
    """The isolate is gone, and with it all that was in its memory."""


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
        self.plan: Plan = calm
        self.answer_ms = ANSWER_MS
        self.meanwhile: dict[int, Callable[[], object]] = {}  # by the index of a request's await
        self.awaits: list[Await] = []
        self.log: list[str] = []
        self.delivered: list[Kind] = []  # requests that arrived at the other side
        self.is_spared = False

    def drive(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """What the coroutine returns.

        Raises:
            DiedError: the isolate died under it.
        """
        resume: Callable[[], Any] = partial(coroutine.send, None)
        try:
            while True:
                try:
                    io = resume()
                except StopIteration as stop:
                    if self._storage.has_uncommitted:
                        self._save()  # whoever called gets no answer before it is on disk
                    result: Result = stop.value
                    return result
                assert isinstance(io, Io), f"waits for {io}, which no platform would end"
                resume = self._settled(io, coroutine)
        finally:
            coroutine.close()  # where it died; elsewhere it has ended

    def land(self) -> None:
        """Have all late requests arrive."""
        for late in self._network.arrivals(is_all=True):
            self._land(late)

    def _settled(self, io: Io, coroutine: Coroutine[Any, Any, Any]) -> Callable[[], Any]:
        """How the coroutine goes on."""
        if io.request is None:
            self._save()
            return partial(coroutine.send, None)
        answer = self._exchange(io.request)
        if isinstance(answer, Exception):
            return partial(coroutine.throw, answer)
        return partial(coroutine.send, answer)

    def _save(self) -> None:
        choice = self._choose(Kind.SAVE, "")
        if choice.fate is not Fate.OK and not self.is_spared:
            self._die(choice.fate)
        self._commit()

    def _exchange(self, request: httpx.Request) -> Answer:
        kind = network.kind(request)
        choice = self._choose(kind, network.target(request))
        if choice.fate is Fate.DIED_UNSAVED:
            self._die(choice.fate)
        self._commit()  # the output gate
        self._oracle.sent(kind, request)
        for late in self._network.arrivals():
            self._land(late)
        response = None
        if choice.fate in LANDS_NOW:
            response = self._deliver(kind, request)
        elif choice.fate in LANDS_LATE:
            self._network.postpone(request, choice.delay)
        if (act := self.meanwhile.pop(self.awaits[-1].index, None)) is not None:
            act()
        if choice.fate in DEATHS:
            self._clock.now_ms += self.answer_ms
            self._die(choice.fate)
        answer = _answer(response, choice)
        if choice.fate is Fate.BROKE:
            self._oracle.died(choice.fate)
            return answer
        is_answered = isinstance(answer, httpx.Response)
        self._clock.now_ms += self.answer_ms if is_answered else TIMEOUT_MS
        self._oracle.answered(kind, choice.fate, answer)
        return answer

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
    response: httpx.Response | None, choice: Choice
) -> Answer:
    match choice.fate:
        case Fate.REFUSED:
            return network.refused(choice.flavour)
        case Fate.FORBIDDEN:
            return network.forbidden(choice.flavour)
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
