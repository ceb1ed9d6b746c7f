"""After a FULL job Glean is asked what it holds of it: whatever happens, and to nobody's harm."""

from collections.abc import Iterator
from itertools import count, pairwise

import pytest

from durable.connector.definition import AnyConnector
from durable.machine.job import Mode
from durable.machine.states import State
from durable.machine.verification import PROCESSING_MS, Verdict
from tests.simulation.effort import met
from tests.simulation.fates import AT_SAVE, Await, Choice, Fate, Kind, at, where
from tests.simulation.test_every_crash import FAULTS, FLAVOURED, FLAVOURS, faults
from tests.simulation.verifying import INDEXING_MS, PROCESSING, VERIFYING, synced, verification
from tests.simulation.world import World


CONNECTORS = [
    pytest.param(VERIFYING, id="verified"),
    pytest.param(PROCESSING, id="processed and verified"),
]
QUIET = {Kind.SAVE, Kind.ASK, Kind.PROCESS}


def played(connector: AnyConnector, choices: dict[int, Choice]) -> World:
    world = synced(connector)
    world.driver.plan = at(choices)
    world.run()
    return world


def from_close(connector: AnyConnector) -> list[Await]:
    """The awaits from the close on, in a world where all goes well."""
    world = played(connector, {})
    first = next(point.index for point in world.driver.awaits if point.kind is Kind.CLOSE)
    return world.driver.awaits[first:]


def questions(connector: AnyConnector) -> Iterator[int]:
    """The awaits of the questions after the job's success, likewise."""
    close, _, *others = from_close(connector)  # the one beside it is the job's own last question
    assert close.kind is Kind.CLOSE
    yield from (point.index for point in others if point.kind is not Kind.SAVE)


def check(world: World, verdict: Verdict = Verdict.VERIFIED) -> None:
    job = world.oracle.latest
    assert job.state is State.SUCCEEDED, world.told(job.error)
    assert world.glean.index == world.source.live, world.told("the index is wrong")
    assert not world.glean.refusals, world.told(f"refused: {world.glean.refusals}")
    found = verification(world, job.id)
    assert found.verdict is verdict, world.told(f"{found}")
    assert found.sent_count == len(world.source.live)
    assert world.storage.alarm_at_ms is None


@pytest.mark.parametrize("connector", CONNECTORS)
def test_glean_is_asked_after_the_success_until_it_holds_all(connector: AnyConnector) -> None:
    world = played(connector, {})

    check(world)
    asked = [world.driver.awaits[index].kind for index in questions(connector)]
    assert asked == ([Kind.PROCESS, Kind.ASK] if connector.process_immediately else [Kind.ASK] * 3)


@pytest.mark.parametrize("connector", CONNECTORS)
def test_any_one_fault_is_survived(connector: AnyConnector) -> None:
    """The question is repeated, and the call that Glean takes seldom is not made too often."""
    asked_count = played(connector, {}).driver.delivered.count(Kind.ASK)
    for point in from_close(connector):
        fates = AT_SAVE if point.kind is Kind.SAVE else (*FAULTS, Fate.LATE)
        if point.kind in {Kind.ASK, Kind.PROCESS}:
            fates = (*fates, Fate.FORBIDDEN)
        for fate in fates:
            for flavour in range(FLAVOURS if fate in (*FLAVOURED, Fate.FORBIDDEN) else 1):
                world = played(connector, {point.index: Choice(fate, flavour)})
                check(world)
                # Where the processing did not come about, Glean is two questions later.
                more = 2 if connector.process_immediately else 1
                assert world.driver.delivered.count(Kind.ASK) <= asked_count + more


@pytest.mark.parametrize("connector", CONNECTORS)
def test_any_two_faults_are_survived(connector: AnyConnector) -> None:
    flavours = count()
    for place, first in enumerate(faults(from_close(connector), 0, flavours)):
        (index,) = first
        awaits = played(connector, first).driver.awaits
        for second in met(place, faults(awaits, index + 1, flavours)):
            check(played(connector, first | second))


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("connector", CONNECTORS)
def test_a_job_that_is_begun_during_a_question_is_not_disturbed(
    connector: AnyConnector, mode: Mode
) -> None:
    for index in questions(connector):
        world = synced(connector)
        first = world.oracle.latest.id
        world.begin_during(index, mode)
        world.run()

        assert world.oracle.latest.mode is mode
        assert world.oracle.latest.state is State.SUCCEEDED
        is_full = mode is Mode.FULL
        expected = {Verdict.SUPERSEDED, Verdict.VERIFIED} if is_full else {Verdict.VERIFIED}
        assert verification(world, first).verdict in expected, world.told("no verdict")
        if is_full:
            assert verification(world, world.oracle.latest.id).verdict is Verdict.VERIFIED
        assert not world.glean.refusals, world.told(f"refused: {world.glean.refusals}")


@pytest.mark.parametrize("mode", list(Mode))
def test_a_job_that_waits_for_an_hour_is_asked_about_nothing_meanwhile(mode: Mode) -> None:
    world = synced(VERIFYING)
    while world.oracle.head is not None:
        world.wake()
    world.driver.plan = where(Choice(Fate.REFUSED), Kind.FETCH)
    world.begin(mode)
    first = len(world.driver.awaits)
    while world.oracle.head is not None:
        world.wake()

    kinds = {point.kind for point in world.driver.awaits[first:]}
    assert kinds <= {Kind.SAVE, Kind.FETCH, Kind.OPEN, Kind.ASK}
    assert world.oracle.latest.state is State.FAILED


def test_changes_that_incremental_jobs_bring_meanwhile_leave_it_verified() -> None:
    world = synced(VERIFYING)
    first = world.oracle.latest.id
    while world.oracle.head is not None:
        world.wake()
    world.clock.now_ms += 1
    world.edit("a", "new")
    world.delete("b", "c")
    world.begin(Mode.INCREMENTAL)
    world.run()

    found = verification(world, first)
    assert found.verdict is Verdict.VERIFIED
    assert (found.sent_count, found.found_count) == (5, 4)
    assert (found.least_count, found.most_count) == (4, 5)


def lost() -> tuple[World, str]:
    """Glean loses one of the documents that a job has brought."""
    world = synced(VERIFYING)
    job_id = world.oracle.latest.id
    while world.oracle.head is not None:
        world.wake()
    world.oracle.excused.add("a")
    world.glean.found.delete("a", "Note")
    return world, job_id


def test_what_glean_loses_is_found_out_and_all_is_replaced() -> None:
    world, job_id = lost()
    world.run()

    found = verification(world, job_id)
    assert (found.verdict, found.sent_count, found.found_count) == (Verdict.MISMATCH, 5, 4)
    assert world.oracle.latest.begun_by == "verification"
    check(world)


def test_what_glean_loses_again_and_again_is_only_shown_the_second_time() -> None:
    world, _ = lost()
    while world.oracle.latest.begun_by != "verification" or world.oracle.head is not None:
        world.wake()
    world.glean.found.delete("a", "Note")
    world.run()

    assert verification(world, world.oracle.latest.id).verdict is Verdict.MISMATCH
    assert len(world.oracle.jobs) == 2


def test_what_somebody_takes_after_each_replacement_is_replaced_once() -> None:
    """The count is right for a while each time, so that it tells nothing."""
    world, _ = lost()
    world.run()
    assert len(world.oracle.jobs) == 2
    for _ in range(3):
        world.clock.now_ms += 1
        world.begin(Mode.FULL)
        while world.oracle.head is not None:
            world.wake()
        world.glean.found.delete("a", "Note")
        world.run()
        assert verification(world, world.oracle.latest.id).verdict is Verdict.MISMATCH

    assert len(world.oracle.jobs) == 5, world.told("replaced again")


def test_a_replacement_that_has_failed_is_begun_again_after_the_next_full_job() -> None:
    world, _ = lost()
    world.driver.plan = where(Choice(Fate.FORBIDDEN), Kind.OPEN)
    world.run()
    assert [job.state for job in world.oracle.jobs.values()] == [State.SUCCEEDED, State.FAILED]

    world.driver.plan = at({})
    world.begin(Mode.FULL)
    world.run()

    assert world.oracle.latest.begun_by == "verification"
    assert len(world.oracle.jobs) == 4
    check(world)


def test_whatever_fails_meanwhile_one_job_and_no_more_replaces_all() -> None:
    calm, _ = lost()
    first = len(calm.driver.awaits)
    calm.run()
    for point in met(0, calm.driver.awaits[first:]):
        for fate in AT_SAVE if point.kind is Kind.SAVE else (Fate.LOST, Fate.DIED_SENT):
            world, job_id = lost()
            world.driver.plan = at({point.index: Choice(fate)})
            world.run()

            assert verification(world, job_id).verdict is Verdict.MISMATCH
            assert len(world.oracle.jobs) == 2, world.told("another number of jobs")
            check(world)


@pytest.mark.parametrize("connector", CONNECTORS)
def test_an_alarm_that_is_lost_at_any_time_is_set_again_by_the_next_tick(
    connector: AnyConnector,
) -> None:
    world = synced(connector)
    while world.oracle.head is not None:
        world.wake()
    while world.storage.alarm_at_ms is not None:
        world.storage.fire()
        world.evict()
        assert world.tend()
        world.wake()

    check(world)


def test_one_job_a_quarter_of_an_hour_asks_to_process_once_in_three_hours() -> None:
    world = synced(PROCESSING)
    for _ in range(24):
        until_ms = world.clock.now_ms + 15 * 60_000
        while (alarm_at_ms := world.storage.alarm_at_ms) and alarm_at_ms <= until_ms:
            world.wake()
        world.clock.now_ms = max(world.clock.now_ms, until_ms)
        world.begin(Mode.FULL)
    world.run()

    check(world)
    times = world.glean.processed_at_ms
    assert len(times) in {2, 3}
    assert all(after - before >= PROCESSING_MS for before, after in pairwise(times))


def test_without_a_processing_of_its_own_glean_is_waited_for() -> None:
    world = played(VERIFYING, {})

    assert world.clock.now_ms - (world.oracle.latest.finished_at_ms or 0) >= INDEXING_MS
