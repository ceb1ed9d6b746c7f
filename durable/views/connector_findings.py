"""What is worth knowing of a connector, though nothing has failed: codes and parameters. Pure.

Each surface has words of its own for a code: `texts.py` has the table of them.
"""

from collections.abc import Iterable
from enum import StrEnum

from durable.machine.job import Job
from durable.machine.slowdown import rate_per_minute
from durable.views.steps import Phrase


class FindingCode(StrEnum):
    """What it is."""

    # Glean found single documents too many: documents_per_minute, documents_per_minute_max
    SLOWED = "slowed-documents"


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
