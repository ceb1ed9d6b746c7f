"""Glean pauses a deletion, and is asked on until it is over: whatever fails meanwhile."""

import pytest

from durable.machine.deletion_watch import DeletionWatch
from durable.machine.index_status import Deletions
from durable.machine.job import Mode, Stage
from durable.machine.states import State
from durable.store.store import Store
from tests.simulation.connector import NOTES
from tests.simulation.fates import AT_SAVE, Await, Choice, Fate, Kind, at, possible, where
from tests.simulation.world import StandIn, World


HOUR_MS = 3_600_000


def world_of(paused_ms: int = 2 * HOUR_MS, indexing_ms: int = 0) -> World:
    """A FULL job is queued, of whose deletions Glean makes so much."""
    world = World(stand_in=StandIn(NOTES, None))
    world.glean.paused_ms, world.glean.indexing_ms = paused_ms, indexing_ms
    world.begin(Mode.FULL)
    return world


def watch(world: World) -> DeletionWatch:
    return Store(world.storage).verifications.watch()


def check(world: World, deletions: Deletions = Deletions.DONE) -> None:
    assert world.oracle.latest.state is State.SUCCEEDED, world.told("the job is not harmed")
    upload = watch(world).uploads[Stage.DOCUMENTS]
    assert (upload.deletions, upload.is_told) == (deletions.value, True), world.told(f"{upload}")
    assert world.storage.alarm_at_ms is None, world.told("asks on")


def after_close(world: World) -> list[Await]:
    world.run()
    check(world)
    first = next(point.index for point in world.driver.awaits if point.kind is Kind.CLOSE)
    return world.driver.awaits[first + 1 :]


def test_a_paused_deletion_is_asked_about_until_it_is_over_whatever_fails() -> None:
    for point in after_close(world_of()):
        fates = AT_SAVE if point.kind is Kind.SAVE else (*possible(point.kind), Fate.LATE)
        for fate in fates:
            world = world_of()
            world.driver.plan = at({point.index: Choice(fate)})
            world.run()
            check(world)
            events = Store(world.storage).chronicle.events(world.oracle.latest.id, 0, 99)
            told = [one.happening.text for one in events if one.happening.kind == "deletions"]
            assert any("PAUSED" in text.upper() for text in told), world.told(f"{told}")


def test_what_glean_tells_later_is_asked_about_until_then() -> None:
    world = world_of(paused_ms=0, indexing_ms=HOUR_MS)

    assert Kind.ASK in {point.kind for point in after_close(world)}


@pytest.mark.parametrize("paused_ms", [0, 365 * 24 * HOUR_MS])
def test_what_glean_never_tells_is_unknown_in_the_end(paused_ms: int) -> None:
    world = world_of(paused_ms, indexing_ms=365 * 24 * HOUR_MS)

    world.run()

    check(world, Deletions.UNKNOWN)


def test_what_is_never_answered_is_unknown_in_the_end() -> None:
    world = world_of()
    while world.oracle.head is not None:
        world.wake()
    world.driver.plan = where(Choice(Fate.REFUSED), Kind.ASK)

    world.run()

    check(world, Deletions.UNKNOWN)


def test_a_job_that_is_begun_during_a_question_is_not_disturbed() -> None:
    asked = [point.index for point in after_close(world_of()) if point.kind is Kind.ASK]
    for index in asked[1:]:  # the first is the job's own
        world = world_of()
        world.begin_during(index, Mode.INCREMENTAL)
        world.run()
        assert world.oracle.latest.mode is Mode.INCREMENTAL
        check(world)
