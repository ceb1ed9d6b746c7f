"""People who cancel, retry and ask again, at any moment."""

from collections.abc import Iterator

import pytest

from durable.machine.commands import Instruction, Refusal
from durable.machine.job import Mode
from durable.machine.states import Command, State
from tests.simulation.effort import tried
from tests.simulation.fates import Choice, Fate, Kind, at, calm, faults_at, where
from tests.simulation.source import Order
from tests.simulation.test_every_crash import Scenario, full, incremental, later
from tests.simulation.world import ITS_LIST, World


CANCEL, RETRY = Instruction(Command.CANCEL), Instruction(Command.RETRY)
SCENARIOS = [pytest.param(full, id="FULL"), pytest.param(incremental, id="INCREMENTAL")]
LATE_PAGES = {full: "page 2", incremental: "change 4"}
WRITES = {Kind.OPEN, Kind.SEND, Kind.DELETE, Kind.CLOSE}


def requests(scenario: Scenario) -> list[int]:
    """The awaits of a calm job that are requests."""
    world = scenario()
    first = len(world.driver.awaits)
    world.run()
    return [point.index for point in world.driver.awaits[first:] if point.kind is not Kind.SAVE]


def cancelled_at(scenario: Scenario) -> Iterator[tuple[World, str, int]]:
    """A job cancelled while each of its requests is under way; the turn has not ended."""
    for index in requests(scenario):
        world = scenario()
        job_id = world.oracle.latest.id
        world.driver.meanwhile[index] = world.cancel_within
        yield world, job_id, index


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_cancelled_job_pushes_nothing_more(scenario: Scenario) -> None:
    for world, job_id, index in cancelled_at(scenario):
        world.run()

        assert world.oracle.jobs[job_id].state is State.CANCELLED
        assert not WRITES & set(later(world, index)), world.told("went on")
        assert world.storage.alarm_at_ms is None


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_cancelled_full_job_leaves_the_index_as_it_was_or_is_closed_already(
    scenario: Scenario,
) -> None:
    for world, job_id, index in cancelled_at(scenario):
        before = dict(world.glean.index)
        world.run()
        kinds = [point.kind for point in world.driver.awaits[: world.driver.heard[index]]]
        if world.oracle.jobs[job_id].mode is Mode.FULL and Kind.CLOSE not in kinds:
            assert world.glean.index == before


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_job_that_is_cancelled_and_retried_at_any_moment_succeeds(
    scenario: Scenario,
) -> None:
    """Also while the answer to its former turn is still to come: that answer is not its own."""
    for index in requests(scenario):
        for is_at_once in (True, False):
            world = scenario()
            job_id = world.oracle.latest.id

            def both(world: World = world, job_id: str = job_id) -> None:
                world.order_within(job_id, CANCEL)
                world.order_within(job_id, RETRY)

            world.driver.meanwhile[index] = both if is_at_once else world.cancel_within
            world.run()
            if not is_at_once:
                world.order(job_id, RETRY)
                world.run()

            assert world.oracle.jobs[job_id].state is State.SUCCEEDED, world.told("not done")
            assert world.glean.index == world.source.live, world.told("the index is wrong")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_retried_job_goes_on_from_its_cursor(scenario: Scenario) -> None:
    for index in requests(scenario):
        world = scenario()
        job_id = world.oracle.latest.id
        world.driver.meanwhile[index] = world.cancel_within
        world.run()
        pages = world.oracle.jobs[job_id].crawl.page_count
        first = len(world.driver.awaits)
        world.order(job_id, RETRY)
        world.run()

        fetches = [point for point in world.driver.awaits[first:] if point.kind is Kind.FETCH]
        total = world.oracle.jobs[job_id].crawl.page_count
        assert len(fetches) == total - pages, world.told("read pages again")
        assert world.oracle.jobs[job_id].upload_count <= 1 or pages == 0


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_any_one_fault_during_a_retry_is_survived(scenario: Scenario) -> None:
    def failed() -> World:
        world = scenario()
        world.driver.plan = where(
            Choice(Fate.FORBIDDEN, 1), Kind.FETCH, target=LATE_PAGES[scenario]
        )
        world.run()
        assert world.oracle.latest.state is State.FAILED
        world.driver.plan = calm
        return world

    quiet = failed()
    first = len(quiet.driver.awaits)
    quiet.order(quiet.oracle.latest.id, RETRY)
    quiet.run()
    for point in tried(quiet.driver.awaits[first + 1 :]):
        for fate in faults_at(point.kind):
            world = failed()
            world.driver.plan = at({point.index: Choice(fate)})
            world.order(world.oracle.latest.id, RETRY)
            world.run()

            assert world.oracle.latest.state is State.SUCCEEDED, world.told("not done")
            assert world.glean.index == world.source.live


def test_a_retried_full_job_whose_upload_was_replaced_begins_anew() -> None:
    world = full()
    first = world.oracle.latest.id
    world.driver.meanwhile[6] = world.cancel_within
    world.run()
    world.begin(Mode.FULL)
    world.run()
    world.source.edit("a", world.clock.now_ms)
    world.order(first, RETRY)
    world.run()

    assert world.oracle.jobs[first].state is State.SUCCEEDED
    assert world.oracle.jobs[first].crawl_count == 2
    assert world.glean.index == world.source.live


def test_a_retried_full_job_whose_upload_is_gone_begins_anew() -> None:
    world = full()
    world.driver.meanwhile[6] = world.cancel_within
    world.run()
    world.glean.open_elsewhere()
    world.glean.expire()
    world.order(world.oracle.latest.id, RETRY)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.oracle.latest.crawl_count == 2
    assert world.oracle.latest.restart_count == 0
    assert world.glean.index == world.source.live


def test_a_retried_incremental_job_does_not_take_the_watermark_back() -> None:
    world = World([("a",), ("b",), ("c",)])
    world.begin(Mode.INCREMENTAL)
    first = world.oracle.latest.id
    world.driver.meanwhile[4] = world.cancel_within
    world.run()
    world.clock.now_ms += 3_600_000
    world.begin(Mode.INCREMENTAL)
    world.run()
    watermark_ms = world.oracle.watermark_ms
    world.order(first, RETRY)
    world.run()

    assert world.oracle.jobs[first].state is State.SUCCEEDED
    assert world.oracle.watermark_ms == watermark_ms
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("command", [RETRY, Instruction(Command.APPROVE, ITS_LIST)])
def test_a_second_job_of_one_mode_is_refused(command: Instruction) -> None:
    world = full()
    first = world.oracle.latest.id
    world.driver.meanwhile[6] = world.cancel_within
    world.run()
    world.begin(Mode.FULL)

    refusal = world.order(first, command)

    assert isinstance(refusal, Refusal)
    world.run()


@pytest.mark.parametrize("mode", list(Mode))
def test_a_hundred_triggers_give_one_job(mode: Mode) -> None:
    world = World(order=Order.FEED)
    for number in range(100):
        world.begin(mode, None if number % 3 else f"key {number}")
    world.run()

    assert len(world.oracle.jobs) == 1
    assert world.oracle.latest.state is State.SUCCEEDED
