"""Depth and numbers at the doors by which a source, Glean or an author's code sends something."""

from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Raw

from durable.decoding import DEPTH_MAX, EXACT_MAX, UnboundedError, decode
from durable.errors import UpstreamError
from durable.glean.status_report import holdings
from durable.http.client import Answer
from durable.sources.backend_report import RunOutcome, report_of
from durable.sources.belonging import Fault, put
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor
from durable.sources.paging.offset import PageNumber
from durable.sources.python import PythonSource
from durable.sources.python_output import encode_records, next_cursor
from durable.sources.python_request import FetchRequest, SourcePage
from durable.sources.resume import ResumePosition, position_of
from durable.sources.source import Records
from tests.fakes.network import Network
from tests.fakes.source import context, read


URL = "https://notes.example/list"
DEEP = "[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1)
HALF = "[" * (DEPTH_MAX // 2) + "]" * (DEPTH_MAX // 2)
TOO_LARGE = [str(EXACT_MAX + 1), str(-EXACT_MAX - 1), "1" + "0" * 30, "1e30", "1e400", "9" * 5_000]


def fetched(source: Any, body: str, cursor: str | None = None) -> Records:
    answer = httpx.Response(200, content=body.encode())
    return read(source.reader(context(Network(answer))), cursor)


def fault(source: Any, body: str, cursor: str | None = None) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        fetched(source, body, cursor)
    return caught.value


@pytest.mark.parametrize("cursor", [None, "2"])
@pytest.mark.parametrize(
    "body",
    [
        f'{{"items": [{DEEP}], "next_cursor": null}}',
        f'{{"x": {DEEP}, "items": [], "next_cursor": null}}',
        DEEP,
        DEEP[:-1],
    ],
)
def test_a_page_that_is_nested_too_deep_is_refused_for_good(body: str, cursor: str | None) -> None:
    error = fault(HttpSource(records="items", url=URL, paging=BodyCursor()), body, cursor)

    assert not error.is_transient
    assert str(DEPTH_MAX) in str(error)


@pytest.mark.parametrize("number", TOO_LARGE)
@pytest.mark.parametrize(
    "source",
    [
        HttpSource(records="items", url=URL, paging=BodyCursor(), total="total"),
        HttpSource(records="items", url=URL, paging=PageNumber(total_pages="total")),
    ],
    ids=["total", "total_pages"],
)
def test_a_count_that_javascript_does_not_have_is_refused_by_its_name(
    source: HttpSource, number: str
) -> None:
    error = fault(source, f'{{"items": [{{}}], "next_cursor": "2", "total": {number}}}')

    assert "`$.total`" in str(error)
    assert not error.is_transient


def test_the_largest_count_that_javascript_has_is_read() -> None:
    source = HttpSource(records="items", url=URL, paging=BodyCursor(), total="total")

    page = fetched(source, f'{{"items": [1], "next_cursor": "2", "total": {EXACT_MAX}}}')

    assert page.total_count == EXACT_MAX


def test_a_cursor_of_any_length_of_digits_is_a_text() -> None:
    """Some are numbers of 64 bits, and are sent back as they came."""
    source = HttpSource(records="items", url=URL, paging=BodyCursor())

    page = fetched(source, '{"items": [], "next_cursor": 1374004777531007833}')

    assert page.next_cursor == "1374004777531007833"


@pytest.mark.parametrize("field", ["total_count", "wait_ms"])
@pytest.mark.parametrize("number", [EXACT_MAX + 1, 10**30, True, 1.5, float("inf"), float("nan")])
def test_what_an_authors_code_counts_is_bounded_too(field: str, number: Any) -> None:
    async def fetch(_request: FetchRequest) -> SourcePage:
        return SourcePage(records=[], **{field: number})

    assert field in str(fault(PythonSource(url=URL, fetch=fetch), ""))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_what_an_authors_code_gives_is_no_deeper_than_what_is_read() -> None:
    assert len(encode_records([nested(DEPTH_MAX)], 10_000)[0]) == 1
    assert next_cursor(nested(DEPTH_MAX), None)

    for given in (nested(DEPTH_MAX + 1), {"raw": Raw(DEEP.encode())}):
        with pytest.raises(UpstreamError, match=str(DEPTH_MAX)):
            encode_records([given], 10_000)
    with pytest.raises(UpstreamError, match=str(DEPTH_MAX)):
        next_cursor(nested(DEPTH_MAX + 1), None)


def test_two_parts_that_are_too_deep_together_are_a_fault_of_that_record() -> None:
    record = Raw(f'{{"x": {HALF}}}'.encode())

    assert isinstance(put(record, "y", HALF.encode()), Raw)
    for _ in range(3):
        whole = put(record, "y", b"[" + bytes(record) + b"]")
        if isinstance(whole, Fault):
            break
        record = Raw(f'{{"x": {HALF[: len(HALF) // 2]}'.encode() + bytes(whole) + b"]" * 250 + b"}")
    assert isinstance(whole, Fault)
    assert str(DEPTH_MAX) in str(whole.reason)


def test_a_cursor_that_looks_like_json_is_a_text() -> None:
    """Of a crawl that began before the source was told how to resume, it is the paging's own."""
    for text in ("[" * 8_000, '{"listed":' * 800, '{"listed": null, "x": ' + DEEP + "}"):
        assert position_of(text) == ResumePosition(listed=text)


def test_a_backends_answer_that_is_nested_too_deep_is_none_that_is_understood() -> None:
    report = report_of(Answer(headers={}, body=f'{{"status": "failed", "x": {DEEP}}}'.encode()))

    assert (report.outcome, report.is_json) == (RunOutcome.UNKNOWN, False)


@pytest.mark.parametrize("number", TOO_LARGE)
def test_gleans_counts_are_bounded(number: str) -> None:
    body = f'{{"documents": {{"counts": {{"indexed": [{{"count": {number}}}]}}}}}}'

    with pytest.raises(UpstreamError, match=r"\$\.documents\.counts\.indexed\[0\]\.count"):
        holdings(body.encode(), "u")


def test_gleans_counts_are_bounded_together() -> None:
    counts = [{"count": EXACT_MAX}, {"count": EXACT_MAX}]

    found = holdings(msgspec.json.encode({"documents": {"counts": {"indexed": counts}}}), "u")

    assert found.indexed_count is None


@pytest.mark.parametrize("state", [[], {}, [1], {"a": 1}, 7, 1.5, True, None])
def test_whatever_stands_where_glean_has_a_state_is_none(state: object) -> None:
    history = [{"uploadId": "u", "processingState": state, "endTime": state}]
    body = msgspec.json.encode({"documents": {"bulkUploadHistory": history}})

    assert holdings(body, "u").upload_state == ""


def test_an_answer_that_an_author_decodes_is_bounded() -> None:
    async def fetch(request: FetchRequest) -> SourcePage:
        return SourcePage((await request.client.get("/")).json())

    error = fault(PythonSource(url=URL, fetch=fetch), DEEP)

    assert not error.is_transient
    assert str(DEPTH_MAX) in str(error)


def test_what_is_refused_is_refused_as_of_another_shape() -> None:
    """So that whoever tells the two from another, does not wait for what stays as it is."""
    with pytest.raises(msgspec.ValidationError):
        decode(DEEP)
    assert issubclass(UnboundedError, msgspec.DecodeError)
