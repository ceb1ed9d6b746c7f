"""Ticks that never came are made good by the next one, once, whatever fails."""

import pytest

from durable import cron
from durable.machine.job import Mode
from tests.simulation.fates import AT_SAVE, Choice, at
from tests.simulation.world import World


HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def seen() -> World:
    """The connector is known, and a FULL job has brought all."""
    world = World()
    world.catch_up()
    world.begin(Mode.FULL, cron.trigger_key(world.clock.now_ms))
    world.run()
    return world


def begun_by(world: World) -> list[tuple[Mode, str]]:
    return [(job.mode, job.begun_by) for _, job in sorted(world.oracle.jobs.items())]


def test_a_lost_full_tick_is_made_good_once() -> None:
    world = seen()
    world.clock.now_ms += DAY_MS

    for _ in range(3):
        world.catch_up()
        world.run()
        world.evict()

    assert begun_by(world) == [(Mode.FULL, "cron"), (Mode.FULL, "catch-up")]


def test_lost_incremental_ticks_are_made_good_by_one_job() -> None:
    world = seen()
    world.begin(Mode.FULL, cron.trigger_key(world.clock.now_ms + 2 * HOUR_MS))
    world.run()
    world.clock.now_ms += 6 * HOUR_MS

    for _ in range(3):
        world.catch_up()
        world.run()

    assert begun_by(world)[2:] == [(Mode.INCREMENTAL, "catch-up")]


@pytest.mark.parametrize("fate", AT_SAVE)
def test_a_death_over_it_begins_it_with_the_next_tick(fate: object) -> None:
    world = seen()
    world.clock.now_ms += DAY_MS
    assert isinstance(fate, type(AT_SAVE[0]))
    world.driver.plan = at({len(world.driver.awaits): Choice(fate)})

    for _ in range(2):
        world.catch_up()
        world.run()

    assert begun_by(world) == [(Mode.FULL, "cron"), (Mode.FULL, "catch-up")]


def test_the_tick_itself_if_it_comes_after_all_begins_no_other_job() -> None:
    world = seen()
    world.clock.now_ms += DAY_MS
    world.catch_up()
    (caught_up,) = [job for job in world.oracle.jobs.values() if job.begun_by == "catch-up"]
    world.run()

    due_ms = cron.previous_ms("0 2 * * *", world.clock.now_ms)
    assert due_ms is not None
    world.begin(Mode.FULL, cron.trigger_key(due_ms))
    world.run()

    assert world.oracle.latest.id == caught_up.id


def test_a_tick_that_is_refused_is_made_good() -> None:
    """Its minute has begun a job of the other mode, by an earlier schedule."""
    world = seen()
    world.clock.now_ms += DAY_MS
    due_ms = cron.previous_ms("0 2 * * *", world.clock.now_ms)
    assert due_ms is not None
    world.begin(Mode.INCREMENTAL, cron.trigger_key(due_ms))
    world.run()

    world.begin(Mode.FULL, cron.trigger_key(due_ms))
    world.run()
    world.clock.now_ms += HOUR_MS
    world.catch_up()
    world.run()

    assert begun_by(world)[1:] == [(Mode.INCREMENTAL, "cron"), (Mode.FULL, "catch-up")]
