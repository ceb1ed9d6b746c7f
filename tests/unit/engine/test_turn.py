import asyncio
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.engine.redaction import REASON_CHARACTERS_MAX
from durable.engine.turn import Turn
from durable.environment import Environment, Secret
from durable.glean.datasource import Datasource
from durable.http.auth import Bearer
from durable.limits import Limits
from durable.machine.commands import Instruction
from durable.machine.job import Job, Mode, TurnUsage
from durable.machine.ledger import Kind
from durable.machine.notes import EventKind
from durable.machine.remedies import Remedy, RemedyCode, remedy_of
from durable.machine.states import Command, State
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor
from durable.store.store import Store
from durable.views.status import status
from tests.fakes.answers import BULK, INDEX, LIST, STATUS, a_history, a_note, a_page, a_page_of, ok
from tests.fakes.bench import NOW_MS, SET, Bench
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.jobs import alter


LISTED = HttpSource(records="items", url="https://notes.example/list", paging=BodyCursor())
QUEUED = Job(id="notes-1", connector="notes", mode=Mode.INCREMENTAL, created_at_ms=NOW_MS)
FULL = replace(QUEUED, mode=Mode.FULL)
WORKS = alter(QUEUED, state=State.SENDING, started_at_ms=NOW_MS, progress_at_ms=NOW_MS)
CLOSING = alter(
    FULL,
    state=State.CLOSING,
    upload_id="u-1",
    started_at_ms=NOW_MS,
    progress_at_ms=NOW_MS,
    has_end=True,
)


def turned(job: Job, bench: Bench) -> Job:
    """The job after one turn."""
    bench.put(job, alarm_at_ms=NOW_MS)
    return bench.left()


def test_a_full_job_is_opened_sent_and_closed_in_one_turn() -> None:
    upload = "notes-1-1"
    bench = Bench()
    bench.network.on(LIST, a_page("a", "b", next_cursor="2"), a_page("c"))
    bench.network.on(BULK, ok(), ok(), ok(), ok())
    bench.network.on(STATUS, a_history((upload, "ACTIVE")), a_history((upload, "SUCCESSFUL")))

    job = turned(FULL, bench)

    assert bench.network.lines == [BULK, LIST, LIST, BULK, BULK, STATUS, BULK, STATUS]
    assert job.state is State.SUCCEEDED
    assert (job.crawl.page_count, job.crawl.document_count, job.upload.id) == (2, 3, upload)
    requests = [msgspec.json.decode(bench.network.requests[place].content) for place in (3, 4)]
    sent = [[document["id"] for document in request["documents"]] for request in requests]
    assert sent == [["a", "b"], ["c"]]
    assert {request["uploadId"] for request in requests} == {upload}
    assert bench.store.ledger.count(Kind.DOCUMENT) == 3


def test_a_page_larger_than_a_request_is_sent_in_batches() -> None:
    bench = Bench(a_page("a", "b", "c"), ok(), ok(), limits={"batch_documents_max": 2})

    job = turned(QUEUED, bench)

    assert bench.network.lines[1:] == [INDEX] * 2
    assert (job.state, job.crawl.page_count, job.crawl.document_count) == (State.SUCCEEDED, 1, 3)


def test_limits_are_read_at_every_turn() -> None:
    bench = Bench(a_page("a", next_cursor="2"), ok(), limits={"turn_pages_max": 1})

    job = turned(QUEUED, bench)

    assert (job.state, job.crawl.cursor, job.turn) == (State.SENDING, "2", None)


def test_an_incremental_job_reads_from_the_last_success() -> None:
    bench = Bench(a_page())
    bench.storage.exec("INSERT INTO watermark VALUES ('succeeded', 0)")

    turned(QUEUED, bench)

    (request,) = bench.network.requests
    assert request.url.params["updated_since"] == "1970-01-01T00:00:00.000Z"
    assert bench.store.successes.watermark_ms() == NOW_MS


@pytest.mark.parametrize(
    ("before", "after"),
    [("SUCCESSFUL", None), ("ACTIVE", "SUCCESSFUL")],
    ids=["it was done", "it was to be done"],
)
def test_a_close_is_asked_about_before_and_after(before: str, after: str | None) -> None:
    answers = [a_history(("u-1", before))]
    if after is not None:
        answers += [ok(), a_history(("u-1", after))]
    bench = Bench(*answers)

    job = turned(CLOSING, bench)

    assert job.state is State.SUCCEEDED
    assert bench.network.lines == [STATUS, BULK, STATUS][: len(answers)]


def test_a_close_that_glean_took_waits_for_its_history_and_is_not_repeated() -> None:
    bench = Bench(a_history(("u-1", "ACTIVE")), ok(), a_history(("u-1", "ACTIVE")))

    job = turned(CLOSING, bench)

    assert (job.state, job.upload.is_close_answered) == (State.CLOSING, True)
    assert job.error_code == "glean-late"
    assert bench.network.lines == [STATUS, BULK, STATUS]


def test_a_close_whose_answer_was_lost_is_not_repeated() -> None:
    bench = Bench(a_history(("u-1", "ACTIVE")), httpx.ReadError("lost"))
    waiting = turned(CLOSING, bench)
    assert (waiting.state, waiting.upload.is_close_answered) == (State.CLOSING, False)

    bench.now_ms += 60_000
    bench.network.add(a_history(("u-1", "SUCCESSFUL")))

    assert bench.left().state is State.SUCCEEDED
    assert bench.network.lines == [STATUS, BULK, STATUS]


def test_the_token_of_the_source_goes_to_the_source_only() -> None:
    source = replace(LISTED, auth=Bearer(Secret("NOTES_TOKEN")))
    bench = Bench(
        a_page("a"),
        ok(),
        environment=an_environment(NOTES_TOKEN="s3cret", **SET),
        connector=replace(NOTES, documents=replace(NOTES.documents, source=source)),
    )

    turned(QUEUED, bench)

    tokens = [request.headers["authorization"] for request in bench.network.requests]
    assert tokens == ["Bearer s3cret", "Bearer t0ken"]


def test_an_error_that_may_pass_is_remembered_until_the_next_try() -> None:
    bench = Bench(httpx.Response(503, text="busy", headers={"retry-after": "9"}))

    job = turned(QUEUED, bench)

    assert (job.state, job.pacing.retry_at_ms) == (State.SENDING, NOW_MS + 9_000 + 1_000)
    told = "is left alone as its header retry-after says"
    assert job.error == f"the source answered 503, and {told}: busy"
    assert bench.storage.alarm_at_ms == job.pacing.retry_at_ms


def test_an_error_that_will_not_pass_fails_the_job() -> None:
    bench = Bench(a_page("a"), httpx.Response(404, text="Invalid datasource"))

    job = turned(QUEUED, bench)

    assert job.state is State.FAILED
    assert job.error == "Glean answered 404: Invalid datasource"
    assert bench.storage.alarm_at_ms is None


def test_an_error_never_shows_a_secret() -> None:
    job = turned(FULL, Bench(httpx.Response(401, text="bad token t0ken")))

    assert job.error.endswith(": bad token ***")
    assert "t0ken" not in msgspec.json.encode(job).decode()


def test_an_error_that_quotes_a_page_never_shows_half_a_secret() -> None:
    token = "0123456789abcdefghij"
    echo = httpx.Response(200, text="x" * 185 + token)  # a page is quoted up to 200 bytes

    environment = an_environment(**(SET | {"GLEAN_INDEXING_API_TOKEN": token}))
    job = turned(QUEUED, Bench(echo, environment=environment))

    assert token[:10] not in job.error


def test_an_error_is_one_short_line() -> None:
    job = turned(QUEUED, Bench(httpx.Response(500, text="many\n\n  \tlines " * 500)))

    assert job.error.startswith("the source answered 500: many lines many lines ")
    assert len(job.error) == REASON_CHARACTERS_MAX


def test_a_long_refusal_still_names_the_secret() -> None:
    job = turned(FULL, Bench(httpx.Response(403, text="<html>" + "x" * 5_000)))

    assert "check the secret GLEAN_INDEXING_API_TOKEN" in job.error


@pytest.mark.parametrize(
    ("environment", "connector", "remedy"),
    [
        (
            an_environment(GLEAN_INSTANCE="acme"),
            NOTES,
            "npx wrangler secret put GLEAN_INDEXING_API_TOKEN",
        ),
        (
            an_environment(GLEAN_INDEXING_API_TOKEN="t0ken"),
            NOTES,
            "npx wrangler secret put GLEAN_INSTANCE",
        ),
        (an_environment(LIMITS="{", **SET), NOTES, "LIMITS"),
        (
            an_environment(**SET),
            replace(
                NOTES,
                documents=replace(NOTES.documents, source=replace(LISTED, url="${NOTES_URL}/list")),
            ),
            "add it to [vars] in wrangler.toml",
        ),
        (
            an_environment(**SET),
            replace(
                NOTES,
                documents=replace(
                    NOTES.documents, source=replace(LISTED, url="notes.example/list")
                ),
            ),
            "must start with https://",
        ),
        (
            an_environment(**SET),
            replace(
                NOTES,
                documents=replace(
                    NOTES.documents, source=replace(LISTED, auth=Bearer(Secret("NOTES_TOKEN")))
                ),
            ),
            "npx wrangler secret put NOTES_TOKEN",
        ),
        (
            an_environment(GLEAN_INSTANCE="acme", GLEAN_INDEXING_API_TOKEN="\u201ct0ken\u201d"),
            NOTES,
            "npx wrangler secret put GLEAN_INDEXING_API_TOKEN",
        ),
    ],
    ids=[
        "no token",
        "no instance",
        "bad limits",
        "no variable",
        "no server",
        "no source's token",
        "a pasted token",
    ],
)
@pytest.mark.parametrize("job", [QUEUED, FULL], ids=lambda job: job.mode.value)
def test_a_configuration_that_is_not_right_fails_the_job_with_the_remedy(
    environment: Environment, connector: AnyConnector, remedy: str, job: Job
) -> None:
    bench = Bench(environment=environment, connector=connector)

    failed = turned(job, bench)

    assert (failed.state, failed.alarm_at_ms) == (State.FAILED, None)
    assert remedy in failed.error
    assert "t0ken" not in failed.error
    assert bench.network.requests == []


def test_a_configuration_that_is_not_right_does_not_begin_a_running_job_anew() -> None:
    sending = alter(FULL, state=State.SENDING, cursor="b", page_count=1, fingerprint="then")
    bench = Bench(environment=an_environment(GLEAN_INSTANCE="acme"))

    failed = turned(sending, bench)

    assert (failed.state, failed.crawl.cursor, failed.crawl.page_count) == (State.FAILED, "b", 1)


def test_a_turn_for_a_job_that_somebody_ended_changes_nothing() -> None:
    ended = replace(QUEUED, state=State.CANCELLED, error="ended by hand")
    bench = Bench()
    bench.put(ended)

    turn = Turn(ended.id, bench.connector, bench.environment, bench.store, bench.host)
    asyncio.run(turn.run())

    assert bench.store.load(ended.id) == ended


def test_what_is_rejected_of_a_page_is_remembered_with_the_page() -> None:
    pages = (
        a_page_of([a_note("a"), {"id": 7}], next_cursor="2"),
        a_page_of([a_note("x" * 201), a_note("b")]),
    )
    bench = Bench()
    bench.network.on(LIST, *pages)
    bench.network.on(INDEX, ok(), ok())

    job = turned(QUEUED, bench)

    assert (job.state, job.crawl.document_count, job.crawl.reject_count) == (State.SUCCEEDED, 2, 2)
    first, second = bench.rejects(job)
    assert (first[0], first[1].place, first[1].key) == (1, 2, "7")
    assert "is not a Note" in first[1].reason
    assert first[1].excerpt == '{"id":7}'
    assert (second[0], second[1].place, second[1].key) == (2, 1, "x" * 200)


def test_what_is_rejected_of_a_page_that_does_not_get_into_glean_waits_for_it() -> None:
    bench = Bench(a_page_of([a_note("a"), {"id": 7}]), httpx.Response(503))

    job = turned(QUEUED, bench)

    assert (job.state, job.crawl.reject_count, bench.rejects(job)) == (State.SENDING, 0, [])


def test_records_that_end_the_job_are_shown_too() -> None:
    bench = Bench(a_page_of([{"id": 7}, {"id": 8}]), limits={"rejects_max": 1})

    job = turned(QUEUED, bench)

    assert job.state is State.FAILED
    assert job.remedy == RemedyCode.CORRECT_RECORDS
    assert [(page, reject.place) for page, reject in bench.rejects(job)] == [(1, 1), (1, 2)]


def test_a_crawl_that_begins_anew_forgets_what_was_rejected() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page_of([{"id": 7}, a_note("a")], next_cursor="2"), a_page("b"))
    bench.network.on(BULK, ok(), ok(), httpx.Response(409, text="discarded"))
    bench.network.on(STATUS, a_history(("notes-1-1", "ACTIVE"), ("another", "ACTIVE")))
    before: list[int] = []

    async def look() -> None:
        before.extend(page for page, _ in bench.rejects(FULL))

    bench.network.meanwhile(6, look)
    job = turned(FULL, bench)

    assert bench.network.lines == [BULK, LIST, LIST, BULK, BULK, STATUS]
    assert before == [1]
    assert (job.state, job.crawl_count, job.restart_count) == (State.OPENING, 2, 1)
    assert (job.crawl.reject_count, bench.rejects(job)) == (0, [])


def test_a_connector_whose_definition_changed_is_crawled_anew() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page("a", next_cursor="2"), httpx.Response(503))
    bench.network.on(BULK, ok(), ok())
    assert turned(FULL, bench).crawl.page_count == 1

    bench.now_ms += 60_000
    bench.connector = replace(NOTES, datasource=Datasource("others"))
    bench.restarted()
    bench.network.on(BULK, ok())
    bench.network.on(LIST, httpx.Response(503))
    job = bench.left()

    assert (job.upload.id, job.crawl.page_count, job.crawl_count) == ("notes-1-2", 0, 2)
    assert EventKind.RESTARTED in {note.kind for note in job.notes}


def test_a_definition_that_stays_the_same_goes_on_after_a_restart() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page("a", next_cursor="2"), httpx.Response(503))
    bench.network.on(BULK, ok(), ok())
    assert turned(FULL, bench).crawl.page_count == 1

    bench.now_ms += 60_000
    bench.restarted()
    bench.network.on(LIST, httpx.Response(503))
    job = bench.left()

    assert (job.crawl.cursor, job.crawl.page_count, job.crawl_count) == ("2", 1, 1)
    assert bench.network.lines[4:] == [LIST]


def test_a_turn_that_finds_another_under_way_counts_a_death() -> None:
    sending = replace(
        QUEUED, state=State.SENDING, turn=TurnUsage(started_at_ms=NOW_MS), turn_count=1
    )

    job = turned(sending, Bench(httpx.Response(503)))

    assert (job.pacing.death_count, job.turn_count) == (1, 2)
    assert job.notes[0].kind == EventKind.KILLED


def test_a_full_job_that_lost_too_much_is_held_and_wakes_nobody() -> None:
    bench = Bench(ok(), a_page("a"), ok())
    bench.knows(*(f"known-{number}" for number in range(100)))

    job = turned(FULL, bench)

    assert (job.state, job.turn, job.alarm_at_ms) == (State.HELD, None, None)
    parameters: dict[str, str | int] = {
        "job": "notes-1",
        "deletions": 100,
        "list": job.crawl.gone.digest,
    }
    assert remedy_of(job) == Remedy(RemedyCode.DECIDE, parameters)
    assert bench.network.lines == [BULK, LIST, BULK]
    assert bench.storage.alarm_at_ms is None


# All that is under way at a time


@pytest.mark.parametrize("sends_max", [1, 2, 5])
def test_batches_of_an_upload_are_sent_side_by_side_up_to_the_limit(sends_max: int) -> None:
    bench = Bench(limits={"sends_max": sends_max, "batch_documents_max": 1})
    bench.network.rounds = 9
    bench.network.on(LIST, a_page(*"abcdefg", next_cursor="2"), a_page("h"))
    bench.network.on(BULK, *[ok() for _ in range(1 + 8 + 1)])
    bench.network.on(STATUS, a_history(("notes-1-1", "ACTIVE")))
    bench.network.on(STATUS, a_history(("notes-1-1", "SUCCESSFUL")))

    job = turned(FULL, bench)

    assert (job.state, job.crawl.document_count) == (State.SUCCEEDED, 8)
    assert bench.network.most == {BULK: sends_max, LIST: 1, STATUS: 1}
    ids = [one["id"] for sent in bodies(bench, BULK) for one in sent["documents"]]
    assert sorted(ids) == list("abcdefgh")


def bodies(bench: Bench, line: str) -> list[dict[str, Any]]:
    """Of the requests of this kind."""
    requests = zip(bench.network.lines, bench.network.requests, strict=True)
    return [msgspec.json.decode(request.content) for found, request in requests if found == line]


def test_changes_are_sent_one_after_the_other_in_the_order_of_the_source() -> None:
    bench = Bench(limits={"batch_documents_max": 1})
    bench.network.rounds = 9
    bench.network.on(LIST, a_page("a", "b", "c", next_cursor="2"), a_page("d", "e"))
    bench.network.on(INDEX, *[ok() for _ in range(5)])

    job = turned(QUEUED, bench)

    assert (job.state, job.crawl.document_count) == (State.SUCCEEDED, 5)
    assert bench.network.most == {INDEX: 1, LIST: 1}
    ids = [one["id"] for sent in bodies(bench, INDEX) for one in sent["documents"]]
    assert ids == list("abcde")


def test_a_page_is_read_while_the_one_before_it_is_sent() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page("a", next_cursor="2"), a_page("b"))
    bench.network.on(INDEX, ok(), ok())
    during = seen_during(2, QUEUED, bench)  # the second page
    job = turned(QUEUED, bench)

    (reading,) = during
    assert reading is not None
    assert (reading.crawl.page_count, reading.crawl.is_fetching) == (1, True)
    assert bench.network.lines == [LIST, LIST, INDEX, INDEX]
    assert (job.state, job.crawl.page_count) == (State.SUCCEEDED, 2)


def seen_during(number: int, job: Job, bench: Bench) -> list[Job | None]:
    """Gets the job as it is once all others have gone on while this request is under way."""
    during: list[Job | None] = []

    async def look() -> None:
        await rounds()
        during.append(bench.views.job(job.id))

    bench.network.meanwhile(number, look)
    return during


async def rounds() -> None:
    """Of the loop, in which all others go on that can."""
    for _ in range(9):
        await asyncio.sleep(0)


async def forever() -> None:
    """As a request whose answer does not come."""
    async with asyncio.timeout(10):  # rather than for ever, where it is not cancelled
        await asyncio.Event().wait()


def test_an_error_that_will_not_pass_ends_what_is_under_way() -> None:
    bench = Bench(limits={"batch_documents_max": 1})
    bench.network.on(LIST, a_page("a", "b", "c", next_cursor="2"), a_page("d"))
    bench.network.on(BULK, ok(), ok(), httpx.Response(404, text="Invalid datasource"), ok())
    for number in (3, 4, 6):  # the second page, the first batch and the third
        bench.network.meanwhile(number, forever)

    job = turned(FULL, bench)

    assert bench.network.lines == [BULK, LIST, LIST, BULK, BULK, BULK]
    assert (job.state, job.error) == (State.FAILED, "Glean answered 404: Invalid datasource")
    assert (job.crawl.page_count, job.crawl.flights, bench.storage.alarm_at_ms) == (0, (), None)


def test_a_command_ends_what_is_under_way_with_the_first_answer() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page("a", next_cursor="2"), a_page("b"))
    bench.network.on(INDEX, ok())

    async def cancel() -> None:
        after = await bench.processor.obey(QUEUED.id, Instruction(Command.CANCEL))
        assert isinstance(after, Job)

    bench.network.meanwhile(2, forever)
    bench.network.meanwhile(3, cancel)
    job = turned(QUEUED, bench)

    assert bench.network.lines == [LIST, LIST, INDEX]
    assert (job.state, job.crawl.page_count) == (State.CANCELLED, 0)


def test_what_is_acknowledged_beside_an_error_that_may_pass_is_kept() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page("a", next_cursor="2"), a_page("b", next_cursor="3"))
    bench.network.on(LIST, a_page("c"))
    bench.network.on(BULK, ok(), ok(), httpx.Response(503, text="busy"), ok())
    during = seen_during(4, FULL, bench)  # the first page
    job = turned(FULL, bench)

    (failing,) = during
    assert failing is not None
    assert (failing.error, failing.crawl.page_count) == ("Glean answered 503: busy", 0)
    assert failing.turn is not None
    assert (job.state, job.crawl.page_count, job.crawl.cursor, job.turn) == (
        State.SENDING,
        1,
        "2",
        None,
    )
    assert (job.error, job.pacing.attempt) == ("Glean answered 503: busy", 1)
    assert bench.storage.alarm_at_ms == job.pacing.retry_at_ms == NOW_MS + 1_000
    assert bench.network.lines == [BULK, LIST, LIST, BULK, LIST, BULK, BULK]


def test_what_is_under_way_is_not_stored() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page("a", next_cursor="2"), a_page("b"))
    bench.network.on(INDEX, ok(), ok())
    during: list[Job | None] = []

    async def look() -> None:
        during.extend([bench.store.load(QUEUED.id), Store(bench.storage).load(QUEUED.id)])

    bench.network.meanwhile(3, look)
    turned(QUEUED, bench)

    here, stored = during
    assert here is not None
    assert len(here.crawl.flights) == 2
    assert stored == alter(here, flights=(), is_fetching=False)


def test_what_is_rejected_of_pages_that_land_together_is_remembered_with_each() -> None:
    bench = Bench(limits={"turn_pages_max": 2})
    bench.network.on(LIST, a_page_of([a_note("a"), {"id": 7}], next_cursor="2"))
    bench.network.on(LIST, a_page_of([{"id": 8}, a_note("b")], next_cursor="3"))
    bench.network.on(BULK, ok(), ok(), ok())
    before: list[int] = []

    async def look() -> None:
        await rounds()
        before.append(len(bench.rejects(FULL)))

    bench.network.meanwhile(4, look)  # the first page
    job = turned(FULL, bench)

    assert before == [0]
    assert (job.state, job.crawl.page_count, job.crawl.reject_count) == (State.SENDING, 2, 2)
    assert [(page, reject.place) for page, reject in bench.rejects(job)] == [(1, 2), (2, 1)]


def test_what_is_rejected_is_written_once() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page_of([a_note("a"), {"id": 7}], next_cursor="2"))
    bench.network.on(LIST, a_page_of([{"id": 8}, a_note("b")]))
    bench.network.on(INDEX, ok(), ok())

    job = turned(QUEUED, bench)

    assert (job.state, len(bench.rejects(job))) == (State.SUCCEEDED, 2)
    statements = bench.storage.statements
    assert sum(one.startswith("INSERT OR REPLACE INTO reject ") for one in statements) == 2


def test_records_of_pages_read_ahead_that_end_the_job_are_shown_too() -> None:
    bench = Bench(limits={"rejects_max": 1})
    bench.network.on(LIST, a_page_of([a_note("a"), {"id": 7}], next_cursor="2"))
    bench.network.on(LIST, a_page_of([{"id": 8}, a_note("b")]))
    bench.network.on(INDEX, ok())
    bench.network.meanwhile(3, forever)

    job = turned(QUEUED, bench)

    assert (job.state, job.crawl.page_count) == (State.FAILED, 0)
    assert status(job).rejected == 2
    assert [(page, reject.place) for page, reject in bench.rejects(job)] == [(1, 2), (2, 1)]


def test_a_bug_of_ours_ends_all_that_is_under_way_and_the_lease_brings_the_job_back() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page("a", next_cursor="2"), a_page("b"))
    bench.network.on(INDEX)  # not prepared for any
    bench.network.meanwhile(2, forever)
    bench.put(QUEUED, alarm_at_ms=NOW_MS)

    with pytest.RaisesGroup(pytest.RaisesExc(AssertionError, match="no answer is prepared")):
        bench.turned()

    left = bench.views.job(QUEUED.id)
    assert left is not None
    assert (left.state, left.crawl.page_count) == (State.SENDING, 0)
    assert bench.storage.alarm_at_ms == left.alarm_at_ms
    longest_ms = Limits().lease_ms
    assert longest_ms * 3 // 4 <= (left.alarm_at_ms or 0) - NOW_MS <= longest_ms

    bench.network.on(LIST, a_page("a"))
    bench.network.on(INDEX, ok())
    job = bench.left()

    assert (job.state, job.turn_count, job.crawl.document_count) == (State.SUCCEEDED, 2, 1)
    assert EventKind.KILLED in {note.kind for note in job.notes}


@pytest.mark.parametrize(("death_count", "waited_ms"), [(0, []), (1, []), (2, [15_000])])
def test_a_turn_of_a_job_that_was_killed_again_waits_and_remembers_that_it_does(
    death_count: int, waited_ms: list[int]
) -> None:
    bench = Bench()
    waits: list[int] = []
    seen: list[bool] = []

    async def wait(duration_ms: int) -> None:
        job = Store(bench.storage).load(QUEUED.id)
        assert job is not None
        assert job.turn is not None
        waits.append(duration_ms)
        seen.append(job.turn.is_apart)
        assert bench.network.requests == []

    bench.host = replace(bench.host, wait=wait)
    bench.restarted()
    bench.network.on(LIST, a_page("a"))
    bench.network.on(INDEX, ok())
    # The death before is counted as the turn begins.
    begun = alter(WORKS, death_count=max(0, death_count - 1))
    died = replace(begun, turn=TurnUsage(started_at_ms=NOW_MS) if death_count else None)
    bench.put(died, alarm_at_ms=NOW_MS)

    job = bench.turned()

    assert job is not None
    assert (job.state, waits, seen) == (State.SUCCEEDED, waited_ms, [True] * len(waited_ms))


def test_a_job_that_is_cancelled_while_its_turn_waits_asks_for_nothing() -> None:
    bench = Bench()

    async def wait(_duration_ms: int) -> None:
        await bench.processor.obey(QUEUED.id, Instruction(Command.CANCEL))

    bench.host = replace(bench.host, wait=wait)
    bench.restarted()
    begun = alter(WORKS, death_count=1)
    bench.put(replace(begun, turn=TurnUsage(started_at_ms=NOW_MS)), alarm_at_ms=NOW_MS)

    bench.turned()

    job = bench.views.job(QUEUED.id)
    assert job is not None
    assert job.state is State.CANCELLED
    assert bench.network.requests == []
