"""What a preview finds out about a live source by asking it twice."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from rich.console import Console

from dev.kit.environment import WatchedEnvironment
from dev.preview.glean import stand_ins
from dev.preview.paper import Paper
from dev.preview.preview import EMPTY_PAGES_MAX, Preview, Wanted
from durable import BodyCursor, HttpSource, OffsetPaging, Since
from durable.machine.job import Mode
from durable.sources.paging.protocol import Paging
from tests.fakes.connector import NOTES


NOW_MS = 1_795_514_400_000
DAY_MS = 24 * 60 * 60 * 1_000
URL = "https://notes.example/list"
Answer = Callable[[httpx.QueryParams], Any]


class Source(httpx.AsyncBaseTransport):
    """Answers by the parameters."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._answer(request.url.params)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)


def previewed(
    answer: Answer, paging: Paging, mode: Mode = Mode.FULL, limit: int = 100, total: str = ""
) -> tuple[bool, str]:
    """Whether all was right, and what was printed."""
    source = HttpSource(
        records="items", url=URL, paging=paging, since=Since(param="updated_since"), total=total
    )
    connector = replace(NOTES, documents=replace(NOTES.documents, source=source))
    environment = WatchedEnvironment(stand_ins({}))
    output = io.StringIO()
    paper = Paper(Console(file=output, width=200, highlight=False, markup=False), environment)
    wanted = Wanted(mode=mode, limit=limit, since_ms=NOW_MS - DAY_MS, now_ms=NOW_MS)
    is_right = asyncio.run(Preview(connector, environment, Source(answer), paper, wanted).run())
    return is_right, output.getvalue()


def items(*ids: object) -> dict[str, Any]:
    return {"items": [{"id": str(each), "text": "T"} for each in ids], "next_cursor": None}


def test_an_order_that_changes_between_two_answers_is_a_fault_where_pages_are_counted() -> None:
    orders = iter(["ab", "ba"] * 9)

    def answer(params: httpx.QueryParams) -> Any:
        return items(*next(orders)) if params["offset"] == "0" else items()

    is_right, text = previewed(answer, OffsetPaging(size=2))

    assert not is_right
    assert "[order] documents of the FULL job, page 1" in text


def test_a_record_that_was_added_meanwhile_is_no_fault_of_the_order() -> None:
    lists = iter(["abc", "xab", "xab", "xab"])

    def answer(params: httpx.QueryParams) -> Any:
        return items(*next(lists)) if params["offset"] == "0" else items()

    assert previewed(answer, OffsetPaging(size=3))[0]


def test_a_page_that_is_short_as_the_source_caps_it_is_a_fault_where_that_ends_the_crawl() -> None:
    def answer(params: httpx.QueryParams) -> Any:
        first = int(params["offset"])
        return items(*range(first, min(first + 2, 5)))

    is_right, text = previewed(answer, OffsetPaging(size=10, short_page_ends=True))

    assert not is_right
    assert "[capped pages] documents of the FULL job, page 1" in text


def test_a_total_that_is_the_pages_own_is_a_fault_where_it_ends_the_crawl() -> None:
    def answer(params: httpx.QueryParams) -> Any:
        first = int(params["offset"])
        page = items(*range(first, min(first + 2, 5)))
        return {**page, "total": len(page["items"])}

    is_right, text = previewed(answer, OffsetPaging(size=10), total="total")

    assert not is_right
    assert "[capped pages] documents of the FULL job, page 1" in text


def test_a_last_page_that_repeats_is_no_more() -> None:
    paging = OffsetPaging(size=10, short_page_ends=True)

    assert previewed(lambda _: items("a", "b"), paging)[0]


def test_a_short_page_after_which_there_is_nothing_is_the_last() -> None:
    def answer(params: httpx.QueryParams) -> Any:
        return items("a", "b") if params["offset"] == "0" else items()

    assert previewed(answer, OffsetPaging(size=10, short_page_ends=True))[0]


def test_a_source_that_passes_over_since_is_a_fault() -> None:
    is_right, text = previewed(lambda _: items("a", "b"), BodyCursor(), Mode.INCREMENTAL)

    assert not is_right
    assert "[changes] documents of the INCREMENTAL job, page 1" in text


@pytest.mark.parametrize("later", [items(), items("b"), httpx.Response(400)])
def test_a_source_that_gives_less_for_less_time_or_refuses_it_is_right(later: Any) -> None:
    def answer(params: httpx.QueryParams) -> Any:
        is_earlier = params.get("updated_since", "").startswith("2026-11-23")
        return items("a", "b") if is_earlier else later

    _, text = previewed(answer, BodyCursor(), Mode.INCREMENTAL)

    assert "[changes]" not in text


def test_as_many_pages_are_read_as_the_documents_need() -> None:
    def answer(params: httpx.QueryParams) -> Any:
        page = int(params.get("cursor", 1))
        return {**items(page), "next_cursor": str(page + 1)}

    is_right, text = previewed(answer, BodyCursor(), limit=EMPTY_PAGES_MAX * 3)

    assert is_right
    assert f"pages read: {EMPTY_PAGES_MAX * 3}, " in text


def test_empty_pages_are_not_read_for_ever() -> None:
    def answer(params: httpx.QueryParams) -> Any:
        return {**items(), "next_cursor": str(int(params.get("cursor", 1)) + 1)}

    _, text = previewed(answer, BodyCursor())

    assert f"pages read: {EMPTY_PAGES_MAX}, " in text
