import pytest

from durable.machine.job import Crawl, Job, Mode, Stage, Way
from durable.machine.pages import ChangeCounts
from durable.machine.states import State
from durable.timestamps import rfc3339
from durable.views.progress import LEDGER, SOURCE, Progress, progress
from tests.fakes.jobs import alter


START_MS = 1_764_000_000_000
NOW_MS = START_MS + 60_000
JOB = Job(
    id="notes-1",
    connector="notes",
    mode=Mode.FULL,
    created_at_ms=START_MS,
    started_at_ms=START_MS,
    state=State.SENDING,
    known_count=1_000,
    crawl=Crawl(document_count=250, record_count=300),
)


def test_a_full_job_is_compared_with_the_ledger() -> None:
    eta_at = rfc3339(NOW_MS + 180_000)

    assert progress(JOB, NOW_MS) == Progress(250, 1_000, 0.25, LEDGER, eta_at)


def test_of_a_job_that_reconciles_what_need_not_be_sent_counts() -> None:
    changes = ChangeCounts(added=50, unchanged=200)

    job = alter(JOB, way=Way.RECONCILE, document_count=50, changes=changes)

    assert progress(job, NOW_MS) == Progress(250, 1_000, 0.25, LEDGER, rfc3339(NOW_MS + 180_000))


def test_what_the_source_says_goes_before_what_was_there_last() -> None:
    eta_at = rfc3339(NOW_MS + 60_000)

    job = alter(JOB, total_count=600)

    assert progress(job, NOW_MS) == Progress(300, 600, 0.5, SOURCE, eta_at)


@pytest.mark.parametrize(
    ("changes", "share"),
    [({"document_count": 0}, 0.0), ({"document_count": 9}, 0.009), ({"document_count": 1_200}, 1)],
    ids=["nothing yet", "too little", "more than ever"],
)
def test_where_the_pace_tells_nothing_no_time_is_told(
    changes: dict[str, int], share: float
) -> None:
    told = progress(alter(JOB, **changes), NOW_MS)

    assert told is not None
    assert (told.share, told.eta_at) == (share, None)


def test_a_job_that_has_ended_has_no_time_left() -> None:
    told = progress(alter(JOB, state=State.FAILED, total_count=0), NOW_MS)

    assert told is not None
    assert (told.share, told.eta_at) == (1.0, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"known_count": None},
        {"known_count": 0},
        {"mode": Mode.INCREMENTAL},
        {"stages": (Stage.USERS, Stage.DOCUMENTS)},
        {"is_delegated": True},
        {"repeats": "notes-0"},
    ],
    ids=str,
)
def test_where_nothing_is_known_nothing_is_told(changes: dict[str, object]) -> None:
    assert progress(alter(JOB, **changes), NOW_MS) is None
