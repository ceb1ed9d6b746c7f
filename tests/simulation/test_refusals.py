"""What Glean refuses to all, or for now, is no record's fault, and loses nothing."""

import pytest
from msgspec.structs import replace

from dev.local_glean.readings import Readings
from durable.limits import Limits
from durable.machine.job import Mode
from durable.machine.states import State
from tests.simulation.clock import HOUR_MS
from tests.simulation.connector import LIMITS
from tests.simulation.driver import AWAITS_MAX
from tests.simulation.effort import tried
from tests.simulation.fates import Choice, Kind, at, faults_at
from tests.simulation.world import World


PAGES = [("a", "b", "c", "d", "e", "f"), (), ("g", "h")]
SPACIOUS = replace(
    LIMITS, batch_documents_max=6, stall_ms_max=24 * HOUR_MS, settle_ms_max=2 * HOUR_MS
)
OFF = "this datasource takes nothing for now"


def synced() -> World:
    world = World(PAGES, limits=SPACIOUS)
    world.begin(Mode.FULL)
    world.run()
    world.clock.now_ms += 1
    world.edit("a", "b", "c", "d")
    world.delete("e")
    return world


def uploading(limits: Limits = SPACIOUS) -> World:
    """A first FULL job is queued, and something else has filled the index."""
    world = World(PAGES, limits=limits)
    world.glean.index = {"a": "an old text", "gone": "deleted long ago"}
    world.begin(Mode.FULL)
    return world


def off() -> World:
    world = synced()
    world.glean.refusing = OFF
    world.begin(Mode.INCREMENTAL)
    return world


def test_a_refusal_that_is_meant_for_all_ends_the_job_with_gleans_words() -> None:
    calm = off()
    watermark_ms, index = calm.oracle.watermark_ms, dict(calm.glean.index)
    first = len(calm.driver.awaits)
    calm.run()
    for point in tried(calm.driver.awaits[first:]):
        for fate in faults_at(point.kind):
            world = off()
            world.driver.plan = at({point.index: Choice(fate)})
            world.run()

            job = world.oracle.latest
            assert job.state is State.FAILED
            assert OFF in job.error
            assert job.crawl.reject_count == 0
            assert world.oracle.watermark_ms == watermark_ms
            assert world.glean.index == index
            assert len(world.glean.refusals) <= 2 * 5  # what is sent, nothing, three alone


def test_the_job_after_it_brings_what_was_refused() -> None:
    world = off()
    world.run()
    world.glean.refusing = ""
    world.begin(Mode.INCREMENTAL)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


def test_a_conflict_of_single_documents_is_waited_for() -> None:
    world = synced()
    world.glean.busy_until_ms = world.clock.now_ms + HOUR_MS
    world.begin(Mode.INCREMENTAL)
    world.run()

    job = world.oracle.latest
    assert job.state is State.SUCCEEDED
    assert job.crawl.reject_count == 0
    assert world.glean.index == world.source.live


def test_a_conflict_that_lasts_ends_the_job_and_moves_no_watermark() -> None:
    world = synced()
    watermark_ms = world.oracle.watermark_ms
    world.glean.busy_until_ms = world.clock.now_ms + 1_000 * HOUR_MS
    world.begin(Mode.INCREMENTAL)
    begun_at_ms = world.clock.now_ms
    world.run()

    assert world.oracle.latest.state is State.FAILED
    assert world.clock.now_ms - begun_at_ms < 2 * SPACIOUS.stall_ms_max
    assert world.oracle.watermark_ms == watermark_ms


def test_a_conflict_of_all_pages_of_an_upload_is_waited_for() -> None:
    """It is open, and has none of what Glean does not take: closed, it would delete everything."""
    world = uploading()
    world.glean.staging_from_ms = world.clock.now_ms + HOUR_MS
    world.run()

    job = world.oracle.latest
    assert (job.state, job.crawl_count) == (State.SUCCEEDED, 1)
    assert world.glean.index == world.source.live


def test_a_conflict_of_all_pages_that_lasts_ends_the_job_and_closes_no_upload() -> None:
    limits = replace(SPACIOUS, settle_ms_max=HOUR_MS)
    world = uploading(limits)
    index = dict(world.glean.index)
    world.glean.staging_from_ms = world.clock.now_ms + 1_000 * HOUR_MS
    begun_at_ms = world.clock.now_ms
    world.run()

    assert world.oracle.latest.state is State.FAILED
    assert world.clock.now_ms - begun_at_ms < (limits.restarts_max + 2) * limits.settle_ms_max
    assert world.glean.index == index


def test_an_upload_that_takes_no_more_pages_is_begun_anew() -> None:
    """Glean lists it as open: what discarded it has expired since, and is not in the history."""
    readings = Readings(lists_discarded=True)
    calm = World(PAGES, limits=SPACIOUS, readings=readings)
    calm.begin(Mode.FULL)
    calm.run()
    closing = next(at.index for at in calm.driver.awaits if at.kind is Kind.CLOSE)
    for index in range(closing):
        world = World(PAGES, limits=SPACIOUS, readings=readings)

        def discard(world: World = world) -> None:
            world.glean.open_elsewhere()
            world.glean.expire()

        world.oracle.may_be_refused = True
        world.begin(Mode.FULL)
        begun_at_ms = world.clock.now_ms
        world.driver.meanwhile[index] = discard
        world.run()

        job = world.oracle.latest
        assert job.state is State.SUCCEEDED, world.told(f"discarded at {index}")
        assert job.crawl_count <= 2
        assert world.glean.index == world.source.live
        assert world.clock.now_ms - begun_at_ms < 2 * SPACIOUS.settle_ms_max


def test_conflicts_that_passed_are_not_counted() -> None:
    """Each is shorter than Glean's history may be late, and all together are longer."""
    world = World([("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")], limits=SPACIOUS)
    world.begin(Mode.FULL)
    busy_at_pages: list[int] = []

    def be_busy() -> None:
        """After each page that has landed."""
        page_count = world.oracle.latest.crawl.page_count
        if page_count not in busy_at_pages:
            busy_at_pages.append(page_count)
            world.glean.staging_from_ms = world.clock.now_ms + SPACIOUS.settle_ms_max * 2 // 3

    world.driver.meanwhile |= dict.fromkeys(range(AWAITS_MAX), be_busy)
    world.run()

    job = world.oracle.latest
    assert (job.state, job.crawl_count) == (State.SUCCEEDED, 1), world.told("begun anew")
    assert world.glean.index == world.source.live
    assert len(busy_at_pages) > 2


@pytest.mark.parametrize("mode", list(Mode))
def test_one_document_at_fault_is_found_and_the_others_arrive(mode: Mode) -> None:
    world = synced()
    world.glean.unfit = {"b"}
    world.oracle.excused = {"b"}
    world.begin(mode)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert sum(part.reject_count for part in world.oracle.latest.parts) == 1
