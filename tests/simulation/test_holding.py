"""A FULL job that would delete too much waits for a person, and harms nobody meanwhile."""

import pytest
from msgspec.structs import replace

from durable.machine.commands import Instruction, Refusal
from durable.machine.job import Mode
from durable.machine.states import ENDED, Command, State
from tests.simulation.connector import LIMITS
from tests.simulation.fates import (
    AT_SAVE,
    DEATHS,
    Await,
    Choice,
    Fate,
    Kind,
    at,
    calm,
    possible,
)
from tests.simulation.world import World


HALF = [(f"kept {number}",) for number in range(4)]
LOST = [f"lost {number}" for number in range(4)]
WHOLE = [*HALF, *((name,) for name in LOST)]
BOUNDS = replace(LIMITS, shrink_max=0.2, shrink_count=2)
MISSING = 4


def shrunk() -> World:
    """A source that was synced, and then lost half of its notes without a word."""
    world = World(WHOLE, limits=BOUNDS)
    world.begin(Mode.FULL)
    world.run()
    world.clock.now_ms += 1
    world.lose(*LOST)
    world.begin(Mode.FULL)
    return world


def held() -> World:
    world = shrunk()
    world.run()
    assert world.oracle.latest.state is State.HELD
    return world


def approval(count: int) -> Instruction:
    return Instruction(Command.APPROVE, count)


def test_a_held_job_closes_nothing_and_says_how_much_would_go() -> None:
    world = held()

    assert len(world.glean.closed) == 1
    assert len(world.glean.index) == len(WHOLE)
    assert f"delete {MISSING} of {len(WHOLE)} documents (50 %)" in world.oracle.latest.error
    assert world.storage.alarm_at_ms is None


def test_an_approval_names_the_number_that_it_allows() -> None:
    world = held()
    job_id = world.oracle.latest.id

    refusal = world.order(job_id, approval(MISSING - 1))
    assert isinstance(refusal, Refusal)
    assert str(MISSING) in refusal.reason

    world.order(job_id, approval(MISSING))
    world.run()
    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


def test_an_approved_close_repeats_no_page() -> None:
    world = held()
    before = world.glean.closed[:]
    count = len(world.driver.awaits)
    world.order(world.oracle.latest.id, approval(MISSING))
    world.run()

    kinds = {point.kind for point in world.driver.awaits[count:]}
    assert kinds == {Kind.SAVE, Kind.ASK, Kind.CLOSE}
    assert world.glean.closed == [*before, world.oracle.latest.upload.id]


def test_any_one_fault_after_the_approval_is_survived() -> None:
    calm = held()
    first = len(calm.driver.awaits)
    calm.order(calm.oracle.latest.id, approval(MISSING))
    calm.run()
    for point in calm.driver.awaits[first + 1 :]:
        for fate in AT_SAVE if point.kind is Kind.SAVE else possible(point.kind):
            world = held()
            world.driver.plan = at({point.index: Choice(fate)})
            world.order(world.oracle.latest.id, approval(MISSING))
            world.run()

            assert world.oracle.latest.state is State.SUCCEEDED, world.told("not closed")
            assert world.glean.index == world.source.live


def test_a_held_job_that_is_cancelled_leaves_the_index_as_it_was() -> None:
    world = held()
    index = dict(world.glean.index)
    world.order(world.oracle.latest.id, Instruction(Command.CANCEL))
    world.run()

    assert world.oracle.latest.state is State.CANCELLED
    assert world.glean.index == index
    assert world.storage.alarm_at_ms is None


def test_incremental_jobs_run_while_one_is_held_and_after_its_approval_find_all_again() -> None:
    world = held()
    job_id = world.oracle.latest.id
    world.clock.now_ms += 1
    world.edit("kept 0", "new")
    world.begin(Mode.INCREMENTAL)
    world.run()
    assert world.oracle.jobs[job_id].state is State.HELD
    assert world.glean.index["kept 0"] == world.source.live["kept 0"]

    world.order(job_id, approval(MISSING))
    world.run()
    assert "new" not in world.glean.index, "the upload is as old as its pages"
    world.begin(Mode.INCREMENTAL)
    world.run()
    assert world.glean.index == world.source.live


def test_the_next_full_job_takes_the_place_of_the_held_one() -> None:
    world = held()
    job_id = world.oracle.latest.id
    world.edit(*LOST)
    world.begin(Mode.FULL)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.oracle.jobs[job_id].state is State.CANCELLED
    assert world.oracle.latest.id in world.oracle.jobs[job_id].error
    assert isinstance(world.order(job_id, approval(MISSING)), Refusal)
    assert world.glean.index == world.source.live


def test_an_approval_of_what_glean_no_longer_has_is_none_of_what_is_read_then() -> None:
    """As many may be missing, and be others: here two came back, and two are gone."""
    world = held()
    world.glean.expire()
    job_id = world.oracle.latest.id
    world.edit(*LOST[:2])
    world.lose("kept 0", "kept 1")
    world.order(job_id, approval(MISSING))
    world.run()

    assert world.oracle.latest.state is State.HELD
    assert len(world.glean.index) == len(WHOLE)
    world.order(job_id, approval(MISSING))
    world.run()
    assert world.glean.index == world.source.live


def test_an_approved_job_may_shrink_only_once() -> None:
    world = held()
    world.order(world.oracle.latest.id, approval(MISSING))
    world.run()
    world.lose("kept 0", "kept 1", "kept 2")
    world.begin(Mode.FULL)
    world.run()

    assert world.oracle.latest.state is State.HELD


@pytest.mark.parametrize("index", range(12))
def test_a_full_job_asked_for_while_another_is_about_to_be_held_runs(index: int) -> None:
    world = shrunk()
    world.begin_during(len(world.driver.awaits) + index, Mode.INCREMENTAL)
    world.run()

    states = {job.mode: job.state for job in world.oracle.jobs.values()}
    assert states == {Mode.FULL: State.HELD} | (
        {Mode.INCREMENTAL: State.SUCCEEDED} if len(world.oracle.jobs) == 3 else {}
    )


def test_rejected_records_count_as_missing() -> None:
    world = World(WHOLE, limits=BOUNDS)
    world.begin(Mode.FULL)
    world.run()
    world.source.broken = set(LOST)
    world.begin(Mode.FULL)
    world.run()

    assert world.oracle.latest.state is State.HELD
    assert len(world.glean.index) == len(WHOLE)


@pytest.mark.parametrize("fate", [Fate.DIED_UNSAVED, Fate.DIED_UNSENT])
def test_a_death_over_the_approval_leaves_it_done_or_undone(fate: Fate) -> None:
    world = held()
    job_id = world.oracle.latest.id
    world.driver.plan = at({len(world.driver.awaits): Choice(fate)})
    assert world.order(job_id, approval(MISSING)) is None
    world.run()

    state = world.oracle.jobs[job_id].state
    assert state is (State.HELD if fate is Fate.DIED_UNSAVED else State.SUCCEEDED)
    assert state in ENDED or len(world.glean.index) == len(WHOLE)


def opening(fate: Fate, flavour: int = 0) -> World:
    """A job is held, and another one asks Glean to open an upload, once; then it is cancelled."""
    world = held()
    world.begin(Mode.FULL)
    first = len(world.driver.awaits)

    def plan(point: Await) -> Choice:
        if point.index >= first and point.kind is Kind.OPEN:
            return Choice(fate, flavour)
        return Choice(Fate.OK)

    world.driver.plan = plan
    world.wake()
    if fate in DEATHS:
        world.wake()
    return world


REFUSALS = [(Fate.FORBIDDEN, flavour) for flavour in range(5)] + [
    (Fate.REFUSED, flavour) for flavour in range(3)
]


@pytest.mark.parametrize(("fate", "flavour"), REFUSALS)
def test_what_opens_no_upload_takes_no_held_jobs_place(fate: Fate, flavour: int) -> None:
    world = opening(fate, flavour)
    job_id = min(job.id for job in world.oracle.jobs.values() if job.state is State.HELD)

    world.driver.plan = calm
    if world.oracle.latest.state not in ENDED:
        world.order(world.oracle.latest.id, Instruction(Command.CANCEL))
    world.order(job_id, approval(MISSING))
    first = len(world.driver.awaits)
    world.run()

    assert world.oracle.jobs[job_id].state is State.SUCCEEDED
    kinds = {point.kind for point in world.driver.awaits[first:]}
    assert kinds == {Kind.SAVE, Kind.ASK, Kind.CLOSE}, "its upload was there all the time"
    assert world.glean.index == world.source.live


def test_a_job_that_is_not_configured_takes_no_held_jobs_place() -> None:
    world = held()
    job_id = world.oracle.latest.id
    token = world.variables.pop("GLEAN_INDEXING_API_TOKEN")
    world.begin(Mode.FULL)
    world.oracle.seen[world.oracle.latest.id].is_forbidden = True
    world.run()
    assert world.oracle.latest.state is State.FAILED
    assert world.oracle.jobs[job_id].state is State.HELD

    world.variables["GLEAN_INDEXING_API_TOKEN"] = token
    world.order(job_id, approval(MISSING))
    world.run()

    assert world.oracle.jobs[job_id].state is State.SUCCEEDED
    assert world.glean.index == world.source.live


@pytest.mark.parametrize(
    "fate", [Fate.LOST, Fate.LATE, Fate.GARBLED, Fate.DIED_UNSENT, Fate.DIED_SENT, Fate.DIED_LATE]
)
def test_what_may_have_opened_an_upload_takes_the_held_jobs_place(fate: Fate) -> None:
    world = opening(fate)

    (replaced,) = [job for job in world.oracle.jobs.values() if job.state is State.CANCELLED]
    assert world.oracle.latest.id in replaced.error
    assert world.oracle.latest.state is not State.CANCELLED


def test_a_job_that_is_cancelled_while_it_opens_takes_the_held_jobs_place() -> None:
    world = held()
    job_id = world.oracle.latest.id
    world.begin(Mode.FULL)
    index = len(world.driver.awaits) + 1  # after the lease
    world.driver.meanwhile[index] = world.cancel_within
    world.run()

    assert world.driver.awaits[index].kind is Kind.OPEN
    assert world.oracle.latest.state is State.CANCELLED
    assert world.oracle.jobs[job_id].state is State.CANCELLED


def test_an_approval_of_what_glean_has_dropped_says_so() -> None:
    world = held()
    job_id = world.oracle.latest.id
    world.glean.expire()
    world.order(job_id, approval(MISSING))
    world.run()

    texts = [note.text for note in world.oracle.jobs[job_id].notes]
    assert any(text.endswith("is unlisted: begins anew") for text in texts), texts
