"""Requests taken for lost that arrive later, after others: which of them Glean can take."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from durable.machine.job import Mode
from durable.machine.states import State
from tests.simulation.clock import HOUR_MS
from tests.simulation.connector import LIMITS
from tests.simulation.effort import met
from tests.simulation.fates import LANDS_LATE, Choice, Fate, Kind, at, calm, first_time, where
from tests.simulation.test_every_crash import Scenario, full, played
from tests.simulation.world import World


REPEATABLE = frozenset({Kind.SEND, Kind.DELETE, Kind.SHARE})
WRITES = REPEATABLE | {Kind.OPEN, Kind.CLOSE}
NEVER = 1_000  # later than all others


def changes() -> World:
    """A source that names each changed note once, whatever became of it since."""
    world = World(pages=[("a", "b"), ("c",)])
    world.begin(Mode.FULL)
    world.run()
    world.clock.now_ms += 1
    world.edit("a", "d")
    world.delete("b", "c")
    world.begin(Mode.INCREMENTAL)
    return world


SCENARIOS = [pytest.param(full, id="FULL"), pytest.param(changes, id="INCREMENTAL")]


def lates(scenario: Scenario, kinds: frozenset[Kind] = WRITES) -> Iterator[dict[int, Choice]]:
    """Each request of these kinds that a calm job makes, late by each number of requests."""
    _, awaits = played(scenario, {})
    for point in awaits:
        if point.kind in kinds:
            for place, fate in enumerate(sorted(LANDS_LATE), point.index):
                for delay in met(place, range(1, len(awaits) + 3)):
                    yield {point.index: Choice(fate, delay=delay)}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_success_leaves_a_wrong_index_behind(scenario: Scenario) -> None:
    for choices in lates(scenario):
        before = scenario()
        world, _ = played(scenario, choices)

        job = world.oracle.latest
        if job.state is State.SUCCEEDED:
            assert world.glean.index == world.source.live, world.told("the index is wrong")
            continue
        # A late opening has thrown the upload away, or a late close has closed it: which of
        # the two, the refusal of the next request does not say.
        assert job.mode is Mode.FULL
        whole = world.source.live if world.glean.closed else before.glean.index
        assert world.glean.index == whole, world.told("the index is neither old nor new")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_late_page_or_change_fails_no_job(scenario: Scenario) -> None:
    for choices in lates(scenario, REPEATABLE):
        assert played(scenario, choices)[0].oracle.latest.state is State.SUCCEEDED


def test_what_failed_by_a_late_request_is_mended_by_the_next_job() -> None:
    for choices in lates(full, WRITES - REPEATABLE):
        world, _ = played(full, choices)
        drain(world, Mode.FULL)

        assert world.oracle.latest.state is State.SUCCEEDED
        assert world.glean.index == world.source.live


@pytest.mark.parametrize("fate", sorted(LANDS_LATE))
def test_a_full_job_that_succeeded_is_out_of_reach_for_its_late_requests(fate: Fate) -> None:
    _, awaits = played(full, {})
    for point in awaits:
        if point.kind not in WRITES:
            continue
        world = full()
        first = len(world.driver.awaits)
        world.driver.plan = at({first + point.index: Choice(fate, delay=NEVER)})
        while world.oracle.head is not None:
            world.wake()
        assert world.oracle.latest.state is State.SUCCEEDED

        world.source.edit("a", world.clock.now_ms)  # the late request is still under way
        world.source.delete("b", world.clock.now_ms)
        drain(world, Mode.INCREMENTAL)
        world.driver.land()

        assert world.glean.index == world.source.live


def test_a_late_change_can_undo_a_newer_one_until_the_next_job_that_replaces_all() -> None:
    """Glean takes no version with many documents at once, so it cannot tell old from new."""
    world = World([("a",)], limits=replace(LIMITS, replace_every_ms=HOUR_MS))
    drain(world, Mode.FULL)
    world.edit("a")
    world.driver.plan = first_time(Choice(Fate.LATE, delay=NEVER), Kind.SEND)
    drain(world, Mode.INCREMENTAL)
    world.source.edit("a", world.clock.now_ms)
    drain(world, Mode.INCREMENTAL)
    assert world.glean.index == world.source.live

    world.oracle.excused.add("a")
    world.driver.land()
    assert world.glean.index != world.source.live

    world.clock.now_ms += HOUR_MS
    drain(world, Mode.FULL)
    assert world.glean.index == world.source.live


def test_a_close_later_than_its_jobs_failure_can_undo_changes_until_the_next_full_job() -> None:
    """It would have to be under way for longer than the job tried to close."""
    world = World(plan=where(Choice(Fate.DIED_LATE, delay=NEVER), Kind.CLOSE))
    drain(world, Mode.FULL)
    assert world.oracle.latest.state is State.FAILED
    world.driver.plan = calm
    world.source.edit("a", world.clock.now_ms)
    drain(world, Mode.INCREMENTAL)
    assert world.glean.index == world.source.live

    world.oracle.excused.add("a")
    world.driver.land()
    assert world.glean.index != world.source.live

    drain(world, Mode.FULL)
    assert world.glean.index == world.source.live


def drain(world: World, mode: Mode) -> None:
    """Run a job, and let what is late be late."""
    world.clock.now_ms += 1
    world.begin(mode)
    while world.oracle.head is not None:
        world.wake()
