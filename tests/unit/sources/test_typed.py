"""Cursors that keep their JSON types, and parameters within the lists of a body."""

from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.http.error_rules import Action, Rule
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor
from durable.sources.paging.graphql import GraphQLConnection
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.last_page import LastPage
from durable.sources.paging.offset import OffsetPaging
from durable.sources.paging.param_location import ParamLocation
from durable.sources.paging.protocol import Ask
from durable.sources.paging.typed import from_cursor, to_cursor
from durable.sources.resume import Resume
from durable.sources.since import Since
from durable.sources.times import TimeFormat
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, whole
from tests.fakes.source import page_of


numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.text() | st.sampled_from(["1", "null", "[1]", '"x"', "1.5", " 7"]) | numbers
typed = st.recursive(values, lambda one: st.lists(one) | st.dictionaries(st.text(), one))


@given(value=typed)
def test_whatever_is_stored_is_restored_with_its_type(value: Any) -> None:
    back = from_cursor(to_cursor(value))

    assert back == value
    assert type(back) is type(value)


AFTER: list[Any] = [2, "2", 2.5, ["x", 7], {"id": {"S": "x"}}, 0, "[1]", "null"]


def asks(paging: Any, cursor: str | None, **body: Any) -> Any:
    source = HttpSource(records="items", url=URL, paging=paging, body=body)
    network = Network(httpx.Response(200, json={"items": [], "next_cursor": None}))
    page_of(source, network, cursor)
    return msgspec.json.decode(network.requests[0].content)


def tells(paging: Any, content: dict[str, Any], **fields: Any) -> str | None:
    source = HttpSource(url=URL, paging=paging, **{"records": "items", "body": {}, **fields})
    network = Network(httpx.Response(200, json={"items": [], **content}))
    return page_of(source, network).next_cursor


@pytest.mark.parametrize("value", AFTER, ids=repr)
def test_a_cursor_comes_back_in_a_body_as_it_was_given(value: Any) -> None:
    paging = BodyCursor(param="from", location=ParamLocation.BODY)

    cursor = tells(paging, {"next_cursor": value})

    assert asks(paging, cursor) == {"from": value}
    assert type(asks(paging, cursor)["from"]) is type(value)


@pytest.mark.parametrize("value", AFTER, ids=repr)
def test_a_records_own_value_comes_back_in_a_body_as_it_was_given(value: Any) -> None:
    paging = Keyset(path="sort", param="search_after", location=ParamLocation.BODY)

    cursor = tells(paging, {"items": [{"sort": value}]})

    assert asks(paging, cursor) == {"search_after": value}


@pytest.mark.parametrize("value", [True, None], ids=repr)
def test_a_record_without_such_a_value_is_refused(value: Any) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_KEY)):
        tells(
            Keyset(param="after_id", path="sort", location=ParamLocation.BODY),
            {"items": [{"sort": value}]},
        )


@pytest.mark.parametrize("value", [[], {}, ""], ids=repr)
def test_a_cursor_with_nothing_in_it_is_empty(value: Any) -> None:
    ends = BodyCursor(location=ParamLocation.BODY, last_page=LastPage.NOTHING)

    assert tells(ends, {"next_cursor": value}) is None
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)):
        tells(BodyCursor(location=ParamLocation.BODY), {"next_cursor": value})


@pytest.mark.parametrize("value", [True, False], ids=repr)
def test_a_flag_is_no_cursor(value: object) -> None:
    with pytest.raises(UpstreamError, match="next_cursor", check=caused_by(Cause.UNREADABLE)):
        tells(BodyCursor(location=ParamLocation.BODY), {"next_cursor": value})


def test_a_number_is_a_text_in_a_query() -> None:
    paging = BodyCursor(size=2)

    assert tells(paging, {"next_cursor": 7}, body=None) == "7"


@pytest.mark.parametrize("end_cursor", [7, "7", "abc"])
def test_a_connections_cursor_keeps_its_type(end_cursor: Any) -> None:
    paging = GraphQLConnection(connection="c")
    info = {"hasNextPage": True, "endCursor": end_cursor}
    body = {"query": "query ($after: Int) {x}"}

    cursor = tells(paging, {"c": {"pageInfo": info}}, body=body)

    content = {"items": [], "c": {"pageInfo": {"hasNextPage": False}}}
    network = Network(httpx.Response(200, json=content))
    page_of(HttpSource(records="items", url=URL, paging=paging, body=body), network, cursor)
    asked = msgspec.json.decode(network.requests[0].content)
    assert asked["variables"]["after"] == end_cursor


def test_a_list_by_numbers_is_read_to_its_end_also_after_its_cursor_has_expired() -> None:
    records = [{"id": number} for number in range(1, 8)]
    refused = [3]

    def answer(request: httpx.Request) -> httpx.Response:
        body = msgspec.json.decode(request.content)
        at, after = body.get("from", 0), body.get("gt", 0)
        assert type(at) is int
        assert type(after) is int
        if at and refused and refused.pop():
            return httpx.Response(410)
        rest = [one for one in records if one["id"] > after]
        following = at + 2 if at + 2 < len(rest) else None
        return httpx.Response(200, json={"items": rest[at : at + 2], "next_cursor": following})

    source = HttpSource(
        records="items",
        url=URL,
        body={},
        paging=BodyCursor(param="from", location=ParamLocation.BODY),
        rules=(Rule(status=410, then=Action.RESTART),),
        resume=Resume(path="id", param="gt", location=ParamLocation.BODY),
    )
    assert whole(source, answer)[0] == records


# Within lists


def test_parameters_reach_into_the_lists_of_a_body() -> None:
    body = {"requests": [{"index": "notes", "page": 9}, {"index": "other"}], "q": [1, [2, 3]]}
    paging = OffsetPaging(
        param="requests/0/page",
        size=5,
        size_param="requests/1/hits/max",
        location=ParamLocation.BODY,
    )

    assert asks(paging, "7", **body) == {
        "requests": [{"index": "notes", "page": 7}, {"index": "other", "hits": {"max": 5}}],
        "q": [1, [2, 3]],
    }
    assert asks(OffsetPaging(param="q/1/0", location=ParamLocation.BODY), "7", **body)["q"] == [
        1,
        [7, 3],
    ]
    assert body["requests"][0] == {"index": "notes", "page": 9}


def test_the_time_of_changes_may_be_within_a_list() -> None:
    filters = [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "0"}]
    since = Since(
        param="filterGroups/0/filters/0/value",
        format=TimeFormat.EPOCH_MS,
        location=ParamLocation.BODY,
    )
    source = HttpSource(
        records="items",
        url=URL,
        body={"filterGroups": [{"filters": filters}]},
        paging=BodyCursor(
            path="paging/next/after", last_page=LastPage.ABSENT, location=ParamLocation.BODY
        ),
        since=since,
    )

    asked = since.prepare(Ask(url=URL, body=source.body), 60_000_000)

    assert asked.body is not None
    assert asked.body["filterGroups"][0]["filters"][0]["operator"] == "GTE"
    assert type(asked.body["filterGroups"][0]["filters"][0]["value"]) is int


@pytest.mark.parametrize(
    "param", ["a/1", "a/-1", "a/x", "a/01", "a/0/b/c/d", "a/", "a/+0", "t/x", "a/\u0661"]
)
def test_a_place_that_a_list_does_not_have_is_refused(param: str) -> None:
    body = {"a": [{"b": 5}], "t": "text"}

    with pytest.raises(ConfigurationError, match="is no place in the source's body"):
        HttpSource(
            records="items",
            url=URL,
            paging=OffsetPaging(param=param, location=ParamLocation.BODY),
            body=body,
        )
