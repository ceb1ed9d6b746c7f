"""Pages read ahead and batches side by side: what is begun, what lands, what errors leave."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine import window
from durable.machine.effects import (
    Displaced,
    Effect,
    Failed,
    Fetch,
    ListGone,
    Pack,
    QueryUpload,
    Send,
    Sent,
    Split,
)
from durable.machine.gone import Gone
from durable.machine.job import Job, Mode
from durable.machine.notes import ErrorCode
from durable.machine.pacing import ALARM_MS_MIN, lease_ms
from durable.machine.page_progress import PageProgress
from durable.machine.pages import InFlightPage, Page
from durable.machine.states import State
from tests.fakes.jobs import (
    LIMITS,
    NOTHING_GONE,
    NOW_MS,
    WOKE,
    Moment,
    a_job,
    a_page,
    after,
    alter,
    arrived,
    at,
    moments,
)


STALLED_MS = NOW_MS + LIMITS.stall_ms_max
LAST = a_page(None)
WAIT_MS = LIMITS.backoff_ms_min
PAGES = 20  # more than are ever read ahead here


def a_page_at(index: int, batch_count: int = 1, byte_count: int = 10) -> Page:
    return a_page(f"cursor {index + 1}", batch_count, byte_count)


def ahead(*pages: Page, mode: Mode = Mode.FULL, limits: Limits = LIMITS, **changes: object) -> Job:
    """These were read and cut one after the other, and nothing of them is acknowledged."""
    job = alter(a_job(State.SENDING, mode), **changes)
    for index, page in enumerate(pages, start=job.crawl.page_count):
        job = after(job, *arrived(index, page), limits=limits)
    return job


def read_ahead(limits: Limits) -> Job:
    """It has read, and not cut, as many pages of ten bytes as it takes."""
    job = a_job(State.SENDING)
    for index in range(PAGES):
        if job.crawl.is_fetching:
            job = after(job, arrived(index, a_page_at(index))[0], limits=limits)
    return job


def under_way(job: Job) -> list[Send]:
    return [
        Send(page_index, batch_index)
        for page_index, flight in enumerate(job.crawl.flights, start=job.crawl.page_count)
        for batch_index in flight.sending
    ]


def failed(effect: Effect, retry_after_ms: int = 0, *, is_transient: bool = True) -> Failed:
    return Failed("busy" if is_transient else "refused", is_transient, retry_after_ms, 1.0, effect)


# Reading ahead


def test_the_next_page_is_read_while_this_one_is_cut_and_sent() -> None:
    fetched, packed = arrived(0, a_page("b", batch_count=2))

    job, first = at(a_job(State.SENDING), fetched)
    job, second = at(job, packed)

    assert first == (Fetch(1, "b"), Pack(0, "job-1", None))
    assert second == (Send(0, 0), Send(0, 1))
    assert job.crawl.is_fetching


def test_one_page_is_read_at_a_time() -> None:
    job, effects = at(ahead(a_page_at(0)), Sent(0, 0))

    assert (job.crawl.is_fetching, effects) == (True, ())


@pytest.mark.parametrize("sends_max", [1, 2, 5])
def test_one_page_more_is_held_than_batches_may_be_under_way(sends_max: int) -> None:
    limits = Limits(sends_max=sends_max)
    pages = [a_page_at(index) for index in range(sends_max + 1)]

    before = ahead(*pages[:-1], limits=limits)
    full = ahead(*pages, limits=limits)
    _, effects = at(full, Sent(0, 0), limits=limits)

    assert (before.crawl.is_fetching, full.crawl.is_fetching) == (True, False)
    assert len(full.crawl.flights) == sends_max + 1
    assert effects == (Fetch(sends_max + 1, f"cursor {sends_max + 1}"), Send(sends_max, 0))


def test_a_job_that_sends_one_batch_at_a_time_holds_two_pages() -> None:
    job = ahead(a_page_at(0), a_page_at(1), mode=Mode.INCREMENTAL)

    landed, effects = at(job, Sent(0, 0))

    assert (job.crawl.is_fetching, landed.crawl.is_fetching) == (False, True)
    assert effects == (Fetch(2, "cursor 2"), Send(1, 0))


@pytest.mark.parametrize(
    ("held_bytes_max", "page_count"), [(19, 1), (20, 2), (29, 2), (30, 3), (35, 3), (10**9, 6)]
)
def test_so_many_bytes_are_held(held_bytes_max: int, page_count: int) -> None:
    job = read_ahead(Limits(held_bytes_max=held_bytes_max))

    assert (len(job.crawl.flights), job.crawl.is_fetching) == (page_count, False)


def test_the_next_page_is_taken_to_be_as_large_as_the_largest_of_those_held() -> None:
    limits = Limits(held_bytes_max=30)

    small = ahead(a_page_at(0, byte_count=10), a_page_at(1, byte_count=10), limits=limits)
    large = ahead(a_page_at(0, byte_count=11), a_page_at(1, byte_count=9), limits=limits)

    assert (small.crawl.is_fetching, large.crawl.is_fetching) == (True, False)


def test_a_page_larger_than_may_be_held_is_read_alone() -> None:
    limits = Limits(held_bytes_max=10)
    fetched, packed = arrived(0, a_page_at(0, byte_count=50))

    job, first = at(a_job(State.SENDING), fetched, limits=limits)
    job, second = at(job, packed, limits=limits)
    job, third = at(job, Sent(0, 0), limits=limits)

    assert (first, second) == ((Pack(0, "job-1", None),), (Send(0, 0),))
    assert third == (Fetch(1, "cursor 1"),)


def test_nothing_is_read_after_the_last_page() -> None:
    fetched, packed = arrived(1, LAST)

    job, first = at(ahead(a_page_at(0)), fetched)
    job, second = at(job, packed)
    job, third = at(job, Sent(1, 0))

    assert (first, second, third) == ((Pack(1, "job-1", None),), (Send(1, 0),), ())
    assert not job.crawl.is_fetching


@pytest.mark.parametrize(
    "limits",
    [Limits(turn_pages_max=3), Limits(turn_bytes_max=30), Limits(turn_requests_max=3)],
    ids=["pages", "bytes", "requests"],
)
def test_the_budget_of_a_turn_counts_what_was_read_ahead(limits: Limits) -> None:
    job = read_ahead(limits)

    assert (len(job.crawl.flights), job.crawl.is_fetching, job.crawl.page_count) == (3, False, 0)


def test_a_turn_whose_budget_is_spent_sends_what_it_has_read_and_yields() -> None:
    limits = Limits(turn_pages_max=2)
    job = ahead(a_page_at(0), a_page_at(1), limits=limits)

    half, first = at(job, Sent(1, 0), limits=limits)
    whole, second = at(half, Sent(0, 0), limits=limits)

    assert (half.turn, first) == (job.turn, ())
    assert (whole.turn, whole.crawl.page_count, whole.crawl.cursor, second) == (
        None,
        2,
        "cursor 2",
        (),
    )
    assert whole.alarm_at_ms == NOW_MS + ALARM_MS_MIN


def test_a_turn_whose_time_is_over_reads_no_further_and_sends_what_it_has_read() -> None:
    over_ms = NOW_MS + LIMITS.turn_ms_max
    fetched, packed = arrived(1, a_page_at(1))

    job, first = at(ahead(a_page_at(0)), fetched, over_ms)
    job, second = at(job, packed, over_ms)

    assert (first, second) == ((Pack(1, "job-1", None),), (Send(1, 0),))
    assert after(job, Sent(0, 0), Sent(1, 0), now_ms=over_ms).turn is None


def test_the_smallest_turn_reads_nothing_ahead() -> None:
    job = alter(a_job(State.SENDING), halving_count=LIMITS.turn_pages_max.bit_length())

    _, effects = at(job, arrived(0, a_page_at(0))[0])

    assert effects == (Pack(0, "job-1", None),)


def test_the_bound_on_pages_counts_what_was_read_ahead() -> None:
    limits = Limits(pages_max=2)
    job = ahead(a_page_at(0), a_page_at(1), limits=limits)

    given_up = after(job, Sent(0, 0), Sent(1, 0), limits=limits)

    assert (job.state, job.crawl.is_fetching) == (State.SENDING, False)
    assert given_up.state is State.FAILED
    assert given_up.error_code == ErrorCode.TOO_MANY_PAGES


def test_a_source_whose_last_page_at_the_bound_was_read_ahead_is_whole() -> None:
    limits = Limits(pages_max=2)
    job = ahead(a_page_at(0), LAST, limits=limits)

    sent = Sent(0, 0), Sent(1, 0), NOTHING_GONE
    assert after(job, *sent, limits=limits).state is State.CLOSING


# Sources that do not end, or end too soon, as seen ahead of what is in Glean


def test_a_circle_is_seen_in_pages_read_ahead() -> None:
    job, effects = at(ahead(a_page("b")), arrived(1, a_page("b"))[0])

    assert (job.state, job.crawl.page_count, effects) == (State.FAILED, 0, ())
    assert job.error_code == "source-bad-cursor"


@pytest.mark.parametrize("length", range(1, 5))
def test_a_circle_that_none_of_its_pages_has_landed_in_is_seen(length: int) -> None:
    limits = Limits(sends_max=PAGES)
    job = a_job(State.SENDING)
    for index in range(PAGES):
        fetched, _ = arrived(index, a_page(f"cursor {index % length}"))
        job = after(job, fetched, limits=limits)

    assert (job.state, job.crawl.page_count) == (State.FAILED, 0)
    assert job.error_code == "source-bad-cursor"


def test_a_source_that_begins_again_is_seen_in_pages_read_ahead() -> None:
    first = replace(a_page("b"), digest="1-aaaaaaaa")

    job, effects = at(ahead(first), arrived(1, replace(first, next_cursor="c"))[0])

    assert (job.state, job.crawl.page_count, effects) == (State.FAILED, 0, ())
    assert job.error_code == "source-endless"


@pytest.mark.parametrize(("total_count", "state"), [(10, State.SENDING), (11, State.FAILED)])
def test_a_total_counts_the_records_of_pages_read_ahead(total_count: int, state: State) -> None:
    last = a_page(None, total_count=total_count)

    assert after(ahead(a_page("b")), arrived(1, last)[0]).state is state


# Batches side by side


@pytest.mark.parametrize("sends_max", [1, 2, 5])
def test_so_many_batches_are_under_way_and_no_more(sends_max: int) -> None:
    limits = Limits(sends_max=sends_max)
    job = ahead(a_page_at(0, batch_count=7), limits=limits)
    widths, begun = [len(under_way(job))], under_way(job)
    for index in range(7):
        job, effects = at(job, Sent(0, index), limits=limits)
        begun += [effect for effect in effects if isinstance(effect, Send)]
        widths.append(len(under_way(job)))

    assert begun == [Send(0, index) for index in range(7)]
    assert widths == [min(sends_max, 7 - index) for index in range(8)]
    assert job.crawl.page_count == 1


def test_room_that_a_page_leaves_is_for_the_next_one() -> None:
    limits = Limits(sends_max=3)
    job = ahead(a_page_at(0, batch_count=2), a_page_at(1, batch_count=3), limits=limits)

    _, effects = at(job, Sent(0, 1), limits=limits)

    assert under_way(job) == [Send(0, 0), Send(0, 1), Send(1, 0)]
    assert effects == (Send(1, 1),)


@pytest.mark.parametrize("mode", Mode)
def test_pages_are_cut_in_their_order_since_each_is_compared_with_those_before(mode: Mode) -> None:
    first, packed_first = arrived(0, a_page_at(0))
    job = after(a_job(State.SENDING, mode), first)

    job, early = at(job, arrived(1, LAST)[0])
    _, both = at(job, packed_first)

    assert early == ()
    assert [type(effect) for effect in both] == [Send, Pack]
    assert [effect.page_index for effect in both if isinstance(effect, Pack)] == [1]


def test_pages_land_in_order_whichever_is_acknowledged_first() -> None:
    job = ahead(a_page_at(0), a_page_at(1, batch_count=2), a_page_at(2))

    second = after(job, Sent(2, 0), Sent(1, 1), Sent(1, 0))
    third = after(second, Sent(0, 0))

    assert (second.crawl.page_count, second.crawl.cursor, second.crawl.document_count) == (
        0,
        None,
        0,
    )
    assert (third.crawl.page_count, third.crawl.cursor, third.crawl.document_count) == (
        3,
        "cursor 3",
        12,
    )
    assert (third.crawl.record_count, third.crawl.byte_count, third.crawl.flights) == (20, 30, ())


def test_a_page_that_brings_nothing_waits_for_those_before_it() -> None:
    job = ahead(a_page_at(0), a_page_at(1, batch_count=0))

    assert job.crawl.page_count == 0
    assert after(job, Sent(0, 0)).crawl.page_count == 2


def test_the_end_is_reached_when_all_before_it_is_in_glean() -> None:
    job = ahead(a_page_at(0), LAST)

    last = after(job, Sent(1, 0))
    all_of_it, effects = at(last, Sent(0, 0))

    assert (last.state, last.crawl.has_end) == (State.SENDING, False)
    assert (all_of_it.state, effects) == (State.SENDING, (ListGone(Gone()),))
    assert at(all_of_it, NOTHING_GONE)[1] == (QueryUpload("job-1"),)


def test_what_was_sent_ahead_of_a_death_is_read_and_sent_again() -> None:
    job = after(ahead(a_page_at(0), a_page_at(1)), Sent(1, 0))

    woken, effects = at(job, WOKE)

    assert effects == (Fetch(0, None),)
    assert (woken.crawl.page_count, woken.crawl.flights, woken.pacing.death_count) == (0, (), 1)


def test_a_refused_document_counts_for_the_page_that_it_is_of() -> None:
    job = after(ahead(a_page_at(0), a_page_at(1)), Sent(1, 0, rejected_document_count=3))

    first = after(job, Sent(0, 0))

    assert (job.crawl.reject_count, first.crawl.reject_count) == (0, 3)
    assert (first.crawl.document_count, first.crawl.document_cursor) == (
        3,
        None,
    )  # of the first page


def test_rejects_of_all_pages_under_way_count_together() -> None:
    limits = Limits(rejects_max=3)
    page = a_page("b", reject_count=2)
    before = after(ahead(page, limits=limits), arrived(1, a_page("c"))[0], limits=limits)

    job, effects = at(before, arrived(1, replace(page, next_cursor="c"))[1], limits=limits)

    assert (job.state, effects) == (State.FAILED, ())
    assert (job.crawl.reject_count, job.crawl.pending_reject_count) == (0, 4)
    assert job.error_code == ErrorCode.REJECTS


def test_an_upload_that_is_lost_takes_all_with_it_that_is_under_way() -> None:
    job, effects = at(ahead(a_page_at(0), a_page_at(1)), Displaced("replaced"))

    assert (job.state, job.turn, effects) == (State.OPENING, None, ())
    assert (job.crawl.flights, job.crawl.is_fetching) == ((), False)


def test_after_a_turn_without_progress_batches_go_one_by_one_until_there_is_some() -> None:
    """What is sent beside the one that fails would be sent again, and what is read, read again."""
    job = ahead(a_page_at(0, batch_count=2), a_page_at(1, batch_count=2), attempt=2)

    assert (under_way(job), job.crawl.is_fetching) == ([Send(0, 0)], False)

    job, second = at(job, Sent(0, 0))
    job, third = at(job, Sent(0, 1))

    assert second == (Send(0, 1),)
    assert third == (Fetch(2, "cursor 2"), Send(1, 0), Send(1, 1))
    assert job.pacing.attempt == 1


# Changes of single documents, whose order counts


def test_changes_are_sent_one_at_a_time_in_the_order_of_the_source() -> None:
    job = ahead(a_page_at(0, batch_count=2), a_page_at(1, batch_count=2), mode=Mode.INCREMENTAL)
    begun = [tuple(under_way(job))]
    for sent in (Sent(0, 0), Sent(0, 1), Sent(1, 0)):
        job, effects = at(job, sent)
        begun.append(tuple(effect for effect in effects if isinstance(effect, Send)))

    assert begun == [(Send(0, 0),), (Send(0, 1),), (Send(1, 0),), (Send(1, 1),)]


@pytest.mark.parametrize(
    ("mode", "limits"), [(Mode.INCREMENTAL, LIMITS), (Mode.FULL, Limits(sends_max=1))]
)
def test_halves_are_sent_before_the_next_batch_and_before_later_pages(
    mode: Mode, limits: Limits
) -> None:
    job = ahead(a_page_at(0, batch_count=2), LAST, mode=mode, limits=limits)
    begun: list[Effect] = [*under_way(job)]
    for event in (
        Split(0, 0, 2),  # 0, 2 | 1
        Split(0, 0, 3),  # 0, 3, 2 | 1
        Sent(0, 0),
        Sent(0, 3),
        Split(0, 2, 4),  # 2, 4 | 1
        Sent(0, 2),
        Sent(0, 4),
        Sent(0, 1),
    ):
        job, effects = at(job, event, limits=limits)
        begun += effects

    batches = [0, 0, 0, 3, 2, 2, 4, 1]
    assert begun == [*[Send(0, index) for index in batches], Send(1, 0)]
    assert job.crawl.page_count == 1


def test_halves_go_side_by_side_where_order_does_not_count() -> None:
    limits = Limits(sends_max=2)
    job = ahead(a_page_at(0, batch_count=3), limits=limits)

    job, first = at(job, Split(0, 1, 3), limits=limits)
    job, second = at(job, Sent(0, 0), limits=limits)
    _, third = at(job, Sent(0, 1), limits=limits)

    assert (first, second, third) == ((Send(0, 1),), (Send(0, 3),), (Send(0, 2),))


def test_halves_of_a_page_read_ahead_keep_it_from_landing() -> None:
    job = after(ahead(a_page_at(0), LAST), Split(1, 0, 1), Sent(1, 0))

    first = after(job, Sent(0, 0))

    assert (first.crawl.page_count, first.state) == (1, State.SENDING)
    assert after(first, Sent(1, 1), NOTHING_GONE).state is State.CLOSING


# Errors beside what is under way


def test_after_an_error_of_glean_nothing_more_is_begun_and_what_is_acknowledged_lands() -> None:
    limits = Limits(sends_max=3)
    job = ahead(*(a_page_at(index) for index in range(4)), limits=limits)
    assert under_way(job) == [Send(0, 0), Send(1, 0), Send(2, 0)]

    failing, first = at(job, failed(Send(1, 0)), limits=limits)
    landing, second = at(failing, Sent(0, 0), limits=limits)
    waiting, third = at(landing, Sent(2, 0), limits=limits)

    assert (first, second, third) == ((), (), ())
    assert (failing.turn, failing.pacing.retry_at_ms) == (job.turn, NOW_MS + WAIT_MS)
    assert (landing.crawl.page_count, landing.crawl.cursor) == (1, "cursor 1")
    assert (waiting.turn, waiting.crawl.page_count, waiting.crawl.flights) == (None, 1, ())
    assert waiting.alarm_at_ms == waiting.pacing.retry_at_ms == NOW_MS + WAIT_MS


def test_after_an_error_of_glean_the_page_that_is_read_is_heard_and_no_other_is_begun() -> None:
    fetched, packed = arrived(1, LAST)

    failing = after(ahead(a_page_at(0)), failed(Send(0, 0)))
    reading, first = at(failing, fetched)
    waiting, second = at(reading, packed)

    assert (failing.turn is None, reading.turn is None) == (False, False)
    assert (first, second) == ((Pack(1, "job-1", None, landed=PageProgress()),), ())
    assert (waiting.turn, waiting.crawl.page_count, waiting.crawl.is_fetching) == (None, 0, False)


def test_after_an_error_of_the_source_what_was_read_is_sent_and_nothing_more_is_read() -> None:
    limits = Limits(sends_max=1)
    job = ahead(a_page_at(0, batch_count=2), limits=limits)

    failing, first = at(job, failed(Fetch(1, "cursor 1")), limits=limits)
    sending, second = at(failing, Sent(0, 0), limits=limits)
    waiting, third = at(sending, Sent(0, 1), limits=limits)

    assert (first, second, third) == ((), (Send(0, 1),), ())
    assert (waiting.turn, waiting.crawl.page_count, waiting.crawl.cursor) == (None, 1, "cursor 1")
    assert waiting.alarm_at_ms == waiting.pacing.retry_at_ms == NOW_MS + WAIT_MS


def test_halves_of_a_batch_that_was_cut_after_an_error_are_left_to_the_next_turn() -> None:
    job = after(ahead(a_page_at(0), LAST), failed(Send(0, 0)))

    waiting, effects = at(job, Split(1, 0, 1, batch_bytes_max=500))

    assert (waiting.turn, waiting.crawl.flights, effects) == (None, (), ())
    assert waiting.batch_bytes_max == 500  # and what was learnt is kept


def test_the_next_turn_begins_where_the_error_was_and_is_another_attempt() -> None:
    job = after(ahead(a_page_at(0), LAST), failed(Send(0, 0)), Sent(1, 0))
    assert job.pacing.retry_at_ms is not None

    woken, effects = at(job, WOKE, job.pacing.retry_at_ms)
    _, sends = at(after(woken, arrived(0, a_page_at(0))[0]), arrived(0, a_page_at(0))[1])

    assert effects == (Fetch(0, None),)
    assert (woken.pacing.attempt, woken.pacing.death_count, woken.pacing.retry_at_ms) == (
        2,
        0,
        None,
    )
    assert sends == (Send(0, 0),)  # which Glean may take this time


def test_progress_beside_an_error_is_progress_and_the_error_is_still_told() -> None:
    job = ahead(a_page_at(0), LAST, attempt=1, death_count=2)

    job = after(job, failed(Send(1, 0)), Sent(0, 0))

    assert (job.turn, job.pacing.attempt, job.pacing.death_count, job.error) == (None, 1, 0, "busy")


@pytest.mark.parametrize("asked_ms", [(9_000, 0), (0, 9_000)], ids=["first", "last"])
def test_of_two_errors_in_a_turn_the_longer_wait_counts(asked_ms: tuple[int, int]) -> None:
    job = ahead(a_page_at(0), LAST)
    first_ms, last_ms = asked_ms

    job = after(job, failed(Send(0, 0), first_ms), failed(Send(1, 0), last_ms))

    assert job.turn is None
    assert job.alarm_at_ms == job.pacing.retry_at_ms == NOW_MS + 9_000 + WAIT_MS


@pytest.mark.parametrize(
    "before", [(), (failed(Fetch(2, "cursor 2")),)], ids=["alone", "after one that may pass"]
)
def test_an_error_for_good_ends_the_job_whatever_is_under_way(before: tuple[Failed, ...]) -> None:
    job = after(ahead(a_page_at(0), a_page_at(1)), *before)

    ended, effects = at(job, failed(Send(1, 0), is_transient=False))

    assert under_way(job) == [Send(0, 0), Send(1, 0)]
    assert (ended.state, ended.error, effects) == (State.FAILED, "refused", ())
    assert (ended.turn, ended.crawl.flights, ended.crawl.is_fetching) == (None, (), False)
    assert (ended.pacing.retry_at_ms, ended.alarm_at_ms) == (None, None)


def test_a_job_gives_up_without_progress_once_all_is_heard() -> None:
    job = ahead(a_page_at(0), LAST)

    failing = after(job, failed(Send(0, 0)), now_ms=STALLED_MS)
    given_up = after(failing, Sent(1, 0), now_ms=STALLED_MS)

    assert (failing.state, given_up.state) == (State.SENDING, State.FAILED)
    assert given_up.error_code == ErrorCode.STALLED


def test_what_lands_beside_an_error_gives_a_job_another_day() -> None:
    job = ahead(a_page_at(0), LAST)

    job = after(job, failed(Send(1, 0)), Sent(0, 0), now_ms=STALLED_MS)

    assert (job.state, job.turn, job.pacing.progress_at_ms) == (State.SENDING, None, STALLED_MS)


def test_the_lease_is_renewed_while_the_rest_is_heard() -> None:
    late_ms = NOW_MS + LIMITS.lease_ms - 1
    job = after(ahead(a_page_at(0), LAST), failed(Send(0, 0), 10**6), now_ms=late_ms)

    assert job.alarm_at_ms == late_ms + lease_ms(job, LIMITS)


def test_a_death_while_the_rest_is_heard_is_counted_when_the_wait_is_over() -> None:
    failing = after(ahead(a_page_at(0), LAST), failed(Send(0, 0), 90_000))
    assert failing.pacing.retry_at_ms is not None

    early, nothing = at(failing, WOKE, failing.pacing.retry_at_ms - 1)
    woken, effects = at(early, WOKE, failing.pacing.retry_at_ms)

    assert (early.pacing.death_count, nothing) == (0, ())
    assert (woken.pacing.death_count, effects) == (1, (Fetch(0, None),))


# Answers to what is not under way


def test_a_batch_is_acknowledged_once() -> None:
    job = window.acknowledge(ahead(a_page_at(0, batch_count=2)), Sent(0, 0))

    with pytest.raises(AssertionError):
        window.acknowledge(job, Sent(0, 0))


def test_a_batch_that_was_not_begun_is_not_acknowledged() -> None:
    job = ahead(a_page_at(0, batch_count=2), limits=Limits(sends_max=1))

    with pytest.raises(AssertionError):
        window.acknowledge(job, Sent(0, 1))


@pytest.mark.parametrize("page_index", [0, 2])
def test_a_page_that_has_landed_or_was_not_read_is_not_under_way(page_index: int) -> None:
    job = ahead(a_page_at(1), page_count=1)

    for event in (Sent(page_index, 0), Split(page_index, 0, 1), failed(Send(page_index, 0))):
        with pytest.raises(AssertionError):
            at(job, event)


def test_a_batch_that_failed_is_no_longer_under_way() -> None:
    job = window.drop_effect(ahead(a_page_at(0, batch_count=2)), Send(0, 1))

    assert under_way(job) == [Send(0, 0)]
    with pytest.raises(AssertionError):
        window.drop_effect(job, Send(0, 1))


def test_the_front_is_where_the_job_will_be_once_all_that_was_read_has_landed() -> None:
    job = ahead(a_page_at(0), a_page_at(1), a_page_at(2, batch_count=0))
    landed = after(job, Sent(0, 0), Sent(1, 0))

    front = window.after_in_flight(job)

    assert (front.crawl.page_count, front.crawl.cursor, front.crawl.flights) == (3, "cursor 3", ())
    assert (front.crawl.landmark_page, front.crawl.landmark_cursor) == (2, "cursor 2")
    assert (front.turn, front.crawl.record_count) == (landed.turn, landed.crawl.record_count)


@pytest.mark.parametrize(
    ("flight", "is_whole"),
    [
        (InFlightPage(a_page(batch_count=2), sent_count=2), True),
        (InFlightPage(a_page(batch_count=2), sent_count=1), False),
        (InFlightPage(a_page(batch_count=2), sent_count=2, half_count=1), False),
        (InFlightPage(a_page(batch_count=2), sent_count=3, half_count=1), True),
        (InFlightPage(a_page(batch_count=0)), True),
        (InFlightPage(a_page(batch_count=0), is_packed=False), False),
    ],
)
def test_a_page_is_whole_when_all_batches_of_it_are_acknowledged(
    flight: InFlightPage, *, is_whole: bool
) -> None:
    assert flight.is_whole is is_whole


# In whatever order the answers come


@given(
    st.sampled_from(Mode),
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 20)), min_size=1, max_size=12),
    st.builds(
        Limits,
        sends_max=st.integers(1, 6),
        held_bytes_max=st.integers(1, 80),
        turn_pages_max=st.integers(1, 12),
        turn_bytes_max=st.integers(1, 200),
    ),
    st.randoms(use_true_random=False),
)
def test_whatever_is_answered_first_all_is_sent_once_and_lands_in_order(
    mode: Mode, shapes: list[tuple[int, int]], limits: Limits, random: Random
) -> None:
    pages = [a_page_at(index, *shape) for index, shape in enumerate(shapes)]
    pages[-1] = replace(pages[-1], next_cursor=None)
    queued = a_job(State.QUEUED, mode)

    *_, last = course = list(moments(queued, pages, limits, pick=random.randrange))

    for moment in course:
        assert_is_within_bounds(moment, pages, limits)
    sends = [effect for effect in last.asked if isinstance(effect, Send)]
    batches = [
        Send(page, batch) for page, (count, _) in enumerate(shapes) for batch in range(count)
    ]
    assert last.job.state is State.SUCCEEDED
    assert sends == batches if mode is Mode.INCREMENTAL else Counter(sends) == Counter(batches)
    assert last.job.crawl.page_count == len(pages)
    assert last.job.crawl.document_count == sum(page.document_count for page in pages)
    assert last.job.crawl.deletion_count == sum(page.deletion_count for page in pages)
    assert last.job.crawl.record_count == sum(page.record_count for page in pages)
    assert last.job.crawl.byte_count == sum(page.byte_count for page in pages)


def assert_is_within_bounds(moment: Moment, pages: list[Page], limits: Limits) -> None:
    job, under = moment.job, moment.under_way
    width = 1 if job.mode is Mode.INCREMENTAL else limits.sends_max
    assert sum(isinstance(effect, Send) for effect in under) <= width
    assert sum(isinstance(effect, Fetch) for effect in under) <= 1
    assert len(job.crawl.flights) <= width + 1
    held = [flight.page.byte_count for flight in job.crawl.flights]
    assert not job.crawl.is_fetching or not held or sum(held) + max(held) <= limits.held_bytes_max
    assert job.crawl.page_count == in_glean(moment, pages)
    assert job.crawl.cursor == (
        pages[job.crawl.page_count - 1].next_cursor if job.crawl.page_count else None
    )


def in_glean(moment: Moment, pages: list[Page]) -> int:
    """The pages from the first one on of which all is acknowledged."""
    answered = set(moment.asked) - set(moment.under_way)
    packed = {effect.page_index for effect in answered if isinstance(effect, Pack)}
    sent = Counter(effect.page_index for effect in answered if isinstance(effect, Send))
    for index, page in enumerate(pages):
        if index not in packed or sent[index] < page.batch_count:
            return index
    return len(pages)


@pytest.mark.parametrize("pages", [(), (a_page_at(0),), (a_page_at(0), a_page_at(1, 3), LAST)])
def test_how_far_the_pages_reach_is_told_as_if_all_of_them_had_landed(
    pages: tuple[Page, ...],
) -> None:
    job = ahead(*pages)

    reached, front = window.reach(job), window.after_in_flight(job)

    for name in ("page_count", "cursor", "has_end"):
        assert getattr(reached.crawl, name) == getattr(front.crawl, name), name
    assert (reached.turn, reached.pacing) == (front.turn, front.pacing)
