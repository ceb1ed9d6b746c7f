"""A wiki of spaces, pages and comments, and sources of it read as after crashes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import httpx
import msgspec

from durable.environment import Environment
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor
from durable.sources.since import Since
from durable.sources.source import Reader, Records, Source
from tests.fakes.environment import an_environment
from tests.fakes.source import a_crawl, context


URL = "https://wiki.example"
PAGES_MAX = 500  # of a source that does not come to its end
Spaces = dict[str, dict[str, list[str]]]  # by id: pages by id, each with its comments

CURSOR = BodyCursor(path="next_cursor", param="cursor")
SPACES = HttpSource(
    records="items", url=f"{URL}/spaces", paging=CURSOR, since=Since(param="updated_since")
)
PAGES = HttpSource(
    records="items",
    url=f"{URL}/spaces/${{space/id}}/pages",
    paging=CURSOR,
    since=Since(param="updated_since"),
)
COMMENTS = HttpSource(records="items", url=f"{URL}/pages/${{page/id}}/comments", paging=CURSOR)


class Wiki(httpx.AsyncBaseTransport):
    """Answers from what it has at that moment, by ids as cursors.

    Args:
        spaces: what it has, in order; may be changed.
        size: of a page, of whatever it lists.
    """

    def __init__(self, spaces: Spaces, size: int = 2) -> None:
        self.spaces = spaces
        self.size = size
        self.spaces_size: int | None = None  # of a page of spaces, if that is another
        self.order: Callable[[Sequence[str]], Sequence[str]] = list  # of the spaces
        self.requests: list[httpx.Request] = []
        self.refusals: dict[str, httpx.Response | list[httpx.Response]] = {}  # by path
        self.answers: dict[str, Any] = {}  # likewise
        self.extra: dict[str, Any] = {}  # fields of every answer that is a list
        self.fields: dict[str, Any] = {}  # of every space
        self.most = 0  # requests at a time
        self._under_way = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        self._under_way -= 1
        return self._answer(request)

    @property
    def paths(self) -> list[str]:
        return [unquote(request.url.raw_path.decode()) for request in self.requests]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        refusal = self.refusals.get(path)
        if isinstance(refusal, list):
            refusal = refusal.pop(0) if refusal else None
        if refusal is None and path in self.answers:
            return httpx.Response(200, json=self.answers[path])
        return refusal or self._found(path, request)

    def _found(self, path: str, request: httpx.Request) -> httpx.Response:
        match path.strip("/").split("/"):
            case ["spaces"]:
                spaces = [
                    {"id": name, "name": f"The {name}"} for name in self.order([*self.spaces])
                ]
                return self._page([{**space, **self.fields} for space in spaces], request)
            case ["spaces", space, "pages"] if space in self.spaces:
                return self._page([{"id": name} for name in self.spaces[space]], request)
            case ["pages", page] if page in self._pages():
                return httpx.Response(200, json={"data": {"id": page, "text": f"about {page}"}})
            case ["pages", page, "comments"] if page in self._pages():
                return self._page([{"id": name} for name in self._pages()[page]], request)
        return httpx.Response(404, text=f"no {path}")

    def _pages(self) -> Mapping[str, list[str]]:
        return {name: page for pages in self.spaces.values() for name, page in pages.items()}

    def _page(self, items: list[dict[str, Any]], request: httpx.Request) -> httpx.Response:
        start = int(request.url.params.get("cursor", "0"))
        is_of_spaces = request.url.path == "/spaces"
        stop = start + ((is_of_spaces and self.spaces_size) or self.size)
        following = str(stop) if stop < len(items) else None
        page = {"items": items[start:stop], "next_cursor": following, "total": len(items)}
        return httpx.Response(200, json={**page, **self.extra})


def reader_of(
    source: Source, network: httpx.AsyncBaseTransport, environment: Environment | None = None
) -> Reader:
    return source.reader(context(network, environment or an_environment()))


def pages_of(
    source: Source,
    network: httpx.AsyncBaseTransport,
    cursor: str | None = None,
    since_ms: int | None = None,
    reader: Reader | None = None,
) -> Iterator[Records]:
    """All pages from a cursor on. Without a reader, each has one of its own, as after a crash."""
    for _ in range(PAGES_MAX):
        reading = reader or reader_of(source, network)
        page = asyncio.run(reading.fetch(cursor, a_crawl(since_ms)))
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
    raise AssertionError(f"no end after {PAGES_MAX} pages")


def decoded(page: Records) -> list[Any]:
    return [msgspec.json.decode(raw) for raw in page.records]


def ids(pages: Iterator[Records]) -> list[str]:
    return [record["id"] for page in pages for record in decoded(page)]


def counted(names: Sequence[str]) -> Counter[str]:
    return Counter(names)
