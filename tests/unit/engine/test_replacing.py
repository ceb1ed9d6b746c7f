"""Who asks for all documents anew, whatever the ledger has."""

import asyncio

import pytest
from msgspec.structs import replace

from durable.engine.processor import Begun
from durable.machine.commands import Refusal, RefusalCode
from durable.machine.job import Job, Mode, Way
from durable.machine.states import State
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.jobs import alter


QUEUED = Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=NOW_MS)
AT_WORK = alter(QUEUED, state=State.SENDING, started_at_ms=NOW_MS)
RECONCILES = replace(AT_WORK, way=Way.RECONCILE)


def begin(bench: Bench, key: str | None = None, *, is_replace_asked: bool = True) -> Begun:
    begun = asyncio.run(bench.processor.begin(Mode.FULL, key, is_replace_asked=is_replace_asked))
    assert isinstance(begun, Begun), begun
    return begun


def test_a_new_job_replaces_where_that_is_asked() -> None:
    begun = begin(Bench())

    assert (begun.is_new, begun.job.is_replace_asked) == (True, True)
    assert not begin(Bench(), is_replace_asked=False).job.is_replace_asked


def test_a_queued_job_does_for_both() -> None:
    bench = Bench()
    bench.put(QUEUED)

    begun = begin(bench)

    assert (begun.job.id, begun.is_new) == (QUEUED.id, False)
    assert bench.job(QUEUED.id).is_replace_asked
    kinds = [event.happening.text for event in bench.views.events(QUEUED.id, 0, 9)]
    assert "asked to replace all documents" in kinds


def test_a_queued_job_that_was_to_go_on_where_it_was_reads_all_anew() -> None:
    bench = Bench()
    bench.put(replace(QUEUED, way=Way.RECONCILE, resumes=True))

    assert (begin(bench).job.resumes, begin(bench).job.is_replace_asked) == (False, True)


@pytest.mark.parametrize("job", [AT_WORK, replace(RECONCILES, is_replace_asked=True)], ids=str)
def test_a_job_that_replaces_already_is_the_answer(job: Job) -> None:
    bench = Bench()
    bench.put(job)

    assert (begin(bench).job.id, begin(bench).is_new) == (job.id, False)


def test_one_that_reconciles_already_is_not_and_another_one_follows_it() -> None:
    bench = Bench()
    bench.put(RECONCILES)

    first, again = begin(bench), begin(bench)

    assert first.is_new
    assert first.job.id != RECONCILES.id
    assert (again.job.id, again.is_new) == (first.job.id, False)
    assert begin(bench, is_replace_asked=False).job.id == RECONCILES.id


def test_the_same_key_is_the_same_request() -> None:
    bench = Bench()
    bench.put(RECONCILES)

    assert begin(bench, "request a").job.id == begin(bench, "request a").job.id


def test_a_key_that_asked_for_less_before_is_refused() -> None:
    bench = Bench()
    begin(bench, "request a", is_replace_asked=False)

    refused = asyncio.run(bench.processor.begin(Mode.FULL, "request a", is_replace_asked=True))

    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.KEY_REUSED


def test_a_key_whose_request_joined_a_job_that_replaces_is_no_other() -> None:
    bench = Bench()
    bench.put(AT_WORK)

    begin(bench, "request a")

    assert begin(bench, "request a").job.id == AT_WORK.id
