"""A job in a line, for lists, and what all its stages together have brought. Pure."""

from collections.abc import Callable

from msgspec import Struct

from durable.machine.gone import Gone
from durable.machine.job import Job, Mode, Stage, Way
from durable.machine.states import ENDED, State
from durable.timestamps import rfc3339, rfc3339_or_none


class JobSummary(Struct, frozen=True, kw_only=True):
    """A job, as short as it can be. Times are RFC 3339 in UTC."""

    id: str
    connector: str
    mode: Mode
    state: State
    begun_by: str | None  # cron, catch-up, request, retry or verification
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


class DocumentChanges(Struct, frozen=True, kw_only=True):
    """Documents of the source, beside what Glean had before the job."""

    added: int
    changed: int  # `access` alone is not among them
    access: int  # who may see them has changed, and nothing else
    deleted: int  # by single requests, and by the close of an upload
    unchanged: int


def changes(job: Job) -> DocumentChanges | None:
    """What a job has changed in Glean so far; None where nobody compares, as of a backend's."""
    parts = job.parts
    documents = [part for part in parts if part.stage is Stage.DOCUMENTS]
    if job.is_delegated or not documents:
        return None
    part = documents[-1]
    deleted_count = totals(job).deletion_count
    if job.mode is Mode.FULL:
        is_closed = job.way is Way.REPLACE and (part in job.done or job.upload.is_closed)
        # A document of another type is deleted under the former one, and stays.
        by_name = sum(one.deletion_count for one in parts if one.stage is Stage.DELETIONS)
        deleted_count = part.gone.count if is_closed else by_name
    return DocumentChanges(
        added=part.changes.added,
        changed=part.changes.changed,
        access=part.changes.access,
        deleted=deleted_count,
        unchanged=part.changes.unchanged,
    )


def missing_list(job: Job) -> tuple[int, Gone] | None:
    """The name of the crawl whose list a FULL job would delete, or has deleted, and the list.

    None while it is not known to its end. A stage has a list of its own.
    """
    is_deleting = job.stage is Stage.DELETIONS and bool(job.gone_at_ms) and bool(job.done)
    gone = job.done[-1].gone if is_deleting else job.crawl.gone
    if job.mode is not Mode.FULL or not gone.is_whole:
        return None
    return job.gone_at_ms if is_deleting else job.crawl.begun_at_ms, gone


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
