"""Isolates that die, alarms that are lost, and code that changes under a running job."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from durable.connector.connector import Connector
from durable.glean.documents import Deletion, Document
from durable.machine.job import Mode
from durable.machine.states import State
from tests.simulation.connector import LIMITS, LISTED, NOTES, Note, document
from tests.simulation.fates import Choice, Fate, Kind, calm, first_time, once_each, where
from tests.simulation.source import Order
from tests.simulation.test_every_crash import Scenario, full, incremental
from tests.simulation.world import World


LONG = [(f"note {number}",) for number in range(40)]
WIDE = replace(LIMITS, turn_pages_max=8)
SCENARIOS = [pytest.param(full, id="FULL"), pytest.param(incremental, id="INCREMENTAL")]


def pages_a_turn(world: World) -> list[int]:
    """How many pages each turn got through, until the job's end."""
    counts = []
    while world.oracle.head is not None:
        before = world.oracle.latest.crawl.page_count
        world.wake()
        counts.append(world.oracle.latest.crawl.page_count - before)
    return counts


def test_each_death_halves_the_turns_budget_and_each_turn_that_ends_lets_it_grow() -> None:
    world = World(LONG, limits=WIDE)
    world.begin(Mode.INCREMENTAL)
    world.driver.plan = where(Choice(Fate.DIED_UNSENT), Kind.FETCH)
    for _ in range(3):
        world.wake()
    world.driver.plan = calm

    assert pages_a_turn(world) == [1, 2, 4, 8, 8, 8, 8, 1]
    assert world.oracle.latest.state is State.SUCCEEDED


def test_a_turn_too_large_for_the_isolate_becomes_small_enough() -> None:
    """It dies at the fifth page of a turn, whichever that is: memory that fills up."""
    world = World(LONG, limits=replace(WIDE, deaths_max=2))
    world.begin(Mode.FULL)
    world.driver.plan = lambda point: (
        Choice(Fate.DIED_UNSENT)
        if point.kind is Kind.FETCH and world.oracle.turn_fetch_count >= 5
        else Choice()
    )
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("deaths_max", [1, 2, 6, 9])
def test_a_page_that_kills_ends_the_job_at_the_smallest_budget_and_is_named(
    deaths_max: int,
) -> None:
    world = World(LONG, limits=replace(WIDE, deaths_max=deaths_max))
    world.begin(Mode.FULL)
    world.driver.plan = where(Choice(Fate.BROKE), Kind.FETCH, target="page 3")
    world.run()

    job = world.oracle.latest
    assert job.state is State.FAILED
    assert world.oracle.seen[job.id].death_count == max(deaths_max, 2)  # at 2 pages and at 1
    assert "page 4 (cursor 'page 3')" in job.error


@pytest.mark.parametrize("kind", [Kind.FETCH, Kind.SEND])
def test_a_death_at_each_page_adds_up_to_nothing(kind: Kind) -> None:
    world = World(LONG, limits=replace(LIMITS, turn_pages_max=1, deaths_max=2))
    world.begin(Mode.FULL)
    world.driver.plan = once_each(Choice(Fate.DIED_UNSENT), kind)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert len(world.oracle.deaths) >= len(LONG)


def drop_alarm(world: World) -> None:
    world.storage.fire()


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("wakes", range(4))
def test_a_lost_alarm_is_set_again_by_the_next_tick(scenario: Scenario, wakes: int) -> None:
    world = scenario()
    for _ in range(wakes):
        world.wake()
    if world.oracle.head is None:
        return
    drop_alarm(world)
    world.clock.now_ms += 3_600_000

    assert world.tend()
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_alarm_that_is_stuck_in_the_past_is_set_again(scenario: Scenario) -> None:
    world = scenario()
    world.clock.now_ms += 3_600_000

    assert world.tend()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_tick_leaves_an_alarm_alone_that_is_not_lost(scenario: Scenario) -> None:
    world = scenario()
    world.driver.plan = first_time(Choice(Fate.REFUSED, 2), Kind.FETCH)
    while world.oracle.latest.pacing.retry_at_ms is None:
        world.wake()
    alarm_at_ms = world.storage.alarm_at_ms

    assert not world.tend()
    assert world.storage.alarm_at_ms == alarm_at_ms


def test_a_tick_wakes_nobody_who_has_nothing_to_do() -> None:
    world = World()

    assert not world.tend()
    assert world.storage.alarm_at_ms is None


def shouted(note: Note) -> Document | Deletion:
    change = document(note)
    return change if isinstance(change, Deletion) else replace(change, title=f"{note.text}!")


REDEFINITIONS = {
    "another mapping": replace(NOTES, documents=replace(NOTES.documents, map=shouted)),
    "another page size": replace(
        NOTES,
        documents=replace(
            NOTES.documents, source=replace(LISTED, params={"shape": "flat", "limit": "1"})
        ),
    ),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("redefined", REDEFINITIONS.values(), ids=REDEFINITIONS.keys())
@pytest.mark.parametrize("wakes", range(1, 4))
def test_a_connector_that_changes_under_a_running_job_begins_it_anew(
    scenario: Scenario, redefined: Connector, wakes: int
) -> None:
    world = scenario()
    for _ in range(wakes):
        world.wake()
    if world.oracle.head is None:
        return
    before = world.oracle.latest
    world.redeploy(redefined)
    world.run()

    job = world.oracle.latest
    assert job.state is State.SUCCEEDED, job.error
    assert job.crawl_count == before.crawl_count + 1
    assert "definition has changed" in "".join(note.text for note in job.notes)
    mark = "!" if redefined.documents.map is shouted else ""
    pushed = {name: text for name, text in world.glean.index.items() if text.endswith(mark)}
    live = {name: f"{text}{mark}" for name, text in world.source.live.items()}
    if job.mode is Mode.FULL:
        assert pushed == live
    else:
        assert pushed.items() <= live.items()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_deployment_that_changes_nothing_repeats_nothing(scenario: Scenario) -> None:
    world = scenario()
    world.wake()
    world.redeploy(replace(NOTES))
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.oracle.latest.crawl_count == 1


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(lambda world: world.evict(), id="evicted"),
        pytest.param(lambda world: world.wake(-(10**9)), id="woken early"),
        pytest.param(lambda world: world.tend(), id="tended"),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_what_happens_between_turns_makes_no_difference(
    mode: Mode, event: Callable[[World], object]
) -> None:
    world = World(LONG[:6], Order.FEED)
    world.begin(mode)
    while world.oracle.head is not None:
        world.wake()
        event(world)

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live
