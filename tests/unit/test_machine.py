from itertools import product

import pytest
from msgspec.structs import replace

from durable.job import ENDED, Flight, Job, Limits, Mode, Page, State, Usage
from durable.machine import (
    ALARM_MS_MIN,
    Close,
    Closed,
    Effect,
    Event,
    Failed,
    Fetch,
    Fetched,
    Open,
    Opened,
    Send,
    Sent,
    Step,
    Woke,
    step,
    watermark_ms,
)


NOW_MS = 1_000_000_000
LIMITS = Limits()
PART_USED = Usage(started_at_ms=NOW_MS, page_count=2, byte_count=5)
PASSING = Failed("it may pass", is_transient=True)


def a_page(next_cursor: str | None = "next", batch_count: int = 1, byte_count: int = 10) -> Page:
    return Page(
        next_cursor=next_cursor,
        batch_count=batch_count,
        document_count=3 * batch_count,
        deletion_count=2 * batch_count,
        byte_count=byte_count,
    )


def a_job(state: State, mode: Mode = Mode.FULL) -> Job:
    """In the middle of a turn, at its first attempt."""
    job = Job(id="job", connector="connector", mode=mode, created_at_ms=NOW_MS, state=state)
    if state is State.QUEUED or state in ENDED:
        return job
    return replace(
        job,
        started_at_ms=NOW_MS,
        upload_id="job-1" if mode is Mode.FULL else "",
        upload_count=1 if mode is Mode.FULL else 0,
        turn=Usage(started_at_ms=NOW_MS),
        turn_count=1,
        attempt=1,
        progress_at_ms=NOW_MS,
        alarm_at_ms=NOW_MS + LIMITS.lease_ms,
    )


def at(job: Job, event: Event, now_ms: int = NOW_MS, limits: Limits = LIMITS) -> Step:
    return step(job, event, now_ms, limits)


def played(job: Job, pages: list[Page], limits: Limits = LIMITS) -> tuple[Job, list[Effect]]:
    """The job after all has gone well, and what it asked for."""
    asked = []
    while job.state not in ENDED:
        job, effects = at(job, Woke(None), limits=limits)
        while effects:
            (effect,) = effects
            asked.append(effect)
            match effect:
                case Open():
                    event: Event = Opened()
                case Fetch(page_index):
                    event = Fetched(page_index, pages[page_index])
                case Send(page_index, batch_index):
                    event = Sent(page_index, batch_index)
                case Close():
                    event = Closed()
            job, effects = at(job, event, limits=limits)
    return job, asked


# What becomes of every event in every state; a pair that is not here cannot happen.
TABLE: dict[tuple[State, type[Event]], State] = {
    (State.QUEUED, Woke): State.OPENING,
    (State.OPENING, Woke): State.OPENING,
    (State.OPENING, Opened): State.SENDING,
    (State.OPENING, Failed): State.OPENING,
    (State.SENDING, Woke): State.SENDING,
    (State.SENDING, Fetched): State.SENDING,
    (State.SENDING, Sent): State.SENDING,
    (State.SENDING, Failed): State.SENDING,
    (State.CLOSING, Woke): State.CLOSING,
    (State.CLOSING, Closed): State.SUCCEEDED,
    (State.CLOSING, Failed): State.CLOSING,
}
EVENTS: dict[type[Event], Event] = {
    Woke: Woke(None),
    Opened: Opened(),
    Fetched: Fetched(0, a_page()),
    Sent: Sent(0, 0),
    Closed: Closed(),
    Failed: PASSING,
}
PAIRS = list(product(State, EVENTS))


def a_job_before(event: type[Event], state: State) -> Job:
    flights = (Flight(a_page()),) if event is Sent else ()
    return replace(a_job(state), flights=flights)


def named(pair: tuple[State, type[Event]]) -> str:
    return f"{pair[0]}-{pair[1].__name__}"


@pytest.mark.parametrize("pair", TABLE, ids=named)
def test_an_event_leads_where_the_table_says(pair: tuple[State, type[Event]]) -> None:
    state, event = pair

    job, _ = at(a_job_before(event, state), EVENTS[event])

    assert job.state is TABLE[pair]


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair[0] in ENDED], ids=named)
def test_an_ended_job_stays_as_it_is(pair: tuple[State, type[Event]]) -> None:
    state, event = pair
    job = a_job_before(event, state)

    assert at(job, EVENTS[event]) == (job, ())


@pytest.mark.parametrize(
    "pair",
    [pair for pair in PAIRS if pair not in TABLE and pair[0] not in ENDED],
    ids=named,
)
def test_any_other_event_is_our_bug(pair: tuple[State, type[Event]]) -> None:
    state, event = pair

    with pytest.raises(AssertionError, match=f"{event.__name__}.* while {state}"):
        at(a_job_before(event, state), EVENTS[event])


@pytest.mark.parametrize(
    "event",
    [Fetched(1, a_page()), Sent(1, 0), Sent(0, 1)],
    ids=["another page fetched", "another page sent", "another batch sent"],
)
def test_an_answer_to_something_else_is_our_bug(event: Event) -> None:
    with pytest.raises(AssertionError):
        at(a_job_before(type(event), State.SENDING), event)


def test_a_full_job_opens_sends_page_by_page_and_closes() -> None:
    queued = replace(a_job(State.QUEUED), id="a")

    job, asked = played(queued, [a_page("b", batch_count=2), a_page(None)])

    assert asked == [
        Open("a-1"),
        Fetch(page_index=0, cursor=None, since_ms=None, upload_id="a-1"),
        Send(page_index=0, batch_index=0),
        Send(page_index=0, batch_index=1),
        Fetch(page_index=1, cursor="b", since_ms=None, upload_id="a-1"),
        Send(page_index=1, batch_index=0),
        Close("a-1", ask_first=False),
    ]
    assert job.state is State.SUCCEEDED
    assert (job.page_count, job.byte_count) == (2, 20)
    assert (job.document_count, job.deletion_count) == (9, 6)
    assert job.finished_at_ms == NOW_MS
    assert job.alarm_at_ms is None


def test_an_incremental_job_ends_with_its_last_page() -> None:
    queued = a_job(State.QUEUED, Mode.INCREMENTAL)

    job, asked = played(queued, [a_page("b"), a_page(None)])

    assert asked == [
        Fetch(page_index=0, cursor=None, since_ms=None, upload_id=""),
        Send(page_index=0, batch_index=0),
        Fetch(page_index=1, cursor="b", since_ms=None, upload_id=""),
        Send(page_index=1, batch_index=0),
    ]
    assert job.state is State.SUCCEEDED
    assert job.alarm_at_ms is None


def test_an_incremental_job_reads_from_the_watermark_through_all_its_turns() -> None:
    queued = a_job(State.QUEUED, Mode.INCREMENTAL)

    job, begun = at(queued, Woke(watermark_ms=7))
    _, resumed = at(replace(job, turn=None), Woke(watermark_ms=8))

    assert begun == resumed == (Fetch(0, None, since_ms=7, upload_id=""),)


def test_a_full_job_reads_everything_whatever_the_watermark() -> None:
    opening, _ = at(a_job(State.QUEUED), Woke(watermark_ms=7))

    _, effects = at(opening, Opened())

    assert effects == (Fetch(0, None, since_ms=None, upload_id="job-1"),)


@pytest.mark.parametrize(
    ("mode", "state"), [(Mode.FULL, State.CLOSING), (Mode.INCREMENTAL, State.SUCCEEDED)]
)
def test_an_empty_page_is_passed_without_sending(mode: Mode, state: State) -> None:
    sending = a_job(State.SENDING, mode)

    middle, effects = at(sending, Fetched(0, a_page("b", batch_count=0)))
    last, _ = at(middle, Fetched(1, a_page(None, batch_count=0)))

    assert effects == (Fetch(1, "b", None, sending.upload_id),)
    assert last.state is state
    assert last.page_count == 2


def test_the_cursor_moves_when_the_last_batch_is_acknowledged() -> None:
    fetched, _ = at(a_job(State.SENDING), Fetched(0, a_page("b", batch_count=2)))
    half, _ = at(fetched, Sent(0, 0))
    whole, _ = at(half, Sent(0, 1))

    assert [job.cursor for job in (fetched, half, whole)] == [None, None, "b"]
    assert [job.page_count for job in (fetched, half, whole)] == [0, 0, 1]


def test_what_was_under_way_is_fetched_again_after_a_death() -> None:
    fetched, _ = at(a_job(State.SENDING), Fetched(0, a_page("b", batch_count=2)))
    half, _ = at(fetched, Sent(0, 0))

    woken, effects = at(half, Woke(None))

    assert effects == (Fetch(0, None, None, "job-1"),)
    assert woken.flights == ()


def test_every_try_at_opening_has_an_upload_id_of_its_own() -> None:
    job, first = at(a_job(State.QUEUED), Woke(None))
    job, second = at(job, Woke(None))

    assert (first, second) == ((Open("job-1"),), (Open("job-2"),))
    assert job.upload_id == "job-2"


def test_a_second_try_at_closing_asks_first() -> None:
    closing = a_job(State.CLOSING)
    failed, _ = at(closing, PASSING)
    assert failed.retry_at_ms is not None

    _, after_death = at(closing, Woke(None))
    _, after_failure = at(failed, Woke(None), failed.retry_at_ms)

    assert after_death == after_failure == (Close("job-1", ask_first=True),)


@pytest.mark.parametrize(
    ("attempt", "wait_ms"),
    [(1, 1_000), (2, 2_000), (3, 4_000), (9, 256_000), (10, 300_000), (10_000, 300_000)],
)
def test_the_back_off_doubles_up_to_its_cap(attempt: int, wait_ms: int) -> None:
    job, effects = at(replace(a_job(State.SENDING), attempt=attempt), PASSING)

    assert job.retry_at_ms == job.alarm_at_ms == NOW_MS + wait_ms
    assert effects == ()
    assert job.error == PASSING.reason


@pytest.mark.parametrize(
    ("asked_ms", "wait_ms"),
    [(500, 1_000), (90_000, 90_000), (10**15, LIMITS.stall_ms_max)],
    ids=["shorter than the back-off", "longer", "absurd"],
)
def test_a_retry_after_is_a_floor(asked_ms: int, wait_ms: int) -> None:
    job, _ = at(a_job(State.SENDING), Failed("", is_transient=True, retry_after_ms=asked_ms))

    assert job.retry_at_ms == NOW_MS + wait_ms


def test_progress_ends_the_error_and_the_count_of_tries() -> None:
    troubled = replace(a_job(State.SENDING), attempt=5, death_count=3, error="trouble")
    later_ms = NOW_MS + 9

    job, _ = at(troubled, Fetched(0, a_page(batch_count=0)), later_ms)

    assert (job.attempt, job.death_count, job.error) == (1, 0, "")
    assert job.progress_at_ms == later_ms


def test_an_error_that_will_not_pass_fails_the_job() -> None:
    job, effects = at(a_job(State.SENDING), Failed("no such thing", is_transient=False))

    assert job.state is State.FAILED
    assert job.error == "no such thing"
    assert (job.alarm_at_ms, job.finished_at_ms, effects) == (None, NOW_MS, ())


def test_a_job_without_progress_for_a_day_gives_up() -> None:
    sending = a_job(State.SENDING)
    last_ms = NOW_MS + LIMITS.stall_ms_max

    waiting, _ = at(sending, PASSING, last_ms - 1)
    given_up, _ = at(sending, PASSING, last_ms)

    assert waiting.state is State.SENDING
    assert given_up.state is State.FAILED
    assert given_up.error == "no progress for 86400 s; the last error: it may pass"


def test_an_early_alarm_does_nothing_and_is_set_again() -> None:
    failed, _ = at(a_job(State.SENDING), PASSING)
    assert failed.retry_at_ms is not None

    woken, effects = at(failed, Woke(None), failed.retry_at_ms - 1)

    assert effects == ()
    assert (woken.attempt, woken.turn_count) == (failed.attempt, failed.turn_count)
    assert woken.retry_at_ms == failed.retry_at_ms
    assert woken.alarm_at_ms == failed.retry_at_ms - 1 + ALARM_MS_MIN


def test_a_waking_on_time_is_the_next_attempt() -> None:
    failed, _ = at(a_job(State.SENDING), PASSING)
    assert failed.retry_at_ms is not None

    woken, effects = at(failed, Woke(None), failed.retry_at_ms)

    assert effects == (Fetch(0, None, None, "job-1"),)
    assert (woken.attempt, woken.death_count, woken.retry_at_ms) == (2, 0, None)


def test_a_page_that_kills_the_isolate_again_and_again_fails_the_job() -> None:
    job = a_job(State.SENDING)
    for death_count in range(1, LIMITS.deaths_max):
        job, _ = at(job, Woke(None))
        assert (job.state, job.death_count) == (State.SENDING, death_count)
        assert job.attempt == death_count + 1

    job, effects = at(job, Woke(None))

    assert (job.state, job.alarm_at_ms, effects) == (State.FAILED, None, ())
    assert "killed 6 times while sending at page 1" in job.error


def test_a_failure_in_between_does_not_forgive_deaths() -> None:
    job = replace(a_job(State.SENDING), death_count=LIMITS.deaths_max - 1)
    job, _ = at(job, PASSING)
    assert job.retry_at_ms is not None

    job, _ = at(job, Woke(None), job.retry_at_ms)

    assert job.death_count == LIMITS.deaths_max - 1


@pytest.mark.parametrize(
    ("limits", "now_ms"),
    [
        (Limits(turn_pages_max=3), NOW_MS),
        (Limits(turn_bytes_max=15), NOW_MS),
        (Limits(turn_ms_max=5), NOW_MS + 5),
    ],
    ids=["pages", "bytes", "time"],
)
def test_a_turn_whose_budget_is_spent_yields(limits: Limits, now_ms: int) -> None:
    sending = replace(a_job(State.SENDING), turn=PART_USED)

    job, effects = at(sending, Fetched(0, a_page(batch_count=0)), now_ms, limits)

    assert (job.turn, effects) == (None, ())
    assert job.alarm_at_ms == now_ms + ALARM_MS_MIN


@pytest.mark.parametrize(
    ("limits", "now_ms"),
    [
        (Limits(turn_pages_max=4), NOW_MS),
        (Limits(turn_bytes_max=16), NOW_MS),
        (Limits(turn_ms_max=6), NOW_MS + 5),
    ],
    ids=["pages", "bytes", "time"],
)
def test_a_turn_goes_on_while_there_is_budget(limits: Limits, now_ms: int) -> None:
    sending = replace(a_job(State.SENDING), turn=PART_USED)

    _, effects = at(sending, Fetched(0, a_page(batch_count=0)), now_ms, limits)

    assert effects == (Fetch(1, "next", None, "job-1"),)


def test_a_yield_is_neither_a_death_nor_a_failure() -> None:
    limits = Limits(turn_pages_max=1)
    pages = [a_page(str(number)) for number in range(20)]

    job, asked = played(a_job(State.QUEUED), [*pages, a_page(None)], limits)

    assert job.state is State.SUCCEEDED
    assert job.turn_count == 22  # one page each, and one for the close
    assert asked[-1] == Close("job-1", ask_first=False)


def test_the_lease_is_renewed_when_half_of_it_is_gone() -> None:
    sending = a_job(State.SENDING)
    armed_ms = NOW_MS + LIMITS.lease_ms
    half_ms = NOW_MS + LIMITS.lease_ms // 2

    early, _ = at(sending, Fetched(0, a_page()), half_ms)
    late, _ = at(sending, Fetched(0, a_page()), half_ms + 1)

    assert early.alarm_at_ms == armed_ms
    assert late.alarm_at_ms == half_ms + 1 + LIMITS.lease_ms


def test_a_waking_arms_the_lease() -> None:
    job, _ = at(a_job(State.QUEUED), Woke(None))

    assert job.alarm_at_ms == NOW_MS + LIMITS.lease_ms


def test_the_watermark_is_the_start_of_a_job_that_succeeded() -> None:
    working = a_job(State.CLOSING)
    succeeded, _ = at(working, Closed(), NOW_MS + 5)

    assert watermark_ms(succeeded) == NOW_MS
    assert watermark_ms(working) is None
    assert watermark_ms(replace(succeeded, state=State.FAILED)) is None
