"""Lists as APIs have them, read to where they seem to end: all records come, or an error does."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from durable.errors import UpstreamError
from durable.paging.counted import OffsetPaging, PageNumber
from durable.paging.link_header import LinkHeader
from durable.paging.one_page import OnePage
from durable.paging.protocol import Paging
from durable.sources.http import HttpSource
from durable.sources.rules import Action, Rule
from tests.fakes.paged import URL, Server, items, whole


ALL = items(12)


def answering(page: Callable[[httpx.QueryParams], Any]) -> Server:
    """A server that makes a page, or a whole response, of the parameters it is asked with."""

    def answer(request: httpx.Request) -> httpx.Response:
        made = page(request.url.params)
        return made if isinstance(made, httpx.Response) else httpx.Response(200, json=made)

    return answer


def fault(source: HttpSource, server: Server) -> str:
    """Why the list is not read to its end."""
    with pytest.raises(UpstreamError) as error:
        whole(source, server)
    assert not error.value.is_transient
    return str(error.value)


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
    source = HttpSource(url=URL, paging=paging, rules=REFUSED)

    assert "takes the answer for the end" in fault(source, answering(page))


@pytest.mark.parametrize("paging", [LinkHeader(), OnePage()])
def test_a_link_to_the_next_page_by_another_name_is_no_end(paging: Paging) -> None:
    def page(params: httpx.QueryParams) -> httpx.Response:
        number = int(params.get("page", 1))
        link = f'<{URL}?page={number + 1}>; rel="next-page"' if number < 6 else "<>; rel=first"
        records = ALL[2 * number - 2 : 2 * number]
        return httpx.Response(200, json={"items": records}, headers={"link": link})

    source = HttpSource(url=URL, paging=paging)

    assert "declared as 'next-page'" in fault(source, answering(page))
    if paging != OnePage():
        whole_list = HttpSource(url=URL, paging=LinkHeader(rel="next-page"))
        assert whole(whole_list, answering(page))[0] == ALL


def test_the_number_of_pages_tells_where_the_first_one_has_another_number() -> None:
    def from_zero(params: httpx.QueryParams) -> Any:
        page = int(params.get("page", 0))
        return {"items": ALL[2 * page : 2 * page + 2], "pages": 6}

    source = HttpSource(url=URL, paging=PageNumber(size=2, total_pages="pages"))

    assert "the first one has another number" in fault(source, answering(from_zero))
