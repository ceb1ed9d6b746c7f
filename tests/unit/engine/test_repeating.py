"""What a job has rejected, read and sent again by another job."""

import asyncio

import msgspec
import pytest
from msgspec.structs import replace

from durable.engine.processor import Begun
from durable.limits import Limits
from durable.machine.commands import Refusal, RefusalCode
from durable.machine.effects import Woke
from durable.machine.job import Job, JobSpec, Mode, Stage
from durable.machine.ledger import Kind
from durable.machine.machine import step
from durable.machine.notes import ErrorCode
from durable.machine.states import Command, State
from tests.fakes.answers import BULK, INDEX, LIST, STATUS, a_history, a_note, a_page_of, ok
from tests.fakes.bench import NOW_MS, SET, Bench
from tests.fakes.environment import an_environment


BAD = {"id": "b", "text": 7}
PAGES = [[a_note("a"), BAD], [a_note("c"), a_note("d")], [{"id": "e"}, a_note("f")]]
MENDED = [[a_note("a"), a_note("b")], PAGES[1], [a_note("e"), a_note("f")]]
CURSORS = ["2", "3", None]
FULL = Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=NOW_MS)


def bench_after(mode: Mode) -> tuple[Bench, Job]:
    """A job that succeeded and has rejected b of page 1 and e of page 3."""
    bench = Bench()
    pages = [a_page_of(page, cursor) for page, cursor in zip(PAGES, CURSORS, strict=True)]
    bench.network.on(LIST, *pages)
    bench.network.on(BULK, *(ok() for _ in range(5)))
    bench.network.on(INDEX, *(ok() for _ in range(3)))
    upload = "notes-1-1"
    bench.network.on(STATUS, a_history((upload, "ACTIVE")), a_history((upload, "SUCCESSFUL")))
    bench.put(replace(FULL, mode=mode), alarm_at_ms=NOW_MS)
    job = bench.left()
    assert (job.state, job.crawl.reject_count) == (State.SUCCEEDED, 2)
    bench.network.requests.clear()
    bench.now_ms += 1_000
    return bench, job


def repeated(bench: Bench, job: Job) -> Job:
    begun = asyncio.run(bench.processor.repeat(job.id))
    assert isinstance(begun, Begun), begun
    return begun.job


def sent(bench: Bench) -> list[str]:
    """The ids of the documents that were sent one by one."""
    bodies = [
        msgspec.json.decode(request.content)
        for request, line in zip(bench.network.requests, bench.network.lines, strict=True)
        if line == INDEX
    ]
    return [document["id"] for body in bodies for document in body["documents"]]


@pytest.mark.parametrize("mode", Mode)
def test_only_the_pages_with_rejects_are_read_again(mode: Mode) -> None:
    bench, job = bench_after(mode)
    repeated(bench, job)
    bench.network.on(LIST, a_page_of(MENDED[0], "2"), a_page_of(MENDED[2]))
    bench.network.on(INDEX, ok(), ok())

    after = bench.left()

    reads = [request.url.params for request in bench.network.requests if request.method == "GET"]
    assert [params.get("cursor") for params in reads] == [None, "3"]
    assert (after.state, after.repeats, after.mode) == (State.SUCCEEDED, job.id, Mode.INCREMENTAL)


def test_of_a_page_that_has_changed_all_that_differs_is_sent() -> None:
    """Which of its records was rejected, cannot be told any more: but what Glean has can."""
    bench, job = bench_after(Mode.FULL)
    repeated(bench, job)
    changed = [a_note("a", text="another"), a_note("b")]
    bench.network.on(LIST, a_page_of(changed, "2"), a_page_of(MENDED[2]))
    bench.network.on(INDEX, ok(), ok())

    assert bench.left().crawl.reject_count == 0
    assert sent(bench) == ["a", "b", "e"]


def test_of_a_page_that_is_as_it_was_nothing_else_is_sent() -> None:
    bench, job = bench_after(Mode.FULL)
    repeated(bench, job)
    bench.network.on(LIST, a_page_of(PAGES[0], "2"), a_page_of(PAGES[2]))

    after = bench.left()

    assert sent(bench) == []
    assert (after.state, after.crawl.reject_count, after.crawl.record_count) == (
        State.SUCCEEDED,
        2,
        2,
    )


def test_the_watermark_stays_as_it_was_and_what_is_sent_has_its_row() -> None:
    bench, job = bench_after(Mode.FULL)
    before = bench.store.successes.watermark_ms()
    repeated(bench, job)
    bench.network.on(LIST, a_page_of(MENDED[0], "2"), a_page_of(MENDED[2]))
    bench.network.on(INDEX, ok(), ok())

    assert bench.left().state is State.SUCCEEDED
    assert bench.store.successes.watermark_ms() == before
    assert set(bench.store.ledger.look_up(Kind.DOCUMENT, "abcdef")) == set("abcdef")


def test_an_incremental_jobs_rejects_are_asked_for_with_its_watermark() -> None:
    bench, job = bench_after(Mode.INCREMENTAL)
    bench.put(replace(job, id="notes-2", since_ms=0))
    page = {"place": 1, "key": "", "reason": "why", "cursor": "3", "digest": "1-a"}
    body = msgspec.json.encode(page).decode()
    bench.storage.exec("INSERT INTO reject VALUES ('notes-2', 1, 1, ?)", body)
    repeated(bench, replace(job, id="notes-2"))
    bench.network.on(LIST, a_page_of([]))

    bench.left()

    (request,) = bench.network.requests
    assert dict(request.url.params) == {
        "cursor": "3",
        "updated_since": "1970-01-01T00:00:00.000Z",
    }


def reject_of_users(bench: Bench, job: Job) -> None:
    """Of a stage that the connector does not have any more."""
    page = {"place": 1, "key": "", "reason": "why", "stage": "users", "digest": "1-a"}
    body = msgspec.json.encode(page).decode()
    bench.storage.exec("INSERT INTO reject VALUES (?, 9, 1, ?)", job.id, body)


def test_rejects_of_what_the_connector_brings_no_more_fail_the_job_after_all_else() -> None:
    bench, job = bench_after(Mode.FULL)
    reject_of_users(bench, job)
    repeated(bench, job)
    bench.network.on(LIST, a_page_of(MENDED[0], "2"), a_page_of(MENDED[2]))
    bench.network.on(INDEX, ok(), ok())

    after = bench.left()

    assert sent(bench) == ["b", "e"]
    assert after.state is State.FAILED
    assert after.error_code == ErrorCode.SHORTFALL
    assert "users" in after.error


def test_where_it_brings_none_of_them_any_more_the_job_fails_at_once() -> None:
    bench, job = bench_after(Mode.FULL)
    other = replace(job, id="notes-2")
    bench.put(other)
    reject_of_users(bench, other)
    repeated(bench, other)

    after = bench.left()

    assert (after.state, after.pacing.death_count) == (State.FAILED, 0)
    assert other.id in after.error
    assert bench.network.requests == []
    again = bench.commanded(after, Command.RETRY)
    assert (again.state, bench.left().error) == (State.QUEUED, after.error)


def test_documents_that_a_backend_brings_by_now_are_not_asked_of_it_again() -> None:
    """It would begin a crawl of everything."""
    spec = JobSpec(is_delegated=True, stages={Mode.FULL: (Stage.DOCUMENTS,)})
    job = replace(
        FULL, mode=Mode.INCREMENTAL, repeats="notes-0", stages=(Stage.USERS, Stage.DOCUMENTS)
    )

    after, effects = step(job, Woke(spec=spec), NOW_MS, Limits())

    assert (after.state, effects) == (State.FAILED, ())


def test_asking_twice_gives_one_job() -> None:
    bench, job = bench_after(Mode.FULL)

    assert repeated(bench, job).id == repeated(bench, job).id


def test_a_job_of_the_same_mode_is_another_one() -> None:
    bench, job = bench_after(Mode.FULL)
    first = repeated(bench, job)

    assert bench.begun(Mode.INCREMENTAL).id != first.id


def test_a_job_without_rejects_has_nothing_to_repeat() -> None:
    bench = Bench()
    bench.put(replace(FULL, state=State.SUCCEEDED))

    refusal = asyncio.run(bench.processor.repeat(FULL.id))

    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.NO_REJECTS


def test_a_job_that_is_not_at_its_end_is_not_repeated() -> None:
    bench, job = bench_after(Mode.FULL)
    bench.put(replace(job, id="notes-2", state=State.SENDING))

    refusal = asyncio.run(bench.processor.repeat("notes-2"))

    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.JOB_NOT_ENDED


def test_an_unknown_job_is_none() -> None:
    assert asyncio.run(Bench().processor.repeat("notes-7")) is None


def test_what_fails_again_can_be_repeated_again() -> None:
    bench, job = bench_after(Mode.FULL)
    repeated(bench, job)
    bench.network.on(LIST, a_page_of(PAGES[0], "2"), a_page_of(PAGES[2]))
    again = repeated(bench, bench.left())
    bench.network.on(LIST, a_page_of(MENDED[0], "2"), a_page_of(MENDED[2]))
    bench.network.on(INDEX, ok(), ok())

    assert again.id != job.id
    assert bench.left().state is State.SUCCEEDED
    assert "b" in sent(bench)


def test_rejects_never_become_a_full_sync_however_many_they_are() -> None:
    bench, job = bench_after(Mode.FULL)
    bench.environment = an_environment(**SET, LIMITS='{"changes_max": 1}')
    bench.restarted()
    repeated(bench, job)
    bench.network.on(LIST, a_page_of(MENDED[0], "2"), a_page_of(MENDED[2]))
    bench.network.on(INDEX, ok(), ok())

    after = bench.left()

    assert (after.mode, after.state, after.crawl.document_count) == (
        Mode.INCREMENTAL,
        State.SUCCEEDED,
        2,
    )
