import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TypeVar

import httpx
import pytest

from durable.http.fetch_transport import FetchTransport


T = TypeVar("T")
URL = "https://notes.example/list?limit=5"
TINY_SECONDS = 0.001
PATIENT_SECONDS = 60.0


class FakeIncoming:
    """An answer whose body is a list of parts, of errors to raise, and of None to be late."""

    def __init__(
        self,
        status: int = 200,
        headers: Sequence[tuple[str, str]] = (),
        parts: Sequence[bytes | OSError | None] = (),
    ) -> None:
        self.status = status
        self.headers = list(headers)
        self._parts = list(parts)
        self.is_cancelled = False

    async def read(self) -> bytes | None:
        if not self._parts:
            return None
        part = self._parts.pop(0)
        if part is None:
            raise TimeoutError
        if isinstance(part, OSError):
            raise part
        return part

    def cancel(self) -> None:
        self.is_cancelled = True


class FakeFetch:
    """Gives one answer, raises one error, or is late; keeps what it was asked."""

    def __init__(self, answer: FakeIncoming | OSError | None) -> None:
        self._answer = answer
        self.asked: tuple[str, str, Mapping[str, str], bytes] | None = None
        self.is_begun = asyncio.Event()
        self.is_abandoned = False

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_seconds: float | None,
    ) -> FakeIncoming:
        self.asked = (method, url, headers, body)
        self.is_begun.set()
        if self._answer is None:
            try:
                async with asyncio.timeout(timeout_seconds):
                    await asyncio.Future()
            except asyncio.CancelledError:
                self.is_abandoned = True
                raise
        if isinstance(self._answer, OSError):
            raise self._answer
        assert self._answer is not None
        return self._answer


def with_client(
    fetch: FakeFetch,
    use: Callable[[httpx.AsyncClient], Coroutine[None, None, T]],
    timeout_seconds: float | None = PATIENT_SECONDS,
) -> T:
    async def run() -> T:
        transport = FetchTransport(fetch)
        async with httpx.AsyncClient(transport=transport, timeout=timeout_seconds) as client:
            return await use(client)

    return asyncio.run(run())


def got(fetch: FakeFetch, timeout_seconds: float | None = PATIENT_SECONDS) -> httpx.Response:
    return with_client(fetch, lambda client: client.get(URL), timeout_seconds)


def test_an_answer_is_carried_with_its_status_and_body() -> None:
    incoming = FakeIncoming(503, [("retry-after", "7")], [b"not ", b"now"])

    response = got(FakeFetch(incoming))

    assert (response.status_code, response.content) == (503, b"not now")
    assert response.headers["retry-after"] == "7"


def test_a_request_is_carried_without_the_headers_that_the_runtime_writes() -> None:
    fetch = FakeFetch(FakeIncoming())

    with_client(
        fetch,
        lambda client: client.post(URL, content=b"{}", headers={"authorization": "Bearer t0ken"}),
    )

    assert fetch.asked is not None
    method, url, headers, body = fetch.asked
    assert (method, url, body) == ("POST", URL, b"{}")
    assert headers["authorization"] == "Bearer t0ken"
    assert not {"host", "content-length", "connection", "accept-encoding"} & headers.keys()


def test_headers_that_are_no_longer_true_are_left_out() -> None:
    untrue = [("Content-Encoding", "gzip"), ("content-length", "3"), ("Transfer-Encoding", "x")]
    incoming = FakeIncoming(headers=[*untrue, ("Content-Type", "text/plain")], parts=[b"decoded"])

    response = got(FakeFetch(incoming))

    assert dict(response.headers) == {"content-type": "text/plain"}
    assert response.content == b"decoded"


def test_a_length_is_true_of_what_is_not_encoded() -> None:
    incoming = FakeIncoming(headers=[("Content-Length", "5"), ("Transfer-Encoding", "x")])

    assert dict(got(FakeFetch(incoming)).headers) == {"content-length": "5"}


def test_an_answer_says_how_it_came() -> None:
    headers = [("Content-Encoding", "br"), ("Transfer-Encoding", "chunked")]
    encoded, plain = got(FakeFetch(FakeIncoming(headers=headers))), got(FakeFetch(FakeIncoming()))

    names = ("content_encoding", "transfer_encoding")
    assert [encoded.extensions[name] for name in names] == ["br", "chunked"]
    assert [plain.extensions[name] for name in names] == ["", ""]


def test_a_header_that_comes_twice_is_kept_twice() -> None:
    response = got(FakeFetch(FakeIncoming(headers=[("via", "a"), ("via", "b")])))

    assert response.headers.get_list("via") == ["a", "b"]


def test_a_header_beyond_ascii_does_not_spoil_the_answer() -> None:
    response = got(FakeFetch(FakeIncoming(headers=[("x-author", "Zoë")], parts=[b"fine"])))

    assert response.content == b"fine"


def test_the_body_is_not_read_before_it_is_asked_for() -> None:
    incoming = FakeIncoming(parts=[b"first", OSError("cut")])

    async def first_part(client: httpx.AsyncClient) -> bytes:
        async with client.stream("GET", URL) as response:
            async for part in response.aiter_raw():
                return part
        return b""

    assert with_client(FakeFetch(incoming), first_part) == b"first"
    assert incoming.is_cancelled


def test_a_body_that_was_read_lets_the_connection_go() -> None:
    incoming = FakeIncoming(parts=[b"all"])

    got(FakeFetch(incoming))

    assert incoming.is_cancelled


def test_a_fetch_that_never_answers_is_given_up() -> None:
    with pytest.raises(httpx.ReadTimeout, match="no answer in"):
        got(FakeFetch(None), TINY_SECONDS)


def test_a_body_that_stops_is_given_up_and_its_connection_let_go() -> None:
    incoming = FakeIncoming(parts=[b"half", None])

    with pytest.raises(httpx.ReadTimeout, match="stopped for"):
        got(FakeFetch(incoming), TINY_SECONDS)

    assert incoming.is_cancelled


def test_without_a_timeout_nothing_is_given_up() -> None:
    assert got(FakeFetch(FakeIncoming(parts=[b"all"])), None).content == b"all"


def test_a_fetch_without_an_answer_is_a_network_error() -> None:
    with pytest.raises(httpx.NetworkError, match="no such host"):
        got(FakeFetch(OSError("no such host")))


def test_a_body_that_breaks_off_is_a_read_error() -> None:
    incoming = FakeIncoming(parts=[b"half", OSError("connection lost")])

    with pytest.raises(httpx.ReadError, match="connection lost"):
        got(FakeFetch(incoming))

    assert incoming.is_cancelled


def test_a_caller_that_goes_away_aborts_the_fetch() -> None:
    fetch = FakeFetch(None)

    async def leave(client: httpx.AsyncClient) -> None:
        task = asyncio.ensure_future(client.get(URL))
        await fetch.is_begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with_client(fetch, leave)

    assert fetch.is_abandoned


def test_an_answer_that_cannot_be_taken_over_is_let_go() -> None:
    incoming = FakeIncoming(headers=[("x-odd", "\ud800")])
    transport = FetchTransport(FakeFetch(incoming))

    with pytest.raises(UnicodeEncodeError):
        asyncio.run(transport.handle_async_request(httpx.Request("GET", URL)))

    assert incoming.is_cancelled
