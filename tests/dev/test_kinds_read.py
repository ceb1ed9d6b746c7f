"""Every kind of paging of the source in dev/kinds_source, read by a connector's declaration."""

import asyncio
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from starlette.types import ASGIApp

from dev.kinds_source.app import create_app
from durable.http.error_rules import Action, Rule
from durable.sources.http import HttpSource
from durable.sources.ndjson import NdjsonSource
from durable.sources.newest_first import NewestFirst
from durable.sources.paging.cursors import BodyCursor, HeaderCursor, NextUrl
from durable.sources.paging.graphql import GraphQLConnection
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.last_page import LastPage
from durable.sources.paging.link_header import LinkHeader
from durable.sources.paging.mediawiki import MediaWikiPaging
from durable.sources.paging.odata import OData
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.one_page import OnePage
from durable.sources.paging.param_location import ParamLocation
from durable.sources.resume import Resume
from durable.sources.since import OVERLAP_MS, Since
from durable.sources.source import Source
from durable.sources.times import TimeFormat
from tests.fakes.paged import decoded
from tests.fakes.source import a_crawl, context


COUNT = 60
SIZE = 7  # of a page; the last one has fewer
SINCE = Since(param="updated_since")
QUERY = "query ($first: Int, $after: String, $since: DateTime) { records { nodes { id } } }"


def at(kind: str) -> str:
    return f"http://testserver/kinds/{kind}"


def listed(kind: str, paging: Any, **fields: Any) -> HttpSource:
    return HttpSource(
        **{"records": "items", "url": at(kind), "paging": paging, "since": SINCE, **fields}
    )


SOURCES: dict[str, Source] = {
    "cursor": listed("cursor", BodyCursor(size=SIZE), has_more="has_more"),
    "cursor-absent": listed("cursor-absent", BodyCursor(size=SIZE, last_page=LastPage.ABSENT)),
    "cursor-empty": listed("cursor-empty", BodyCursor(size=SIZE, last_page=LastPage.EMPTY)),
    "cursor-flag": listed(
        "cursor-flag", BodyCursor(size=SIZE, last_page=LastPage.HAS_MORE), has_more="has_more"
    ),
    "cursor-header": listed(
        "cursor-header", HeaderCursor(header="x-next-cursor", size=SIZE), records=""
    ),
    "nested": listed(
        "nested",
        BodyCursor(path="meta/next", size=SIZE),
        records="data/result/items",
        total="meta/total",
    ),
    "link": listed("link", LinkHeader(size=SIZE), records=""),
    "link-relative": listed("link-relative", LinkHeader(size=SIZE), records=""),
    "next-url": listed("next-url", NextUrl(size=SIZE, size_param="per_page"), records="results"),
    "next-url-relative": listed(
        "next-url-relative", NextUrl(size=SIZE, size_param="per_page"), records="results"
    ),
    "offset": listed("offset", OffsetPaging(size=SIZE), total="total"),
    "offset-plain": listed("offset-plain", OffsetPaging(size=SIZE)),
    "offset-strict": listed("offset-strict", OffsetPaging(size=SIZE, short_page_ends=True)),
    "page": listed("page", PageNumber(size=SIZE, total_pages="total_pages")),
    "page-zero": listed("page-zero", PageNumber(first=0, size=SIZE, total_pages="total_pages")),
    "page-total": listed("page-total", PageNumber(size=SIZE), total="total"),
    "page-plain": listed("page-plain", PageNumber(size=SIZE)),
    "keyset": listed("keyset", Keyset(param="after_id", path="id", size=SIZE)),
    "keyset-time": listed(
        "keyset-time",
        Keyset(path="updated_at", param="updated_from", is_inclusive=True, size=SIZE),
        since=Since(param="updated_from", format=TimeFormat.EPOCH_SECONDS),
    ),
    "odata": listed(
        "odata",
        OData(size=SIZE),
        records="value",
        params={"$top": str(SIZE), "$count": "true"},
        total="@odata.count",
        since=Since(param="$filter", template="updated_at ge {}"),
    ),
    "graphql": listed(
        "graphql",
        GraphQLConnection(connection="data/records", size=SIZE),
        body={"query": QUERY},
        records="data/records/nodes",
        total="data/records/totalCount",
        since=Since(param="variables/since", location=ParamLocation.BODY),
    ),
    "mediawiki": listed(
        "mediawiki",
        MediaWikiPaging(size=SIZE, size_param="gaplimit"),
        params={"action": "query", "generator": "allpages", "format": "json"},
        records="query/pages",
        records_key="pageid",
        since=Since(param="gapsince"),
    ),
    "list": listed("list", OnePage(), records=""),
    "lines": NdjsonSource(url=at("lines"), since=SINCE, size=SIZE),
    "lines-no-range": NdjsonSource(url=at("lines-no-range"), since=SINCE, size=SIZE),
    "newest first": listed(
        "cursor",
        BodyCursor(size=SIZE),
        since=NewestFirst(path="updated_at", params={"sort": "-updated_at"}),
    ),
}


@pytest.fixture(scope="module")
def app() -> ASGIApp:
    """No record of it changes, so that all the tests may read it."""
    return create_app(count=COUNT)


def read(
    app: ASGIApp,
    source: Source,
    since_ms: int | None = None,
    *,
    is_one_turn: bool = False,
    expires: bool = False,
) -> tuple[list[dict[str, Any]], list[str]]:
    """All records and cursors: by one reader, or by another one for each page.

    Args:
        app: the source.
        source: its declaration.
        since_ms: for what has changed.
        is_one_turn: whether all pages have one reader.
        expires: whether each cursor expires before its page is asked for.
    """

    async def walk() -> tuple[list[dict[str, Any]], list[str]]:
        around = context(httpx.ASGITransport(app))
        reader = source.reader(around)
        records: list[dict[str, Any]] = []
        cursors: list[str] = []
        while True:
            page = await reader.fetch(cursors[-1] if cursors else None, a_crawl(since_ms))
            records += decoded(page.records)
            if page.next_cursor is None:
                return records, cursors
            cursors.append(page.next_cursor)
            if expires:
                await expire(around.transport)
            reader = reader if is_one_turn else source.reader(around)

    return asyncio.run(walk())


async def expire(transport: httpx.AsyncBaseTransport) -> None:
    request = httpx.Request("POST", "http://testserver/control/expire-cursors")
    assert (await transport.handle_async_request(request)).status_code == 204


def ids(records: list[dict[str, Any]]) -> list[str]:
    return sorted({record["id"] for record in records})


@pytest.mark.parametrize("kind", SOURCES)
def test_all_records_are_read_whether_or_not_each_page_has_another_reader(
    app: ASGIApp, kind: str
) -> None:
    records, cursors = read(app, SOURCES[kind])

    assert len(ids(records)) == COUNT
    if kind != "keyset-time":  # what it has read last, it reads again
        assert len(records) == COUNT
    assert len(cursors) >= COUNT // SIZE or kind == "list"
    assert read(app, SOURCES[kind], is_one_turn=True) == (records, cursors)


@pytest.mark.parametrize("kind", SOURCES)
def test_what_has_changed_is_read_and_ties_with_it(app: ASGIApp, kind: str) -> None:
    records, _ = read(app, SOURCES["list"])
    seconds = sorted(record["updated"] for record in records)
    since_ms = seconds[COUNT * 2 // 3] * 1_000
    begin_ms = since_ms - OVERLAP_MS
    expected = [record for record in records if record["updated"] * 1_000 >= begin_ms]
    assert 0 < len(expected) < COUNT

    assert ids(read(app, SOURCES[kind], since_ms)[0]) == ids(expected)


@pytest.mark.parametrize("kind", SOURCES)
def test_where_nothing_has_changed_there_is_an_empty_page(app: ASGIApp, kind: str) -> None:
    assert read(app, SOURCES[kind], since_ms=4_000_000_000_000) == ([], [])


SORTED = ["cursor", "cursor-absent", "cursor-header", "nested", "link-relative", "next-url"]


@pytest.mark.parametrize("since_ms", [None, 0], ids=["FULL", "INCREMENTAL"])
@pytest.mark.parametrize("kind", SORTED)
def test_a_list_whose_cursors_expire_at_once_is_read_on_from_its_last_record(
    app: ASGIApp, kind: str, since_ms: int | None
) -> None:
    source = SOURCES[kind]
    assert isinstance(source, HttpSource)
    rules = (Rule(status=410, then=Action.RESTART),)
    source = replace(
        source, params={"sort": "id"}, rules=rules, resume=Resume(param="after_id", path="id")
    )

    records, cursors = read(app, source, since_ms, expires=True)

    assert [record["id"] for record in records] == [f"r{n:05}" for n in range(1, COUNT + 1)]
    assert len(cursors) == COUNT // SIZE
