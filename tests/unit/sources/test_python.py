import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from durable.connector.connector import Connector
from durable.connector.fingerprint import fingerprint
from durable.environment import Secret
from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.auth import Bearer
from durable.http.error_rules import Action, Rule
from durable.machine.job import ReadContext
from durable.sources.nested import Nested
from durable.sources.python import PythonSource
from durable.sources.python_client import REQUESTS_MAX, TAKEN, Client, Response
from durable.sources.python_request import Fail, FetchRequest, Retry, Skip, SourcePage, StartOver
from durable.sources.source import CURSOR_CHARACTERS_MAX, Records
from durable.sources.times import TimeFormat
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.source import a_crawl, context, page_of
from tests.fakes.wiki import decoded, ids, pages_of


URL = "https://notes.example/api"
NAMES = [f"n{number}" for number in range(7)]


class Note(Struct):
    id: str


async def fetch(request: FetchRequest) -> SourcePage:
    start = request.cursor or 0
    following = start + 2 if start + 2 < len(NAMES) else None
    return SourcePage([Note(name) for name in NAMES[start : start + 2]], following)


class Pages:
    """A generator over the names that keeps count of itself."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.closed: list[Any] = []

    async def pages(self, request: FetchRequest) -> AsyncIterator[SourcePage]:
        self.begun.append(request.cursor)
        at = request.cursor
        try:
            while True:
                start = at["from"] if at else 0
                following = {"from": start + 2} if start + 2 < len(NAMES) else None
                yield SourcePage([{"id": name} for name in NAMES[start : start + 2]], following)
                at = following
        finally:
            self.closed.append(request.cursor)


FETCHED = PythonSource(fetch=fetch)


def read_by_one(source: PythonSource, crawl: ReadContext | None = None) -> list[Records]:
    """All pages, by one reader in one loop, as within a turn."""

    async def read() -> list[Records]:
        reader = source.reader(context(Network()))
        pages = [await reader.fetch(None, crawl or a_crawl())]
        while (cursor := pages[-1].next_cursor) is not None:
            pages.append(await reader.fetch(cursor, crawl or a_crawl()))
        return pages

    return asyncio.run(read())


def fault(
    source: PythonSource, *answers: httpx.Response, cursor: str | None = None
) -> UpstreamError:
    with pytest.raises(UpstreamError) as error:
        page_of(source, Network(*answers), cursor)
    return error.value


def giving(portion: Any) -> PythonSource:
    async def give(_request: FetchRequest) -> Any:
        return portion

    return PythonSource(fetch=give)


def asking(ask: Callable[[Client], Any]) -> PythonSource:
    """A source whose only record is what it got."""

    async def asked(request: FetchRequest) -> SourcePage:
        return SourcePage([await ask(request.client)])

    return PythonSource(fetch=asked, url=URL)


# Functions


def test_a_function_is_asked_page_by_page() -> None:
    pages = read_by_one(FETCHED)

    assert ids(iter(pages)) == NAMES
    assert [page.next_cursor for page in pages] == ["2", "4", "6", None]
    assert pages[0].byte_count == len('{"id":"n0"}{"id":"n1"}')


def test_an_object_with_such_a_function_is_one_too() -> None:
    class Reading:
        def __init__(self, size: int) -> None:
            self.size = size

        async def fetch(self, request: FetchRequest) -> SourcePage:
            start = request.cursor or 0
            names = NAMES[start : start + self.size]
            return SourcePage(
                [{"id": name} for name in names], start + len(names) if names else None
            )

    assert ids(iter(read_by_one(PythonSource(fetch=Reading(3))))) == NAMES


@pytest.mark.parametrize("source", [FETCHED, PythonSource(pages=Pages().pages)], ids=["f", "g"])
def test_the_rest_is_the_same_from_every_cursor(source: PythonSource) -> None:
    pages = read_by_one(source)

    for index, page in enumerate(pages[:-1], start=1):
        assert ids(pages_of(source, Network(), page.next_cursor)) == ids(iter(pages[index:]))


def test_changes_are_asked_for_by_an_aware_time_some_minutes_before_the_watermark() -> None:
    times: list[datetime | None] = []

    async def timed(request: FetchRequest) -> SourcePage:
        times.append(request.since)
        return SourcePage([])

    page_of(PythonSource(fetch=timed), Network(), since_ms=1_764_000_000_123)
    page_of(PythonSource(fetch=timed), Network())

    assert times == [datetime(2025, 11, 24, 15, 55, tzinfo=UTC), None]


def test_a_request_says_what_is_asked_for() -> None:
    asked: list[FetchRequest] = []

    async def fetch(request: FetchRequest) -> SourcePage:
        asked.append(request)
        return SourcePage([])

    page_of(PythonSource(fetch=fetch), Network())

    (request,) = asked
    crawl = a_crawl()
    assert (request.cursor, request.mode, request.stage) == (None, crawl.mode, crawl.stage)


def test_secrets_and_variables_are_asked_for_by_name() -> None:
    told: list[str] = []

    async def fetch(request: FetchRequest) -> SourcePage:
        told.extend((request.secret("EXPORT_KEY"), request.variable("TEAM")))
        return SourcePage([])

    source = PythonSource(fetch=fetch, uses=(Secret("EXPORT_KEY"),))
    environment = an_environment(EXPORT_KEY="k3y", TEAM="seven")
    asyncio.run(source.reader(context(Network(), environment)).fetch(None, a_crawl()))

    assert told == ["k3y", "seven"]
    assert source.secrets() == {"EXPORT_KEY"}
    assert environment.redacted("the key is k3y") == "the key is ***"
    with pytest.raises(ConfigurationError, match="the secret EXPORT_KEY is not set"):
        source.reader(context(Network()))


def test_a_secret_that_is_not_declared_is_not_given() -> None:
    async def fetch(request: FetchRequest) -> SourcePage:
        return SourcePage([request.secret("EXPORT_KEY")])

    error = fault(PythonSource(fetch=fetch))

    assert "`uses`" in str(error)


@pytest.mark.parametrize(
    ("raised", "is_transient", "recourse", "retry_after"),
    [
        (Retry(), True, None, ""),
        (Retry("busy", after=timedelta(seconds=1.5)), True, None, "2"),
        (StartOver(), False, Recourse.RESTART, ""),
        (Skip("it is gone"), False, Recourse.SKIP, ""),
        (Fail("it is broken"), False, None, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_the_code_says_what_helps(
    raised: UpstreamError, *, is_transient: bool, recourse: Recourse | None, retry_after: str
) -> None:
    async def fetch(_request: FetchRequest) -> SourcePage:
        raise raised

    error = fault(PythonSource(fetch=fetch))

    assert error is raised
    assert (error.is_transient, error.recourse) == (is_transient, recourse)
    assert error.retry_after == retry_after


def test_rules_say_what_its_errors_mean() -> None:
    async def fetch(request: FetchRequest) -> SourcePage:
        return SourcePage((await request.client.get("/items")).json())

    rules = (Rule(status=400, path="error", value="expired", then=Action.RESTART),)
    answer = httpx.Response(400, json={"error": "expired"})

    error = fault(PythonSource(url=URL, fetch=fetch, rules=rules), answer, cursor="1")

    assert error.recourse is Recourse.RESTART


def test_its_records_may_tell_when_they_changed() -> None:
    times: list[datetime | None] = []

    async def fetch(request: FetchRequest) -> SourcePage:
        times.append(request.since)
        return SourcePage([{"id": "a", "at": "2025-11-24 16:00"}])

    source = PythonSource(
        fetch=fetch, path="at", path_format="%Y-%m-%d %H:%M", overlap=timedelta(milliseconds=60_000)
    )
    page = page_of(source, Network(), since_ms=1_764_000_030_123)

    assert source.clock is not None
    assert source.clock.changed_at_ms(page.records[0]) == 1_764_000_000_000
    assert times == [datetime(2025, 11, 24, 15, 59, tzinfo=UTC)]
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_TIME)):
        page_of(replace(source, path="id", path_format=TimeFormat.RFC3339), Network())


def test_it_may_read_the_children_of_each_parent() -> None:
    class Space(Struct):
        id: str
        pages: int

    async def fetch(request: FetchRequest) -> SourcePage:
        space, number = request.parent("space", Space), request.cursor or 0
        if space.id == "locked":
            raise Skip("it is locked")
        records = [{"id": f"{space.id}{number}"}] if number < space.pages else []
        return SourcePage(records, number + 1 if number + 1 < space.pages else None)

    async def spaces(_request: FetchRequest) -> SourcePage:
        return SourcePage([Space("a", 2), Space("locked", 1), Space("b", 1)])

    source = Nested(
        parents=PythonSource(fetch=spaces), children=PythonSource(fetch=fetch), name="space"
    )
    pages = list(pages_of(source, Network()))

    sound = [
        msgspec.json.decode(raw)
        for page in pages
        for place, raw in enumerate(page.records, start=1)
        if place not in page.faults
    ]
    assert [record["id"] for record in sound] == ["a0", "a1", "b0"]
    assert [record["space"]["id"] for record in sound] == ["a", "a", "b"]
    faults = [reason for page in pages for reason in page.faults.values()]
    assert len(faults) == 1
    assert "it is locked" in str(faults[0])


@pytest.mark.parametrize(
    ("declared", "named"),
    [
        (lambda: PythonSource(fetch=lambda _cursor, _since, _web: None), "fetch: it takes one"),  # type: ignore[arg-type, misc]
        (lambda: PythonSource(pages=lambda: None), "pages: it takes one"),  # type: ignore[arg-type, misc]
        (lambda: PythonSource(fetch=fetch, uses=("KEY",)), "uses: write (Secret('NAME'),)"),  # type: ignore[arg-type]
        (lambda: PythonSource(fetch=fetch, url="{ITEMS_URL}"), "a variable is written ${NAME}"),
        (
            lambda: PythonSource(fetch=fetch, path="at", path_format="%H"),
            "PythonSource: path_format",
        ),
        (
            lambda: PythonSource(fetch=fetch, overlap=timedelta(milliseconds=-1)),
            "PythonSource: overlap=datetime.timedelta(days=-1",
        ),
        (
            lambda: PythonSource(fetch=fetch, rules=(Rule(status=404, then=Action.END),)),
            "are for lists that have pages",
        ),
    ],
)
def test_what_is_declared_wrongly_is_told_at_once(declared: Any, named: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        declared()

    assert named in str(error.value)


def test_whatever_can_be_written_as_json_is_a_record() -> None:
    page = page_of(
        giving(
            SourcePage(
                iter([{"a": 1}, Note("n"), [Decimal("1.5")], datetime(2026, 1, 1, tzinfo=UTC)])
            )
        ),
        Network(),
    )

    assert decoded(page) == [{"a": 1}, {"id": "n"}, ["1.5"], "2026-01-01T00:00:00Z"]


def test_a_total_and_a_pause_are_handed_on() -> None:
    page = page_of(
        giving(SourcePage([], None, total_count=9, wait=timedelta(milliseconds=5))), Network()
    )

    assert (page.total_count, page.wait_ms, page.request_count) == (9, 5, 0)
    assert page.wait_reason == "the source's code asks for a pause"


# Generators


def test_a_generator_is_kept_open_for_a_turn() -> None:
    pages = Pages()

    assert ids(iter(read_by_one(PythonSource(pages=pages.pages)))) == NAMES
    assert (pages.begun, pages.closed) == ([None], [None])


def test_a_generator_begins_anew_at_the_cursor_after_a_crash() -> None:
    pages = Pages()

    assert ids(pages_of(PythonSource(pages=pages.pages), Network())) == NAMES
    assert pages.begun == [None, {"from": 2}, {"from": 4}, {"from": 6}]


def test_a_generator_that_is_asked_for_another_page_begins_anew_and_the_old_one_ends() -> None:
    pages = Pages()

    async def read() -> list[Any]:
        reader = PythonSource(pages=pages.pages).reader(context(Network()))
        cursors = [None, '{"from":2}', '{"from":2}', '{"from":4}']
        return [decoded(await reader.fetch(cursor, a_crawl()))[0]["id"] for cursor in cursors]

    assert asyncio.run(read()) == ["n0", "n2", "n2", "n4"]
    assert pages.begun == [None, {"from": 2}]
    assert pages.closed[:1] == [None]


def test_a_generator_that_came_to_its_end_has_ended() -> None:
    pages = Pages()

    async def read() -> list[Any]:
        reader = PythonSource(pages=pages.pages).reader(context(Network()))
        last = await reader.fetch('{"from":6}', a_crawl())
        assert (last.next_cursor, pages.closed) == (None, [{"from": 6}])
        return decoded(await reader.fetch(None, a_crawl()))

    assert asyncio.run(read()) == [{"id": "n0"}, {"id": "n1"}]


def test_a_generator_of_another_crawl_is_not_gone_on_with() -> None:
    pages = Pages()

    async def read() -> None:
        reader = PythonSource(pages=pages.pages).reader(context(Network()))
        page = await reader.fetch(None, a_crawl())
        await reader.fetch(page.next_cursor, a_crawl(since_ms=0))

    asyncio.run(read())

    assert pages.begun == [None, {"from": 2}]


def test_a_generator_is_ended_with_the_turn() -> None:
    pages = Pages()

    async def read() -> None:
        reader = PythonSource(pages=pages.pages).reader(context(Network()))
        await reader.fetch(None, a_crawl())
        await reader.close()
        assert pages.closed == [None]
        await reader.close()
        await reader.fetch(None, a_crawl())

    asyncio.run(read())

    assert pages.begun == [None, None]


def test_what_a_generator_raises_as_it_ends_is_not_heard() -> None:
    async def pages(_request: FetchRequest) -> AsyncIterator[SourcePage]:
        try:
            yield SourcePage([1], 1)
        finally:
            raise ValueError

    async def read() -> None:
        reader = PythonSource(pages=pages).reader(context(Network()))
        await reader.fetch(None, a_crawl())
        await reader.close()

    asyncio.run(read())


def test_a_generator_says_that_there_is_no_more() -> None:
    async def pages(_request: FetchRequest) -> AsyncIterator[SourcePage]:
        yield SourcePage([1], 1)

    with pytest.raises(UpstreamError, check=caused_by(Cause.INCOMPLETE)) as error:
        read_by_one(PythonSource(pages=pages))

    assert not error.value.is_transient


def test_a_generator_that_failed_begins_anew() -> None:
    begun: list[Any] = []

    async def pages(request: FetchRequest) -> AsyncIterator[SourcePage]:
        begun.append(request.cursor)
        yield SourcePage([1], 1)
        await request.client.get("/")
        yield SourcePage([2])

    async def read() -> Records:
        network = Network(httpx.Response(503))
        reader = PythonSource(pages=pages, url=URL).reader(context(network))
        await reader.fetch(None, a_crawl())
        with pytest.raises(UpstreamError):
            await reader.fetch("1", a_crawl())
        return await reader.fetch("1", a_crawl())

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)):
        asyncio.run(read())
    assert begun == [None, 1]


# Cursors


@pytest.mark.parametrize(
    "cursor",
    [
        datetime(2026, 1, 1, tzinfo=UTC),
        (1, 2),
        {1: 2},
        float("nan"),
        object(),
        "x" * CURSOR_CHARACTERS_MAX,
    ],
    ids=["a time", "a tuple", "keys of numbers", "nan", "an object", "long"],
)
def test_a_cursor_that_does_not_survive_a_crash_is_refused(cursor: Any) -> None:
    error = fault(giving(SourcePage([], cursor)))

    assert (error.cause, error.is_transient) == (Cause.BAD_CURSOR, False)


def test_the_same_cursor_again_is_refused() -> None:
    error = fault(giving(SourcePage([1], {"a": 1})), cursor='{"a":1}')

    assert error.cause is Cause.BAD_CURSOR


@pytest.mark.parametrize("cursor", [0, "", False, [], {}, {"a": [1, None, "ä"]}], ids=repr)
def test_any_json_but_null_is_a_cursor(cursor: Any) -> None:
    page = page_of(giving(SourcePage([], cursor)), Network())

    assert msgspec.json.decode(page.next_cursor or "null") == cursor


# What goes wrong


def test_what_the_code_raises_is_named_with_its_line() -> None:
    def deeper(items: dict[str, Any]) -> Any:
        return items["items"]  # here

    async def broken(_request: FetchRequest) -> SourcePage:
        return SourcePage(deeper({}))

    error = fault(PythonSource(fetch=broken))

    line = deeper.__code__.co_firstlineno + 1
    assert str(error).endswith(f"broken raised KeyError: 'items', at sources/test_python.py:{line}")
    assert not error.is_transient


def test_what_records_raise_as_they_are_made_is_named_too() -> None:
    error = fault(giving(SourcePage(int(text) for text in ["1", "x"])))

    assert "raised ValueError: invalid literal for int()" in str(error)
    assert "at sources/test_python.py:" in str(error)


def test_an_upstream_error_is_left_as_it_is() -> None:
    error = fault(
        asking(lambda web: web.get("/")), httpx.Response(429, headers={"retry-after": "9"})
    )

    assert (error.status, error.retry_after, error.is_transient) == (429, "9", True)


def test_an_upstream_error_of_a_task_is_that_error() -> None:
    async def together(web: Client) -> Any:
        async with asyncio.TaskGroup() as group:
            group.create_task(web.get("/"))

    error = fault(asking(together), httpx.Response(503))

    assert (error.status, error.is_transient) == (503, True)


def test_an_upstream_error_that_the_code_catches_is_its_own_affair() -> None:
    async def patient(web: Client) -> Any:
        try:
            await web.get("/")
        except UpstreamError as error:
            return error.status

    assert decoded(page_of(asking(patient), Network(httpx.Response(404)))) == [404]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"records": []}, "dict"),
        (None, "NoneType"),
        (
            SourcePage([], None, total_count="9"),  # type: ignore[arg-type]
            "total_count",
        ),
        (
            SourcePage([], None, wait=timedelta(milliseconds=-1)),
            "wait",
        ),
        (SourcePage(7), "TypeError: 'int' object is not iterable"),  # type: ignore[arg-type]
    ],
)
def test_what_is_no_portion_is_refused(given: Any, named: str) -> None:
    error = fault(giving(given))

    assert error.cause is Cause.RAISED
    assert named in str(error)


@pytest.mark.parametrize(
    ("record", "named"),
    [(object(), "record 2"), ({"a": {1j}}, "complex")],
    ids=["an object", "a complex number"],
)
def test_a_record_of_a_kind_that_is_never_written_is_named(record: Any, named: str) -> None:
    error = fault(giving(SourcePage([{}, record])))

    assert named in str(error)
    assert (error.cause, error.is_transient) == (Cause.RAISED, False)


def test_a_page_over_the_limit_is_refused() -> None:
    reader = giving(SourcePage(["x" * 60, "x" * 60])).reader(context(Network(), page_bytes_max=100))

    with pytest.raises(UpstreamError, check=caused_by(Cause.TOO_LARGE)):
        asyncio.run(reader.fetch(None, a_crawl()))


def test_functions_that_are_not_async_are_named() -> None:
    def plain(_request: FetchRequest) -> Any:
        return SourcePage([])

    for source in (PythonSource(fetch=plain), PythonSource(pages=plain)):
        error = fault(source)
        assert error.cause is Cause.RAISED
        assert "plain" in str(error)


@pytest.mark.parametrize("given", [{}, {"fetch": fetch, "pages": Pages().pages}, {"fetch": 7}])
def test_a_source_is_one_function(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="PythonSource takes"):
        PythonSource(**given)


# The network


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("/items", f"{URL}/items"),
        ("items?a=1", f"{URL}/items?a=1"),
        ("", URL),
        (f"{URL}/more", f"{URL}/more"),
        ("https://notes.example/other", "https://notes.example/other"),
        ("//inside.example/x", f"{URL}/inside.example/x"),
    ],
)
def test_a_url_is_absolute_or_follows_the_sources(url: str, asked: str) -> None:
    network = Network(httpx.Response(200, json={}))

    page_of(asking(lambda web: answered(web, url)), network)

    assert str(network.requests[0].url) == asked


async def answered(web: Client, url: str) -> Any:
    return (await web.get(url)).json()


@pytest.mark.parametrize("url", ["https://inside.example/", "http://notes.example:81/", "file:/x"])
def test_no_other_server_is_asked(url: str) -> None:
    error = fault(asking(lambda web: answered(web, url)))

    assert error.cause is Cause.BAD_LINK


def test_another_server_of_the_source_is_asked() -> None:
    source = replace(
        asking(lambda web: answered(web, "https://eu.example/x")),
        link_origins=("https://eu.example",),
    )

    assert decoded(page_of(source, Network(httpx.Response(200, json=1)))) == [1]


def test_without_a_url_nothing_is_asked() -> None:
    source = replace(asking(lambda web: answered(web, "https://notes.example")), url="")

    assert fault(source).cause is Cause.MISCONFIGURED


def test_a_request_carries_parameters_headers_and_the_proof() -> None:
    network = Network(httpx.Response(200))
    source = replace(
        asking(lambda web: posted(web, {"a": 1})), auth=Bearer(Secret("TOKEN")), url="${NOTES}/api"
    )

    page_of(source, network, TOKEN="t0ken", NOTES="https://notes.example")

    (request,) = network.requests
    assert (request.method, str(request.url)) == ("POST", f"{URL}/x?page=2")
    assert request.content == b'{"a":1}'
    assert request.headers["content-type"] == "application/json"
    assert (request.headers["x-a"], request.headers["authorization"]) == ("b", "Bearer t0ken")
    assert source.secrets() == {"TOKEN"}


async def posted(web: Client, content: Any) -> int:
    answer = await web.post("/x", content, params={"page": "2"}, headers={"x-a": "b"})
    return answer.status


def test_bytes_are_sent_as_they_are() -> None:
    network = Network(httpx.Response(201))

    page = page_of(asking(lambda web: posted(web, b"<a/>")), network)

    assert network.requests[0].content == b"<a/>"
    assert (decoded(page), page.request_count) == ([201], 1)


def test_requests_are_told_for_each_page() -> None:
    async def twice(request: FetchRequest) -> SourcePage:
        for _ in range(2 if request.cursor else 1):
            await request.client.get("/")
        return SourcePage([], None if request.cursor else 1)

    answers = [httpx.Response(200) for _ in range(3)]
    reader = PythonSource(fetch=twice, url=URL).reader(context(Network(*answers)))

    counts = [asyncio.run(reader.fetch(cursor, a_crawl())).request_count for cursor in (None, "1")]
    assert counts == [1, 2]


def test_a_page_does_not_ask_for_ever() -> None:
    async def endless(web: Client) -> Any:
        while True:
            await web.get("/")

    answers = [httpx.Response(200) for _ in range(REQUESTS_MAX)]

    assert fault(asking(endless), *answers).cause is Cause.TOO_LARGE


def test_an_answer_is_text_headers_and_json() -> None:
    async def look(web: Client) -> Any:
        answer = await web.get("/")
        note = answer.json(Note)
        return [answer.status, answer.headers["X-Page"], answer.body.decode(), note.id]

    answer = httpx.Response(200, headers={"x-page": "7"}, text='{"id": "a"}')

    assert decoded(page_of(asking(look), Network(answer))) == [[200, "7", '{"id": "a"}', "a"]]


@pytest.mark.parametrize(
    ("text", "is_transient"),
    [("<html>", True), ('{"id": 7}', False)],
)
def test_an_answer_that_is_not_as_it_should_be_is_quoted(text: str, *, is_transient: bool) -> None:
    async def look(web: Client) -> Any:
        return (await web.get("/")).json(Note)

    error = fault(asking(look), httpx.Response(200, text=text))

    assert (error.cause, error.is_transient) == (Cause.UNREADABLE, is_transient)
    assert text in str(error)


def test_a_202_is_not_ready_yet() -> None:
    assert 202 not in TAKEN
    assert fault(asking(lambda web: answered(web, "/")), httpx.Response(202)).is_transient


# As part of a connector


def test_another_code_is_another_crawl() -> None:
    def connector(size: int) -> Connector:
        async def sized(_request: FetchRequest) -> SourcePage:
            return SourcePage([1] * size)

        def document(note: Any) -> Any:
            return note

        return replace(
            NOTES,
            documents=replace(NOTES.documents, source=PythonSource(fetch=sized), map=document),
        )

    assert fingerprint(connector(1), "") == fingerprint(connector(1), "")
    assert fingerprint(connector(1), "") != fingerprint(connector(2), "")


def test_where_it_is_tells_its_variables() -> None:
    source = PythonSource(fetch=fetch, url="${NOTES}/api")

    assert source.locate(an_environment(NOTES="https://notes.example")) == URL
    assert FETCHED.locate(an_environment()) == ""


@pytest.mark.parametrize(
    "record",
    ["\ud800", {"a": "hi \ud83d"}, {"\ud83d": 1}, {"a": [None, float("nan")]}, float("-inf")],
)
def test_a_record_that_json_cannot_tell_is_rejected_and_no_other(record: Any) -> None:
    portion = SourcePage([{"id": "a"}, record, {"id": "c"}])

    page = page_of(giving(portion), Network())

    assert len(page.records) == 3
    assert page.faults.keys() == {2}


def test_half_a_surrogate_pair_in_an_answer_rejects_the_record_that_has_it() -> None:
    async def fetch(request: FetchRequest) -> SourcePage:
        return SourcePage((await request.client.get("/items")).json()["items"])

    body = rb'{"items": [{"id": "a"}, {"id": "b", "t": "hi \ud83d"}]}'
    source = PythonSource(url="https://notes.example", fetch=fetch)

    page = page_of(source, Network(httpx.Response(200, content=body)))

    assert page.faults.keys() == {2}


def test_an_answer_is_read_in_its_own_encoding() -> None:
    headers = {"content-type": "application/json; charset=iso-8859-1"}

    assert Response(200, headers, '"ü"'.encode("latin-1")).json() == "ü"
    assert Response(200, {}, '"ü"'.encode("utf-8-sig")).json(str) == "ü"
    with pytest.raises(UpstreamError):
        Response(200, {}, rb'"\ud83d"').json(str)


@pytest.mark.parametrize(
    ("cursor", "status", "recourse"),
    [("7", 410, Recourse.RESTART), (None, 410, None), ("7", 404, None), ("7", 503, None)],
)
def test_a_410_to_a_page_with_a_cursor_begins_the_crawl_anew(
    cursor: str | None, status: int, recourse: Recourse | None
) -> None:
    async def fetch(request: FetchRequest) -> SourcePage:
        return SourcePage((await request.client.get("/items")).json())

    source = PythonSource(url="https://notes.example", fetch=fetch)

    assert fault(source, httpx.Response(status), cursor=cursor).recourse is recourse
