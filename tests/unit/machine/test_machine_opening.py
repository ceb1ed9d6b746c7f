"""How a turn begins: of a job that is new, goes on, or was queued again by a person."""

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import (
    ApplyPacks,
    Failed,
    Fetch,
    ListGone,
    Open,
    Opened,
    QueryUpload,
    UploadQueried,
    Woke,
)
from durable.machine.gone import Gone
from durable.machine.job import Job, JobSpec, Mode, Stage, UploadStatus
from durable.machine.notes import EventKind
from durable.machine.states import State
from tests.fakes.jobs import APPLIED, NOTHING_GONE, NOW_MS, WOKE, a_job, after, alter, at


LATER_MS = NOW_MS + 5_000
DEFINED = Woke(spec=JobSpec(fingerprint="one"))
REDEFINED = Woke(spec=JobSpec(fingerprint="two"))


def half_way(state: State, mode: Mode = Mode.FULL) -> Job:
    """Three pages are in Glean."""
    return alter(
        a_job(state, mode),
        cursor="d",
        landmark_cursor="c",
        landmark_page=2,
        document_cursor="c",
        page_count=3,
        document_count=9,
        deletion_count=6,
        byte_count=30,
        record_count=16,
        reject_count=1,
        fingerprint="one",
    )


def queued_again(mode: Mode = Mode.FULL) -> Job:
    """As a person's retry leaves it."""
    job = half_way(State.SENDING, mode)
    return alter(
        job,
        state=State.QUEUED,
        resumes=True,
        queued_cursor=job.crawl.cursor,
        cursor=None,
        turn=None,
        attempt=0,
    )


def assert_is_at_the_start(job: Job) -> None:
    assert (job.crawl.cursor, job.crawl.landmark_cursor, job.crawl.landmark_page) == (None, None, 0)
    assert (job.crawl.document_cursor, job.crawl.has_end, job.crawl.flights) == (None, False, ())
    assert (job.crawl.page_count, job.crawl.document_count, job.crawl.deletion_count) == (0, 0, 0)
    assert (job.crawl.byte_count, job.crawl.record_count, job.crawl.reject_count) == (0, 0, 0)
    assert (job.resumes, job.upload.is_close_answered) == (False, False)


def test_the_first_turn_notes_what_the_job_is_to_be_measured_by() -> None:
    job = after(
        a_job(State.QUEUED),
        Woke(watermark_ms=7, known_counts={Stage.DOCUMENTS: 40}, spec=JobSpec(fingerprint="f")),
        now_ms=LATER_MS,
    )

    assert (job.started_at_ms, job.pacing.progress_at_ms) == (LATER_MS, LATER_MS)
    assert (job.known_count, job.fingerprint, job.crawl_count) == (40, "f", 1)


def test_later_turns_do_not_measure_it_anew() -> None:
    job = after(a_job(State.QUEUED), Woke(known_counts={Stage.DOCUMENTS: 40}), Opened())
    yielded = replace(job, turn=None)

    later = after(yielded, Woke(watermark_ms=9), now_ms=LATER_MS)

    assert (later.known_count, later.since_ms, later.started_at_ms) == (40, None, NOW_MS)


def test_a_job_queued_again_asks_after_its_upload() -> None:
    job, effects = at(queued_again(), DEFINED, LATER_MS)

    assert (job.state, effects) == (State.OPENING, (QueryUpload("job-1"),))
    assert (job.crawl.page_count, job.crawl.cursor, job.upload.id) == (3, "d", "job-1")
    assert job.pacing.progress_at_ms == LATER_MS  # the time without progress begins anew


def test_an_upload_that_is_still_open_is_gone_on_with() -> None:
    job, effects = at(after(queued_again(), DEFINED), UploadQueried(UploadStatus.OPEN))

    assert effects == (Fetch(3, "d"),)
    assert (job.state, job.resumes, job.crawl_count) == (State.SENDING, False, 1)
    assert (job.crawl.document_count, job.crawl.record_count, job.crawl.reject_count) == (9, 16, 1)
    assert (job.started_at_ms, job.pacing.attempt) == (NOW_MS, 1)


def test_an_open_upload_that_has_all_pages_is_closed() -> None:
    queued = alter(queued_again(), has_end=True, queued_cursor=None)

    job, effects = at(after(queued, DEFINED), UploadQueried(UploadStatus.OPEN))

    assert (job.state, effects) == (State.SENDING, (ListGone(Gone()),))
    job, effects = at(job, NOTHING_GONE)
    assert (job.state, effects) == (State.CLOSING, (QueryUpload("job-1"),))


def test_a_closed_upload_that_has_all_pages_is_a_success() -> None:
    queued = alter(queued_again(), has_end=True, queued_cursor=None)

    job, effects = at(after(queued, DEFINED), UploadQueried(UploadStatus.CLOSED), LATER_MS)
    assert (job.state, effects) == (State.CLOSING, (ApplyPacks(0),))
    job, effects = at(job, APPLIED, LATER_MS)

    assert (job.state, effects) == (State.SUCCEEDED, ())
    assert (job.finished_at_ms, job.alarm_at_ms) == (LATER_MS, None)


@pytest.mark.parametrize("has_end", [False, True], ids=["half way", "at its end"])
@pytest.mark.parametrize("standing", [UploadStatus.REPLACED, UploadStatus.UNLISTED])
def test_an_upload_that_is_gone_is_begun_anew(standing: UploadStatus, *, has_end: bool) -> None:
    queued = alter(queued_again(), has_end=has_end)

    job, effects = at(after(queued, DEFINED), UploadQueried(standing), LATER_MS)

    assert effects == (Open("job-2"),)
    assert job.state is State.OPENING
    assert_is_at_the_start(job)
    assert (job.crawl_count, job.restart_count, job.started_at_ms) == (2, 0, LATER_MS)
    assert job.notes[-1].text == f"the upload job-1 is {standing}: begins anew"


def test_an_opening_in_place_of_an_upload_that_is_gone_is_the_first_try() -> None:
    opening = after(queued_again(), DEFINED, UploadQueried(UploadStatus.REPLACED))

    failed = after(opening, Failed("busy", is_transient=True, effect=Open("job-2")))

    assert (opening.pacing.attempt, failed.pacing.attempt) == (1, 1)
    assert failed.pacing.retry_at_ms is not None
    assert after(failed, DEFINED, now_ms=failed.pacing.retry_at_ms).pacing.attempt == 2


def test_an_upload_closed_before_it_had_all_pages_is_begun_anew() -> None:
    job, effects = at(after(queued_again(), DEFINED), UploadQueried(UploadStatus.CLOSED))

    assert effects == (Open("job-2"),)
    assert_is_at_the_start(job)


def test_an_unanswered_question_is_asked_again() -> None:
    asking = after(queued_again(), DEFINED)
    failed = after(asking, Failed("busy", is_transient=True))
    assert failed.pacing.retry_at_ms is not None

    job, effects = at(failed, DEFINED, failed.pacing.retry_at_ms)

    assert (job.state, job.resumes, effects) == (State.OPENING, True, (QueryUpload("job-1"),))


def test_a_question_lost_by_a_death_is_asked_again() -> None:
    _, effects = at(after(queued_again(), DEFINED), DEFINED)

    assert effects == (QueryUpload("job-1"),)


def test_a_job_ended_before_its_first_turn_begins_like_any_other() -> None:
    queued = replace(a_job(State.QUEUED), resumes=True)

    job, effects = at(queued, Woke(known_counts={Stage.DOCUMENTS: 8}), LATER_MS)

    assert effects == (Open("job-1"),)
    assert (job.crawl_count, job.started_at_ms, job.resumes) == (1, LATER_MS, False)


def test_a_job_queued_again_that_never_had_an_upload_opens_one() -> None:
    queued = alter(queued_again(), upload_id="", upload_count=0)

    job, effects = at(queued, DEFINED)

    assert (job.resumes, effects) == (False, (Open("job-1"),))


def test_an_incremental_job_goes_on_without_asking() -> None:
    queued = replace(queued_again(Mode.INCREMENTAL), since_ms=7)

    job, effects = at(queued, Woke(watermark_ms=8, spec=JobSpec(fingerprint="one")))

    assert effects == (Fetch(3, "d"),)
    assert (job.state, job.crawl_count, job.crawl.document_count) == (State.SENDING, 1, 9)


def test_an_incremental_job_that_has_sent_all_succeeds_at_once() -> None:
    queued = alter(queued_again(Mode.INCREMENTAL), has_end=True)

    job, effects = at(queued, DEFINED)

    assert (job.state, effects) == (State.SUCCEEDED, ())


@pytest.mark.parametrize("state", [State.OPENING, State.SENDING])
def test_a_redefined_connector_begins_a_working_job_anew(state: State) -> None:
    working = replace(half_way(state), turn=None)

    job, effects = at(working, REDEFINED, LATER_MS)

    assert effects == (Open("job-2"),)
    assert job.state is State.OPENING
    assert_is_at_the_start(job)
    assert (job.fingerprint, job.crawl_count, job.restart_count) == ("two", 2, 0)
    assert job.started_at_ms == LATER_MS  # what changed before, the new crawl reads too
    assert job.notes[-1].kind == EventKind.RESTARTED


def test_a_redefined_connector_begins_an_incremental_job_anew_from_the_same_watermark() -> None:
    working = replace(half_way(State.SENDING, Mode.INCREMENTAL), turn=None, since_ms=7)

    job, effects = at(working, Woke(watermark_ms=9, spec=JobSpec(fingerprint="two")))

    assert effects == (Fetch(0, None),)
    assert_is_at_the_start(job)


def test_a_redefined_connector_begins_a_job_queued_again_anew() -> None:
    job, effects = at(queued_again(), REDEFINED)

    assert effects == (Open("job-2"),)
    assert_is_at_the_start(job)
    assert job.crawl_count == 2


@pytest.mark.parametrize(
    ("stored", "woke"),
    [("", REDEFINED), ("one", WOKE), ("one", DEFINED)],
    ids=["stored by earlier code", "not to be had", "the same"],
)
def test_a_definition_that_is_not_known_to_differ_changes_nothing(stored: str, woke: Woke) -> None:
    working = replace(half_way(State.SENDING), turn=None, fingerprint=stored)

    job, effects = at(working, woke)

    assert effects == (Fetch(3, "d"),)
    assert job.crawl_count == 1
    assert job.fingerprint == (woke.spec.fingerprint or stored)


def test_a_first_turn_is_not_begun_anew_for_being_the_first() -> None:
    job = after(a_job(State.QUEUED), DEFINED)

    assert job.crawl_count == 1
    assert [note.text for note in job.notes] == ["begun"]


def test_a_job_that_earlier_code_failed_at_its_close_does_not_count_its_pages_twice() -> None:
    body = alter(half_way(State.QUEUED), resumes=True, cursor=None, fingerprint="")

    job, effects = at(body, DEFINED)

    assert (job.crawl.page_count, job.crawl.document_count, effects) == (0, 0, (Open("job-1"),))


def test_a_resumed_job_has_the_source_to_its_end_at_the_bound_on_pages() -> None:
    queued = alter(queued_again(), has_end=True, queued_cursor=None)

    resumed = DEFINED, UploadQueried(UploadStatus.OPEN), NOTHING_GONE
    job = after(queued, *resumed, limits=Limits(pages_max=3))

    assert job.state is State.CLOSING
