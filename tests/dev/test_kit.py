"""The kit finds what is planted, and says where it is and what to do."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, ClassVar

import httpx
import msgspec
import pytest
from msgspec import Raw, Struct
from msgspec.structs import replace

from dev.backend.app import create_app as backend
from dev.kinds_source.app import create_app as kinds_source
from dev.kit import Responses, check_connector
from durable import (
    Action,
    Backend,
    Bearer,
    BodyCursor,
    Connector,
    FetchRequest,
    HttpSource,
    NdjsonSource,
    NewestFirst,
    NextUrl,
    PythonSource,
    Resume,
    Rule,
    Secret,
    Since,
    SourcePage,
)
from durable.connector.backend_connector import BackendConnector
from durable.connector.definition import AnyConnector
from durable.connector.stream import Stream
from durable.environment import Environment
from durable.errors import UpstreamError
from durable.glean import Datasource, Document
from durable.http.auth import Auth
from durable.http.context import SourceContext
from durable.machine.job import Mode, ReadContext
from durable.machine.rate import Rate
from durable.sources.clock import Clock
from durable.sources.since import Changes
from durable.sources.source import Records
from tests.fakes.connector import NOTES, Note, document


LIST = "GET https://notes.example/list"
SINCE = "updated_since=2026-11-23T23:55:00.000Z"  # with the overlap


def page(*ids: str, next_cursor: str | None = None) -> dict[str, Any]:
    return {"items": [{"id": one, "text": one} for one in ids], "next_cursor": next_cursor}


THREE_PAGES = {
    LIST: page("a", "b", next_cursor="2"),
    f"{LIST}?cursor=2": page("c", next_cursor="3"),
    f"{LIST}?cursor=3": page("d"),
}
CHANGES = {
    f"{LIST}?{SINCE}": page("c", next_cursor="5"),
    f"{LIST}?cursor=5&{SINCE}": {
        "items": [{"id": "x", "text": "", "is_deleted": True}],
        "next_cursor": None,
    },
}
GOOD = {**THREE_PAGES, **CHANGES}
SOURCE = HttpSource(records="items", url="https://notes.example/list", paging=BodyCursor())
FULL_ONLY = replace(NOTES, documents=replace(NOTES.documents, source=SOURCE))


def failure(connector: AnyConnector, responses: Responses, **options: Any) -> str:
    with pytest.raises(AssertionError) as error:
        check_connector(connector, responses, **options)
    return str(error.value)


def mapped(change: Callable[[Note], Any]) -> AnyConnector:
    """The notes with another mapping."""
    return replace(FULL_ONLY, documents=replace(FULL_ONLY.documents, map=change))


def signed(auth: Auth) -> AnyConnector:
    return replace(
        FULL_ONLY, documents=replace(FULL_ONLY.documents, source=replace(SOURCE, auth=auth))
    )


# A source in Python, whose reader may do wrong.


class Listed(Struct, frozen=True):
    """Pages of ids."""

    fetch: Callable[[dict[str, Any], str | None], Records]
    names: frozenset[str] = frozenset()
    closed: list[int] = []

    rate: ClassVar[Rate | None] = None
    kept_ms: ClassVar[int | None] = None
    tells_changes: ClassVar[bool] = False
    has_moving_pages: ClassVar[bool] = False
    clock: ClassVar[Clock | None] = None

    def reader(self, context: SourceContext) -> "ListedReader":
        return ListedReader(self, context)

    def secrets(self) -> frozenset[str]:
        return self.names

    def locate(self, _environment: Environment) -> str:
        return "https://notes.example"


class ListedReader:
    def __init__(self, source: Listed, context: SourceContext) -> None:
        self._source = source
        self._memory: dict[str, Any] = {"context": context}

    async def fetch(self, cursor: str | None, _crawl: ReadContext) -> Records:
        return self._source.fetch(self._memory, cursor)

    async def close(self) -> None:
        self._source.closed.append(len(self._memory))


def records(*ids: str, next_cursor: Any = None, **others: Any) -> Records:
    raws = [Raw(msgspec.json.encode({"id": one, "text": one})) for one in ids]
    return Records(records=raws, next_cursor=next_cursor, **{"byte_count": 10, **others})


def in_python(fetch: Callable[[dict[str, Any], str | None], Records]) -> AnyConnector:
    return replace(NOTES, documents=replace(NOTES.documents, source=Listed(fetch)))


# What is right passes.


def test_a_connector_that_is_right_passes() -> None:
    report = check_connector(NOTES, GOOD)

    assert [found.id for found in report.documents] == ["a", "b", "c", "d"]
    assert [deletion.id for deletion in report.deletions] == ["x"]
    assert [request.url.query.decode() for request in report.requests] == [
        "",
        "cursor=2",
        "cursor=3",
        "updated_since=2026-11-23T23%3A55%3A00.000Z",
        "updated_since=2026-11-23T23%3A55%3A00.000Z&cursor=5",
    ]
    assert report.rejects == []


def test_responses_may_be_a_function_of_the_request() -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        is_last = request.url.params.get("cursor") == "2"
        return httpx.Response(200, json=page("b") if is_last else page("a", next_cursor="2"))

    async def in_time(request: httpx.Request) -> httpx.Response:
        return answered(request)

    for responses in (answered, in_time):
        assert len(check_connector(FULL_ONLY, responses).documents) == 2


def test_a_body_belongs_to_the_request_where_the_key_has_one() -> None:
    source = HttpSource(
        records="items",
        url="https://notes.example/list",
        paging=BodyCursor(),
        body={"b": 1, "a": [2]},
    )
    url = "POST https://notes.example/list"
    right, other = f'{url} {{"a": [2], "b": 1}}', f'{url} {{"a": [3], "b": 1}}'

    with_body = {other: page("wrong"), right: page("right"), url: page("any")}
    without = {other: page("wrong"), url: page("any")}

    connector = replace(NOTES, documents=replace(NOTES.documents, source=source))
    assert check_connector(connector, with_body).documents[0].id == "right"
    assert check_connector(connector, without).documents[0].id == "any"


def test_a_status_that_passes_is_passed_over_and_the_clock_moves_on() -> None:
    statuses = itertools.chain([503, 429], itertools.repeat(200))
    clocks: list[int] = []

    def answered(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(next(statuses), json=page("a"), headers={"retry-after": "90"})

    class Watching(Struct, frozen=True):
        def signer(self, context: SourceContext) -> Any:
            clocks.append(context.now_ms())
            return Bearer(Secret("TOKEN")).signer(context)

        def secrets(self) -> frozenset[str]:
            return frozenset({"TOKEN"})

    check_connector(signed(Watching()), answered, now_ms=5_000)

    assert sorted(set(clocks)) == [5_000, 95_000, 185_000]


def test_variables_and_secrets_are_made_up_and_can_be_given() -> None:
    source = HttpSource(
        records="items",
        url="${NOTES_URL}/list",
        paging=BodyCursor(),
        auth=Bearer(Secret("NOTES_TOKEN")),
    )
    connector = replace(NOTES, documents=replace(NOTES.documents, source=source))

    made_up = check_connector(connector, {"GET ${NOTES_URL}/list": page("a")})
    given = check_connector(
        connector,
        {"GET https://mine.example/list": page("a")},
        environment={"NOTES_URL": "https://mine.example", "NOTES_TOKEN": "mine"},
    )

    assert made_up.requests[0].url.host == "notes-url.example"
    assert made_up.requests[0].headers["authorization"] == "Bearer ~made-up~notes-token"
    assert given.requests[0].headers["authorization"] == "Bearer mine"


def test_a_link_in_an_answer_may_name_the_variable() -> None:
    source = HttpSource(records="items", url="${NOTES_URL}/list", paging=NextUrl())
    responses = {
        "GET ${NOTES_URL}/list": {"items": [{"id": "a", "text": ""}], "next": "${NOTES_URL}/more"},
        "GET ${NOTES_URL}/more": httpx.Response(
            200, json={"items": [{"id": "b", "text": "${OTHER}"}], "next": None}
        ),
    }

    report = check_connector(
        replace(NOTES, documents=replace(NOTES.documents, source=source)), responses
    )

    assert [found.title for found in report.documents] == ["", "${OTHER}"]


def test_records_that_are_to_be_rejected_are_counted() -> None:
    responses = {LIST: {"items": [{"id": "a", "text": ""}, {"id": 7}], "next_cursor": None}}

    assert len(check_connector(FULL_ONLY, responses, rejects=1).rejects) == 2  # one in each mode
    each = {Mode.FULL: 1, Mode.INCREMENTAL: 1}
    assert len(check_connector(FULL_ONLY, responses, rejects=each).documents) == 1
    told = failure(FULL_ONLY, responses, rejects=2)
    assert "1 records are rejected, and not 2 as `rejects` says" in told


def test_changes_may_tell_of_one_document_twice() -> None:
    responses = {**THREE_PAGES, f"{LIST}?{SINCE}": page("a", "a")}

    assert len(check_connector(NOTES, responses).changes(Mode.INCREMENTAL)) == 2


def test_readers_are_closed_as_at_the_end_of_each_turn() -> None:
    source = Listed(
        lambda _memory, cursor: records("b") if cursor else records("a", next_cursor="2")
    )

    check_connector(replace(NOTES, documents=replace(NOTES.documents, source=source)), {})

    assert len(source.closed) == 2 * (1 + 2)  # in each mode: all of it, and from each page on


async def right(request: FetchRequest) -> AsyncIterator[SourcePage]:
    for number in range(request.cursor or 0, 4):
        yield SourcePage([{"id": str(number), "text": ""}], number + 1 if number < 3 else None)


async def wrong(request: FetchRequest) -> AsyncIterator[SourcePage]:
    for number in range(
        request.cursor or 0, 4
    ):  # goes on by itself, as long as nobody interrupts it
        yield SourcePage([{"id": str(number), "text": ""}], number + 2 if number < 3 else None)


def test_a_cursor_that_expires_may_be_among_the_responses() -> None:
    rules = (Rule(status=410, then=Action.RESTART),)
    source = replace(SOURCE, rules=rules, resume=Resume(path="id", param="after_id"))

    responses = {
        LIST: page("a", "b", next_cursor="2"),
        f"{LIST}?cursor=2": httpx.Response(410),
        f"{LIST}?after_id=b": page("c", next_cursor="3"),
        f"{LIST}?cursor=3&after_id=b": page("d"),
    }

    report = check_connector(
        replace(FULL_ONLY, documents=replace(FULL_ONLY.documents, source=source)), responses
    )

    assert [document.id for document in report.documents] == ["a", "b", "c", "d"]


def test_pages_of_the_authors_own_code_are_resumed() -> None:
    report = check_connector(
        replace(NOTES, documents=replace(NOTES.documents, source=PythonSource(pages=right))), {}
    )

    assert [found.id for found in report.documents] == ["0", "1", "2", "3"]


def test_pages_of_the_authors_own_code_that_lose_one_are_found() -> None:
    told = failure(
        replace(NOTES, documents=replace(NOTES.documents, source=PythonSource(pages=wrong))), {}
    )

    assert "[resume] documents of the FULL job, page 2 (cursor '2')" in told
    assert "after a crash, it lacks '1'" in told


def test_lines_are_resumed_in_the_middle_of_a_stream() -> None:
    source = NdjsonSource(url="${KINDS_URL}/kinds/lines", size=20)

    report = check_connector(
        replace(NOTES, documents=replace(NOTES.documents, source=source)),
        httpx.ASGITransport(kinds_source(count=50)),
    )

    assert len(report.documents) == 50
    assert len(report.pages) == 2 * 3


def test_a_backend_is_followed_to_its_end() -> None:
    connector = BackendConnector(name="b", datasource=Datasource("b"), backend=Backend())

    report = check_connector(connector, httpx.ASGITransport(backend()))

    assert [msgspec.json.decode(request.content)["mode"] for request in report.requests] == [
        "FULL",
        "INCREMENTAL",
    ]


# What is wrong is found.


def test_a_request_without_a_response_is_named_beside_those_that_have_one() -> None:
    told = failure(NOTES, THREE_PAGES)

    assert told.startswith("connector 'notes': 1 fault\n")
    assert "[responses] documents of the INCREMENTAL job, page 1 (the first one)" in told
    assert f"      {LIST}?{SINCE}\n    but for\n      {LIST}\n" in told
    assert "Remedy: add it to the responses" in told


@pytest.mark.parametrize("key", ["https://notes.example/list", "GET /list", "get https://a.b/"])
def test_a_key_that_is_no_request_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is no request: a method and a whole URL are"):
        check_connector(NOTES, {key: page("a")})


def test_responses_without_any_record_show_nothing() -> None:
    assert "no page has a record" in failure(FULL_ONLY, {LIST: page()})


def test_an_answer_of_another_shape_is_found_with_its_page() -> None:
    told = failure(FULL_ONLY, {**THREE_PAGES, f"{LIST}?cursor=2": {"error": "no"}})

    assert "[paging] documents of the FULL job, page 2 (cursor '2')" in told
    assert "the source's page is not of the declared shape" in told


def test_a_cursor_that_leads_in_a_circle_is_found() -> None:
    told = failure(FULL_ONLY, {**THREE_PAGES, f"{LIST}?cursor=3": page("d", next_cursor="2")})

    assert "page 3 (cursor '3')" in told
    assert "leads in a circle: the next page's, '2', is that of page 2" in told


def test_a_source_that_begins_again_is_found() -> None:
    cursors = map(str, itertools.count(2))

    def answered(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=page("a", next_cursor=next(cursors)))

    told = failure(FULL_ONLY, answered, pages_max=5)

    assert "[paging] documents of the FULL job, page 2 (cursor '2')" in told
    assert "the page has the very records of page 1" in told


def test_a_source_without_an_end_is_found() -> None:
    def fetch(_memory: dict[str, Any], cursor: str | None) -> Records:
        number = int(cursor or 0) + 1
        return records(f"n{number}", next_cursor=str(number))

    told = failure(in_python(fetch), {}, pages_max=7)

    assert "page 7 (cursor '6')\n    the source has not come to its end in 7 pages" in told


def test_a_total_that_is_not_reached_is_found() -> None:
    source = replace(SOURCE, total="total")
    responses = {LIST: {**page("a", "b"), "total": 3}}

    told = failure(replace(NOTES, documents=replace(NOTES.documents, source=source)), responses)

    assert "says that it has 3 records, and came to its end after 2" in told


@pytest.mark.parametrize(
    ("since", "fault"),
    [
        (
            Since(param="updated_since", path="updated"),
            "no record tells when it changed: one of the source's records",
        ),
        (NewestFirst(path="updated", params={}), "has no updated"),
    ],
)
def test_a_time_of_change_that_no_record_tells_is_found(since: Changes, fault: str) -> None:
    told = failure(
        replace(NOTES, documents=replace(NOTES.documents, source=replace(SOURCE, since=since))),
        {LIST: page("a", "b")},
    )

    assert "[changes] documents of the FULL job, page 1 (the first one)" in told
    assert fault in told
    assert "name the path of that time in `field`" in told


def changed(param: str) -> AnyConnector:
    """Of the author's own code, which tells the time under this name, if under any."""

    async def fetch(request: FetchRequest) -> SourcePage:
        params = {param: request.since.isoformat()} if request.since and param else {}
        return SourcePage((await request.client.get("/notes", params=params)).json()["items"])

    source = PythonSource(url="${NOTES_URL}", fetch=fetch, tells_changes=True)
    return replace(NOTES, documents=replace(NOTES.documents, source=source))


def test_code_that_does_not_heed_since_is_found() -> None:
    def answers(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=page("a"))

    check_connector(changed("since"), answers)

    assert "[changes] the INCREMENTAL job" in failure(changed(""), answers)


def test_a_time_of_change_in_another_format_is_found() -> None:
    timed = replace(
        NOTES,
        documents=replace(
            NOTES.documents, source=replace(SOURCE, since=Since(param="updated_since", path="text"))
        ),
    )

    told = failure(timed, {LIST: page("a", "b")})

    assert "has a text that is not written as rfc3339: 'a'" in told
    assert "path_format" in told


def test_it_is_enough_if_some_record_tells_when_it_changed() -> None:
    notes = [{"id": "a", "text": ""}, {"id": "b", "text": "", "at": "2026-11-24T00:00:00Z"}]
    timed = replace(
        NOTES,
        documents=replace(
            NOTES.documents, source=replace(SOURCE, since=Since(param="updated_since", path="at"))
        ),
    )
    listed = {"items": notes, "next_cursor": None}

    check_connector(timed, {LIST: listed, f"{LIST}?{SINCE}": listed})


def test_a_reader_that_remembers_what_its_cursor_should_hold_is_found() -> None:
    def fetch(memory: dict[str, Any], cursor: str | None) -> Records:
        # The second page is asked for by the name that only the first one tells.
        if cursor is None:
            memory["letter"] = "b"
            return records("a", next_cursor="2")
        return records(memory.get("letter", "lost"), "c")

    told = failure(in_python(fetch), {})

    assert "[resume] documents of the FULL job, page 2 (cursor '2')" in told
    assert "after a crash, it lacks 'b' and has besides 'lost'" in told
    assert "put into the cursor whatever the later pages need" in told


def test_a_record_without_its_key_is_found() -> None:
    connector = replace(FULL_ONLY, documents=replace(FULL_ONLY.documents, key="uuid"))

    told = failure(connector, {LIST: page("a", "b")})

    assert "[keys] documents of the FULL job, page 1 (the first one), record 1" in told
    assert "there is no text and no number at key='uuid'" in told


def test_a_cursor_that_loses_a_page_is_found() -> None:
    def fetch(memory: dict[str, Any], cursor: str | None) -> Records:
        number = memory["next"] = memory.get("next", int(cursor or 0) + 1)
        memory["next"] += 1
        # It should be the next page's number: this one's, so that a crash passes over one.
        return records(f"n{number}", next_cursor=None if number >= 4 else str(number + 1))

    told = failure(in_python(fetch), {})

    assert "page 2 (cursor '2')" in told
    assert "after a crash, it lacks 'n2'" in told


def test_a_reader_that_fails_after_a_crash_is_found() -> None:
    def fetch(memory: dict[str, Any], cursor: str | None) -> Records:
        if cursor is not None and "begun" not in memory:
            raise UpstreamError("the source does not know the cursor", is_transient=False)
        memory["begun"] = True
        return records("b") if cursor else records("a", next_cursor="2")

    told = failure(in_python(fetch), {})

    assert "[resume] documents of the FULL job, page 2 (cursor '2')" in told
    assert "after a crash, it cannot be read from here: the source does not know" in told


def test_a_source_that_answers_differently_each_time_is_found() -> None:
    numbers = itertools.count()

    told = failure(in_python(lambda _memory, _cursor: records(f"n{next(numbers)}")), {})

    assert "[resume] documents of the FULL job, page 1 (the first one)" in told
    assert "read from the start once more, the source lacks 'n0'" in told


def test_changes_in_another_order_are_found() -> None:
    orders = itertools.cycle([("a", "b"), ("b", "a")])

    told = failure(in_python(lambda _memory, _cursor: records(*next(orders))), {})

    assert "has the same in another order" in told


def test_a_source_that_raises_is_found_with_the_line() -> None:
    def fetch(_memory: dict[str, Any], _cursor: str | None) -> Records:
        raise KeyError("items")

    told = failure(in_python(fetch), {})

    assert "the source raised KeyError: 'items', at test_kit.py:" in told
    assert "Remedy: raise UpstreamError for what the source does wrong" in told


@pytest.mark.parametrize(
    ("cursor", "fault"),
    [
        (7, "the next page's cursor, 7, is of type int"),
        ({"page": 2}, "the next page's cursor, {'page': 2}, is of type dict"),
        ("", "the next page's cursor is empty"),
        ("x" * 8_193, "the next page's cursor has 8193 characters"),
        ("\ud800", "cannot be stored"),
    ],
)
def test_a_cursor_that_cannot_be_kept_is_found(cursor: Any, fault: str) -> None:
    def fetch(_memory: dict[str, Any], asked: str | None) -> Records:
        return records("a", next_cursor=cursor) if asked is None else records("b")

    told = failure(in_python(fetch), {})

    assert "[cursors] documents of the FULL job, page 1 (the first one)" in told
    assert fault in told


@pytest.mark.parametrize(
    ("others", "fault"),
    [
        ({"byte_count": 9_000_000}, "the page has 9000000 bytes; page_bytes_max is 8388608"),
        ({"request_count": 4_000}, "4000 requests to the source and 1 to Glean; turn_requests_max"),
        ({"wait_ms": -1}, "the reader asks for a wait of -1 ms"),
    ],
)
def test_a_page_beyond_the_limits_is_found(others: Mapping[str, int], fault: str) -> None:
    told = failure(in_python(lambda _memory, _cursor: records("a", **others)), {})

    assert "[limits] documents of the FULL job, page 1" in told
    assert fault in told


def test_the_limits_of_the_deployment_hold() -> None:
    connector = in_python(lambda _memory, _cursor: records("a", "b"))

    report = check_connector(connector, {}, environment={"LIMITS": '{"batch_documents_max": 1}'})

    assert [len(batch.items) for batch in report.pages[0].batches] == [1, 1]


def test_a_record_that_does_not_decode_is_found() -> None:
    responses = {**THREE_PAGES, f"{LIST}?cursor=2": {"items": [{"id": 7}], "next_cursor": "3"}}

    told = failure(FULL_ONLY, responses)

    assert "[records] documents of the FULL job, page 2 (cursor '2'), record 1" in told
    assert "the record is not a Note: Expected `str`, got `int` - at `$.id`" in told
    assert 'The record: {"id":7}' in told
    assert "say how many with `rejects`" in told


def test_a_mapping_that_raises_is_found_with_its_line() -> None:
    def change(note: Note) -> Document:
        raise ValueError(f"what is {note.id}?")

    told = failure(mapped(change), {LIST: page("a")})

    line = change.__code__.co_firstlineno + 1
    assert f"the mapping raised ValueError: what is a?, at test_kit.py:{line}" in told


def test_a_document_that_glean_would_refuse_is_found() -> None:
    def change(note: Note) -> Any:
        return msgspec.structs.replace(document(note), object_type="a note")

    told = failure(mapped(change), {LIST: page("a")})

    assert "record 1 (a)\n    object_type is 'a note'" in told


def test_a_document_larger_than_a_request_is_found() -> None:
    limits = {"LIMITS": '{"batch_bytes_max": 90, "page_bytes_max": 85}'}
    told = failure(FULL_ONLY, {LIST: page("a")}, environment=limits)

    assert "more than a request to Glean may hold (170)" in told


def test_a_document_that_is_large_for_a_request_goes_alone() -> None:
    limits = {"LIMITS": '{"batch_bytes_max": 90}'}
    result = check_connector(FULL_ONLY, {LIST: page("a")}, environment=limits)

    assert len(result.documents) == 1


@pytest.mark.parametrize("second", ["a", "A"])
def test_two_documents_of_one_id_are_found(second: str) -> None:
    responses = {LIST: page("a", "b", next_cursor="2"), f"{LIST}?cursor=2": page("c", second)}

    told = failure(FULL_ONLY, responses)

    assert "[unique ids] documents of the FULL job, page 2 (cursor '2'), record 2" in told
    assert f"the id {second!r} is also that of page 1, record 1" in told
    assert ("spelt 'a'" in told) is (second == "A")


def test_documents_of_two_kinds_may_share_an_id() -> None:
    kinds = {"a": "note", "A": "page"}

    def change(note: Note) -> Any:
        return msgspec.structs.replace(document(note), object_type=kinds[note.id])

    assert len(check_connector(mapped(change), {LIST: page("a", "A")}).documents) == 2


def test_a_mapping_that_gives_something_else_each_time_is_found() -> None:
    numbers = itertools.count(1_000)

    def change(note: Note) -> Any:
        return msgspec.structs.replace(document(note), updated_at=next(numbers))

    told = failure(mapped(change), {LIST: page("a")})

    assert "[mapping] documents of the FULL job, page 1 (the first one), record 1 (a)" in told
    assert '"updatedAt":1000' in told
    assert '"updatedAt":1001' in told
    assert "let the mapping depend on the record alone" in told


def test_a_mapping_that_gives_up_the_second_time_is_found() -> None:
    known: set[str] = set()

    def change(note: Note) -> Any:
        is_known = note.id in known
        known.add(note.id)
        return None if is_known else document(note)

    assert "gives something else: nothing" in failure(mapped(change), {LIST: page("a")})


def secretive() -> Iterator[tuple[str, AnyConnector, Responses, str]]:
    """Where a secret may come to light."""
    bearer = signed(Bearer(Secret("TOKEN")))

    def echoed(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=page("a", request.headers["authorization"]))

    yield "document", bearer, echoed, "a secret is in what Glean gets"

    def in_reject(request: httpx.Request) -> httpx.Response:
        item = {"id": "b", "said": request.headers["authorization"]}
        return httpx.Response(200, json={"items": [item], "next_cursor": None})

    yield "reject", bearer, in_reject, "a secret is in the record that was rejected"

    def in_cursor(request: httpx.Request) -> httpx.Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        is_last = "cursor" in request.url.params
        return httpx.Response(200, json=page("b") if is_last else page("a", next_cursor=token))

    yield "cursor", bearer, in_cursor, "a secret is in the next page's cursor: ***"


@pytest.mark.parametrize(
    ("connector", "responses", "fault"),
    [pytest.param(*others, id=name) for name, *others in secretive()],
)
def test_a_secret_that_comes_to_light_is_found_and_not_shown(
    connector: AnyConnector, responses: Responses, fault: str
) -> None:
    told = failure(connector, responses, environment={"TOKEN": "Vb3XqM9tRz6KcY2w"})

    assert "[secrets] documents of the FULL job, page 1 (the first one)" in told
    assert fault in told
    assert "Vb3XqM9t" not in told


def test_a_secret_that_no_source_names_is_found() -> None:
    def fetch(memory: dict[str, Any], _cursor: str | None) -> Records:
        context: SourceContext = memory["context"]
        context.environment.secret("TOKEN")
        return records("a")

    assert "takes the secret TOKEN, and its secrets() does not name it" in failure(
        in_python(fetch), {}
    )
    named = replace(
        NOTES, documents=replace(NOTES.documents, source=Listed(fetch, frozenset({"TOKEN"})))
    )
    assert len(check_connector(named, {}).documents) == 1


def test_a_value_that_is_not_right_is_found() -> None:
    connector = signed(Bearer(Secret("TOKEN")))

    told = failure(connector, {LIST: page("a")}, environment={"TOKEN": "two\nlines"})

    assert "[configuration]" in told
    assert "the secret TOKEN has a line break" in told


def test_each_feed_is_checked_and_one_that_fails_keeps_no_other_from_it() -> None:
    deletions = Stream(
        source=HttpSource(records="items", url="https://notes.example/gone", paging=BodyCursor()),
        key="id",
        record=Note,
        map=lambda _note: None,
    )
    connector: Connector = replace(NOTES, deletions=deletions)

    told = failure(connector, {LIST: page("a", "a"), f"{LIST}?{SINCE}": {}})

    assert "3 faults" in told
    assert "[unique ids] documents of the FULL job" in told
    assert "[paging] documents of the INCREMENTAL job" in told
    assert "[responses] deletions of the INCREMENTAL job" in told


def test_of_many_like_faults_the_first_ones_are_told() -> None:
    responses = {LIST: {"items": [{"id": number} for number in range(20)], "next_cursor": None}}

    told = failure(FULL_ONLY, responses)

    assert "40 faults" in told
    assert told.count("The record:") == 5
    assert "[records] and 35 more" in told
