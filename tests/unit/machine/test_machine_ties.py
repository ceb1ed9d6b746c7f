"""What a job learns of its source's records: what time it is there, and what is in Glean."""

import pytest
from msgspec.structs import replace

from durable.errors import Recourse
from durable.machine.effects import Failed, Fetch, Fetched, Pack, Packed, Sent, Woke
from durable.machine.job import Job, JobSpec, Mode, Stage
from durable.machine.page_progress import PageProgress
from durable.machine.states import State
from durable.machine.ties import Tie
from tests.fakes.jobs import NOW_MS, a_job, a_page, after, alter, at


BEHIND_MS = 3_600_000
A, B, C = (Tie(key, "1", NOW_MS) for key in "abc")
NEWER_B = replace(B, digest="2")
SPEC = JobSpec(
    fingerprint="f",
    stages=dict.fromkeys(Mode, (Stage.DOCUMENTS,)),
    behind_ms_max=BEHIND_MS,
)
WOKE = Woke(watermark_ms=7, spec=SPEC, ties=(A, B))
LOST = Failed("the cursor has expired", False, effect=Fetch(0, None), recourse=Recourse.RESTART)


def reading(mode: Mode = Mode.INCREMENTAL, **fields: object) -> Job:
    """It reads its first page."""
    job = alter(a_job(State.SENDING, mode), cursor=None, behind_ms_max=BEHIND_MS, ties=(A, B))
    return alter(job, **{"stages": (Stage.DOCUMENTS,), "fingerprint": "f", **fields})


def fetched(index: int = 0, latest_ms: int = 0) -> Fetched:
    return Fetched(index, replace(a_page(f"{index}", batch_count=0), latest_ms=latest_ms))


def packed(*ties: Tie, index: int = 0, batch_count: int = 1) -> Packed:
    """A page, and the ties once all of it is sent."""
    return Packed(index, batch_count, 3 * batch_count, 0, ties=ties)


# How a job comes by them


def test_an_incremental_job_begins_with_the_ties_of_the_one_before() -> None:
    job = after(a_job(State.QUEUED, Mode.INCREMENTAL), WOKE)

    assert (job.ties, job.behind_ms_max, job.clock_ms) == ((A, B), BEHIND_MS, 0)


def test_a_full_job_has_none() -> None:
    """Of a document that is on two of its pages, either may be in Glean."""
    assert after(a_job(State.QUEUED), WOKE).ties == ()


def test_a_job_that_becomes_a_full_one_has_none() -> None:
    spec = replace(SPEC, kept_ms=1)

    job = after(a_job(State.QUEUED, Mode.INCREMENTAL), replace(WOKE, spec=spec))

    assert (job.mode, job.ties) == (Mode.FULL, ())


def test_a_job_that_repeats_rejects_has_none() -> None:
    repeating = replace(
        a_job(State.QUEUED, Mode.INCREMENTAL), repeats="job-0", stages=(Stage.DOCUMENTS,)
    )

    assert after(repeating, WOKE).ties == ()


def test_later_turns_go_on_with_what_the_job_has() -> None:
    job = replace(reading(ties=(C,)), turn=None)

    assert after(job, WOKE).ties == (C,)


def test_a_connector_that_has_changed_makes_other_documents_of_the_same_records() -> None:
    job = replace(reading(), turn=None, clock_ms=5)

    job = after(job, replace(WOKE, spec=replace(SPEC, fingerprint="g")))

    assert (job.ties, job.clock_ms, job.crawl_count) == ((), 0, 2)


def test_a_crawl_that_is_begun_anew_sends_all_of_it_anew() -> None:
    job = after(reading(clock_ms=5), LOST)

    assert (job.ties, job.clock_ms, job.rewind_count) == ((), 0, 1)


@pytest.mark.parametrize("stage", [Stage.DOCUMENTS, Stage.DELETIONS])
def test_the_documents_and_what_is_deleted_of_them_are_packed_with_ties(stage: Stage) -> None:
    _, effects = at(reading(stages=(stage,)), fetched())

    assert effects[-1] == Pack(0, "", None, landed=PageProgress(), ties=(A, B))


@pytest.mark.parametrize(
    "job",
    [
        reading(Mode.FULL),
        reading(stages=(Stage.USERS,)),
        reading(repeats="job-0"),
        reading(behind_ms_max=None),
    ],
    ids=["FULL", "users", "repeats", "records do not tell"],
)
def test_all_others_are_packed_without(job: Job) -> None:
    (pack,) = (effect for effect in at(job, fetched())[1] if isinstance(effect, Pack))

    assert pack.ties is None
    assert after(job, fetched(), Packed(0, 0, 0, 0)).ties == job.ties


def test_pages_are_packed_one_after_the_other_each_with_the_ties_of_the_one_before() -> None:
    job, first = at(reading(), fetched())
    job, second = at(job, fetched(1))
    assert (first[-1], second) == (Pack(0, "", None, landed=PageProgress(), ties=(A, B)), ())

    _, then = at(job, packed(A, NEWER_B))

    assert then[-1] == Pack(1, "", None, landed=PageProgress(), ties=(A, NEWER_B))


# What becomes of them


def test_what_a_page_changes_is_in_doubt_until_all_of_it_is_in_glean() -> None:
    """A crash would lose the page, and Glean may have a part of it."""
    job = after(reading(), fetched(), packed(A, NEWER_B, C, batch_count=2))
    assert job.ties == (A,)

    half = after(job, Sent(0, 0, entries=b"1" * 12))
    assert half.ties == (A,)

    assert after(half, Sent(0, 1)).ties == (A, NEWER_B, C)


def test_what_a_page_read_ahead_changes_is_in_doubt_too() -> None:
    job = after(reading(), fetched(), packed(A, B, C), fetched(1), packed(A, NEWER_B, C, index=1))

    assert job.ties == (A,)
    first = after(job, Sent(0, 0))
    assert first.ties == (A, C)
    assert after(first, Sent(1, 0)).ties == (A, NEWER_B, C)


def test_a_page_that_brings_nothing_leaves_them_as_they_are() -> None:
    assert after(reading(), fetched(), packed(A, B, batch_count=0)).ties == (A, B)


def test_what_glean_refuses_is_none_of_them_on_whatever_page_it_is() -> None:
    job = after(
        reading(), fetched(), packed(A, NEWER_B), fetched(1), packed(A, NEWER_B, C, index=1)
    )

    first = after(job, Sent(0, 0, rejected_document_count=1, rejected_key=B.key))
    assert first.ties == (A,)
    assert after(first, Sent(1, 0)).ties == (A, C)


def test_they_outlive_a_job_that_succeeded_and_no_other() -> None:
    last = replace(fetched(), page=a_page(None, batch_count=0))
    ended = after(reading(), last, packed(A, C, batch_count=0))
    assert (ended.state, ended.ties) == (State.SUCCEEDED, (A, C))

    failed = after(reading(), Failed("no", is_transient=False))
    assert (failed.state, failed.ties) == (State.FAILED, ())


# What time it is at the source


def test_what_a_page_tells_of_the_time_counts_once_it_is_in_glean() -> None:
    job = after(reading(Mode.FULL), fetched(latest_ms=NOW_MS - 500), packed())
    assert job.clock_ms == 0

    assert after(job, Sent(0, 0)).clock_ms == NOW_MS - 500


def test_the_page_that_tells_the_latest_time_counts() -> None:
    job = reading(clock_ms=NOW_MS - 600)

    for latest_ms, expected_ms in ((0, -600), (NOW_MS - 700, -600), (NOW_MS - 500, -500)):
        landed = after(job, fetched(latest_ms=latest_ms), packed(batch_count=0))
        assert landed.clock_ms == NOW_MS + expected_ms


def test_time_that_has_passed_since_the_start_is_taken_off() -> None:
    read = after(reading(Mode.FULL), fetched(latest_ms=NOW_MS), now_ms=NOW_MS + 9_000)

    landed = after(read, packed(), Sent(0, 0), now_ms=NOW_MS + 20_000)

    assert landed.clock_ms == NOW_MS - 9_000


def test_documents_tell_the_time_for_the_deletions_after_them() -> None:
    job = reading(stages=(Stage.DOCUMENTS, Stage.DELETIONS))
    last = replace(fetched(), page=replace(a_page(None, batch_count=0), latest_ms=NOW_MS))

    job = after(job, last, packed(A, batch_count=0))

    assert (job.stage, job.clock_ms, job.ties) == (Stage.DELETIONS, NOW_MS, (A,))
    assert after(job, LOST).clock_ms == NOW_MS
