"""Limits the requests under way to the platform's number of connections.

The platform opens six, and holds further ones back without a word, for whose
headers a timeout then runs that has nothing to do with the server. Locally it
opens as many as there are.
"""

from asyncio import Semaphore
from collections.abc import AsyncIterator, Callable

import httpx


CONNECTIONS_MAX = 6


class ConnectionLimit(httpx.AsyncBaseTransport):
    """Passes requests on to another transport. Those above the limit wait in order.

    A request has its place until its answer is closed, read or not. Who keeps one open
    and asks for something more meanwhile, takes two places.

    Args:
        transport: that one.
        places: for so many at a time.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, places: int = CONNECTIONS_MAX) -> None:
        self._transport = transport
        self._places = Semaphore(places)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._places.acquire()
        try:
            response = await self._transport.handle_async_request(request)
            assert isinstance(response.stream, httpx.AsyncByteStream)
        except BaseException:  # whatever it is, nobody is to come who would close the answer
            self._places.release()
            raise
        if response.is_closed:
            self._places.release()  # its body has come with it
            return response
        response.stream = _HeldConnection(response.stream, self._places.release)
        return response


class _HeldConnection(httpx.AsyncByteStream):
    """A body that gives its place back when it is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, release: Callable[[], None]) -> None:
        self._stream = stream
        self._release = release
        self._is_held = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            if self._is_held:
                self._is_held = False
                self._release()
