"""The turns that a job's life takes, whatever it is doing. Pure."""

from msgspec.structs import replace

from durable.guard import rejection_reason
from durable.job import Job, Limits, Mode, Note, State
from durable.pace import soon


def anew(job: Job, now_ms: int) -> Job:
    """At the start of the source, with a new upload; what an earlier crawl counted is void."""
    return replace(
        job,
        state=State.OPENING if job.mode is Mode.FULL else State.SENDING,
        started_at_ms=now_ms,
        crawl_count=job.crawl_count + 1,
        resumes=False,
        cursor=None,
        has_end=False,
        landmark_cursor=None,
        landmark_page=0,
        landmark_digest="",
        document_cursor=None,
        page_count=0,
        document_count=0,
        deletion_count=0,
        byte_count=0,
        record_count=0,
        reject_count=0,
        attempt=0,
        death_count=0,
        progress_at_ms=now_ms,
        closing_index=None,
        is_close_answered=False,
        unsettled_at_ms=None,
    )


def taken_up(job: Job, now_ms: int, limits: Limits) -> Job:
    """A job that a person has queued again, where it was; from its start if that is of no use."""
    is_full = job.mode is Mode.FULL
    state = State.OPENING if is_full else State.SENDING
    job = replace(job, state=state, cursor=job.queued_cursor, queued_cursor=None)
    # Earlier code did not say so, but a page that names no next one is the last.
    is_misplaced = job.cursor is None and job.page_count > 0 and not job.has_end
    if is_misplaced or (job.has_end and rejection_reason(job, limits) is not None):
        return noted(anew(job, now_ms), "begins anew", now_ms, limits)
    return job


def grounded(job: Job) -> Job:
    """With nothing under way: between two turns, or at the end."""
    return replace(job, flights=(), is_fetching=False, is_refused=False, turn=None)


def progressed(job: Job, now_ms: int) -> Job:
    """Further than before: the turn is the first try to come beyond this."""
    is_failing = job.retry_at_ms is not None  # something else of this turn, and that still counts
    return replace(
        job,
        attempt=1,
        death_count=0,
        progress_at_ms=now_ms,
        error=job.error if is_failing else "",
    )


def died(job: Job, now_ms: int, limits: Limits) -> Job:
    """After a death, which is most likely the doing of the page that was under way."""
    is_smallest = limits.turn_pages_max >> job.halving_count <= 1
    job = replace(
        job,
        death_count=job.death_count + 1,
        halving_count=min(job.halving_count + 1, limits.turn_pages_max.bit_length()),
    )
    text = f"the Worker was killed while {job.state} at page {job.page_count + 1}"
    job = noted(job, text, now_ms, limits)
    if job.death_count < limits.deaths_max or not is_smallest:
        return job
    reason = (
        f"the Worker was killed {job.death_count} times while {job.state} at page "
        f"{job.page_count + 1} (cursor {job.cursor!r:.200}), most likely by its memory or CPU "
        "limit: have the source send smaller pages; if the Worker's log shows an error, it is a bug"
    )
    return ended(job, State.FAILED, now_ms, limits, reason)


def displaced(job: Job, reason: str, now_ms: int, limits: Limits) -> Job:
    """Begin anew, since Glean no longer has the upload, and nothing that was in it."""
    if job.restart_count >= limits.restarts_max:
        reason = (
            f"Glean no longer had the job's upload {job.restart_count + 1} times, at last: "
            f"{reason}; see whether something else uploads to this datasource"
        )
        job = replace(job, is_close_answered=False)
        return ended(job, State.FAILED, now_ms, limits, reason)
    job = replace(
        grounded(anew(job, now_ms)),
        restart_count=job.restart_count + 1,
        alarm_at_ms=soon(job.retry_at_ms or 0, now_ms),
    )
    return noted(job, f"begins anew: {reason}", now_ms, limits)


def ended(job: Job, state: State, now_ms: int, limits: Limits, error: str = "") -> Job:
    job = replace(
        grounded(job),
        state=state,
        finished_at_ms=now_ms,
        retry_at_ms=None,
        alarm_at_ms=None,
        error=error,
    )
    return noted(job, f"{state}: {error}" if error else state.value, now_ms, limits)


def noted(job: Job, text: str, now_ms: int, limits: Limits) -> Job:
    """With a note of what happened; the same once more takes the place of the latest."""
    notes = job.notes
    if notes and notes[-1].text == text:
        notes = notes[:-1]
    kept = (*notes, Note(now_ms, text))[-limits.notes_kept_max :]
    return replace(job, notes=kept)


def watermark_ms(job: Job) -> int | None:
    """Where the next INCREMENTAL job reads from once this job has succeeded, else None.

    It is this job's start, not its end: what changed while it ran is read again.
    """
    return job.started_at_ms if job.state is State.SUCCEEDED else None
