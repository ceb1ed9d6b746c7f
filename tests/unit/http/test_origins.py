"""Whatever a source, a backend or a record says: who is asked is who was declared.

The proof of who asks goes with each request, and the signature too.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.environment import Secret
from durable.errors import Cause, UpstreamError
from durable.http.auth import Bearer, NoAuthentication
from durable.http.client import HttpClient
from durable.http.origins import Origins
from durable.machine.job import Mode, ReadContext, Stage
from durable.sources.backend import Backend
from durable.sources.detail import Detail
from durable.sources.http import HttpSource
from durable.sources.nested import Nested
from durable.sources.paging.cursors import BodyCursor, NextUrl
from durable.sources.paging.graphql import GraphQLConnection
from durable.sources.python import PythonSource
from durable.sources.python_request import FetchRequest, SourcePage
from durable.sources.source import Source
from durable.sources.sub_list import SubList
from tests.fakes.environment import an_environment
from tests.fakes.errors import caused_by
from tests.fakes.source import context


OWN = "own.example"
URL = f"https://{OWN}"
SET = {
    "TOKEN": "s3cret-bearer-token",
    "KEY": "s1gning-key",
    "CONNECTOR_API_URL": f"{URL}/crawler",
    "GLEAN_INSTANCE": "acme",
}
PAGING = BodyCursor(path="next_cursor", param="cursor")
LIST = HttpSource(records="items", url=f"{URL}/list", paging=PAGING, auth=Bearer(Secret("TOKEN")))
HOSTILE = [
    "//evil.example/x",
    "///evil.example/x",
    "////evil.example/x",
    f"{URL}//evil.example/x",
    f"{URL}///evil.example/x",
    f"{URL}/..//evil.example/x",
    f"{URL}/%2f%2fevil.example/x",
    f"{URL}/\\evil.example/x",
    f"{URL}\\@evil.example/x",
    f"{URL}@evil.example/x",
    f"{URL}:443@evil.example/x",
    f"{URL}:8443/x",
    f"{URL}.evil.example/x",
    f"{URL}./x",
    f"{URL}%2eevil.example/x",
    f"{URL}%40evil.example/x",
    f"{URL}%00/x",
    f"{URL}?@evil.example/x",
    f"{URL}#@evil.example/x",
    f"http://{OWN}/x",
    f"https://user:password@{OWN}/x",
    f"https://evil.example\\@{OWN}/x",
    f"https://evil.example#@{OWN}/x",
    f"https://evil.example/@{OWN}/x",
    "https://evil.example/x",
    "\\\\evil.example\\x",
    "/\\evil.example/x",
    "\\/evil.example/x",
    "/\t/evil.example/x",
    "https:evil.example/x",
    "https:///evil.example/x",
    " https://evil.example/x",
    "../../x",
    "..",
    ".",
    "%2e%2e",
    "%2e%2e/x",
    "..%2fx",
    "..%252fx",
    "..\\x",
    "a/../../x",
    "@evil.example",
    ":8443/x",
    "?x",
    "#x",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "http://169.254.169.254/latest",
    "http://[::1]:8787/",
    "https://xn--a/",
    "",
]


class Recorder:
    """Answers as whoever is asked would, and keeps who that was."""

    def __init__(self, said: str) -> None:
        self._said = said
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        if request.method == "POST" and path.endswith("/index"):
            location = {"location": self._said} if self._is_header else {}
            content = {"status": "running", "status_url": self._said}
            return httpx.Response(202, headers=location, json=content)
        if path == "/graphql":
            info = {"hasNextPage": True, "endCursor": self._said}
            items = {"nodes": [{"id": self._said}], "pageInfo": info}
            return httpx.Response(200, json={"data": {"items": items}})
        if request.method == "GET" and request.url.path.startswith("/list"):
            record = {"id": self._said, "link": self._said}
            page = {"items": [record], "next_cursor": self._said}
            return httpx.Response(200, json=page)
        return httpx.Response(200, json={"items": [], "next_cursor": None})

    @property
    def _is_header(self) -> bool:
        return self._said.isascii() and self._said.isprintable()

    @property
    def asked(self) -> set[str]:
        return {
            f"{request.url.scheme}://{request.url.netloc.decode()}" for request in self.requests
        }


async def reading(request: FetchRequest) -> SourcePage:
    page = (await request.client.get("/list")).json()
    await request.client.get(page["items"][0]["link"])
    return SourcePage(page["items"])


GRAPHQL = replace(
    LIST,
    url=f"{URL}/graphql",
    body={"query": "query ($first: Int, $after: String) { items { nodes { id } } }"},
    paging=GraphQLConnection(connection="data/items", size=1),
    records="data/items/nodes",
)
CHILDREN = replace(LIST, url=f"{URL}/spaces/${{space/id}}/pages")
SOURCES: dict[str, Source] = {
    "a next link": replace(LIST, paging=NextUrl(path="next_cursor")),
    "a cursor": LIST,
    "a detail by key": replace(LIST, detail=Detail(url=f"{URL}/items/${{id}}")),
    "a detail by link": replace(LIST, detail=Detail(url="${link}")),
    "a detail by query": replace(LIST, detail=Detail(url=f"{URL}/items", params={"id": "${id}"})),
    "gathered": replace(
        LIST,
        sub_lists=(SubList(source=replace(LIST, url=f"{URL}/items/${{id}}/more"), into="more"),),
    ),
    "nested": Nested(parents=LIST, children=CHILDREN, name="space"),
    "a backend": Backend(auth=Bearer(Secret("TOKEN")), signing_key=Secret("KEY")),
    "python": PythonSource(url=URL, fetch=reading, auth=Bearer(Secret("TOKEN"))),
    "graphql": GRAPHQL,
}


def walked(source: Source, said: str) -> Recorder:
    """All that is asked for on the way from the first page to the next, and at a cancel."""
    server = Recorder(said)
    crawl = ReadContext("j-1", Mode.FULL, Stage.DOCUMENTS, None)

    async def walk() -> None:
        cursor = None
        for _ in range(3):
            around = context(httpx.MockTransport(server), an_environment(**SET))
            reader = source.reader(around)
            with suppress(UpstreamError):
                page = await reader.fetch(cursor, crawl)
                cursor = page.next_cursor
            await reader.cancel(cursor)
            await reader.close()
            if cursor is None:
                return

    asyncio.run(walk())
    return server


@pytest.mark.parametrize("said", HOSTILE, ids=ascii)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_whatever_is_said_nobody_else_is_asked(source: Source, said: str) -> None:
    server = walked(source, said)

    assert server.asked <= {URL}


@pytest.mark.parametrize(
    "source", [SOURCES["a detail by key"], SOURCES["gathered"], SOURCES["nested"]]
)
@pytest.mark.parametrize("said", HOSTILE, ids=ascii)
def test_what_a_record_says_stays_one_name_in_a_path(source: Source, said: str) -> None:
    """Also for a server that decodes twice, and takes a backslash for a slash."""
    server = walked(source, said)

    for request in server.requests:
        path = request.url.raw_path.decode().partition("?")[0]
        assert path.startswith(("/list", "/items/", "/spaces/")), path
        decoded = httpx.URL(URL, path=path).path.replace("%2F", "/").replace("\\", "/")
        assert not {"..", "."} & {*decoded.split("/")}, path


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        (f"{URL}//evil.example/x", "//evil.example/x"),
        (f"{URL}//evil.example/x?a=//b", "//evil.example/x?a=//b"),
        (f"{URL}///x", "///x"),
        (f"{URL}/x%3Fy?z=1", "/x%3Fy?z=1"),
        ("/runs/1?a=b%26c", "/runs/1?a=b%26c"),
        ("runs/1", "/crawler/runs/1"),
        ("?run=1", "/crawler/index?run=1"),
    ],
)
def test_the_path_and_the_query_of_a_backends_status_are_asked_for_as_they_are(
    said: str, asked: str
) -> None:
    server = walked(SOURCES["a backend"], said)

    statuses = [request for request in server.requests if request.method != "POST"]
    assert {request.url.raw_path.decode() for request in statuses} == {asked}
    assert server.asked == {URL}


@pytest.mark.parametrize("url", ["evil.example/x", "https://evil.example/x", "", "x"])
def test_a_stored_status_url_that_is_no_path_is_not_asked(url: str) -> None:
    server = Recorder("")
    around = context(httpx.MockTransport(server), an_environment(**SET))
    cursor = msgspec.json.encode({"url": url, "begun_at_ms": 1}).decode()
    reader = SOURCES["a backend"].reader(around)

    with pytest.raises(UpstreamError):
        asyncio.run(reader.fetch(cursor, ReadContext("j-1", Mode.FULL, Stage.DOCUMENTS, None)))
    asyncio.run(reader.cancel(cursor))

    assert server.requests == []


Ask = Callable[[HttpClient, str], Any]
ASKS: dict[str, Ask] = {
    "get": lambda upstream, url: upstream.get(url, bytes_max=9),
    "get with parameters": lambda upstream, url: upstream.get(url, {"a": "b"}, bytes_max=9),
    "post": lambda upstream, url: upstream.post(url, b"{}", bytes_max=9),
    "stream": lambda upstream, url: upstream.stream(url),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
@pytest.mark.parametrize("url", [said for said in HOSTILE if said.startswith(("http", "//"))])
def test_it_is_decided_on_the_url_that_is_asked(ask: Ask, url: str) -> None:
    server = Recorder("")
    upstream = HttpClient("it", httpx.MockTransport(server), NoAuthentication(), Origins(URL))

    with suppress(UpstreamError):
        asyncio.run(ask(upstream, url))

    assert server.asked <= {URL}


def test_a_url_with_a_user_in_it_is_no_server_to_be_asked() -> None:
    url = f"https://user:password@{OWN}/x"
    upstream = HttpClient("it", httpx.MockTransport(Recorder("")), NoAuthentication(), Origins(url))

    with pytest.raises(UpstreamError, match="auth", check=caused_by(Cause.BAD_LINK)) as error:
        asyncio.run(upstream.get(url, bytes_max=9))

    assert not error.value.is_transient
    assert "password" not in str(error.value)


def test_a_detail_may_be_on_a_server_of_its_own_where_that_is_declared() -> None:
    source = replace(LIST, detail=Detail(url="https://detail.example/items/${id}"))

    server = walked(source, "n1")

    assert server.asked == {URL, "https://detail.example"}
