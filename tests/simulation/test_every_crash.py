"""Exhaustive: each fault at each await, alone and in pairs, nothing left to chance."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from msgspec.structs import replace

from durable.machine.job import Mode
from durable.machine.states import ENDED, State
from tests.simulation.connector import LIMITS
from tests.simulation.effort import met, tried
from tests.simulation.fates import AT_SAVE, Await, Choice, Fate, Kind, at, possible
from tests.simulation.source import Order
from tests.simulation.world import World


LAG_MS = 50_000  # all others that are under way have come by then
FLAVOURS = 5  # the most that any fate has
FLAVOURED = (Fate.REFUSED, Fate.INTERCEPTED, Fate.LOST, Fate.GARBLED)
FAULTS = (
    *FLAVOURED,
    Fate.BROKE,
    Fate.DIED_UNSAVED,
    Fate.DIED_UNSENT,
    Fate.DIED_SENT,
)

Scenario = Callable[[], World]


def full() -> World:
    """Three pages: of two batches, of none, of two and a deleted note; and an index that is old."""
    world = World([("a", "b", "c"), (), ("d", "e", "f", "g")])
    world.source.delete("e", world.source.changed_at_ms)
    world.glean.index = {"a": "an old text", "gone": "deleted long ago"}
    world.begin(Mode.FULL)
    return world


def side_by_side() -> World:
    """All pages in one turn: of two batches, of one, of none, of one."""
    limits = replace(LIMITS, turn_pages_max=9, sends_max=3)
    world = World([("a", "b", "c"), ("d",), (), ("e", "f")], limits=limits)
    world.glean.index = {"a": "an old text", "gone": "deleted long ago"}
    world.begin(Mode.FULL)
    return world


def incremental() -> World:
    """Upserts and deletions on two pages, on either both of one note, in either order."""
    world = World(pages=[("a", "b")], order=Order.FEED)
    world.begin(Mode.FULL)
    world.run()
    world.clock.now_ms += 1
    world.edit("c")
    world.delete("c")
    world.edit("a")
    world.delete("b")
    world.edit("b")
    world.begin(Mode.INCREMENTAL)
    return world


def paced() -> World:
    """Five changes on two pages, of which Glean takes two a minute."""
    limits = replace(LIMITS, documents_per_minute_max=2)
    world = World([("a", "b", "c"), ("d", "e")], limits=limits)
    world.begin(Mode.FULL)
    world.run()
    world.clock.now_ms += 1
    world.edit("a", "b", "c", "d")
    world.delete("e")
    world.begin(Mode.INCREMENTAL)
    return world


SCENARIOS = [
    pytest.param(full, id="FULL"),
    pytest.param(side_by_side, id="FULL, side by side"),
    pytest.param(incremental, id="INCREMENTAL"),
]
PACED = pytest.param(paced, id="INCREMENTAL, paced")


def played(scenario: Scenario, choices: dict[int, Choice]) -> tuple[World, list[Await]]:
    """The world after its last job, and the awaits there were after the job was begun."""
    world = scenario()
    first = len(world.driver.awaits)
    world.driver.plan = at({first + index: choice for index, choice in choices.items()})
    world.run()
    awaits = world.driver.awaits[first:]
    return world, [Await(index, point.kind) for index, point in enumerate(awaits)]


def check(world: World) -> None:
    job = world.oracle.latest
    assert job.state is State.SUCCEEDED, world.told(job.error)
    assert world.glean.index == world.source.live, world.told("the index is wrong")
    assert not world.glean.refusals, world.told(f"refused: {world.glean.refusals}")


@pytest.mark.parametrize("scenario", [*SCENARIOS, PACED])
def test_any_one_fault_is_survived(scenario: Scenario) -> None:
    _, awaits = played(scenario, {})
    for point in tried(awaits):
        for fate in AT_SAVE if point.kind is Kind.SAVE else FAULTS:
            for flavour in range(FLAVOURS if fate in FLAVOURED else 1):
                world, _ = played(scenario, {point.index: Choice(fate, flavour)})
                check(world)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_any_two_faults_are_survived(scenario: Scenario) -> None:
    flavours = count()
    for place, first in enumerate(faults(played(scenario, {})[1], 0, flavours)):
        _, awaits = played(scenario, first)
        for second in met(place, faults(awaits, max(first) + 1, flavours)):
            world, _ = played(scenario, first | second)
            check(world)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_any_one_fault_is_survived_whichever_answer_comes_late(scenario: Scenario) -> None:
    flavours = count()
    for point in played(scenario, {})[1]:
        late = {point.index: Choice(lag_ms=LAG_MS)}
        for fault in met(point.index, faults(played(scenario, late)[1], 0, flavours)):
            world, _ = played(scenario, late | fault)
            check(world)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_refusal_for_good_ends_the_job_at_once(scenario: Scenario) -> None:
    _, awaits = played(scenario, {})
    for point in tried(awaits):
        if point.kind is Kind.SAVE:
            continue
        for flavour in range(FLAVOURS):
            before = scenario()
            first = len(before.driver.awaits)
            world, after = played(scenario, {point.index: Choice(Fate.FORBIDDEN, flavour)})
            if after[point.index - 1].kind is Kind.CLOSE:
                check(world)  # Glean has taken the close, and only its word for it is missing
                continue

            assert world.oracle.latest.state is State.FAILED, world.told("not failed")
            assert later(world, first + point.index) == [Kind.SAVE]
            assert world.oracle.watermark_ms == before.oracle.watermark_ms
            if world.oracle.latest.mode is Mode.FULL:
                assert world.glean.index == before.glean.index, world.told("the index was touched")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_answer_finds_a_job_that_somebody_ended(scenario: Scenario) -> None:
    _, awaits = played(scenario, {})
    for point in tried(awaits):
        if point.kind is Kind.SAVE:
            continue
        world = scenario()
        first = len(world.driver.awaits)
        world.driver.meanwhile[first + point.index] = world.cancel_within
        world.run()

        assert world.oracle.latest.state in ENDED
        assert later(world, first + point.index) == [Kind.SAVE], world.told("went on")


def later(world: World, index: int) -> list[Kind]:
    """What was awaited after this one was answered, or somebody acted while it was under way."""
    return [point.kind for point in world.driver.awaits[world.driver.heard[index] :]]


def faults(awaits: list[Await], start: int, flavours: Iterator[int]) -> Iterator[dict[int, Choice]]:
    for point in tried(awaits[start:]):
        for fate in possible(point.kind):
            yield {point.index: Choice(fate, next(flavours))}
