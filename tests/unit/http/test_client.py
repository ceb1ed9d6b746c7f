import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from http import HTTPStatus

import httpx
import pytest

from durable.environment import SecretText
from durable.errors import Cause, UpstreamError
from durable.http.auth import (
    Authenticator,
    BearerAuthenticator,
    Credentials,
    FixedCredentials,
    NoAuthentication,
)
from durable.http.client import TIMEOUT_SECONDS, Answer, HttpClient
from durable.http.origins import Origins
from durable.http.refusal import REFUSAL_BYTES_MAX
from durable.http.retry_after import RetryHint
from tests.fakes.network import Network


URL = "https://notes.example/list"
REMAINING = "x-ratelimit-remaining"
TOKEN = SecretText("NOTES_TOKEN", "t0ken")
TRANSIENT = {202, 408, 425, 429, *range(500, 600)}


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


def got(network: Network, token: SecretText | None = None, bytes_max: int = 10_000) -> Answer:
    signer = NoAuthentication() if token is None else BearerAuthenticator(token)
    upstream = HttpClient("the source", network, signer, Origins(URL))
    return asyncio.run(upstream.get(URL, {"limit": "5"}, bytes_max=bytes_max))


def refused(
    network: Network, token: SecretText | None = None, bytes_max: int = 10_000
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


STATUSES = {status.value for status in HTTPStatus} | {*range(500, 600)}


@pytest.mark.parametrize("status", sorted(STATUSES - {200}))
def test_only_some_statuses_may_pass(status: int) -> None:
    error = refused(Network(httpx.Response(status, text="the reason")))

    assert error.is_transient is (status in TRANSIENT)
    assert error.status == status


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_names_its_secret(status: int) -> None:
    error = refused(Network(httpx.Response(status, text="no")), TOKEN)

    assert error.status == status
    assert "NOTES_TOKEN" in str(error)


def test_a_missing_token_is_hinted_at() -> None:
    error = refused(Network(httpx.Response(401, text="no")))

    assert "declare the source's auth" in str(error)


def redirected(location: str | None, body: str = "") -> str:
    headers = {} if location is None else {"location": location}
    network = Network(httpx.Response(302, headers=headers, text=body))

    error = refused(network, TOKEN)

    assert len(network.requests) == 1  # it is not followed
    assert not error.is_transient
    return str(error)


@pytest.mark.parametrize(
    ("location", "origin"),
    [
        ("https://login.example/sso?state=s3cret#s3cret", "https://login.example"),
        ("//login.example/s3cret", "https://login.example"),
        ("https://s3cret:s3cret@login.example/", "https://login.example"),
        ("/login?next=s3cret", "https://notes.example"),
        ("http://notes.example/s3cret", "http://notes.example"),
        ("HTTPS://LOGIN.example/s3cret", "https://login.example"),
    ],
)
def test_of_where_a_redirect_leads_only_the_server_is_named(location: str, origin: str) -> None:
    """The rest of a login's URL may hold secrets."""
    reason = redirected(location)

    assert f" 302, a redirect to {origin}, " in reason
    assert "s3cret" not in reason


@pytest.mark.parametrize("location", ["https://[::1/", "https://login.example:port/"])
def test_a_redirect_to_what_is_no_url_is_told_without_it(location: str) -> None:
    assert " 302, a redirect, " in redirected(location)


def test_the_body_of_a_redirect_does_not_name_what_its_header_may_not() -> None:
    body = '<a href="https://login.example/sso?state=s3cret">Found</a>.'

    assert "s3cret" not in redirected("https://login.example/sso?state=s3cret", body)


def test_a_redirect_without_a_location_leads_nowhere() -> None:
    assert " to https://" not in redirected(None)


# Retry-After


@pytest.mark.parametrize("header", ["", "7", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_refusal_keeps_its_retry_after_as_it_came(header: str) -> None:
    headers = {"retry-after": header} if header else {}

    assert refused(Network(httpx.Response(429, headers=headers))).retry_after == header


def test_a_failure_without_an_answer_has_no_retry_after_and_no_status() -> None:
    error = refused(Network(httpx.ConnectError("refused")))

    assert (error.retry_after, error.status) == ("", None)


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

    assert error.status == 503
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

    assert f"{type(fault).__name__} {fault}".rstrip() in str(error)
    assert (error.cause, error.is_transient) == (Cause.UNANSWERED, True)


def test_a_connection_that_breaks_within_the_body_may_pass() -> None:
    class Broken(Parts):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"half"
            raise httpx.ReadError("cut")

    body = Broken(b"", count=0)

    assert refused(Network(httpx.Response(200, stream=body))).is_transient
    assert body.is_released


# Requests of another kind


def test_a_status_that_was_asked_for_is_an_answer_and_is_read_whole() -> None:
    body = Parts(b"1234", count=2_000)
    upstream = HttpClient(
        "the backend", Network(httpx.Response(202, stream=body)), NoAuthentication(), Origins(URL)
    )

    answer = asyncio.run(
        upstream.ask("POST", URL, bytes_max=10_000, statuses=frozenset({200, 202}))
    )

    assert (answer.status, len(answer.body)) == (202, 8_000)


def test_a_status_that_was_not_asked_for_is_a_refusal() -> None:
    upstream = HttpClient(
        "the backend", Network(httpx.Response(200)), NoAuthentication(), Origins(URL)
    )

    with pytest.raises(UpstreamError, match="the backend answered 200"):
        asyncio.run(upstream.ask("DELETE", URL, bytes_max=1, statuses=frozenset({204})))


def test_a_request_that_takes_long_is_waited_for_as_long_as_it_says() -> None:
    network = Network(httpx.Response(200), httpx.Response(200))
    upstream = HttpClient("the backend", network, NoAuthentication(), Origins(URL))

    asyncio.run(upstream.ask("POST", URL, bytes_max=1, timeout_seconds=840.0))
    asyncio.run(upstream.ask("POST", URL, bytes_max=1))

    waits = [request.extensions["timeout"]["read"] for request in network.requests]
    assert waits == [840.0, TIMEOUT_SECONDS]


# Requests that are counted, and limits of them


def test_every_request_counts_whatever_comes_of_it() -> None:
    network = Network(httpx.Response(200), httpx.Response(503), httpx.ConnectError("refused"))
    upstream = HttpClient("the source", network, NoAuthentication(), Origins(URL))

    async def ask_all() -> None:
        await upstream.get(URL, bytes_max=10)
        for _ in range(2):
            with pytest.raises(UpstreamError):
                await upstream.get(URL, bytes_max=10)

    asyncio.run(ask_all())

    assert upstream.request_count == 3
    assert upstream.take_request_count() == 3
    assert upstream.take_request_count() == 0
    assert upstream.request_count == 3


def test_a_url_that_is_none_is_no_request() -> None:
    upstream = HttpClient("the source", Network(), NoAuthentication(), Origins(URL))

    with pytest.raises(UpstreamError, match="InvalidURL"):
        asyncio.run(upstream.get("https://notes.example:port/", bytes_max=10))

    assert upstream.request_count == 0


@pytest.mark.parametrize(
    ("headers", "wish"),
    [
        ({}, RetryHint()),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "30"}, RetryHint()),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"}, RetryHint("30", REMAINING)),
        ({"x-ratelimit-remaining": "0"}, RetryHint("", REMAINING)),
        ({"retry-after": "30"}, RetryHint()),
    ],
    ids=str,
)
def test_an_answer_says_how_long_to_wait_for_the_next(
    headers: dict[str, str], wish: RetryHint
) -> None:
    assert got(Network(httpx.Response(200, headers=headers))).wish == wish


# In clear text

CLEAR = "http://notes.example/list"
SIGNERS = [
    BearerAuthenticator(TOKEN),
    FixedCredentials(Credentials(headers={"x-api-key": "t0ken"}), ""),
    FixedCredentials(Credentials(params={"key": "t0ken"}), ""),
]


def asked_at(
    url: str, signer: Authenticator, headers: Mapping[str, str], *, is_confidential: bool
) -> int:
    """How many requests went out."""
    network = Network(httpx.Response(200))
    origins = Origins(url)  # so that it is no other rule that keeps it from being asked
    upstream = HttpClient("the source", network, signer, origins, is_confidential=is_confidential)
    with suppress(UpstreamError):
        asyncio.run(upstream.get(url, headers=headers, bytes_max=10))
    return len(network.requests)


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize(
    ("url", "count"),
    [
        (URL, 1),
        (CLEAR, 0),
        ("HTTP://notes.example/list", 0),
        ("http://10.0.0.1/list", 0),
        ("http://localhost.evil.example/list", 0),
        ("http://localhost:8080/list", 1),
        ("http://127.0.0.1/list", 1),
        ("http://[::1]:8080/list", 1),
    ],
)
def test_what_proves_who_asks_is_not_sent_for_all_to_read(
    url: str, count: int, signer: Authenticator
) -> None:
    assert asked_at(url, signer, {}, is_confidential=False) == count


@pytest.mark.parametrize("name", ["Authorization", "cookie"])
def test_nor_is_what_the_author_adds(name: str) -> None:
    assert asked_at(CLEAR, NoAuthentication(), {name: "t0ken"}, is_confidential=False) == 0


def test_nor_is_a_user_in_the_url() -> None:
    url = "http://user:password@notes.example/"

    assert asked_at(url, NoAuthentication(), {}, is_confidential=False) == 0


def test_the_refusal_says_what_to_do_and_is_for_good() -> None:
    upstream = HttpClient("the source", Network(), BearerAuthenticator(TOKEN), Origins(CLEAR))

    with pytest.raises(
        UpstreamError, match=r"http://notes\.example is not asked.* https://"
    ) as error:
        asyncio.run(upstream.get(CLEAR, bytes_max=10))

    assert not error.value.is_transient


def test_who_lets_everybody_in_may_be_asked_in_clear_text() -> None:
    assert asked_at(CLEAR, NoAuthentication(), {}, is_confidential=False) == 1
    assert asked_at(CLEAR, NoAuthentication(), {}, is_confidential=True) == 0
