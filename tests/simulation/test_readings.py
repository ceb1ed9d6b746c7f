"""Glean in every reading of what it does not document: whatever it is, nothing is lost by it."""

from collections.abc import Callable
from functools import cache

import pytest
from msgspec.structs import replace

from dev.local_glean.readings import Readings
from durable.machine.job import Mode
from durable.machine.notes import ErrorCode
from durable.machine.remedies import RemedyCode
from durable.machine.states import State
from tests.simulation.connector import LIMITS
from tests.simulation.driver import AWAITS_MAX
from tests.simulation.effort import READINGS, tried
from tests.simulation.fates import LANDS_LATE, Await, Choice, Fate, Kind, at, possible
from tests.simulation.world import World


PAGES = (("a", "b", "c"), (), ("d",))
OLD_INDEX = {"a": "an old text", "gone": "deleted long ago"}
IMPATIENT = replace(LIMITS, settle_ms_max=10_000)
SHARES = 8  # each combination takes such a share of the faults, its neighbours the others

Event = Callable[[World], None]


def full(readings: Readings) -> World:
    world = World(PAGES, limits=IMPATIENT, readings=readings)
    world.glean.index = dict(OLD_INDEX)
    world.begin(Mode.FULL)
    return world


def check(world: World) -> None:
    job = world.oracle.latest
    assert job.state is State.SUCCEEDED, world.told(job.error)
    assert world.glean.index == world.source.live, world.told("the index is wrong")


@cache
def awaits(readings: Readings) -> list[Await]:
    """Of a job without a fault."""
    world = full(readings)
    world.run()
    check(world)
    return world.driver.awaits


def share(choices: list[dict[int, Choice]], readings: Readings) -> list[dict[int, Choice]]:
    return choices[READINGS.index(readings) % SHARES :: SHARES]


def name(readings: Readings) -> str:
    different = [
        field
        for field in readings.__struct_fields__
        if getattr(readings, field) != getattr(Readings(), field)
    ]
    return " ".join(different) or "defaults"


@pytest.mark.parametrize("readings", READINGS, ids=name)
def test_an_empty_source_is_synced_like_any_other(readings: Readings) -> None:
    world = World([()], limits=IMPATIENT, readings=readings)
    world.glean.index = dict(OLD_INDEX)
    world.begin(Mode.FULL)
    world.run()
    check(world)


@pytest.mark.parametrize("readings", READINGS, ids=name)
def test_any_one_fault_is_survived(readings: Readings) -> None:
    faults = [
        {point.index: Choice(fate)}
        for point in awaits(readings)[1:]
        for fate in possible(point.kind)
    ]
    for choices in tried(share(faults, readings)):
        world = full(readings)
        world.driver.plan = at(choices)
        world.run()
        check(world)


@pytest.mark.parametrize("readings", READINGS, ids=name)
@pytest.mark.parametrize(
    "event",
    [
        pytest.param(lambda world: world.glean.expire(), id="expires"),
        pytest.param(lambda world: world.glean.open_elsewhere(), id="displaced"),
    ],
)
def test_an_upload_that_is_gone_at_any_moment_is_begun_anew(
    event: Event, readings: Readings
) -> None:
    for point in tried(awaits(readings)):
        if point.kind is Kind.SAVE:
            continue
        world = full(readings)
        world.oracle.may_be_refused = True
        world.driver.meanwhile[point.index] = lambda world=world: event(world)  # type: ignore[misc]
        world.run()
        check(world)


@pytest.mark.parametrize("readings", READINGS, ids=name)
def test_a_late_request_at_any_moment_is_survived(readings: Readings) -> None:
    lates = [
        {point.index: Choice(fate, delay=delay)}
        for point in awaits(readings)
        for fate in sorted(LANDS_LATE)
        for delay in (1, 2, 4)
        if point.kind in {Kind.OPEN, Kind.SEND, Kind.CLOSE}
    ]
    for choices in tried(share(lates, readings)):
        world = full(readings)
        world.driver.plan = at(choices)
        world.run()
        check(world)


def test_an_upload_that_is_gone_is_noticed_by_the_first_page_that_is_refused() -> None:
    """Not by cutting batch after batch, as if the documents were at fault."""
    world = World([tuple("abcdefgh")], limits=replace(IMPATIENT, batch_documents_max=8))
    world.oracle.may_be_refused = True
    world.begin(Mode.FULL)
    first = world.oracle.latest.id
    world.driver.meanwhile[3] = world.glean.open_elsewhere  # the page is being fetched
    world.run()

    check(world)
    sent = [point for point in world.driver.awaits if point.target == f"{first}-1"]
    assert [point.kind for point in sent] == [Kind.OPEN, Kind.SEND]


def test_a_close_that_had_no_effect_is_no_success() -> None:
    """Another upload came in between and is gone itself; Glean goes on listing ours as open."""
    world = full(Readings(refuses_discarded=False, lists_discarded=True))
    world.oracle.may_be_refused = True
    closing = next(at.index for at in awaits(Readings()) if at.kind is Kind.CLOSE)

    def intrude() -> None:
        world.glean.open_elsewhere()
        world.glean.expire()

    world.driver.meanwhile[closing - 1] = intrude
    world.run()

    job = world.oracle.latest
    assert job.state is State.FAILED, world.told("took it for done")
    assert job.remedy == RemedyCode.CHECK_UPLOADS
    assert world.glean.index == OLD_INDEX


def test_a_batch_of_which_glean_has_a_part_brings_the_rest() -> None:
    """A page that is cut in another way after a lost answer: b, sent already, now comes with c."""
    picky = Readings(refuses_repeated_middle=True)
    one_by_one = replace(IMPATIENT, sends_max=1)
    world = World([tuple("abcd")], limits=one_by_one, readings=picky)
    world.begin(Mode.FULL)
    world.driver.plan = at({4: Choice(Fate.LOST)})
    world.driver.meanwhile[4] = lambda: world.source.delete("a", world.clock.now_ms)
    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index.keys() >= {"b", "c", "d"}


@pytest.mark.parametrize("readings", READINGS[:: len(READINGS) // 16], ids=name)
def test_an_upload_that_is_always_displaced_ends_the_job_and_nothing_is_deleted(
    readings: Readings,
) -> None:
    world = full(readings)
    world.oracle.may_be_refused = True

    world.driver.meanwhile |= dict.fromkeys(range(AWAITS_MAX), world.glean.open_elsewhere)
    world.run()

    job = world.oracle.latest
    assert job.state is State.FAILED, world.told("not given up")
    assert job.error_code == ErrorCode.UPLOAD_LOST
    assert world.glean.index.keys() >= OLD_INDEX.keys()
    assert readings.shows_unclosed or world.glean.index == OLD_INDEX
