"""Paging by offset, and by the number of the page."""

from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.sources.http import HttpSource
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.param_location import ParamLocation
from durable.sources.paging.protocol import Paging
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, Server, check_resumes, counts, items, sizes, some, whole
from tests.fakes.source import page_of


caps = st.integers(1, 9)


def told_by(kind: str) -> dict[str, Any]:
    return {kind: kind} if kind in {"total", "has_more"} else {}


def server(count: int, cap: int, *, is_numbered: bool, first: int = 0) -> Server:
    """Gives no more than `cap` records on a page, and tells all there is to tell."""

    def answer(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        size = min(cap, int(params.get("limit", cap)))
        start = int(params["at"]) - first
        start *= size if is_numbered else 1
        page = items(count)[start : start + size]
        told = {
            "total": count,
            "has_more": start + size < count,
            "pages": -(-count // size),
        }
        return httpx.Response(200, json={"items": page, **told})

    return answer


@pytest.mark.parametrize("kind", ["total", "has_more", "an empty page"])
@pytest.mark.parametrize("first", [0, 1])
@some
@given(count=counts, size=sizes, cap=caps)
def test_an_offset_leads_through_the_list_whatever_a_page_is_capped_to(
    kind: str, first: int, count: int, size: int, cap: int
) -> None:
    paging = OffsetPaging(param="at", first=first, size=size)
    source = HttpSource(url=URL, paging=paging, **{"records": "items", **told_by(kind)})

    check_resumes(source, server(count, cap, is_numbered=False, first=first), items(count))


@pytest.mark.parametrize("kind", ["total", "has_more", "pages", "an empty page"])
@pytest.mark.parametrize("first", [0, 1])
@some
@given(count=counts, size=sizes, cap=caps)
def test_a_number_leads_through_the_list_whatever_a_page_is_capped_to(
    kind: str, first: int, count: int, size: int, cap: int
) -> None:
    pages = "pages" if kind == "pages" else ""
    paging = PageNumber(param="at", first=first, size=size, size_param="limit", total_pages=pages)
    source = HttpSource(url=URL, paging=paging, **{"records": "items", **told_by(kind)})

    check_resumes(source, server(count, cap, is_numbered=True, first=first), items(count))


@pytest.mark.parametrize("kind", [OffsetPaging, PageNumber])
@some
@given(count=counts, size=sizes)
def test_a_short_page_may_be_declared_to_be_the_last(
    kind: type[OffsetPaging | PageNumber], count: int, size: int
) -> None:
    is_numbered = kind is PageNumber
    paging = kind(param="at", first=0, size=size, size_param="limit", short_page_ends=True)
    source = HttpSource(records="items", url=URL, paging=paging)
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["at"])
        return server(count, size, is_numbered=is_numbered)(request)

    assert whole(source, answer)[0] == items(count)
    assert len(asked) == count // size + 1
    check_resumes(source, answer, items(count))


def test_cursors_are_offsets_and_numbers() -> None:
    def cursors(paging: Paging, *, is_numbered: bool, **fields: Any) -> list[str]:
        source = HttpSource(url=URL, paging=paging, **{"records": "items", **fields})
        return whole(source, server(5, 2, is_numbered=is_numbered, first=1))[1]

    offset, number = OffsetPaging(param="at", first=1), PageNumber(param="at")
    assert cursors(offset, is_numbered=False, has_more="has_more") == ["3", "5"]
    assert cursors(number, is_numbered=True, has_more="has_more") == ["2", "3"]
    assert cursors(offset, is_numbered=False, total="total") == ["3/2/5", "5/2/5"]
    assert cursors(number, is_numbered=True, total="total") == ["2/2/5", "3/4/5"]
    assert cursors(number, is_numbered=True) == ["2", "3", "4"]


# Where the end is not told, or told against the records


def next_cursor(paging: Paging, cursor: str | None, content: dict[str, Any], **fields: Any) -> Any:
    source = HttpSource(url=URL, paging=paging, **{"records": "items", **fields})
    network = Network(httpx.Response(200, json=content))
    return page_of(source, network, cursor).next_cursor


PAGES = PageNumber(total_pages="pages")


@pytest.mark.parametrize(
    ("paging", "cursor", "told", "fields"),
    [
        (OffsetPaging(), None, {"total": 1}, {"total": "total"}),
        (OffsetPaging(), "100", {"total": 101}, {"total": "total"}),
        (OffsetPaging(first=1), "100", {"total": 100}, {"total": "total"}),
        (OffsetPaging(), "100", {"more": True}, {"has_more": "more"}),
        (PageNumber(), "3/200", {"total": 201}, {"total": "total"}),
        (PageNumber(), None, {"total": 1}, {"total": "total"}),
        (PageNumber(), "3", {"more": True}, {"has_more": "more"}),
        (PAGES, "3", {"pages": 4}, {}),
        (PAGES, None, {"pages": 2}, {}),
        (PageNumber(total_pages="pages", first=0), "3", {"pages": 5}, {}),
        (PAGES, "3", {"pages": 3}, {}),
        (PageNumber(total_pages="pages", first=0), "3", {"pages": 4}, {}),
    ],
)
def test_an_empty_page_before_the_end_that_is_told_is_refused(
    paging: Paging, cursor: str | None, told: dict[str, Any], fields: dict[str, Any]
) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_END)) as error:
        next_cursor(paging, cursor, {"items": [], **told}, **fields)

    assert not error.value.is_transient


@pytest.mark.parametrize(
    ("paging", "cursor", "told", "fields"),
    [
        (OffsetPaging(), None, {"total": 0}, {"total": "total"}),
        (OffsetPaging(), "100", {"total": 100}, {"total": "total"}),
        (OffsetPaging(first=1), "101", {"total": 100}, {"total": "total"}),
        (OffsetPaging(), "100", {"more": False}, {"has_more": "more"}),
        (OffsetPaging(), "100", {}, {}),
        (PageNumber(), "3/200", {"total": 200}, {"total": "total"}),
        (PageNumber(), "3", {"more": False}, {"has_more": "more"}),
        (PAGES, None, {"pages": 0}, {}),
        (PAGES, None, {"pages": 1}, {}),
        (PAGES, "4", {"pages": 3}, {}),
        (PageNumber(total_pages="pages", size=2), "3/4", {"pages": 3}, {"hides_rows": True}),
    ],
)
def test_an_empty_page_at_the_end_that_is_told_is_the_last(
    paging: Paging, cursor: str | None, told: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert next_cursor(paging, cursor, {"items": [], **told}, **fields) is None


def test_two_signs_of_an_end_that_disagree_are_refused() -> None:
    content = {"items": [1], "total": 1, "more": True}

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_END)):
        next_cursor(OffsetPaging(), None, content, total="total", has_more="more")


@pytest.mark.parametrize("pages", [None, "3", 2.5, True, []], ids=repr)
def test_the_number_of_pages_is_a_whole_number(pages: object) -> None:
    with pytest.raises(UpstreamError, match="pages", check=caused_by(Cause.UNREADABLE)):
        next_cursor(PAGES, None, {"items": [], "pages": pages})


@pytest.mark.parametrize("cursor", ["abc", "", "-1", "1.5", "9" * 16, "\u0663", "1/2/3/4", "/2"])
@pytest.mark.parametrize("paging", [OffsetPaging(), PageNumber()])
def test_a_cursor_of_another_kind_of_paging_is_refused(paging: Paging, cursor: str) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)) as error:
        next_cursor(paging, cursor, {"items": []})

    assert error.value.recourse is Recourse.RESTART


def test_in_a_body_they_are_numbers() -> None:
    for paging, expected in (
        (
            OffsetPaging(location=ParamLocation.BODY, size=50),
            {"q": "x", "limit": 50, "offset": 100},
        ),
        (
            PageNumber(
                location=ParamLocation.BODY, param="page/number", size=50, size_param="page/size"
            ),
            {"q": "x", "page": {"size": 50, "number": 100}},
        ),
    ):
        source = HttpSource(records="items", url=URL, paging=paging, body={"q": "x"})
        network = Network(httpx.Response(200, json={"items": []}))

        page_of(source, network, "100")

        assert msgspec.json.decode(network.requests[0].content) == expected


# Declarations that are not right


@pytest.mark.parametrize(
    ("declare", "fault"),
    [
        (lambda: OffsetPaging(param=""), "OffsetPaging: param=''"),
        (lambda: OffsetPaging(size=0), "OffsetPaging: size=0"),
        (lambda: OffsetPaging(first=-1), "OffsetPaging: first=-1 is not right"),
        (lambda: PageNumber(first=True), "PageNumber: first=True is not right"),
        (lambda: PageNumber(size=5, size_param=""), "PageNumber: size_param=''"),
        (lambda: OffsetPaging(short_page_ends=True), "short_page_ends=True.*declare the size"),
        (
            lambda: PageNumber(short_page_ends=True, size=5, total_pages="pages"),
            "total_pages tells the end",
        ),
    ],
)
def test_a_declaration_that_is_not_right_is_refused(declare: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        declare()


@pytest.mark.parametrize(
    ("paging", "fields", "fault"),
    [
        (
            OffsetPaging(size=5, short_page_ends=True),
            {"total": "total"},
            "the source's total tells the end: leave one out",
        ),
        (
            PageNumber(size=5, short_page_ends=True),
            {"total": "total", "has_more": "more"},
            "the source's total and has_more tells the end",
        ),
        (OffsetPaging(), {"params": {"offset": "5"}}, "'offset' is in the source's params too"),
        (PageNumber(size=5), {"params": {"per_page": "5"}}, "'per_page' is in the source's"),
        (PageNumber(total_pages="items"), {}, "each names a place of its own"),
    ],
)
def test_a_source_that_does_not_fit_its_paging_is_refused(
    paging: Paging, fields: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        HttpSource(url=URL, paging=paging, **{"records": "items", **fields})
