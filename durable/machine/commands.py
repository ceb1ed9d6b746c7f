"""What a person may ask of a job, in which state, and what becomes of it. Pure."""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import Event, Failed, Open, Opened, Woke
from durable.machine.job import Job, State
from durable.machine.notes import Kind
from durable.machine.occasion import Occasion
from durable.machine.pacing import soon
from durable.machine.safeguards import missing_count
from durable.machine.transitions import ended, grounded, is_misplaced, noted


class Command(StrEnum):
    CANCEL = "cancel"
    RETRY = "retry"
    APPROVE = "approve"


LEGAL: dict[State, tuple[Command, ...]] = {
    State.QUEUED: (Command.CANCEL,),
    State.OPENING: (Command.CANCEL,),
    State.SENDING: (Command.CANCEL,),
    State.CLOSING: (Command.CANCEL,),
    State.HELD: (Command.APPROVE, Command.CANCEL),
    State.SUCCEEDED: (),
    State.FAILED: (Command.RETRY,),
    State.CANCELLED: (Command.RETRY,),
}


class Instruction(Struct, frozen=True):
    """A command to a job."""

    command: Command
    deletion_count: int = 0  # APPROVE: so many documents may go, and no more


class Refusal(Struct, frozen=True):
    """Why a request cannot be granted as things are, and what can."""

    reason: str
    legal: tuple[Command, ...] = ()
    is_key_reused: bool = False  # not the state is in the way, but an earlier request


def obeyed(
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
            f"The job {job.id} is {job.state}: it can be asked to {allowed}, not to "
            f"{instruction.command}.",
            legal,
        )
    if instruction.command is not Command.CANCEL and other is not None:
        return Refusal(
            f"The job {other.id} of the same mode is {other.state}, and one is enough: wait for "
            "its end, or cancel it first.",
            tuple(command for command in legal if command is Command.CANCEL),
        )
    return _CHANGES[instruction.command](job, instruction, now_ms, limits)


def is_opening(job: Job) -> bool:
    """Whether Glean was asked to open an upload for the job, and has not answered yet."""
    return job.state is State.OPENING and job.turn is not None and not job.resumes


def may_have_opened(before: Job, event: Event) -> bool:
    """Whether Glean has opened an upload for the job, or may have: any other is gone then.

    What was refused, or never asked for, takes no other job's upload away.
    """
    match event:
        case Opened():
            return True
        case Failed(effect=Open()):
            return event.may_be_done
        case Woke():
            return is_opening(before)  # and died over it
    return False


def superseded(job: Job, by: Job, now_ms: int, limits: Limits, *, is_certain: bool = True) -> Job:
    """A held job after another one has opened an upload, which discards the held one."""
    how = "has opened" if is_certain else "may have opened"
    reason = f"replaced by {by.id}, which {how} an upload of its own"
    return ended(job, State.CANCELLED, now_ms, limits, reason)


def relieved(job: Job, by: Job, now_ms: int, limits: Limits) -> Job:
    """A job that has become a FULL one while another one is queued: that reads all after it."""
    reason = f"replaced by {by.id}, a FULL job that is queued, and reads all of the source"
    return ended(job, State.CANCELLED, now_ms, limits, reason)


def _cancelled(job: Job, _instruction: Instruction, now_ms: int, limits: Limits) -> Job:
    # The upload stays open on purpose: Glean keeps what it had, and the next one replaces it.
    return ended(job, State.CANCELLED, now_ms, limits, "cancelled on request")


def _retried(job: Job, _instruction: Instruction, now_ms: int, limits: Limits) -> Job:
    is_over = is_misplaced(job)
    job = replace(
        job,
        death_count=0,
        halving_count=0,
        restart_count=0,
        redefined_count=0,
        rewind_count=0,
        approved_count=None,
        finished_at_ms=None,
        error="",
        begun_by=Occasion.RETRY.value,
    )
    queued, text = _queued(job, now_ms), "retried on request"
    if is_over:
        text = f"{text}: starts over, as its cursor is of no use any more"
        queued = replace(queued, resumes=False, stage_index=0, done=(), page_count=0)
    return noted(queued, text, now_ms, limits, Kind.RETRIED)


def _approved(job: Job, instruction: Instruction, now_ms: int, limits: Limits) -> Job | Refusal:
    missing = missing_count(job)
    if instruction.deletion_count < missing:
        return Refusal(
            f"The close would delete {missing} documents, and {instruction.deletion_count} were "
            f'approved. Send {{"deletions": {missing}}} if that is right.',
            LEGAL[job.state],
        )
    text = f"approved: at most {instruction.deletion_count} documents may be deleted"
    job = replace(job, approved_count=instruction.deletion_count, error="")
    return noted(_queued(job, now_ms), text, now_ms, limits, Kind.APPROVED)


def _queued(job: Job, now_ms: int) -> Job:
    return replace(
        grounded(job),
        state=State.QUEUED,
        resumes=True,
        # Code from before there was a retry would read from the cursor into another upload.
        queued_cursor=job.cursor,
        pending_reject_count=0,
        cursor=None,
        attempt=0,
        retry_at_ms=None,
        alarm_at_ms=soon(now_ms, now_ms),
    )


_CHANGES: dict[Command, Callable[[Job, Instruction, int, Limits], Job | Refusal]] = {
    Command.CANCEL: _cancelled,
    Command.RETRY: _retried,
    Command.APPROVE: _approved,
}
