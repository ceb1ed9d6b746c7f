"""What is noticed of a connector over several jobs, none of which fails of it."""

import pytest

from durable.machine.job import Mode
from durable.machine.observations import ForeignUploads, Steadiness
from durable.machine.states import State
from durable.store.store import Store
from tests.simulation.clock import HOUR_MS
from tests.simulation.world import PAGES, World


NAMES = [name for page in PAGES for name in page]
FULL_JOBS = 4


def synced(world: World, mode: Mode = Mode.FULL) -> Steadiness:
    """After another job, which succeeds."""
    world.clock.now_ms += HOUR_MS
    world.begin(mode)
    world.run()
    assert world.oracle.latest.state is State.SUCCEEDED, world.oracle.latest.error
    return Store(world.storage).observations.steadiness()


@pytest.mark.parametrize(
    ("restless", "told"),
    [
        (NAMES, [False, False, True, True]),
        (NAMES[:3], [False, False, True, True]),
        (NAMES[:2], [False] * FULL_JOBS),
        ([], [False] * FULL_JOBS),
    ],
    ids=["all", "more than half", "less", "none"],
)
def test_a_mapping_that_reads_differently_each_time_is_told_after_two_crawls(
    restless: list[str], told: list[bool]
) -> None:
    world = World()
    world.source.restless = world.oracle.excused = set(restless)

    assert [synced(world).is_unstable for _ in range(FULL_JOBS)] == told


def test_what_people_have_edited_once_is_no_unstable_mapping() -> None:
    world = World()
    synced(world)
    world.edit(*NAMES)
    assert not synced(world).is_unstable
    assert not synced(world).is_unstable


def test_what_incremental_jobs_have_brought_is_no_change_to_the_next_full_one() -> None:
    world = World()
    synced(world)
    for _ in range(3):
        world.edit(*NAMES)
        synced(world, Mode.INCREMENTAL)
        assert synced(world).rewritten_count == 0


def test_another_clients_uploads_are_counted() -> None:
    world = World()
    synced(world)
    for number in (1, 2):
        world.oracle.excused = {*NAMES, "foreign"}
        world.glean.upload_elsewhere({"a": "another's", "foreign": "another's"})
        world.clock.now_ms += HOUR_MS
        synced(world)
        world.oracle.excused = set()
        synced(world)

        uploads = Store(world.storage).observations.foreign_uploads()
        assert uploads.count == number
    assert uploads != ForeignUploads()
