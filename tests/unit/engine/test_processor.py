import asyncio
from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace

from durable.engine.processor import OVERDUE_MS, Begun
from durable.environment import Environment
from durable.limits import Limits
from durable.machine.commands import Refusal, RefusalCode
from durable.machine.job import Job, Mode
from durable.machine.job_id import connector_name
from durable.machine.notes import ErrorCode, EventKind, WaitReason
from durable.machine.pacing import ALARM_MS_MIN, jittered_lease_ms
from durable.machine.rate import Rate
from durable.machine.states import PENDING, Command, State
from durable.sources.http import HttpSource
from durable.sources.since import Since
from tests.fakes.answers import INDEX, LIST, a_page, ok
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.connector import NOTES
from tests.fakes.jobs import alter


TICK = "cron 2025-11-24T16:00:00.000Z"
SOON_MS = NOW_MS + ALARM_MS_MIN
FIRST_LEASE_AT_MS = NOW_MS + jittered_lease_ms(f"notes {NOW_MS}", Limits())
JOB = Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=NOW_MS)


def http_source() -> HttpSource:
    """That of the notes."""
    assert isinstance(NOTES.documents.source, HttpSource)
    return NOTES.documents.source


def test_a_new_job_is_queued_and_its_alarm_armed() -> None:
    bench = Bench()

    begun = asyncio.run(bench.processor.begin(Mode.FULL, None))

    assert isinstance(begun, Begun)
    assert begun.is_new
    assert begun.job == Job(
        id="notes-20251124T160000123Z-000000",
        connector="notes",
        mode=Mode.FULL,
        created_at_ms=NOW_MS,
        begun_by="request",
    )
    assert bench.views.job(begun.job.id) == begun.job
    assert bench.storage.alarm_at_ms == SOON_MS


def test_what_began_a_job_stands_in_its_status_its_events_and_the_listings() -> None:
    bench = Bench()
    begun = asyncio.run(bench.processor.begin(Mode.FULL, TICK))
    assert isinstance(begun, Begun)
    job = begun.job

    assert bench.views.show(job).begun_by == "cron"
    assert [line.begun_by for line in bench.views.lines("\x7f", State, 9)] == ["cron"]
    (event,) = bench.views.events(job.id, 0, 9)
    assert event.happening.kind == State.QUEUED

    bench.obeyed(job, Command.CANCEL)
    retried = bench.obeyed(job, Command.RETRY)

    assert isinstance(retried, Job)
    assert retried.begun_by == "retry"


@pytest.mark.parametrize("state", sorted(PENDING))
@pytest.mark.parametrize("trigger_key", [None, TICK], ids=["by hand", "by cron"])
def test_asking_again_for_a_pending_mode_gives_the_same_job(
    trigger_key: str | None, state: State
) -> None:
    bench = Bench()
    first = replace(JOB, state=state)
    bench.put(first, alarm_at_ms=5)

    again = asyncio.run(bench.processor.begin(Mode.FULL, trigger_key))

    assert again == Begun(first, is_new=False)
    assert bench.storage.alarm_at_ms == 5


@pytest.mark.parametrize(
    "state", [state for state in State if state not in PENDING], ids=lambda state: state.value
)
def test_a_job_that_is_held_or_ended_is_not_joined(state: State) -> None:
    bench = Bench()
    bench.put(replace(JOB, state=state))

    assert bench.begun(Mode.FULL).id != JOB.id
    assert bench.storage.alarm_at_ms == SOON_MS


def test_a_tick_that_fires_twice_begins_one_job_even_if_the_first_has_ended() -> None:
    bench = Bench(a_page())
    first = bench.begun(Mode.INCREMENTAL, TICK)
    assert bench.left().state is State.SUCCEEDED

    again = asyncio.run(bench.processor.begin(Mode.INCREMENTAL, TICK))

    assert isinstance(again, Begun)
    assert (again.job.id, again.job.state, again.is_new) == (first.id, State.SUCCEEDED, False)


def test_a_key_that_joined_a_job_counts_for_it_after_its_end() -> None:
    bench = Bench(a_page())
    first = bench.begun(Mode.INCREMENTAL, TICK)
    assert bench.begun(Mode.INCREMENTAL, "request abc").id == first.id
    bench.turned()

    assert bench.begun(Mode.INCREMENTAL, "request abc").id == first.id


def test_the_next_tick_begins_a_new_job() -> None:
    bench = Bench(a_page())
    first = bench.begun(Mode.INCREMENTAL, TICK)
    bench.turned()

    assert bench.begun(Mode.INCREMENTAL, "cron 2025-11-24T17:00:00.000Z").id != first.id


@pytest.mark.parametrize("is_ended", [False, True], ids=["pending", "ended"])
def test_a_key_that_asked_for_the_other_mode_before_is_refused(*, is_ended: bool) -> None:
    bench = Bench(a_page())
    first = bench.begun(Mode.INCREMENTAL, "request abc")
    if is_ended:
        bench.turned()
    alarm_at_ms = bench.storage.alarm_at_ms

    refusal = asyncio.run(bench.processor.begin(Mode.FULL, "request abc"))

    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.KEY_REUSED
    assert first.id in refusal.reason
    assert "INCREMENTAL" in refusal.reason
    assert len(bench.store.pending()) == (0 if is_ended else 1)
    assert bench.storage.alarm_at_ms == alarm_at_ms


def test_a_hundred_requests_at_once_begin_one_job() -> None:
    bench = Bench()

    async def requests() -> set[str]:
        asked = (bench.processor.begin(Mode.FULL, f"request {n}") for n in range(100))
        begun = await asyncio.gather(*asked)
        return {one.job.id for one in begun if isinstance(one, Begun)}

    assert len(asyncio.run(requests())) == 1
    assert len(bench.store.pending()) == 1


def test_a_job_of_the_other_mode_waits_and_leaves_the_alarm_alone() -> None:
    bench = Bench(httpx.Response(503))
    bench.begun(Mode.FULL)
    waiting = bench.left()

    other = bench.begun(Mode.INCREMENTAL)

    assert other.state is State.QUEUED
    assert bench.storage.alarm_at_ms == waiting.pacing.retry_at_ms


def test_a_turn_carries_the_working_job_before_the_queued() -> None:
    bench = Bench(httpx.Response(503))
    full = bench.begun(Mode.FULL)
    bench.turned()
    bench.begun(Mode.INCREMENTAL)

    assert bench.left().id == full.id


def test_the_end_of_a_job_wakes_the_next() -> None:
    bench = Bench(a_page(), httpx.Response(503))
    first = bench.begun(Mode.INCREMENTAL)
    second = bench.begun(Mode.FULL)

    ended = bench.left()
    assert (ended.id, ended.state) == (first.id, State.SUCCEEDED)
    assert bench.storage.alarm_at_ms == SOON_MS

    carried = bench.left()
    assert (carried.id, carried.state) == (second.id, State.OPENING)


def test_two_jobs_in_a_row_ask_a_source_no_more_often_than_one() -> None:
    rate = Rate(requests=1, per=timedelta(milliseconds=60_000))
    connector = replace(
        NOTES, documents=replace(NOTES.documents, source=replace(http_source(), rate=rate))
    )
    bench = Bench(a_page(), a_page("a"), ok(), connector=connector)
    bench.begun(Mode.INCREMENTAL)
    assert bench.left().state is State.SUCCEEDED
    bench.begun(Mode.INCREMENTAL)

    resting = bench.left()

    assert (resting.state, resting.pacing.retry_at_ms) == (State.SENDING, NOW_MS + 60_000)
    shown = bench.views.show(resting)
    assert shown.waits_for is WaitReason.SOURCE
    assert len(bench.network.requests) == 1
    bench.now_ms += 60_000
    assert bench.left().state is State.SUCCEEDED
    assert bench.network.lines == [LIST, LIST, INDEX]


def test_the_status_names_the_header_by_which_the_source_asks_for_a_pause() -> None:
    page = a_page("a", next_cursor="b")
    page.headers.update({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"})
    bench = Bench(page, ok())
    bench.begun(Mode.INCREMENTAL)

    shown = bench.views.show(bench.left())

    assert shown.waits_for is WaitReason.SOURCE
    assert "x-ratelimit-remaining" in (shown.waits_because or "")
    assert shown.waits_until == "2025-11-24T16:00:30.123Z"


# A job that becomes a FULL one beside another


FORGETFUL = {"changes_max": 1}


def test_a_job_that_becomes_full_makes_way_for_a_full_one_that_is_queued() -> None:
    """One crawl of all there is, is enough, and it begins after both were asked for."""
    bench = Bench(a_page("a", "b"), limits=FORGETFUL)
    changes = bench.begun(Mode.INCREMENTAL, TICK)
    full = bench.begun(Mode.FULL, "request abc")

    ended = bench.left()

    assert (ended.id, ended.state, ended.mode) == (changes.id, State.CANCELLED, Mode.FULL)
    assert ended.error_code == ErrorCode.REPLACED
    assert full.id in ended.error
    assert ended.notes[-2].kind == EventKind.PROMOTED
    assert [job.id for job in bench.store.pending()] == [full.id]
    assert bench.storage.alarm_at_ms == SOON_MS
    assert bench.store.successes.watermark_ms() is None
    assert bench.begun(Mode.INCREMENTAL, TICK).id == changes.id
    assert bench.begun(Mode.FULL, "request abc").id == full.id


def test_a_job_whose_changes_are_too_old_makes_way_at_its_very_first_turn() -> None:
    connector = replace(
        NOTES,
        documents=replace(
            NOTES.documents,
            source=replace(
                http_source(), since=Since(param="updated_since", kept=timedelta(milliseconds=1))
            ),
        ),
    )
    bench = Bench(connector=connector)
    changes, full = bench.begun(Mode.INCREMENTAL), bench.begun(Mode.FULL)

    assert (bench.left().id, bench.job(changes.id).state) == (changes.id, State.CANCELLED)
    assert bench.network.requests == []
    assert [job.id for job in bench.store.pending()] == [full.id]


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, id="notes-9", resumes=True),
        replace(JOB, id="notes-9", mode=Mode.INCREMENTAL, repeats="notes-1"),
        replace(JOB, id="notes-9", state=State.HELD),
    ],
    ids=["goes on", "repeats", "held"],
)
def test_it_makes_way_for_no_job_that_does_not_read_all_after_it(other: Job) -> None:
    bench = Bench(a_page("a", "b"), limits=FORGETFUL)
    changes = bench.begun(Mode.INCREMENTAL)
    bench.put(other)

    assert (bench.left().id, bench.job(changes.id).state) == (changes.id, State.QUEUED)


def test_a_key_that_joined_a_job_that_had_become_full_counts_for_it() -> None:
    bench = Bench(a_page("a", "b"), limits=FORGETFUL)
    changes = bench.begun(Mode.INCREMENTAL, TICK)
    assert bench.left().mode is Mode.FULL

    assert bench.begun(Mode.FULL, "request abc").id == changes.id
    assert bench.begun(Mode.FULL, "request abc").id == changes.id
    assert bench.begun(Mode.INCREMENTAL, TICK).id == changes.id


def test_a_job_that_is_held_wakes_the_next() -> None:
    bench = Bench(ok(), a_page("a"), ok())
    storage = bench.storage
    bench.knows(*(f"known-{number}" for number in range(100)))
    bench.begun(Mode.FULL)
    queued = bench.begun(Mode.INCREMENTAL)

    assert bench.left().state is State.HELD
    assert storage.alarm_at_ms == SOON_MS

    bench.network.add(a_page())
    assert bench.left().id == queued.id
    assert bench.turned() is None


def test_the_end_of_the_last_job_leaves_no_alarm() -> None:
    bench = Bench(a_page())
    bench.begun(Mode.INCREMENTAL)

    bench.turned()

    assert bench.storage.alarm_at_ms is None


@pytest.mark.parametrize("state", [state for state in State if state not in PENDING])
def test_a_waking_for_nothing_does_nothing(state: State) -> None:
    bench = Bench()
    bench.put(replace(JOB, state=state))

    assert bench.turned() is None
    assert bench.storage.alarm_at_ms is None


def test_a_turn_that_a_bug_of_ours_ends_leaves_the_lease_armed() -> None:
    bench = Bench()  # the network is prepared for nothing, and says so by an assertion
    job = bench.begun(Mode.FULL)

    for attempt in (1, 2):
        with pytest.RaisesGroup(pytest.RaisesExc(AssertionError, match="no answer is prepared")):
            bench.turned()

        left = bench.views.job(job.id)
        assert left is not None
        assert bench.storage.alarm_at_ms == left.alarm_at_ms == FIRST_LEASE_AT_MS
        assert (left.state, left.pacing.attempt, left.pacing.death_count) == (
            State.OPENING,
            attempt,
            attempt - 1,
        )


def test_the_lease_is_armed_before_anything_else_can_go_wrong() -> None:
    def broken(_name: str) -> object:
        raise RuntimeError("the platform is ill")

    bench = Bench(environment=Environment(broken))
    bench.begun(Mode.FULL)

    with pytest.raises(RuntimeError, match="ill"):
        bench.turned()

    assert bench.storage.alarm_at_ms == FIRST_LEASE_AT_MS


@pytest.mark.parametrize(
    ("alarm_at_ms", "is_lost"),
    [
        (None, True),
        (NOW_MS - OVERDUE_MS - 1, True),
        (NOW_MS - OVERDUE_MS, False),
        (NOW_MS, False),
        (NOW_MS + 60_000, False),
    ],
    ids=["lost", "overdue", "late", "due", "to come"],
)
@pytest.mark.parametrize("is_remembered", [False, True], ids=["a new object", "the same object"])
def test_an_alarm_that_was_lost_is_set_again(
    alarm_at_ms: int | None, *, is_lost: bool, is_remembered: bool
) -> None:
    bench = Bench()
    bench.put(replace(JOB, state=State.SENDING), alarm_at_ms=alarm_at_ms)
    if not is_remembered:
        bench.restarted()

    assert bench.tended() == is_lost
    assert bench.storage.alarm_at_ms == (SOON_MS if is_lost else alarm_at_ms)


def test_an_alarm_that_the_object_believes_in_and_the_platform_lost_is_set_again() -> None:
    bench = Bench()
    bench.put(JOB, alarm_at_ms=SOON_MS)  # the very time to which it is set again
    bench.storage.fire()

    assert bench.tended()
    assert bench.storage.alarm_at_ms == SOON_MS


@pytest.mark.parametrize("state", [state for state in State if state not in PENDING])
def test_where_nothing_is_pending_no_alarm_is_missed(state: State) -> None:
    bench = Bench()
    bench.put(replace(JOB, state=state))

    assert not bench.tended()
    assert bench.storage.alarm_at_ms is None


def test_a_job_that_waits_keeps_its_wait_over_an_alarm_that_was_lost() -> None:
    retry_at_ms = NOW_MS + 300_000
    bench = Bench()
    bench.put(alter(JOB, state=State.SENDING, retry_at_ms=retry_at_ms))

    assert bench.tended()
    assert bench.left().pacing.retry_at_ms == retry_at_ms

    assert bench.storage.alarm_at_ms == retry_at_ms
    assert bench.network.requests == []


def test_a_queued_job_waits_for_the_one_that_works() -> None:
    bench = Bench()
    working = replace(JOB, id="notes-2", state=State.SENDING)
    earlier, later = replace(JOB, id="notes-1"), replace(JOB, id="notes-3")
    bench.put(earlier, working, later)

    assert bench.views.ahead_of(earlier) == working
    assert bench.views.ahead_of(later) == working
    assert bench.views.ahead_of(working) is None


def test_a_job_with_nobody_before_it_waits_for_nobody() -> None:
    bench = Bench()
    bench.put(JOB, replace(JOB, id="notes-0", state=State.HELD))

    assert bench.views.ahead_of(JOB) is None


def test_a_job_nobody_began_is_not_found() -> None:
    assert Bench().views.job("notes-20251124T160000123Z-000000") is None


@pytest.mark.parametrize(
    ("job_id", "name"),
    [
        ("notes-20251124T160000123Z-0a1b2c", "notes"),
        ("notes-of-2026-20251124T160000123Z-0a1b2c", "notes-of-2026"),
        ("20251124T160000123Z-0a1b2c", None),
        ("notes-20251124T160000123Z-", None),
        ("notes-20251124T160000123Z-0A1B2C", None),
        ("notes-20251124T160000Z-0a1b2c", None),
        ("Notes-20251124T160000123Z-0a1b2c", None),
        ("notes-20251124T160000123Z-0a1b2c/..", None),
        ("notes-20251124T160000123Z-0a1b2c\n", None),
        ("x" * 41 + "-20251124T160000123Z-0a1b2c", None),
        ("", None),
    ],
)
def test_a_jobs_id_names_its_connector(job_id: str, name: str | None) -> None:
    assert connector_name(job_id) == name
