"""Sources of many pages, read from the start, and again from every cursor that they gave."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx
import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from msgspec import Raw

from durable.sources.source import Reader, Records, Source
from tests.fakes.environment import an_environment
from tests.fakes.source import a_crawl, context


T = TypeVar("T")
Server = Callable[[httpx.Request], httpx.Response]

PAGES_MAX = 1_000  # of a list that does not come to its end
URL = "https://notes.example/list"

counts = st.integers(0, 25)  # records of a list
sizes = st.integers(1, 9)  # records of a page
some = settings(max_examples=40)  # lists, each read page by page


def items(count: int) -> list[dict[str, Any]]:
    """Records, by a growing id."""
    return [{"id": f"n{number:04}", "rank": number} for number in range(1, count + 1)]


def a_reader(source: Source, server: Server) -> Reader:
    return source.reader(context(httpx.MockTransport(server), an_environment()))


def whole(
    source: Source, server: Server, cursor: str | None = None, since_ms: int | None = None
) -> tuple[list[Any], list[str]]:
    """The records from a cursor on, decoded, and the cursors of the pages after it.

    Each page has a reader of its own, which has nothing but the cursor, as after a crash.
    """
    return _walked(lambda: a_reader(source, server), cursor, since_ms)


def check_resumes(
    source: Source, server: Server, expected: list[Any], since_ms: int | None = None
) -> None:
    """All records come once and in order, whether one reader reads them or each page has its own.

    So a crash after any page changes nothing: the rest is what it would have been.
    """
    one = a_reader(source, server)
    in_one_go = _walked(lambda: one, None, since_ms, is_one=True)

    assert in_one_go[0] == expected
    assert whole(source, server, None, since_ms) == in_one_go


def decoded(records: list[Raw]) -> list[Any]:
    return [msgspec.json.decode(raw) for raw in records]


def _walked(
    reader: Callable[[], Reader],
    cursor: str | None,
    since_ms: int | None,
    *,
    is_one: bool = False,
) -> tuple[list[Any], list[str]]:
    records: list[Any] = []
    cursors: list[str] = []
    for _ in range(PAGES_MAX):
        used = reader()
        page: Records = at_once(used.fetch(cursor, a_crawl(since_ms)))
        records += decoded(page.records)
        if not is_one or page.next_cursor is None:
            at_once(used.close())
        if page.next_cursor is None:
            return records, cursors
        cursor = page.next_cursor
        cursors.append(cursor)
    raise AssertionError(f"no end after {PAGES_MAX} pages")


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What it returns. It waits for nothing, so it needs no event loop."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("it waits for something")
