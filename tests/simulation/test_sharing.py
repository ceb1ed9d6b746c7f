"""Connectors that share a token of Glean's, and so its rate of single documents, unknowingly."""

import pytest

from durable.limits import Limits
from durable.machine.job import Mode, Way
from durable.machine.slowdown import RECOVERY_MS
from durable.machine.states import State
from tests.simulation.clock import HOUR_MS
from tests.simulation.glean import TokenRate
from tests.simulation.isolate import Isolate


PER_MINUTE = 600  # of the token, as Glean documents it
MINUTE_MS = 60_000
PAGE = 50
LIMITS = Limits(turn_pages_max=20)
REFUSED_MAX = 6  # requests of each connector's, in ten minutes: it halves, and probes
SPARE = 1.5  # times the minutes that the rate alone takes


def sharing(
    count: int, pages: int = 60, per_minute: int = PER_MINUTE, seed: int = 0
) -> tuple[Isolate, TokenRate]:
    """So many connectors of one token, each with so many pages of notes."""
    notes = [[f"{page:02}-{place:02}" for place in range(PAGE)] for page in range(pages)]
    world = Isolate([notes] * count, LIMITS, seed)
    rate = TokenRate(per_minute)
    for tenant in world.tenants:
        tenant.glean.rate = rate
    return world, rate


def minutes(world: Isolate, mode: Mode) -> float:
    """That the jobs take until the last one has succeeded."""
    begun_ms = world.clock.now_ms
    world.begin(mode)
    world.run()
    for tenant in world.tenants:
        assert tenant.job.state is State.SUCCEEDED, tenant.job.error
        assert tenant.glean.index == tenant.source.live
    return (world.clock.now_ms - begun_ms) / MINUTE_MS


@pytest.mark.parametrize("seed", range(3))
def test_two_of_one_token_both_end_and_are_seldom_refused(seed: int) -> None:
    world, rate = sharing(2, seed=seed)

    taken = minutes(world, Mode.INCREMENTAL)

    assert 0 < len(rate.refused_at_ms) <= 2 * REFUSED_MAX
    assert taken <= SPARE * 2 * 60 * PAGE / PER_MINUTE


def test_many_of_one_token_all_end() -> None:
    world, rate = sharing(6, pages=12)

    minutes(world, Mode.INCREMENTAL)

    assert len(rate.refused_at_ms) <= 6 * REFUSED_MAX


def test_two_that_reconcile_both_end_and_are_seldom_refused() -> None:
    world, rate = sharing(2)
    minutes(world, Mode.FULL)
    for tenant in world.tenants:
        for page in range(60):
            for place in range(0, PAGE, 3):
                tenant.source.edit(f"{page:02}-{place:02}", world.clock.now_ms)

    minutes(world, Mode.FULL)

    assert [tenant.job.way for tenant in world.tenants] == [Way.RECONCILE] * 2
    assert 0 < len(rate.refused_at_ms) <= 2 * REFUSED_MAX


def test_a_token_with_less_than_a_request_takes_gets_smaller_ones() -> None:
    world, rate = sharing(1, pages=2, per_minute=20)

    minutes(world, Mode.INCREMENTAL)

    assert world.tenants[0].job.crawl.document_count == 2 * PAGE
    assert len(rate.refused_at_ms) <= 3 * REFUSED_MAX


def test_the_next_job_begins_with_the_rate_that_the_one_before_has_found() -> None:
    world, rate = sharing(2, pages=30)
    minutes(world, Mode.INCREMENTAL)
    (one, _), before = world.tenants, len(rate.refused_at_ms)
    slowed = one.job.pacing.slowdown
    one.source.edit("00-00", world.clock.now_ms)

    minutes(world, Mode.INCREMENTAL)

    assert slowed is not None
    assert one.job.pacing.slowdown == slowed
    assert len(rate.refused_at_ms) == before


def test_the_rate_is_whole_again_later() -> None:
    world, _ = sharing(2, pages=30)
    minutes(world, Mode.INCREMENTAL)
    one = world.tenants[0]
    world.clock.now_ms += RECOVERY_MS
    for page in range(12):  # as many as the token takes in a minute
        for place in range(PAGE):
            one.source.edit(f"{page:02}-{place:02}", world.clock.now_ms)

    assert minutes(world, Mode.INCREMENTAL) < 1


def test_none_is_refused_for_ever() -> None:
    """For an hour, others leave nothing of the token's rate."""
    world, rate = sharing(1, pages=2)
    rate.per_minute = 1
    world.begin(Mode.INCREMENTAL)
    world.run(world.clock.now_ms + HOUR_MS)
    job = world.tenants[0].job
    assert (job.state, job.crawl.document_count) == (State.SENDING, 0)

    rate.per_minute = PER_MINUTE
    world.run()

    assert world.tenants[0].job.state is State.SUCCEEDED
    assert world.tenants[0].glean.index == world.tenants[0].source.live
