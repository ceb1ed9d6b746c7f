from itertools import product

import pytest
from msgspec.structs import replace

from durable.errors import Recourse
from durable.limits import Limits
from durable.machine.commands import LEGAL, Instruction, Refusal, RefusalCode, obey, supersede
from durable.machine.effects import (
    Failed,
    Fetch,
    GoneListed,
    Open,
    UploadQueried,
    Woke,
)
from durable.machine.gone import Gone
from durable.machine.job import Job, Mode, Stage, UploadStatus
from durable.machine.notes import ErrorCode, EventKind
from durable.machine.pacing import ALARM_MS_MIN
from durable.machine.pages import InFlightPage
from durable.machine.remedies import Remedy, RemedyCode
from durable.machine.states import PENDING, Command, State
from durable.views.steps import StepCode, next_step
from tests.fakes.jobs import LIMITS, NOW_MS, WOKE, a_job, a_page, after, alter, at


LATER_MS = NOW_MS + 60_000
LISTED = "5d41402abc4b2a76"  # the digest of the held job's list
OTHER = replace(a_job(State.QUEUED), id="other")

# What becomes of a job by a command; None: it is refused.
TABLE: dict[tuple[State, Command], State | None] = {
    (State.QUEUED, Command.CANCEL): State.CANCELLED,
    (State.QUEUED, Command.RETRY): None,
    (State.QUEUED, Command.APPROVE): None,
    (State.OPENING, Command.CANCEL): State.CANCELLED,
    (State.OPENING, Command.RETRY): None,
    (State.OPENING, Command.APPROVE): None,
    (State.SENDING, Command.CANCEL): State.CANCELLED,
    (State.SENDING, Command.RETRY): None,
    (State.SENDING, Command.APPROVE): None,
    (State.CLOSING, Command.CANCEL): State.CANCELLED,
    (State.CLOSING, Command.RETRY): None,
    (State.CLOSING, Command.APPROVE): None,
    (State.HELD, Command.CANCEL): State.CANCELLED,
    (State.HELD, Command.RETRY): None,
    (State.HELD, Command.APPROVE): State.QUEUED,
    (State.SUCCEEDED, Command.CANCEL): None,
    (State.SUCCEEDED, Command.RETRY): None,
    (State.SUCCEEDED, Command.APPROVE): None,
    (State.FAILED, Command.CANCEL): None,
    (State.FAILED, Command.RETRY): State.QUEUED,
    (State.FAILED, Command.APPROVE): None,
    (State.CANCELLED, Command.CANCEL): None,
    (State.CANCELLED, Command.RETRY): State.QUEUED,
    (State.CANCELLED, Command.APPROVE): None,
}
# As a person reads it where a command is refused.
LEGAL_IN_WORDS = {
    State.QUEUED: "cancel",
    State.OPENING: "cancel",
    State.SENDING: "cancel",
    State.CLOSING: "cancel",
    State.HELD: "approve or cancel",
    State.SUCCEEDED: "nothing",
    State.FAILED: "retry",
    State.CANCELLED: "retry",
}
GRANTED = [pair for pair, state in TABLE.items() if state is not None]
REFUSED = [pair for pair, state in TABLE.items() if state is None]


def told(
    job: Job, command: Command, *, other: Job | None = None, list_digest: str | None = None
) -> Job | Refusal:
    """By default, whatever is listed is approved of."""
    listed = job.crawl.gone.digest if list_digest is None else list_digest
    return obey(job, Instruction(command, listed), other, LATER_MS, LIMITS)


def granted(job: Job, command: Command) -> Job:
    changed = told(job, command)
    assert isinstance(changed, Job), changed
    return changed


def refused(
    job: Job, command: Command, *, other: Job | None = None, list_digest: str | None = None
) -> Refusal:
    refusal = told(job, command, other=other, list_digest=list_digest)
    assert isinstance(refusal, Refusal), refusal
    return refusal


def held() -> Job:
    """Of 100 documents it has read 60."""
    return alter(
        a_job(State.HELD),
        page_count=2,
        document_count=60,
        begun_at_ms=NOW_MS,
        known_count=100,
        gone=Gone(40, 40, is_whole=True, digest=LISTED),
        error="too much would be deleted",
    )


def failed() -> Job:
    """Half way, after much trouble."""
    return alter(
        a_job(State.FAILED),
        cursor="c",
        page_count=2,
        document_count=6,
        reject_count=1,
        death_count=6,
        halving_count=5,
        restart_count=3,
        rewind_count=3,
        attempt=7,
        error="no such thing",
    )


def named(pair: tuple[State, Command]) -> str:
    return f"{pair[0]}-{pair[1]}"


def test_every_pair_is_in_the_table() -> None:
    assert TABLE.keys() == set(product(State, Command))
    assert LEGAL.keys() == set(State)


@pytest.mark.parametrize("pair", GRANTED, ids=named)
def test_a_legal_command_leads_where_the_table_says(pair: tuple[State, Command]) -> None:
    state, command = pair

    assert granted(a_job(state), command).state is TABLE[pair]


@pytest.mark.parametrize("pair", REFUSED, ids=named)
def test_an_illegal_command_is_answered_with_what_is_legal(pair: tuple[State, Command]) -> None:
    state, command = pair

    refusal = refused(a_job(state), command)

    assert " or ".join(refusal.legal or ["nothing"]) == LEGAL_IN_WORDS[state]
    assert refusal.code is RefusalCode.COMMAND_NOT_TAKEN


# Cancelling


@pytest.mark.parametrize("state", [*sorted(PENDING), State.HELD])
def test_a_cancelled_job_has_ended(state: State) -> None:
    job = granted(alter(a_job(state), retry_at_ms=LATER_MS), Command.CANCEL)

    assert (job.finished_at_ms, job.error) == (LATER_MS, "cancelled on request")
    assert (job.alarm_at_ms, job.pacing.retry_at_ms, job.turn) == (None, None, None)
    assert job.notes[-1].kind == State.CANCELLED


@pytest.mark.parametrize("state", [*sorted(PENDING), State.HELD])
def test_a_job_may_be_cancelled_while_another_waits(state: State) -> None:
    job = told(a_job(state), Command.CANCEL, other=OTHER)

    assert isinstance(job, Job)
    assert job.state is State.CANCELLED


def test_a_cancelled_job_takes_no_late_answer() -> None:
    cancelled = granted(a_job(State.CLOSING), Command.CANCEL)

    assert at(cancelled, UploadQueried(UploadStatus.CLOSED)) == (cancelled, ())


# Retrying


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_retried_job_is_queued_with_all_that_is_in_glean_and_none_of_its_trouble(
    state: State,
) -> None:
    job = granted(alter(failed(), state=state, flights=(InFlightPage(a_page()),)), Command.RETRY)

    assert (job.state, job.resumes) == (State.QUEUED, True)
    assert (
        job.crawl.cursor,
        job.crawl.page_count,
        job.crawl.document_count,
        job.crawl.reject_count,
    ) == (None, 2, 6, 1)
    assert job.queued_cursor == "c"
    assert (job.upload.id, job.started_at_ms) == ("job-1", NOW_MS)
    assert (job.pacing.death_count, job.pacing.halving_count) == (0, 0)
    assert (job.restart_count, job.rewind_count) == (0, 0)
    assert (job.pacing.attempt, job.error, job.finished_at_ms, job.crawl.flights) == (
        0,
        "",
        None,
        (),
    )
    assert job.alarm_at_ms == LATER_MS + ALARM_MS_MIN
    assert job.notes[-1].kind == EventKind.RETRIED


def test_a_retried_job_has_its_time_without_progress_before_it() -> None:
    late_ms = NOW_MS + 10 * LIMITS.stall_ms_max

    job = after(granted(failed(), Command.RETRY), WOKE, now_ms=late_ms)

    assert job.pacing.progress_at_ms == late_ms


def test_a_job_cancelled_before_its_first_turn_and_retried_begins_at_the_start() -> None:
    cancelled = granted(a_job(State.QUEUED), Command.CANCEL)

    job = after(granted(cancelled, Command.RETRY), Woke(known_counts={Stage.DOCUMENTS: 9}))

    assert (job.state, job.crawl_count, job.known_count) == (State.OPENING, 1, 9)


@pytest.mark.parametrize("mode", Mode)
def test_a_job_whose_cursor_is_of_no_use_any_more_starts_over_and_says_so(mode: Mode) -> None:
    job = alter(a_job(State.SENDING, mode), cursor="old", page_count=4, rewind_count=3)
    gone = Failed("the source answered 410", is_transient=False, recourse=Recourse.RESTART)

    retried = granted(after(job, gone), Command.RETRY)

    assert (retried.resumes, retried.queued_cursor, retried.crawl.page_count) == (False, None, 0)
    assert retried.notes[-1].kind == EventKind.RETRIED
    assert "starts over" in retried.notes[-1].text
    step = next_step(retried)
    assert step is not None
    assert step.code == (StepCode.READ_CHANGES if mode is Mode.INCREMENTAL else StepCode.READ_ALL)


def test_an_incremental_job_that_is_retried_reads_from_where_it_began() -> None:
    job = alter(a_job(State.FAILED, Mode.INCREMENTAL), since_ms=7, cursor="c", page_count=2)

    _, effects = at(granted(job, Command.RETRY), Woke(watermark_ms=99))

    assert effects == (Fetch(2, "c"),)


@pytest.mark.parametrize("mode", Mode)
def test_a_job_that_failed_by_its_share_of_rejects_reads_the_mended_source(mode: Mode) -> None:
    job = alter(
        a_job(State.FAILED, mode), has_end=True, page_count=2, document_count=20, reject_count=20
    )

    job = after(granted(job, Command.RETRY), WOKE)

    assert job.state is (State.OPENING if mode is Mode.FULL else State.SENDING)
    assert (job.crawl.page_count, job.crawl.reject_count, job.resumes) == (0, 0, False)


# Approving


def test_an_approved_job_is_queued_with_the_crawl_whose_list_was_approved_of() -> None:
    job = granted(held(), Command.APPROVE)

    assert (job.state, job.resumes, job.approved) == (
        State.QUEUED,
        False,
        {Stage.DOCUMENTS: NOW_MS},
    )
    assert (job.error, job.finished_at_ms) == ("", None)
    assert job.alarm_at_ms == LATER_MS + ALARM_MS_MIN
    assert job.notes[-1].kind == EventKind.APPROVED


def test_an_approved_job_reads_all_of_the_source_again_into_an_upload_of_its_own() -> None:
    """A hold keeps no upload, and what is listed may have come back since."""
    job, effects = at(granted(held(), Command.APPROVE), WOKE, LATER_MS)

    assert (job.state, effects) == (State.OPENING, (Open("job-2"),))
    assert (job.crawl.page_count, job.crawl.has_end, job.crawl.gone) == (0, False, Gone())
    assert job.crawl.begun_at_ms == LATER_MS
    assert job.approved == {Stage.DOCUMENTS: NOW_MS}


@pytest.mark.parametrize(
    ("new_count", "state"), [(10, State.CLOSING), (11, State.HELD)], ids=["few", "too many"]
)
def test_an_approval_is_of_what_was_listed_and_of_nothing_else(
    new_count: int, state: State
) -> None:
    job = alter(
        a_job(State.SENDING),
        is_fetching=False,
        has_end=True,
        approved={Stage.DOCUMENTS: NOW_MS - 1},
        known_count=50,
        document_count=1,
    )

    job = after(job, GoneListed(Gone(40 + new_count, new_count, is_whole=True)))

    assert job.state is state


@pytest.mark.parametrize("list_digest", ["", "40", LISTED[:-1]], ids=["none", "number", "other"])
def test_an_approval_of_another_list_is_refused_with_the_jobs_own(list_digest: str) -> None:
    refusal = refused(held(), Command.APPROVE, list_digest=list_digest)

    listed: dict[str, str | int] = {"job": "job", "deletions": 40, "list": LISTED}
    assert refusal.code is RefusalCode.DELETIONS_NOT_APPROVED
    assert refusal.remedy == Remedy(RemedyCode.CONFIRM_DELETIONS, listed)
    assert refusal.legal == (Command.APPROVE, Command.CANCEL)


def test_a_cancelled_job_is_no_longer_approved() -> None:
    cancelled = granted(granted(held(), Command.APPROVE), Command.CANCEL)

    assert granted(cancelled, Command.RETRY).approved == {}


# Others


@pytest.mark.parametrize("other_state", sorted(PENDING))
@pytest.mark.parametrize(
    ("job", "command"),
    [
        (failed(), Command.RETRY),
        (replace(failed(), state=State.CANCELLED), Command.RETRY),
        (held(), Command.APPROVE),
    ],
    ids=["retry failed", "retry cancelled", "approve held"],
)
def test_a_job_is_not_queued_beside_another_of_its_mode(
    job: Job, command: Command, other_state: State
) -> None:
    other = replace(OTHER, state=other_state)

    refusal = refused(job, command, other=other)

    assert refusal.code is RefusalCode.ANOTHER_JOB
    assert refusal.remedy == Remedy(RemedyCode.WAIT_OR_CANCEL, {"job": "other"})
    assert refusal.legal == tuple(way for way in LEGAL[job.state] if way is Command.CANCEL)


def test_a_command_that_is_illegal_anyway_does_not_speak_of_others() -> None:
    assert "other" not in refused(a_job(State.SUCCEEDED), Command.RETRY, other=OTHER).reason


def test_a_held_job_is_cancelled_by_one_that_has_read_the_source_since() -> None:
    job = supersede(held(), replace(OTHER, id="job-2"), LATER_MS, Limits(notes_kept_max=1))

    assert (job.state, job.finished_at_ms) == (State.CANCELLED, LATER_MS)
    assert job.error_code == ErrorCode.REPLACED
    assert "job-2" in job.error
    assert len(job.notes) == 1


def test_a_superseded_job_that_is_retried_begins_anew() -> None:
    job = granted(supersede(held(), OTHER, LATER_MS, LIMITS), Command.RETRY)

    job = after(job, WOKE, UploadQueried(UploadStatus.REPLACED))

    assert (job.state, job.crawl.page_count, job.upload.id) == (State.OPENING, 0, "job-2")
