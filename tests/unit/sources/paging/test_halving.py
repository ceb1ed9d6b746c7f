"""Pages that are too large, read in parts."""

from base64 import b64decode, b64encode
from typing import Any

import httpx
import msgspec
import pytest

from durable.errors import Cause, UpstreamError
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor, HeaderCursor, NextUrl
from durable.sources.paging.graphql import GraphQLConnection
from durable.sources.paging.halving import halve, leads_on
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.link_header import LinkHeader
from durable.sources.paging.odata import OData
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.param_location import ParamLocation
from durable.sources.paging.protocol import Paging
from durable.sources.source import Records
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, Server
from tests.fakes.source import context, read


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
        page = read(source.reader(context(network, page_bytes_max=BYTES_MAX)), cursor)
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
        is_last = after >= len(records) or "after_id" in params
        told = {"next_cursor": None if is_last else f"c{after}", "total": total}
        return httpx.Response(200, json={"items": rest[:size], **told})

    return answer


SIZED: list[Paging] = [
    OffsetPaging(size=8),
    OffsetPaging(size=8, short_page_ends=True),
    BodyCursor(size=8),
    Keyset(param="after_id", path="id", size=8),
    Keyset(param="after_id", path="id", size=7, short_page_ends=True),
]


@pytest.mark.parametrize("paging", SIZED)
@pytest.mark.parametrize("large", [(), (0, 1), (5, 6, 7), (18, 19), tuple(range(COUNT))])
def test_a_page_that_is_too_large_is_read_in_parts(paging: Paging, large: tuple[int, ...]) -> None:
    found = pages(HttpSource(records="items", url=URL, paging=paging), server(some(*large)))

    assert ranks(found) == list(range(COUNT))
    assert all(page.byte_count <= BYTES_MAX for page in found)


@pytest.mark.parametrize("huge", [0, 9, COUNT - 1])
@pytest.mark.parametrize("fields", [{}, {"total": "total"}])
def test_a_record_that_is_too_large_alone_is_rejected_by_its_place(
    huge: int, fields: dict[str, Any]
) -> None:
    source = HttpSource(url=URL, paging=OffsetPaging(size=8), **{"records": "items", **fields})

    found = pages(source, server(some(huge=huge), total=COUNT))

    assert ranks(found) == [rank for rank in range(COUNT) if rank != huge]
    (rejecting,) = (page for page in found if page.faults)
    assert list(rejecting.faults) == [1]
    assert rejecting.request_count == 4  # of 8, 4, 2 and 1


@pytest.mark.parametrize(
    "paging", [BodyCursor(size=8), Keyset(param="after_id", path="id", size=8), BodyCursor()]
)
def test_where_only_the_source_knows_what_follows_the_job_fails(paging: Paging) -> None:
    source = HttpSource(
        records="items",
        url=URL,
        paging=paging,
        params={} if paging != BodyCursor() else {"limit": "8"},
    )

    with pytest.raises(UpstreamError, check=caused_by(Cause.TOO_LARGE)):
        pages(source, server(some(huge=9)))


def test_rows_that_are_hidden_are_stepped_over_by_the_size_that_was_asked_for() -> None:
    source = HttpSource(
        records="items", url=URL, paging=OffsetPaging(size=8), total="total", hides_rows=True
    )

    assert ranks(pages(source, server(some(2, 3, 4), total=COUNT))) == list(range(COUNT))


def numbered(request: httpx.Request) -> httpx.Response:
    """A cursor that is the number of a page."""
    number, size = int(request.url.params.get("cursor", 1)), int(request.url.params["limit"])
    page = some(0, 1)[(number - 1) * size : number * size]
    return httpx.Response(200, json={"items": page, "next_cursor": number + 1 if page else None})


def test_where_another_size_would_be_another_page_the_job_fails() -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.TOO_LARGE)):
        pages(HttpSource(records="items", url=URL, paging=BodyCursor(size=8)), numbered)


def opaque(*large: int, asked: list[int] | None = None) -> Server:
    """A cursor that is the number of a page, though nobody can see it."""

    def answer(request: httpx.Request) -> httpx.Response:
        params, size = request.url.params, int(request.url.params["limit"])
        if asked is not None:
            asked.append(size)
        number = (
            int(b64decode(params["cursor"]).removeprefix(b"page ")) if "cursor" in params else 0
        )
        page = some(*large)[number * size : (number + 1) * size]
        following = b64encode(b"page %d" % (number + 1)).decode() if page else None
        told = {"next_cursor": following, "link": f"{URL}?cursor={following}&limit={size}"}
        return httpx.Response(
            200, json={"items": page, **told, "next": (page and told["link"]) or None}
        )

    return answer


@pytest.mark.parametrize("large", [(0, 1), (9, 10), (18, 19)])
@pytest.mark.parametrize("paging", [BodyCursor(size=8), NextUrl(size=8)])
def test_after_a_smaller_page_a_cursor_goes_back_with_the_size_that_it_came_with(
    paging: Paging, large: tuple[int, ...]
) -> None:
    asked: list[int] = []

    found = pages(HttpSource(records="items", url=URL, paging=paging), opaque(*large, asked=asked))

    assert set(ranks(found)) == set(range(COUNT))  # some may come twice, and none is left out
    smallest = min(asked)
    assert asked[asked.index(smallest) :] == [smallest] * (len(asked) - asked.index(smallest))


@pytest.mark.parametrize("size", [8, 6, 7, 1])
@pytest.mark.parametrize("large", [(), (0, 1), (5, 6, 7), (9, 10), (18, 19), tuple(range(COUNT))])
@pytest.mark.parametrize("fields", [{}, {"total": "total"}, {"pages": True}])
def test_numbered_pages_are_read_in_parts(
    large: tuple[int, ...], size: int, fields: dict[str, Any]
) -> None:
    asked: list[tuple[int, int]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        number, of = (int(request.url.params[name]) for name in ("page", "per_page"))
        asked.append((number, of))
        page = some(*large)[(number - 1) * of : number * of]
        return httpx.Response(200, json={"items": page, "total": COUNT, "pages": -(-COUNT // of)})

    told = {"total": fields.get("total", "")}
    paging = PageNumber(size=size, total_pages="pages" if fields.get("pages") else "")
    found = pages(HttpSource(url=URL, paging=paging, **{"records": "items", **told}), answer)

    assert ranks(found) == list(range(COUNT))
    if large == (0, 1) and size == 8:
        assert (2, 8) in asked  # and on with pages of the declared size


def test_a_record_that_is_too_large_alone_is_rejected_by_the_number_of_its_page() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        number, of = (int(request.url.params[name]) for name in ("page", "per_page"))
        return httpx.Response(200, json={"items": some(huge=9)[(number - 1) * of : number * of]})

    found = pages(HttpSource(records="items", url=URL, paging=PageNumber(size=8)), answer)

    assert ranks(found) == [rank for rank in range(COUNT) if rank != 9]
    assert sum(len(page.faults) for page in found) == 1


def test_numbered_pages_that_are_capped_are_not_read_in_parts() -> None:
    """The third would begin elsewhere with another size, as they have six records and not eight."""

    def answer(request: httpx.Request) -> httpx.Response:
        number, of = (int(request.url.params[name]) for name in ("page", "per_page"))
        size = min(6, of)
        return httpx.Response(
            200, json={"items": some(13, 14)[(number - 1) * size : number * size]}
        )

    with pytest.raises(UpstreamError, check=caused_by(Cause.TOO_LARGE)):
        pages(HttpSource(records="items", url=URL, paging=PageNumber(size=8)), answer)


@pytest.mark.parametrize("large", [(0, 1), (9, 10), (18, 19)])
@pytest.mark.parametrize("paging", [NextUrl(size=8), LinkHeader(size=8, size_param="limit")])
def test_links_with_an_offset_are_read_in_parts(paging: Paging, large: tuple[int, ...]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        start, of = (int(request.url.params.get(name, 0)) for name in ("offset", "limit"))
        link = f"{URL}?offset={start + of}&limit={of}" if start + of < COUNT else None
        headers = {"link": f'<{link}>; rel="next"' if link else '<>; rel="first"'}
        content = {"items": some(*large)[start : start + of], "next": link}
        return httpx.Response(200, json=content, headers=headers)

    assert ranks(pages(HttpSource(records="items", url=URL, paging=paging), answer)) == list(
        range(COUNT)
    )


def test_links_with_a_number_of_a_page_are_not_read_in_parts() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        number, of = (int(request.url.params.get(name, 1)) for name in ("page", "limit"))
        page = some(18, 19)[(number - 1) * of : number * of]
        link = f"{URL}?page={number + 1}&limit={of}" if page else None
        return httpx.Response(200, json={"items": page, "next": link})

    with pytest.raises(UpstreamError, check=caused_by(Cause.TOO_LARGE)):
        pages(HttpSource(records="items", url=URL, paging=NextUrl(size=8)), answer)


@pytest.mark.parametrize(
    ("paging", "cursor", "next_cursor", "count", "expected"),
    [
        (BodyCursor(size=4), None, "abc", 4, True),
        (BodyCursor(size=4), None, "4", 4, True),
        (BodyCursor(size=4), "8", "12", 4, True),
        (BodyCursor(size=4, location=ParamLocation.BODY), "8", "12", 4, True),
        (BodyCursor(size=4, location=ParamLocation.BODY), '"8"', '"9"', 4, False),
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
        (OData(size=4), f"{URL}?$skip=8", f"{URL}?$skip=12", 4, True),
        (OData(size=4), f"{URL}?$skip=8", f"{URL}?$skip=16", 4, False),
        (OData(size=4), f"{URL}?$skiptoken=x", f"{URL}?$skiptoken=y", 4, True),
        (NextUrl(size=1), f"{URL}?at=8&limit=1", f"{URL}?at=9&limit=1", 1, False),
        (OffsetPaging(size=4), "8", "12", 4, True),
    ],
)
def test_a_cursor_is_believed_after_another_size_only_if_it_leads_on(
    paging: Paging, cursor: str | None, next_cursor: str | None, count: int, *, expected: bool
) -> None:
    assert leads_on(paging, cursor, next_cursor, count) is expected


def test_a_later_link_without_the_size_is_followed_as_it_is() -> None:
    assert halve(NextUrl(size=8), f"{URL}?page=2") is None
    assert halve(NextUrl(size=8), None) == (NextUrl(size=4), None)
    link = f"{URL}?after=x&limit=8"
    assert halve(NextUrl(size=8), link) == (NextUrl(size=4), f"{URL}?after=x&limit=4")
    assert halve(OffsetPaging(size=1), None) is None
    assert halve(OffsetPaging(), None) is None


def test_a_page_that_is_not_too_large_takes_one_request() -> None:
    network = Network(httpx.Response(200, json={"items": []}))
    source = HttpSource(records="items", url=URL, paging=OffsetPaging(size=8))

    assert read(source.reader(context(network))).request_count == 1
