from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import Failed
from durable.machine.job import Flight, State, Usage
from durable.machine.pacing import (
    ALARM_MS_MIN,
    REQUESTS_PER_BATCH,
    is_spent,
    is_stalled,
    lease_ms,
    leased,
    paced,
    soon,
    spent,
    taken_over,
    wait_ms,
)
from durable.machine.rate import Rate
from tests.fakes.jobs import LIMITS, NOW_MS, a_job, a_page


TURN = Usage(started_at_ms=NOW_MS)
WHOLE_MS = lease_ms(a_job(State.SENDING), LIMITS)


@pytest.mark.parametrize(
    ("at_ms", "armed_ms"),
    [
        (0, NOW_MS + ALARM_MS_MIN),
        (NOW_MS, NOW_MS + ALARM_MS_MIN),
        (NOW_MS + ALARM_MS_MIN, NOW_MS + ALARM_MS_MIN),
        (NOW_MS + ALARM_MS_MIN + 1, NOW_MS + ALARM_MS_MIN + 1),
    ],
)
def test_an_alarm_is_set_a_little_ahead_of_now_at_least(at_ms: int, armed_ms: int) -> None:
    assert soon(at_ms, NOW_MS) == armed_ms


@pytest.mark.parametrize("attempt", [0, 1])
def test_the_first_wait_is_the_shortest(attempt: int) -> None:
    job = replace(a_job(State.SENDING), attempt=attempt)

    assert wait_ms(job, Failed("", is_transient=True), LIMITS) == LIMITS.backoff_ms_min


@given(
    st.integers(0, 10**6),
    st.integers(0, 10**15),
    st.floats(0, 1),
    st.integers(1, 10**7),
    st.integers(1, 10**9),
)
def test_a_wait_is_between_what_was_asked_for_and_both_caps(
    attempt: int, asked_ms: int, jitter: float, backoff_ms_min: int, backoff_ms_max: int
) -> None:
    limits = Limits(backoff_ms_min=backoff_ms_min, backoff_ms_max=backoff_ms_max)
    job = replace(a_job(State.SENDING), attempt=attempt)

    waited_ms = wait_ms(job, Failed("", True, asked_ms, jitter), limits)

    told_ms = min(asked_ms, limits.retry_after_ms_max)
    assert told_ms <= waited_ms <= told_ms + backoff_ms_max


def test_jitter_is_of_the_back_off_and_not_of_what_was_asked_for() -> None:
    job = replace(a_job(State.SENDING), attempt=4)

    waits_ms = [wait_ms(job, Failed("", True, 60_000, jitter), LIMITS) for jitter in (0, 0.5, 1)]

    assert waits_ms == [60_000, 64_000, 68_000]


@pytest.mark.parametrize(
    ("turn", "now_ms", "is_over"),
    [
        (TURN, NOW_MS, False),
        (replace(TURN, page_count=499), NOW_MS, False),
        (replace(TURN, page_count=500), NOW_MS, True),
        (replace(TURN, byte_count=64 * 1024 * 1024 - 1), NOW_MS, False),
        (replace(TURN, byte_count=64 * 1024 * 1024), NOW_MS, True),
        (replace(TURN, request_count=2_999), NOW_MS, False),
        (replace(TURN, request_count=3_000), NOW_MS, True),
        (TURN, NOW_MS + 29_999, False),
        (TURN, NOW_MS + 30_000, True),
    ],
)
def test_a_turn_is_spent_by_whichever_bound_is_reached(
    turn: Usage, now_ms: int, *, is_over: bool
) -> None:
    assert is_spent(a_job(State.SENDING), turn, now_ms, LIMITS) is is_over


@pytest.mark.parametrize(
    ("turn", "is_over"),
    [
        (replace(TURN, page_count=124), False),
        (replace(TURN, page_count=125), True),
        (replace(TURN, byte_count=16 * 1024 * 1024 - 1), False),
        (replace(TURN, byte_count=16 * 1024 * 1024), True),
        (replace(TURN, request_count=2_999), False),
    ],
)
def test_halvings_are_of_what_kills(turn: Usage, *, is_over: bool) -> None:
    """Pages and bytes; the requests and the time of a turn kill nobody."""
    job = replace(a_job(State.SENDING), halving_count=2)

    assert is_spent(job, turn, NOW_MS, LIMITS) is is_over


def test_the_smallest_turn_has_one_page() -> None:
    job = replace(a_job(State.SENDING), halving_count=9)

    assert not is_spent(job, TURN, NOW_MS, LIMITS)
    assert is_spent(job, replace(TURN, page_count=1), NOW_MS, LIMITS)


@pytest.mark.parametrize(
    ("alarm_at_ms", "leased_to_ms"),
    [
        (None, NOW_MS + WHOLE_MS),
        (NOW_MS - 1, NOW_MS + WHOLE_MS),
        (NOW_MS + LIMITS.lease_ms // 2 - 1, NOW_MS + WHOLE_MS),
        (NOW_MS + LIMITS.lease_ms // 2, NOW_MS + LIMITS.lease_ms // 2),
        (NOW_MS + 90_000, NOW_MS + 90_000),
    ],
    ids=["none", "past", "less than half", "half", "more than all"],
)
def test_a_lease_is_renewed_when_less_than_half_of_the_longest_is_left(
    alarm_at_ms: int | None, leased_to_ms: int
) -> None:
    job = replace(a_job(State.SENDING), alarm_at_ms=alarm_at_ms)

    assert leased(job, NOW_MS, LIMITS).alarm_at_ms == leased_to_ms


def test_the_shortest_lease_is_still_ahead_of_now() -> None:
    job = replace(a_job(State.SENDING), alarm_at_ms=None)

    assert leased(job, NOW_MS, Limits(lease_ms=1)).alarm_at_ms == NOW_MS + ALARM_MS_MIN


def test_a_page_costs_its_bytes_and_its_requests() -> None:
    empty = Flight(a_page(batch_count=0, byte_count=7))
    turn = spent(TURN, empty)
    page = replace(a_page(batch_count=4, byte_count=5, reject_count=6), request_count=3)
    turn = spent(turn, Flight(page, rejected_document_count=2, rejected_deletion_count=1))

    assert (turn.page_count, turn.byte_count, turn.started_at_ms) == (2, 12, NOW_MS)
    assert turn.request_count == 1 + 3 + 4 * REQUESTS_PER_BATCH
    assert (turn.document_count, turn.deletion_count) == (3 * 4 - 2, 2 * 4 - 1)
    assert turn.reject_count == 6 + 2 + 1


# What was used of a rate, is used


SLOW, FAST = (
    Rate(requests=2, per=timedelta(milliseconds=60_000)),
    Rate(requests=9, per=timedelta(milliseconds=1_000)),
)
AT_SLOW = replace(a_job(State.SENDING), rate=SLOW, asked_until_ms=NOW_MS + 50_000, asked_count=2)


def test_a_source_of_another_rate_is_counted_apart_and_the_first_one_again_later() -> None:
    at_fast = paced(AT_SLOW, FAST, NOW_MS)
    asked = replace(at_fast, asked_until_ms=NOW_MS + 900, asked_count=4)
    at_none = paced(asked, None, NOW_MS)

    assert (at_fast.rate, at_fast.asked_until_ms, at_fast.asked_count) == (FAST, 0, 0)
    assert (at_none.rate, at_none.asked_count) == (None, 0)
    assert paced(at_none, SLOW, NOW_MS) == replace(AT_SLOW, spans=((FAST, NOW_MS + 900, 4),))
    again = paced(at_none, FAST, NOW_MS)
    assert (again.asked_until_ms, again.asked_count) == (NOW_MS + 900, 4)


def test_sources_of_one_rate_are_counted_together() -> None:
    assert paced(AT_SLOW, Rate(requests=2, per=timedelta(milliseconds=60_000)), NOW_MS) == AT_SLOW


def test_a_span_that_is_over_is_forgotten() -> None:
    assert paced(AT_SLOW, FAST, NOW_MS + 50_000).spans == ()


USED_UP = replace(
    AT_SLOW,
    id="last",
    spans=((FAST, NOW_MS + 900, 4),),
    source_at_ms=NOW_MS + 50_000,
    indexed_until_ms=NOW_MS + 30_000,
)


def test_a_job_takes_over_what_the_one_before_it_has_used() -> None:
    job = taken_over(a_job(State.QUEUED), USED_UP, "")

    assert replace(USED_UP, id="job") == taken_over(replace(AT_SLOW, rate=None), USED_UP, "")
    assert (job.id, job.state, job.indexed_until_ms) == ("job", State.QUEUED, NOW_MS + 30_000)


def test_the_first_job_and_one_that_is_queued_again_have_their_own() -> None:
    assert taken_over(AT_SLOW, None, "") == AT_SLOW
    assert taken_over(USED_UP, replace(USED_UP, indexed_until_ms=0), "") == USED_UP


@pytest.mark.parametrize(("fingerprint", "page_bytes"), [("one", {"documents": 7}), ("other", {})])
def test_a_job_knows_how_large_the_pages_of_its_definition_were(
    fingerprint: str, page_bytes: dict[str, int]
) -> None:
    last = replace(USED_UP, fingerprint="one", page_bytes={"documents": 7})

    assert taken_over(a_job(State.QUEUED), last, fingerprint).page_bytes == page_bytes


STALL_MS, MANY = LIMITS.stall_ms_max, LIMITS.pauses_max


@pytest.mark.parametrize(
    ("since_ms", "paused_ms", "pause_count", "stalled"),
    [
        (STALL_MS - 1, 0, 0, False),
        (STALL_MS, 0, 0, True),
        (STALL_MS, 1, 1, False),
        (10 * STALL_MS, 9 * STALL_MS + 1, MANY - 1, False),
        (10 * STALL_MS, 9 * STALL_MS, MANY - 1, True),
        (STALL_MS, STALL_MS, MANY, True),
        (STALL_MS - 1, STALL_MS, 2 * MANY, False),
    ],
)
def test_rests_that_were_asked_for_are_no_time_without_progress_but_for_too_many(
    since_ms: int, paused_ms: int, pause_count: int, *, stalled: bool
) -> None:
    job = replace(a_job(State.SENDING), paused_ms=paused_ms, pause_count=pause_count)
    job = replace(job, progress_at_ms=NOW_MS - since_ms)

    assert is_stalled(job, NOW_MS, LIMITS) is stalled
