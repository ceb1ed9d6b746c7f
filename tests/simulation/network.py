"""The network between the processor and the two servers: what is sent, lost, late."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import httpx
import msgspec
from msgspec import Struct

from tests.simulation.connector import GLEAN_HOST, GLEAN_TOKEN, SOURCE_HOST, SOURCE_TOKEN
from tests.simulation.fates import Kind
from tests.simulation.loop import Loop


RETRY_AFTER_SECONDS = 60  # as long as the lease, so that the two times can be taken for another

NAMED = {
    "bulkindexmemberships": Kind.SEND,  # each of them is an upload of its own
    "status": Kind.ASK,
    "processalldocuments": Kind.PROCESS,
    "deletedocument": Kind.DELETE,
    "updatepermissions": Kind.SHARE,
    "indexdocuments": Kind.SEND,
}

Server = Callable[[httpx.Request], httpx.Response]
Answer = httpx.Response | Exception


class BugError(Exception):
    """Of ours or of the platform: not one of the errors that are foreseen."""


async def waited(request: httpx.Request | None = None) -> httpx.Response | None:
    """What the driver says that a request comes to; without one, storage is waited for."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)
    return await loop.wait(request)


class Transport(httpx.AsyncBaseTransport):
    """In the place of the platform's fetch."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await waited(request)
        assert response is not None
        return response


class _Late(Struct):
    request: httpx.Request
    delay: int


class Network:
    """Carries requests to the servers, some of them late."""

    def __init__(self, servers: Mapping[str, Server]) -> None:
        self._servers = servers
        self._late: list[_Late] = []

    def deliver(self, request: httpx.Request) -> httpx.Response:
        return self._servers[request.url.host](request)

    def postpone(self, request: httpx.Request, delay: int) -> None:
        """Have it arrive just before the so-manieth request after it."""
        self._late.append(_Late(request, delay))

    def arrivals(self, *, is_all: bool = False) -> list[httpx.Request]:
        """The late requests that arrive now, as another one is about to; or all there are."""
        for late in self._late:
            late.delay -= 1
        due = [late for late in self._late if is_all or late.delay <= 0]
        self._late = [late for late in self._late if late not in due]
        return [late.request for late in due]


def kind(request: httpx.Request) -> Kind:
    if request.url.host == SOURCE_HOST:
        return Kind.FETCH
    assert request.url.host == GLEAN_HOST
    name = request.url.path.rsplit("/", 1)[-1]
    if name in NAMED:
        return NAMED[name]
    body = msgspec.json.decode(request.content)
    if body.get("isLastPage"):
        return Kind.CLOSE
    return Kind.OPEN if body.get("isFirstPage") else Kind.SEND


def upload_id(request: httpx.Request) -> str:
    """The bulk upload that a request is part of; empty for none."""
    path = request.url.path.rsplit("/", 1)[-1]
    if path not in {"bulkindexdocuments", "bulkindexusers", "bulkindexgroups"}:
        return ""
    found: str = msgspec.json.decode(request.content)["uploadId"]
    return found


def target(request: httpx.Request) -> str:
    return request.url.params.get("after", "") or upload_id(request)


def refused(flavour: int, retry_after: int = 0) -> Answer:
    """What a request that was not taken comes to, where another try may help."""
    if retry_after:
        return httpx.Response(429, headers={"retry-after": str(retry_after)})
    return _pick(
        flavour,
        # An error page may quote what it was sent.
        httpx.Response(503, text=f"{SOURCE_TOKEN} and {GLEAN_TOKEN} were not at fault"),
        httpx.Response(429),
        httpx.Response(429, headers={"retry-after": str(RETRY_AFTER_SECONDS)}),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("nobody there"),
    )


def intercepted(kind: Kind, flavour: int) -> Answer:
    """What something in front answers, to whom it does not matter who was asked for what."""
    page = "<!doctype html><title>Sign in</title>"
    if kind is Kind.FETCH:
        return httpx.Response(200, html=page)
    return _pick(
        flavour,
        httpx.Response(200, html=page),
        httpx.Response(200, text="Back in a minute"),
        httpx.Response(200, json={"error": "maintenance"}),
        httpx.Response(204),
        httpx.Response(400, html=page),
    )


def forbidden(kind: Kind, flavour: int) -> Answer:
    # No refusal for good is a 404 to a cursor, which has expired, or to a document's permissions.
    unknown = 451 if kind in {Kind.FETCH, Kind.SHARE} else 404
    return _pick(flavour, *(httpx.Response(status) for status in (405, 401, 403, unknown, 302)))


def lost(response: httpx.Response, flavour: int) -> Answer:
    """What a request that was taken comes to, where its answer is lost."""
    return _pick(
        flavour,
        httpx.ReadTimeout("no answer"),
        httpx.Response(502, text="a gateway"),
        httpx.Response(response.status_code, stream=_Broken(response.content)),
        httpx.RemoteProtocolError("disconnected"),
    )


def garbled(response: httpx.Response, flavour: int) -> Answer:
    """The answer without its end, yet looking whole; or something else in its place."""
    content = response.content
    return _pick(
        flavour,
        httpx.Response(response.status_code, content=content[: len(content) // 2]),
        httpx.Response(response.status_code, content=content[:-1]),
        httpx.Response(response.status_code, text="<html>Please come back later</html>"),
        httpx.Response(response.status_code, content=b""),
    )


class _Broken(httpx.AsyncByteStream):
    """Breaks off in the middle."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content[: len(self._content) // 2]
        raise httpx.ReadError("connection reset")


def _pick(flavour: int, *answers: Answer) -> Answer:
    return answers[flavour % len(answers)]
