"""Verifications in the middle of their lives."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.index_status import Holdings
from durable.machine.job import Job, Mode, State
from durable.machine.verification import Aims, Verification, begun


NOW_MS = 1_000_000_000
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
LIMITS = Limits()
VERIFIES = Aims("notes", verifies=True, processes=False)
PROCESSES = Aims("notes", verifies=False, processes=True)
BOTH = Aims("notes", verifies=True, processes=True)
FULL = Job(
    id="notes-1",
    connector="notes",
    mode=Mode.FULL,
    created_at_ms=1,
    state=State.SUCCEEDED,
    started_at_ms=2,
    finished_at_ms=NOW_MS,
    upload_id="notes-1-1",
    document_count=10,
)
INCREMENTAL = replace(
    FULL, id="notes-2", mode=Mode.INCREMENTAL, finished_at_ms=NOW_MS + 1, document_count=0
)


def a_verification(aims: Aims = VERIFIES, job: Job = FULL) -> Verification:
    """Of ten documents, right after the close."""
    verification = begun(job, aims, None, LIMITS)
    assert verification is not None
    return verification


def of(found: int, state: str = "INDEXING COMPLETED") -> Holdings:
    return Holdings(found, 99, state, is_indexed=state == "INDEXING COMPLETED")
