"""What a job has brought, of all its stages together. Pure."""

from msgspec import Struct

from durable.machine.job import Job, Stage


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
