"""An answer that is read part by part."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from durable.environment import SecretText
from durable.errors import Cause, UpstreamError
from durable.http.auth import BearerAuthenticator
from durable.http.client import HttpClient
from durable.http.origins import Origins
from durable.http.refusal import REFUSAL_BYTES_MAX
from durable.http.stream import Streamed
from tests.fakes.listing import Body
from tests.fakes.network import Network
from tests.fakes.paged import at_once


URL = "https://notes.example/all?space=A"
NO_HEADERS: Mapping[str, str] = {}


def streamed(
    answer: httpx.Response | Exception, statuses: frozenset[int] = frozenset({200})
) -> tuple[Streamed, httpx.Request]:
    network = Network(answer)
    upstream = HttpClient(
        "the source", network, BearerAuthenticator(SecretText("TOKEN", "t0ken")), Origins(URL)
    )
    stream = asyncio.run(upstream.stream(URL, {"a": "b"}, {"range": "bytes=5-"}, statuses=statuses))
    return stream, network.requests[0]


def answered(
    body: Body, status: int = 200, headers: Mapping[str, str] = NO_HEADERS
) -> httpx.Response:
    return httpx.Response(status, headers=headers, stream=body)


def test_a_body_comes_part_by_part_and_then_nothing() -> None:
    body = Body(b"abcde", 2)
    stream, request = streamed(answered(body, headers={"content-length": "5", "etag": "x"}))

    assert body.sent_count == 0
    assert [at_once(stream.part()) for _ in range(5)] == [b"ab", b"cd", b"e", None, None]
    assert (stream.status, stream.headers["ETag"]) == (200, "x")
    assert str(request.url) == f"{URL}&a=b"
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["range"] == "bytes=5-"


def test_a_body_is_let_go_wherever_it_was_read_to() -> None:
    body = Body(b"abcde", 2)
    stream, _ = streamed(answered(body))
    at_once(stream.part())

    at_once(stream.close())

    assert body.is_released
    assert body.sent_count == 2


@pytest.mark.parametrize(
    ("failure", "is_transient"),
    [(httpx.ReadTimeout("stopped"), True), (httpx.DecodingError("no gzip"), False)],
)
def test_a_body_that_breaks_off_is_an_error(failure: Exception, *, is_transient: bool) -> None:
    stream, _ = streamed(answered(Body(b"ab", 2, failure)))
    at_once(stream.part())

    with pytest.raises(UpstreamError, match="did not answer") as error:
        at_once(stream.part())

    assert error.value.is_transient is is_transient


@pytest.mark.parametrize("length", ["", "five", "\u0665", "9" * 16])
def test_a_length_that_is_none_is_not_believed(length: str) -> None:
    headers = httpx.Headers([(b"content-length", length.encode())])
    stream, _ = streamed(answered(Body(b"abcde", 9), headers=headers))

    assert [at_once(stream.part()), at_once(stream.part())] == [b"abcde", None]


@pytest.mark.parametrize(
    ("headers", "extensions", "is_encoded"),
    [
        ({}, {}, False),
        ({"content-encoding": "Identity"}, {}, False),
        ({"content-encoding": "br"}, {}, True),
        ({}, {"content_encoding": ""}, False),
        ({}, {"content_encoding": " GZIP"}, True),
    ],
)
def test_whoever_counts_bytes_is_told_whether_they_were_decoded(
    headers: dict[str, str], extensions: dict[str, str], *, is_encoded: bool
) -> None:
    response = httpx.Response(200, headers=headers, extensions=extensions, stream=Body(b"", 1))

    assert streamed(response)[0].is_encoded is is_encoded


@pytest.mark.parametrize(
    ("headers", "extensions", "tells_end"),
    [
        ({}, {}, True),  # HTTP/2 has no such headers, and an end of its own
        ({"connection": "keep-alive"}, {}, True),
        ({"connection": "Close"}, {}, False),
        ({"connection": "close", "content-length": "0"}, {}, True),
        ({"connection": "close", "transfer-encoding": "chunked"}, {}, True),
        ({"connection": "close"}, {"transfer_encoding": "chunked"}, True),
        ({"connection": "close"}, {"transfer_encoding": ""}, False),
        ({"connection": "close"}, {"content_encoding": "gzip"}, True),
    ],
)
def test_a_close_is_no_end_that_is_told(
    headers: dict[str, str], extensions: dict[str, str], *, tells_end: bool
) -> None:
    response = httpx.Response(200, headers=headers, extensions=extensions, stream=Body(b"", 1))

    assert streamed(response)[0].tells_end is tells_end


def test_a_refusal_is_read_as_far_as_it_is_shown_and_let_go() -> None:
    body = Body(b"x" * 100_000, 1_000)

    with pytest.raises(UpstreamError, match="TOKEN") as error:
        streamed(answered(body, 403))
    assert error.value.status == 403

    assert body.sent_count <= REFUSAL_BYTES_MAX + 1_000
    assert body.is_released


def test_a_status_is_an_answer_where_it_was_asked_for() -> None:
    assert streamed(answered(Body(b"", 1), 206), frozenset({200, 206}))[0].status == 206
    with pytest.raises(UpstreamError) as error:
        streamed(answered(Body(b"", 1), 206))
    assert error.value.status == 206


def test_no_answer_is_an_error() -> None:
    with pytest.raises(UpstreamError, match="ConnectError") as error:
        streamed(httpx.ConnectError("no route"))
    assert error.value.cause is Cause.UNANSWERED
