"""Lists as APIs have them, read to where they seem to end: all records come, or an error does."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.http.error_rules import Action, Rule
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor, HeaderCursor, NextUrl
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.last_page import LastPage
from durable.sources.paging.link_header import LinkHeader
from durable.sources.paging.odata import OData
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.one_page import OnePage
from durable.sources.paging.param_location import ParamLocation
from durable.sources.paging.protocol import Paging, Told
from tests.fakes.paged import URL, Server, items, whole


ALL = items(12)


def answering(page: Callable[[httpx.QueryParams], Any]) -> Server:
    """A server that makes a page, or a whole response, of the parameters it is asked with."""

    def answer(request: httpx.Request) -> httpx.Response:
        made = page(request.url.params)
        return made if isinstance(made, httpx.Response) else httpx.Response(200, json=made)

    return answer


def fault(source: HttpSource, server: Server) -> Cause:
    """Why the list is not read to its end."""
    with pytest.raises(UpstreamError) as error:
        whole(source, server)
    assert not error.value.is_transient
    return error.value.cause


REFUSED = (Rule(status=(400, 404), then=Action.END),)


def with_one_short_page(params: httpx.QueryParams) -> Any:
    """The second page lacks a record, and no page past the fourth is given."""
    page = int(params.get("page", 1))
    if page > 4:
        return httpx.Response(404, json={"error": "page is out of range"})
    records = ALL[2 * page - 2 : 2 * page]
    return {"items": records[:1] if page == 2 else records}


def with_capped_pages(params: httpx.QueryParams) -> Any:
    """Three records are given, however many are asked for, and none past the sixth."""
    start = int(params.get("offset", 0))
    if start >= 6:
        return httpx.Response(400, json={"error": "offset is too large"})
    return {"items": ALL[start : start + 3]}


@pytest.mark.parametrize(
    ("paging", "page"),
    [
        (PageNumber(size=2), with_one_short_page),
        (OffsetPaging(size=4), with_capped_pages),
    ],
)
def test_a_refusal_is_no_end_where_only_an_earlier_page_was_short(
    paging: PageNumber | OffsetPaging, page: Callable[[httpx.QueryParams], Any]
) -> None:
    source = HttpSource(records="items", url=URL, paging=paging, rules=REFUSED)

    assert fault(source, answering(page)) is Cause.BAD_END


@pytest.mark.parametrize("paging", [LinkHeader(), OnePage()])
def test_a_link_to_the_next_page_by_another_name_is_no_end(paging: Paging) -> None:
    def page(params: httpx.QueryParams) -> httpx.Response:
        number = int(params.get("page", 1))
        link = f'<{URL}?page={number + 1}>; rel="next-page"' if number < 6 else "<>; rel=first"
        records = ALL[2 * number - 2 : 2 * number]
        return httpx.Response(200, json={"items": records}, headers={"link": link})

    source = HttpSource(records="items", url=URL, paging=paging)

    assert fault(source, answering(page)) in {Cause.BAD_LINK, Cause.BAD_END}
    if paging != OnePage():
        whole_list = HttpSource(records="items", url=URL, paging=LinkHeader(rel="next-page"))
        assert whole(whole_list, answering(page))[0] == ALL


def test_the_number_of_pages_tells_where_the_first_one_has_another_number() -> None:
    def from_zero(params: httpx.QueryParams) -> Any:
        page = int(params.get("page", 0))
        return {"items": ALL[2 * page : 2 * page + 2], "pages": 6}

    source = HttpSource(records="items", url=URL, paging=PageNumber(size=2, total_pages="pages"))

    assert fault(source, answering(from_zero)) is Cause.BAD_END


# What an answer has beside its records


def with_beside(**beside: Any) -> Server:
    """The third page is cut short, and says so."""

    def page(params: httpx.QueryParams) -> Any:
        number = int(params.get("page", 1))
        records = ALL[2 * number - 2 : 2 * number]
        return {"items": records[:1], **beside} if number == 3 else {"items": records}

    return answering(page)


@pytest.mark.parametrize(
    "beside",
    [
        {"error": {"message": "maximum execution time exceeded"}, "status": "failure"},
        {"error": "timeout"},
        {"error": {"code": 500}},
        {"error": True},
        {"errors": ["one shard did not answer"]},
        {"fault": "out of memory"},
        {"success": False},
        {"ok": False},
        {"timed_out": True},
        {"_shards": {"total": 5, "failed": 1}},
        {"responseHeader": {"status": 0, "partialResults": True}},
        {"incomplete_results": True},
        {"incompleteSearch": True},
    ],
)
def test_a_page_that_says_that_it_is_not_whole_is_none(beside: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError) as error:
        whole(
            HttpSource(records="items", url=URL, paging=PageNumber(size=2)), with_beside(**beside)
        )

    assert error.value.is_transient
    assert f"has {next(iter(beside))} beside its records" in str(error.value)


@pytest.mark.parametrize(
    "beside",
    [
        {"error": None, "errors": [], "fault": {}, "exception": ""},
        {"error": False, "errors": "none", "success": True, "ok": True},
        {"error": {"code": 0, "message": "success"}},
        {"error": {"code": "0"}},
        {"error": "OK", "timed_out": False, "_shards": {"failed": 0}, "incompleteSearch": False},
        {"_shards": "all", "responseHeader": None, "success": 0},
    ],
)
def test_what_tells_of_no_error_is_none(beside: dict[str, Any]) -> None:
    got, _ = whole(
        HttpSource(records="items", url=URL, paging=PageNumber(size=2)), with_beside(**beside)
    )

    assert len(got) == len(ALL) - 1


@pytest.mark.parametrize(
    "source",
    [
        HttpSource(
            records="items",
            url=URL,
            paging=PageNumber(size=2),
            rules=(Rule(status=200, path="error", value="timeout", then=Action.PAGE),),
        ),
        HttpSource(
            records="items",
            url=URL,
            paging=PageNumber(size=2),
            rules=(Rule(status=200, path="error", then=Action.PAGE),),
        ),
    ],
)
def test_a_page_with_an_error_is_one_where_a_rule_says_so(source: HttpSource) -> None:
    assert len(whole(source, with_beside(error="timeout"))[0]) == len(ALL) - 1


# What the numbers of a request tell


TIES = [{"id": f"n{number}", "at": number // 3} for number in range(12)]


@pytest.mark.parametrize("place", [ParamLocation.QUERY, ParamLocation.BODY])
def test_records_that_share_a_value_are_not_paged_by_what_comes_after_it(
    place: ParamLocation,
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = httpx.Response(200, content=request.content or b"{}").json()
        after = request.url.params.get("after_id", asked.get("after_id", -1))
        rest = [one for one in TIES if int(str(one["at"])) > int(after)]
        return httpx.Response(200, json={"items": rest[:4]})

    body: dict[str, Any] | None = {} if place is ParamLocation.BODY else None
    source = HttpSource(
        records="items",
        url=URL,
        body=body,
        paging=Keyset(param="after_id", path="at", size=4, location=place),
    )

    assert fault(source, answer) is Cause.BAD_KEY


@pytest.mark.parametrize(
    ("paging", "params"),
    [
        (OnePage(), {"$top": "5"}),
        (OnePage(), {"page[size]": "5"}),
        (OData(), {"$top": "5"}),
    ],
)
def test_a_list_that_ends_where_it_was_asked_to_end_may_go_on(
    paging: Paging, params: dict[str, str]
) -> None:
    source = HttpSource(records="items", url=URL, paging=paging, params=params)

    def of(count: int) -> Server:
        return answering(lambda _: {"items": ALL[:count], "more": False})

    assert fault(source, of(5)) is Cause.INCOMPLETE
    assert whole(source, of(4))[0] == ALL[:4]
    told = HttpSource(records="items", url=URL, paging=paging, params=params, has_more="more")
    assert whole(told, of(5))[0] == ALL[:5]


@pytest.mark.parametrize("name", ["skip", "$skip", "sysparm_offset", "page[offset]"])
def test_an_offset_that_jumps_past_what_came_is_refused_whatever_was_asked_for(name: str) -> None:
    def page(params: httpx.QueryParams) -> Any:
        start = int(params.get(name, 0))
        after = start + 4 if start + 4 < len(ALL) else None
        link = None if after is None else f"{URL}?{name}={after}"
        return {"items": ALL[start : start + 2], "next": link, "at": after}

    by_cursor = HttpSource(records="items", url=URL, paging=BodyCursor(path="at", param=name))

    by_url = HttpSource(records="items", url=URL, paging=NextUrl())
    assert fault(by_cursor, answering(page)) is Cause.BAD_CURSOR
    assert fault(by_url, answering(page)) is Cause.BAD_CURSOR


def test_an_offset_may_be_a_number_from_one_and_a_start_may_be_a_day() -> None:
    def page(params: httpx.QueryParams) -> Any:
        start = int(params.get("startIndex", 1)) - 1
        after = start + 3 if start + 2 < len(ALL) else None
        return {"items": ALL[start : start + 2], "next": after and f"{URL}?startIndex={after}"}

    assert whole(HttpSource(records="items", url=URL, paging=NextUrl()), answering(page))[0] == ALL

    def by_day(params: httpx.QueryParams) -> Any:
        day = int(params.get("start", 20260131))
        return {"items": ALL[:2], "next_cursor": 20260201 if day == 20260131 else None}

    source = HttpSource(records="items", url=URL, paging=BodyCursor(param="start"))
    assert len(whole(source, answering(by_day))[1]) == 1


# Marks of the end that are values


def marking(last: Any, *, is_header: bool = False) -> Server:
    """Two records on each page, then the mark."""

    def page(params: httpx.QueryParams) -> httpx.Response:
        start = int(params.get("offset", 0))
        after = start + 2 if start + 2 < len(ALL) else last
        headers = {"next": str(after)} if is_header else {}
        told = {} if is_header else {"next": after}
        return httpx.Response(200, json={"items": ALL[start : start + 2], **told}, headers=headers)

    return answering(page)


def by_mark(end: Any) -> HttpSource:
    return HttpSource(
        records="items", url=URL, paging=BodyCursor(path="next", param="offset", last_page=end)
    )


@pytest.mark.parametrize("end", [0, -1, False, "0", "none", "END"])
def test_the_end_may_be_marked_by_a_value(end: Any) -> None:
    assert whole(by_mark(end), marking(end))[0] == ALL
    if isinstance(end, str):
        paging = HeaderCursor(header="next", param="offset", last_page=end)
        assert (
            whole(
                HttpSource(records="items", url=URL, paging=paging), marking(end, is_header=True)
            )[0]
            == ALL
        )


@pytest.mark.parametrize(
    ("end", "last"),
    [(0, None), (0, ""), (False, True), (False, None), ("none", ""), ("0", None)],
)
def test_only_the_value_that_is_declared_marks_the_end(end: Any, last: Any) -> None:
    with pytest.raises(UpstreamError):
        whole(by_mark(end), marking(last))


def test_a_value_of_another_type_is_no_mark() -> None:
    followed = BodyCursor(path="next", param="offset", last_page=0).next_cursor

    assert followed(Told(url=URL, headers={}, values={"next": "0"}, records=[]), None) == "0"


@pytest.mark.parametrize("end", ["", "null", "repeated", 7, True, None, 0.5])
def test_what_can_be_no_mark_is_refused(end: Any) -> None:
    with pytest.raises(ConfigurationError, match="last_page="):
        by_mark(end)
    with pytest.raises(ConfigurationError, match="last_page="):
        HttpSource(records="items", url=URL, paging=HeaderCursor(header="next", last_page=0))


@pytest.mark.parametrize("records", [ALL, []])
def test_the_end_may_be_the_pages_own_cursor_on_an_empty_page(records: list[Any]) -> None:
    """As Solr has it, and the events of Box."""

    def page(params: httpx.QueryParams) -> Any:
        mark = params["cursorMark"]
        start = 0 if mark == "*" else int(mark.removeprefix("m"))
        some = records[start : start + 2]
        return {"items": some, "next": f"m{start + len(some)}" if some else mark}

    paging = BodyCursor(path="next", param="cursorMark", last_page=LastPage.REPEATED)

    source = HttpSource(records="items", url=f"{URL}?cursorMark=*", paging=paging)
    assert whole(source, answering(page))[0] == records


def test_the_pages_own_cursor_beside_records_is_no_end() -> None:
    paging = BodyCursor(path="next", param="cursor", last_page=LastPage.REPEATED)
    source = HttpSource(records="items", url=URL, paging=paging)

    server = answering(lambda _: {"items": ALL[:2], "next": "a"})
    assert fault(source, server) is Cause.BAD_CURSOR


def test_a_number_or_an_object_in_a_body_may_come_again_as_the_end() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        at = int(request.read() and msgspec.json.decode(request.content)["at"])
        some = ALL[at : at + 2]
        return httpx.Response(200, json={"items": some, "next": at + len(some)})

    paging = BodyCursor(
        path="next", param="at", last_page=LastPage.REPEATED, location=ParamLocation.BODY
    )
    source = HttpSource(records="items", url=URL, body={"at": 0}, paging=paging)

    assert whole(source, answer)[0] == ALL


@pytest.mark.parametrize(
    ("more", "done"),
    [("true", "false"), ("1", "0"), (1, 0), ("Y", "N"), ("Yes", "no"), (True, False)],
)
def test_a_flag_may_be_a_text_or_a_number(more: Any, done: Any) -> None:
    def page(params: httpx.QueryParams) -> Any:
        start = int(params.get("offset", 0))
        is_last = start + 2 >= len(ALL)
        told = {"more": done if is_last else more, "last": more if is_last else done}
        return {"items": ALL[start : start + 2], "total": str(len(ALL)), **told}

    for fields in ({"has_more": "more"}, {"is_last": "last"}, {"total": "total"}):
        source = HttpSource(url=URL, paging=OffsetPaging(), **{"records": "items", **fields})  # type: ignore[arg-type]
        assert whole(source, answering(page))[0] == ALL


@pytest.mark.parametrize("told", [2, "", "maybe", -1])
def test_a_flag_that_is_none_is_refused(told: Any) -> None:
    source = HttpSource(records="items", url=URL, paging=OffsetPaging(), has_more="more")

    assert fault(source, answering(lambda _: {"items": [], "more": told})) is Cause.UNREADABLE


def test_a_total_that_is_no_number_is_refused() -> None:
    source = HttpSource(records="items", url=URL, paging=OffsetPaging(), total="total")

    server = answering(lambda _: {"items": [], "total": "many"})
    assert fault(source, server) is Cause.UNREADABLE


# Signs of a next page that nobody declares


@pytest.mark.parametrize(
    "told",
    [
        {"has_more": True},
        {"hasMore": True},
        {"isLast": False},
        {"done": False},
        {"next": f"{URL}?page=2"},
        {"nextPageToken": "abc"},
        {"next_page": 2},
        {"@odata.nextLink": f"{URL}?$skip=2"},
        {"paging": {"next": {"after": "abc", "link": "..."}}},
        {"links": {"next": {"href": f"{URL}?page=2"}}},
        {"response_metadata": {"next_cursor": "abc"}},
        {"meta": {"total": 9, "next_cursor": "abc"}},
    ],
)
@pytest.mark.parametrize(
    "paging",
    [
        OnePage(),
        BodyCursor(path="nextt", last_page=LastPage.ABSENT),
        BodyCursor(path="meta/nextt", last_page=LastPage.ABSENT),
        LinkHeader(),
        OData(path="nextLinkk"),
    ],
)
def test_a_sign_of_a_next_page_that_is_not_declared_is_no_end(
    paging: Paging, told: dict[str, Any]
) -> None:
    source = HttpSource(records="items", url=URL, paging=paging)
    server = answering(lambda _: {"items": ALL[:2], **told})

    assert fault(source, server) is Cause.BAD_END
    told_otherwise = HttpSource(records="items", url=URL, paging=paging, total="count")
    counted = answering(lambda _: {"items": ALL[:2], "count": 2, **told})
    assert whole(told_otherwise, counted)[0] == ALL[:2]


@pytest.mark.parametrize(
    "told",
    [
        {"has_more": False, "isLast": True, "done": True, "next": None},
        {"next": "", "nextPageToken": "null", "next_page": 0, "nextCursor": "0"},
        {"paging": {"next": {}}, "links": {"next": None, "prev": "x"}, "pages": 3, "page": 1},
        {"links": [{"rel": "next"}], "last": "https://notes.example/list?page=9"},
    ],
)
def test_what_tells_of_no_next_page_is_an_end(told: dict[str, Any]) -> None:
    server = answering(lambda _: {"items": ALL[:2], **told})

    assert whole(HttpSource(records="items", url=URL, paging=OnePage()), server)[0] == ALL[:2]


def test_a_sign_of_a_next_page_means_nothing_where_a_rule_says_so() -> None:
    rules = (Rule(status=200, path="links/next", then=Action.PAGE),)
    server = answering(lambda _: {"items": ALL[:2], "links": {"next": "#"}})

    assert (
        whole(HttpSource(records="items", url=URL, paging=OnePage(), rules=rules), server)[0]
        == ALL[:2]
    )
    undeclared = HttpSource(records="items", url=URL, paging=OnePage())
    assert fault(undeclared, server) is Cause.BAD_END
