"""How far a job has come, as far as that can be told. Pure."""

from msgspec import Struct

from durable.machine.job import Job, Mode, Stage
from durable.machine.states import ENDED
from durable.timestamps import rfc3339


LEDGER = "what Glean has"
SOURCE = "the source's own count"
SHARE_MIN = 0.01  # before, the pace is that of the first pages


class Progress(Struct, frozen=True):
    """An estimate: the source may have grown, and the pace may change."""

    documents: int  # so far
    of: int
    share: float  # from 0 to 1
    of_what: str
    eta_at: str | None  # at the pace so far; None: that cannot be told yet


def progress(job: Job, now_ms: int) -> Progress | None:
    """Of the documents; None where nothing is known to compare with.

    Args:
        job: in whatever state.
        now_ms: the time.
    """
    if job.stage is not Stage.DOCUMENTS or job.is_delegated or job.repeats:
        return None
    is_full = job.mode is Mode.FULL
    if job.crawl.total_count is not None:
        count, total, of_what = job.crawl.record_count, job.crawl.total_count, SOURCE
    elif is_full and job.known_count:
        count, total, of_what = _seen_count(job), job.known_count, LEDGER
    else:
        return None
    share = min(1.0, count / total) if total else 1.0
    return Progress(count, total, round(share, 4), of_what, _eta(job, share, now_ms))


def _seen_count(job: Job) -> int:
    """Documents that were read: not all of them have to be sent."""
    unchanged_count = job.crawl.changes.unchanged if job.is_reconciling else 0
    return job.crawl.document_count + unchanged_count


def _eta(job: Job, share: float, now_ms: int) -> str | None:
    if job.state in ENDED or job.started_at_ms is None or not SHARE_MIN <= share < 1:
        return None
    elapsed_ms = now_ms - job.started_at_ms
    return rfc3339(now_ms + round(elapsed_ms * (1 - share) / share))
