import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from durable.errors import Cause
from durable.limits import Limits
from durable.machine.gone import Gone
from durable.machine.job import Job, Mode, Stage
from durable.machine.pages import Page
from durable.machine.safeguards import holding_reason, paging_fault, rejection_reason
from durable.machine.states import State
from tests.fakes.jobs import LIMITS, a_job, a_page, alter


SHARE_ALONE = Limits(shrink_count=0, rejects_share_count=0)


def a_list(count: int) -> Gone:
    """So many are gone, and nobody approved of any."""
    return Gone(count, count, is_whole=True)


def crawled(document_count: int, known_count: int | None) -> Job:
    """At the end of a source that has lost what is not among so many documents."""
    return alter(
        a_job(State.SENDING),
        has_end=True,
        record_count=document_count,
        known_count=known_count,
        gone=a_list(max(0, (known_count or 0) - document_count)),
    )


def rejected(reject_count: int, document_count: int = 0, *, has_end: bool = True) -> Job:
    return alter(
        a_job(State.SENDING),
        has_end=has_end,
        reject_count=reject_count,
        document_count=document_count,
        record_count=reject_count + document_count,
    )


# Shrinking


@pytest.mark.parametrize(
    ("document_count", "known_count", "limits", "is_held"),
    [
        (800, 1_000, LIMITS, False),
        (799, 1_000, LIMITS, True),
        (0, 10, LIMITS, False),
        (0, 11, LIMITS, True),
        (20, 30, LIMITS, False),
        (19, 30, LIMITS, True),
        (80, 100, SHARE_ALONE, False),
        (79, 100, SHARE_ALONE, True),
        (1, 5, Limits(shrink_count=0, shrink_max=1), False),
        (0, 5, Limits(shrink_count=0, shrink_max=1), True),
        (5, 5, Limits(shrink_count=0, shrink_max=0), False),
        (4, 5, Limits(shrink_count=0, shrink_max=0), True),
        (0, 1, Limits(shrink_count=1), False),
        (0, 2, Limits(shrink_count=1), True),
    ],
    ids=[
        "the share",
        "one more than the share",
        "none left, the count",
        "none left, one more than the count",
        "over the share, the count",
        "over the share, one more than the count",
        "the share alone",
        "one more than the share alone",
        "any share but all",
        "all",
        "no share, none missing",
        "no share, one missing",
        "the only document",
        "both documents",
    ],
)
def test_a_crawl_is_held_beyond_both_bounds(
    document_count: int, known_count: int, limits: Limits, *, is_held: bool
) -> None:
    reason = holding_reason(crawled(document_count, known_count), limits)

    assert (reason is not None) is is_held


@pytest.mark.parametrize("document_count", [0, 1, 1_000])
@pytest.mark.parametrize("known_count", [None, 0], ids=["no FULL before", "an empty one"])
def test_where_nothing_was_nothing_can_go(document_count: int, known_count: int | None) -> None:
    assert holding_reason(crawled(document_count, known_count), SHARE_ALONE) is None


@pytest.mark.parametrize("known_count", [None, 0])
def test_what_is_gone_of_what_was_not_counted_is_held_by_its_number(
    known_count: int | None,
) -> None:
    """What an upload that was given up may have left, has rows, and no count to be a share of."""
    few, many = (alter(crawled(5, known_count), gone=a_list(count)) for count in (10, 11))

    assert holding_reason(few, LIMITS) is None
    assert holding_reason(many, LIMITS) is not None


@pytest.mark.parametrize("document_count", [50, 0])
def test_what_a_person_approved_of_does_not_count(document_count: int) -> None:
    job = crawled(document_count, document_count + 50)

    approved = alter(job, gone=Gone(50, 0, is_whole=True))
    few, many = (alter(job, gone=Gone(50, count, is_whole=True)) for count in (10, 50))

    assert holding_reason(approved, LIMITS) is None
    assert holding_reason(few, LIMITS) is None
    assert holding_reason(many, LIMITS) is not None


def test_one_document_that_came_in_anothers_place_hides_no_loss() -> None:
    """Counts would be the same: it is names that are missing."""
    job = alter(crawled(1_000, 1_000), gone=a_list(500))

    assert holding_reason(job, LIMITS) is not None


def test_a_held_job_says_how_much_would_go() -> None:
    reason = holding_reason(crawled(250, 1_000), LIMITS)

    assert reason is not None
    assert "750 of 1000 documents (75 %)" in reason


@given(st.integers(0, 2_000), st.integers(0, 2_000), st.integers(0, 100), st.integers(0, 100))
def test_more_documents_are_never_held_where_fewer_are_not(
    document_count: int, known_count: int, shrink_count: int, percent: int
) -> None:
    limits = Limits(shrink_count=shrink_count, shrink_max=percent / 100)
    fewer, more = (crawled(count, known_count) for count in (document_count, document_count + 1))

    assert holding_reason(fewer, limits) is not None or holding_reason(more, limits) is None


def test_exactly_the_share_is_not_more_than_the_share() -> None:
    limits = Limits(shrink_count=0, shrink_max=0.29)

    assert holding_reason(crawled(71, 100), limits) is None


# Rejects


@pytest.mark.parametrize("has_end", [False, True], ids=["on the way", "at the end"])
@pytest.mark.parametrize(
    ("reject_count", "pending_count", "is_over"),
    [(5, 0, False), (6, 0, True), (0, 5, False), (0, 6, True), (3, 2, False), (3, 3, True)],
)
def test_rejects_are_bounded_by_their_number(
    reject_count: int, pending_count: int, *, has_end: bool, is_over: bool
) -> None:
    limits = Limits(rejects_max=5)
    job = rejected(reject_count, document_count=1_000, has_end=has_end)

    reason = rejection_reason(job, limits, pending_count)

    assert (reason is not None) is is_over
    assert reason is None or "rejects_max (5)" in reason


@pytest.mark.parametrize(
    ("reject_count", "document_count", "limits", "is_over"),
    [
        (100, 900, LIMITS, False),
        (101, 899, LIMITS, True),
        (10, 0, LIMITS, False),
        (11, 0, LIMITS, True),
        (1, 9, SHARE_ALONE, False),
        (2, 8, SHARE_ALONE, True),
        (1, 0, SHARE_ALONE, True),
        (0, 0, SHARE_ALONE, False),
        (7, 0, Limits(rejects_share_count=0, rejects_share_max=1), False),
        (1, 999, Limits(rejects_share_count=0, rejects_share_max=0), True),
    ],
    ids=[
        "the share",
        "one more than the share",
        "nothing else, the count",
        "nothing else, one more than the count",
        "the share alone",
        "one more than the share alone",
        "one and nothing else",
        "none of none",
        "any share",
        "no share",
    ],
)
def test_rejects_are_bounded_by_their_share_at_the_end(
    reject_count: int, document_count: int, limits: Limits, *, is_over: bool
) -> None:
    at_end = rejection_reason(rejected(reject_count, document_count), limits)
    before = rejection_reason(rejected(reject_count, document_count, has_end=False), limits)

    assert (at_end is not None) is is_over
    assert before is None
    assert at_end is None or "more than rejects_share_max (" in at_end


def test_no_reject_at_all_may_be_what_is_allowed() -> None:
    limits = Limits(rejects_max=0)

    assert rejection_reason(rejected(0, 5), limits) is None
    assert rejection_reason(rejected(1, 5), limits) is not None


def test_too_many_rejects_are_told_with_the_bound() -> None:
    assert "rejects_share_max (10% of 100)" in (rejection_reason(rejected(20, 80), LIMITS) or "")


def test_the_share_of_rejects_is_of_all_records() -> None:
    job = alter(rejected(12, document_count=100), record_count=1_112)  # 1,000 were deletions

    assert rejection_reason(job, LIMITS) is None


def test_exactly_the_share_of_rejects_is_not_more_than_the_share() -> None:
    limits = Limits(rejects_share_count=0, rejects_share_max=0.29)

    assert rejection_reason(rejected(29, 71), limits) is None


# Pages


def on_the_way(**changes: object) -> Job:
    return alter(a_job(State.SENDING), record_count=10, **changes)


@pytest.mark.parametrize(
    ("page", "cause"),
    [
        (a_page("b", total_count=1_000), None),
        (a_page("b", total_count=15), None),
        (a_page("b", total_count=0), Cause.BAD_COUNT),
        (a_page("b", total_count=-1), Cause.BAD_COUNT),
        (a_page(None, batch_count=0, total_count=-1), Cause.BAD_COUNT),
        (a_page(None), None),
        (a_page(None, total_count=15), None),
        (a_page(None, total_count=14), Cause.BAD_COUNT),
        (a_page(None, total_count=16), Cause.BAD_COUNT),
        (a_page(None, batch_count=0, total_count=11), Cause.BAD_COUNT),
        (a_page("a"), Cause.BAD_CURSOR),
        (a_page("A"), None),
    ],
    ids=[
        "not yet all",
        "reached, and not yet the end",
        "none, and some came",
        "not counted",
        "not counted, and empty",
        "no total",
        "the total",
        "more than the total",
        "one too few",
        "an empty last page",
        "the landmark",
        "another cursor",
    ],
)
def test_a_page_that_cannot_follow_is_named(page: Page, cause: Cause | None) -> None:
    job = on_the_way(page_count=5, landmark_cursor="a", landmark_page=4)

    assert cause_of(job, page) is cause


def cause_of(job: Job, page: Page) -> Cause | None:
    fault = paging_fault(job, page, LIMITS)
    return None if fault is None else fault.cause


def shrunk(record_count: int, told: int, total: int | None) -> Cause | None:
    job = alter(a_job(State.SENDING), record_count=record_count - 5, total_count=told)
    return cause_of(job, a_page(None, total_count=total))


def test_a_list_may_lose_records_while_it_is_read_by_a_cursor() -> None:
    assert shrunk(100, told=100, total=99) is None
    assert shrunk(85, told=100, total=85) is None
    assert shrunk(10, told=20, total=10) is None  # few


@pytest.mark.parametrize("total", [150, None])
def test_a_total_that_shrinks_by_more_than_a_few_is_named(total: int | None) -> None:
    assert shrunk(150, 200, total) is Cause.BAD_COUNT


def test_without_a_landmark_the_last_page_is_no_circle() -> None:
    assert paging_fault(on_the_way(), a_page(None), LIMITS) is None


def test_a_fault_quotes_the_beginning_of_a_long_cursor() -> None:
    fault = paging_fault(on_the_way(landmark_cursor="x" * 5_000), a_page("x" * 5_000), LIMITS)

    assert fault is not None
    assert len(fault.reason) < 400


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("mode", list(Mode))
def test_a_circle_is_found_in_every_stage(mode: Mode, stage: Stage) -> None:
    job = on_the_way(mode=mode, stages=(stage,), landmark_cursor="a", landmark_page=4)

    assert cause_of(job, a_page("a")) is Cause.BAD_CURSOR


EMPTY = replace(a_page("b", batch_count=0), record_count=0)


@pytest.mark.parametrize(
    ("empty_count", "page", "is_fault"),
    [
        (LIMITS.empty_pages_max - 1, EMPTY, False),
        (LIMITS.empty_pages_max, EMPTY, True),
        (LIMITS.empty_pages_max, replace(EMPTY, record_count=1), False),
        (LIMITS.empty_pages_max, replace(EMPTY, next_cursor=None), False),
        (LIMITS.empty_pages_max, replace(EMPTY, is_bounded=True), False),
    ],
    ids=["not yet too many", "one too many", "a record", "the end", "nearer to an end"],
)
def test_empty_pages_come_to_an_end(empty_count: int, page: Page, *, is_fault: bool) -> None:
    found = paging_fault(on_the_way(empty_count=empty_count), page, LIMITS)

    assert (found is not None) is is_fault


@pytest.mark.parametrize(
    ("mode", "repeated_count", "is_fault"),
    [
        (Mode.FULL, 0, True),
        (Mode.INCREMENTAL, LIMITS.repeated_pages_max - 1, False),
        (Mode.INCREMENTAL, LIMITS.repeated_pages_max, True),
    ],
)
def test_pages_that_come_again_come_to_an_end(
    mode: Mode, repeated_count: int, *, is_fault: bool
) -> None:
    job = on_the_way(mode=mode, repeated_count=repeated_count, landmark_digest="1-a")

    found = paging_fault(job, replace(a_page("b"), digest="1-a"), LIMITS)

    assert (found is not None) is is_fault
