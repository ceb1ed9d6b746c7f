"""Histories drawn by Hypothesis. What must hold at each of their steps, the oracle says."""

from itertools import chain, repeat

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from durable.machine.job import Mode
from durable.machine.states import State
from tests.simulation.draws import (
    DEPLOYMENTS,
    EDITS,
    SCHEDULES,
    TRIGGERS,
    Deployment,
    Edit,
    Schedule,
    Trigger,
)
from tests.simulation.effort import EFFORT
from tests.simulation.fates import Await, Choice, Fate, Kind, calm
from tests.simulation.world import World


def assert_whole(world: World) -> None:
    try:
        world.oracle.check_whole()
    except AssertionError as error:
        error.add_note(world.told("What happened:"))
        raise


@EFFORT
@given(
    deployment=DEPLOYMENTS,
    mode=st.sampled_from(Mode),
    schedule=SCHEDULES,
    edits=st.none() | st.lists(EDITS, max_size=5),
)
def test_one_job_outlives_any_faults(
    deployment: Deployment, mode: Mode, schedule: Schedule, edits: list[Edit] | None
) -> None:
    """The first there is; or one after a FULL job, and after edits."""
    # No schedule has faults enough for these.
    limits = replace(deployment.limits, stall_ms_max=10**9, deaths_max=10**3)
    world = replace(deployment, limits=limits).world()
    if "a" in world.source.rows:
        world.glean.index = {"a": "an old text"}
    if edits is not None:
        world.begin(Mode.FULL)
        world.run()
        world.clock.now_ms += 1
        for edit in edits:
            edit.on(world)()
    world.driver.plan = schedule.on(world)
    while world.begin(mode) is None:
        pass  # whoever got no answer asks again
    world.run(schedule.offsets_ms)

    job = world.oracle.latest
    if job.state is State.SUCCEEDED:
        assert_whole(world)
    else:
        assert job.mode is Mode.FULL, world.told(job.error)
        assert schedule.is_late, world.told(job.error)


@settings(EFFORT, max_examples=EFFORT.max_examples // 4)  # each a history of four jobs or more
@given(
    deployment=DEPLOYMENTS,
    schedule=SCHEDULES,
    forbidden=st.none() | st.integers(0, 60),
    edits=st.lists(EDITS, max_size=5),
    meanwhile=st.dictionaries(st.integers(1, 25), EDITS | TRIGGERS, max_size=4),
)
def test_the_index_is_right_whatever_happens(
    deployment: Deployment,
    schedule: Schedule,
    forbidden: int | None,
    edits: list[Edit],
    meanwhile: dict[int, Edit | Trigger],
) -> None:
    """Jobs may fail here; those that succeed are right, and those that come after succeed."""
    world = deployment.world()
    faults = schedule.on(world)

    def plan(point: Await) -> Choice:
        if point.index == forbidden and point.kind is not Kind.SAVE:
            return Choice(Fate.FORBIDDEN)
        return faults(point)

    world.driver.plan = plan
    world.driver.meanwhile |= {index: doing.on(world) for index, doing in meanwhile.items()}
    offsets_ms = chain(schedule.offsets_ms, repeat(0))
    world.begin(Mode.FULL)
    world.run(offsets_ms)
    for edit in edits:
        edit.on(world)()
    world.begin(Mode.INCREMENTAL)
    world.run(offsets_ms)

    world.driver.plan = calm
    world.driver.meanwhile.clear()
    for mode in (Mode.INCREMENTAL, Mode.FULL):
        world.begin(mode)
        world.run()
        assert world.oracle.latest.state is State.SUCCEEDED
        if mode is Mode.FULL or world.glean.closed:
            assert_whole(world)
