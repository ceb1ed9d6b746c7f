"""A job in a line, for lists, and what all its stages together have brought. Pure."""

from collections.abc import Callable

from msgspec import Struct

from durable.machine.job import Job, Mode, Stage
from durable.machine.states import ENDED, State
from durable.timestamps import rfc3339, rfc3339_or_none


class JobSummary(Struct, frozen=True, kw_only=True):
    """A job, as short as it can be. Times are RFC 3339 in UTC."""

    id: str
    connector: str
    mode: Mode
    state: State
    begun_by: str | None  # cron, catch-up, request or retry
    created_at: str
    started_at: str | None
    finished_at: str | None
    seconds: float | None  # from its start to its end, or until now
    pages: int  # this and the next three count what Glean has acknowledged
    documents: int
    deleted: int
    rejected: int
    error: str | None  # the latest, or why it is held


def summarize(job: Job, clean: Callable[[str], str], now_ms: int) -> JobSummary:
    """A job for the outside.

    Args:
        job: what is shown.
        clean: takes secrets out of a text.
        now_ms: the time.
    """
    total = totals(job)
    until_ms = job.finished_at_ms if job.state in ENDED else now_ms
    is_begun = job.started_at_ms is not None and until_ms is not None
    return JobSummary(
        id=job.id,
        connector=job.connector,
        mode=job.mode,
        state=job.state,
        begun_by=job.begun_by or None,
        created_at=rfc3339(job.created_at_ms),
        started_at=rfc3339_or_none(job.started_at_ms),
        finished_at=rfc3339_or_none(job.finished_at_ms),
        seconds=((until_ms or 0) - (job.started_at_ms or 0)) / 1_000 if is_begun else None,
        pages=total.page_count,
        documents=total.document_count,
        deleted=total.deletion_count,
        rejected=total.reject_count,
        error=clean(job.error) or None,
    )


class Totals(Struct, frozen=True, kw_only=True):
    """What Glean has acknowledged."""

    page_count: int
    document_count: int
    brought_count: int  # also people and the like
    deletion_count: int
    reject_count: int  # with those that are not in Glean since they are too many
    byte_count: int  # of the source's pages


def totals(job: Job) -> Totals:
    """Of a job in whatever state."""
    parts = job.parts
    documents = [part for part in parts if part.stage is Stage.DOCUMENTS]
    return Totals(
        page_count=sum(part.page_count for part in parts),
        document_count=sum(part.document_count for part in documents),
        brought_count=sum(part.document_count for part in parts),
        deletion_count=sum(part.deletion_count for part in parts),
        reject_count=sum(part.reject_count for part in parts) + job.crawl.pending_reject_count,
        byte_count=sum(part.byte_count for part in parts),
    )
