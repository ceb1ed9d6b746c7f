"""What a job waits for, and for how long at the most. Pure."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.closing import apply_upload, record_close
from durable.machine.effects import Effect
from durable.machine.index_status import Deletions
from durable.machine.job import Job, with_pacing
from durable.machine.notes import ErrorCode, WaitReason
from durable.machine.pacing import is_stalled, not_before
from durable.machine.transitions import add_note, clear_in_flight, fail_job


Step = tuple[Job, tuple[Effect, ...]]


def wait_for_retry(job: Job, now_ms: int, limits: Limits) -> Step:
    assert job.pacing.retry_at_ms is not None, "an error says when to try again"
    if is_stalled(job, now_ms, limits):
        return give_up(job, ErrorCode.STALLED, _stalled_reason(job, now_ms), now_ms, limits)
    return replace(clear_in_flight(job), alarm_at_ms=not_before(job.pacing.retry_at_ms, now_ms)), ()


def _stalled_reason(job: Job, now_ms: int) -> str:
    since_s = (now_ms - job.pacing.progress_at_ms) // 1_000
    rests = (
        f", {job.pacing.pause_count} of its rests were asked for" if job.pacing.pause_count else ""
    )
    last = f"the last error: {job.error}" if job.error else f"at last: {job.pacing.pause}"
    return f"no progress for {since_s} s{rests}; {last}"


def give_up(job: Job, code: str, reason: str, now_ms: int, limits: Limits) -> Step:
    if not job.upload.is_close_answered:
        return fail_job(job, code, reason, now_ms, limits), ()
    text = f"Glean took the close, and cannot be asked about it: {job.error}"
    job = record_close(add_note(job, text, now_ms, limits), Deletions.PENDING, now_ms)
    return apply_upload(job, now_ms, limits)


def spare_source(job: Job, now_ms: int, limits: Limits) -> Step:
    """Leave the source alone for as long as it wants."""
    reason = job.pacing.source_pause or "the source is not to be asked more often"
    return pause(job, WaitReason.SOURCE, reason, now_ms, limits, until_ms=job.pacing.source_at_ms)


def pause(  # noqa: PLR0913 - a pause's parts
    job: Job, wait: WaitReason, reason: str, now_ms: int, limits: Limits, *, until_ms: int
) -> Step:
    """Nothing is wrong, and nothing is done before then."""
    if is_stalled(job, now_ms, limits):
        job = with_pacing(job, pause=reason)
        return give_up(job, ErrorCode.STALLED, _stalled_reason(job, now_ms), now_ms, limits)
    at_ms = not_before(until_ms, now_ms)
    if wait is not WaitReason.MEMORY:  # which nobody asked for
        job = count_rest(job, at_ms - now_ms)
    job = with_pacing(
        replace(clear_in_flight(job), alarm_at_ms=at_ms),
        retry_at_ms=at_ms,
        pause=reason,
        waits_for=wait.value,
        attempt=max(0, job.pacing.attempt - 1),  # the turn after a pause is no further try
    )
    return job, ()


def count_rest(job: Job, pause_ms: int) -> Job:
    """With a rest counted that somebody asked for: it is no time without progress."""
    pacing = job.pacing
    return with_pacing(
        job, pause_count=pacing.pause_count + 1, paused_ms=pacing.paused_ms + pause_ms
    )


def yield_turn(job: Job, now_ms: int) -> Step:
    """The turn is spent: the rest is for the next one."""
    job = with_pacing(clear_in_flight(job), halving_count=max(0, job.pacing.halving_count - 1))
    return replace(job, alarm_at_ms=not_before(now_ms, now_ms)), ()
