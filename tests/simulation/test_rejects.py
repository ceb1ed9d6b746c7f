"""Records that nobody can use are rejected, alone and once, and no more than that is lost."""

import pytest
from msgspec.structs import replace

from dev.local_glean.readings import Readings
from durable.machine.job import Job, Mode
from durable.machine.notes import ErrorCode
from durable.machine.states import State
from durable.store.store import Store
from tests.simulation.connector import LIMITS
from tests.simulation.effort import tried
from tests.simulation.fates import Choice, Fate, Kind, at, faults_at
from tests.simulation.world import World


PAGES = [("a", "b", "c", "d", "e"), (), ("f", "g", "h")]
BAD = {"b", "e", "f"}
SPACIOUS = replace(LIMITS, batch_documents_max=10)


def spoilt(mode: Mode) -> World:
    """Two notes that Glean refuses and one that does not decode, on two pages of three."""
    world = World(PAGES, limits=SPACIOUS)
    world.glean.unfit = {"b", "f"}
    world.source.broken = {"e"}
    world.begin(mode)
    return world


def rejected(world: World, job: Job) -> list[tuple[int, int]]:
    """Pages and places of what was rejected."""
    found = Store(world.storage).rejects(job.id, (0, 0), 100)
    return [(page, reject.place) for page, reject in found]


def check(world: World) -> None:
    job = world.oracle.latest
    assert job.state is State.SUCCEEDED, world.told(job.error)
    good = {name: text for name, text in world.source.live.items() if name not in BAD}
    assert world.glean.index == good, world.told("the index is wrong")
    assert rejected(world, job) == [(1, 2), (1, 5), (3, 1)], world.told("not those")
    assert (job.crawl.document_count, job.crawl.reject_count, job.crawl.record_count) == (5, 3, 8)


@pytest.mark.parametrize("mode", list(Mode))
def test_bad_records_are_rejected_and_the_others_arrive(mode: Mode) -> None:
    world = spoilt(mode)
    world.run()

    check(world)


@pytest.mark.parametrize("mode", list(Mode))
def test_any_one_fault_neither_loses_a_reject_nor_counts_it_twice(mode: Mode) -> None:
    calm = spoilt(mode)
    first = len(calm.driver.awaits)
    calm.run()
    for point in tried(calm.driver.awaits[first:]):
        for fate in faults_at(point.kind):
            world = spoilt(mode)
            world.driver.plan = at({point.index: Choice(fate)})
            world.run()
            check(world)


def test_what_was_rejected_comes_when_it_is_mended() -> None:
    world = spoilt(Mode.FULL)
    world.run()
    world.glean.unfit, world.source.broken, world.oracle.excused = set(), set(), BAD
    world.begin(Mode.FULL)
    world.run()

    assert world.glean.index == world.source.live
    assert world.oracle.latest.crawl.reject_count == 0


@pytest.mark.parametrize("mode", list(Mode))
def test_too_many_rejects_stop_the_job_before_anything_is_closed(mode: Mode) -> None:
    world = World(PAGES, limits=replace(SPACIOUS, rejects_max=2))
    world.glean.index = {"old": "an old text"}
    world.glean.unfit = BAD
    world.begin(mode)
    world.run()

    job = world.oracle.latest
    assert job.state is State.FAILED
    assert job.error_code == ErrorCode.REJECTS
    assert world.glean.closed == []
    assert rejected(world, job)[:2] == [(1, 2), (1, 5)]
    assert mode is Mode.INCREMENTAL or world.glean.index == {"old": "an old text"}
    assert world.oracle.watermark_ms is None


@pytest.mark.parametrize("mode", list(Mode))
def test_too_large_a_share_of_rejects_stops_the_job_at_the_end(mode: Mode) -> None:
    limits = replace(SPACIOUS, rejects_share_max=0.3, rejects_share_count=2)
    world = World(PAGES, limits=limits)
    world.glean.unfit = BAD
    world.begin(mode)
    world.run()
    job = world.oracle.latest
    assert job.state is State.FAILED
    assert job.error_code == ErrorCode.REJECTS
    assert world.glean.closed == []


@pytest.mark.parametrize("bytes_max", [400, 700, 1_000])
def test_a_request_that_is_too_large_is_halved_and_later_ones_are_smaller(bytes_max: int) -> None:
    names = [tuple(f"note {page}{place}" for place in range(6)) for page in range(4)]
    world = World(names, limits=replace(SPACIOUS, turn_pages_max=1))
    world.glean.request_bytes_max = bytes_max
    world.begin(Mode.FULL)
    world.run()

    job = world.oracle.latest
    assert job.state is State.SUCCEEDED
    assert world.glean.index == world.source.live
    assert job.batch_bytes_max is not None
    assert job.batch_bytes_max <= 2 * bytes_max
    refusals = len(world.glean.refusals)
    world.glean.refusals.clear()
    assert refusals <= 6, "each size was found out once, not once a page"


def test_what_an_expired_upload_seems_to_take_is_rejected_by_the_next_one() -> None:
    """A Glean that answers 200 to it has not looked at what the page has."""
    limits = replace(SPACIOUS, turn_pages_max=1)
    world = World([("a",), ("b",)], limits=limits, readings=Readings(refuses_expired=False))
    world.spoil("b")
    world.begin(Mode.FULL)
    world.wake()
    world.glean.expire()
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert rejected(world, world.oracle.latest) == [(2, 1)]
    assert set(world.glean.index) == {"a"}


def test_a_document_that_is_too_large_alone_is_rejected() -> None:
    long = "a much longer name than that of all the others" * 3
    world = World([("a", long, "b")])
    world.glean.request_bytes_max, world.glean.unfit = 500, {long}
    world.begin(Mode.FULL)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert set(world.glean.index) == {"a", "b"}
    assert set(world.glean.refusals) == {"too large"}
    assert rejected(world, world.oracle.latest) == [(1, 2)]


def test_a_died_page_of_rejects_is_not_stored_before_it_is_in_glean() -> None:
    world = spoilt(Mode.FULL)
    world.driver.plan = lambda point: (
        Choice(Fate.DIED_UNSENT) if point.kind is Kind.SEND else Choice()
    )
    world.wake()

    assert rejected(world, world.oracle.latest) == []
