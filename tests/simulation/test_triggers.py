"""Who asks twice gets one job, and jobs wait for each other."""

import pytest
from msgspec.structs import replace

from durable.engine.processor import Begun
from durable.machine.commands import Refusal, RefusalCode
from durable.machine.job import Mode
from durable.machine.states import State
from tests.simulation.connector import LIMITS
from tests.simulation.effort import IS_WHOLE
from tests.simulation.fates import AT_SAVE, Choice, Fate, Kind, at, where
from tests.simulation.world import World


KEY = "cron 2026-01-01T02:00:00.000Z"
OTHER = {Mode.FULL: Mode.INCREMENTAL, Mode.INCREMENTAL: Mode.FULL}


def requests(mode: Mode) -> list[int]:
    """The awaits of a calm job that are requests."""
    world = World()
    world.begin(mode)
    world.run()
    return [point.index for point in world.driver.awaits if point.kind is not Kind.SAVE]


@pytest.mark.parametrize("mode", list(Mode))
def test_the_same_key_gives_the_same_job_also_after_its_end(mode: Mode) -> None:
    world = World()
    for _ in range(2):
        world.begin(mode, KEY)
        world.begin(mode, KEY)
        world.run()

    assert len(world.oracle.jobs) == 1


@pytest.mark.parametrize("mode", list(Mode))
def test_the_same_key_gives_the_same_job_also_during_its_turn(mode: Mode) -> None:
    for index in requests(mode):
        world = World()
        world.begin(mode, KEY)
        world.begin_during(index, mode, KEY)
        world.run()

        assert len(world.oracle.jobs) == 1
        assert world.oracle.latest.state is State.SUCCEEDED


@pytest.mark.parametrize("fate", AT_SAVE)
def test_who_got_no_answer_may_ask_again(fate: Fate) -> None:
    world = World(plan=at({0: Choice(fate)}))

    assert world.begin(Mode.FULL, KEY) is None
    world.begin(Mode.FULL, KEY)
    world.run()
    world.begin(Mode.FULL, KEY)
    world.run()

    assert len(world.oracle.jobs) == 1


@pytest.mark.parametrize("mode", list(Mode))
def test_without_a_key_a_job_that_waits_or_works_is_joined(mode: Mode) -> None:
    world = World()
    world.begin(mode)
    world.begin(mode)
    world.begin_during(3, mode)
    world.run()
    assert len(world.oracle.jobs) == 1

    world.begin(mode)
    world.run()
    assert len(world.oracle.jobs) == 2


@pytest.mark.parametrize("fate", [Fate.OK, *AT_SAVE])
@pytest.mark.parametrize("mode", list(Mode))
def test_a_job_asked_for_during_another_runs_after_it(mode: Mode, fate: Fate) -> None:
    """Also where the isolate dies over the asking, and takes the turn with it."""
    for index in requests(mode):
        world = World(plan=at({index + 1: Choice(fate)}))
        world.begin(mode)
        first_id = world.oracle.latest.id
        world.begin_during(index, OTHER[mode], KEY)
        world.run()
        world.begin(OTHER[mode], KEY)  # where it died, it is asked for again
        world.run()

        first, second = world.oracle.jobs[first_id], world.oracle.latest
        assert len(world.oracle.jobs) == 2
        assert (first.state, second.state) == (State.SUCCEEDED, State.SUCCEEDED)
        begun_at_ms = world.oracle.seen[second.id].first_sent_at_ms
        assert first.finished_at_ms is not None
        assert begun_at_ms is not None
        assert first.finished_at_ms <= begun_at_ms
        assert world.glean.index == world.source.live


@pytest.mark.parametrize("fate", [Fate.OK, *AT_SAVE])
def test_a_job_that_becomes_full_and_a_full_one_asked_for_meanwhile_are_one(fate: Fate) -> None:
    """Whether that waits already, or joins it; also where the isolate dies over the asking."""
    ends = set()
    for index in range(1, 8):
        world = World([("a", "b"), ("c",)], limits=replace(LIMITS, changes_max=1))
        world.driver.plan = at({index + 1: Choice(fate)})
        world.begin(Mode.INCREMENTAL)
        first_id = world.oracle.latest.id
        world.begin_during(index, Mode.FULL, KEY)
        world.run()

        first = world.oracle.jobs[first_id]
        full = [job for job in world.oracle.jobs.values() if job.state is State.SUCCEEDED]
        assert [job.mode for job in full] == [Mode.FULL]
        assert len(world.glean.closed) == 1
        assert world.glean.index == world.source.live
        assert first.mode is Mode.FULL
        ends.add(first.state)
    is_asked = fate is not Fate.DIED_UNSAVED
    assert ends == ({State.CANCELLED, State.SUCCEEDED} if is_asked else {State.SUCCEEDED})


@pytest.mark.parametrize("kind", [Kind.OPEN, Kind.FETCH, Kind.SEND, Kind.CLOSE])
@pytest.mark.parametrize("fate", [Fate.REFUSED, Fate.FORBIDDEN, Fate.DIED_UNSENT])
def test_a_job_that_fails_makes_way_for_the_next(fate: Fate, kind: Kind) -> None:
    world = World(plan=where(Choice(fate), kind))
    world.begin(Mode.FULL)
    failing = world.oracle.latest.id
    world.begin(Mode.INCREMENTAL)
    while world.oracle.jobs[failing].state is not State.FAILED:
        world.wake()
    world.driver.plan = where(Choice(), kind)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("mode", list(Mode))
def test_a_job_may_be_asked_for_at_any_time_after_another(mode: Mode) -> None:
    """Also where its alarm is to go off just when an earlier one would have."""
    for ahead_ms in range(0, 60_000, 50 if IS_WHOLE else 250):
        world = World([()])
        world.begin(mode)
        world.run()
        world.clock.now_ms += ahead_ms
        world.begin(mode)
        world.run()

        assert len(world.oracle.jobs) == 2


def test_a_key_that_joined_a_job_gives_that_job_again_after_its_end() -> None:
    world = World()
    world.begin(Mode.FULL)
    begun = world.begin(Mode.FULL, KEY)
    world.run()
    again = world.begin(Mode.FULL, KEY)

    assert isinstance(begun, Begun)
    assert isinstance(again, Begun)
    assert again.job.id == begun.job.id


def test_a_key_that_asked_for_one_mode_is_refused_for_the_other() -> None:
    world = World()
    world.begin(Mode.FULL, KEY)
    again = world.begin(Mode.INCREMENTAL, KEY)

    assert isinstance(again, Refusal)
    assert again.code is RefusalCode.KEY_REUSED
    assert len(world.oracle.jobs) == 1
