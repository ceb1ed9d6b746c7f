"""What is worth knowing of a connector, though nothing has failed: codes and parameters. Pure.

Each surface has words of its own for a code: `texts.py` has the table of them.
"""

from collections.abc import Iterable
from enum import StrEnum

from durable.machine.job import Job
from durable.machine.observations import ForeignUploads, Steadiness
from durable.machine.slowdown import rate_per_minute
from durable.views.steps import Phrase


class FindingCode(StrEnum):
    """What it is."""

    # Glean found single documents too many: documents_per_minute, documents_per_minute_max
    SLOWED = "slowed-documents"
    UNSTABLE = "unstable-documents"  # most come otherwise in each FULL job: changed, known
    FOREIGN = "foreign-uploads"  # of another client, seen by the latest FULL job: count


def unstable(steadiness: Steadiness) -> Phrase | None:
    """Whether most documents come otherwise each time that they are read."""
    if not steadiness.is_unstable:
        return None
    parameters: dict[str, str | int] = {
        "changed": steadiness.rewritten_count,
        "known": steadiness.known_count,
    }
    return Phrase(FindingCode.UNSTABLE, parameters)


def foreign(uploads: ForeignUploads, job_id: str | None) -> Phrase | None:
    """Whether a job, the latest FULL one, has seen an upload that is none of its connector's."""
    if not uploads.count or uploads.job_id != job_id:
        return None
    return Phrase(FindingCode.FOREIGN, {"count": uploads.count})


def slowed(jobs: Iterable[Job], per_minute_max: int, now_ms: int) -> Phrase | None:
    """How fast single documents go, where that is less than usual.

    Args:
        jobs: of the connector, each with what the one before it knew.
        per_minute_max: what is usual.
        now_ms: the time.
    """
    found = [job.pacing.slowdown for job in jobs if job.pacing.slowdown is not None]
    latest = max(found, key=lambda slowdown: slowdown.at_ms, default=None)
    per_minute = rate_per_minute(latest, per_minute_max, now_ms)
    if per_minute == per_minute_max:
        return None
    parameters: dict[str, str | int] = {
        "documents_per_minute": per_minute,
        "documents_per_minute_max": per_minute_max,
    }
    return Phrase(FindingCode.SLOWED, parameters)
