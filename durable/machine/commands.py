"""What a person may ask of a job, in which state, and what becomes of it. Pure."""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.first_contact import approve_unnamed
from durable.machine.job import Job, with_crawl, with_pacing
from durable.machine.notes import ErrorCode, EventKind, Occasion
from durable.machine.pacing import not_before
from durable.machine.remedies import Remedy, RemedyCode
from durable.machine.states import TRAITS, Command, State
from durable.machine.transitions import add_note, clear_in_flight, end_job, is_misplaced


LEGAL = {state: traits.commands for state, traits in TRAITS.items()}


class Instruction(Struct, frozen=True):
    """A command to a job."""

    command: Command
    list_digest: str = ""  # APPROVE: of the list of what may be deleted, and nothing else


class RefusalCode(StrEnum):
    """What is in the way of a request."""

    COMMAND_NOT_TAKEN = "command-not-taken"  # in the job's state
    ANOTHER_JOB = "another-job"  # of the same mode
    DELETIONS_NOT_APPROVED = "deletions-not-approved"  # another list is the job's
    JOB_NOT_ENDED = "job-not-ended"  # its rejects may still become more
    NO_REJECTS = "no-rejects"
    KEY_REUSED = "key-reused"  # for another request
    UNKNOWN_PATH = "unknown-path"
    UNKNOWN_JOB = "unknown-job"
    UNKNOWN_CONNECTOR = "unknown-connector"
    UNNAMED_CONNECTOR = "unnamed-connector"  # where there are several
    BAD_BODY = "bad-body"
    NOT_DECLARED = "not-declared"  # a datasource's settings
    DIFFERENCES_NOT_SEEN = "differences-not-seen"  # there are more or fewer
    MISCONFIGURED = "misconfigured"
    BAD_PARAMETER = "bad-parameter"  # in the query or a header


class Refusal(Struct, frozen=True):
    """Why a request cannot be granted as things are, and what can."""

    code: RefusalCode
    reason: str
    legal: tuple[Command, ...] = ()
    remedy: Remedy | None = None


def obey(
    job: Job, instruction: Instruction, other: Job | None, now_ms: int, limits: Limits
) -> Job | Refusal:
    """The job after the command.

    Args:
        job: in whatever state.
        instruction: what is asked of it.
        other: an unended job of the same mode, if there is another one.
        now_ms: the time.
        limits: of the deployment.
    """
    legal = LEGAL[job.state]
    if instruction.command not in legal:
        allowed = " or ".join(legal) or "nothing"
        return Refusal(
            RefusalCode.COMMAND_NOT_TAKEN,
            f"The job {job.id} is {job.state}: it can be asked to {allowed}, not to "
            f"{instruction.command}.",
            legal,
        )
    if instruction.command is not Command.CANCEL and other is not None:
        return Refusal(
            RefusalCode.ANOTHER_JOB,
            f"The job {other.id} of the same mode is {other.state}, and one is enough.",
            tuple(command for command in legal if command is Command.CANCEL),
            remedy=Remedy(RemedyCode.WAIT_OR_CANCEL.value, {"job": other.id}),
        )
    return _CHANGES[instruction.command](job, instruction, now_ms, limits)


def supersede(job: Job, by: Job, now_ms: int, limits: Limits) -> Job:
    """A held job after another one has read all of the source: its list is out of date."""
    reason = f"replaced by {by.id}, which has read all of the source since"
    return end_job(job, State.CANCELLED, now_ms, limits, reason, code=ErrorCode.REPLACED)


def relieve(job: Job, by: Job, now_ms: int, limits: Limits) -> Job:
    """A job that has become a FULL one while another one is queued: that reads all after it."""
    reason = f"replaced by {by.id}, a FULL job that is queued, and reads all of the source"
    return end_job(job, State.CANCELLED, now_ms, limits, reason, code=ErrorCode.REPLACED)


def _cancelled(job: Job, _instruction: Instruction, now_ms: int, limits: Limits) -> Job:
    # The upload stays open on purpose: Glean keeps what it had, and the next one replaces it.
    text = "cancelled on request"
    return end_job(job, State.CANCELLED, now_ms, limits, text, code=ErrorCode.CANCELLED)


def _retried(job: Job, _instruction: Instruction, now_ms: int, limits: Limits) -> Job:
    is_over, gone = is_misplaced(job), job.crawl.gone
    job = with_pacing(job, death_count=0, halving_count=0)
    # An approval does not outlive the end of its job.
    job = with_crawl(job, gone=replace(gone, new_count=gone.count))
    queued = replace(
        _queued(job, now_ms),
        restart_count=0,
        redefined_count=0,
        rewind_count=0,
        finished_at_ms=None,
        error="",
        error_code="",
        remedy="",
        approved={},
        approved_unnamed={},
        unnamed={},
        begun_by=Occasion.RETRY.value,
    )
    text = "retried on request"
    if is_over:
        text = f"{text}: starts over, as its cursor is of no use any more"
        queued = with_crawl(replace(queued, resumes=False, stage_index=0, done=()), page_count=0)
    return add_note(queued, text, now_ms, limits, EventKind.RETRIED)


def _approved(job: Job, instruction: Instruction, now_ms: int, limits: Limits) -> Job | Refusal:
    gone = job.crawl.gone
    if instruction.list_digest != gone.digest:
        return Refusal(
            RefusalCode.DELETIONS_NOT_APPROVED,
            f"The list {instruction.list_digest!r:.50} is not that of {job.id}: it would delete "
            f"{gone.count} {job.stage}, whose list is {gone.digest}.",
            LEGAL[job.state],
            remedy=Remedy(
                RemedyCode.CONFIRM_DELETIONS.value,
                {"job": job.id, "deletions": gone.count, "list": gone.digest},
            ),
        )
    text = f"approved: what is on the list of {gone.count} {job.stage} may be deleted"
    if job.unnamed:
        text = f"approved: what the source does not have of {gone.count} {job.stage} may be deleted"
        job = approve_unnamed(job)
    else:
        job = replace(job, approved={**job.approved, job.stage: job.crawl.begun_at_ms})
    job = replace(_queued(job, now_ms), error="", error_code="", resumes=False)
    return add_note(
        job, f"{text}; reads all of the source again", now_ms, limits, EventKind.APPROVED
    )


def _queued(job: Job, now_ms: int) -> Job:
    cursor = job.crawl.cursor
    job = with_crawl(clear_in_flight(job), pending_reject_count=0, cursor=None)
    return replace(
        with_pacing(job, attempt=0, retry_at_ms=None),
        state=State.QUEUED,
        resumes=True,
        queued_cursor=cursor,
        alarm_at_ms=not_before(now_ms, now_ms),
    )


_CHANGES: dict[Command, Callable[[Job, Instruction, int, Limits], Job | Refusal]] = {
    Command.CANCEL: _cancelled,
    Command.RETRY: _retried,
    Command.APPROVE: _approved,
}
