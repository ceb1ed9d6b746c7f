"""Deleted and restored, changed and deleted, between two jobs: two lists tell of it, apart."""

from collections.abc import Callable

import pytest

from durable.machine.job import Mode
from durable.machine.states import State
from tests.simulation.effort import tried
from tests.simulation.fates import AT_SAVE, Choice, Kind, at
from tests.simulation.test_stages import FAULTS, Everything, world_of
from tests.simulation.world import World


HOUR_MS = 3_600_000
Living = Callable[[World, Everything], None]


def restored(world: World, everything: Everything) -> None:
    everything.gone = ["a", "b"]
    world.edit("a", "b")


def changed_and_deleted(world: World, everything: Everything) -> None:
    world.edit("a", "c")
    world.lose("a")
    everything.gone = ["a"]


def deleted_twice(world: World, everything: Everything) -> None:
    restored(world, everything)
    world.lose("b")


def between(what: Living) -> World:
    """A FULL job has brought all; then this happens, and an INCREMENTAL one is asked for."""
    world, everything = world_of(Mode.FULL)
    world.run()
    world.clock.now_ms += HOUR_MS
    what(world, everything)
    world.clock.now_ms += 1
    world.begin(Mode.INCREMENTAL)
    return world


def check(world: World) -> None:
    job = world.oracle.latest
    assert job.state is State.SUCCEEDED, world.told(job.error)
    assert world.glean.index == world.source.live, world.told("the index is wrong")


@pytest.mark.parametrize("what", [restored, changed_and_deleted, deleted_twice])
def test_what_lives_stays_and_what_is_gone_goes_whatever_fails(what: Living) -> None:
    calm = between(what)
    first = len(calm.driver.awaits)
    calm.run()
    check(calm)
    for index, point in tried(enumerate(calm.driver.awaits[first:], first)):
        for fate in AT_SAVE if point.kind is Kind.SAVE else FAULTS:
            world = between(what)
            world.driver.plan = at({index: Choice(fate)})
            world.run()
            check(world)


def test_what_is_deleted_or_restored_while_a_job_runs_is_right_after_the_next_one() -> None:
    """The job may have read either list, or a part of it."""
    calm = between(restored)
    first = len(calm.driver.awaits)
    calm.run()
    for index, point in tried(enumerate(calm.driver.awaits[first:], first)):
        for what in (restored, changed_and_deleted, deleted_twice):
            if point.kind not in {Kind.FETCH, Kind.SEND, Kind.DELETE}:
                continue
            world, everything = world_of(Mode.FULL)
            world.run()
            world.clock.now_ms += HOUR_MS
            world.edit("a")
            everything.gone = ["b"]
            world.lose("b")
            world.begin(Mode.INCREMENTAL)
            world.driver.meanwhile[index] = _later(what, world, everything)
            world.run()
            world.clock.now_ms += HOUR_MS
            world.begin(Mode.INCREMENTAL)
            world.run()
            check(world)


def _later(what: Living, world: World, everything: Everything) -> Callable[[], None]:
    return lambda: what(world, everything)
