"""What a job waits for, and for how long at the most. Pure."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.closing import closed
from durable.machine.effects import Effect
from durable.machine.index_status import Deletions
from durable.machine.job import Job, State
from durable.machine.notes import WaitReason
from durable.machine.pacing import is_stalled, soon
from durable.machine.transitions import ended, finished, grounded, noted, paused


Step = tuple[Job, tuple[Effect, ...]]


def wait(job: Job, now_ms: int, limits: Limits) -> Step:
    assert job.retry_at_ms is not None, "an error says when to try again"
    if is_stalled(job, now_ms, limits):
        return give_up(job, _stalled_reason(job, now_ms), now_ms, limits), ()
    return replace(grounded(job), alarm_at_ms=soon(job.retry_at_ms, now_ms)), ()


def _stalled_reason(job: Job, now_ms: int) -> str:
    since_s = (now_ms - job.progress_at_ms) // 1_000
    rests = f", {job.pause_count} of its rests were asked for" if job.pause_count else ""
    last = f"the last error: {job.error}" if job.error else f"at last: {job.pause}"
    return f"no progress for {since_s} s{rests}; {last}"


def give_up(job: Job, reason: str, now_ms: int, limits: Limits) -> Job:
    if not job.is_close_answered:
        return ended(job, State.FAILED, now_ms, limits, reason)
    text = f"Glean took the close, and cannot be asked about it: {job.error}"
    job = closed(noted(job, text, now_ms, limits), Deletions.PENDING, now_ms)
    return finished(job, now_ms, limits)


def spare(job: Job, now_ms: int, limits: Limits) -> Step:
    """Leave the source alone for as long as it wants."""
    reason = job.source_pause or "the source is not to be asked more often"
    return pause(job, WaitReason.SOURCE, reason, now_ms, limits, until_ms=job.source_at_ms)


def pause(  # noqa: PLR0913 - a pause's parts
    job: Job, wait: WaitReason, reason: str, now_ms: int, limits: Limits, *, until_ms: int
) -> Step:
    if is_stalled(job, now_ms, limits):
        job = replace(job, pause=reason)
        return give_up(job, _stalled_reason(job, now_ms), now_ms, limits), ()
    return paused(job, until_ms, wait, reason, now_ms), ()
