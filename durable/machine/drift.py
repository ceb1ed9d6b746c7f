"""How far what Glean holds may have moved from what a FULL job has sent. Pure.

INCREMENTAL jobs widen what may be found: an upsert may be a new document or an old one, and a
deletion may find none. Where one has not come to its end, nobody has counted what it sent.
"""

from collections.abc import Iterable

from msgspec import Struct

from durable.machine.job import Job, Mode, Stage
from durable.machine.states import State


class Drift(Struct, frozen=True):
    """Documents, at most so many."""

    added_count: int = 0
    deleted_count: int = 0


def drift(jobs: Iterable[Job]) -> Drift | str:
    """Since the FULL job's close, or why that cannot be told.

    Args:
        jobs: all others that have ended since then.
    """
    added_count = deleted_count = 0
    for job in jobs:
        if job.started_at_ms is None:
            continue
        if job.mode is Mode.FULL:
            if job.state is State.SUCCEEDED:
                return f"{job.id} has closed an upload of its own"
            if job.crawl.has_end and job.stage is Stage.DOCUMENTS:
                return f"{job.id} is {job.state}, and may have closed its upload"
        elif job.state is not State.SUCCEEDED:
            return f"{job.id} is {job.state}, and what it has sent was not counted to its end"
        else:
            documents = [part for part in job.parts if part.stage is Stage.DOCUMENTS]
            added_count += sum(part.document_count for part in documents)
            deleted_count += sum(part.deletion_count for part in job.parts)
    return Drift(added_count, deleted_count)
