import asyncio

import httpx
import pytest
from msgspec import Raw
from msgspec.structs import replace

from durable.environment import Secret
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.http.auth import Bearer
from durable.http.error_rules import Action, Rule
from durable.sources.belonging import Missing
from durable.sources.completion import REQUESTS_AT_ONCE, Completion
from durable.sources.detail import Detail
from durable.sources.http import HttpSource
from durable.sources.nested import Nested
from durable.sources.source import Records
from durable.sources.sub_list import EMPTY_PAGES_MAX, SubList, SubListReader
from tests.fakes.source import a_crawl, context, page_of
from tests.fakes.wiki import COMMENTS, CURSOR, PAGES, SPACES, URL, Wiki, decoded, pages_of


LIST = HttpSource(records="items", url=f"{URL}/spaces/a/pages", paging=CURSOR)
DETAIL = Detail(url=f"{URL}/pages/${{id}}", path="data")
DETAILED = replace(LIST, detail=DETAIL)
MEMBERS = replace(COMMENTS, url=f"{URL}/pages/${{id}}/comments")
GATHER = SubList(source=MEMBERS, into="comments")
GATHERED = replace(LIST, sub_lists=(GATHER,))


def a_wiki(count: int = 3, size: int = 10) -> Wiki:
    pages = {f"a{n}": [f"a{n}{comment}" for comment in range(n)] for n in range(count)}
    return Wiki({"a": pages}, size)


def fault(
    source: HttpSource, wiki: httpx.AsyncBaseTransport, page_bytes_max: int = 100_000
) -> UpstreamError:
    reader = source.reader(context(wiki, page_bytes_max=page_bytes_max))
    with pytest.raises(UpstreamError) as error:
        asyncio.run(reader.fetch(None, a_crawl()))
    return error.value


def shown(page: Records) -> list[tuple[str, str | None]]:
    """Records by id, with why they are rejected."""
    named = enumerate((record["id"] for record in decoded(page)), start=1)
    return [(name, page.faults.get(place, "")) for place, name in named]


def test_a_detail_takes_the_records_place() -> None:
    page = page_of(DETAILED, a_wiki())

    assert decoded(page) == [{"id": f"a{n}", "text": f"about a{n}"} for n in range(3)]
    assert page.request_count == 4


def test_a_detail_is_put_into_a_field() -> None:
    page = page_of(replace(LIST, detail=replace(DETAIL, into="page", path="data/text")), a_wiki())

    assert decoded(page) == [{"id": f"a{n}", "page": f"about a{n}"} for n in range(3)]


def test_the_whole_answer_is_a_detail_too() -> None:
    page = page_of(replace(LIST, detail=replace(DETAIL, path="")), a_wiki(count=1))

    assert decoded(page) == [{"data": {"id": "a0", "text": "about a0"}}]


def test_a_page_resumes_with_its_details() -> None:
    wiki = a_wiki(count=5, size=2)

    pages = [*pages_of(DETAILED, wiki)]

    assert [record["text"] for page in pages for record in decoded(page)] == [
        f"about a{n}" for n in range(5)
    ]


def test_a_few_are_asked_for_at_a_time_and_keep_their_order() -> None:
    wiki = a_wiki(count=30, size=30)

    page = page_of(DETAILED, wiki)

    assert [record["id"] for record in decoded(page)] == [f"a{n}" for n in range(30)]
    assert wiki.most == REQUESTS_AT_ONCE


def test_bytes_are_those_of_the_list_and_all_details() -> None:
    alone = page_of(LIST, a_wiki()).byte_count

    page = page_of(DETAILED, a_wiki())

    assert page.byte_count == alone + 3 * len('{"data":{"id":"a0","text":"about a0"}}')


def test_a_page_that_details_make_too_large_is_refused() -> None:
    error = fault(DETAILED, a_wiki(count=20, size=20), page_bytes_max=800)

    assert (error.cause, error.is_transient) == (Cause.TOO_LARGE, False)


def test_a_detail_is_asked_for_with_the_sources_proof_and_parameters() -> None:
    source = replace(
        LIST,
        auth=Bearer(Secret("TOKEN")),
        detail=replace(DETAIL, params={"of": "${id}"}, headers={"x-view": "full"}),
    )
    wiki = a_wiki(count=1)

    page_of(source, wiki, TOKEN="t0ken")

    request = wiki.requests[1]
    assert request.url.params["of"] == "a0"
    assert (request.headers["x-view"], request.headers["authorization"]) == ("full", "Bearer t0ken")


def test_a_variable_stands_in_a_details_url() -> None:
    source = replace(LIST, detail=replace(DETAIL, url="${WIKI}/pages/${id}"))

    assert page_of(source, a_wiki(), WIKI=URL).request_count == 4
    with pytest.raises(ConfigurationError, match="the variable WIKI is not set"):
        source.reader(context(a_wiki()))


# Where there is no detail


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize(
    ("missing", "reasons"),
    [
        (Missing.REJECT, ["", "the source answered {}: gone", ""]),
        (Missing.LEAVE_OUT, ["", None, ""]),
        (Missing.KEEP, ["", "", ""]),
    ],
)
def test_a_detail_that_is_gone_is_as_declared(
    missing: Missing, reasons: list[str | None], status: int
) -> None:
    wiki = a_wiki()
    wiki.refusals["/pages/a1"] = httpx.Response(status, text="gone")

    page = page_of(replace(LIST, detail=replace(DETAIL, missing=missing)), wiki)

    expected = [reason if reason is None else reason.format(status) for reason in reasons]
    assert shown(page) == [*zip(["a0", "a1", "a2"], expected, strict=True)]
    assert page.request_count == 4


def test_a_detail_that_is_gone_may_fail_the_page() -> None:
    wiki = a_wiki()
    wiki.refusals["/pages/a1"] = httpx.Response(404)

    error = fault(replace(LIST, detail=replace(DETAIL, missing=Missing.FAIL)), wiki)

    assert (error.status, error.is_transient) == (404, False)


SKIPPING = (Rule(status=403, then=Action.SKIP),)


def test_a_rule_may_set_a_record_aside_for_its_detail() -> None:
    wiki = a_wiki()
    wiki.refusals["/pages/a1"] = httpx.Response(403, text="not for you")

    page = page_of(replace(DETAILED, rules=SKIPPING), wiki)

    assert [name for name, reason in shown(page) if reason] == ["a1"]
    assert "answered 403" in str(page.faults[2])


@pytest.mark.parametrize("answers", [[403], [200, 403]], ids=["at its start", "halfway"])
def test_a_rule_may_set_a_record_aside_for_its_list(answers: list[int]) -> None:
    wiki = a_wiki()
    page_of_list = {"items": [{"id": "x"}], "next_cursor": "2"}
    wiki.refusals["/pages/a1/comments"] = [
        httpx.Response(status, json=page_of_list) for status in answers
    ]
    sub_list = replace(GATHER, source=replace(MEMBERS, rules=SKIPPING), missing=Missing.FAIL)

    page = page_of(replace(LIST, sub_lists=(sub_list,)), wiki)

    assert [name for name, reason in shown(page) if reason] == ["a1"]


def test_a_rule_may_set_a_parent_aside_for_its_children() -> None:
    wiki = a_wiki()
    wiki.spaces["b"] = {"b0": []}
    wiki.refusals["/spaces/a/pages"] = httpx.Response(403)
    source = Nested(parents=SPACES, children=replace(PAGES, rules=SKIPPING), name="space")

    page = page_of(source, wiki)

    assert [(name, bool(reason)) for name, reason in shown(page)] == [("a", True), ("b0", False)]


def test_a_detail_that_is_refused_otherwise_fails_the_page_and_nothing_more_is_asked() -> None:
    wiki = a_wiki(count=50, size=50)
    wiki.refusals["/pages/a1"] = httpx.Response(429, headers={"retry-after": "7"})

    error = fault(DETAILED, wiki)

    assert (error.status, error.retry_after, error.is_transient) == (429, "7", True)
    assert len(wiki.requests) <= 1 + 2 * REQUESTS_AT_ONCE


def test_a_detail_that_is_not_json_may_pass() -> None:
    wiki = a_wiki()
    wiki.refusals["/pages/a1"] = httpx.Response(200, text="<html>")

    error = fault(DETAILED, wiki)

    assert (error.cause, error.is_transient) == (Cause.UNREADABLE, True)


def test_a_detail_of_another_shape_rejects_its_record() -> None:
    wiki = a_wiki()
    wiki.answers["/pages/a1"] = {"error": "no"}

    assert "not of the declared shape" in str(shown(page_of(DETAILED, wiki))[1][1])


def test_a_record_without_the_field_that_is_asked_with_is_rejected() -> None:
    wiki = a_wiki()
    wiki.answers["/spaces/a/pages"] = {"items": [{"id": "a0"}, {"n": 1}], "next_cursor": None}

    page = page_of(DETAILED, wiki)

    assert "has no id" in str(page.faults[2])
    assert page.request_count == 2


def test_for_a_record_that_was_rejected_before_nothing_is_asked() -> None:
    class Refusing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise AssertionError(request.url)

    around = context(Refusing())
    sub_list = SubListReader(GATHER, around, frozenset({""}))
    page = Records(
        records=[Raw(b'{"id": "a"}'), Raw(b'{"id": "b"}')],
        next_cursor=None,
        byte_count=1,
        faults={1: "a reason", 2: None},
    )

    completed = asyncio.run(Completion(None, [sub_list], 100).complete_page(page, a_crawl(), {}))

    assert (completed.records, completed.faults) == (page.records, page.faults)


# A record's own link


LINKED = replace(LIST, detail=Detail(url="${links/self}", path="data"))


def linked(link: str) -> Wiki:
    wiki = a_wiki()
    wiki.answers["/spaces/a/pages"] = {
        "items": [{"id": "a0", "links": {"self": link}}],
        "next_cursor": None,
    }
    return wiki


@pytest.mark.parametrize("link", ["/pages/a0", f"{URL}/pages/a0", "../../pages/a0"])
def test_a_records_own_link_is_followed(link: str) -> None:
    assert decoded(page_of(LINKED, linked(link))) == [{"id": "a0", "text": "about a0"}]


@pytest.mark.parametrize("link", ["https://inside.example/a0", "//inside.example/", "http:x"])
def test_a_link_to_another_server_is_not_followed(link: str) -> None:
    wiki = linked(link)

    assert fault(LINKED, wiki).cause is Cause.BAD_LINK
    assert {request.url.host for request in wiki.requests} == {"wiki.example"}


# Lists of its own


def test_all_pages_of_a_list_are_put_into_the_record() -> None:
    wiki = a_wiki(count=5, size=2)

    pages = [*pages_of(GATHERED, wiki)]

    assert [record for page in pages for record in decoded(page)] == [
        {"id": f"a{n}", "comments": [{"id": f"a{n}{m}"} for m in range(n)]} for n in range(5)
    ]
    assert sum(page.request_count for page in pages) == len(wiki.requests)


def test_a_list_is_read_whole_whatever_has_changed() -> None:
    wiki = a_wiki()
    changing = replace(GATHER, source=replace(PAGES, url=f"{URL}/pages/${{id}}/comments"))

    page_of(replace(LIST, sub_lists=(changing,)), wiki, since_ms=0)

    assert all("updated_since" not in request.url.params for request in wiki.requests)


def test_lists_are_asked_for_after_the_detail_and_with_its_fields() -> None:
    detail = replace(DETAIL, path="")
    sub_list = replace(GATHER, source=replace(COMMENTS, url=f"{URL}/pages/${{data/id}}/comments"))

    page = page_of(replace(LIST, detail=detail, sub_lists=(sub_list,)), a_wiki())

    assert [len(record["comments"]) for record in decoded(page)] == [0, 1, 2]


@pytest.mark.parametrize(("count", "is_taken"), [(3, True), (4, False)])
@pytest.mark.parametrize("size", [1, 10])
def test_a_list_that_is_too_long_says_what_helps(count: int, size: int, *, is_taken: bool) -> None:
    wiki = Wiki({"a": {"a0": [str(n) for n in range(count)]}}, size)
    source = replace(LIST, sub_lists=(replace(GATHER, records_max=3),))

    if is_taken:
        assert len(decoded(page_of(source, wiki))[0]["comments"]) == count
        return
    error = fault(source, wiki)
    assert error.cause is Cause.TOO_LARGE
    assert not error.is_transient


def test_of_a_list_that_is_too_long_no_more_is_asked_for() -> None:
    wiki = Wiki({"a": {"a0": [str(n) for n in range(40)]}}, size=4)

    fault(replace(LIST, sub_lists=(replace(GATHER, records_max=3),)), wiki)

    assert len(wiki.requests) == 2


def test_a_list_of_nothing_but_empty_pages_comes_to_an_end() -> None:
    wiki = a_wiki(count=1)
    answers = [httpx.Response(200, json={"items": [], "next_cursor": str(n)}) for n in range(999)]
    wiki.refusals["/pages/a0/comments"] = [*answers]

    error = fault(replace(LIST, sub_lists=(GATHER,)), wiki)

    assert error.cause is Cause.ENDLESS
    assert len(wiki.requests) == 1 + EMPTY_PAGES_MAX + 1


@pytest.mark.parametrize(
    ("missing", "reason", "comments"),
    [
        (Missing.REJECT, "the source answered 404: gone", None),
        (Missing.LEAVE_OUT, None, None),
        (Missing.KEEP, "", []),
    ],
)
def test_a_list_that_is_gone_is_as_declared(
    missing: Missing, reason: str | None, comments: list[str] | None
) -> None:
    wiki = a_wiki()
    wiki.refusals["/pages/a1/comments"] = httpx.Response(404, text="gone")

    page = page_of(replace(LIST, sub_lists=(replace(GATHER, missing=missing),)), wiki)

    assert shown(page)[1] == ("a1", reason)
    assert decoded(page)[1].get("comments") == comments


def test_a_list_that_is_gone_halfway_is_not_taken_for_whole() -> None:
    wiki = a_wiki(count=4, size=2)
    content = {"items": [{"id": "x"}], "next_cursor": "2"}
    answers = [httpx.Response(200, json=content), httpx.Response(404)]
    again = [httpx.Response(200, json=content), httpx.Response(404)]
    wiki.refusals["/pages/a0/comments"] = [*answers, *again]

    assert (
        fault(replace(LIST, sub_lists=(replace(GATHER, missing=Missing.KEEP),)), wiki).status == 404
    )


def test_the_total_of_a_list_is_checked() -> None:
    wiki = a_wiki()
    wiki.extra = {"total": 9}
    sub_list = replace(GATHER, source=replace(MEMBERS, total="total"))

    error = fault(replace(LIST, sub_lists=(sub_list,)), wiki)

    assert error.cause is Cause.BAD_COUNT
    pages = [*pages_of(replace(LIST, sub_lists=(sub_list,)), a_wiki(count=6, size=2))]
    assert [len(record["comments"]) for page in pages for record in decoded(page)] == [*range(6)]


def test_a_member_that_is_rejected_rejects_its_record() -> None:
    wiki = a_wiki()
    member = replace(MEMBERS, detail=Detail(url=f"{URL}/nowhere/${{id}}"))

    page = page_of(replace(LIST, sub_lists=(replace(GATHER, source=member),)), wiki)

    assert str(page.faults[2]).startswith("one of its comments: the source answered 404")
    assert 1 not in page.faults


def test_a_member_that_is_left_out_is_not_in_the_list() -> None:
    wiki = a_wiki()
    detail = Detail(url=f"{URL}/nowhere/${{id}}", missing=Missing.LEAVE_OUT)
    wiki.answers["/nowhere/a20"] = {"id": "kept"}

    page = page_of(
        replace(LIST, sub_lists=(replace(GATHER, source=replace(MEMBERS, detail=detail)),)), wiki
    )

    assert [record["comments"] for record in decoded(page)] == [[], [], [{"id": "kept"}]]


def test_a_pause_that_the_list_of_a_record_asks_for_is_the_pages() -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"}
    wiki = a_wiki()
    comments = httpx.Response(200, json={"items": [], "next_cursor": None}, headers=headers)
    wiki.refusals["/pages/a0/comments"] = comments

    page = page_of(GATHERED, wiki)

    assert page.wait_ms == 30_000
    assert page.wait_reason == "the source's header x-ratelimit-remaining asks for a pause"


def test_the_secrets_of_a_list_are_the_sources() -> None:
    source = replace(
        GATHERED,
        auth=Bearer(Secret("ONE")),
        sub_lists=(replace(GATHER, source=replace(COMMENTS, auth=Bearer(Secret("TWO")))),),
    )

    assert source.secrets() == {"ONE", "TWO"}
    assert replace(DETAILED, auth=Bearer(Secret("ONE"))).secrets() == {"ONE"}


def test_a_gather_names_its_field() -> None:
    with pytest.raises(ConfigurationError, match="into"):
        replace(GATHER, into="")


# Within spaces


def test_what_is_nested_may_have_details_and_lists_that_know_the_parent() -> None:
    detail = Detail(url=f"{URL}/spaces/${{space/id}}/pages/${{id}}", path="data", into="detail")
    sub_list = replace(
        GATHER, source=replace(COMMENTS, url=f"{URL}/${{space/id}}/${{id}}/comments")
    )
    source = Nested(
        parents=SPACES, children=replace(PAGES, detail=detail, sub_lists=(sub_list,)), name="space"
    )
    wiki = a_wiki(count=1)
    wiki.answers["/spaces/a/pages/a0"] = {"data": 1}
    wiki.answers["/a/a0/comments"] = {"items": [2], "next_cursor": None}

    page = page_of(source, wiki)

    space = {"id": "a", "name": "The a"}
    assert decoded(page) == [{"id": "a0", "detail": 1, "comments": [2], "space": space}]
    assert page.request_count == 4


def test_a_parent_that_is_rejected_is_told_and_its_children_are_not_asked_for() -> None:
    spaces = replace(SPACES, detail=Detail(url=f"{URL}/about/${{id}}", into="about"))
    source = Nested(parents=spaces, children=PAGES, name="space", keep=("id",))
    wiki = a_wiki(count=1)
    wiki.spaces["b"] = {"b0": []}
    wiki.answers["/about/b"] = "b"

    page = page_of(source, wiki)

    assert shown(page) == [("b0", ""), ("a", "the source answered 404: no /about/a")]
    assert "/spaces/a/pages" not in wiki.paths
