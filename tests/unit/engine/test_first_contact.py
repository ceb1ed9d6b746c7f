"""Jobs over a datasource whose documents the ledger does not know."""

import httpx
import pytest
from msgspec.structs import replace

from durable.environment import Environment
from durable.machine.job import Job, Mode, Way
from durable.machine.states import PENDING, Command, State
from tests.fakes.answers import BULK, INDEX, LIST, STATUS, a_history, a_page, ok
from tests.fakes.bench import SET, Bench
from tests.fakes.environment import an_environment


TOLD = {"indexed": [{"objectType": "note", "count": 5}, {"objectType": "page", "count": 2}]}


def new() -> Bench:
    return Bench(is_ours=False)


def counts(told: object, history: int = 0) -> httpx.Response:
    documents = {"bulkUploadHistory": [{"uploadId": "x"}] * history, "counts": told}
    return httpx.Response(200, json={"documents": documents})


def begun(bench: Bench, *answers: httpx.Response) -> Job:
    """The job after its first turn; Glean tells these counts."""
    job = bench.begun(Mode.FULL)
    bench.network.off(STATUS)
    bench.network.on(STATUS, *answers)
    bench.now_ms += 1_000
    return job


def brought(bench: Bench, job: Job, count: int = 1) -> Job:
    """All of the source is uploaded, which has a note more than what it is told."""
    bench.network.on(BULK, ok(), ok(), ok())
    bench.network.on(LIST, a_page(*map(str, range(count))))
    upload_id = f"{job.id}-1"
    for state in ("ACTIVE", "SUCCESSFUL"):
        bench.network.on(STATUS, a_history((upload_id, state)))
    return carried(bench)


def carried(bench: Bench) -> Job:
    job = bench.left()
    while job.state in PENDING:
        bench.now_ms = max(bench.now_ms, job.alarm_at_ms or 0)
        job = bench.left()
    return job


@pytest.mark.parametrize(
    "answer",
    [
        counts({"indexed": [], "uploaded": []}),
        counts({"indexed": [{"objectType": "note", "count": 0}]}),
        counts(None),
        httpx.Response(200, json={}),
    ],
    ids=["none", "none of a type", "not told, and no upload", "nothing told"],
)
def test_a_first_full_job_over_nothing_is_not_held_nor_is_any_after_it(
    answer: httpx.Response,
) -> None:
    bench = new()
    job = begun(bench, answer)

    assert brought(bench, job).state is State.SUCCEEDED
    assert bench.network.lines.count(STATUS) == 3  # one of them is asked before


def test_what_glean_has_is_told_by_type_and_nothing_is_opened() -> None:
    bench = new()
    begun(bench, counts(TOLD))

    job = bench.left()

    assert (job.state, job.unnamed) == (State.HELD, {"note": 5, "page": 2})
    assert bench.network.lines == [STATUS]
    shown = bench.views.show(job)
    assert (shown.unnamed, shown.missing, shown.missing_list) == (True, 7, job.crawl.gone.digest)
    rows = [item.row for item in bench.views.missing(job, (0, 0), 9)]
    assert [(row.type, row.title) for row in rows] == [
        ("note", "5 documents"),
        ("page", "2 documents"),
    ]


def test_a_person_may_have_the_source_replace_it() -> None:
    bench = new()
    begun(bench, counts(TOLD))
    job = bench.left()

    bench.commanded(job, Command.APPROVE, job.crawl.gone.digest)
    bench.network.on(STATUS, counts(TOLD))
    job = brought(bench, job)

    assert (job.state, job.way) == (State.SUCCEEDED, Way.REPLACE)
    assert bench.store.ledger.head.is_ours


def test_what_has_come_since_an_approval_is_asked_about_anew() -> None:
    bench = new()
    begun(bench, counts(TOLD))
    job = bench.left()

    bench.commanded(job, Command.APPROVE, job.crawl.gone.digest)
    bench.network.on(STATUS, counts({"indexed": [{"objectType": "note", "count": 6}]}))
    bench.now_ms += 1_000
    again = bench.left()

    assert (again.id, again.state, again.unnamed) == (job.id, State.HELD, {"note": 6})
    assert BULK not in bench.network.lines


def test_uploads_of_which_glean_tells_no_counts_are_held_too() -> None:
    bench = new()
    begun(bench, counts(None, history=1))

    assert bench.left().state is State.HELD


def test_incremental_jobs_are_not_held_and_what_they_bring_has_a_name() -> None:
    bench = new()
    bench.begun(Mode.INCREMENTAL)
    bench.network.on(LIST, a_page("0", "1"))
    bench.network.on(INDEX, ok())
    assert bench.left().state is State.SUCCEEDED
    assert STATUS not in bench.network.lines

    job = begun(bench, counts({"indexed": [{"objectType": "note", "count": 2}]}))

    assert brought(bench, job, 2).state is State.SUCCEEDED


def test_a_ledger_that_is_lost_over_our_own_documents_is_held() -> None:
    """Nobody can tell them from others'."""
    bench = new()
    assert brought(bench, begun(bench, counts(None))).state is State.SUCCEEDED
    lost = new()
    begun(lost, counts({"indexed": [{"objectType": "note", "count": 1}]}, history=1))

    assert lost.left().state is State.HELD


def elsewhere() -> Environment:
    return an_environment(LIMITS="{}", **{**SET, "GLEAN_INSTANCE": "other"})


def test_another_glean_is_asked_though_the_ledger_has_all_of_this_one() -> None:
    bench = new()
    assert brought(bench, begun(bench, counts(None)), 5).state is State.SUCCEEDED
    bench.environment = elsewhere()
    bench.restarted()

    begun(bench, counts(TOLD))
    job = bench.left()
    assert (job.state, job.named_count) == (State.HELD, 0)

    # Nor do the rows of the first one count, once the job has begun.
    bench.commanded(job, Command.CANCEL)
    begun(bench, counts(TOLD))
    job = bench.left()
    assert (job.state, job.named_count) == (State.HELD, 0)


@pytest.mark.parametrize("status", [503, 429, 409])
def test_where_glean_cannot_be_asked_for_a_while_nothing_is_opened(status: int) -> None:
    bench = new()
    job = begun(bench, httpx.Response(status), counts(None))

    waiting = bench.left()
    assert (waiting.state, waiting.error != "") == (State.OPENING, True)
    assert BULK not in bench.network.lines
    bench.now_ms = waiting.alarm_at_ms or 0
    assert brought(bench, job).state is State.SUCCEEDED


@pytest.mark.parametrize("status", [401, 403, 404])
def test_where_it_does_not_tell_the_job_fails_at_once_and_names_who_refused(status: int) -> None:
    """The close has to be asked about in the same words: such a job could not succeed."""
    bench = new()
    begun(bench, httpx.Response(status))

    job = bench.left()

    assert (job.state, str(status) in job.error) == (State.FAILED, True)
    assert bench.network.lines == [STATUS]


def test_where_it_does_not_answer_for_a_day_the_job_fails() -> None:
    bench = new()
    begun(bench, *(httpx.Response(503) for _ in range(400)))

    job = carried(bench)

    assert job.state is State.FAILED
    assert BULK not in bench.network.lines


def test_an_upload_that_is_given_up_over_nothing_leaves_nothing_to_be_held_for() -> None:
    """Whether Glean counts pages of an upload that is open, is not documented."""
    bench = new()
    begun(bench, counts(None))
    bench.network.on(BULK, ok())
    bench.network.on(LIST, httpx.Response(403))
    assert bench.left().state is State.FAILED

    job = begun(bench)
    assert brought(bench, job).state is State.SUCCEEDED


def test_names_of_types_have_no_secrets() -> None:
    bench = new()
    name = SET["GLEAN_INDEXING_API_TOKEN"]
    begun(bench, counts({"indexed": [{"objectType": name, "count": 2}]}))

    job = bench.left()

    assert job.state is State.HELD
    assert name not in str(replace(job, notes=()))
