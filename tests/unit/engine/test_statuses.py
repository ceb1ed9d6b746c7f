"""What Glean's answers lead to, row by row of the table in docs/operations.md; what is believed."""

import asyncio
from collections.abc import Callable, Mapping

import httpx
import pytest
from msgspec.structs import replace

from durable import BodyCursor, HttpSource, Mode, Stream
from durable.engine.clients import Clients
from durable.errors import Cause
from durable.glean.identities import DatasourceUser, Team
from durable.glean.statuses import is_page, meaning, write_fault
from durable.machine.effects import (
    Close,
    CloseRefused,
    CloseWithDocument,
    Displaced,
    Event,
    Failed,
    Fetch,
    Open,
    Pack,
    QueryUpload,
    RequestEffect,
    Send,
    Sent,
    Split,
)
from durable.machine.job import ReadContext, Stage
from tests.fakes.answers import a_history, a_note, a_page, a_page_of
from tests.fakes.bench import SET, Bench
from tests.fakes.connector import NOTES, Note
from tests.fakes.desk import UPLOAD, Desk, an_executor
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.network import Network


LOGIN = b"<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
# As in docs/operations.md, which tests/dev/test_operations_docs.py holds to the code.
ROWS = {
    "wait": (201, 202, 204, 206, 408, 423, 425, 429, 500, 501, 502, 503, 504, 520, 599),
    "end": (301, 302, 303, 307, 308, 401, 403, 404, 405, 410, 415, 422),
    "conflict": (409,),
    "invalid": (400,),
    "too large": (413,),
}
STATUSES = [(status, sense) for sense, statuses in ROWS.items() for status in statuses]


# Each a kind of request that is answered so, by what is asked for before it.
def opened(answer: httpx.Response) -> Event:
    return Desk(Network(answer)).performed(Open(UPLOAD))


def asked(answer: httpx.Response) -> Event:
    return Desk(Network(answer)).performed(QueryUpload(UPLOAD))


def closed(answer: httpx.Response) -> Event:
    return Desk(Network(answer)).performed(Close(UPLOAD))


def closed_with_a_document(answer: httpx.Response) -> Event:
    return Desk(Network(a_page("a"), answer)).performed(CloseWithDocument(UPLOAD, None, 0))


def sent(answer: httpx.Response, upload_id: str, *items: Mapping[str, object]) -> Event:
    """What becomes of the first batch of a page; the upload is open, whoever asks."""
    network = Network(answer, a_history((UPLOAD, "ACTIVE")))
    network.on("GET /list", a_page_of(items))
    network.on("POST /api/index/v1/debug/notes/status", a_history((UPLOAD, "ACTIVE")))
    desk = Desk(network, upload_id)
    desk.packed()
    return desk.performed(Send(0, 0))


def page(answer: httpx.Response) -> Event:
    return sent(answer, UPLOAD, a_note("a"), a_note("b"))


def changes(answer: httpx.Response) -> Event:
    return sent(answer, "", a_note("a"), a_note("b"))


def change(answer: httpx.Response) -> Event:
    return sent(answer, "", a_note("a"))


def deletion(answer: httpx.Response) -> Event:
    return sent(answer, "", a_note("a", is_deleted=True))


WRITES: list[Callable[[httpx.Response], Event]] = [
    opened,
    page,
    changes,
    change,
    deletion,
    closed,
    closed_with_a_document,
]


def outcome(event: Event) -> str:  # noqa: PLR0911 - a word for each
    match event:
        case Failed(is_transient=True):
            return "waits"
        case Failed():
            return "fails"
        case Split(batch_bytes_max=None):
            return "cut"
        case Split():
            return "cut, smaller"
        case Sent(rejected_document_count=1) | Sent(rejected_deletion_count=1):
            return "rejected"
        case CloseRefused():
            return "closed otherwise"
    return type(event).__name__


LEADS_TO: Mapping[str, Mapping[str, str]] = {
    "wait": {},
    "end": {},
    "conflict": {"page": "cut"},  # a part of it is there, from a try whose answer was lost
    "invalid": {
        "page": "cut",
        "changes": "cut",
        "change": "rejected",
        "deletion": "rejected",
        "closed": "closed otherwise",
        "closed_with_a_document": "closed otherwise",
    },
    "too large": {
        "page": "cut, smaller",
        "changes": "cut, smaller",
        "change": "rejected",
        "deletion": "rejected",
    },
}
ELSE = {
    "wait": "waits",
    "end": "fails",
    "conflict": "waits",
    "invalid": "fails",
    "too large": "fails",
}


@pytest.mark.parametrize("request_", [*WRITES, asked], ids=lambda each: each.__name__)
@pytest.mark.parametrize(("status", "sense"), STATUSES)
def test_each_row_of_the_table_holds(
    status: int, sense: str, request_: Callable[[httpx.Response], Event]
) -> None:
    expected = LEADS_TO[sense].get(request_.__name__, ELSE[sense])

    assert meaning(status) == sense
    assert outcome(request_(httpx.Response(status, text="no a or b"))) == expected


@pytest.mark.parametrize("status", [409, 429, 503])
def test_what_glean_says_of_when_to_come_back_is_kept(status: int) -> None:
    event = change(httpx.Response(status, headers={"retry-after": "60"}))

    assert isinstance(event, Failed)
    assert event.retry_after_ms == 60_000


def test_a_403_that_says_when_to_come_back_waits() -> None:
    assert outcome(change(httpx.Response(403, headers={"retry-after": "60"}))) == "waits"


def test_a_page_of_an_upload_that_is_gone_begins_it_anew() -> None:
    network = Network(a_page("a"), httpx.Response(409), a_history())

    assert isinstance(Desk(network).sent()[0], Displaced)


RIGHT = [b"", b" \r\n", b"{}", b' {"requestId": "r-1"}\n', b"\xef\xbb\xbf{}", b'{"success": true}']
RIGHT += [b'{"error": null, "errors": [], "status": 200}', b'{"status": "ok"}']
RIGHT += [b'{"ok": true, "code": "200", "statusCode": 200}', b'{"status": "399 more"}']
WRONG = [
    *(
        LOGIN,
        LOGIN.upper(),
        b"\n\n" + LOGIN,
        b"\xef\xbb\xbf" + LOGIN,
        b"<html>",
        b"<!-- x --><html>",
    ),
    *(b"Sign in", b"OK", b"null", b"true", b'"ok"', b"[]", b"[{}]", b"{", b'{"a": 1', b"}{"),
    *(b"\xff", b"{\xff}", b'{"error": "maintenance"}', b'{"errors": [{"message": "no"}]}'),
    *(b'{"success": false}', b'{"status": "error"}', b'{"status": 503}', b'{"code": 403}'),
    *(b'{"status": "503"}', b'{"code": "403"}', b'{"statusCode": 500}', b'{"code": 500.0}'),
    *(b'{"ok": false}', b'{"success": "False"}', b'{"success": 0}', b'{"statusCode": "500"}'),
    b"[" * 50_000,
    LOGIN + b" " * 100_000,
    b"{" + b" " * 100_000 + b"}",
]


@pytest.mark.parametrize("request_", WRITES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("body", RIGHT)
def test_nothing_and_an_object_are_gleans_answer_to_a_write(
    request_: Callable[[httpx.Response], Event], body: bytes
) -> None:
    answer = httpx.Response(200, content=body, headers={"content-type": "text/html"})

    assert outcome(request_(answer)) in {"Opened", "Sent", "Closed"}


@pytest.mark.parametrize("request_", WRITES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("body", WRONG, ids=lambda body: repr(body[:30]))
def test_what_is_not_gleans_answer_to_a_write_is_not_believed(
    request_: Callable[[httpx.Response], Event], body: bytes
) -> None:
    event = request_(httpx.Response(200, content=body))

    assert outcome(event) == "waits"
    assert isinstance(event, Failed)
    assert event.cause in {Cause.UNREADABLE, Cause.TOO_LARGE}


@pytest.mark.parametrize("body", [b"{" + b'"a":[' * 5_000 + b"]" * 5_000 + b"}"])
def test_an_object_that_is_too_deep_to_be_decoded_is_not_believed(body: bytes) -> None:
    assert write_fault(body) is not None


@pytest.mark.parametrize("body", WRONG, ids=lambda body: repr(body[:30]))
def test_a_login_page_is_spoken_of_only_where_html_came(body: bytes) -> None:
    assert ("login" in (write_fault(body) or "")) == is_page(body)
    assert is_page(body) == (b"<html" in body.lower())


@pytest.mark.parametrize("status", [400, 404, 405, 409, 422])
def test_a_refusal_in_html_is_not_gleans_word(status: int) -> None:
    """Else a proxy's 400 would reject records, and its 404 a datasource that is there."""
    for request_ in (page, changes, change, deletion):
        event = request_(httpx.Response(status, content=LOGIN))
        expected = "waits" if status in {400, 409} else "fails"
        assert outcome(event) == expected
        assert isinstance(event, Failed)
        assert event.cause is Cause.UNANSWERED


def test_a_413_is_believed_of_whoever_says_so() -> None:
    assert outcome(changes(httpx.Response(413, content=LOGIN))) == "cut, smaller"


@pytest.mark.parametrize(
    ("status", "cause"), [(429, Cause.THROTTLED), (503, Cause.UNAVAILABLE), (401, Cause.REFUSED)]
)
def test_whoever_writes_it_a_page_with_such_a_status_is_counted_by_it(
    status: int, cause: Cause
) -> None:
    event = change(httpx.Response(status, content=LOGIN, headers={"retry-after": "60"}))

    assert isinstance(event, Failed)
    assert event.cause is cause
    assert event.retry_after_ms == 60_000


PEOPLE = Stream(
    source=HttpSource(url="https://notes.example/users", records="items", paging=BodyCursor()),
    key="id",
    record=Note,
    map=lambda note: DatasourceUser(email=f"{note.id}@x.example", name=note.id),
)
STAGED = replace(NOTES, users=PEOPLE)


@pytest.mark.parametrize("upload_id", [UPLOAD, ""], ids=["of an upload", "single"])
@pytest.mark.parametrize("body", [LOGIN, b"OK"])
def test_people_are_not_believed_to_be_there_either(upload_id: str, body: bytes) -> None:
    network = Network(a_page("a"), httpx.Response(200, content=body))
    executor = an_executor(STAGED, an_environment(**SET), a_host(network))
    ends = executor.ends()
    assert isinstance(ends, Clients)
    crawl = ReadContext("notes-1-1", Mode.FULL, Stage.USERS, None)
    effects: list[RequestEffect] = [Fetch(0, None), Pack(0, upload_id, None), Send(0, 0)]
    events = [asyncio.run(executor.perform(effect, ends, crawl)) for effect in effects]

    assert outcome(events[-1]) == "waits"


TEAMED = replace(
    NOTES,
    teams=Stream(
        source=HttpSource(url="https://notes.example/teams", records="items", paging=BodyCursor()),
        key="id",
        record=Note,
        map=lambda note: Team(id=note.id, name=note.id, members=[]),
    ),
)


def test_a_conflict_of_an_upload_that_nothing_can_be_asked_about_is_waited_for() -> None:
    executor = an_executor(
        TEAMED, an_environment(**SET), a_host(Network(a_page("a"), httpx.Response(409)))
    )
    ends = executor.ends()
    assert isinstance(ends, Clients)
    crawl = ReadContext("notes-1-1", Mode.FULL, Stage.TEAMS, None)
    effects: list[RequestEffect] = [Fetch(0, None), Pack(0, UPLOAD, None), Send(0, 0)]

    events = [asyncio.run(executor.perform(effect, ends, crawl)) for effect in effects]

    assert outcome(events[-1]) == "waits"


def test_a_job_whose_changes_somebody_else_takes_moves_no_watermark() -> None:
    bench = Bench(*(httpx.Response(200, content=LOGIN) for _ in range(3)))
    bench.network.on("GET /list", *(a_page("a") for _ in range(4)))
    job = bench.begun(Mode.INCREMENTAL)
    for _ in range(3):
        bench.now_ms = max(bench.now_ms + 1_000, bench.job(job.id).alarm_at_ms or 0)
        job = bench.left()

    assert (job.crawl.document_count, job.crawl.cursor, job.crawl.page_count) == (0, None, 0)
    assert bench.store.successes.watermark_ms() is None
    assert "HTML" in job.error
