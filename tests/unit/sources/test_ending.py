"""What a source says of its end beside the cursor: totals, flags, and where they are."""

from typing import Any

import httpx
import pytest

from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.http.error_rules import Action, Rule
from durable.sources.ending import Header
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor, HeaderCursor, NextUrl
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.last_page import LastPage
from durable.sources.paging.link_header import LinkHeader
from durable.sources.paging.odata import OData
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.param_location import ParamLocation
from durable.sources.paging.protocol import Paging
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, items, whole
from tests.fakes.source import page_of


ALL = items(6)


def answered(cursor: str | None, content: dict[str, Any], *, paging: Paging, **fields: Any) -> Any:
    headers = fields.pop("answer_headers", {})
    source = HttpSource(url=URL, paging=paging, **{"records": "items", **fields})
    network = Network(httpx.Response(200, json={"items": [], **content}, headers=headers))
    return page_of(source, network, cursor).next_cursor


# Totals that contradict what came


def listed(total: Any, *, cap: int = 9, asked: list[str] | None = None) -> Any:
    """All records, by offset or by number, with whatever is told of their number."""

    def answer(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        size = min(cap, int(params.get("limit", params.get("per_page", 2))))
        page = params.get("page")
        start = int(params.get("offset", 0)) if page is None else (int(page) - 1) * size
        if asked is not None:
            asked.append(str(start))
        told = total(start) if callable(total) else total
        content = {"items": ALL[start : start + size], "total": told, "pages": told}
        return httpx.Response(200, json=content)

    return answer


BY_OFFSET = HttpSource(records="items", url=URL, paging=OffsetPaging(size=2), total="total")
BY_NUMBER = HttpSource(records="items", url=URL, paging=PageNumber(size=2), total="total")
BY_PAGES = HttpSource(records="items", url=URL, paging=PageNumber(size=2, total_pages="pages"))
UNSIZED = HttpSource(records="items", url=URL, paging=OffsetPaging(), total="total")


@pytest.mark.parametrize("source", [BY_OFFSET, BY_NUMBER, BY_PAGES, UNSIZED])
@pytest.mark.parametrize("total", [-1, 0, 1, 2])
def test_a_total_that_is_less_than_what_came_is_refused(source: HttpSource, total: int) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_COUNT)) as e:
        whole(source, listed(total))

    assert not e.value.is_transient


@pytest.mark.parametrize("source", [BY_OFFSET, BY_NUMBER, UNSIZED])
def test_a_total_that_is_capped_or_shrinks_is_refused(source: HttpSource) -> None:
    for total in (4, lambda start: 6 if start < 2 else 4):
        with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_COUNT)):
            whole(source, listed(total))


def test_a_total_that_is_the_size_of_a_capped_page_is_refused() -> None:
    source = HttpSource(records="items", url=URL, paging=OffsetPaging(size=5), total="total")

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_COUNT)):
        whole(source, listed(4, cap=2))


def test_a_total_that_is_more_than_there_is_is_refused() -> None:
    for source in (BY_OFFSET, BY_NUMBER, BY_PAGES):
        with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_END)):
            whole(source, listed(9))


@pytest.mark.parametrize(
    ("source", "total", "starts"),
    [
        (BY_OFFSET, 6, ["0", "2", "4", "6"]),
        (BY_NUMBER, 6, ["0", "2", "4", "6"]),
        (BY_PAGES, 3, ["0", "2", "4", "6"]),
        (
            HttpSource(records="items", url=URL, paging=OffsetPaging(size=4), total="total"),
            6,
            ["0", "4"],
        ),
        (
            HttpSource(records="items", url=URL, paging=PageNumber(size=4), total="total"),
            6,
            ["0", "2", "4", "6"],
        ),
        (
            HttpSource(records="items", url=URL, paging=OffsetPaging(size=7), total="total"),
            6,
            ["0"],
        ),
    ],
)
def test_a_total_that_is_reached_on_a_full_page_has_the_next_one_asked_for(
    source: HttpSource, total: int, starts: list[str]
) -> None:
    asked: list[str] = []
    cap = 2 if isinstance(source.paging, PageNumber) else 9

    assert whole(source, listed(total, cap=cap, asked=asked))[0] == ALL
    assert asked == starts


def test_what_is_asked_for_to_make_sure_may_be_refused_where_a_rule_says_so() -> None:
    rules = (Rule(status=404, then=Action.END),)

    def answer(request: httpx.Request) -> httpx.Response:
        is_past = request.url.params["page"] == "4"
        return httpx.Response(404) if is_past else listed(6)(request)

    declared = HttpSource(
        records="items", url=URL, paging=PageNumber(size=2), total="total", rules=rules
    )
    assert whole(declared, answer)[0] == ALL
    with pytest.raises(UpstreamError, check=caused_by(Cause.REFUSED)):
        whole(BY_NUMBER, answer)


# Rows that the asker may not see


def hiding(hidden: str, **told: Any) -> Any:
    """Cuts rows out of a page after it was counted."""

    def answer(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        start = int(params.get("offset", (int(params.get("page", 1)) - 1) * 2))
        page = [one for one in ALL[start : start + 2] if one["rank"] not in map(int, hidden)]
        content = {"items": page, "total": 6, "pages": 3, "more": start + 2 < 6, **told}
        return httpx.Response(200, json=content)

    return answer


@pytest.mark.parametrize("hidden", ["", "2", "34", "12", "56", "346", "123456"])
@pytest.mark.parametrize(
    ("paging", "fields"),
    [
        (OffsetPaging(size=2), {"total": "total"}),
        (OffsetPaging(size=2), {"has_more": "more"}),
        (PageNumber(size=2), {"total": "total"}),
        (PageNumber(size=2), {"has_more": "more"}),
        (PageNumber(size=2, total_pages="pages"), {}),
    ],
)
def test_all_that_may_be_seen_is_read_where_rows_are_hidden(
    paging: Paging, fields: dict[str, Any], hidden: str
) -> None:
    source = HttpSource(url=URL, paging=paging, hides_rows=True, **{"records": "items", **fields})
    expected = [one for one in ALL if one["rank"] not in map(int, hidden)]

    assert whole(source, hiding(hidden))[0] == expected


@pytest.mark.parametrize("hidden", ["34", "346"])
def test_hidden_rows_that_are_not_declared_end_no_list(hidden: str) -> None:
    for source in (BY_OFFSET, BY_NUMBER):
        with pytest.raises(UpstreamError, match="hides_rows=True", check=caused_by(Cause.BAD_END)):
            whole(source, hiding(hidden))


@pytest.mark.parametrize("paging", [OffsetPaging(size=2), PageNumber(size=2)])
def test_an_empty_page_is_no_end_where_its_header_names_a_next_one(paging: Paging) -> None:
    def answer(link: str) -> Any:
        return lambda request: httpx.Response(
            200, content=hiding("34")(request).content, headers={"link": link}
        )

    source = HttpSource(records="items", url=URL, paging=paging)

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_END)):
        whole(source, answer('<?offset=4>; rel="next"'))
    assert len(whole(source, answer('<?offset=0>; rel="first"'))[0]) == 2


def test_a_number_that_is_none_is_refused_where_rows_are_hidden_too() -> None:
    source = HttpSource(
        records="items", url=URL, paging=OffsetPaging(size=2), total="total", hides_rows=True
    )

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_COUNT)):
        whole(source, hiding("123456", total=-1))
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_COUNT)):
        whole(source, hiding("", total=4))


# A next page that is further on than it should be


@pytest.mark.parametrize(
    ("paging", "cursor", "content", "headers"),
    [
        (NextUrl(size=4), None, {"next": "?limit=4&start=4"}, {}),
        (NextUrl(), f"{URL}?limit=4&start=4", {"next": "?limit=4&start=8"}, {}),
        (NextUrl(), f"{URL}?start=4", {"next": "?start=8&limit=4"}, {}),
        (LinkHeader(size=4), None, {}, {"link": '<?per_page=4&offset=4>; rel="next"'}),
        (BodyCursor(size=4), "4", {"next_cursor": 8}, {}),
        (BodyCursor(size=4), None, {"next_cursor": "4"}, {}),
        (HeaderCursor(header="x-next", size=4), "4", {}, {"x-next": "8"}),
        (OData(size=4), f"{URL}?$skip=4", {"@odata.nextLink": "?$skip=8"}, {}),
    ],
)
def test_a_next_page_beyond_what_a_capped_page_gave_is_refused(
    paging: Paging, cursor: str | None, content: dict[str, Any], headers: dict[str, str]
) -> None:
    def read(count: int, **fields: Any) -> Any:
        page = {"items": ALL[:count], **content}
        return answered(cursor, page, paging=paging, answer_headers=headers, **fields)

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)):
        read(2)
    assert read(4) is not None
    assert read(2, hides_rows=True) is not None


def test_a_size_among_the_params_or_in_the_body_is_one_that_was_asked_for() -> None:
    declared: list[dict[str, Any]] = [
        {"params": {"max": "4"}, "paging": BodyCursor()},
        {
            "body": {"page": {"max": 4}},
            "paging": BodyCursor(param="page/at", location=ParamLocation.BODY),
        },
    ]
    for fields in declared:
        with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)):
            answered("4", {"items": [1, 2], "next_cursor": 8}, **fields)


@pytest.mark.parametrize(
    ("paging", "cursor", "content"),
    [
        (NextUrl(size=4), None, {"next": "?limit=4&start=2"}),
        (NextUrl(size=4), None, {"next": "?limit=4&page=2"}),
        (NextUrl(size=4), None, {"next": "?limit=4&after=1764000000"}),
        (NextUrl(size=4), None, {"next": "?limit=4&after=abc"}),
        (BodyCursor(size=4), "100", {"next_cursor": 107}),
        (Keyset(param="after_id", path="rank", size=2), None, {}),
    ],
)
def test_another_number_is_no_jump(
    paging: Paging, cursor: str | None, content: dict[str, Any]
) -> None:
    assert answered(cursor, {"items": ALL[:2], **content}, paging=paging) is not None


# Flags


MORE_CURSOR = BodyCursor(last_page=LastPage.HAS_MORE)


@pytest.mark.parametrize(
    ("fields", "content", "headers"),
    [
        ({"is_last": "isLast"}, lambda more: {"isLast": not more}, {}),
        ({"is_last": "meta/end_of_stream"}, lambda more: {"meta": {"end_of_stream": not more}}, {}),
        ({"has_more": "more"}, lambda more: {"more": more}, {}),
        ({"has_more": Header("X-More")}, dict, lambda more: {"x-more": str(more)}),
        ({"is_last": Header("X-Last")}, dict, lambda more: {"x-last": str(int(not more))}),
    ],
)
def test_a_flag_tells_the_end_as_it_is_declared(fields: Any, content: Any, headers: Any) -> None:
    def read(paging: Paging, *, more: bool, **told: Any) -> Any:
        told |= {} if content is dict else content(more)
        answer_headers = headers(more) if callable(headers) else {}
        return answered("1", told, paging=paging, answer_headers=answer_headers, **fields)

    for paging in (MORE_CURSOR, NextUrl(last_page=LastPage.HAS_MORE)):
        told = {"next_cursor": "2", "next": f"{URL}?page=2"}
        assert read(paging, more=True, **told)
        assert read(paging, more=False, **told) is None
    assert read(OffsetPaging(), more=False, items=[1, 2]) is None
    assert read(OffsetPaging(), more=True, items=[1, 2]) == "3"
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_END)):
        read(BodyCursor(), more=False, next_cursor="2")
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_END)):
        read(BodyCursor(), more=True, next_cursor=None)
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)):
        read(MORE_CURSOR, more=True, next_cursor=None)


@pytest.mark.parametrize("value", ["", "perhaps", "truefalse", None])
def test_a_header_that_is_no_flag_and_no_number_is_refused(value: str | None) -> None:
    headers = {} if value is None else {"X-It": value}
    for fields in ({"has_more": Header("X-It")}, {"total": Header("X-It")}):
        with pytest.raises(UpstreamError, match="X-It", check=caused_by(Cause.UNREADABLE)):
            answered(None, {"items": [1]}, paging=OffsetPaging(), answer_headers=headers, **fields)


@pytest.mark.parametrize("text", ["5", " 5 ", "0-1/5", "items 0-1/5", "bytes=0-1/ 5"])
def test_a_total_may_be_in_a_header(text: str) -> None:
    source = HttpSource(
        records="items", url=URL, paging=OffsetPaging(), total=Header("x-total-count")
    )
    network = Network(httpx.Response(200, json={"items": [1]}, headers={"X-Total-Count": text}))

    assert page_of(source, network).total_count == 5


@pytest.mark.parametrize("text", ["*", "0-1/*", "5/", "1.5", "5 of 6", "9" * 16, "9" * 20])
def test_a_header_without_a_total_is_refused(text: str) -> None:
    headers = {"x-total": text}
    with pytest.raises(UpstreamError, match="x-total", check=caused_by(Cause.UNREADABLE)):
        answered(None, {}, paging=OffsetPaging(), total=Header("x-total"), answer_headers=headers)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"has_more": "isLast"}, "declare is_last='isLast'"),
        ({"has_more": "end_of_stream"}, "declare is_last='end_of_stream'"),
        ({"has_more": "page/is-last-page"}, "declare is_last="),
        ({"has_more": "done"}, "declare is_last="),
        ({"is_last": "hasMore"}, "declare has_more='hasMore'"),
        ({"is_last": "page/has_next"}, "declare has_more="),
        ({"is_last": "a", "has_more": "b"}, "declare one of the two"),
        ({"hides_rows": True}, "it has to be declared"),
        ({"hides_rows": True, "paging": PageNumber(size=2)}, "an empty page is no end"),
        (
            {"hides_rows": True, "paging": OffsetPaging(size=2, short_page_ends=True)},
            "hides_rows tells the end: leave one out",
        ),
        (
            {
                "is_last": "last",
                "paging": Keyset(param="after_id", path="id", size=2, short_page_ends=True),
            },
            "has_more tells the end",
        ),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(
    fields: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        HttpSource(**{"records": "items", "url": URL, "paging": OffsetPaging(), **fields})


# An end that is told in several ways


@pytest.mark.parametrize("told", [{}, {"next": None}, {"next": {}}, {"next": {"after": None}}])
@pytest.mark.parametrize("kind", [BodyCursor, NextUrl])
def test_an_end_may_be_nothing_in_whatever_way(kind: Any, told: dict[str, Any]) -> None:
    paging = kind(path="next/after", last_page=LastPage.NOTHING)

    assert answered("b", told, paging=paging) is None
    assert answered("b", {"next": {"after": ""}}, paging=paging) is None
    assert answered("b", {"next": {"after": "c"}}, paging=paging)


def test_a_header_may_be_empty_or_absent_at_the_end() -> None:
    paging = HeaderCursor(header="x-next", last_page=LastPage.NOTHING)

    for headers in ({}, {"x-next": ""}):
        assert answered("b", {}, paging=paging, answer_headers=headers) is None
