import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx
import pytest

from durable.environment import Secret
from durable.errors import UpstreamError
from durable.upstream import REFUSAL_BYTES_MAX, Answer, Upstream
from tests.fakes.network import Network


URL = "https://notes.example/list"
TOKEN = Secret("NOTES_TOKEN", "t0ken")
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


class Parts(httpx.AsyncByteStream):
    """A body that comes in parts and says how many were taken."""

    def __init__(self, part: bytes, count: int) -> None:
        self._part = part
        self._count = count
        self.taken_count = 0
        self.is_released = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.taken_count < self._count:
            self.taken_count += 1
            yield self._part

    async def aclose(self) -> None:
        self.is_released = True


def got(network: Network, token: Secret | None = None, bytes_max: int = 10_000) -> Answer:
    upstream = Upstream("the source", network, token)
    return asyncio.run(upstream.get(URL, {"limit": "5"}, bytes_max=bytes_max))


def refused(
    network: Network, token: Secret | None = None, bytes_max: int = 10_000
) -> UpstreamError:
    with pytest.raises(UpstreamError) as error:
        got(network, token, bytes_max)
    return error.value


def test_an_answer_of_200_is_read_whole() -> None:
    body = Parts(b"1234", count=3)
    network = Network(httpx.Response(200, headers={"x-page": "1"}, stream=body))

    answer = got(network)

    assert answer.body == b"123412341234"
    assert answer.headers["x-page"] == "1"
    assert body.is_released


def test_a_request_carries_its_parameters_and_a_user_agent() -> None:
    network = Network(httpx.Response(200))

    got(network)

    (request,) = network.requests
    assert (request.method, str(request.url)) == ("GET", f"{URL}?limit=5")
    assert request.headers["user-agent"].startswith("glean-durable-sync/")
    assert "authorization" not in request.headers


def test_a_token_is_sent_as_a_bearer() -> None:
    network = Network(httpx.Response(200))

    got(network, TOKEN)

    assert network.requests[0].headers["authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    "status", [status.value for status in HTTPStatus if status != HTTPStatus.OK]
)
def test_only_some_statuses_may_pass(status: int) -> None:
    error = refused(Network(httpx.Response(status, text="the reason")))

    assert str(error).startswith(f"the source answered {status}")
    assert error.is_transient is (status in TRANSIENT)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_names_its_secret(status: int) -> None:
    error = refused(Network(httpx.Response(status, text="no")), TOKEN)

    assert str(error) == f"the source answered {status}, check the secret NOTES_TOKEN: no"


def test_a_missing_token_is_hinted_at() -> None:
    error = refused(Network(httpx.Response(401, text="no")))

    assert "check the secret that the source asks for, in token_secret" in str(error)


def test_a_redirect_is_not_followed() -> None:
    network = Network(httpx.Response(302, headers={"location": "https://login.example/"}))

    error = refused(network, TOKEN)

    assert str(error).startswith("the source answered 302, a redirect, which is not followed")
    assert len(network.requests) == 1


@pytest.mark.parametrize(
    ("header", "wait_ms"),
    [
        ("7", 7_000),
        ("0", 0),
        ("-1", 0),
        ("1.5", 0),
        ("", 0),
        ("\N{SUPERSCRIPT TWO}".encode(), 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 0),
        pytest.param("9" * 5_000, 9_999_999_999_000, id="absurd"),
    ],
)
def test_retry_after_is_read_as_seconds(header: str | bytes, wait_ms: int) -> None:
    headers = [(b"retry-after", header.encode() if isinstance(header, str) else header)]

    error = refused(Network(httpx.Response(429, headers=headers)))

    assert error.retry_after_ms == wait_ms


def test_a_body_over_the_limit_is_refused_before_it_is_read_whole() -> None:
    body = Parts(b"x" * 100, count=1_000)

    error = refused(Network(httpx.Response(200, stream=body)), bytes_max=250)

    assert "more than 250 bytes" in str(error)
    assert "page_bytes_max" in str(error)
    assert not error.is_transient
    assert body.taken_count == 3
    assert body.is_released


def test_a_body_at_the_limit_is_taken() -> None:
    answer = got(Network(httpx.Response(200, content=b"x" * 250)), bytes_max=250)

    assert len(answer.body) == 250


def test_of_an_error_no_more_is_read_than_a_person_reads() -> None:
    body = Parts(b"x" * 1_000, count=1_000)

    error = refused(Network(httpx.Response(500, stream=body)))

    assert len(str(error)) < REFUSAL_BYTES_MAX + 100
    assert body.taken_count == 5
    assert body.is_released


def test_an_error_longer_than_a_page_may_be_is_still_that_error() -> None:
    error = refused(Network(httpx.Response(503, content=b"x" * 300)), bytes_max=250)

    assert str(error).startswith("the source answered 503")
    assert error.is_transient


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout(""),
        httpx.ReadError("cut"),
        httpx.RemoteProtocolError("gibberish"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_broken_connection_may_pass(fault: httpx.TransportError) -> None:
    error = refused(Network(fault))

    name = type(fault).__name__
    assert str(error) == f"the source did not answer: {name} {fault}".rstrip()
    assert error.is_transient


def test_a_connection_that_breaks_within_the_body_may_pass() -> None:
    class Broken(Parts):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"half"
            raise httpx.ReadError("cut")

    body = Broken(b"", count=0)

    assert refused(Network(httpx.Response(200, stream=body))).is_transient
    assert body.is_released
