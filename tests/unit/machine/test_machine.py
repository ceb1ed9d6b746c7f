from itertools import product

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import (
    ApplyPacks,
    Close,
    Closed,
    CloseRefused,
    CloseWithDocument,
    Displaced,
    Event,
    Failed,
    Fetch,
    Fetched,
    GoneListed,
    ListGone,
    Open,
    Opened,
    Pack,
    Packed,
    PacksApplied,
    QueryUpload,
    Send,
    Sent,
    Split,
    UploadQueried,
    Woke,
)
from durable.machine.gone import Gone
from durable.machine.job import Job, JobSpec, Mode, TurnUsage, UploadStatus, Way
from durable.machine.ledger_head import LedgerFacts
from durable.machine.notes import EventKind
from durable.machine.pacing import ALARM_MS_MIN, lease_ms
from durable.machine.page_progress import PageProgress
from durable.machine.pages import InFlightPage
from durable.machine.states import PENDING, State
from tests.fakes.jobs import (
    APPLIED,
    LIMITS,
    NOTHING_GONE,
    NOW_MS,
    WOKE,
    a_job,
    a_page,
    after,
    alter,
    arrived,
    at,
    played,
)


PART_USED = TurnUsage(started_at_ms=NOW_MS, page_count=2, byte_count=5, request_count=10)
PASSING = Failed("it may pass", is_transient=True)
FETCHED, PACKED = arrived(0, a_page())

# What becomes of every event in every state; a pair that is not here cannot happen.
TABLE: dict[tuple[State, type[Event]], State] = {
    (State.QUEUED, Woke): State.OPENING,
    (State.OPENING, Woke): State.OPENING,
    (State.OPENING, Opened): State.SENDING,
    (State.OPENING, UploadQueried): State.SENDING,
    (State.OPENING, Failed): State.OPENING,
    (State.SENDING, Woke): State.SENDING,
    (State.SENDING, Fetched): State.SENDING,
    (State.SENDING, Packed): State.SENDING,
    (State.SENDING, Sent): State.SENDING,
    (State.SENDING, Split): State.SENDING,
    (State.SENDING, Displaced): State.OPENING,
    (State.SENDING, GoneListed): State.CLOSING,
    (State.SENDING, Failed): State.SENDING,
    (State.CLOSING, Woke): State.CLOSING,
    (State.CLOSING, UploadQueried): State.CLOSING,
    (State.CLOSING, CloseRefused): State.CLOSING,
    (State.CLOSING, Closed): State.CLOSING,
    (State.CLOSING, PacksApplied): State.SUCCEEDED,
    (State.CLOSING, Failed): State.CLOSING,
}
EVENTS: dict[type[Event], Event] = {
    Woke: WOKE,
    Opened: Opened(),
    UploadQueried: UploadQueried(UploadStatus.OPEN),
    Fetched: FETCHED,
    Packed: PACKED,
    Sent: Sent(0, 0),
    Split: Split(0, 0, half_index=1),
    Displaced: Displaced("something else"),
    CloseRefused: CloseRefused("no documents"),
    Closed: Closed(),
    GoneListed: NOTHING_GONE,
    PacksApplied: APPLIED,
    Failed: PASSING,
}
PAIRS = list(product(State, EVENTS))
UNDER_WAY = InFlightPage(a_page(), begun_count=1, sending=(0,))


def a_job_before(event: type[Event], state: State) -> Job:
    flights = {
        Packed: (InFlightPage(FETCHED.page, is_packed=False),),
        Sent: (UNDER_WAY,),
        Split: (UNDER_WAY,),
    }.get(event, ())
    resumes = state is State.OPENING and event is UploadQueried
    has_end = event is GoneListed or state is State.CLOSING
    return alter(a_job(state), flights=flights, resumes=resumes, document_count=3, has_end=has_end)


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


def test_differences_alone_are_read_once_glean_has_told_its_history() -> None:
    """Whatever else has uploaded there, the ledger knows nothing of."""
    job = alter(a_job(State.QUEUED), fingerprint="f")
    known = LedgerFacts(NOW_MS, "job-0-1", "f", has_recipe=True)

    job, asked = at(job, Woke(spec=JobSpec(fingerprint="f"), documents=known))
    told, effects = at(job, UploadQueried(UploadStatus.CLOSED))

    assert (job.state, job.way, asked) == (State.SENDING, Way.RECONCILE, (QueryUpload("job-0-1"),))
    assert (told.state, told.way, effects) == (State.SENDING, Way.RECONCILE, (Fetch(0, None),))


def test_documents_are_brought_anew_where_another_client_has_uploaded() -> None:
    job = alter(a_job(State.SENDING), way=Way.RECONCILE, is_fetching=False)

    job, effects = at(job, UploadQueried(UploadStatus.CLOSED, foreign_id="theirs"))

    assert (job.state, job.way, job.turn, effects) == (State.OPENING, Way.REPLACE, None, ())
    assert job.notes[-1].kind == EventKind.PROMOTED
    assert "theirs" in job.notes[-1].text


def test_an_opening_that_asked_nothing_takes_no_answer() -> None:
    with pytest.raises(AssertionError, match="UploadQueried"):
        at(a_job(State.OPENING), UploadQueried(UploadStatus.OPEN))


@pytest.mark.parametrize(
    "event",
    [
        Fetched(0, a_page()),
        Fetched(2, a_page()),
        Packed(1, 1, 3, 2),
        Packed(0, 1, 3, 2),
        Sent(1, 0),
        Sent(0, 1),
        Split(1, 0, 1),
        Split(0, 1, 1),
        Split(0, 0, 0),
        Split(0, 0, 2),
    ],
    ids=[
        "a page fetched again",
        "a later page fetched",
        "another page packed",
        "a page packed again",
        "another page sent",
        "another batch sent",
        "another page split",
        "another batch split",
        "a half that takes another's place",
        "a half too far",
    ],
)
def test_an_answer_to_something_else_is_our_bug(event: Event) -> None:
    with pytest.raises(AssertionError):
        at(a_job_before(Sent, State.SENDING), event)


def test_a_page_that_was_not_asked_for_is_our_bug() -> None:
    with pytest.raises(AssertionError, match=r"Fetched.* while sending at page 0"):
        at(alter(a_job(State.SENDING), is_fetching=False), FETCHED)


def test_a_page_before_those_in_glean_is_our_bug() -> None:
    job = alter(a_job_before(Sent, State.SENDING), page_count=1)

    with pytest.raises(AssertionError):
        at(job, Sent(0, 0))


def test_a_full_job_opens_sends_page_by_page_and_closes() -> None:
    queued = replace(a_job(State.QUEUED), id="a")

    job, asked = played(queued, [a_page("b", batch_count=2), a_page(None)])

    assert asked == [
        Open("a-1"),
        Fetch(0, cursor=None),
        Fetch(1, cursor="b"),
        Pack(0, upload_id="a-1", batch_bytes_max=None),
        Send(page_index=0, batch_index=0),
        Send(page_index=0, batch_index=1),
        Pack(1, upload_id="a-1", batch_bytes_max=None),
        Send(page_index=1, batch_index=0),
        ListGone(Gone()),
        QueryUpload("a-1"),
        Close("a-1"),
        QueryUpload("a-1"),
        ApplyPacks(0),
    ]
    assert job.state is State.SUCCEEDED
    assert (job.crawl.page_count, job.crawl.byte_count, job.crawl.record_count) == (2, 20, 15)
    assert (job.crawl.document_count, job.crawl.deletion_count, job.crawl.reject_count) == (9, 6, 0)
    assert job.finished_at_ms == NOW_MS
    assert (job.alarm_at_ms, job.turn, job.error) == (None, None, "")
    assert (job.crawl_count, job.restart_count) == (1, 0)


def test_an_incremental_job_ends_with_its_last_page() -> None:
    queued = a_job(State.QUEUED, Mode.INCREMENTAL)

    job, asked = played(queued, [a_page("b"), a_page(None)])

    assert asked == [
        Fetch(0, cursor=None),
        Fetch(1, cursor="b"),
        Pack(0, "", None, PageProgress(), is_all_sent=False, lists_all=False),
        Send(page_index=0, batch_index=0),
        Pack(1, "", None, PageProgress(), is_all_sent=False, lists_all=False),
        Send(page_index=1, batch_index=0),
    ]
    assert job.state is State.SUCCEEDED
    assert job.alarm_at_ms is None


def test_an_incremental_job_reads_from_the_watermark_through_all_its_turns() -> None:
    queued = a_job(State.QUEUED, Mode.INCREMENTAL)

    job, begun = at(queued, Woke(watermark_ms=7))
    _, resumed = at(replace(job, turn=None), Woke(watermark_ms=8))

    assert begun == resumed == (Fetch(0, None),)


def test_a_full_job_reads_everything_whatever_the_watermark() -> None:
    opening = after(a_job(State.QUEUED), Woke(watermark_ms=7))

    _, effects = at(opening, Opened())

    assert effects == (Fetch(0, None),)


@pytest.mark.parametrize(
    ("mode", "state"), [(Mode.FULL, State.SENDING), (Mode.INCREMENTAL, State.SUCCEEDED)]
)
def test_an_empty_page_is_passed_without_sending(mode: Mode, state: State) -> None:
    fetched, packed = arrived(0, a_page("b", batch_count=0))

    reading, first = at(a_job(State.SENDING, mode), fetched)
    middle, second = at(reading, packed)
    last = after(middle, *arrived(1, a_page(None, batch_count=0)))

    is_full = mode is Mode.FULL
    landed = None if is_full else PageProgress()
    packing = Pack(
        0, reading.upload.id, None, landed=landed, is_all_sent=is_full, lists_all=is_full
    )
    assert first == (Fetch(1, "b"), packing)
    assert second == ()
    assert middle.crawl.page_count == 1
    assert (last.state, last.crawl.has_end) == (state, True)
    assert last.crawl.page_count == 2


def test_the_cursor_moves_when_the_last_batch_is_acknowledged() -> None:
    fetched = after(a_job(State.SENDING), *arrived(0, a_page("b", batch_count=2)))
    half = after(fetched, Sent(0, 0))
    whole = after(half, Sent(0, 1))

    assert [job.crawl.cursor for job in (fetched, half, whole)] == [None, None, "b"]
    assert [job.crawl.page_count for job in (fetched, half, whole)] == [0, 0, 1]
    assert [job.crawl.record_count for job in (fetched, half, whole)] == [0, 0, 10]


def test_the_end_of_the_source_is_reached_when_its_last_batch_is_acknowledged() -> None:
    fetched = after(a_job(State.SENDING), *arrived(0, a_page(None)))
    whole = after(fetched, Sent(0, 0))

    assert [job.crawl.has_end for job in (fetched, whole)] == [False, True]


def test_what_was_under_way_is_fetched_again_after_a_death() -> None:
    half = after(a_job(State.SENDING), *arrived(0, a_page("b", batch_count=2)), Sent(0, 0))

    woken, effects = at(half, WOKE)

    assert effects == (Fetch(0, None),)
    assert (woken.crawl.flights, woken.crawl.is_fetching) == ((), True)


def test_every_try_at_opening_has_an_upload_id_of_its_own() -> None:
    job, first = at(a_job(State.QUEUED), WOKE)
    job, second = at(job, WOKE)

    assert (first, second) == ((Open("job-1"),), (Open("job-2"),))
    assert job.upload.id == "job-2"


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
    fetched, packed = arrived(0, a_page(batch_count=0))

    reading, last = at(sending, fetched, now_ms, limits)
    job, effects = at(reading, packed, now_ms, limits)

    assert last == (Pack(0, "job-1", None),)
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

    _, effects = at(sending, arrived(0, a_page(batch_count=0))[0], now_ms, limits)

    assert effects == (Fetch(1, "next"), Pack(0, "job-1", None))


def test_a_yield_is_neither_a_death_nor_a_failure() -> None:
    limits = Limits(turn_pages_max=1)
    pages = [a_page(str(number)) for number in range(20)]

    job, asked = played(a_job(State.QUEUED), [*pages, a_page(None)], limits)

    assert job.state is State.SUCCEEDED
    assert job.turn_count == 22  # one page each, and one for the close
    closing = Close("job-1")
    assert asked[-4:] == [QueryUpload("job-1"), closing, QueryUpload("job-1"), ApplyPacks(0)]
    kinds = [note.kind for note in job.notes]
    assert kinds == [EventKind.BEGUN, EventKind.OPENED, State.CLOSING, State.SUCCEEDED]


def test_the_lease_is_renewed_when_half_of_it_is_gone() -> None:
    sending = a_job(State.SENDING)
    whole_ms = lease_ms(sending, LIMITS)
    armed_ms = NOW_MS + whole_ms
    half_ms = armed_ms - LIMITS.lease_ms // 2
    sending = replace(sending, alarm_at_ms=armed_ms)

    early = after(sending, FETCHED, now_ms=half_ms)
    late = after(sending, FETCHED, now_ms=half_ms + 1)

    assert early.alarm_at_ms == armed_ms
    assert late.alarm_at_ms == half_ms + 1 + whole_ms


def test_a_waking_arms_the_lease() -> None:
    job = after(a_job(State.QUEUED), WOKE)

    assert job.alarm_at_ms == NOW_MS + lease_ms(job, LIMITS)


def test_a_waking_keeps_the_lease_that_is_armed_already() -> None:
    """Each alarm that is set costs a row, and a wait until it is stored."""
    armed_at_ms = NOW_MS + LIMITS.lease_ms * 2 // 3

    job = after(a_job(State.QUEUED), replace(WOKE, armed_at_ms=armed_at_ms))

    assert job.alarm_at_ms == armed_at_ms


def test_a_waking_arms_a_lease_anew_that_is_longer_than_the_deployments() -> None:
    longer = replace(WOKE, armed_at_ms=NOW_MS + LIMITS.lease_ms + 1)

    job = after(a_job(State.QUEUED), longer)

    assert job.alarm_at_ms == NOW_MS + lease_ms(job, LIMITS)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (State.SENDING, Packed(0, 1, 3, 2)),
        (State.SENDING, Split(0, 0, 1)),
        (State.CLOSING, UploadQueried(UploadStatus.OPEN)),
        (State.CLOSING, CloseRefused("no documents")),
        (State.CLOSING, Closed()),
    ],
    ids=["packed", "split", "asked", "refused", "closed"],
)
def test_whatever_goes_on_renews_the_lease(state: State, event: Event) -> None:
    late_ms = NOW_MS + LIMITS.lease_ms - 1

    patient = replace(LIMITS, turn_ms_max=LIMITS.lease_ms)
    job, effects = at(a_job_before(type(event), state), event, late_ms, patient)

    assert effects
    assert job.alarm_at_ms == late_ms + lease_ms(job, LIMITS)


def test_a_close_with_a_document_renews_the_lease() -> None:
    late_ms = NOW_MS + LIMITS.lease_ms - 1
    closing = alter(a_job(State.CLOSING), closing_index=0, document_count=1)

    job, effects = at(closing, UploadQueried(UploadStatus.OPEN), late_ms)

    assert effects == (CloseWithDocument("job-1", None, 0),)
    assert job.alarm_at_ms == late_ms + lease_ms(job, LIMITS)
