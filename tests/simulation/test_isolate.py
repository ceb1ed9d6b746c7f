"""Several connectors in one isolate share its memory, whoever dies, is evicted or is cancelled."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Mode
from durable.machine.memory import SILENT_MS_MAX
from durable.machine.notes import WaitReason
from durable.machine.states import ENDED, State
from tests.simulation.connector import LIMITS
from tests.simulation.isolate import Isolate


FAIR_TURNS = 4
DEATHS_MAX = 15
PAGE_BYTES = 180  # a little more than any page here has
# A page that is not known is thought of as 32 times as large as one that is.
CROWDED = replace(
    LIMITS,
    turn_pages_max=4,
    page_bytes_max=32 * PAGE_BYTES,
    held_bytes_max=4 * PAGE_BYTES,
    isolate_bytes_max=3 * PAGE_BYTES,
)


def isolate(count: int, page_count: int = 12, limits: Limits = CROWDED, seed: int = 0) -> Isolate:
    """So many connectors, each with so many pages of the same size."""
    notes = [[(f"{page:03}a", f"{page:03}b") for page in range(page_count)]] * count
    return Isolate(notes, limits, seed)


def all_succeeded(world: Isolate) -> bool:
    return all(
        tenant.job.state is State.SUCCEEDED and tenant.glean.index == tenant.source.live
        for tenant in world.tenants
    )


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_all_end_and_no_more_is_held_than_may_be(count: int, mode: Mode) -> None:
    world = isolate(count)
    world.begin(mode)
    world.run()

    assert all_succeeded(world)
    assert not world.is_crowded
    assert world.memory.held_bytes(world.clock.now_ms) == 0
    waited = [WaitReason.MEMORY in tenant.waits for tenant in world.tenants]
    assert any(waited) == (count > 1)


def test_what_is_known_of_the_pages_lets_more_work_side_by_side() -> None:
    world = isolate(6, limits=replace(CROWDED, isolate_bytes_max=40 * PAGE_BYTES))
    world.begin(Mode.FULL)
    world.run()
    first_waits = sum(len(tenant.waits) for tenant in world.tenants)
    world.begin(Mode.FULL)
    world.run()

    assert all_succeeded(world)
    assert first_waits > 0
    assert sum(len(tenant.waits) for tenant in world.tenants) == first_waits


@pytest.mark.parametrize("seed", range(8))
def test_whoever_dies_is_evicted_or_cancelled_the_others_end(seed: int) -> None:
    world = isolate(6, seed=seed)
    world.begin(Mode.FULL)
    chance = world.chance
    cancelled: set[str] = set()
    for _ in range(12):
        world.run(world.clock.now_ms + chance.randint(1, 20_000))
        one = chance.choice(world.tenants)
        match chance.randrange(3):
            case 0:
                world.die()
            case 1:
                world.evict(one)
            case _ if one.job.state not in ENDED and len(cancelled) < 2:
                world.cancel(one)
                cancelled.add(one.name)
    world.run()

    assert not world.is_crowded
    for tenant in world.tenants:
        if tenant.name in cancelled:
            assert tenant.job.state in ENDED
        else:
            assert tenant.job.state is State.SUCCEEDED, tenant.job.error
            assert tenant.glean.index == tenant.source.live
    assert world.memory.held_bytes(world.clock.now_ms + SILENT_MS_MAX) == 0


@pytest.mark.parametrize("seed", range(4))
def test_who_waits_comes_next_and_nobody_works_on_before(seed: int) -> None:
    """There is room for one page, and whose turn ends, is back before all others."""
    limits = replace(CROWDED, isolate_bytes_max=PAGE_BYTES)
    world = isolate(4, page_count=40, limits=limits, seed=seed)
    world.begin(Mode.FULL)
    world.run()

    assert all_succeeded(world)
    for tenant in world.tenants:
        places = [place for place, name in enumerate(world.readers) if name == tenant.name]
        between = [world.readers[before:after] for before, after in pairwise(places)]
        for others in between:
            assert all(others.count(other.name) <= FAIR_TURNS for other in world.tenants)


def test_what_an_isolate_does_not_bear_becomes_less_and_all_end() -> None:
    """A page takes more memory than was thought: what is allowed, kills."""
    limits = replace(CROWDED, isolate_bytes_max=12 * PAGE_BYTES, sends_max=4)
    world = isolate(6, page_count=16, limits=limits)
    for bearable_bytes in (None, 3 * PAGE_BYTES):  # at first, nothing is known of the pages
        world.bearable_bytes = bearable_bytes
        world.begin(Mode.FULL)
        world.run()

    assert all_succeeded(world)
    assert 0 < world.death_count <= DEATHS_MAX
