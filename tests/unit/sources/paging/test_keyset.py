"""Paging by the last record's own value, and no paging."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.sources.http import HttpSource
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.one_page import OnePage
from durable.sources.paging.param_location import ParamLocation
from durable.sources.paging.protocol import Paging
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, Server, check_resumes, counts, items, sizes, some, whole
from tests.fakes.source import page_of


def server(records: list[dict[str, Any]], field: str, cap: int, *, is_inclusive: bool) -> Server:
    def answer(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        size = min(cap, int(params.get("limit", cap)))
        after = params.get("after")
        rest = [
            record
            for record in records
            if after is None
            or str(record[field]) > after
            or (is_inclusive and str(record[field]) == after)
        ]
        return httpx.Response(200, json={"items": rest[:size], "more": len(rest) > size})

    return answer


@pytest.mark.parametrize("has_more", ["more", ""])
@some
@given(count=counts, size=sizes, cap=sizes)
def test_the_last_id_leads_through_the_list(has_more: str, count: int, size: int, cap: int) -> None:
    source = HttpSource(
        records="items",
        url=URL,
        paging=Keyset(path="id", param="after", size=size),
        has_more=has_more,
    )

    check_resumes(source, server(items(count), "id", cap, is_inclusive=False), items(count))


@some
@given(count=counts, size=sizes)
def test_a_short_page_may_be_declared_to_be_the_last(count: int, size: int) -> None:
    paging = Keyset(path="id", param="after", size=size, short_page_ends=True)
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return server(items(count), "id", size, is_inclusive=False)(request)

    assert whole(HttpSource(records="items", url=URL, paging=paging), answer)[0] == items(count)
    assert len(asked) == count // size + 1


stamps = st.lists(st.integers(1, 9), max_size=25).map(sorted)


def at(stamp: int, number: int) -> dict[str, Any]:
    return {"id": number, "seen": {"at": f"2026-01-0{stamp}"}}


@pytest.mark.parametrize("short_page_ends", [False, True])
@some
@given(ranks=stamps, size=st.integers(2, 9), cap=st.integers(2, 9))
def test_a_source_that_answers_from_the_value_on_gives_all_or_says_that_it_cannot(
    *, short_page_ends: bool, ranks: list[int], size: int, cap: int
) -> None:
    cap = size if short_page_ends else cap
    size = min(size, cap)  # what the source does hold to
    records = [{"id": number, "rank": rank} for number, rank in enumerate(ranks)]
    paging = Keyset(
        path="rank",
        param="after",
        size=size,
        is_inclusive=True,
        short_page_ends=short_page_ends,
    )
    source = HttpSource(records="items", url=URL, paging=paging)
    most = max((ranks.count(rank) for rank in ranks), default=0)
    answer = server(records, "rank", cap, is_inclusive=True)

    try:
        read, _ = whole(source, answer)
    except UpstreamError as error:
        assert error.cause is Cause.BAD_KEY  # noqa: PT017 - only some lists are so
        assert most >= size
    else:
        assert {record["id"] for record in read} == set(range(len(ranks)))


def page(records: list[Any], cursor: str | None = None, **fields: Any) -> str | None:
    paging = fields.pop("paging", Keyset(param="after_id", path="id"))
    source = HttpSource(url=URL, paging=paging, **{"records": "items", **fields})
    told = {"more": fields.pop("more", True)}
    network = Network(httpx.Response(200, json={"items": records, **told}))
    return page_of(source, network, cursor).next_cursor


INCLUSIVE = Keyset(param="after_id", path="id", is_inclusive=True, size=2)


def test_a_short_page_that_goes_further_is_not_the_last() -> None:
    """A source may cap its pages without a word."""
    assert page([{"id": "b"}], "a", paging=INCLUSIVE) == "b"
    assert page([{"id": "b"}], "b", paging=INCLUSIVE) is None
    assert page([], "b", paging=INCLUSIVE) is None


def test_a_full_page_of_one_value_is_refused() -> None:
    with pytest.raises(UpstreamError, match="'b'", check=caused_by(Cause.BAD_KEY)):
        page([{"id": "b"}, {"id": "b"}], "b", paging=INCLUSIVE)


def test_a_value_that_repeats_is_refused_where_the_source_says_that_there_is_more() -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_KEY)):
        page([{"id": "b"}], "b", paging=INCLUSIVE, has_more="more")
    with pytest.raises(UpstreamError, match="'b'", check=caused_by(Cause.BAD_CURSOR)):
        page([{"id": "b"}], "b")


def test_an_empty_page_before_the_end_that_is_told_is_refused() -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_END)):
        page([], "b", has_more="more")


@pytest.mark.parametrize(
    ("value", "cursor"),
    [
        ("b", "b"),
        ("a/b \u00e9", "a/b \u00e9"),
        (7, "7"),
        (-7, "-7"),
        (1.5, "1.5"),
        (1e300, "1e+300"),
    ],
)
def test_a_value_is_a_text_or_a_number(value: object, cursor: str) -> None:
    assert page([{"id": "a"}, {"id": value}]) == cursor


def test_a_number_is_asked_for_as_it_was_written() -> None:
    source = HttpSource(records="items", url=URL, paging=Keyset(param="after_id", path="ts"))
    body = b'{"items": [{"ts": 1764000000.1234567890}]}'

    records = page_of(source, Network(httpx.Response(200, content=body)))

    assert records.next_cursor == "1764000000.1234567890"


def test_a_value_may_be_within_the_record() -> None:
    assert page([at(3, 1)], paging=Keyset(param="after_id", path="seen/at")) == "2026-01-03"


@pytest.mark.parametrize("record", [{}, {"id": None}, {"id": True}, {"id": []}, {"id": {}}, 7, []])
def test_a_last_record_without_the_value_is_refused(record: object) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_KEY)) as error:
        page([{"id": "a"}, record])

    assert not error.value.is_transient


def test_an_empty_value_is_refused() -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)):
        page([{"id": ""}])


def test_a_value_that_is_no_text_after_all_is_refused() -> None:
    source = HttpSource(records="items", url=URL, paging=Keyset(param="after_id", path="id"))
    body = b'{"items": [{"id": "\xff"}]}'

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_KEY)):
        page_of(source, Network(httpx.Response(200, content=body)))


def test_a_value_in_the_url_is_for_the_first_page() -> None:
    source = HttpSource(
        records="items", url=f"{URL}?after_id=0", paging=Keyset(param="after_id", path="id")
    )
    answers = [httpx.Response(200, json={"items": []}) for _ in range(2)]
    network = Network(*answers)

    page_of(source, network)
    page_of(source, network, "b")

    assert [request.url.params["after_id"] for request in network.requests] == ["0", "b"]


# No paging


def test_one_page_is_the_whole_list() -> None:
    source = HttpSource(url=URL, records="", paging=OnePage())

    check_resumes(source, lambda _: httpx.Response(200, json=items(3)), items(3))


def test_one_page_that_names_a_next_one_is_refused() -> None:
    headers = {"link": '<?page=2>; rel="next"'}
    source = HttpSource(url=URL, records="", paging=OnePage())

    with pytest.raises(UpstreamError, match="LinkHeader", check=caused_by(Cause.BAD_END)):
        page_of(source, Network(httpx.Response(200, json=[], headers=headers)))
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_END)):
        page([], paging=OnePage(), has_more="more")


def test_one_page_has_no_cursor() -> None:
    with pytest.raises(UpstreamError, match="'b'", check=caused_by(Cause.BAD_CURSOR)) as error:
        page([], "b", paging=OnePage())

    assert error.value.recourse is Recourse.RESTART


# Declarations that are not right


@pytest.mark.parametrize(
    ("declare", "fault"),
    [
        (lambda: Keyset(param="after_id", path=""), "Keyset: path=''"),
        (lambda: Keyset(path="id", param=""), "Keyset: param=''"),
        (lambda: Keyset(param="after_id", path="id", size=0), "Keyset: size=0"),
        (
            lambda: Keyset(param="after_id", path="id", short_page_ends=True),
            "short_page_ends=True.*declare the size",
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
            Keyset(param="after_id", path="id", is_inclusive=True),
            {},
            "is_inclusive=True.*declare the size",
        ),
        (
            Keyset(param="after_id", path="id", size=5, short_page_ends=True),
            {"has_more": "more"},
            "has_more tells the end: leave one out",
        ),
        (
            Keyset(param="after_id", path="id"),
            {"params": {"after_id": "5"}},
            "'after_id' is in the source's params too",
        ),
        (
            Keyset(param="after_id", path="id", location=ParamLocation.BODY),
            {},
            "the source has none: declare body=",
        ),
    ],
)
def test_a_source_that_does_not_fit_its_paging_is_refused(
    paging: Paging, fields: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        HttpSource(url=URL, paging=paging, **{"records": "items", **fields})
