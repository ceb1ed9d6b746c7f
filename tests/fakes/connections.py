"""Answers whose bodies are still to be read, and who has let them go.

Each keeps one of the platform's six connections until it is closed.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx


_OPEN: dict[int, str] = {}  # what was asked for, by the body; of the test that runs


class Connections(httpx.AsyncBaseTransport):
    """Carries requests over another transport, and counts the answers that are not closed.

    Also what the other one gives whole comes as on the wire: its body is yet to be read.

    Args:
        transport: that one.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self._bodies: list[_Body] = []
        self.most = 0  # that were open at a time

    @property
    def open_count(self) -> int:
        return sum(body.is_open for body in self._bodies)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        body = _Body(response.stream, f"{request.method} {request.url}")
        self._bodies = [*(other for other in self._bodies if other.is_open), body]
        self.most = max(self.most, len(self._bodies))
        return httpx.Response(
            response.status_code,
            headers=response.headers.raw,
            stream=body,
            extensions=response.extensions,
        )

    def drop(self) -> None:
        """The isolate is gone, and its connections with it."""
        for body in self._bodies:
            body.drop()


@contextmanager
def none_left_open() -> Iterator[None]:
    """Raises AssertionError if an answer is still open at the end, whoever asked for it."""
    _OPEN.clear()
    yield
    left, count = [*_OPEN.values()], len(_OPEN)
    _OPEN.clear()
    assert not count, f"{count} answers were never closed: {left}"


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, asked: str) -> None:
        self._stream = stream
        _OPEN[id(self)] = asked

    @property
    def is_open(self) -> bool:
        return id(self) in _OPEN

    def drop(self) -> None:
        _OPEN.pop(id(self), None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        self.drop()
        await self._stream.aclose()
