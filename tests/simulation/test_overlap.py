"""Changes that show late, or in the very second of a job's start: the next job reads them."""

import httpx
import msgspec
import pytest

from durable.connector.definition import AnyConnector
from durable.machine.job import Mode
from durable.machine.states import State
from durable.sources.since import OVERLAP_MS
from tests.simulation.connector import NOTES, TIMED
from tests.simulation.world import StandIn, World


HOUR_MS = 3_600_000
LATE_MS = (0, 1, 900, 30_000, OVERLAP_MS - 1_000)


def synced(world: World) -> int:
    """A FULL job has brought all; when it began."""
    world.begin(Mode.FULL)
    world.run()
    return run_later(world, 0)


def run_later(world: World, wait_ms: int) -> int:
    """An INCREMENTAL job after a while; when it began."""
    world.clock.now_ms += wait_ms
    world.begin(Mode.INCREMENTAL)
    world.run()
    job = world.oracle.latest
    assert job.state is State.SUCCEEDED, world.told(job.error)
    assert job.started_at_ms is not None
    return job.started_at_ms


@pytest.mark.parametrize("connector", [NOTES, TIMED], ids=["no clock", "its own clock"])
@pytest.mark.parametrize("late_ms", LATE_MS)
def test_a_change_that_a_list_shows_late_is_read_by_the_next_job(
    connector: AnyConnector, late_ms: int
) -> None:
    """It is stamped with a time at which the job before had not begun."""
    world = World(stand_in=StandIn(connector, None))
    begun_at_ms = synced(world)
    world.oracle.excused.add("a")  # which takes it for one that the job before has read
    world.source.edit("a", begun_at_ms - late_ms)

    run_later(world, HOUR_MS)

    assert world.glean.index == world.source.live, world.told("a change is lost")


def test_a_filter_that_leaves_out_the_very_second_loses_nothing() -> None:
    """Times are told in whole seconds, and `changed_since` is answered with what is later."""

    def answer(request: httpx.Request) -> httpx.Response:
        whole = msgspec.json.decode(world.source.answer(request).content)
        since = request.url.params.get("changed_since", "")
        for note in whole["notes"]:
            note["updated_at"] = note["updated_at"][: len("2026-01-01T00:00:00")] + "Z"
        whole["notes"] = [
            note for note in whole["notes"] if note["updated_at"] > since.replace(".000Z", "Z")
        ]
        return httpx.Response(200, content=msgspec.json.encode(whole))

    world = World(stand_in=StandIn(TIMED, answer))
    begun_at_ms = synced(world)
    world.oracle.excused |= {"a", "b"}
    world.source.edit("a", begun_at_ms)
    world.source.edit("b", begun_at_ms + 999)

    run_later(world, HOUR_MS)

    assert world.glean.index == world.source.live, world.told("a change is lost")
