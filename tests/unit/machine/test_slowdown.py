"""The rate of single documents, once Glean has found it too high."""

import pytest
from msgspec.structs import replace

from durable.errors import Cause
from durable.limits import Limits
from durable.machine.effects import Failed, Fetched, Pack, Send
from durable.machine.job import Job, Mode, Stage
from durable.machine.notes import WaitReason
from durable.machine.pacing import documents_per_minute, inherit_usage, is_saturated
from durable.machine.slowdown import (
    MINUTE_MS,
    RECOVERY_MS,
    SHARES,
    Slowdown,
    halve,
    rate_per_minute,
)
from durable.machine.states import State
from tests.fakes.jobs import NOW_MS, a_job, a_page, after, alter, arrived, at


PER_MINUTE = 600
LIMITS = Limits(documents_per_minute_max=PER_MINUTE)
REFUSED = Failed(
    "too many", True, effect=Send(0, 0), cause=Cause.THROTTLED, document_count=100, jitter=0.0
)


def rates(refusals_ms: list[int], per_minute_max: int = PER_MINUTE) -> list[int]:
    """After each of the refusals, at these times."""
    slowdown, found = None, []
    for at_ms in refusals_ms:
        slowdown = halve(slowdown, per_minute_max, at_ms)
        found.append(rate_per_minute(slowdown, per_minute_max, at_ms))
    return found


def test_without_a_refusal_it_is_whole() -> None:
    assert rate_per_minute(None, PER_MINUTE, NOW_MS) == PER_MINUTE


def test_a_refusal_halves_it_once_for_all_of_a_minute() -> None:
    assert rates([0, 1, MINUTE_MS - 1, MINUTE_MS]) == [300, 300, 309, 155]


@pytest.mark.parametrize(
    ("minutes", "rate"), [(0, 300), (1, 310), (10, 400), (30, 600), (31, 600), (10**6, 600)]
)
def test_it_is_regained_by_a_sixtieth_each_minute(minutes: int, rate: int) -> None:
    slowdown = halve(None, PER_MINUTE, NOW_MS)

    assert rate_per_minute(slowdown, PER_MINUTE, NOW_MS + minutes * MINUTE_MS) == rate


@pytest.mark.parametrize("per_minute_max", [1, 2, 6, 59, 60, 600, 10**6])
def test_however_often_it_is_refused_something_is_left(per_minute_max: int) -> None:
    found = rates([number * MINUTE_MS for number in range(100)], per_minute_max)

    assert min(found) >= max(1, per_minute_max // SHARES)
    assert found[-1] <= max(1, per_minute_max // 20)
    slowdown = Slowdown(0, NOW_MS)
    assert rate_per_minute(slowdown, per_minute_max, NOW_MS + RECOVERY_MS) == per_minute_max


def test_a_clock_that_goes_back_does_no_harm() -> None:
    slowdown = halve(None, PER_MINUTE, NOW_MS)

    assert rate_per_minute(slowdown, PER_MINUTE, 0) == 300
    assert halve(slowdown, PER_MINUTE, 0) == Slowdown(150, 0)


def test_a_limit_that_was_lowered_since_holds() -> None:
    assert rate_per_minute(Slowdown(300, NOW_MS), 60, NOW_MS) == 60


# In a job


def sending(mode: Mode = Mode.INCREMENTAL) -> Job:
    return after(alter(a_job(State.SENDING, mode), cursor=None), *arrived(0, a_page("b", 3)))


def rate(job: Job) -> int:
    return documents_per_minute(job, NOW_MS, LIMITS)


def test_documents_that_are_too_many_for_glean_go_half_as_fast() -> None:
    job, effects = at(alter(sending(), is_fetching=False), REFUSED, NOW_MS, LIMITS)

    assert (rate(job), effects) == (PER_MINUTE // 2, ())
    assert [note.text for note in job.notes if "300" in note.text]


def test_the_minute_is_used_up_by_whoever_else_there_is() -> None:
    job, _ = at(alter(sending(), is_fetching=False), REFUSED, NOW_MS, LIMITS)

    assert is_saturated(job, NOW_MS + 15_000, LIMITS)
    assert job.pacing.indexed_until_ms >= NOW_MS + MINUTE_MS


def test_who_says_for_how_long_is_believed() -> None:
    told = replace(REFUSED, retry_after_ms=5_000)

    job, _ = at(alter(sending(), is_fetching=False), told, NOW_MS, LIMITS)

    assert rate(job) == PER_MINUTE // 2
    assert job.pacing.retry_at_ms == NOW_MS + 5_000
    assert not is_saturated(job, NOW_MS + 5_000, LIMITS)


@pytest.mark.parametrize(
    ("job", "failure"),
    [
        (sending(Mode.FULL), REFUSED),
        (sending(), replace(REFUSED, cause=Cause.UNAVAILABLE)),
        (sending(), replace(REFUSED, cause=Cause.CONFLICT)),
        (sending(), replace(REFUSED, document_count=0)),
        (replace(sending(), stages=(Stage.USERS,)), REFUSED),
    ],
    ids=["an upload", "503", "409", "a deletion, or permissions", "people"],
)
def test_nothing_else_slows_documents(job: Job, failure: Failed) -> None:
    job, _ = at(alter(job, is_fetching=False), failure, NOW_MS, LIMITS)

    assert job.pacing.slowdown is None
    assert rate(job) == PER_MINUTE


def test_the_next_page_is_cut_into_smaller_requests() -> None:
    slowed = alter(a_job(State.SENDING, Mode.INCREMENTAL), slowdown=Slowdown(60, NOW_MS))
    for job, per_minute in ((slowed, 60), (alter(slowed, slowdown=None), None)):
        _, effects = at(job, Fetched(0, arrived(0, a_page("b"))[0].page), NOW_MS, LIMITS)

        (pack,) = (effect for effect in effects if isinstance(effect, Pack))
        assert pack.documents_per_minute == per_minute


def test_a_rest_says_what_the_rate_is_and_that_glean_found_it_too_high() -> None:
    job = alter(a_job(State.SENDING, Mode.INCREMENTAL), slowdown=Slowdown(60, NOW_MS))
    job = alter(job, indexed_until_ms=NOW_MS + MINUTE_MS)

    job = after(job, *arrived(0, a_page("b")), limits=LIMITS)

    assert job.pacing.waits_for == WaitReason.RATE
    assert "60 for now" in job.pacing.pause


def test_the_next_job_goes_on_with_it() -> None:
    last = alter(a_job(State.SUCCEEDED), id="last", slowdown=Slowdown(60, NOW_MS))

    assert inherit_usage(a_job(State.QUEUED), last, "").pacing.slowdown == Slowdown(60, NOW_MS)
