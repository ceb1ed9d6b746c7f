"""What a FULL job does about documents that nobody here has brought."""

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from durable.machine.commands import Instruction, Refusal, obey
from durable.machine.effects import CountDocuments, DocumentsCounted, Open, Woke
from durable.machine.first_contact import NOT_TOLD, is_to_be_counted
from durable.machine.job import Job, Mode, Stage, Way
from durable.machine.ledger_head import LedgerFacts
from durable.machine.machine import step
from durable.machine.remedies import RemedyCode, remedy_of
from durable.machine.states import Command, State
from tests.fakes.jobs import LIMITS, NOW_MS


QUEUED = Job(id="job", connector="notes", mode=Mode.FULL, created_at_ms=NOW_MS)
FOUND = {"note": 4_000, "page": 1_000}


def woken(named_count: int | None, job: Job = QUEUED) -> Job:
    job, effects = step(job, Woke(documents=LedgerFacts(named_count=named_count)), NOW_MS, LIMITS)
    assert effects == ((CountDocuments(),) if named_count is not None else (Open(job.upload.id),))
    return job


def counted(
    counts: Mapping[str, int], named_count: int = 0, job: Job = QUEUED
) -> tuple[Job, tuple[object, ...]]:
    return step(woken(named_count, job), DocumentsCounted(counts), NOW_MS, LIMITS)


def held(counts: Mapping[str, int] = FOUND) -> Job:
    job, effects = counted(counts)
    assert (job.state, effects) == (State.HELD, ())
    return job


def approved(job: Job, digest: str | None = None) -> Job | Refusal:
    digest = job.crawl.gone.digest if digest is None else digest
    return obey(job, Instruction(Command.APPROVE, digest), None, NOW_MS, LIMITS)


def test_where_all_that_glean_has_is_known_nothing_is_asked() -> None:
    assert woken(None).state is State.OPENING


def test_over_nothing_the_upload_is_opened() -> None:
    job, effects = counted({})

    assert (job.state, effects) == (State.OPENING, (Open(job.upload.id),))


@pytest.mark.parametrize("counts", [FOUND, {"note": 1}, NOT_TOLD], ids=["many", "one", "not told"])
def test_over_what_nobody_has_brought_it_is_held_before_anything_is_opened(
    counts: Mapping[str, int],
) -> None:
    job = held(counts)

    assert (job.upload.id, job.alarm_at_ms, job.unnamed) == ("", None, counts)
    assert (job.crawl.gone.count, job.crawl.gone.is_whole) == (sum(counts.values()), True)
    remedy = remedy_of(job)
    assert remedy is not None
    assert remedy.code == RemedyCode.DECIDE_UNNAMED


@pytest.mark.parametrize(
    ("total_count", "named_count", "is_held"),
    [(300, 300, False), (310, 300, False), (311, 300, False), (5_300, 300, True), (12, 1, True)],
    ids=["its own", "few more", "a small share", "many more", "one of its own"],
)
def test_what_incremental_jobs_have_brought_has_names(
    total_count: int, named_count: int, *, is_held: bool
) -> None:
    job, _ = counted({"note": total_count}, named_count)

    assert (job.state is State.HELD) is is_held


def test_an_approval_is_of_the_counts_that_were_told() -> None:
    job = held()
    assert isinstance(approved(job, "another"), Refusal)

    after = approved(job)

    assert isinstance(after, Job)
    assert (after.state, after.resumes, after.unnamed) == (State.QUEUED, False, {})
    assert after.approved == {}  # no document has the name of a type


@pytest.mark.parametrize(
    ("counts", "is_held"),
    [
        (FOUND, False),
        ({"note": 3_999}, False),
        ({**FOUND, "note": 4_001}, True),
        ({"other": 1}, True),
        (NOT_TOLD, True),
    ],
    ids=["as told", "fewer", "more of one type", "another type", "not told"],
)
def test_what_has_come_since_is_asked_about_anew(
    counts: Mapping[str, int], *, is_held: bool
) -> None:
    after = approved(held())
    assert isinstance(after, Job)

    job, _ = counted(counts, job=after)

    assert (job.state is State.HELD) is is_held


def test_glean_is_asked_once_a_job_whatever_becomes_of_its_uploads() -> None:
    """What an upload that is lost has left, may be among what Glean counts."""
    job, _ = counted({})

    job, effects = step(replace(job, turn=None), Woke(), NOW_MS, LIMITS)

    assert effects == (Open(job.upload.id),)


def test_a_job_that_sends_differences_or_has_yet_to_bring_people_asks_nothing() -> None:
    job = woken(0)
    people = replace(job, stages=(Stage.USERS, Stage.DOCUMENTS))

    assert is_to_be_counted(job)
    assert not is_to_be_counted(people)
    assert not is_to_be_counted(replace(job, way=Way.RECONCILE))
    assert not is_to_be_counted(replace(job, is_delegated=True))


def test_an_approval_does_not_outlive_the_end_of_its_job() -> None:
    after = approved(held())
    assert isinstance(after, Job)
    ended = replace(after, state=State.FAILED)

    job = obey(ended, Instruction(Command.RETRY), None, NOW_MS, LIMITS)

    assert isinstance(job, Job)
    assert job.approved_unnamed == {}
