"""Where the next INCREMENTAL job reads from. Pure.

A source stamps its records by a clock of its own. If that is behind ours, a change that is made
after a job's start is stamped with a time before it; so the records themselves tell what time
it was there.
"""

from durable.machine.job import Job
from durable.machine.states import State


SECOND_MS = 1_000  # many sources write no finer


def watermark_ms(job: Job) -> int | None:
    """Where the next INCREMENTAL job reads from once this job has succeeded, else None.

    It is this job's start, not its end: what changed while it ran is read again. Where records
    tell when they changed, it is the start by the source's clock, as far as that is known.
    """
    if job.state is not State.SUCCEEDED or job.repeats:
        return None
    begun_ms, behind_ms_max = job.started_at_ms, job.behind_ms_max
    if begun_ms is None or behind_ms_max is None:
        return begun_ms
    # What the job was told to read from, the source's clock had passed before it.
    known_ms = max(job.clock_ms, job.since_ms or 0)
    # A source at rest does not tell its time, and its changes are not kept for ever.
    at_ms = max(min(begun_ms, known_ms), begun_ms - behind_ms_max, 0)
    return at_ms // SECOND_MS * SECOND_MS


def clock_ms(job: Job, latest_ms: int, now_ms: int) -> int:
    """What the source's clock showed at the job's start, at the least; 0: that is not known.

    Pages are read one after the other: what was on an earlier one may have changed since it was
    read, up to the latest time on this one. So of that time, all that has passed since the job's
    start is taken off.

    Args:
        job: that has read a page.
        latest_ms: the latest change on it; 0: none is told.
        now_ms: when it was read, or later.
    """
    if not latest_ms:
        return 0
    assert job.started_at_ms is not None, "pages are read after the start"
    return max(0, latest_ms - (now_ms - job.started_at_ms))
