"""Records that were rejected come with the next job once they can be used, for a day."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.commands import Instruction
from durable.machine.job import Mode
from durable.machine.states import Command, State
from durable.timestamps import rfc3339
from tests.simulation.clock import HOUR_MS
from tests.simulation.connector import LIMITS, TIMED
from tests.simulation.fates import Choice, Fate, Kind, at, calm, faults_at, where
from tests.simulation.source import Order
from tests.simulation.world import StandIn, World


PAGES = [("a", "b", "c"), (), ("d", "e")]
DAY_MS = 24 * HOUR_MS
TOLERANT = replace(LIMITS, rejects_share_max=1.0)

Spoil = Callable[[World], object]


def by_glean(world: World) -> None:
    world.spoil("a", "new")


def by_decoding(world: World) -> None:
    world.spoil("a", "new", of=world.source.broken)


def without_ids(world: World) -> None:
    world.spoil("a", "new", of=world.source.nameless)


SPOILS = [by_glean, by_decoding, without_ids]


def synced(
    order: Order = Order.PLACE, limits: Limits = TOLERANT, stand_in: StandIn | None = None
) -> World:
    world = World(PAGES, order, limits, stand_in=stand_in)
    sync(world, Mode.FULL)
    return world


def sync(world: World, mode: Mode = Mode.INCREMENTAL, after_ms: int = HOUR_MS) -> None:
    world.clock.now_ms += after_ms
    world.begin(mode)
    world.run()
    assert world.oracle.latest.state is State.SUCCEEDED, world.told(world.oracle.latest.error)


def rejected(order: Order, spoil: Spoil, mode: Mode = Mode.INCREMENTAL) -> World:
    """Two notes have changed, and the job that reads it can use neither."""
    world = synced(order)
    spoil(world)
    world.clock.now_ms += 1
    world.edit("a", "new", "b")
    sync(world, mode)
    assert world.glean.index["a"] == "a 0"
    assert "new" not in world.glean.index
    return world


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("spoil", SPOILS)
def test_what_was_rejected_is_in_glean_after_the_next_job_that_can_use_it(
    spoil: Spoil, mode: Mode, order: Order
) -> None:
    world = rejected(order, spoil, mode)
    for _ in range(3):
        sync(world)
        assert "new" not in world.glean.index
    world.mend("a", "new")
    sync(world)

    assert world.glean.index == world.source.live, world.told("the index is wrong")
    job = world.oracle.latest
    assert (job.mode, job.reaches != {}) == (Mode.INCREMENTAL, True)


@pytest.mark.parametrize("spoil", SPOILS)
def test_once_it_was_accepted_jobs_read_from_their_watermark_again(spoil: Spoil) -> None:
    world = rejected(Order.PLACE, spoil)
    world.mend("a", "new")
    sync(world)
    assert world.oracle.latest.retried_count > 0
    sync(world)

    assert (world.oracle.latest.reaches, world.oracle.latest.retried_count) == ({}, 0)


@pytest.mark.parametrize("spoil", SPOILS)
def test_what_is_rejected_for_ever_is_let_go_after_a_day(spoil: Spoil) -> None:
    world = rejected(Order.PLACE, spoil)
    since = []
    for _ in range(30):
        sync(world)
        since.append(world.oracle.latest.reads_from_ms == world.oracle.latest.since_ms)

    assert since == [False] * 23 + [True] * 7


@pytest.mark.parametrize("spoil", SPOILS)
def test_what_was_let_go_is_not_tried_again_though_full_jobs_reject_it_each_night(
    spoil: Spoil,
) -> None:
    world = rejected(Order.PLACE, spoil)
    sync(world, after_ms=DAY_MS)
    for _ in range(3):
        sync(world, Mode.FULL)
        sync(world)
        assert world.oracle.latest.reaches == {}
    world.edit("a")  # it has changed, and is of no use all the same
    sync(world)
    sync(world)

    assert world.oracle.latest.reaches == {}


@pytest.mark.parametrize("spoil", SPOILS[:2])
def test_what_was_let_go_and_came_after_all_has_a_day_of_its_own_again(spoil: Spoil) -> None:
    world = rejected(Order.PLACE, spoil)
    sync(world, after_ms=DAY_MS)
    world.mend("a", "new")
    world.edit("a", "new")
    sync(world)
    assert world.glean.index == world.source.live
    spoil(world)
    world.edit("a", "new")
    sync(world)
    world.mend("a", "new")
    sync(world)

    assert world.glean.index == world.source.live


@pytest.mark.parametrize("order", Order)
def test_no_fault_at_any_moment_loses_what_is_tried_again(order: Order) -> None:
    def retried() -> World:
        world = rejected(order, by_glean)
        sync(world)
        world.clock.now_ms += HOUR_MS
        world.mend("a", "new")
        world.edit("c")
        world.clock.now_ms += 1
        world.begin(Mode.INCREMENTAL)
        return world

    calm_world = retried()
    first = len(calm_world.driver.awaits)
    calm_world.run()
    for point in calm_world.driver.awaits[first:]:
        for fate in faults_at(point.kind):
            world = retried()
            world.driver.plan = at({point.index: Choice(fate)})
            world.run()
            assert world.oracle.latest.state is State.SUCCEEDED
            assert world.glean.index == world.source.live, world.told("the index is wrong")
            world.driver.plan = calm
            sync(world)
            assert world.oracle.latest.reaches == {}


@pytest.mark.parametrize("order", Order)
def test_no_fault_at_any_moment_forgets_a_reject(order: Order) -> None:
    def rejecting() -> World:
        world = synced(order)
        by_glean(world)
        world.clock.now_ms += 1
        world.edit("a", "new", "b")
        world.clock.now_ms += HOUR_MS
        world.begin(Mode.INCREMENTAL)
        return world

    calm_world = rejecting()
    first = len(calm_world.driver.awaits)
    calm_world.run()
    for point in calm_world.driver.awaits[first:]:
        for fate in faults_at(point.kind):
            world = rejecting()
            world.driver.plan = at({point.index: Choice(fate)})
            world.run()
            world.driver.plan = calm
            world.mend("a", "new")
            sync(world)
            assert world.glean.index == world.source.live, world.told("the index is wrong")


def test_a_job_that_is_cancelled_and_one_that_fails_leave_what_is_tried_again_as_it_was() -> None:
    world = rejected(Order.PLACE, by_glean)
    for fate in (Fate.OK, Fate.FORBIDDEN):
        world.clock.now_ms += HOUR_MS
        world.edit("b")
        world.driver.plan = where(Choice(fate), Kind.FETCH)
        world.begin(Mode.INCREMENTAL)
        if fate is Fate.OK:
            world.order(world.oracle.latest.id, Instruction(Command.CANCEL))
        world.run()
        assert world.oracle.latest.state in {State.CANCELLED, State.FAILED}
    world.driver.plan = calm
    world.mend("a", "new")
    sync(world)

    assert world.glean.index == world.source.live


def test_a_job_that_is_queued_again_later_forgets_no_reject_of_those_between() -> None:
    world = synced()
    world.clock.now_ms += HOUR_MS
    world.edit("a")
    forbidden = Choice(Fate.FORBIDDEN)
    world.driver.plan = lambda point: forbidden if point.target == "page 2" else Choice()
    world.begin(Mode.INCREMENTAL)
    world.run()
    failed = world.oracle.latest
    assert failed.state is State.FAILED
    world.driver.plan = calm
    world.spoil("a")
    world.clock.now_ms += 1
    world.edit("a")
    sync(world)
    world.order(failed.id, Instruction(Command.RETRY))
    world.run()
    assert world.oracle.jobs[failed.id].state is State.SUCCEEDED
    world.mend("a")
    sync(world)

    assert world.glean.index == world.source.live


def test_a_job_says_why_it_reads_from_earlier_than_the_one_before_it() -> None:
    world = rejected(Order.PLACE, by_glean)
    from_ms = world.oracle.latest.since_ms
    assert from_ms is not None
    sync(world)

    texts = [note.text for note in world.oracle.latest.notes]
    told = f"reads documents since {rfc3339(from_ms)}: rejected records are tried again"
    assert told in texts


def test_what_nobody_tries_again_is_read_by_the_next_full_job() -> None:
    world = synced(limits=replace(TOLERANT, rejects_retried_ms=0))
    by_glean(world)
    world.clock.now_ms += 1
    world.edit("a", "new")
    sync(world)
    sync(world)
    assert world.oracle.latest.reaches == {}
    world.mend("a", "new")
    sync(world, Mode.FULL)

    assert world.glean.index == world.source.live


@pytest.mark.parametrize("behind_ms", [0, 5 * 60_000])
def test_by_the_sources_own_clock_it_is_the_same(behind_ms: int) -> None:
    world = World(PAGES, limits=TOLERANT, stand_in=StandIn(TIMED, None), behind_ms=behind_ms)
    sync(world, Mode.FULL)
    by_glean(world)
    world.clock.now_ms += 1
    world.edit("a", "new")
    for _ in range(3):
        sync(world)
    world.mend("a", "new")
    sync(world)

    assert world.glean.index == world.source.live
