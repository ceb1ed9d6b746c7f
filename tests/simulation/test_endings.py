"""When a job gives up, when it does not, and what it leaves behind."""

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, Mode
from durable.machine.notes import ErrorCode
from durable.machine.states import State
from tests.simulation.connector import LIMITS
from tests.simulation.fates import Choice, Fate, Kind, calm, once_each, where
from tests.simulation.network import RETRY_AFTER_SECONDS, BugError
from tests.simulation.world import REDELIVERIES_MAX, World


OLD_INDEX = {"a": "an old text", "gone": "deleted long ago"}
LONG = [(f"note {number}",) for number in range(2 * LIMITS.deaths_max)]  # pages of one note
AT_ONCE_MS = -(10**9)  # an alarm that goes off as soon as it is set

OF_FULL = [Kind.OPEN, Kind.FETCH, Kind.SEND, Kind.CLOSE]
OF_INCREMENTAL = [Kind.FETCH, Kind.SEND, Kind.DELETE]


def ended(world: World, mode: Mode) -> Job:
    world.begin(mode)
    world.run()
    return world.oracle.latest


def changed() -> World:
    """A source that was synced, and then edited."""
    world = World()
    ended(world, Mode.FULL)
    world.clock.now_ms += 1
    world.edit("a", "b", "f")
    world.delete("c")
    return world


@pytest.mark.parametrize("fate", [Fate.BROKE, Fate.DIED_UNSENT, Fate.DIED_SENT])
@pytest.mark.parametrize("kind", [Kind.OPEN, Kind.FETCH, Kind.SEND])
def test_a_full_job_whose_page_kills_the_isolate_ends(kind: Kind, fate: Fate) -> None:
    world = World(plan=where(Choice(fate), kind))
    world.glean.index = dict(OLD_INDEX)

    job = ended(world, Mode.FULL)

    assert job.state is State.FAILED
    assert world.oracle.seen[job.id].death_count == LIMITS.deaths_max
    assert world.glean.index == OLD_INDEX
    assert world.oracle.watermark_ms is None


@pytest.mark.parametrize("fate", [Fate.BROKE, Fate.DIED_UNSENT, Fate.DIED_SENT])
@pytest.mark.parametrize("kind", OF_INCREMENTAL)
def test_an_incremental_job_whose_page_kills_the_isolate_ends(kind: Kind, fate: Fate) -> None:
    world = changed()
    watermark_ms = world.oracle.watermark_ms
    world.driver.plan = where(Choice(fate), kind)

    job = ended(world, Mode.INCREMENTAL)

    assert job.state is State.FAILED
    assert world.oracle.seen[job.id].death_count == LIMITS.deaths_max
    assert world.oracle.watermark_ms == watermark_ms


def test_a_close_that_kills_the_isolate_ends() -> None:
    world = World(plan=where(Choice(Fate.DIED_UNSENT), Kind.CLOSE))
    world.glean.index = dict(OLD_INDEX)

    job = ended(world, Mode.FULL)

    assert job.state is State.FAILED
    assert world.oracle.seen[job.id].death_count == LIMITS.deaths_max
    assert world.glean.index == OLD_INDEX


def test_a_page_in_the_middle_that_kills_the_isolate_ends_the_job() -> None:
    world = World(plan=where(Choice(Fate.DIED_UNSENT), Kind.FETCH, target="page 2"))

    job = ended(world, Mode.FULL)

    assert job.state is State.FAILED
    assert (job.crawl.page_count, job.crawl.document_count) == (2, 3)
    assert world.oracle.seen[job.id].death_count == LIMITS.deaths_max


@pytest.mark.parametrize("flavour", range(5))
@pytest.mark.parametrize("kind", OF_FULL)
def test_a_full_job_gives_up_after_a_time_without_progress(kind: Kind, flavour: int) -> None:
    world = World(plan=where(Choice(Fate.REFUSED, flavour), kind))
    world.glean.index = dict(OLD_INDEX)

    job = ended(world, Mode.FULL)

    assert job.state is State.FAILED
    assert job.finished_at_ms is not None
    stalled_ms = job.finished_at_ms - world.oracle.seen[job.id].progress_at_ms
    rests_ms = LIMITS.pauses_max * 1_000 * RETRY_AFTER_SECONDS if flavour == 2 else 0  # asked for
    slack_ms = LIMITS.backoff_ms_max + 2 * 60_000 + rests_ms
    assert LIMITS.stall_ms_max <= stalled_ms <= LIMITS.stall_ms_max + slack_ms
    assert world.glean.index == OLD_INDEX
    assert world.oracle.watermark_ms is None


@pytest.mark.parametrize("flavour", range(5))
@pytest.mark.parametrize("kind", OF_FULL)
def test_a_full_job_believes_nothing_that_is_answered_in_gleans_place(
    kind: Kind, flavour: int
) -> None:
    world = World(plan=where(Choice(Fate.INTERCEPTED, flavour), kind))
    world.glean.index = dict(OLD_INDEX)

    job = ended(world, Mode.FULL)

    assert job.state is State.FAILED
    assert job.error_code == ErrorCode.STALLED
    assert world.glean.index == OLD_INDEX
    assert world.oracle.watermark_ms is None
    assert job.crawl.reject_count == 0


@pytest.mark.parametrize("fate", [Fate.REFUSED, Fate.INTERCEPTED])
@pytest.mark.parametrize("kind", OF_INCREMENTAL)
def test_an_incremental_job_that_gave_up_moves_no_watermark(kind: Kind, fate: Fate) -> None:
    world = changed()
    watermark_ms = world.oracle.watermark_ms
    world.driver.plan = where(Choice(fate), kind)

    assert ended(world, Mode.INCREMENTAL).state is State.FAILED
    assert world.oracle.watermark_ms == watermark_ms

    # So the next one finds the same changes.
    world.driver.plan = calm
    assert ended(world, Mode.INCREMENTAL).state is State.SUCCEEDED
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("kind", OF_FULL)
def test_a_job_that_gave_up_does_not_stand_in_the_way_of_the_next(kind: Kind) -> None:
    world = World(plan=where(Choice(Fate.REFUSED), kind))
    assert ended(world, Mode.FULL).state is State.FAILED

    world.driver.plan = calm

    assert ended(world, Mode.FULL).state is State.SUCCEEDED
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("kind", [Kind.FETCH, Kind.SEND])
@pytest.mark.parametrize("fate", [Fate.REFUSED, Fate.LOST, Fate.BROKE, Fate.DIED_UNSENT])
def test_a_fault_at_every_page_never_adds_up_to_failure(mode: Mode, kind: Kind, fate: Fate) -> None:
    limits = replace(LIMITS, stall_ms_max=5 * 60_000)  # less than all the waits together
    plan = once_each(Choice(fate, flavour=2), kind)
    world = World(LONG, limits=limits, plan=plan)

    job = ended(world, mode)

    assert job.state is State.SUCCEEDED, job.error
    assert world.glean.index == world.source.live
    assert world.oracle.seen[job.id].fault_count >= len(LONG)


def test_a_pass_that_is_all_deaths_between_turns_is_no_poison() -> None:
    """A turn that ended leaves no trace that a later death could be added to."""
    world = World(LONG, limits=replace(LIMITS, turn_pages_max=1, deaths_max=1))
    world.begin(Mode.FULL)
    while world.oracle.head is not None:
        world.wake()
        world.evict()

    assert world.oracle.latest.state is State.SUCCEEDED


@pytest.mark.parametrize("flavour", range(5))
@pytest.mark.parametrize("mode", list(Mode))
def test_alarms_that_go_off_at_once_do_not_shorten_a_wait(mode: Mode, flavour: int) -> None:
    world = World(plan=once_each(Choice(Fate.REFUSED, flavour), Kind.FETCH))
    world.begin(mode)

    world.run([AT_ONCE_MS, AT_ONCE_MS, 0] * 8)

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


def test_a_wait_that_was_asked_for_is_kept_up_to_the_time_a_job_gives_up() -> None:
    limits = replace(LIMITS, stall_ms_max=10_000)
    world = World(limits=limits, plan=once_each(Choice(Fate.REFUSED, flavour=2), Kind.FETCH))

    assert ended(world, Mode.FULL).state is State.SUCCEEDED


@pytest.mark.parametrize("mode", list(Mode))
def test_a_platform_that_fires_hours_late_loses_nothing(mode: Mode) -> None:
    world = World(LONG, limits=replace(LIMITS, turn_pages_max=1, stall_ms_max=24 * 3_600_000))
    world.begin(mode)

    world.run([10 * 3_600_000] * len(LONG))

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


@pytest.mark.parametrize("mode", list(Mode))
def test_deaths_before_the_first_save_of_a_turn_are_survived(mode: Mode) -> None:
    world = World()
    world.begin(mode)
    world.driver.plan = where(Choice(Fate.DIED_UNSAVED), Kind.SAVE)
    for _ in range(REDELIVERIES_MAX):
        world.wake()
    world.driver.plan = calm

    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED
    assert world.glean.index == world.source.live


def test_an_empty_source_is_synced_like_any_other() -> None:
    world = World(pages=[()], limits=Limits())
    world.glean.index = dict(OLD_INDEX)

    assert ended(world, Mode.FULL).state is State.SUCCEEDED
    assert world.glean.index == {}


@pytest.mark.parametrize("mode", list(Mode))
def test_a_bug_before_the_first_save_of_a_turn_leaves_the_alarm_armed(mode: Mode) -> None:
    world = World()
    world.begin(mode)
    limits, world.variables["LIMITS"] = world.variables["LIMITS"], BugError("not foreseen")
    world.wake()
    world.wake()
    world.variables["LIMITS"] = limits

    world.run()

    assert world.oracle.latest.state is State.SUCCEEDED


def test_what_is_not_configured_fails_a_job_before_it_asks_for_anything() -> None:
    world = World()
    world.begin(Mode.FULL)
    world.oracle.seen[world.oracle.latest.id].is_forbidden = True
    token = world.variables.pop("NOTES_TOKEN")
    world.run()
    assert world.oracle.latest.state is State.FAILED
    assert "NOTES_TOKEN" in world.oracle.latest.error

    world.variables["NOTES_TOKEN"] = token
    assert ended(world, Mode.FULL).state is State.SUCCEEDED


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("answer_ms", [10_000, 29_000])
def test_the_lease_of_a_long_turn_is_renewed(mode: Mode, answer_ms: int) -> None:
    limits = replace(LIMITS, batch_documents_max=1, turn_ms_max=3_600_000)
    world = World([tuple("abcdefgh")], limits=limits)
    world.driver.answer_ms = answer_ms

    assert ended(world, mode).state is State.SUCCEEDED
    assert world.oracle.latest.turn_count == 1
