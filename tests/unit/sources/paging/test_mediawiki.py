"""Paging as MediaWiki has it, and records that have keys."""

from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from durable.environment import Secret
from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.auth import Bearer
from durable.http.error_rules import Action, Rule
from durable.sources.http import HttpSource
from durable.sources.paging.mediawiki import MediaWikiPaging
from durable.sources.paging.mediawiki_parts import join_parts
from durable.sources.paging.one_page import OnePage
from durable.sources.paging.protocol import Paging
from durable.sources.splice import add_keys
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.paged import URL, check_resumes, counts, items, sizes, some, whole
from tests.fakes.source import context, page_of, read


PARAMS = {"action": "query", "format": "json", "generator": "allpages", "gapfrom": ""}
SOURCE = HttpSource(
    url=URL,
    params=PARAMS,
    records="query/pages",
    records_key="key",
    paging=MediaWikiPaging(size=50, size_param="gaplimit"),
)


@pytest.mark.parametrize("version", [1, 2])
@some
@given(count=counts, size=sizes)
def test_the_continue_object_leads_through_the_list(version: int, count: int, size: int) -> None:
    complete = "" if version == 1 else True
    source = (
        SOURCE
        if version == 1
        else HttpSource(url=URL, params=PARAMS, records="query/pages", paging=MediaWikiPaging())
    )

    def answer(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        assert params.get("gaplimit") == ("50" if version == 1 else None)
        assert (params["action"], params.get("continue", "-||")) == ("query", "-||")
        start = int(params["gapfrom"] or 0)
        page = items(count)[start : start + size]
        pages = page if version == 2 else {f"k{item['id']}": item for item in page}
        content: dict[str, Any] = {"batchcomplete": complete}
        if page:
            content["query"] = {"pages": pages}
        if start + size < count:
            content["continue"] = {"gapfrom": start + size, "continue": "-||"}
        return httpx.Response(200, json=content)

    keys = [{"key": f"k{item['id']}"} for item in items(count)]
    expected = [item | key for item, key in zip(items(count), keys, strict=True)]
    check_resumes(source, answer, expected if version == 1 else items(count))


def answered(content: Any, cursor: str | None = None, **headers: str) -> Any:
    network = Network(httpx.Response(200, json=content, headers=headers))
    return page_of(SOURCE, network, cursor)


COMPLETE = {"batchcomplete": ""}
LATER = '{"gapfrom":"B"}'


def test_the_cursor_is_the_continue_object() -> None:
    page = answered({**COMPLETE, "continue": {"gapfrom": "B", "sroffset": 10}})

    assert page.next_cursor == '{"gapfrom":"B","sroffset":10}'
    assert page.records == []


@pytest.mark.parametrize("complete", [{}, {"batchcomplete": False}])
def test_an_answer_that_is_not_complete_and_does_not_go_on_is_refused(
    complete: dict[str, Any],
) -> None:
    content = {"query": {"pages": {"1": {"title": "A"}}}, **complete}

    with pytest.raises(UpstreamError, check=caused_by(Cause.INCOMPLETE)) as error:
        answered(content)

    assert not error.value.is_transient


@pytest.mark.parametrize("value", [None, "x", [], {"a": None}, {"a": []}, {"a": 1.5}], ids=repr)
def test_a_continue_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(UpstreamError, match="continue", check=caused_by(Cause.UNREADABLE)):
        answered({**COMPLETE, "continue": value})


def test_a_query_without_the_records_is_not_of_the_shape() -> None:
    """A misspelt path would otherwise be an empty wiki."""
    with pytest.raises(UpstreamError, match="pages", check=caused_by(Cause.UNREADABLE)):
        answered({**COMPLETE, "query": {"allpages": []}})
    with pytest.raises(UpstreamError, match="query", check=caused_by(Cause.UNREADABLE)):
        answered({**COMPLETE, "query": None})


def test_the_continue_object_of_this_very_page_is_refused() -> None:
    with pytest.raises(UpstreamError, match="continue", check=caused_by(Cause.BAD_CURSOR)):
        answered({**COMPLETE, "continue": {"gapfrom": "B"}}, LATER)


@pytest.mark.parametrize("cursor", ["abc", "", "7", "[]", '{"a":null}'])
def test_a_cursor_of_another_kind_of_paging_is_refused(cursor: str) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)) as error:
        answered(COMPLETE, cursor)

    assert error.value.recourse is Recourse.RESTART


@pytest.mark.parametrize(
    ("code", "first_may_pass"),
    [("badtoken", False), ("maxlag", True), ("ratelimited", True), ("internal_api_error_X", True)],
)
@pytest.mark.parametrize("beside", [{}, COMPLETE, {"query": {}}])
def test_an_error_in_an_answer_of_200_is_quoted(
    code: str, beside: dict[str, Any], *, first_may_pass: bool
) -> None:
    content = {"error": {"code": code, "info": "Waiting for a host"}, **beside}

    with pytest.raises(UpstreamError) as first:
        answered(content)
    with pytest.raises(UpstreamError) as later:
        answered(content, LATER, **{"retry-after": "5"})

    assert first.value.cause is Cause.REFUSED
    assert f"{code}: Waiting for a host" in str(first.value)
    assert (first.value.is_transient, later.value.is_transient) == (first_may_pass, True)
    assert later.value.retry_after == "5"


def test_a_continue_that_has_expired_begins_the_list_anew() -> None:
    with pytest.raises(UpstreamError) as error:
        answered({"error": {"code": "badcontinue"}}, LATER)

    assert (error.value.is_transient, error.value.recourse) == (False, Recourse.RESTART)


@pytest.mark.parametrize(
    "code",
    [
        *("readapidenied", "permissiondenied", "badaccess-groups", "notloggedin", "blocked"),
        *("mustbeloggedin-generic", "assertuserfailed", "mwoauth-invalid-authorization"),
    ],
)
@pytest.mark.parametrize("cursor", [None, LATER])
def test_whoever_may_not_read_is_told_so_at_once_with_the_secret(
    code: str, cursor: str | None
) -> None:
    source = replace(SOURCE, auth=Bearer(Secret("WIKI_TOKEN")))
    for content in (
        {"error": {"code": code, "info": "no"}},
        {"errors": [{"code": code, "text": "no"}]},
        {"error": {"code": code, "info": "no"}, **COMPLETE},
    ):
        with pytest.raises(UpstreamError, match=f"{code}: no, check the secret WIKI_TOK") as error:
            page_of(source, Network(httpx.Response(200, json=content)), cursor, WIKI_TOKEN="t")
        assert not error.value.is_transient


@pytest.mark.parametrize("error", [None, "x", {}, []], ids=repr)
def test_an_error_of_another_form_is_no_page_either(error: object) -> None:
    with pytest.raises(UpstreamError):
        answered({"error": error, **COMPLETE})


@pytest.mark.parametrize(
    ("declare", "fault"),
    [
        (lambda: MediaWikiPaging(size=5), "MediaWikiPaging: size_param=''"),
        (lambda: MediaWikiPaging(size=0, size_param="x"), "MediaWikiPaging: size=0"),
        (
            lambda: HttpSource(records="items", url=URL, paging=MediaWikiPaging(), body={}),
            "MediaWiki takes no JSON",
        ),
        (
            lambda: HttpSource(
                records="items", url=URL, paging=MediaWikiPaging(), params={"format": "xml"}
            ),
            "format='xml'",
        ),
        (
            lambda: HttpSource(
                records="items",
                url=URL,
                paging=MediaWikiPaging(size=5, size_param="gaplimit"),
                params={"gaplimit": "max"},
            ),
            "'gaplimit' is in the source's params too",
        ),
    ],
)
def test_a_declaration_that_is_not_right_is_refused(declare: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        declare()


# Records that have keys


def of_one_page(body: bytes, paging: Paging, key: str) -> list[bytes]:
    source = HttpSource(url=URL, records="by/id", records_key=key, paging=paging)
    page = page_of(source, Network(httpx.Response(200, content=body)))
    return [bytes(raw) for raw in page.records]


def test_each_record_has_its_key() -> None:
    body = b'{"by": {"id": {"a/b \\" \xc3\xa9": {"n": 1.50 } , "c":{}, "d": { }}}}'

    assert of_one_page(body, OnePage(), "k\u00e9y") == [
        '{"n": 1.50,"k\u00e9y":"a/b \\" \u00e9"}'.encode(),
        '{"k\u00e9y":"c"}'.encode(),
        '{"k\u00e9y":"d"}'.encode(),
    ]


def test_the_key_takes_the_place_of_a_field_of_its_name() -> None:
    (record,) = add_keys({"a": Raw(b'{"id": 7, "x": 1}')}, "id")

    assert msgspec.json.decode(record) == {"id": "a", "x": 1}


fields = st.dictionaries(st.text(max_size=3), st.integers(), max_size=3)


@given(records=st.dictionaries(st.text(max_size=3), fields, max_size=3), key=st.text(min_size=1))
def test_whatever_the_names_are(records: dict[str, dict[str, int]], key: str) -> None:
    raw = {name: Raw(msgspec.json.encode(record)) for name, record in records.items()}

    found = [msgspec.json.decode(record) for record in add_keys(raw, key)]

    assert found == [{**record, key: name} for name, record in records.items()]


@pytest.mark.parametrize("record", [b"null", b"7", b'"x"', b"[]"])
def test_a_record_that_has_no_place_for_its_key_is_refused(record: bytes) -> None:
    with pytest.raises(UpstreamError, match="'a'", check=caused_by(Cause.UNREADABLE)):
        of_one_page(b'{"by": {"id": {"a": ' + record + b"}}}", OnePage(), "key")


def test_no_records_may_be_an_empty_list() -> None:
    assert of_one_page(b'{"by": {"id": []}}', OnePage(), "key") == []
    with pytest.raises(UpstreamError, match="records_key", check=caused_by(Cause.UNREADABLE)):
        of_one_page(b'{"by": {"id": [{}]}}', OnePage(), "key")


@pytest.mark.parametrize("records", [b"null", b"7", b'"x"'])
def test_records_that_are_neither_are_refused(records: bytes) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.UNREADABLE)):
        of_one_page(b'{"by": {"id": ' + records + b"}}", OnePage(), "key")


# Pages that several answers tell of


def in_parts(request: httpx.Request) -> httpx.Response:
    """Two batches of two pages, each told of in three answers: links, and then texts."""
    params = request.url.params
    assert params["action"] == "query"
    names = {"": "AB", "C": "CD"}[params["gapfrom"]]
    part = int(params.get("plcontinue", 0))
    pages: dict[str, Any] = {name: {"pageid": ord(name), "title": name} for name in names}
    if part < 2:
        pages[names[part]] |= {"links": [{"title": f"{names[part]} {part}"}]}
        pages[names[0]] |= {"links": [*pages[names[0]].get("links", []), {"title": str(part)}]}
    else:
        pages[names[1]] |= {"extract": "text", "info": {"touched": 7}}
    content: dict[str, Any] = {"query": {"pages": pages}}
    if part < 2:
        content["continue"] = {"gapfrom": params["gapfrom"], "plcontinue": part + 1}
    else:
        content["batchcomplete"] = ""
        content |= {"continue": {"gapfrom": "C"}} if names == "AB" else {}
    return httpx.Response(200, json=content)


def whole_page(name: str, *links: str, **more: Any) -> dict[str, Any]:
    told = {"links": [{"title": link} for link in links]} if links else {}
    return {"pageid": ord(name), "title": name, **told, **more, "key": name}


def test_the_answers_of_one_batch_are_put_together() -> None:
    text = {"extract": "text", "info": {"touched": 7}}
    expected = [
        whole_page("A", "A 0", "0", "1"),
        whole_page("B", "B 1", **text),
        whole_page("C", "C 0", "0", "1"),
        whole_page("D", "D 1", **text),
    ]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params.get("plcontinue", ""))
        return in_parts(request)

    check_resumes(SOURCE, answer, expected)
    assert asked == ["", "1", "2"] * 4


def test_a_batch_that_does_not_come_to_its_end_is_refused() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        at = int(request.url.params.get("plcontinue", 0))
        return httpx.Response(
            200, json={"query": {"pages": {}}, "continue": {"plcontinue": at + 1}}
        )

    with pytest.raises(UpstreamError, check=caused_by(Cause.INCOMPLETE)):
        whole(SOURCE, answer)


def test_an_end_in_the_middle_of_a_batch_is_no_end() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        is_part = "plcontinue" in request.url.params
        return httpx.Response(204) if is_part else in_parts(request)

    source = replace(SOURCE, rules=(Rule(status=204, then=Action.END),))
    with pytest.raises(UpstreamError, check=caused_by(Cause.INCOMPLETE)):
        whole(source, answer)


def test_a_batch_that_is_too_large_in_all_its_answers_is_asked_for_in_half_the_size() -> None:
    sizes: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        params = request.url.params
        size, part = int(params["gaplimit"]), params.get("part", "")
        sizes.append(size)
        pages = {str(at): {"pageid": at, f"p{part}": "x" * 100} for at in range(min(size, 9))}
        done = {"batchcomplete": ""} if part else {"continue": {"part": "2"}}
        return httpx.Response(200, json={"query": {"pages": pages}, **done})

    reader = SOURCE.reader(context(httpx.MockTransport(answer), page_bytes_max=1_500))

    assert len(read(reader).records) == 3
    assert sizes == [50, 50, 25, 25, 12, 12, 6, 6, 3, 3]


@given(st.lists(st.text(max_size=3), unique=True), st.lists(st.text(max_size=3), unique=True))
def test_no_page_of_either_answer_is_lost(first: list[str], second: list[str]) -> None:
    def raws(titles: list[str], field: str) -> list[Raw]:
        return [Raw(msgspec.json.encode({"title": title, field: 1})) for title in titles]

    pages = [msgspec.json.decode(raw) for raw in join_parts(raws(first, "a"), raws(second, "b"))]

    assert [page["title"] for page in pages] == list(dict.fromkeys([*first, *second]))
    assert {page["title"] for page in pages if "a" in page} == set(first)
    assert {page["title"] for page in pages if "b" in page} == set(second)
