"""A FULL job that would delete too much waits for a person, and harms nobody meanwhile."""

from collections.abc import Iterator, Mapping

import pytest
from msgspec.structs import replace

from durable.machine.commands import Instruction, Refusal
from durable.machine.job import Mode
from durable.machine.states import ENDED, Command, State
from tests.simulation.connector import LIMITS
from tests.simulation.effort import tried
from tests.simulation.fates import (
    DEATHS,
    Await,
    Choice,
    Fate,
    Kind,
    at,
    calm,
    faults_at,
    where,
)
from tests.simulation.world import ITS_LIST, World


HALF = [(f"kept {number}",) for number in range(4)]
LOST = [f"lost {number}" for number in range(4)]
WHOLE = [*HALF, *((name,) for name in LOST)]
BOUNDS = replace(LIMITS, shrink_max=0.2, shrink_count=2)


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


APPROVAL = Instruction(Command.APPROVE, ITS_LIST)


def test_a_held_job_closes_nothing_and_says_how_much_would_go() -> None:
    world = held()

    assert len(world.glean.closed) == 1
    assert len(world.glean.index) == len(WHOLE)
    gone = world.oracle.latest.crawl.gone
    assert (gone.count, gone.new_count, world.oracle.latest.known_count) == (4, 4, len(WHOLE))
    assert world.storage.alarm_at_ms is None


def test_an_approval_names_the_list_that_it_allows() -> None:
    world = held()
    job = world.oracle.latest

    refusal = world.order(job.id, Instruction(Command.APPROVE, "another list"))
    assert isinstance(refusal, Refusal)
    assert refusal.remedy is not None
    assert refusal.remedy.parameters["list"] == job.crawl.gone.digest

    world.order(job.id, APPROVAL)
    world.run()
    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


def test_an_approved_job_reads_all_of_the_source_again() -> None:
    world = held()
    count = len(world.driver.awaits)
    world.order(world.oracle.latest.id, APPROVAL)
    world.run()

    kinds = [point.kind for point in world.driver.awaits[count:]]
    assert kinds.count(Kind.FETCH) == len(WHOLE)


def test_any_one_fault_after_the_approval_is_survived() -> None:
    calm = held()
    first = len(calm.driver.awaits)
    calm.order(calm.oracle.latest.id, APPROVAL)
    calm.run()
    for point in tried(calm.driver.awaits[first + 1 :]):
        for fate in faults_at(point.kind):
            world = held()
            world.driver.plan = at({point.index: Choice(fate)})
            world.order(world.oracle.latest.id, APPROVAL)
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

    world.order(job_id, APPROVAL)
    world.run()
    assert world.oracle.jobs[job_id].state is State.SUCCEEDED
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
    assert isinstance(world.order(job_id, APPROVAL), Refusal)
    assert world.glean.index == world.source.live


def test_an_approval_is_of_what_is_on_its_list_and_of_nothing_else() -> None:
    """As many are missing, and they are others: three came back, and three are gone."""
    world = held()
    job_id = world.oracle.latest.id
    world.edit(*LOST[:3])
    world.lose("kept 0", "kept 1", "kept 2")
    world.order(job_id, APPROVAL)
    world.run()

    assert world.oracle.latest.state is State.HELD
    assert len(world.glean.index) == len(WHOLE)
    assert (world.oracle.latest.crawl.gone.count, world.oracle.latest.crawl.gone.new_count) == (
        4,
        3,
    )
    world.order(job_id, APPROVAL)
    world.run()
    assert world.glean.index == world.source.live


def test_an_approval_is_of_one_try_and_not_of_a_retry() -> None:
    world = held()
    job_id = world.oracle.latest.id
    world.order(job_id, APPROVAL)
    world.driver.meanwhile[len(world.driver.awaits) + 1] = world.cancel_within
    world.run()
    assert world.oracle.jobs[job_id].state is State.CANCELLED
    world.order(job_id, Instruction(Command.RETRY))
    world.run()

    assert world.oracle.jobs[job_id].state is State.HELD
    assert len(world.glean.index) == len(WHOLE)


def test_what_has_come_back_falls_off_the_list_that_was_approved() -> None:
    world = held()
    job_id = world.oracle.latest.id
    world.edit(*LOST[:3])
    world.order(job_id, APPROVAL)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


def test_an_incremental_job_leaves_the_list_that_is_to_be_approved() -> None:
    world = held()
    job_id = world.oracle.latest.id
    for _ in range(3):
        world.begin(Mode.INCREMENTAL)
        world.run()
        world.clock.now_ms += 1
    world.order(job_id, APPROVAL)
    world.run()

    assert world.oracle.jobs[job_id].state is State.SUCCEEDED


def test_an_approved_job_may_shrink_only_once() -> None:
    world = held()
    world.order(world.oracle.latest.id, APPROVAL)
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


def test_what_is_rejected_keeps_its_older_document() -> None:
    world = World(WHOLE, limits=BOUNDS)
    world.begin(Mode.FULL)
    world.run()
    world.source.broken = set(LOST)
    world.begin(Mode.FULL)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.oracle.latest.crawl.gone.count == 0
    assert world.oracle.latest.outdated_count == len(LOST)
    assert len(world.glean.index) == len(WHOLE)


def test_what_an_upload_lacks_and_the_source_still_lists_is_held() -> None:
    """A share that may go without a word, if it were gone."""
    world = World(WHOLE, limits=replace(BOUNDS, shrink_max=0.9, replace_every_ms=1))
    world.begin(Mode.FULL)
    world.run()
    world.clock.now_ms += 1
    world.source.broken = set(LOST)
    world.begin(Mode.FULL)
    world.run()

    assert world.oracle.latest.state is State.HELD
    assert world.oracle.latest.crawl.gone.new_listed_count == len(LOST)
    assert len(world.glean.index) == len(WHOLE)


def over(titles: Mapping[str, str]) -> World:
    """A first FULL job is queued, and something else has brought these."""
    world = World(WHOLE, limits=BOUNDS, is_ours=False)
    world.glean.found.put(titles)
    world.begin(Mode.FULL)
    return world


def moments(world: World) -> Iterator[tuple[int, Fate]]:
    """Of its first job, each with all that may become of it."""
    world.run()
    for point in world.driver.awaits[1:]:
        for fate in faults_at(point.kind):
            yield point.index, fate


def test_over_what_nobody_here_has_brought_nothing_is_opened_whatever_fails() -> None:
    theirs = {f"theirs {number}": "x" for number in range(9)}
    for index, fate in moments(over(theirs)):
        world = over(theirs)
        world.driver.plan = at({index: Choice(fate)})
        world.run()

        assert world.oracle.latest.state in {State.HELD, State.FAILED}, world.told("not held")
        assert world.oracle.latest.upload_count == 0
        assert world.glean.index == theirs


def test_over_nothing_a_first_job_brings_all_whatever_fails() -> None:
    for index, fate in moments(over({})):
        world = over({})
        world.driver.plan = at({index: Choice(fate)})
        world.run()

        assert world.oracle.latest.state is not State.HELD, world.told("held")
        if world.oracle.latest.state is State.SUCCEEDED:
            assert world.glean.index == world.source.live


def test_a_person_may_let_go_of_what_nobody_here_has_brought() -> None:
    world = over({"theirs": "x"})
    world.run()

    world.order(world.oracle.latest.id, APPROVAL)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


def test_a_job_whose_place_was_taken_asks_anew_if_it_is_retried() -> None:
    """What it has counted, nobody has approved of."""
    theirs = {"theirs": "x"}
    world = over(theirs)
    world.run()
    first = world.oracle.latest
    world.clock.now_ms += 1
    world.begin(Mode.FULL)
    world.run()
    assert world.oracle.jobs[first.id].state is State.CANCELLED
    world.order(world.oracle.latest.id, Instruction(Command.CANCEL))

    world.order(first.id, Instruction(Command.RETRY))
    world.run()

    assert world.oracle.jobs[first.id].state is State.HELD
    assert world.glean.index == theirs


def test_an_approval_of_what_nobody_here_has_brought_is_not_of_a_retry() -> None:
    """Though the upload that it has let open may be open still."""
    world = over({"theirs": "x"})
    world.run()
    world.order(world.oracle.latest.id, APPROVAL)
    world.driver.plan = where(Choice(Fate.FORBIDDEN), Kind.FETCH)
    world.run()
    assert world.oracle.latest.upload.id

    world.driver.plan = calm
    world.order(world.oracle.latest.id, Instruction(Command.RETRY))
    world.run()

    assert world.oracle.latest.state is State.HELD
    assert "theirs" in world.glean.index


def test_a_first_job_that_has_failed_halfway_is_not_held_for_what_it_has_brought() -> None:
    world = over({})
    world.driver.plan = where(Choice(Fate.FORBIDDEN), Kind.CLOSE)
    world.run()
    failed = world.oracle.latest
    assert failed.state is State.FAILED

    world.driver.plan = calm
    world.order(failed.id, Instruction(Command.RETRY))
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("fate", [Fate.DIED_UNSAVED, Fate.DIED_UNSENT])
def test_a_death_over_the_approval_leaves_it_done_or_undone(fate: Fate) -> None:
    world = held()
    job_id = world.oracle.latest.id
    world.driver.plan = at({len(world.driver.awaits): Choice(fate)})
    assert world.order(job_id, APPROVAL) is None
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
    world.order(job_id, APPROVAL)
    world.run()

    assert world.oracle.jobs[job_id].state is State.SUCCEEDED
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
    world.order(job_id, APPROVAL)
    world.run()

    assert world.oracle.jobs[job_id].state is State.SUCCEEDED
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.LATE, Fate.GARBLED, *sorted(DEATHS)])
def test_what_has_not_read_all_of_the_source_takes_no_held_jobs_place(fate: Fate) -> None:
    world = opening(fate)
    job_id = min(job.id for job in world.oracle.jobs.values() if job.state is State.HELD)
    world.driver.plan = calm
    world.order(world.oracle.latest.id, Instruction(Command.CANCEL))
    world.order(job_id, APPROVAL)
    world.run()

    assert world.oracle.jobs[job_id].state is State.SUCCEEDED
    assert world.glean.index == world.source.live
