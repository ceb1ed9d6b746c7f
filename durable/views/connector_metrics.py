"""What the metrics of a connector are made of. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from durable.machine.counters import Tally
from durable.machine.job import Stage, State
from durable.views.overview import Known, freshness


class Measures(Struct, frozen=True, kw_only=True):
    """Of one connector."""

    tally: Tally
    job_counts: Mapping[State, int]  # that are remembered
    succeeded_at_ms: int | None  # the latest success
    full_succeeded_at_ms: int | None  # of a FULL job
    ticked_at_ms: int | None  # the last minute for which cron has asked for a job
    watermark_ms: int | None
    document_count: int | None  # that the last FULL job has brought which succeeded
    deletions: Mapping[Stage, str] = {}  # that follow the latest upload of each kind


def measures(known: Known, job_counts: Mapping[State, int]) -> Measures:
    """Of what the connector's object remembers."""
    fresh = freshness(known)
    return Measures(
        tally=known.tally,
        job_counts=job_counts,
        succeeded_at_ms=fresh.succeeded_at_ms,
        full_succeeded_at_ms=fresh.full_succeeded_at_ms,
        ticked_at_ms=known.ticked_at_ms,
        watermark_ms=known.watermark_ms,
        document_count=known.document_count,
        deletions={stage: upload.deletions for stage, upload in known.watch.uploads.items()},
    )
