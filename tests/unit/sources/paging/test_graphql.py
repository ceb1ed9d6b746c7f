"""Paging through a connection of GraphQL."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from msgspec.structs import replace

from durable.environment import Secret
from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.auth import Bearer
from durable.sources.http import HttpSource
from durable.sources.paging.graphql import DENIED, GraphQLConnection
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, check_resumes, counts, items, sizes, some
from tests.fakes.source import page_of


QUERY = "query ($first: Int, $after: String) { issues(first: $first, after: $after) { nodes } }"
SOURCE = HttpSource(
    url=URL,
    body={"query": QUERY, "variables": {"after": None, "team": "A"}},
    records="data/issues/nodes",
    paging=GraphQLConnection(connection="data/issues", size=50),
)


@some
@given(count=counts, size=sizes)
def test_a_connection_leads_through_the_list(count: int, size: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = msgspec.json.decode(request.content)
        assert (request.method, asked["query"]) == ("POST", QUERY)
        after = asked["variables"].pop("after")
        assert asked["variables"] == {"team": "A", "first": 50}
        start = int(after or 0)
        page = items(count)[start : start + size]
        info = {"hasNextPage": start + size < count, "endCursor": str(start + size)}
        return httpx.Response(200, json={"data": {"issues": {"nodes": page, "pageInfo": info}}})

    check_resumes(SOURCE, answer, items(count))


def answered(content: Any, cursor: str | None = None, **headers: str) -> str | None:
    answer = httpx.Response(200, content=msgspec.json.encode(content), headers=headers)
    return page_of(SOURCE, Network(answer), cursor).next_cursor


def a_page(**info: Any) -> dict[str, Any]:
    return {"data": {"issues": {"nodes": [], "pageInfo": info}}}


@pytest.mark.parametrize("end", [{"endCursor": "b"}, {"endCursor": None}, {}])
def test_the_last_page_may_have_a_cursor_or_none(end: dict[str, Any]) -> None:
    assert answered(a_page(hasNextPage=False, **end)) is None


@pytest.mark.parametrize("end", [{"endCursor": ""}, {"endCursor": None}, {}])
def test_more_without_a_cursor_is_refused(end: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError, match="endCursor", check=caused_by(Cause.BAD_CURSOR)):
        answered(a_page(hasNextPage=True, **end))


@pytest.mark.parametrize(
    "info",
    [
        {"endCursor": "b"},
        {"hasNextPage": None},
        {"hasNextPage": "false"},
        {"hasNextPage": True, "endCursor": 7.5},
    ],
)
def test_an_end_that_is_not_told_is_refused(info: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.UNREADABLE)):
        answered(a_page(**info))


def test_the_cursor_of_this_very_page_is_refused() -> None:
    with pytest.raises(UpstreamError, match="endCursor", check=caused_by(Cause.BAD_CURSOR)):
        answered(a_page(hasNextPage=True, endCursor="b"), "b")


# What is said in the place of a page


NO_MORE = a_page(hasNextPage=False)


@pytest.mark.parametrize("beside", [{}, {"data": None}, {"data": {"issues": None}}, NO_MORE])
def test_errors_in_an_answer_of_200_are_quoted(beside: dict[str, Any]) -> None:
    errors = [{"message": "no such field 'x'"}, {"message": "another"}]

    with pytest.raises(UpstreamError) as error:
        answered({"errors": errors, **beside})

    assert error.value.cause is Cause.REFUSED
    assert "no such field 'x'" in str(error.value)


@pytest.mark.parametrize(
    ("known", "may_pass"),
    [
        ({}, False),
        ({"type": "NOT_FOUND"}, False),
        ({"extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}, False),
        ({"extensions": None}, False),
        ({"type": "RATE_LIMITED"}, True),
        ({"extensions": {"code": "RATELIMITED"}}, True),
        ({"extensions": {"type": "ratelimited"}}, True),
        ({"extensions": {"code": "THROTTLED"}}, True),
        ({"extensions": {"code": "INTERNAL_SERVER_ERROR"}}, True),
    ],
)
def test_an_error_may_pass_if_its_code_says_so_or_pages_before_it_were_good(
    known: dict[str, Any], *, may_pass: bool
) -> None:
    content = {"errors": [{"message": "no", **known}], "data": None}

    with pytest.raises(UpstreamError) as first:
        answered(content)
    with pytest.raises(UpstreamError) as later:
        answered(content, "b", **{"retry-after": "7"})

    assert (first.value.is_transient, later.value.is_transient) == (may_pass, True)
    assert later.value.retry_after == "7"


@pytest.mark.parametrize("errors", ["no", {"message": "no"}, [[]], [7], [{"code": 1}]], ids=repr)
def test_errors_of_any_form_are_errors(errors: object) -> None:
    for beside in ({}, NO_MORE):
        with pytest.raises(UpstreamError, check=caused_by(Cause.REFUSED)):
            answered({"errors": errors, **beside})


@pytest.mark.parametrize("errors", [None, []])
def test_no_errors_are_none(errors: object) -> None:
    assert answered({"errors": errors, **NO_MORE}) is None


@pytest.mark.parametrize("content", [{}, {"data": {}}, {"errors": []}, [], None, 7])
def test_what_is_no_page_and_has_no_errors_is_not_of_the_shape(content: object) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.UNREADABLE)):
        answered(content)


# Declarations that are not right


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (None, "the source has none: declare body="),
        ({"query": "query ($after: String) {x}"}, r"no variable \$first: declare it"),
        ({"query": "query ($first: Int, $afterwards: String) {x}"}, r"no variable \$after:"),
        ({"query": QUERY, "variables": []}, "is no place in the source's body"),
    ],
)
def test_a_source_that_does_not_fit_its_paging_is_refused(body: Any, fault: str) -> None:
    paging = GraphQLConnection(connection="data/issues", size=50)
    with pytest.raises(ConfigurationError, match=fault):
        HttpSource(url=URL, body=body, records="data/issues/nodes", paging=paging)


def test_a_query_may_be_known_to_the_server_by_an_id() -> None:
    paging = GraphQLConnection(connection="data/issues")

    HttpSource(url=URL, body={"id": "x"}, records="data/issues/nodes", paging=paging)


@pytest.mark.parametrize("fields", [{"connection": ""}, {"after": ""}, {"size": 0}])
def test_a_declaration_that_is_not_right_is_refused(fields: dict[str, Any]) -> None:
    (field,) = fields
    with pytest.raises(ConfigurationError, match=f"GraphQLConnection: {field}="):
        GraphQLConnection(**{"connection": "data/issues", **fields})


def test_records_may_not_be_the_connection_itself() -> None:
    with pytest.raises(ConfigurationError, match="each names a place of its own"):
        HttpSource(
            url=URL,
            body={},
            records="data/issues",
            paging=GraphQLConnection(connection="data/issues"),
        )


# An error of one node

INFO = {"hasNextPage": True, "endCursor": "b"}
NODES = {"data": {"issues": {"nodes": [{"id": 1}, None, {"id": 3}], "pageInfo": INFO}}}


def of(*path: object, **known: Any) -> dict[str, Any]:
    return {"message": "not for you", "path": [*path], **known}


def faults(*errors: dict[str, Any]) -> Mapping[int, str | None]:
    content = {**NODES, "errors": [*errors]}
    page = page_of(SOURCE, Network(httpx.Response(200, json=content)))
    assert (len(page.records), page.next_cursor) == (3, "b")
    return page.faults


def test_an_error_of_one_node_rejects_that_node() -> None:
    assert faults(of("issues", "nodes", 1)).keys() == {2}
    assert faults(of("issues", "nodes", 1), of("issues", "nodes", 0, "author")).keys() == {1, 2}
    assert faults(of("issues", "nodes", 2, "a", 7, "b"), of("issues", "nodes", 2)).keys() == {3}
    assert "not for you" in str(faults(of("issues", "nodes", 1))[2])
    denied = of("issues", "nodes", 1, extensions={"code": "FORBIDDEN"})
    assert faults(denied).keys() == {2}


@pytest.mark.parametrize(
    "error",
    [
        {"message": "no"},
        of(),
        of("issues"),
        of("issues", "nodes"),
        of("issues", "pageInfo", "endCursor"),
        of("others", "nodes", 1),
        of("nodes", 1),
        of("issues", "nodes", 3),
        of("issues", "nodes", -1),
        of("issues", "nodes", True),
        of("issues", "nodes", "1"),
        of("issues", "nodes", 1, type="RATE_LIMITED"),
        {"message": "no", "path": "issues.nodes.1"},
    ],
    ids=str,
)
def test_any_other_error_is_one_of_the_page(error: dict[str, Any]) -> None:
    for errors in ([error], [of("issues", "nodes", 1), error]):
        with pytest.raises(UpstreamError, check=caused_by(Cause.REFUSED)):
            page_of(SOURCE, Network(httpx.Response(200, json={**NODES, "errors": errors})))


def test_a_connection_may_be_deeper_and_have_edges() -> None:
    edges = {"edges": [{"node": 1}], "pageInfo": {"hasNextPage": False}}
    error = of("repository", "issues", "edges", 0, "node")
    content = {"data": {"repository": {"issues": edges}}, "errors": [error]}
    source = replace(
        SOURCE,
        records="data/repository/issues/edges",
        paging=GraphQLConnection(connection="data/repository/issues"),
    )

    assert page_of(source, Network(httpx.Response(200, json=content))).faults.keys() == {1}


@pytest.mark.parametrize("code", sorted(DENIED))
@pytest.mark.parametrize("cursor", [None, "b"])
def test_whoever_may_not_ask_is_told_so_at_once_with_the_secret(
    code: str, cursor: str | None
) -> None:
    source = replace(SOURCE, auth=Bearer(Secret("ISSUES_TOKEN")))
    for known in ({"type": code}, {"extensions": {"code": code.lower()}}):
        content = {"errors": [{"message": "no", **known}], "data": None}
        with pytest.raises(UpstreamError, match="check the secret ISSUES_TOKEN") as error:
            page_of(source, Network(httpx.Response(200, json=content)), cursor, ISSUES_TOKEN="t")
        assert not error.value.is_transient


def test_a_cursor_that_is_not_known_any_more_begins_the_list_anew() -> None:
    for known in ({"type": "INVALID_CURSOR_ARGUMENTS"}, {"message": "the cursor has expired"}):
        content = {"errors": [{"message": "no", **known}], "data": None}
        with pytest.raises(UpstreamError) as error:
            answered(content, "b")
        assert error.value.recourse is Recourse.RESTART
        with pytest.raises(UpstreamError) as error:
            answered(content)
        assert error.value.recourse is None


def test_a_limit_that_the_message_alone_tells_is_waited_for() -> None:
    for known in ({}, {"type": "FORBIDDEN"}):
        errors = [{"message": "You have exceeded a secondary rate limit.", **known}]
        with pytest.raises(UpstreamError) as error:
            answered({"errors": errors, "data": None})
        assert (error.value.is_transient, error.value.retry_after) == (True, "60")
        assert not error.value.is_denied
