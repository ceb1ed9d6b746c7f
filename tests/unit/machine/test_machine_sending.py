"""From the first page to the end of the source."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import (
    Displaced,
    Event,
    Fetch,
    GoneListed,
    ListGone,
    Open,
    Pack,
    Send,
    Sent,
    Split,
    Woke,
)
from durable.machine.gone import Gone
from durable.machine.job import Job, Mode, Stage, Way
from durable.machine.notes import ErrorCode, EventKind
from durable.machine.pacing import ALARM_MS_MIN
from durable.machine.page_progress import PageProgress
from durable.machine.pages import Page
from durable.machine.remedies import RemedyCode
from durable.machine.states import State
from tests.fakes.jobs import (
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
)


LATER_MS = NOW_MS + 5_000
CIRCLES = list(product(range(1, 21), range(21)))
ROUNDS_MAX = 4  # a circle is found after so many times its length and what leads to it


def sending(page: Page, mode: Mode = Mode.FULL, **changes: object) -> Job:
    """With all batches of the page under way that may be, and the next page too."""
    job = alter(a_job(State.SENDING, mode), **changes)
    return after(job, *arrived(job.crawl.page_count, page))


# Batches that Glean refuses


def test_what_glean_refused_counts_as_rejected_and_not_as_sent() -> None:
    job = after(
        sending(a_page("b", batch_count=3, reject_count=1)),
        Sent(0, 0),
        Sent(0, 1, rejected_document_count=1),
        Sent(0, 2, rejected_deletion_count=1),
    )

    assert (job.crawl.document_count, job.crawl.deletion_count) == (8, 5)
    assert (job.crawl.record_count, job.crawl.reject_count) == (16, 3)


def test_what_glean_refused_does_not_count_before_its_page_is_in_glean() -> None:
    fetched = sending(a_page("b", batch_count=2, reject_count=1))

    half = after(fetched, Sent(0, 0, rejected_document_count=1))
    woken = after(half, WOKE)

    assert (half.crawl.reject_count, woken.crawl.reject_count) == (0, 0)
    assert woken.crawl.flights == ()


@pytest.mark.parametrize(
    ("sent", "document_cursor"),
    [(Sent(0, 0), "a"), (Sent(0, 0, rejected_document_count=2), "a"), (Sent(0, 0, 3), "earlier")],
    ids=["all taken", "one left", "all refused"],
)
def test_the_latest_page_with_documents_is_remembered(sent: Sent, document_cursor: str) -> None:
    job = sending(a_page("b"), cursor="a", document_cursor="earlier")

    assert after(job, sent).crawl.document_cursor == document_cursor


def test_a_batch_cut_in_two_sends_both_halves() -> None:
    job, first = at(sending(a_page("b", batch_count=2)), Split(0, 0, half_index=2))
    job = after(job, Sent(0, 0), Sent(0, 1))

    assert first == (Send(0, 0), Send(0, 2))
    assert job.crawl.page_count == 0
    assert after(job, Sent(0, 2)).crawl.page_count == 1


def test_a_batch_cut_in_two_sends_its_first_half_in_its_place_where_order_counts() -> None:
    job = sending(a_page("b", batch_count=2), Mode.INCREMENTAL)
    job, first = at(job, Split(0, 0, half_index=2))
    job, second = at(job, Sent(0, 0))
    job, third = at(job, Sent(0, 2))

    assert [first, second, third] == [(Send(0, 0),), (Send(0, 2),), (Send(0, 1),)]
    assert job.crawl.page_count == 0
    assert after(job, Sent(0, 1)).crawl.page_count == 1


@pytest.mark.parametrize("mode", Mode)
def test_a_batch_is_cut_until_what_is_at_fault_stands_alone(mode: Mode) -> None:
    page = a_page("b")  # of three documents, the second of which Glean refuses

    job = after(
        sending(page, mode),
        Split(0, 0, half_index=1),  # 1 | 2, 3
        Sent(0, 0),
        Split(0, 1, half_index=2),  # 2 | 3
        Sent(0, 1, rejected_document_count=1),
        Sent(0, 2),
    )

    assert (job.crawl.document_count, job.crawl.reject_count, job.crawl.page_count) == (2, 1, 1)


def test_a_cut_for_its_size_lowers_the_size_of_all_that_follow() -> None:
    job = after(sending(a_page("b")), Split(0, 0, 1, batch_bytes_max=500))

    _, effects = at(job, arrived(1, a_page("c"))[0])

    assert effects == (Fetch(2, "c"), Pack(1, "job-1", 500))


def test_a_lowered_size_outlives_the_turn() -> None:
    job = after(sending(a_page("b")), Split(0, 0, 1, batch_bytes_max=500))
    woken = after(replace(job, turn=None), WOKE)

    _, effects = at(woken, arrived(0, a_page("b"))[0])

    assert effects == (Fetch(1, "b"), Pack(0, "job-1", 500))


def test_a_cut_for_its_content_leaves_the_size_as_it_is() -> None:
    job = after(sending(a_page("b"), batch_bytes_max=500), Split(0, 0, 1))

    assert job.batch_bytes_max == 500


def test_a_size_that_was_lowered_is_not_raised_by_a_later_cut() -> None:
    page = a_page("b", batch_count=2)

    job = after(
        sending(page),
        Split(0, 0, 2, batch_bytes_max=500),
        Split(0, 0, 3, batch_bytes_max=250),
        Split(0, 1, 4, batch_bytes_max=500),
    )

    assert job.batch_bytes_max == 250


def test_a_page_is_cut_into_so_many_batches_and_no_more() -> None:
    limits = Limits(page_batches_max=3)
    whole = sending(a_page("b", batch_count=2))

    most = after(whole, Split(0, 0, 2), limits=limits)
    job, effects = at(most, Split(0, 0, 3), limits=limits)

    assert most.state is State.SENDING
    assert (job.state, effects) == (State.FAILED, ())
    assert job.error_code == ErrorCode.PAGE_REFUSED


# Rejects


@pytest.mark.parametrize(("reject_count", "state"), [(7, State.SENDING), (8, State.FAILED)])
def test_a_page_with_too_many_rejects_ends_the_job_before_it_is_sent(
    reject_count: int, state: State
) -> None:
    limits = Limits(rejects_max=10)
    fetched, packed = arrived(0, a_page("b", reject_count=reject_count))
    reading = after(alter(a_job(State.SENDING), reject_count=3), fetched, limits=limits)

    job, effects = at(reading, packed, limits=limits)

    assert job.state is state
    assert effects == ((Send(0, 0),) if state is State.SENDING else ())


@pytest.mark.parametrize(("deletion_count", "state"), [(1, State.SENDING), (2, State.FAILED)])
def test_too_many_refusals_of_glean_end_the_job_within_the_page(
    deletion_count: int, state: State
) -> None:
    page = a_page("b", batch_count=3, reject_count=1)

    job = after(
        sending(page),
        Sent(0, 0, rejected_document_count=1),
        Sent(0, 1, rejected_deletion_count=deletion_count),
        limits=Limits(rejects_max=3),
    )

    assert job.state is state


@pytest.mark.parametrize("mode", Mode)
def test_the_share_of_rejects_counts_at_the_end_of_the_source(mode: Mode) -> None:
    limits = Limits(rejects_share_max=0.5, rejects_share_count=0)
    job = sending(a_page("b", reject_count=6), mode)
    fetched, packed = arrived(1, a_page(None, batch_count=0))

    middle = after(job, Sent(0, 0), fetched, limits=limits)
    last, effects = at(middle, packed, limits=limits)

    assert middle.state is State.SENDING
    assert (last.state, effects) == (State.FAILED, ())
    assert last.error_code == ErrorCode.REJECTS
    assert last.remedy == RemedyCode.CORRECT_RECORDS


def test_rejects_early_in_the_source_are_outweighed_by_what_follows() -> None:
    limits = Limits(rejects_share_max=0.5, rejects_share_count=0)

    job = after(
        sending(a_page("b", reject_count=6)),
        Sent(0, 0),
        *arrived(1, a_page(None)),
        Sent(1, 0),
        NOTHING_GONE,
        limits=limits,
    )

    assert job.state is State.CLOSING


# The guard


def at_its_end(**changes: object) -> Job:
    """All of three documents is sent, of a hundred that Glean has; and all is listed but them."""
    return after(alter(sending(a_page(None), known_count=100), **changes), Sent(0, 0))


def test_what_is_gone_is_listed_before_anything_is_closed() -> None:
    job, effects = at(sending(a_page(None)), Sent(0, 0))

    assert (job.state, effects) == (State.SENDING, (ListGone(Gone()),))


def test_what_is_gone_is_listed_a_part_at_a_time() -> None:
    part = Gone(10, 10, after="k", digest="d")

    job, effects = at(at_its_end(), GoneListed(part))

    assert (job.state, job.crawl.gone, effects) == (State.SENDING, part, (ListGone(part),))


def test_a_turn_whose_budget_is_spent_lists_the_rest_in_the_next_one() -> None:
    part, limits = Gone(10, 10, after="k"), Limits(turn_ms_max=1)

    job, effects = at(at_its_end(), GoneListed(part), LATER_MS, limits)
    woken, listing = at(job, WOKE, LATER_MS + 1_000, limits)

    assert (job.turn, effects) == (None, ())
    assert (woken.crawl.gone, listing) == (part, (ListGone(part),))


def test_a_crawl_that_has_lost_too_much_is_held() -> None:
    held, effects = at(at_its_end(), GoneListed(Gone(97, 97, is_whole=True)), LATER_MS)

    assert (held.state, effects) == (State.HELD, ())
    assert (held.alarm_at_ms, held.turn, held.finished_at_ms) == (None, None, None)
    assert held.error_code == ErrorCode.DELETIONS
    assert [note.kind for note in held.notes] == [State.HELD]


def test_a_crawl_all_of_whose_losses_are_approved_of_is_closed() -> None:
    assert after(at_its_end(), GoneListed(Gone(97, 0, is_whole=True))).state is State.CLOSING


def test_differences_alone_are_held_like_an_upload() -> None:
    job = after(at_its_end(way=Way.RECONCILE), GoneListed(Gone(97, 97, is_whole=True)))

    assert job.state is State.HELD


def test_what_differences_alone_have_lost_is_deleted_in_a_stage_of_its_own() -> None:
    job = at_its_end(way=Way.RECONCILE, begun_at_ms=NOW_MS - 9, stages=(Stage.DOCUMENTS,))

    job = after(job, GoneListed(Gone(1, 1, is_whole=True)))

    assert (job.stage, job.stages) == (Stage.DELETIONS, (Stage.DOCUMENTS, Stage.DELETIONS))
    assert (job.state, job.gone_at_ms, job.turn) == (State.SENDING, NOW_MS - 9, None)


def test_differences_that_have_lost_nothing_are_done() -> None:
    assert after(at_its_end(way=Way.RECONCILE), NOTHING_GONE).state is State.SUCCEEDED


def test_an_incremental_job_is_never_held() -> None:
    job = sending(a_page(None, batch_count=0), Mode.INCREMENTAL, known_count=100)

    assert job.state is State.SUCCEEDED


# Sources that do not end, or end too soon


@pytest.mark.parametrize(("page_count", "state"), [(2, State.SENDING), (3, State.FAILED)])
def test_a_source_without_an_end_is_given_up_at_the_bound_on_pages(
    page_count: int, state: State
) -> None:
    limits = Limits(pages_max=3)
    before = alter(a_job(State.SENDING), page_count=page_count - 1)
    job = after(before, *arrived(page_count - 1, a_page("next")), limits=limits)

    job = after(job, Sent(page_count - 1, 0), limits=limits)

    assert job.state is state
    assert (job.error_code == ErrorCode.TOO_MANY_PAGES) is (state is State.FAILED)


def test_a_source_that_ends_at_the_bound_on_pages_is_whole() -> None:
    job = sending(a_page(None), page_count=2)

    job = after(job, Sent(2, 0), NOTHING_GONE, limits=Limits(pages_max=3))

    assert job.state is State.CLOSING


@pytest.mark.parametrize(("length", "lead_in"), CIRCLES)
def test_a_circle_of_cursors_is_found(length: int, lead_in: int) -> None:
    """Whatever its length, and however many pages lead into it."""
    job = a_job(State.SENDING)
    for index in range(ROUNDS_MAX * (length + lead_in)):
        on_circle = (index - lead_in) % length if index >= lead_in else index - lead_in
        job = replace(job, turn=a_job(State.SENDING).turn)
        job = after(job, *arrived(index, page_at(on_circle)))
        if job.state is State.FAILED:
            break

    assert job.state is State.FAILED
    assert job.crawl.page_count >= lead_in + length
    assert job.error_code == "source-bad-cursor"


def page_at(number: int) -> Page:
    return a_page(f"cursor {number}", batch_count=0)


@given(st.integers(1, 300), st.integers(1, 5))
def test_a_source_that_names_each_page_once_is_no_circle(page_count: int, turn_pages: int) -> None:
    limits = Limits(turn_pages_max=turn_pages)
    job = a_job(State.SENDING, Mode.INCREMENTAL)

    for index in range(page_count):
        is_last = index == page_count - 1
        page = a_page(None, batch_count=0) if is_last else page_at(index)
        job = after(job, *arrived(index, page), limits=limits)
        if job.turn is None and not is_last:
            job = after(job, WOKE, limits=limits)

    assert (job.state, job.crawl.page_count) == (State.SUCCEEDED, page_count)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(("total_count", "is_wrong"), [(10, False), (9, True), (11, True)])
def test_a_source_that_ends_elsewhere_than_at_its_total_has_not_ended(
    mode: Mode, total_count: int, *, is_wrong: bool
) -> None:
    job = alter(a_job(State.SENDING, mode), page_count=1, record_count=5)

    job, effects = at(job, arrived(1, a_page(None, total_count=total_count))[0])

    assert (job.state is State.FAILED) is is_wrong
    is_full = mode is Mode.FULL
    landed = None if is_full else PageProgress()
    packing = Pack(1, job.upload.id, None, landed=landed, is_all_sent=is_full, lists_all=is_full)
    assert effects == (() if is_wrong else (packing,))
    if total_count == 11:
        assert job.error_code == "source-bad-count"


def test_a_total_is_compared_with_the_records_rejected_too() -> None:
    assert sending(a_page(None, reject_count=2, total_count=7)).state is State.SENDING


def test_a_total_says_nothing_before_the_end() -> None:
    assert sending(a_page("b", total_count=1_000)).state is State.SENDING


# Uploads that something else discarded


def test_an_upload_that_glean_no_longer_has_is_begun_anew_in_a_turn_of_its_own() -> None:
    job = sending(a_page("b"), cursor="a", page_count=1, document_count=3, closing_index=0)

    displaced, effects = at(job, Displaced("the upload is replaced"), LATER_MS)
    woken, opened = at(displaced, WOKE, displaced.alarm_at_ms or 0)

    assert (displaced.state, displaced.turn, effects) == (State.OPENING, None, ())
    assert displaced.alarm_at_ms == LATER_MS + ALARM_MS_MIN
    assert (displaced.crawl.cursor, displaced.crawl.page_count, displaced.crawl.document_count) == (
        None,
        0,
        0,
    )
    assert (displaced.crawl_count, displaced.restart_count) == (2, 1)
    assert displaced.started_at_ms == LATER_MS
    assert displaced.upload.closing_index is None  # the new crawl may have no documents
    assert displaced.notes[-1].kind == EventKind.RESTARTED
    assert opened == (Open("job-2"),)
    assert woken.pacing.attempt == 1


@pytest.mark.parametrize("restarts_max", [0, 1, 3])
def test_a_job_begins_anew_so_often_and_no_more(restarts_max: int) -> None:
    limits = Limits(restarts_max=restarts_max)
    job = a_job(State.SENDING)
    for count in range(1, restarts_max + 1):
        job = after(job, Displaced("replaced"), limits=limits)
        assert (job.state, job.restart_count) == (State.OPENING, count)
        job = replace(a_job(State.SENDING), restart_count=job.restart_count)

    job, effects = at(job, Displaced("replaced"), limits=limits)

    assert (job.state, effects) == (State.FAILED, ())
    assert job.error_code == ErrorCode.UPLOAD_LOST


def test_progress_does_not_forgive_restarts() -> None:
    displaced = after(a_job(State.SENDING), Displaced("replaced"))

    job = after(replace(a_job(State.SENDING), restart_count=displaced.restart_count), *landed())

    assert job.restart_count == 1


def landed() -> tuple[Event, ...]:
    return (*arrived(0, a_page("b")), Sent(0, 0))


def test_progress_ends_the_error_and_the_count_of_tries() -> None:
    troubled = alter(a_job(State.SENDING), attempt=5, death_count=3, error="trouble")

    job = after(troubled, *arrived(0, a_page(batch_count=0)), now_ms=LATER_MS)

    assert (job.pacing.attempt, job.pacing.death_count, job.error) == (1, 0, "")
    assert job.pacing.progress_at_ms == LATER_MS


def test_a_job_with_the_default_limits_takes_a_page_of_the_largest_budget() -> None:
    page = a_page("b", batch_count=LIMITS.page_batches_max, byte_count=LIMITS.page_bytes_max)

    job = after(sending(page), *[Sent(0, n) for n in range(LIMITS.page_batches_max)])

    assert (job.crawl.page_count, job.turn) == (1, None)  # and its requests have spent the turn


def test_a_woken_job_forgets_nothing_that_is_in_glean() -> None:
    job = after(a_job(State.SENDING), *landed())

    woken = after(replace(job, turn=None), Woke(watermark_ms=5), now_ms=LATER_MS)

    assert (woken.crawl.cursor, woken.crawl.page_count, woken.crawl.document_count) == ("b", 1, 3)
