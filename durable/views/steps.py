"""What a job does next, and what a death would have it do again: codes and parameters. Pure.

Each surface has words of its own for a code: `texts.py` has the table of them.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from durable.machine.job import Job, Mode
from durable.machine.states import State
from durable.timestamps import rfc3339


class StepCode(StrEnum):
    """What is done when the wait is over."""

    READ_ALL = "read-all"  # of the source: stage
    OPEN_UPLOAD = "open-upload"  # and read the source: stage
    RESUME_UPLOAD = "resume-upload"  # if Glean still has it open: page
    CLOSE_IF_OPEN = "close-if-open"
    RESUME = "resume"  # page
    READ_CHANGES = "read-changes"
    READ_PAGE = "read-page"  # page
    SEND_PAGES = "send-pages"  # page, the first of page_count; sent_count of batch_count
    SEND_AND_READ = "send-and-read"  # likewise, and next_page
    LIST_MISSING = "list-missing"  # what Glean has and the source has not
    CLOSE_UPLOAD = "close-upload"
    RECORD_UPLOAD = "record-upload"  # in the ledger


class RepeatCode(StrEnum):
    """What is done again if the Worker is killed now. Nothing is ever lost by it."""

    QUERY_UPLOAD = "repeat-query"
    OPEN_UPLOAD = "repeat-opening"  # which is still empty
    READ_PAGE = "repeat-page"  # page
    SEND_PAGES = "repeat-pages"  # page, page_count, batch_count; begun_count were sent already
    QUERY_BEFORE_CLOSE = "repeat-query-before-close"


class ReachCode(StrEnum):
    """Why a job reads changes from earlier than its watermark."""

    RETRY_REJECTS = "retry-rejects"  # stage, the first of these; since; count


class Phrase(Struct, frozen=True):
    """A code, and what its words name."""

    code: StrEnum
    parameters: Mapping[str, str | int] = {}


def next_step(job: Job) -> Phrase | None:
    """What a job does next by itself; None of one that has ended, or waits for a person."""
    match job.state:
        case State.QUEUED | State.OPENING:
            return _first_step(job)
        case State.SENDING:
            return _sending_step(job)
        case State.CLOSING:
            is_closed = job.upload.is_closed
            return Phrase(StepCode.RECORD_UPLOAD if is_closed else StepCode.CLOSE_UPLOAD)
    return None


def _sending_step(job: Job) -> Phrase:
    page = job.crawl.page_count + 1
    if job.crawl.flights:
        sent = {**_in_flight(job), "sent_count": _sent_count(job)}
        if job.crawl.is_fetching:
            return Phrase(
                StepCode.SEND_AND_READ, {**sent, "next_page": page + len(job.crawl.flights)}
            )
        return Phrase(StepCode.SEND_PAGES, sent)
    if job.crawl.has_end and job.mode is Mode.FULL:
        return Phrase(StepCode.LIST_MISSING)
    return Phrase(StepCode.READ_PAGE, {"page": page})


def _first_step(job: Job) -> Phrase:
    page = {"page": job.crawl.page_count + 1}
    goes_on = job.resumes and job.crawl.page_count > 0
    if goes_on and job.is_upload:
        is_whole = job.crawl.has_end
        return Phrase(StepCode.CLOSE_IF_OPEN) if is_whole else Phrase(StepCode.RESUME_UPLOAD, page)
    if job.state is State.OPENING:
        return Phrase(StepCode.OPEN_UPLOAD, {"stage": job.stage.value})
    if job.mode is Mode.FULL and not goes_on:  # as an upload or not, is told once it begins
        return Phrase(StepCode.READ_ALL, {"stage": job.stage.value})
    return Phrase(StepCode.RESUME, page) if goes_on else Phrase(StepCode.READ_CHANGES)


def repeated_step(job: Job) -> Phrase | None:
    """What would be done again if the Worker were killed now; None if nothing."""
    if job.turn is None:
        return None
    match job.state:
        case State.OPENING:
            goes_on = job.resumes and job.crawl.page_count > 0
            return Phrase(RepeatCode.QUERY_UPLOAD if goes_on else RepeatCode.OPEN_UPLOAD)
        case State.SENDING if job.crawl.flights:
            sending_count = sum(len(flight.sending) for flight in job.crawl.flights)
            begun_count = _sent_count(job) + sending_count
            return Phrase(RepeatCode.SEND_PAGES, {**_in_flight(job), "begun_count": begun_count})
        case State.SENDING:
            return Phrase(RepeatCode.READ_PAGE, {"page": job.crawl.page_count + 1})
        case State.CLOSING:
            return Phrase(RepeatCode.QUERY_BEFORE_CLOSE)
    return None


def earlier_start(job: Job) -> Phrase | None:
    """Why a job reads from earlier than the one before it ended; None where it does not."""
    if not job.reaches:
        return None
    stage = min(job.reaches, key=lambda stage: job.reaches[stage])
    since = rfc3339(job.reaches[stage])
    told = {"stage": stage.value, "since": since, "count": job.retried_count}
    return Phrase(ReachCode.RETRY_REJECTS, told)


def _in_flight(job: Job) -> dict[str, int]:
    """The pages that were read and are not wholly in Glean."""
    return {
        "page": job.crawl.page_count + 1,
        "page_count": len(job.crawl.flights),
        "batch_count": sum(flight.batch_count for flight in job.crawl.flights),
    }


def _sent_count(job: Job) -> int:
    return sum(flight.sent_count for flight in job.crawl.flights)
