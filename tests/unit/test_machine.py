from itertools import product

import pytest
from msgspec.structs import replace

from durable.events import (
    Ask,
    Asked,
    Close,
    Closed,
    CloseRefused,
    CloseWithDocument,
    Displaced,
    Event,
    Failed,
    Fetch,
    Fetched,
    Open,
    Opened,
    Send,
    Sent,
    Split,
    Woke,
)
from durable.job import PENDING, Flight, Job, Limits, Mode, Standing, State, Usage
from durable.pace import ALARM_MS_MIN
from tests.fakes.jobs import LIMITS, NOW_MS, WOKE, a_job, a_page, after, at, played


PART_USED = Usage(started_at_ms=NOW_MS, page_count=2, byte_count=5, request_count=10)
PASSING = Failed("it may pass", is_transient=True)

# What becomes of every event in every state; a pair that is not here cannot happen.
TABLE: dict[tuple[State, type[Event]], State] = {
    (State.QUEUED, Woke): State.OPENING,
    (State.OPENING, Woke): State.OPENING,
    (State.OPENING, Opened): State.SENDING,
    (State.OPENING, Asked): State.SENDING,
    (State.OPENING, Failed): State.OPENING,
    (State.SENDING, Woke): State.SENDING,
    (State.SENDING, Fetched): State.SENDING,
    (State.SENDING, Sent): State.SENDING,
    (State.SENDING, Split): State.SENDING,
    (State.SENDING, Displaced): State.OPENING,
    (State.SENDING, Failed): State.SENDING,
    (State.CLOSING, Woke): State.CLOSING,
    (State.CLOSING, Asked): State.CLOSING,
    (State.CLOSING, CloseRefused): State.CLOSING,
    (State.CLOSING, Closed): State.CLOSING,
    (State.CLOSING, Failed): State.CLOSING,
}
EVENTS: dict[type[Event], Event] = {
    Woke: WOKE,
    Opened: Opened(),
    Asked: Asked(Standing.OPEN),
    Fetched: Fetched(0, a_page()),
    Sent: Sent(0, 0),
    Split: Split(0, 0),
    Displaced: Displaced("something else"),
    CloseRefused: CloseRefused("no documents"),
    Closed: Closed(),
    Failed: PASSING,
}
PAIRS = list(product(State, EVENTS))


def a_job_before(event: type[Event], state: State) -> Job:
    flights = (Flight(a_page()),) if event in {Sent, Split} else ()
    resumes = state is State.OPENING and event is Asked
    return replace(a_job(state), flights=flights, resumes=resumes, document_count=3)


def named(pair: tuple[State, type[Event]]) -> str:
    return f"{pair[0]}-{pair[1].__name__}"


@pytest.mark.parametrize("pair", TABLE, ids=named)
def test_an_event_leads_where_the_table_says(pair: tuple[State, type[Event]]) -> None:
    state, event = pair

    job, _ = at(a_job_before(event, state), EVENTS[event])

    assert job.state is TABLE[pair]


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if pair[0] not in PENDING], ids=named)
def test_a_job_that_has_ended_or_is_held_stays_as_it_is(pair: tuple[State, type[Event]]) -> None:
    state, event = pair
    job = a_job_before(event, state)

    assert at(job, EVENTS[event]) == (job, ())


@pytest.mark.parametrize(
    "pair",
    [pair for pair in PAIRS if pair not in TABLE and pair[0] in PENDING],
    ids=named,
)
def test_any_other_event_is_our_bug(pair: tuple[State, type[Event]]) -> None:
    state, event = pair

    with pytest.raises(AssertionError, match=f"{event.__name__}.* while {state}"):
        at(a_job_before(event, state), EVENTS[event])


def test_an_opening_that_asked_nothing_takes_no_answer() -> None:
    with pytest.raises(AssertionError, match="Asked"):
        at(a_job(State.OPENING), Asked(Standing.OPEN))


@pytest.mark.parametrize(
    "event",
    [Fetched(1, a_page()), Sent(1, 0), Sent(0, 1), Split(1, 0), Split(0, 1)],
    ids=[
        "another page fetched",
        "another page sent",
        "another batch sent",
        "another page split",
        "another batch split",
    ],
)
def test_an_answer_to_something_else_is_our_bug(event: Event) -> None:
    with pytest.raises(AssertionError, match="while sending at page 0"):
        at(a_job_before(type(event), State.SENDING), event)


def test_a_full_job_opens_sends_page_by_page_and_closes() -> None:
    queued = replace(a_job(State.QUEUED), id="a")

    job, asked = played(queued, [a_page("b", batch_count=2), a_page(None)])

    assert asked == [
        Open("a-1"),
        Fetch(0, cursor=None, since_ms=None, upload_id="a-1", batch_bytes_max=None),
        Send(page_index=0, batch_index=0),
        Send(page_index=0, batch_index=1),
        Fetch(1, cursor="b", since_ms=None, upload_id="a-1", batch_bytes_max=None),
        Send(page_index=1, batch_index=0),
        Ask("a-1"),
        Close("a-1"),
        Ask("a-1"),
    ]
    assert job.state is State.SUCCEEDED
    assert (job.page_count, job.byte_count, job.record_count) == (2, 20, 15)
    assert (job.document_count, job.deletion_count, job.reject_count) == (9, 6, 0)
    assert job.finished_at_ms == NOW_MS
    assert (job.alarm_at_ms, job.turn, job.error) == (None, None, "")
    assert (job.crawl_count, job.restart_count) == (1, 0)


def test_an_incremental_job_ends_with_its_last_page() -> None:
    queued = a_job(State.QUEUED, Mode.INCREMENTAL)

    job, asked = played(queued, [a_page("b"), a_page(None)])

    assert asked == [
        Fetch(0, cursor=None, since_ms=None, upload_id="", batch_bytes_max=None),
        Send(page_index=0, batch_index=0),
        Fetch(1, cursor="b", since_ms=None, upload_id="", batch_bytes_max=None),
        Send(page_index=1, batch_index=0),
    ]
    assert job.state is State.SUCCEEDED
    assert job.alarm_at_ms is None


def test_an_incremental_job_reads_from_the_watermark_through_all_its_turns() -> None:
    queued = a_job(State.QUEUED, Mode.INCREMENTAL)

    job, begun = at(queued, Woke(watermark_ms=7))
    _, resumed = at(replace(job, turn=None), Woke(watermark_ms=8))

    assert begun == resumed == (Fetch(0, None, 7, "", None),)


def test_a_full_job_reads_everything_whatever_the_watermark() -> None:
    opening = after(a_job(State.QUEUED), Woke(watermark_ms=7))

    _, effects = at(opening, Opened())

    assert effects == (Fetch(0, None, None, "job-1", None),)


@pytest.mark.parametrize(
    ("mode", "state"), [(Mode.FULL, State.CLOSING), (Mode.INCREMENTAL, State.SUCCEEDED)]
)
def test_an_empty_page_is_passed_without_sending(mode: Mode, state: State) -> None:
    sending = a_job(State.SENDING, mode)

    middle, effects = at(sending, Fetched(0, a_page("b", batch_count=0)))
    last = after(middle, Fetched(1, a_page(None, batch_count=0)))

    assert effects == (Fetch(1, "b", None, sending.upload_id, None),)
    assert last.state is state
    assert last.page_count == 2


def test_the_cursor_moves_when_the_last_batch_is_acknowledged() -> None:
    fetched = after(a_job(State.SENDING), Fetched(0, a_page("b", batch_count=2)))
    half = after(fetched, Sent(0, 0))
    whole = after(half, Sent(0, 1))

    assert [job.cursor for job in (fetched, half, whole)] == [None, None, "b"]
    assert [job.page_count for job in (fetched, half, whole)] == [0, 0, 1]
    assert [job.record_count for job in (fetched, half, whole)] == [0, 0, 10]


def test_the_end_of_the_source_is_reached_when_its_last_batch_is_acknowledged() -> None:
    fetched = after(a_job(State.SENDING), Fetched(0, a_page(None)))
    whole = after(fetched, Sent(0, 0))

    assert [job.has_end for job in (fetched, whole)] == [False, True]


def test_what_was_under_way_is_fetched_again_after_a_death() -> None:
    half = after(a_job(State.SENDING), Fetched(0, a_page("b", batch_count=2)), Sent(0, 0))

    woken, effects = at(half, WOKE)

    assert effects == (Fetch(0, None, None, "job-1", None),)
    assert woken.flights == ()


def test_every_try_at_opening_has_an_upload_id_of_its_own() -> None:
    job, first = at(a_job(State.QUEUED), WOKE)
    job, second = at(job, WOKE)

    assert (first, second) == ((Open("job-1"),), (Open("job-2"),))
    assert job.upload_id == "job-2"


@pytest.mark.parametrize(
    ("limits", "now_ms"),
    [
        (Limits(turn_pages_max=3), NOW_MS),
        (Limits(turn_bytes_max=15), NOW_MS),
        (Limits(turn_requests_max=11), NOW_MS),
        (Limits(turn_ms_max=5), NOW_MS + 5),
    ],
    ids=["pages", "bytes", "requests", "time"],
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
        (Limits(turn_requests_max=12), NOW_MS),
        (Limits(turn_ms_max=6), NOW_MS + 5),
    ],
    ids=["pages", "bytes", "requests", "time"],
)
def test_a_turn_goes_on_while_there_is_budget(limits: Limits, now_ms: int) -> None:
    sending = replace(a_job(State.SENDING), turn=PART_USED)

    _, effects = at(sending, Fetched(0, a_page(batch_count=0)), now_ms, limits)

    assert effects == (Fetch(1, "next", None, "job-1", None),)


def test_a_yield_is_neither_a_death_nor_a_failure() -> None:
    limits = Limits(turn_pages_max=1)
    pages = [a_page(str(number)) for number in range(20)]

    job, asked = played(a_job(State.QUEUED), [*pages, a_page(None)], limits)

    assert job.state is State.SUCCEEDED
    assert job.turn_count == 22  # one page each, and one for the close
    assert asked[-3:] == [Ask("job-1"), Close("job-1"), Ask("job-1")]
    assert [note.text for note in job.notes] == [
        "begun",
        "opened the upload job-1",
        "at the end of the source",
        "succeeded",
    ]


def test_the_lease_is_renewed_when_half_of_it_is_gone() -> None:
    sending = a_job(State.SENDING)
    armed_ms = NOW_MS + LIMITS.lease_ms
    half_ms = NOW_MS + LIMITS.lease_ms // 2

    early = after(sending, Fetched(0, a_page()), now_ms=half_ms)
    late = after(sending, Fetched(0, a_page()), now_ms=half_ms + 1)

    assert early.alarm_at_ms == armed_ms
    assert late.alarm_at_ms == half_ms + 1 + LIMITS.lease_ms


def test_a_waking_arms_the_lease() -> None:
    job = after(a_job(State.QUEUED), WOKE)

    assert job.alarm_at_ms == NOW_MS + LIMITS.lease_ms


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.SENDING, Split(0, 0)),
        (State.CLOSING, Asked(Standing.OPEN)),
        (State.CLOSING, CloseRefused("no documents")),
        (State.CLOSING, Closed()),
    ],
    ids=["split", "asked", "refused", "closed"],
)
def test_whatever_goes_on_renews_the_lease(state: State, event: Event) -> None:
    late_ms = NOW_MS + LIMITS.lease_ms - 1

    job, effects = at(a_job_before(type(event), state), event, late_ms)

    assert effects
    assert job.alarm_at_ms == late_ms + LIMITS.lease_ms


def test_a_close_with_a_document_renews_the_lease() -> None:
    late_ms = NOW_MS + LIMITS.lease_ms - 1
    closing = replace(a_job(State.CLOSING), closing_index=0, document_count=1)

    job, effects = at(closing, Asked(Standing.OPEN), late_ms)

    assert effects == (CloseWithDocument("job-1", None, 0),)
    assert job.alarm_at_ms == late_ms + LIMITS.lease_ms
