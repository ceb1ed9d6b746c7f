from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.environment import Secret
from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.auth import ApiKey
from durable.http.error_rules import Action, Rule
from durable.sources.detail import Detail
from durable.sources.http import HttpSource
from durable.sources.newest_first import NewestFirst
from durable.sources.paging.cursors import BodyCursor, HeaderCursor, NextUrl
from durable.sources.paging.graphql import GraphQLConnection
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.last_page import LastPage
from durable.sources.paging.link_header import LinkHeader
from durable.sources.paging.mediawiki import MediaWikiPaging
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.one_page import OnePage
from durable.sources.paging.protocol import Paging
from durable.sources.resume import Resume
from durable.sources.since import Since
from durable.sources.source import CURSOR_CHARACTERS_MAX, SNIPPET_BYTES_MAX, Records
from durable.sources.sub_list import SubList
from tests.fakes.bench import NOW_MS
from tests.fakes.environment import an_environment
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.source import context, page_of, read


URL = "https://notes.example/list"
SOURCE = HttpSource(
    records="items",
    url=URL,
    paging=BodyCursor(path="next_cursor", param="cursor"),
    since=Since(param="updated_since"),
)
LAST: dict[str, object] = {"items": [], "next_cursor": None}


def fetched(
    network: Network,
    source: HttpSource = SOURCE,
    cursor: str | None = None,
    since_ms: int | None = None,
    page_bytes_max: int = 100_000,
) -> Records:
    reader = source.reader(context(network, page_bytes_max=page_bytes_max))
    return read(reader, cursor, since_ms)


def page(content: Any) -> Network:
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Network(httpx.Response(200, content=body))


def asked(network: Network) -> dict[str, str]:
    (request,) = network.requests
    return dict(request.url.params)


def test_a_page_is_its_records_undecoded_and_the_next_cursor() -> None:
    body = b'{"total": 9, "items": [{"id": "a"}, 7], "next_cursor": "b"}'

    records = fetched(page(body))

    assert [bytes(raw) for raw in records.records] == [b'{"id": "a"}', b"7"]
    assert records.next_cursor == "b"
    assert records.byte_count == len(body)


def test_null_marks_the_last_page() -> None:
    assert fetched(page(LAST)).next_cursor is None


def test_the_first_page_is_asked_for_without_a_cursor() -> None:
    network = page(LAST)

    fetched(network, replace(SOURCE, params={"limit": "100"}))

    assert asked(network) == {"limit": "100"}


def test_a_later_page_is_asked_for_by_its_cursor_and_the_watermark() -> None:
    network = page(LAST)

    fetched(network, cursor="a+b/ä&", since_ms=1_764_000_000_123)

    assert asked(network) == {"cursor": "a+b/ä&", "updated_since": "2025-11-24T15:55:00.000Z"}


def test_the_names_are_the_sources_own() -> None:
    source = HttpSource(
        url=URL,
        records="results",
        paging=BodyCursor(path="after", param="from"),
        since=Since(param="changed"),
    )
    network = page({"results": [1], "after": "c"})

    records = fetched(network, source, cursor="b", since_ms=0)

    assert (len(records.records), records.next_cursor) == (1, "c")
    assert asked(network) == {"from": "b", "changed": "1970-01-01T00:00:00.000Z"}


@pytest.mark.parametrize("params", [{}, {"limit": "5"}], ids=["alone", "with parameters"])
def test_a_query_in_the_url_is_kept(params: dict[str, str]) -> None:
    network = page(LAST)

    fetched(network, replace(SOURCE, url=f"{URL}?space=A", params=params))

    assert asked(network) == {"space": "A", **params}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"next_cursor": None}, "items"),
        ({"items": None, "next_cursor": None}, "items"),
        ({"items": {}, "next_cursor": None}, "items"),
        ({"items": []}, "next_cursor"),
        ({"items": [], "next_cursor": 7.5}, "next_cursor"),
        ({"items": [], "next_cursor": False}, "next_cursor"),
        ([], "object"),
        (None, "object"),
    ],
    ids=[
        "no items",
        "null items",
        "an object of items",
        "no cursor",
        "a broken number as cursor",
        "a false cursor",
        "a list",
        "null",
    ],
)
def test_a_page_of_another_shape_is_refused(content: object, named: str) -> None:
    is_misshapen = caused_by(Cause.UNREADABLE)
    with pytest.raises(UpstreamError, match=named, check=is_misshapen) as first:
        fetched(page(content))
    with pytest.raises(UpstreamError, match=named, check=is_misshapen) as later:
        fetched(page(content), cursor="b")

    # Pages that came before had the shape: this may be an error in a page's place.
    assert (first.value.is_transient, later.value.is_transient) == (False, True)


def test_renamed_fields_are_named_in_errors() -> None:
    with pytest.raises(UpstreamError, match="results"):
        fetched(page(LAST), replace(SOURCE, records="results"))


@pytest.mark.parametrize(
    "next_cursor",
    [
        "",
        "b",
        "x" * (CURSOR_CHARACTERS_MAX + 1),
    ],
    ids=["empty", "repeated", "too long"],
)
def test_a_cursor_that_leads_nowhere_is_refused(next_cursor: str) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)) as error:
        fetched(page({"items": [], "next_cursor": next_cursor}), cursor="b")

    assert not error.value.is_transient


def test_a_cursor_of_the_greatest_length_is_taken() -> None:
    next_cursor = "x" * CURSOR_CHARACTERS_MAX

    assert fetched(page({"items": [], "next_cursor": next_cursor})).next_cursor == next_cursor


@pytest.mark.parametrize(
    "body",
    [
        b'{"items": [{"id": "a"}], "next_cur',
        b"",
        b"<html>Sign in</html>",
        b'{"items": [], "next_cursor": null} and more',
    ],
    ids=["cut short", "nothing", "a page for people", "trailing text"],
)
def test_what_is_not_json_may_pass(body: bytes) -> None:
    for cursor in (None, "b"):
        with pytest.raises(UpstreamError, check=caused_by(Cause.UNREADABLE)) as error:
            fetched(page(body), cursor=cursor)

        assert error.value.is_transient


def test_a_cursor_that_is_not_utf_8_is_an_error_of_the_source() -> None:
    with pytest.raises(UpstreamError):
        fetched(page(b'{"items": [], "next_cursor": "\xff"}'))


def test_a_page_over_the_limit_is_refused() -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.TOO_LARGE)):
        fetched(page(LAST), page_bytes_max=10)


def test_a_variable_may_stand_in_params_headers_and_the_body() -> None:
    source = replace(
        SOURCE,
        params={"team": "t-${TEAM}"},
        headers={"x-team": "${TEAM}"},
        body={"variables": {"teams": ["${TEAM}"]}, "query": "query ($a: ID) {x}"},
    )
    network = page({"items": [], "next_cursor": None})
    reader = source.reader(context(network, an_environment(TEAM="7")))

    read(reader)

    (request,) = network.requests
    assert (request.url.params["team"], request.headers["x-team"]) == ("t-7", "7")
    body = msgspec.json.decode(request.content)
    assert body == {"variables": {"teams": ["7"]}, "query": "query ($a: ID) {x}"}
    with pytest.raises(ConfigurationError, match="the variable TEAM is not set"):
        source.reader(context(network))


def test_variables_in_the_url_are_filled_in() -> None:
    source = replace(SOURCE, url="${NOTES_URL}/${SPACE_2}/list/${id}")
    environment = an_environment(NOTES_URL="https://notes.example", SPACE_2="a")

    assert source.locate(environment) == "https://notes.example/a/list/${id}"


@pytest.mark.parametrize(
    "fields",
    [
        {"detail": Detail(url="${OTHER_URL}/pages/${id}")},
        {
            "sub_lists": (
                SubList(source=replace(SOURCE, url="${OTHER_URL}/${id}"), into="comments"),
            )
        },
    ],
    ids=["detail", "gathered"],
)
def test_what_is_asked_besides_the_list_is_a_part_of_where_it_is(fields: dict[str, Any]) -> None:
    """So that a crawl is begun anew where that has moved."""
    source = replace(SOURCE, **fields)
    places = {
        source.locate(an_environment(OTHER_URL=f"https://{name}.example"))
        for name in ("one", "two")
    }

    assert len(places) == 2
    assert all(place.startswith(f"{URL} https://") for place in places)


def test_a_link_of_the_record_itself_is_where_the_record_says() -> None:
    source = replace(SOURCE, detail=Detail(url="${links/self}"))

    assert source.locate(an_environment()) == f"{URL} ${{links/self}}"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match="the variable NOTES_URL is not set"):
        replace(SOURCE, url="${NOTES_URL}/list").locate(an_environment())


@pytest.mark.parametrize(
    "names",
    [
        {"records": "next_cursor"},
        {"records": "total", "total": "total"},
        {"has_more": "next_cursor"},
        {"has_more": "count", "total": "count"},
        {"total": "items/count"},
        {"has_more": ""} | {"records": ""},
    ],
)
def test_one_field_for_two_things_is_refused(names: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="each names a place of its own"):
        replace(SOURCE, **names)


def test_fields_that_a_source_does_not_have_are_not_the_same() -> None:
    assert replace(SOURCE, has_more="", total="").total == ""


@pytest.mark.parametrize("url", ["notes.example/list", "/list", "", "https://notes.example:port/"])
def test_a_url_that_names_no_server_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        replace(SOURCE, url=url).locate(an_environment())

    assert repr(url) in str(error.value)


# What an answer that is no page begins with


def test_a_page_that_is_not_json_is_quoted_with_its_type() -> None:
    answer = httpx.Response(200, html="<html>Sign in " + "x" * 500)

    with pytest.raises(UpstreamError) as error:
        fetched(Network(answer))

    assert error.value.cause is Cause.UNREADABLE
    assert "text/html; charset=utf-8" in str(error.value)
    assert f"'<html>Sign in {'x' * 186}'" in str(error.value)


def test_a_page_without_a_type_is_quoted_too() -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.UNREADABLE)):
        fetched(page(b"nothing"))


def test_a_page_of_another_shape_is_quoted() -> None:
    with pytest.raises(UpstreamError) as error:
        fetched(page({"error": "quota exceeded", "filler": "x" * 500}))

    quoted = str(error.value).partition("it begins with ")[2]
    assert quoted.startswith("""'{"error":"quota exceeded",""")
    assert len(quoted) == SNIPPET_BYTES_MAX + 2


def test_bytes_that_are_no_text_are_quoted_as_well_as_can_be() -> None:
    with pytest.raises(UpstreamError, match="begins with '\N{REPLACEMENT CHARACTER}'"):
        fetched(page(b"\xff"))


# Has it more, and how much is it in all


MORE = replace(SOURCE, has_more="more")


@pytest.mark.parametrize(("next_cursor", "more"), [("b", True), (None, False)])
def test_both_signs_of_an_end_may_agree(next_cursor: str | None, *, more: bool) -> None:
    records = fetched(page({"items": [], "next_cursor": next_cursor, "more": more}), MORE)

    assert records.next_cursor == next_cursor


@pytest.mark.parametrize(
    ("next_cursor", "more"),
    [
        ("b", False),
        (None, True),
    ],
)
@pytest.mark.parametrize("cursor", [None, "a"], ids=["first", "later"])
def test_signs_of_an_end_that_disagree_are_refused(
    next_cursor: str | None, cursor: str | None, *, more: bool
) -> None:
    content: object = {"items": [], "next_cursor": next_cursor, "more": more}

    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_END)) as error:
        fetched(page(content), MORE, cursor=cursor)

    assert not error.value.is_transient


@pytest.mark.parametrize("more", [None, 2, 0.0, [], "", "later"], ids=repr)
def test_a_sign_of_an_end_is_true_or_false(more: object) -> None:
    with pytest.raises(UpstreamError, match="more", check=caused_by(Cause.UNREADABLE)):
        fetched(page({"items": [], "next_cursor": None, "more": more}), MORE)


def test_a_declared_sign_of_an_end_has_to_be_there() -> None:
    with pytest.raises(UpstreamError, match="`more`", check=caused_by(Cause.UNREADABLE)):
        fetched(page(LAST), MORE)


TOTAL = replace(SOURCE, total="count")


@pytest.mark.parametrize(("source", "total_count"), [(TOTAL, 7), (SOURCE, None)])
def test_a_total_is_told_if_it_is_declared(source: HttpSource, total_count: int | None) -> None:
    assert fetched(page({**LAST, "count": 7}), source).total_count == total_count


@pytest.mark.parametrize("total", [None, "7.5", "", 7.5, True, []], ids=repr)
def test_a_total_is_a_whole_number(total: object) -> None:
    with pytest.raises(UpstreamError, match="count", check=caused_by(Cause.UNREADABLE)):
        fetched(page({**LAST, "count": total}), TOTAL)


def test_a_declared_total_has_to_be_there() -> None:
    with pytest.raises(UpstreamError, match="count", check=caused_by(Cause.UNREADABLE)):
        fetched(page(LAST), TOTAL)


def test_a_page_that_is_nested_too_deep_is_refused() -> None:
    deep = b"[" * 20_000 + b"]" * 20_000

    with pytest.raises(UpstreamError):
        fetched(page(b'{"items": [' + deep + b'], "next_cursor": null}'))


# What the machine is told besides


def test_a_page_tells_its_requests_and_how_long_the_source_is_to_be_left_alone() -> None:
    reset_s = NOW_MS // 1_000 + 30
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset_s)}
    network = Network(httpx.Response(200, json=LAST, headers=headers))

    records = fetched(network)

    assert records.request_count == 1
    assert records.wait_ms == reset_s * 1_000 - NOW_MS
    assert "x-ratelimit-remaining" in records.wait_reason


def test_requests_that_failed_before_a_page_count_with_it() -> None:
    network = Network(httpx.Response(503), httpx.Response(200, json=LAST))
    reader = SOURCE.reader(context(network))
    with pytest.raises(UpstreamError):
        read(reader)

    assert read(reader).request_count == 2


def test_a_link_is_kept_without_the_proof_that_the_source_wrote_into_it() -> None:
    """Each request is proven anew, and what is stored had better hold no secret."""
    source = HttpSource(
        records="items",
        url=URL,
        paging=NextUrl(path="next_cursor"),
        auth=ApiKey(Secret("KEY"), param="api_key"),
    )
    network = Network(
        httpx.Response(200, json={"items": [], "next_cursor": f"{URL}?page=2&api_key=k3y"}),
        httpx.Response(200, json=LAST),
    )
    reader = source.reader(context(network, an_environment(KEY="k3y")))

    records = read(reader)
    read(reader, records.next_cursor)

    assert records.next_cursor == f"{URL}?page=2"
    assert [str(request.url) for request in network.requests] == [
        f"{URL}?api_key=k3y",
        f"{URL}?page=2&api_key=k3y",
    ]


def expired(
    *rules: Rule, cursor: str | None = "2", status: int = 410, source: HttpSource = SOURCE
) -> Recourse | None:
    network = Network(httpx.Response(status, text="cursor expired"))
    with pytest.raises(UpstreamError) as error:
        page_of(replace(source, rules=rules), network, cursor)
    return error.value.recourse


GRAPHQL = replace(
    SOURCE,
    body={"query": "query ($after: String) { notes }"},
    records="data/notes/nodes",
    paging=GraphQLConnection(connection="data/notes"),
    since=None,
)
GIVEN = {
    "2": [SOURCE, replace(SOURCE, paging=HeaderCursor(header="x-next")), GRAPHQL],
    f"{URL}?page=2": [replace(SOURCE, paging=paging) for paging in (NextUrl(), LinkHeader())],
    '{"gapcontinue":"B"}': [replace(SOURCE, paging=MediaWikiPaging())],
}


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_cursor_of_the_sources_own_that_it_does_not_know_has_expired(status: int) -> None:
    for cursor, sources in GIVEN.items():
        for source in sources:
            recourse = expired(cursor=cursor, status=status, source=source)

            assert recourse is Recourse.RESTART, source.paging


@pytest.mark.parametrize(
    "paging", [OffsetPaging(), PageNumber(), Keyset(param="after_id", path="id")], ids=repr
)
def test_what_the_source_did_not_give_it_does_not_forget(paging: Paging) -> None:
    source = replace(SOURCE, paging=paging, since=None)

    assert expired(status=404, source=source) is None
    assert expired(status=400, source=source) is None
    assert expired(status=410, source=source) is Recourse.RESTART


@pytest.mark.parametrize("status", [401, 403, 405, 416, 422])
def test_any_other_refusal_is_none_of_the_cursor(status: int) -> None:
    assert expired(status=status) is None


def test_a_page_that_is_gone_has_a_cursor_that_has_expired() -> None:
    assert expired() is Recourse.RESTART
    assert expired(Rule(status=404, then=Action.FAIL)) is Recourse.RESTART


def test_what_is_gone_at_its_start_or_by_a_rule_is_an_error() -> None:
    assert expired(cursor=None) is None
    assert expired(status=404, cursor=None) is None
    assert expired(Rule(status=404, then=Action.FAIL), status=404) is None
    assert expired(Rule(body="expired", then=Action.FAIL), status=404) is None
    assert expired(Rule(body="busy", then=Action.WAIT), status=404) is Recourse.RESTART
    assert expired(Rule(status=410, then=Action.FAIL)) is None
    assert expired(Rule(status="4xx", then=Action.FAIL)) is None


# Nothing new

SINCE_MS = 1_764_000_000_123


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_list_to_a_request_for_changes_has_none(status: int) -> None:
    page = fetched(Network(httpx.Response(status)), since_ms=SINCE_MS)

    assert (page.records, page.next_cursor, page.request_count) == ([], None, 1)


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize(
    ("source", "cursor", "since_ms"),
    [
        (SOURCE, None, None),
        (SOURCE, "2", None),
        (SOURCE, "2", SINCE_MS),
        (replace(SOURCE, since=None), None, SINCE_MS),
        (replace(SOURCE, since=NewestFirst(path="at", params={"sort": "-at"})), None, SINCE_MS),
    ],
    ids=["FULL", "later page", "later page of changes", "no changes", "newest first"],
)
def test_an_answer_without_a_list_to_any_other_request_is_no_page(
    source: HttpSource, cursor: str | None, since_ms: int | None, status: int
) -> None:
    with pytest.raises(UpstreamError) as error:
        fetched(Network(httpx.Response(status)), source, cursor, since_ms)
    assert error.value.status == status


def test_a_rule_goes_before_what_is_usual_for_changes() -> None:
    source = replace(SOURCE, rules=(Rule(status=204, then=Action.FAIL),))

    with pytest.raises(UpstreamError):
        fetched(Network(httpx.Response(204)), source, since_ms=SINCE_MS)


END = (Rule(status=(204, 404, 416), then=Action.END),)
BY_OFFSET = HttpSource(records="items", url=URL, paging=OffsetPaging(size=2), rules=END)
BY_NUMBER = HttpSource(records="items", url=URL, paging=PageNumber(size=2), rules=END)


@pytest.mark.parametrize(
    ("source", "cursor", "status"),
    [
        (replace(SOURCE, rules=END), None, 204),
        (BY_NUMBER, "2/2", 204),
        (BY_OFFSET, "3/2s", 404),
        (BY_OFFSET, "3/2s", 416),
        (replace(BY_OFFSET, paging=OffsetPaging(first=1, size=2)), "4/2s", 416),
        (BY_NUMBER, "3/3s", 404),
    ],
)
def test_a_list_ends_where_a_rule_says_so(source: HttpSource, cursor: str, status: int) -> None:
    page = fetched(Network(httpx.Response(status)), source, cursor)

    assert (page.records, page.next_cursor) == ([], None)


@pytest.mark.parametrize(
    ("source", "cursor", "status"),
    [
        (BY_OFFSET, None, 404),
        (BY_OFFSET, "4/2", 404),
        (BY_OFFSET, "3/2", 404),
        (replace(BY_OFFSET, paging=OffsetPaging()), "3", 404),
        (BY_NUMBER, "3/4", 404),
        (BY_NUMBER, "3/3", 404),
        (BY_NUMBER, "3", 404),
        (replace(BY_NUMBER, total="total"), "3/3/9s", 404),
        (replace(BY_NUMBER, has_more="more"), "3/3s", 204),
        (replace(SOURCE, rules=END), "2", 404),
    ],
)
def test_an_end_that_a_rule_sees_is_not_believed_where_more_may_be_there(
    source: HttpSource, cursor: str | None, status: int
) -> None:
    with pytest.raises(UpstreamError) as error:
        fetched(Network(httpx.Response(status, text="no such page")), source, cursor)
    assert (error.value.is_transient, error.value.status) == (False, status)
    assert error.value.recourse is None


@pytest.mark.parametrize(
    ("source", "cursors"),
    [(BY_NUMBER, ["2/2", "3/3s", "4/5"]), (BY_OFFSET, ["2/2", "3/2s", "5/2"])],
)
def test_the_cursor_tells_whether_the_page_before_it_was_short(
    source: HttpSource, cursors: list[str]
) -> None:
    cursor: str | None = None
    for records, following in zip(([1, 2], [3], [4, 5]), cursors, strict=True):
        cursor = fetched(page({"items": records}), source, cursor).next_cursor
        assert cursor == following


def test_a_part_is_a_page_where_a_rule_says_so() -> None:
    content = {"items": [{"id": "x" * 9_000}], "next_cursor": "b"}
    source = replace(SOURCE, rules=(Rule(status=206, then=Action.PAGE),))

    records = fetched(Network(httpx.Response(206, json=content)), source)

    assert (len(records.records), records.next_cursor) == (1, "b")
    with pytest.raises(UpstreamError):
        fetched(Network(httpx.Response(206, json=content)))
    other = replace(SOURCE, rules=(Rule(status=206, header=("x-ok", "1"), then=Action.PAGE),))
    with pytest.raises(UpstreamError):
        fetched(Network(httpx.Response(206, json=content)), other)


GOOGLE = HttpSource(
    records="items",
    url=URL,
    paging=BodyCursor(path="nextPageToken", last_page=LastPage.ABSENT),
    omits_empty=True,
)


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (GOOGLE, b'{"kind": "admin#directory#members", "error": null, "ok": true}'),
        (GOOGLE, b'{"items": null}'),
        (GOOGLE, b'{"items": []}'),
        (replace(GOOGLE, records="data/items"), b'{"data": null}'),
        (replace(GOOGLE, records_key="id"), b'{"items": null}'),
        (HttpSource(url=URL, records="", paging=OnePage(), omits_empty=True), b"null"),
        (HttpSource(url=URL, records="", paging=LinkHeader(), omits_empty=True), b"null"),
    ],
)
def test_a_list_that_is_null_or_absent_is_empty_where_that_is_declared(
    source: HttpSource, body: bytes
) -> None:
    records = fetched(page(body), source)

    assert (records.records, records.next_cursor) == ([], None)
    if b"[]" not in body:
        with pytest.raises(UpstreamError):
            fetched(page(body), replace(source, omits_empty=False))


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": "the index is being rebuilt"}',
        b'{"items": null, "errors": [{"code": 7}]}',
        b'{"errorMessage": "x"}',
        b'{"ok": false}',
        b'{"message": "Internal error"}',
        b'{"items": {"id": 7}}',
        b"[]",
    ],
)
def test_an_error_in_the_place_of_the_list_is_not_an_empty_list(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        fetched(page(body), GOOGLE)


def test_more_to_come_beside_no_list_is_not_the_end() -> None:
    assert fetched(page({"nextPageToken": "b"}), GOOGLE).next_cursor == "b"


def test_a_record_without_a_list_of_its_own_has_an_empty_one_where_that_is_declared() -> None:
    members = HttpSource(
        url=f"{URL}/${{id}}", records="members", paging=OnePage(), omits_empty=True
    )
    source = HttpSource(
        records="items",
        url=URL,
        paging=OnePage(),
        sub_lists=(SubList(source=members, into="members"),),
    )
    network = page({"items": [{"id": "a"}]})
    network.add(httpx.Response(200, json={"kind": "members"}))

    (record,) = fetched(network, source).records

    assert bytes(record) == b'{"id":"a","members":[]}'


# What stands in a page

HALF = rb'"hi \ud83d"'


def test_a_record_that_is_no_json_is_rejected_and_no_other() -> None:
    body = b'{"items": [{"id": "a"}, {"id": %s}, {"n": NaN}], "next_cursor": "b"}' % HALF

    records = fetched(page(body))

    assert len(records.records) == 3
    assert records.faults.keys() == {2, 3}
    assert records.next_cursor == "b"


def test_what_is_not_looked_at_may_be_anything() -> None:
    records = fetched(page(b'{"items": [7], "warning": %s, "next_cursor": "b"}' % HALF))

    assert ([*map(bytes, records.records)], records.faults) == ([b"7"], {})


@pytest.mark.parametrize("field", ["next_cursor", "items"])
def test_what_leads_to_the_next_page_is_not_mended(field: str) -> None:
    content = {"items": b"[7]", "next_cursor": b'"b"', field: HALF}
    body = b'{"items": %s, "next_cursor": %s}' % (content["items"], content["next_cursor"])

    with pytest.raises(UpstreamError):
        fetched(page(body))


def test_a_last_record_by_whose_key_the_list_goes_on_is_not_mended() -> None:
    source = replace(SOURCE, paging=Keyset(path="id", param="after"), since=None)
    whole = b'{"items": [{"id": "a"}, {"id": "b", "t": %s}]}' % HALF
    keyless = b'{"items": [{"id": "a"}, {"id": %s}]}' % HALF

    records = fetched(page(whole), source)
    assert records.faults.keys() == {2}
    assert records.next_cursor == "b"
    with pytest.raises(UpstreamError):
        fetched(page(keyless), source)


def test_a_list_that_is_read_on_goes_on_after_a_record_that_is_read() -> None:
    source = replace(SOURCE, resume=Resume(path="id", param="after"), since=None)
    body = b'{"items": [{"id": "a"}, {"id": %s}], "next_cursor": "b"}' % HALF
    network = page(body)
    first = fetched(network, source)
    network.add(httpx.Response(410), httpx.Response(200, json=LAST))

    fetched(network, source, first.next_cursor)

    assert network.requests[-1].url.params["after"] == "a"


def test_records_by_key_are_mended_too() -> None:
    body = b'{"items": {"a": {"t": %s}, "b": {}}, "next_cursor": null}' % HALF

    records = fetched(page(body), replace(SOURCE, records_key="id"))

    assert records.faults.keys() == {1}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"items": [],, "next_cursor": null}', "(byte 13), where"),
        (b'{"items": [{"id": "a"', "breaks off after 21 bytes with"),
        (b"", "breaks off after 0 bytes"),
        (b")]}'" + b'{"items": []}', "(byte 0), where"),
    ],
)
def test_a_page_that_cannot_be_read_says_where_and_not_that_it_is_a_login(
    body: bytes, says: str
) -> None:
    with pytest.raises(UpstreamError) as error:
        fetched(page(body))
    assert says in str(error.value)
    assert "login" not in str(error.value)
    assert error.value.is_transient


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", "application/json"),
        (b"\n <html>", ""),
        (b"sign in", "text/html; charset=utf-8"),
    ],
)
def test_a_page_of_html_may_be_a_login(body: bytes, kind: str) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.UNREADABLE)):
        fetched(Network(httpx.Response(200, content=body, headers={"content-type": kind})))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_a_page_is_read_in_its_own_encoding(encoding: str) -> None:
    body = '{"items": [{"id": "Zürich"}], "next_cursor": null}'.encode(encoding)
    headers = {"content-type": f"application/json; charset={encoding.removesuffix('-sig')}"}

    (record,) = fetched(Network(httpx.Response(200, content=body, headers=headers))).records

    assert bytes(record).decode() == '{"id": "Zürich"}'


def test_a_rule_reads_a_field_in_the_answers_own_encoding() -> None:
    source = replace(SOURCE, rules=(Rule(status=200, path="ok", value=False, then=Action.WAIT),))

    with pytest.raises(UpstreamError):
        fetched(page('{"ok": false, "items": [], "next_cursor": null}'.encode("utf-8-sig")), source)


def test_a_detail_that_is_no_json_rejects_its_record_alone() -> None:
    source = HttpSource(
        records="items", url=URL, paging=OnePage(), detail=Detail(url=f"{URL}/${{id}}", path="a")
    )
    network = page({"items": [{"id": "a"}, {"id": "b"}, {"id": "c"}]})
    network.on("GET /list/a", httpx.Response(200, content=b'{"a": %s}' % HALF))
    network.on("GET /list/b", httpx.Response(200, content=b'{"a": 7, "other": NaN}'))
    network.on("GET /list/c", httpx.Response(200, content='{"a": "ü"}'.encode("utf-8-sig")))

    records = fetched(network, source)

    assert records.faults.keys() == {1}
    assert [bytes(raw).decode() for raw in records.records[1:]] == ["7", '"ü"']
