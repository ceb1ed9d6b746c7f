"""Nothing escapes from an alarm, and its lease is armed before anything that may fail."""

import asyncio
from collections.abc import Callable

import pytest

from durable.engine.handling import harmless, outlive
from durable.engine.staleness_monitor import LEASE_MS, StalenessMonitor
from durable.limits import Limits
from durable.machine.job import Mode
from durable.machine.pacing import jittered_lease_ms
from durable.machine.staleness import Heartbeat
from durable.store.store import Store
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.network import Network
from tests.fakes.storage import Rows, Storage


class FailingStorage(Storage):
    """Fails at the so-manieth statement from now on, as a disk may."""

    statements_left: int | None = None

    def exec(self, query: str, *bindings: str | float | None) -> Rows:
        if self.statements_left is not None:
            self.statements_left -= 1
            if self.statements_left < 0:
                raise OSError("the disk is gone")
        return super().exec(query, *bindings)


@pytest.mark.parametrize("error", [ValueError("ours"), MemoryError(), asyncio.CancelledError()])
def test_what_is_raised_is_reported_and_goes_no_further(error: BaseException) -> None:
    reports: list[str] = []

    async def work() -> int:
        raise error

    assert asyncio.run(outlive(work(), reports.append)) is None
    (text,) = reports
    assert type(error).__name__ in text


def test_what_work_comes_to_is_given() -> None:
    async def work() -> int:
        return 7

    assert asyncio.run(outlive(work(), pytest.fail)) == 7


def test_what_is_done_beside_the_work_raises_nothing() -> None:
    told: list[str] = []

    @harmless
    def tell(text: str, *, is_loud: bool) -> None:
        told.append(text)
        raise BrokenPipeError(is_loud)

    tell("a", is_loud=True)

    assert told == ["a"]


def of_a_job(bench: Bench) -> None:
    bench.begun(Mode.FULL)


def of_nothing(bench: Bench) -> None:
    pass


@pytest.mark.parametrize("prepare", [of_a_job, of_nothing])
@pytest.mark.parametrize("statements", range(6))
def test_a_turn_has_its_lease_armed_before_anything_that_may_fail(
    prepare: Callable[[Bench], None], statements: int
) -> None:
    bench = Bench()
    bench.storage = storage = FailingStorage()
    bench.restarted()
    prepare(bench)
    storage.fire()
    storage.statements_left = statements

    asyncio.run(outlive(bench.processor.turn(), lambda _: None))

    is_done = storage.statements_left >= 0  # nothing was asked of it that it did not do
    lease_ms = jittered_lease_ms(f"notes {NOW_MS}", Limits())
    assert is_done or storage.alarm_at_ms == NOW_MS + lease_ms


@pytest.mark.parametrize("statements", range(4))
def test_the_watchman_has_its_lease_armed_before_anything_that_may_fail(statements: int) -> None:
    storage, connector = FailingStorage(), NOTES
    environment = an_environment(ALERT_WEBHOOK_URL="https://alerts.example")
    host = a_host(Network())
    watchman = StalenessMonitor({connector.name: connector}, environment, Store(storage), host)
    asyncio.run(watchman.look({connector.name: Heartbeat()}))
    storage.fire()
    storage.statements_left = statements

    asyncio.run(outlive(watchman.deliver(), lambda _: None))

    is_done = storage.statements_left >= 0
    assert is_done or storage.alarm_at_ms == NOW_MS + LEASE_MS


def test_an_alarm_for_nothing_leaves_none() -> None:
    bench = Bench()

    assert bench.turned() is None
    assert bench.storage.alarm_at_ms is None
