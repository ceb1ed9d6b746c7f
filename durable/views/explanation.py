"""Why a job waits, what comes next, and what a death would cost, in words. Pure."""

from durable.limits import Limits
from durable.machine.job import Job, Mode, Stage
from durable.machine.notes import WaitReason
from durable.machine.pacing import MINUTE_MS
from durable.machine.remedies import remedy_of
from durable.machine.states import PENDING, TRAITS, State
from durable.views.texts import Surface, say


KNOWN_WAITS = frozenset(wait.value for wait in WaitReason)  # newer code may have had others


def waits_for(job: Job, ahead: Job | None) -> WaitReason | None:
    """What a job waits for at the moment; None and arguments as below."""
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


def next_step(job: Job) -> str:  # noqa: PLR0911 - a return for each state
    """What is done next, when the wait is over."""
    page, is_full = job.crawl.page_count + 1, job.mode is Mode.FULL
    is_asking = job.is_upload and job.resumes and job.crawl.page_count > 0
    match job.state:
        case State.QUEUED | State.OPENING if is_asking:
            then = "closes the upload" if job.crawl.has_end else f"goes on at page {page}"
            return f"{then}, if Glean still has it open; else begins anew"
        case State.QUEUED | State.OPENING if is_full:
            of = "" if job.stage is Stage.DOCUMENTS else f" of {job.stage}"
            return f"opens a bulk upload{of} and reads the source from its start"
        case State.QUEUED if job.resumes and job.crawl.page_count:
            return f"goes on at page {page}"
        case State.QUEUED:
            return "reads what changed in the source since the last success began"
        case State.SENDING if job.crawl.flights:
            sent_count, batch_count = _sent_count(job), _batch_count(job)
            reads = f"; reads page {page + len(job.crawl.flights)}" if job.crawl.is_fetching else ""
            return f"sends {_pages(job)}, {sent_count} of {_batches(batch_count)} in Glean{reads}"
        case State.SENDING:
            return f"reads page {page} of the source"
        case State.CLOSING:
            return "asks Glean how the upload stands, and closes it unless that is done"
    return say(remedy_of(job), Surface.API) or "nothing"


def if_killed(job: Job) -> str:  # noqa: PLR0911 - a return for each state
    """What would be done again if the Worker were killed now. Nothing is ever lost by it."""
    if job.turn is None:
        return "nothing"
    match job.state:
        case State.OPENING if job.resumes and job.crawl.page_count:
            return "the question how the upload stands"
        case State.OPENING:
            return "the opening of the upload, which is still empty"
        case State.SENDING if job.crawl.flights:
            begun_count = _sent_count(job) + sum(
                len(flight.sending) for flight in job.crawl.flights
            )
            return (
                f"{_pages(job)} would be read again, and {_batches(_batch_count(job))} sent, "
                f"{begun_count} of them once more"
            )
        case State.SENDING:
            return f"page {job.crawl.page_count + 1} would be read again"
        case State.CLOSING:
            return "the question how the upload stands; a close is never repeated blindly"
    return "nothing"


def left_ms(job: Job, limits: Limits) -> int | None:
    """How long the documents that are still to come take at Glean's rate; None if unknown."""
    if job.is_upload or job.stage is not Stage.DOCUMENTS or job.crawl.total_count is None:
        return None
    left_count = max(0, job.crawl.total_count - job.crawl.record_count)
    return left_count * MINUTE_MS // limits.documents_per_minute_max


def _pages(job: Job) -> str:
    """Those that were read and are not wholly in Glean."""
    first, last = job.crawl.page_count + 1, job.crawl.page_count + len(job.crawl.flights)
    return f"page {first}" if first == last else f"pages {first} to {last}"


def _batches(count: int) -> str:
    return "1 batch" if count == 1 else f"{count} batches"


def _batch_count(job: Job) -> int:
    return sum(flight.batch_count for flight in job.crawl.flights)


def _sent_count(job: Job) -> int:
    return sum(flight.sent_count for flight in job.crawl.flights)
