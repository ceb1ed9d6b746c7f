"""Pages that are too large, read in parts."""

from typing import Any

import httpx
import msgspec
import pytest

from durable.errors import UpstreamError
from durable.paging.counted import OffsetPaging, PageNumber
from durable.paging.cursors import BodyCursor, HeaderCursor, NextUrl
from durable.paging.graphql import GraphQLConnection
from durable.paging.halving import halved, leads_on
from durable.paging.keyset import Keyset
from durable.paging.link_header import LinkHeader
from durable.paging.odata import OData
from durable.paging.placing import Place
from durable.paging.protocol import Paging
from durable.sources.http import HttpSource
from durable.sources.source import Records
from tests.fakes.network import Network
from tests.fakes.paged import URL, Server
from tests.fakes.source import read, surroundings


BYTES_MAX = 1_000
COUNT = 20


def some(*large: int, huge: int | None = None) -> list[dict[str, Any]]:
    """Of the large ones two are too much for a page, of the huge one is."""
    texts = dict.fromkeys(large, "x" * 600) | ({} if huge is None else {huge: "x" * 2_000})
    return [
        {"id": f"n{rank:03}", "rank": rank, "text": texts.get(rank, "")} for rank in range(COUNT)
    ]


def pages(source: HttpSource, server: Server) -> list[Records]:
    """Each read by a reader of its own, as after a crash."""
    found: list[Records] = []
    cursor: str | None = None
    for _ in range(100):
        network = httpx.MockTransport(server)
        page = read(source.reader(surroundings(network, page_bytes_max=BYTES_MAX)), cursor)
        found.append(page)
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("no end")


def ranks(found: list[Records]) -> list[int]:
    return [
        msgspec.json.decode(raw)["rank"]
        for page in found
        for place, raw in enumerate(page.records, 1)
        if place not in page.faults
    ]


def server(records: list[dict[str, Any]], *, total: int | None = None) -> Server:
    """By offset, by the last id, or by an opaque cursor, whatever is asked for."""

    def answer(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        at = params.get("cursor", "c0").removeprefix("c")
        start = int(params.get("offset", at))
        rest = [one for one in records if one["id"] > params.get("after_id", "")][start:]
        size = int(params["limit"])
        after = start + size
        told = {"next_cursor": f"c{after}" if after < len(records) else None, "total": total}
        return httpx.Response(200, json={"items": rest[:size], **told})

    return answer


SIZED: list[Paging] = [
    OffsetPaging(size=8),
    OffsetPaging(size=8, short_page_ends=True),
    BodyCursor(size=8),
    Keyset(size=8),
    Keyset(size=7, short_page_ends=True),
]


@pytest.mark.parametrize("paging", SIZED)
@pytest.mark.parametrize("large", [(), (0, 1), (5, 6, 7), (18, 19), tuple(range(COUNT))])
def test_a_page_that_is_too_large_is_read_in_parts(paging: Paging, large: tuple[int, ...]) -> None:
    found = pages(HttpSource(url=URL, paging=paging), server(some(*large)))

    assert ranks(found) == list(range(COUNT))
    assert all(page.byte_count <= BYTES_MAX for page in found)


@pytest.mark.parametrize("huge", [0, 9, COUNT - 1])
@pytest.mark.parametrize("fields", [{}, {"total": "total"}])
def test_a_record_that_is_too_large_alone_is_rejected_by_its_place(
    huge: int, fields: dict[str, Any]
) -> None:
    source = HttpSource(url=URL, paging=OffsetPaging(size=8), **fields)

    found = pages(source, server(some(huge=huge), total=COUNT))

    assert ranks(found) == [rank for rank in range(COUNT) if rank != huge]
    (rejecting,) = (page for page in found if page.faults)
    assert list(rejecting.faults) == [1]
    assert rejecting.request_count == 4  # of 8, 4, 2 and 1


@pytest.mark.parametrize("paging", [BodyCursor(size=8), Keyset(size=8), BodyCursor()])
def test_where_only_the_source_knows_what_follows_the_job_fails(paging: Paging) -> None:
    source = HttpSource(
        url=URL, paging=paging, params={} if paging != BodyCursor() else {"limit": "8"}
    )

    with pytest.raises(UpstreamError, match="more than 1000 bytes"):
        pages(source, server(some(huge=9)))


def test_rows_that_are_hidden_are_stepped_over_by_the_size_that_was_asked_for() -> None:
    source = HttpSource(url=URL, paging=OffsetPaging(size=8), total="total", hides_rows=True)

    assert ranks(pages(source, server(some(2, 3, 4), total=COUNT))) == list(range(COUNT))


def numbered(request: httpx.Request) -> httpx.Response:
    """A cursor that is the number of a page."""
    number, size = int(request.url.params.get("cursor", 1)), int(request.url.params["limit"])
    page = some(0, 1)[(number - 1) * size : number * size]
    return httpx.Response(200, json={"items": page, "next_cursor": number + 1 if page else None})


def test_where_another_size_would_be_another_page_the_job_fails() -> None:
    for paging in (BodyCursor(size=8), PageNumber(size=8, size_param="limit", param="cursor")):
        with pytest.raises(UpstreamError, match="more than 1000 bytes"):
            pages(HttpSource(url=URL, paging=paging), numbered)


@pytest.mark.parametrize(
    ("paging", "cursor", "next_cursor", "count", "expected"),
    [
        (BodyCursor(size=4), None, "abc", 4, True),
        (BodyCursor(size=4), None, "4", 4, True),
        (BodyCursor(size=4), "8", "12", 4, True),
        (BodyCursor(size=4, place=Place.BODY), "8", "12", 4, True),
        (BodyCursor(size=4, place=Place.BODY), '"8"', '"9"', 4, False),
        (BodyCursor(size=4), None, "2", 4, False),
        (BodyCursor(size=1), None, "1", 1, False),
        (BodyCursor(size=4), "2", None, 4, False),
        (BodyCursor(size=4), "abc", "4", 4, False),
        (HeaderCursor(header="x", size=4), "2", "3", 4, False),
        (GraphQLConnection(connection="c", size=4), None, '"2"', 4, True),
        (NextUrl(size=4), None, f"{URL}?page=2&limit=4", 4, True),
        (NextUrl(size=4), None, f"{URL}?page=2", 4, False),
        (LinkHeader(size=4), None, f"{URL}?page=2&per_page=8", 4, False),
        (LinkHeader(size=4), None, None, 4, True),
        (OData(size=4), None, f"{URL}?$skiptoken=x", 4, True),
        (OData(size=4), None, f"{URL}?$skip=8", 4, False),
        (OffsetPaging(size=4), "8", "12", 4, True),
    ],
)
def test_a_cursor_is_believed_after_another_size_only_if_it_leads_on(
    paging: Paging, cursor: str | None, next_cursor: str | None, count: int, *, expected: bool
) -> None:
    assert leads_on(paging, cursor, next_cursor, count) is expected


def test_a_later_link_is_followed_as_it_is() -> None:
    assert halved(NextUrl(size=8), f"{URL}?page=2") is None
    assert halved(NextUrl(size=8), None) == NextUrl(size=4)
    assert halved(OffsetPaging(size=1), None) is None
    assert halved(OffsetPaging(), None) is None


def test_a_page_that_is_not_too_large_takes_one_request() -> None:
    network = Network(httpx.Response(200, json={"items": []}))
    source = HttpSource(url=URL, paging=OffsetPaging(size=8))

    assert read(source.reader(surroundings(network))).request_count == 1
