"""What INCREMENTAL jobs try again of what was rejected, from where, and for how long."""

import msgspec
import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import Woke
from durable.machine.job import FinishedStage, Job, JobSpec, Mode, Stage, with_crawl
from durable.machine.machine import step
from durable.machine.open_rejects import (
    KEPT_MAX,
    OpenReject,
    OpenRejects,
    accept,
    let_go,
    outdated_count,
    reach_back,
    reject_name,
    rejected_names,
    settle_rejects,
)
from durable.machine.states import State
from durable.machine.transitions import promote_to_full


HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_764_000_000_000
WATERMARK_MS = NOW_MS - HOUR_MS
LIMITS = Limits()
SPEC = JobSpec(changing=(Stage.USERS, Stage.DELETIONS, Stage.DOCUMENTS))
JOB = Job(
    id="notes-2",
    connector="notes",
    mode=Mode.INCREMENTAL,
    created_at_ms=NOW_MS,
    state=State.SUCCEEDED,
    stages=(Stage.DOCUMENTS,),
    since_ms=WATERMARK_MS,
    started_at_ms=NOW_MS,
    finished_at_ms=NOW_MS + 1,
)
FULL = replace(JOB, mode=Mode.FULL, since_ms=None)
DOCUMENTS = Stage.DOCUMENTS.value


def open_since(since_ms: int, first_at_ms: int, **others: OpenReject) -> OpenRejects:
    one = OpenReject(since_ms, first_at_ms, first_at_ms)
    return OpenRejects({DOCUMENTS: {"a": one, **others}})


def reaches(rejects: OpenRejects, spec: JobSpec = SPEC, limits: Limits = LIMITS) -> object:
    return reach_back(JOB, rejects, spec, NOW_MS, limits).reaches


def settled(before: OpenRejects, job: Job, *names: str) -> dict[str, OpenReject]:
    after = settle_rejects(before, job, {DOCUMENTS: set(names)}, WATERMARK_MS, LIMITS)
    return dict(after.of(DOCUMENTS))


def test_a_job_reads_from_where_the_oldest_was_read_that_is_tried_again() -> None:
    oldest_ms = WATERMARK_MS - 5 * HOUR_MS
    later = OpenReject(WATERMARK_MS - HOUR_MS, NOW_MS - HOUR_MS, NOW_MS)
    rejects = open_since(oldest_ms, NOW_MS - 5 * HOUR_MS, b=later)

    job = reach_back(JOB, rejects, SPEC, NOW_MS, LIMITS)

    assert (job.reaches, job.retried_count) == ({Stage.DOCUMENTS: oldest_ms}, 2)
    assert (job.since_ms, job.reads_from_ms) == (WATERMARK_MS, oldest_ms)


@pytest.mark.parametrize(
    ("age_ms", "is_tried"), [(0, True), (DAY_MS - 1, True), (DAY_MS, False), (9 * DAY_MS, False)]
)
def test_it_is_tried_again_for_a_day_after_it_was_rejected_first(
    age_ms: int, *, is_tried: bool
) -> None:
    rejects = open_since(WATERMARK_MS - 1, NOW_MS - age_ms)

    assert bool(reaches(rejects)) is is_tried
    assert let_go(rejects, DOCUMENTS, NOW_MS, LIMITS) == (set() if is_tried else {"a"})
    assert outdated_count(rejects, NOW_MS, LIMITS) == (not is_tried)


def test_a_limit_of_nought_has_nothing_tried_again() -> None:
    rejects = open_since(WATERMARK_MS - 1, NOW_MS)

    assert reaches(rejects, limits=Limits(rejects_retried_ms=0)) == {}


def test_no_more_is_asked_for_than_the_source_keeps() -> None:
    rejects = open_since(WATERMARK_MS - 9 * HOUR_MS, NOW_MS - 1)

    kept = {Stage.DOCUMENTS: NOW_MS - 3 * HOUR_MS}
    assert reaches(rejects, replace(SPEC, kept_ms=3 * HOUR_MS)) == kept
    assert reaches(rejects, replace(SPEC, kept_ms=HOUR_MS // 2)) == {}


def test_a_stage_that_is_read_whole_reaches_back_to_nothing() -> None:
    rejects = open_since(WATERMARK_MS - 1, NOW_MS)

    assert reaches(rejects, JobSpec(changing=(Stage.USERS,))) == {}
    first = replace(JOB, since_ms=None)
    assert reach_back(first, rejects, SPEC, NOW_MS, LIMITS).reaches == {}


def test_each_stage_reads_from_a_time_of_its_own() -> None:
    one = OpenReject(WATERMARK_MS - 7, NOW_MS, NOW_MS)
    rejects = OpenRejects({Stage.USERS.value: {"a": one}})

    assert reaches(rejects) == {Stage.USERS: WATERMARK_MS - 7}


def test_what_is_deleted_again_is_brought_again_if_it_was_restored_since() -> None:
    one, other = (OpenReject(WATERMARK_MS - ago, NOW_MS, NOW_MS) for ago in (7, 3))
    deletion = {Stage.DELETIONS.value: {"a": one}}

    expected = {Stage.DELETIONS: WATERMARK_MS - 7, Stage.DOCUMENTS: WATERMARK_MS - 7}
    assert reaches(OpenRejects(deletion)) == expected
    assert reaches(OpenRejects({**deletion, DOCUMENTS: {"b": other}})) == expected
    whole = JobSpec(changing=(Stage.DELETIONS,))
    assert reaches(OpenRejects(deletion), whole) == {Stage.DELETIONS: WATERMARK_MS - 7}


def test_a_job_that_becomes_a_full_one_reads_all() -> None:
    job = replace(JOB, state=State.SENDING, reaches={Stage.DOCUMENTS: 5})

    assert promote_to_full(job, "why", NOW_MS, LIMITS).reads_from_ms is None


def test_what_a_job_rejects_is_read_again_from_where_that_read() -> None:
    new = OpenReject(WATERMARK_MS, NOW_MS + 1, NOW_MS + 1)

    assert settled(OpenRejects(), JOB, "a") == {"a": new}
    reached = replace(JOB, reaches={Stage.DOCUMENTS: 5})  # what was before, earlier jobs have read
    assert settled(OpenRejects(), reached, "a") == {"a": new}


def test_what_is_rejected_again_stays_as_it_was_first_rejected() -> None:
    before = open_since(WATERMARK_MS - 9, NOW_MS - 7 * DAY_MS)
    again = OpenReject(WATERMARK_MS - 9, NOW_MS - 7 * DAY_MS, NOW_MS + 1)

    assert settled(before, JOB, "a") == {"a": again}
    assert settled(before, FULL, "a") == {"a": replace(again, is_of_full=True)}


def test_what_a_job_has_read_and_not_rejected_is_over() -> None:
    before = open_since(WATERMARK_MS - 9, NOW_MS - 1)
    reaching = replace(JOB, reaches={Stage.DOCUMENTS: WATERMARK_MS - 9})

    assert settled(before, reaching) == {}
    assert settled(before, FULL) == {}
    assert settled(before, replace(JOB, since_ms=None)) == {}  # it has read everything


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(JOB, id="it reads from later"),
        pytest.param(replace(JOB, since_ms=0, stages=(Stage.USERS,)), id="it brings others"),
        pytest.param(replace(FULL, started_at_ms=NOW_MS - 9), id="it was queued again"),
    ],
)
def test_what_a_job_has_not_come_by_stays_open(job: Job) -> None:
    before = open_since(WATERMARK_MS - 9, NOW_MS - 1)

    assert settled(before, job) == before.of(DOCUMENTS)


@pytest.mark.parametrize(
    ("watermark_ms", "since_ms"),
    [
        (WATERMARK_MS, WATERMARK_MS),
        (NOW_MS - 9 * DAY_MS, NOW_MS - DAY_MS),
        (None, NOW_MS - DAY_MS),
    ],
)
def test_of_what_a_full_job_rejects_the_changes_of_a_day_are_tried_again(
    watermark_ms: int | None, since_ms: int
) -> None:
    for job in (FULL, replace(JOB, since_ms=None)):
        after = settle_rejects(OpenRejects(), job, {DOCUMENTS: {"a"}}, watermark_ms, LIMITS)

        assert after.of(DOCUMENTS)["a"].since_ms == since_ms


def test_a_full_job_counts_what_it_rejects_itself() -> None:
    after = settle_rejects(OpenRejects(), FULL, {DOCUMENTS: {"a"}}, None, LIMITS)

    assert outdated_count(after, NOW_MS + 9 * DAY_MS, LIMITS) == 0


def test_what_has_come_after_all_is_rejected_no_more() -> None:
    rejects = open_since(1, 2, b=OpenReject(3, 4, 5))

    assert list(accept(rejects, DOCUMENTS, {"a", "c"}).of(DOCUMENTS)) == ["b"]
    assert accept(rejects, Stage.USERS.value, {"a"}).of(DOCUMENTS) == rejects.of(DOCUMENTS)


def test_of_very_many_the_latest_are_kept_and_fit_in_one_value() -> None:
    """The platform takes two million bytes in one, and every stage may have as many."""
    names = {f"{index:016x}" for index in range(2 * KEPT_MAX)}
    after = settle_rejects(OpenRejects(), JOB, dict.fromkeys(Stage, names), None, LIMITS)

    assert {len(of_stage) for of_stage in after.stages.values()} == {KEPT_MAX}
    assert len(msgspec.json.encode(after)) < 1_500_000


def test_what_was_rejected_while_the_clock_was_ahead_is_not_open_for_as_long() -> None:
    ahead = OpenReject(1, NOW_MS + 300 * DAY_MS, NOW_MS + 300 * DAY_MS)
    full = replace(JOB, mode=Mode.FULL, since_ms=None)

    assert settle_rejects(open_since(1, 2, b=ahead), full, {}, None, LIMITS) == OpenRejects()


def test_a_jobs_rejects_are_named_by_stage() -> None:
    names = rejected_names(JOB, [("documents", "1"), ("users", "1"), ("documents", "2")])

    assert names == {
        "documents": {reject_name("1"), reject_name("2")},
        "users": {reject_name("1")},
    }


def test_rejects_that_are_not_kept_are_one_without_a_key() -> None:
    job = with_crawl(JOB, reject_count=2)
    job = replace(job, done=(FinishedStage(Stage.USERS, 1, 0, 0, 1, 0),))
    kept = [("documents", "1"), ("users", "1")]

    assert rejected_names(job, kept)["documents"] == {reject_name("1"), reject_name("")}
    assert rejected_names(job, kept)["users"] == {reject_name("1")}


def test_what_glean_did_not_delete_of_a_full_jobs_list_is_no_record_to_read_again() -> None:
    job = replace(FULL, stages=(Stage.DOCUMENTS, Stage.DELETIONS), stage_index=1)

    assert rejected_names(job, [("deletions", "a")]) == {}
    assert rejected_names(replace(job, mode=Mode.INCREMENTAL), [("deletions", "a")]) != {}


@pytest.mark.parametrize("key", ["", "a", "\ud800", "x" * 10_000])
def test_any_key_has_a_short_name(key: str) -> None:
    assert len(reject_name(key)) == 16


def test_a_job_says_from_when_on_it_reads_and_why() -> None:
    queued = replace(JOB, state=State.QUEUED, started_at_ms=None)
    woke = Woke(
        WATERMARK_MS,
        spec=replace(SPEC, stages={Mode.INCREMENTAL: (Stage.DOCUMENTS,)}),
        rejects=open_since(NOW_MS - 3 * HOUR_MS, NOW_MS - HOUR_MS),
    )

    job, _ = step(queued, woke, NOW_MS, LIMITS)

    told = "reads documents since 2025-11-24T13:00:00.000Z: rejected records are tried again"
    assert told in [note.text for note in job.notes]
