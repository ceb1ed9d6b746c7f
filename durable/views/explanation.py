"""What a job waits for, why, and for how long. Pure."""

from durable.limits import Limits
from durable.machine.job import Job, Stage
from durable.machine.notes import WaitReason
from durable.machine.pacing import documents_per_minute, indexing_ms
from durable.machine.states import PENDING, TRAITS, State


KNOWN_WAITS = frozenset(wait.value for wait in WaitReason)  # newer code may have had others


def waits_for(job: Job, ahead: Job | None) -> WaitReason | None:
    """What a job waits for at the moment; None and arguments as of `waiting_reason`."""
    if TRAITS[job.state].phase == "resting":
        return WaitReason.PERSON
    if job.state is State.QUEUED and ahead is not None:
        return WaitReason.JOB
    if job.state in PENDING and job.pacing.retry_at_ms is not None:
        return (
            WaitReason(job.pacing.waits_for)
            if job.pacing.waits_for in KNOWN_WAITS
            else WaitReason.RETRY
        )
    return WaitReason.ALARM if job.state in PENDING and job.turn is None else None


def waiting_reason(job: Job, ahead: Job | None) -> str | None:
    """Why nothing is done for the job at the moment; None if it works, or has ended.

    Args:
        job: in whatever state.
        ahead: the job that it waits for, if it is queued behind one.
    """
    match waits_for(job, ahead):
        case None:
            return None
        case WaitReason.PERSON:
            return job.error
        case WaitReason.JOB if ahead is not None:
            return f"one job of a connector runs at a time, and {ahead.id} is {ahead.state}"
        case WaitReason.ALARM if job.pacing.retry_at_ms is None:
            return "its next turn begins with the next alarm"
    return job.pacing.pause or f"attempt {max(1, job.pacing.attempt)} failed: {job.error}"


def left_ms(job: Job, now_ms: int, limits: Limits) -> int | None:
    """How long the documents that are still to come take at Glean's rate; None if unknown."""
    if job.is_upload or job.stage is not Stage.DOCUMENTS or job.crawl.total_count is None:
        return None
    left_count = max(0, job.crawl.total_count - job.crawl.record_count)
    return indexing_ms(left_count, documents_per_minute(job, now_ms, limits))
