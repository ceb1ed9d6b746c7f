"""Verifications in the middle of their lives."""

from durable.limits import Limits
from durable.machine.index_status import Holdings
from durable.machine.job import Crawl, Job, Mode, Upload
from durable.machine.states import State
from durable.machine.verification import (
    Aims,
    KnownDocuments,
    Verification,
    begin_verification,
)
from tests.fakes.jobs import alter


NOW_MS = 1_000_000_000
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
LIMITS = Limits()
TEN = KnownDocuments(10)
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
    upload=Upload(id="notes-1-1"),
    crawl=Crawl(document_count=10),
)
INCREMENTAL = alter(
    FULL, id="notes-2", mode=Mode.INCREMENTAL, finished_at_ms=NOW_MS + 1, document_count=0
)


def a_verification(aims: Aims = VERIFIES, job: Job = FULL) -> Verification:
    """Of ten documents, right after the close."""
    verification = begin_verification(job, aims, None, TEN, LIMITS)
    assert verification is not None
    return verification


def of(found: int, state: str = "INDEXING COMPLETED") -> Holdings:
    return Holdings(found, 99, state, is_indexed=state == "INDEXING COMPLETED")
