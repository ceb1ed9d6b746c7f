"""What a job looks like from outside."""

from msgspec import Struct

from durable.instant import rfc3339
from durable.job import Job, Mode, State


class Status(Struct, frozen=True, kw_only=True):
    """A job as `GET /status/<job>` shows it. Times are RFC 3339 in UTC."""

    id: str
    connector: str
    mode: Mode
    state: State
    created_at: str
    started_at: str | None
    finished_at: str | None
    pages: int  # this and the next three count what Glean has acknowledged
    documents: int
    deleted: int
    bytes: int  # of the source's pages
    turns: int
    attempt: int  # of what is being done now; back to 1 with each progress
    next_attempt_at: str | None  # set while the job waits after an error
    last_error: str | None  # since the last progress
    upload_id: str | None
    cursor: str | None  # every record before it is in Glean


def status(job: Job) -> Status:
    return Status(
        id=job.id,
        connector=job.connector,
        mode=job.mode,
        state=job.state,
        created_at=rfc3339(job.created_at_ms),
        started_at=_optional(job.started_at_ms),
        finished_at=_optional(job.finished_at_ms),
        pages=job.page_count,
        documents=job.document_count,
        deleted=job.deletion_count,
        bytes=job.byte_count,
        turns=job.turn_count,
        attempt=job.attempt,
        next_attempt_at=_optional(job.retry_at_ms),
        last_error=job.error or None,
        upload_id=job.upload_id or None,
        cursor=job.cursor,
    )


def _optional(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)
