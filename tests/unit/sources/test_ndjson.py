"""A list of JSON lines, read as a stream over many pages and turns."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.error_rules import Action, Rule
from durable.sources.marks import Mark
from durable.sources.ndjson import NdjsonReader, NdjsonSource
from durable.sources.newest_first import NewestFirst
from durable.sources.paging.param_location import ParamLocation
from durable.sources.since import Since
from durable.sources.source import Records
from durable.sources.times import TimeFormat
from tests.fakes.environment import an_environment
from tests.fakes.listing import Body, Listing
from tests.fakes.paged import URL, a_reader, at_once, check_resumes, decoded, some, whole
from tests.fakes.source import a_crawl, context


STRONG = {"etag": '"v1"', "accept-ranges": "bytes"}
DATED = {
    "last-modified": "Tue, 24 Nov 2026 01:00:00 GMT",
    "date": "Tue, 24 Nov 2026 02:00:00 GMT",
}
KINDS = {
    "a strong ETag": STRONG,
    "a weak ETag": {"etag": 'W/"v1"'},
    "a date": DATED,
    "a date that is new": {**DATED, "date": DATED["last-modified"]},
    "a date alone": {"last-modified": DATED["last-modified"]},
    "a date that is none": {**DATED, "last-modified": "yesterday"},
    "no ranges": {**STRONG, "accept-ranges": "none"},
    "no validator": {},
}
RANGED = {"a strong ETag", "a date"}


def source(size: int = 2, **fields: Any) -> NdjsonSource:
    return NdjsonSource(url=URL, size=size, **fields)


def lines(count: int) -> bytes:
    return b"".join(b'{"id": %d}\n' % number for number in range(count))


def page_of(
    listing: Listing, cursor: str | None = None, size: int = 2, page_bytes_max: int = 100_000
) -> Records:
    around = context(httpx.MockTransport(listing), page_bytes_max=page_bytes_max)
    reader = source(size).reader(around)
    page = at_once(reader.fetch(cursor, a_crawl()))
    at_once(reader.close())
    return page


contents = st.lists(
    st.one_of(
        st.integers(0, 999).map(lambda number: b'{"id": %d}' % number),
        st.sampled_from([b"", b" ", b"\r", b'{"id": 1}\r', b' {"t": "a\\nb"} ', b"7", b"null"]),
    ),
    max_size=15,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_compressed", [False, True])
@some
@given(content=contents, size=st.integers(1, 5), part_bytes=st.integers(1, 60))
def test_a_list_of_lines_is_read_to_its_end(
    kind: str, content: list[bytes], size: int, part_bytes: int, *, is_compressed: bool
) -> None:
    listing = Listing(b"".join(line + b"\n" for line in content), KINDS[kind])
    listing.part_bytes = part_bytes
    listing.is_compressed = is_compressed
    expected = [msgspec.json.decode(line) for line in content if line.strip()]

    check_resumes(source(size), listing, expected)

    assert all("gzip" not in request.headers["accept-encoding"] for request in listing.requests)
    ranges = [request.headers.get("range") for request in listing.requests]
    if kind not in RANGED or is_compressed:
        assert not any(ranges)


@pytest.mark.parametrize("kind", sorted(RANGED))
def test_the_rest_is_asked_for_as_a_range(kind: str) -> None:
    listing = Listing(lines(5), KINDS[kind])

    first = page_of(listing)
    second = page_of(listing, first.next_cursor)

    assert decoded(second.records) == [{"id": 2}, {"id": 3}]
    request = listing.requests[1]
    assert request.headers["range"] == "bytes=20-"
    assert request.headers["if-range"] == (listing.headers.get("etag") or DATED["last-modified"])
    assert listing.bodies[1].sent_count <= 30
    assert (first.byte_count, first.request_count, second.request_count) == (20, 1, 1)


def test_a_server_that_knows_no_ranges_is_read_from_the_start() -> None:
    listing = Listing(lines(5), STRONG)
    listing.knows_ranges = False
    first = page_of(listing)

    second = page_of(listing, first.next_cursor)

    assert decoded(second.records) == [{"id": 2}, {"id": 3}]
    assert (second.byte_count, second.request_count) == (20, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-range": "bytes 19-49/50"},
        {"content-range": "bytes 20-39/50"},
        {"content-range": "bytes 20-49/*"},
        {"content-range": "lines 20-49/50"},
        {"content-type": "multipart/byteranges", "content-range": ""},
        {"content-range": "bytes 20-49/50", "etag": '"v2"'},
        {"content-range": "bytes 20-49/50", "content-encoding": "br"},
    ],
    ids=lambda headers: str(next(iter(headers.values()))),
)
def test_a_part_that_is_not_the_rest_is_not_taken_for_it(headers: dict[str, str]) -> None:
    listing = Listing(lines(5), STRONG)
    first = page_of(listing)
    part = Body(lines(5)[20:], 7)

    def answer(request: httpx.Request) -> httpx.Response:
        if "range" not in request.headers:
            return listing(request)
        return httpx.Response(206, headers={**STRONG, **headers}, stream=part)

    reader = a_reader(source(), answer)
    second = at_once(reader.fetch(first.next_cursor, a_crawl()))
    at_once(reader.close())

    assert decoded(second.records) == [{"id": 2}, {"id": 3}]
    assert second.request_count == 2
    assert part.is_released


# One turn


def test_a_turn_has_one_connection_until_the_end_of_the_list() -> None:
    listing = Listing(lines(5), STRONG)
    reader = a_reader(source(), listing)
    pages: list[Records] = []
    cursor = None
    while not pages or cursor is not None:
        pages.append(at_once(reader.fetch(cursor, a_crawl())))
        cursor = pages[-1].next_cursor
        assert listing.are_released is (cursor is None)

    assert [len(page.records) for page in pages] == [2, 2, 1]
    assert [page.request_count for page in pages] == [1, 0, 0]
    assert len(listing.requests) == 1


def test_no_more_is_read_than_a_page_has_need_of() -> None:
    listing = Listing(lines(1_000), STRONG)
    reader = a_reader(source(), listing)

    at_once(reader.fetch(None, a_crawl()))

    assert listing.bodies[0].sent_count < 50
    at_once(reader.close())


def test_the_connection_is_let_go_with_the_turn_and_may_be_had_again() -> None:
    listing = Listing(lines(5), STRONG)
    reader = a_reader(source(), listing)
    assert isinstance(reader, NdjsonReader)
    first = at_once(reader.fetch(None, a_crawl()))

    at_once(reader.close())
    at_once(reader.close())

    assert listing.are_released
    second = at_once(reader.fetch(first.next_cursor, a_crawl()))
    at_once(reader.close())
    assert decoded(second.records) == [{"id": 2}, {"id": 3}]


def test_a_reader_that_is_asked_for_another_page_goes_there() -> None:
    listing = Listing(lines(7), STRONG)
    reader = a_reader(source(), listing)
    first = at_once(reader.fetch(None, a_crawl()))
    at_once(reader.fetch(first.next_cursor, a_crawl()))

    for cursor, expected in ((first.next_cursor, 2), (None, 0), (first.next_cursor, 2)):
        page = at_once(reader.fetch(cursor, a_crawl()))
        assert decoded(page.records)[0] == {"id": expected}
    assert len([body for body in listing.bodies if not body.is_released]) == 1
    at_once(reader.close())


def test_a_page_ends_before_the_line_that_would_make_it_too_large() -> None:
    content = b"".join(b'"%s"\n' % (b"x" * length) for length in (37, 17, 57, 7, 7, 7, 7))
    listing = Listing(content, STRONG)
    sizes: list[int] = []
    cursor = None
    while not sizes or cursor is not None:
        page = page_of(listing, cursor, size=100, page_bytes_max=60)
        sizes.append(page.byte_count)
        cursor = page.next_cursor

    assert sizes == [60, 60, 40]


# What is no end


def refused(listing: Listing, cursor: str | None = None, **fields: Any) -> UpstreamError:
    with pytest.raises(UpstreamError) as error:
        page_of(listing, cursor, **fields)
    assert listing.are_released
    return error.value


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (lines(1) + b'{"id": 1}', Cause.INCOMPLETE),
        (lines(1) + b'{"id', Cause.INCOMPLETE),
        (lines(1) + b" ", Cause.INCOMPLETE),
        (b'{"id": 1\n', Cause.UNREADABLE),
        (lines(1) + b"Internal Server Error\n", Cause.UNREADABLE),
        (b"<!doctype html>\n", Cause.UNREADABLE),
    ],
)
def test_a_list_that_is_cut_may_be_whole_another_time(content: bytes, cause: Cause) -> None:
    error = refused(Listing(content, STRONG))

    assert (error.cause, error.is_transient) == (cause, True)


def test_the_end_is_looked_for_before_it_is_told() -> None:
    """The page has all the lines it may have, and what comes after them is no line."""
    error = refused(Listing(lines(2) + b"{", STRONG))

    assert error.cause is Cause.INCOMPLETE


@pytest.mark.parametrize("announced", ["31", "29", "1000"])
def test_a_body_that_is_not_as_long_as_announced_is_refused(announced: str) -> None:
    error = refused(Listing(lines(3), {"content-length": announced}), size=9)

    assert (error.cause, error.is_transient) == (Cause.INCOMPLETE, True)


def test_the_length_that_is_announced_is_that_on_the_wire() -> None:
    listing = Listing(lines(30), STRONG)
    listing.is_compressed = True

    assert len(page_of(listing, size=99).records) == 30


def test_a_connection_that_breaks_off_is_no_end() -> None:
    listing = Listing(lines(2), STRONG)
    listing.failure = httpx.ReadError("connection lost")

    error = refused(listing)

    assert "connection lost" in str(error)
    assert error.is_transient


def test_a_close_is_no_end_unless_that_is_declared() -> None:
    listing = Listing(lines(3), {"connection": "close"})
    listing.is_announced = False

    error = refused(listing)

    assert (error.cause, error.is_transient) == (Cause.INCOMPLETE, False)
    assert len(whole(source(closing_ends=True), listing)[0]) == 3


def test_an_empty_list_has_no_records() -> None:
    for content in (b"", b"\n", b"\r\n\n"):
        page = page_of(Listing(content, STRONG))

        assert (page.records, page.next_cursor) == ([], None)


def test_a_line_over_the_limit_is_refused() -> None:
    listing = Listing(b'"' + b"x" * 1_000, STRONG)

    error = refused(listing, page_bytes_max=50)

    assert (error.cause, error.is_transient) == (Cause.TOO_LARGE, False)
    assert listing.bodies[0].sent_count < 100


@pytest.mark.parametrize("status", [204, 206, 301, 404, 503])
def test_another_status_is_no_list(status: int) -> None:
    reader = a_reader(source(), lambda _: httpx.Response(status, text="the reason"))

    with pytest.raises(UpstreamError, match=f"the source answered {status}"):
        at_once(reader.fetch(None, a_crawl()))


def test_whoever_goes_away_lets_the_connection_go() -> None:
    class Waiting(Body):
        async def __aiter__(self) -> Any:
            yield b'{"id": 1}\n'
            await asyncio.Future()

    body = Waiting(b"", 1)

    async def leave() -> None:
        reader = a_reader(source(), lambda _: httpx.Response(200, stream=body))
        task = asyncio.ensure_future(reader.fetch(None, a_crawl()))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())

    assert body.is_released


# Another list than the one that was begun


def begun(headers: dict[str, str]) -> tuple[Listing, str]:
    listing = Listing(lines(5), headers)
    cursor = page_of(listing).next_cursor
    assert cursor is not None
    return listing, cursor


def check_begins_anew(listing: Listing, cursor: str) -> None:
    error = refused(listing, cursor)
    assert (error.cause, error.recourse) == (Cause.CHANGED, Recourse.RESTART)
    assert not error.is_transient


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_with_another_validator_is_another_list(kind: str) -> None:
    listing, cursor = begun(KINDS[kind])
    listing.headers["etag"] = '"v2"'

    check_begins_anew(listing, cursor)


def test_a_list_that_has_no_validator_any_more_is_another_list() -> None:
    listing, cursor = begun(STRONG)
    listing.headers = {}

    check_begins_anew(listing, cursor)


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_that_is_shorter_is_another_list(kind: str) -> None:
    listing, cursor = begun(KINDS[kind])
    listing.content = lines(1)

    check_begins_anew(listing, cursor)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - RANGED))
def test_a_list_that_began_otherwise_is_another_list(kind: str) -> None:
    """Whatever its validator says, if it is not one for every byte."""
    listing, cursor = begun(KINDS[kind])
    listing.content = lines(5).replace(b"1", b"8", 1)

    check_begins_anew(listing, cursor)


def test_a_validator_that_no_cursor_has_room_for_is_none() -> None:
    listing = Listing(lines(5), {"etag": f'"{"x" * 5_000}"'})

    cursor = page_of(listing).next_cursor

    assert cursor is not None
    assert msgspec.json.decode(cursor, type=Mark).validator == ""
    assert decoded(page_of(listing, cursor).records) == [{"id": 2}, {"id": 3}]


@pytest.mark.parametrize("cursor", ["abc", "", "7", "{}", '{"offset": "7"}', '["a"]'])
def test_a_cursor_of_another_source_is_refused(cursor: str) -> None:
    error = refused(Listing(lines(5), STRONG), cursor)

    assert (error.cause, error.recourse) == (Cause.BAD_CURSOR, Recourse.RESTART)


@pytest.mark.parametrize("bad", [rb'{"t": "\ud83d"}', b'{"n": NaN}'])
def test_a_line_that_is_no_json_is_rejected_and_no_other(bad: bytes) -> None:
    page = page_of(Listing(b'{"id": 0}\n' + bad + b'\n{"id": 2}\n', STRONG), size=3)

    assert len(page.records) == 3
    assert page.faults.keys() == {2}


@pytest.mark.parametrize("content", [b'{"id": 0}\n{"id\n', b'{"id": 0}\n{"n": NaN\n'])
def test_a_line_that_is_cut_is_no_record(content: bytes) -> None:
    with pytest.raises(UpstreamError):
        page_of(Listing(content, STRONG), size=3)


def test_a_mark_before_the_first_line_is_none_of_it() -> None:
    listing = Listing('{"t": "ü"}\n{"t": "ü"}\n'.encode("utf-8-sig"), STRONG)

    read, _ = whole(source(size=1), listing)

    assert read == [{"t": "ü"}] * 2


def test_lines_are_read_in_their_own_encoding() -> None:
    headers = {**STRONG, "content-type": "application/x-ndjson; charset=iso-8859-1"}

    read, _ = whole(source(size=1), Listing('{"t": "ü"}\n{"t": 1}\n'.encode("latin-1"), headers))

    assert read == [{"t": "ü"}, {"t": 1}]


# What has changed


def test_a_parameter_takes_the_watermark_on_every_request() -> None:
    changes = source(
        since=Since(param="from", format=TimeFormat.EPOCH_MS, overlap=timedelta(milliseconds=0)),
        params={"a": "b"},
    )
    listing = Listing(lines(5), STRONG)

    whole(changes, listing, since_ms=7_900)

    assert len(listing.requests) == 3
    for request in listing.requests:
        assert dict(request.url.params) == {"a": "b", "from": "7000"}


def test_lines_may_be_newest_first() -> None:
    newest_first = NewestFirst(
        path="at", params={}, format=TimeFormat.EPOCH_SECONDS, overlap=timedelta(milliseconds=0)
    )
    content = b"".join(b'{"at": %d}\n' % second for second in range(9, 0, -1))

    read, _ = whole(source(since=newest_first), Listing(content, STRONG), since_ms=5_000)

    assert read == [{"at": second} for second in (9, 8, 7, 6, 5)]


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_lines_to_a_request_for_changes_has_none(status: int) -> None:
    def read(since: Since | None, since_ms: int | None) -> Records:
        answer = httpx.Response(status, headers={"connection": "close"})
        around = context(httpx.MockTransport(lambda _request: answer))
        reader = source(since=since).reader(around)
        return at_once(reader.fetch(None, a_crawl(since_ms)))

    page = read(Since(param="updated_since"), 7)

    assert (page.records, page.next_cursor, page.request_count) == ([], None, 1)
    for since, since_ms in ((Since(param="updated_since"), None), (None, 7)):
        with pytest.raises(UpstreamError):
            read(since, since_ms)


def test_what_the_declaration_tells() -> None:
    assert not source().tells_changes
    kept = Since(
        param="updated_since", kept=timedelta(milliseconds=5), overlap=timedelta(milliseconds=0)
    )
    assert source(since=kept).tells_changes
    assert (source().kept_ms, source(since=kept).kept_ms) == (None, 5)
    located = NdjsonSource(url="${NOTES_URL}/all").locate(
        an_environment(NOTES_URL="https://notes.example")
    )
    assert located == "https://notes.example/all"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"url": ""}, "NdjsonSource: url=''"),
        ({"size": 0}, "NdjsonSource: size=0"),
        ({"size": True}, "NdjsonSource: size=True"),
        (
            {"since": Since(param="updated_since", location=ParamLocation.BODY)},
            "the source has none",
        ),
        ({"rules": (Rule(status=206, then=Action.PAGE),)}, "lists that have pages"),
        ({"rules": (Rule(status=204, then=Action.END),)}, "lists that have pages"),
    ],
)
def test_a_declaration_that_is_not_right_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        NdjsonSource(**{"url": URL, **fields})
