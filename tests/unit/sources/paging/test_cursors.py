"""Paging by what the source gives out: in the body, in a header, as the next page's URL."""

from typing import Any

import httpx
import pytest
from hypothesis import given

from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor, HeaderCursor, NextUrl
from durable.sources.paging.last_page import LastPage
from durable.sources.paging.param_location import ParamLocation
from durable.sources.paging.protocol import Paging
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, Server, check_resumes, counts, items, sizes, some
from tests.fakes.source import page_of


def slices(count: int, asked: str | None, size: int) -> tuple[list[Any], int | None]:
    """The records at a place, and the place after them if there are more."""
    start = int(asked or 0)
    end = start + size
    return items(count)[start:end], end if end < count else None


def body_server(count: int, size: int, last: dict[str, Any], kind: type[str | int]) -> Server:
    def answer(request: httpx.Request) -> httpx.Response:
        page, after = slices(count, request.url.params.get("cursor"), size)
        told = last if after is None else {"next_cursor": kind(after)}
        return httpx.Response(200, json={"items": page, **told})

    return answer


ENDS = [
    (LastPage.NULL, {"next_cursor": None}),
    (LastPage.ABSENT, {}),
    (LastPage.ABSENT, {"next_cursor": None}),
    (LastPage.EMPTY, {"next_cursor": ""}),
]


@pytest.mark.parametrize(("end", "last"), ENDS)
@pytest.mark.parametrize("kind", [str, int])
@some
@given(count=counts, size=sizes)
def test_a_cursor_in_the_body_leads_through_the_list(
    end: LastPage, last: dict[str, Any], kind: type[str | int], count: int, size: int
) -> None:
    source = HttpSource(records="items", url=URL, paging=BodyCursor(last_page=end))

    check_resumes(source, body_server(count, size, last, kind), items(count))


@some
@given(count=counts, size=sizes)
def test_a_cursor_may_be_there_on_the_last_page_too(count: int, size: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page, after = slices(count, request.url.params.get("cursor"), size)
        told = {"cursor": str(after or count + 1), "has_more": after is not None}
        return httpx.Response(200, json={"items": page, **told})

    source = HttpSource(
        records="items",
        url=URL,
        paging=BodyCursor(path="cursor", last_page=LastPage.HAS_MORE),
        has_more="has_more",
    )

    check_resumes(source, answer, items(count))


def last_page(end: LastPage, told: dict[str, Any], **fields: Any) -> str | None:
    source = HttpSource(url=URL, paging=BodyCursor(last_page=end), **{"records": "items", **fields})
    network = Network(httpx.Response(200, json={"items": [], **told}))
    return page_of(source, network, "b").next_cursor


@pytest.mark.parametrize(
    ("end", "told", "cause"),
    [
        (LastPage.NULL, {}, Cause.UNREADABLE),
        (LastPage.NULL, {"next_cursor": ""}, Cause.BAD_CURSOR),
        (LastPage.ABSENT, {"next_cursor": ""}, Cause.BAD_CURSOR),
        (LastPage.EMPTY, {}, Cause.UNREADABLE),
        (LastPage.EMPTY, {"next_cursor": None}, Cause.UNREADABLE),
    ],
)
def test_what_only_looks_like_an_end_is_refused(
    end: LastPage, told: dict[str, Any], cause: Cause
) -> None:
    with pytest.raises(UpstreamError, match="next_cursor", check=caused_by(cause)):
        last_page(end, told)


@pytest.mark.parametrize("told", [{}, {"next_cursor": None}, {"next_cursor": ""}])
def test_where_has_more_tells_the_end_a_missing_cursor_does_not(told: dict[str, Any]) -> None:
    assert last_page(LastPage.HAS_MORE, {**told, "more": False}, has_more="more") is None
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)):
        last_page(LastPage.HAS_MORE, {**told, "more": True}, has_more="more")


@pytest.mark.parametrize("value", [["c"], {"c": 1}, True, 7.5], ids=repr)
@pytest.mark.parametrize("end", list(LastPage))
def test_a_cursor_of_another_type_is_refused(end: LastPage, value: object) -> None:
    fields = {"has_more": "more"} if end is LastPage.HAS_MORE else {}
    with pytest.raises(UpstreamError, match="next_cursor", check=caused_by(Cause.UNREADABLE)):
        last_page(end, {"next_cursor": value, "more": True}, **fields)


def test_a_cursor_may_go_into_the_body() -> None:
    paging = BodyCursor(
        param="page/after", location=ParamLocation.BODY, size=50, size_param="page/limit"
    )
    body = {"page": {"sort": "id"}, "type": "note"}
    source = HttpSource(records="items", url=URL, paging=paging, body=body)
    network = Network(httpx.Response(200, json={"items": [], "next_cursor": None}))

    page_of(source, network, "b")

    (request,) = network.requests
    assert request.content == (b'{"page":{"sort":"id","limit":50,"after":"b"},"type":"note"}')
    assert body == {"page": {"sort": "id"}, "type": "note"}


@pytest.mark.parametrize(
    ("paging", "cursor"),
    [
        (BodyCursor(size=7), "b"),
        (HeaderCursor(header="x-next", size=7), "b"),
        (NextUrl(size=7), None),
    ],
)
def test_a_size_is_asked_for(paging: Paging, cursor: str | None) -> None:
    source = HttpSource(records="items", url=URL, paging=paging)
    network = Network(httpx.Response(200, json={"items": [], "next_cursor": None, "next": None}))

    page_of(source, network, cursor)

    assert network.requests[0].url.params["limit"] == "7"


# In a header


@pytest.mark.parametrize(("end", "last"), [(LastPage.ABSENT, {}), (LastPage.EMPTY, {"X-Next": ""})])
@some
@given(count=counts, size=sizes)
def test_a_cursor_in_a_header_leads_through_the_list(
    end: LastPage, last: dict[str, str], count: int, size: int
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page, after = slices(count, request.url.params.get("page"), size)
        headers = last if after is None else {"X-Next": str(after)}
        return httpx.Response(200, json=page, headers=headers)

    paging = HeaderCursor(header="x-next", param="page", last_page=end)

    check_resumes(HttpSource(url=URL, records="", paging=paging), answer, items(count))


@pytest.mark.parametrize(
    ("end", "headers"),
    [
        (LastPage.ABSENT, {"x-next": ""}),
        (LastPage.EMPTY, {}),
        (LastPage.ABSENT, {"x-next": "b"}),
    ],
    ids=["empty", "missing", "this page's"],
)
def test_a_header_that_only_looks_like_an_end_is_refused(
    end: LastPage, headers: dict[str, str]
) -> None:
    source = HttpSource(
        records="items", url=URL, paging=HeaderCursor(header="x-next", last_page=end)
    )
    network = Network(httpx.Response(200, json={"items": []}, headers=headers))

    with pytest.raises(UpstreamError, match="x-next", check=caused_by(Cause.BAD_CURSOR)):
        page_of(source, network, "b")


# As a URL


@pytest.mark.parametrize(("end", "last"), [(LastPage.NULL, None), (LastPage.EMPTY, "")])
@some
@given(count=counts, size=sizes)
def test_the_next_pages_url_leads_through_the_list(
    end: LastPage, last: str | None, count: int, size: int
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page, after = slices(count, request.url.params.get("at"), size)
        told = last if after is None else f"?at={after}"
        return httpx.Response(200, json={"items": page, "links": {"next": told}})

    source = HttpSource(records="items", url=URL, paging=NextUrl(path="links/next", last_page=end))

    check_resumes(source, answer, items(count))


@pytest.mark.parametrize("links", [{}, {"links": None}, {"links": {}}, {"links": {"next": None}}])
def test_a_url_that_is_absent_ends_only_where_that_is_declared(links: dict[str, Any]) -> None:
    def read(end: LastPage) -> str | None:
        source = HttpSource(
            records="items", url=URL, paging=NextUrl(path="links/next", last_page=end)
        )
        network = Network(httpx.Response(200, json={"items": [], **links}))
        return page_of(source, network).next_cursor

    assert read(LastPage.ABSENT) is None
    with pytest.raises(UpstreamError):
        read(LastPage.EMPTY)


# Declarations that are not right


@pytest.mark.parametrize(
    ("declare", "fault"),
    [
        (lambda: BodyCursor(path=""), "BodyCursor: path='' is not right: it is a name"),
        (lambda: BodyCursor(param=""), "BodyCursor: param=''"),
        (lambda: BodyCursor(size=0), "BodyCursor: size=0 is not right: it is a whole number"),
        (lambda: BodyCursor(size=True), "BodyCursor: size=True"),
        (lambda: BodyCursor(size=5, size_param=""), "BodyCursor: size_param=''"),
        (lambda: HeaderCursor(header=""), "HeaderCursor: header=''"),
        (
            lambda: HeaderCursor(header="x", last_page=LastPage.NULL),
            "HeaderCursor: last_page=.*no header is null",
        ),
        (lambda: NextUrl(path=""), "NextUrl: path=''"),
        (lambda: NextUrl(size=-1), "NextUrl: size=-1"),
    ],
)
def test_a_declaration_that_is_not_right_is_refused(declare: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        declare()


@pytest.mark.parametrize(
    ("paging", "fields", "fault"),
    [
        (BodyCursor(last_page=LastPage.HAS_MORE), {}, "declare the source's has_more too"),
        (NextUrl(last_page=LastPage.HAS_MORE), {}, "declare the source's has_more too"),
        (
            HeaderCursor(header="x", last_page=LastPage.HAS_MORE),
            {},
            "declare the source's has_more too",
        ),
        (BodyCursor(), {"params": {"cursor": "a"}}, "'cursor' is in the source's params too"),
        (BodyCursor(size=5), {"params": {"limit": "9"}}, "'limit' is in the source's params too"),
        (NextUrl(size=5), {"params": {"limit": "9"}}, "'limit' is in the source's params too"),
        (BodyCursor(location=ParamLocation.BODY), {}, "the source has none: declare body="),
        (
            BodyCursor(location=ParamLocation.BODY, param="a/b"),
            {"body": {"a": [1]}},
            "'a/b' is no place in the source's body",
        ),
    ],
)
def test_a_source_that_does_not_fit_its_paging_is_refused(
    paging: Paging, fields: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        HttpSource(url=URL, paging=paging, **{"records": "items", **fields})
