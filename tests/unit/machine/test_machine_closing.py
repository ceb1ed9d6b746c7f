"""From the end of the source to the success: what Glean says of the upload decides."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.commands import Instruction, obey
from durable.machine.effects import (
    ApplyPacks,
    Close,
    Closed,
    CloseRefused,
    CloseWithDocument,
    Effect,
    Failed,
    PacksApplied,
    QueryUpload,
    UploadQueried,
    Woke,
)
from durable.machine.gone import Gone
from durable.machine.index_status import Deletions
from durable.machine.job import Job, JobSpec, UploadStatus
from durable.machine.notes import ErrorCode, EventKind
from durable.machine.pacing import ALARM_MS_MIN
from durable.machine.rate import Rate
from durable.machine.remedies import RemedyCode
from durable.machine.states import Command, State
from tests.fakes.jobs import APPLIED, LIMITS, NOW_MS, WOKE, a_job, after, alter, at


LATER_MS = NOW_MS + 5_000
STALLED_MS = NOW_MS + LIMITS.stall_ms_max
UNLISTED_MS = NOW_MS + LIMITS.settle_ms_max
REFUSED = CloseRefused("Glean answered 400: no documents")


def closing(**changes: object) -> Job:
    job = alter(a_job(State.CLOSING), page_count=2, document_count=3, document_cursor="b")
    return alter(job, **changes)


@pytest.mark.parametrize(
    ("standing", "changes", "state", "effects"),
    [
        (UploadStatus.OPEN, {}, State.CLOSING, (Close("job-1"),)),
        (
            UploadStatus.OPEN,
            {"closing_index": 0},
            State.CLOSING,
            (CloseWithDocument("job-1", "b", 0),),
        ),
        (
            UploadStatus.OPEN,
            {"closing_index": 0, "document_count": 0},
            State.CLOSING,
            (Close("job-1", is_only_page=True),),
        ),
        (UploadStatus.OPEN, {"is_close_answered": True}, State.CLOSING, ()),
        (UploadStatus.CLOSED, {}, State.CLOSING, (ApplyPacks(0),)),
        (UploadStatus.CLOSED, {"is_close_answered": True}, State.CLOSING, (ApplyPacks(0),)),
        (UploadStatus.REPLACED, {}, State.OPENING, ()),
        (UploadStatus.REPLACED, {"is_close_answered": True}, State.OPENING, ()),
        (UploadStatus.UNLISTED, {}, State.CLOSING, ()),
        (UploadStatus.UNLISTED, {"is_close_answered": True}, State.OPENING, ()),
    ],
)
def test_what_glean_says_of_the_upload_decides(
    standing: UploadStatus, changes: dict[str, object], state: State, effects: tuple[Effect, ...]
) -> None:
    job, asked = at(closing(**changes), UploadQueried(standing), LATER_MS)

    assert (job.state, asked) == (state, effects)


@pytest.mark.parametrize(
    ("known_count", "gone", "is_checked"),
    [(9, Gone(is_whole=True), False), (None, Gone(is_whole=True), True), (9, Gone(), True)],
    ids=["all that goes was named", "the ledger does not know all", "not all was compared"],
)
def test_glean_is_to_think_over_what_nobody_has_named(
    known_count: int | None, gone: Gone, *, is_checked: bool
) -> None:
    job = closing(known_count=known_count, gone=gone)

    _, asked = at(job, UploadQueried(UploadStatus.OPEN), LATER_MS)

    assert asked == (Close("job-1", is_deletion_checked=is_checked),)


def test_a_success_ends_the_job() -> None:
    troubled = closing(error="trouble", attempt=4)

    job = after(troubled, UploadQueried(UploadStatus.CLOSED), APPLIED, now_ms=LATER_MS)

    assert (job.finished_at_ms, job.pacing.progress_at_ms, job.error) == (LATER_MS, LATER_MS, "")
    assert (job.alarm_at_ms, job.turn, job.pacing.retry_at_ms) == (None, None, None)
    assert job.notes[-1].text == "succeeded"


# What a closed upload brought becomes what the ledger has


def applying(applied_count: int = 0) -> Job:
    return closing(is_closed=True, applied_count=applied_count)


def test_an_upload_goes_into_the_ledger_a_part_at_a_time() -> None:
    job, effects = at(applying(), PacksApplied(50))

    assert (job.upload.applied_count, effects) == (50, (ApplyPacks(50),))
    assert at(job, APPLIED)[0].state is State.SUCCEEDED


def test_a_turn_whose_budget_is_spent_leaves_the_rest_of_an_upload_to_the_next() -> None:
    limits = Limits(turn_ms_max=1)

    job, effects = at(applying(), PacksApplied(50), LATER_MS, limits)

    assert (job.state, job.turn, effects) == (State.CLOSING, None, ())


def test_after_a_death_glean_is_not_asked_again_about_an_upload_that_is_closed() -> None:
    job, effects = at(applying(50), WOKE)

    assert (job.state, job.upload.is_closed, effects) == (State.CLOSING, True, (ApplyPacks(50),))


def test_an_upload_that_is_closed_is_applied_whatever_the_connector_has_become() -> None:
    redefined = Woke(spec=JobSpec(fingerprint="two"))

    job, effects = at(replace(applying(50), fingerprint="one"), redefined)

    assert (job.state, effects) == (State.CLOSING, (ApplyPacks(50),))


@pytest.mark.parametrize("deletions", [Deletions.DONE, Deletions.PAUSED, Deletions.PENDING])
def test_what_glean_says_of_the_deletions_is_kept_with_the_upload(deletions: Deletions) -> None:
    before = closing()

    job = after(before, UploadQueried(UploadStatus.CLOSED, deletions), now_ms=LATER_MS)

    (upload,) = job.closed
    told = (upload.stage, upload.upload_id, upload.at_ms, upload.deletions)
    assert told == ("documents", before.upload.id, LATER_MS, deletions.value)
    is_noted = any("DELETION PAUSED" in note.text for note in job.notes)
    assert is_noted is (deletions is Deletions.PAUSED)


def test_an_answered_close_is_checked_with_glean() -> None:
    job, effects = at(closing(), Closed())

    assert (job.state, job.upload.is_close_answered, effects) == (
        State.CLOSING,
        True,
        (QueryUpload("job-1"),),
    )


@pytest.mark.parametrize("death_or_failure", [WOKE, Failed("lost", is_transient=True)])
def test_a_close_whose_answer_was_lost_is_asked_about_before_it_is_repeated(
    death_or_failure: Woke | Failed,
) -> None:
    job = after(closing(), UploadQueried(UploadStatus.OPEN), death_or_failure)
    if job.pacing.retry_at_ms is not None:
        job, effects = at(job, WOKE, job.pacing.retry_at_ms)
    else:
        job, effects = at(job, WOKE)

    assert (job.state, effects) == (State.CLOSING, (QueryUpload("job-1"),))


@pytest.mark.parametrize("standing", [UploadStatus.REPLACED, UploadStatus.UNLISTED])
def test_an_upload_lost_at_its_close_is_a_restart(standing: UploadStatus) -> None:
    job = after(closing(unsettled_at_ms=NOW_MS), UploadQueried(standing), now_ms=UNLISTED_MS)

    assert (job.state, job.restart_count, job.crawl_count) == (State.OPENING, 1, 2)
    assert (job.crawl.page_count, job.crawl.document_count, job.crawl.has_end) == (0, 0, False)
    assert not job.upload.is_close_answered
    assert job.alarm_at_ms == UNLISTED_MS + ALARM_MS_MIN
    assert job.notes[-1].kind == EventKind.RESTARTED


def test_an_upload_lost_at_its_close_too_often_fails_the_job() -> None:
    job = after(closing(restart_count=LIMITS.restarts_max), UploadQueried(UploadStatus.REPLACED))

    assert job.state is State.FAILED
    assert job.error_code == ErrorCode.UPLOAD_LOST


def test_an_upload_that_is_not_listed_is_waited_for_and_then_given_up() -> None:
    asked = after(closing(), UploadQueried(UploadStatus.UNLISTED), WOKE)
    waiting = after(asked, UploadQueried(UploadStatus.UNLISTED), now_ms=UNLISTED_MS - 1)
    given_up = after(asked, UploadQueried(UploadStatus.UNLISTED), now_ms=UNLISTED_MS)

    assert (waiting.state, waiting.restart_count) == (State.CLOSING, 0)
    assert waiting.error_code == "glean-late"
    assert waiting.pacing.retry_at_ms is not None
    assert (given_up.state, given_up.restart_count) == (State.OPENING, 1)


def test_an_upload_that_was_waited_for_is_closed_once_it_is_listed() -> None:
    waiting = after(closing(), UploadQueried(UploadStatus.UNLISTED))
    assert waiting.pacing.retry_at_ms is not None
    asking, asked = at(waiting, WOKE, waiting.pacing.retry_at_ms)

    _, effects = at(asking, UploadQueried(UploadStatus.OPEN), waiting.pacing.retry_at_ms)

    assert asked == (QueryUpload("job-1"),)
    assert effects == (Close("job-1"),)


def test_the_waits_for_an_upload_that_is_not_listed_grow() -> None:
    job, now_ms, waits_ms = closing(), NOW_MS, []
    for _ in range(4):
        job = after(job, UploadQueried(UploadStatus.UNLISTED), now_ms=now_ms)
        assert job.pacing.retry_at_ms is not None
        waits_ms.append(job.pacing.retry_at_ms - now_ms)
        now_ms = job.pacing.retry_at_ms
        job = after(job, WOKE, now_ms=now_ms)

    assert waits_ms == [1_000, 2_000, 4_000, 8_000]


def test_a_refused_empty_close_is_followed_by_one_with_a_document_of_the_last_page() -> None:
    asking, asked = at(closing(), REFUSED)
    _, effects = at(asking, UploadQueried(UploadStatus.OPEN))

    assert (asking.upload.closing_index, asked) == (0, (QueryUpload("job-1"),))
    assert effects == (CloseWithDocument("job-1", "b", 0),)


def test_a_document_that_glean_refuses_at_the_close_makes_way_for_the_next() -> None:
    asking, asked = at(closing(closing_index=0), REFUSED)
    _, effects = at(asking, UploadQueried(UploadStatus.OPEN))

    assert (asking.upload.closing_index, asked) == (1, (QueryUpload("job-1"),))
    assert effects == (CloseWithDocument("job-1", "b", 1),)


def test_closes_that_glean_refuses_one_after_the_other_are_spread_over_turns() -> None:
    """Each takes the source's page, a question and the close; the platform takes 10,000 a turn."""
    limits = replace(LIMITS, turn_requests_max=30)
    job, indices, counts = closing(closing_index=0), list[int](), list[int]()
    while len(indices) < 100:
        turn_count, count = job.turn_count, 0
        while job.turn is not None and count < 100:
            job, _ = at(job, UploadQueried(UploadStatus.OPEN), limits=limits)
            assert job.upload.closing_index is not None
            indices.append(job.upload.closing_index)
            job, _ = at(job, REFUSED, limits=limits)
            count += 1
        counts.append(count)
        assert (job.state, job.turn_count, job.pacing.retry_at_ms) == (
            State.CLOSING,
            turn_count,
            None,
        )
        job, effects = at(job, WOKE, limits=limits)
        assert effects == (QueryUpload("job-1"),)

    assert indices == list(range(len(indices)))
    assert max(counts) <= 10


def test_closes_that_need_the_sources_page_keep_to_its_rate() -> None:
    rate = Rate(requests=1, per=timedelta(milliseconds=60_000))

    job, effects = at(closing(closing_index=0, rate=rate), REFUSED)

    assert (job.state, job.turn, job.upload.closing_index, effects) == (State.CLOSING, None, 1, ())
    assert job.alarm_at_ms == NOW_MS + rate.per_ms


@pytest.mark.parametrize("closing_index", [None, 0])
def test_a_close_waits_for_a_source_that_is_to_be_left_alone(closing_index: int | None) -> None:
    later_ms = NOW_MS + 5_000
    job = closing(closing_index=closing_index, source_at_ms=later_ms)

    job, effects = at(job, REFUSED)

    assert (job.state, job.alarm_at_ms, effects) == (State.CLOSING, later_ms, ())


def test_a_refused_close_is_the_last_of_a_turn_that_has_lasted_long() -> None:
    late_ms = NOW_MS + LIMITS.turn_ms_max

    job, effects = at(closing(closing_index=0), REFUSED, late_ms)

    assert (job.turn, job.upload.closing_index, effects) == (None, 1, ())
    assert job.alarm_at_ms == late_ms + ALARM_MS_MIN


def test_a_close_that_glean_refuses_in_every_way_fails_the_job() -> None:
    job, effects = at(closing(closing_index=0, document_count=0), REFUSED)

    assert (job.state, job.error, effects) == (State.FAILED, REFUSED.reason, ())


def test_a_close_that_was_taken_and_stays_without_effect_fails_the_job() -> None:
    asked = after(closing(is_close_answered=True), UploadQueried(UploadStatus.OPEN), WOKE)
    waiting = after(asked, UploadQueried(UploadStatus.OPEN), now_ms=UNLISTED_MS - 1)
    given_up = after(asked, UploadQueried(UploadStatus.OPEN), now_ms=UNLISTED_MS)

    assert waiting.pacing.retry_at_ms is not None
    assert given_up.state is State.FAILED
    assert given_up.remedy == RemedyCode.CHECK_UPLOADS


def test_how_glean_wants_to_be_closed_is_remembered_over_a_death() -> None:
    job = after(closing(), REFUSED, WOKE)

    _, effects = at(job, UploadQueried(UploadStatus.OPEN))

    assert effects == (CloseWithDocument("job-1", "b", 0),)


def test_the_bound_on_pages_does_not_hinder_a_close() -> None:
    job, effects = at(closing(turn=None), WOKE, limits=Limits(pages_max=2))

    assert (job.state, effects) == (State.CLOSING, (QueryUpload("job-1"),))


# Questions about a close that are not answered


def test_a_close_that_was_answered_and_cannot_be_asked_about_succeeds_in_the_end() -> None:
    answered, failure = closing(is_close_answered=True), Failed("busy", is_transient=True)

    waiting = after(answered, failure, now_ms=STALLED_MS - 1)
    succeeded = after(answered, failure, APPLIED, now_ms=STALLED_MS)

    assert waiting.state is State.CLOSING
    assert (succeeded.state, succeeded.error) == (State.SUCCEEDED, "")
    assert (succeeded.finished_at_ms, succeeded.alarm_at_ms) == (STALLED_MS, None)
    kinds = [note.kind for note in succeeded.notes]
    assert kinds == [EventKind.RETRY, EventKind.NOTE, State.SUCCEEDED]
    assert "busy" in succeeded.notes[1].text


def test_a_close_that_was_answered_succeeds_at_once_where_asking_is_refused() -> None:
    failure = Failed("no access", is_transient=False)

    job = after(closing(is_close_answered=True), failure, APPLIED)

    assert (job.state, job.error) == (State.SUCCEEDED, "")
    assert job.notes[0].kind == EventKind.NOTE
    assert "no access" in job.notes[0].text


@pytest.mark.parametrize(
    ("failure", "now_ms"),
    [
        (Failed("busy", is_transient=True), STALLED_MS),
        (Failed("no access", is_transient=False), NOW_MS),
    ],
    ids=["stalled", "refused"],
)
def test_a_close_that_was_not_answered_fails_with_the_question(
    failure: Failed, now_ms: int
) -> None:
    job = after(closing(), failure, now_ms=now_ms)

    assert job.state is State.FAILED
    assert job.error.endswith(failure.reason)


def test_a_job_whose_upload_was_replaced_does_not_succeed_by_a_refused_question() -> None:
    answered = closing(is_close_answered=True, restart_count=LIMITS.restarts_max)
    failed = after(answered, UploadQueried(UploadStatus.REPLACED))
    assert failed.state is State.FAILED
    queued = obey(failed, Instruction(Command.RETRY), None, NOW_MS, LIMITS)
    assert isinstance(queued, Job)

    job = after(queued, WOKE, Failed("Glean answered 401", is_transient=False))

    assert job.state is State.FAILED


def test_a_crawl_without_documents_is_not_closed_with_one() -> None:
    job = closing(closing_index=0, document_count=0, document_cursor=None)

    _, effects = at(job, UploadQueried(UploadStatus.OPEN))

    assert not any(isinstance(effect, CloseWithDocument) for effect in effects)


def test_an_upload_is_not_given_up_by_the_first_answer_after_an_outage() -> None:
    waiting = after(closing(), Failed("Glean answered 503", is_transient=True))
    asking = after(waiting, WOKE, now_ms=UNLISTED_MS)

    job = after(asking, UploadQueried(UploadStatus.UNLISTED), now_ms=UNLISTED_MS)

    assert job.state is State.CLOSING
