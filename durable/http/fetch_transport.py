"""httpx over the fetch of the runtime.

Stock httpx has no TLS there, and over raw sockets is ten times slower. The same
client code runs under CPython with httpx's own transport.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import httpx


# The runtime decodes the body and still names its encoding and its length on the wire.
UNTRUE_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})
FRAMING_HEADERS = frozenset({"transfer-encoding"})  # untrue of what is not encoded, too
# The runtime writes these itself.
OWN_HEADERS = frozenset({"host", "content-length", "connection", "accept-encoding"})

DIGITS_MAX = 12  # of a length that is to be believed
PART_BYTES = 256 * 1024  # of a body, read at once


class Incoming(Protocol):
    """An answer whose headers have come and whose body has not."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> list[tuple[str, str]]: ...
    async def read(self) -> bytes | None:
        """The next part of the body; None at its end. Raises OSError and TimeoutError."""

    def cancel(self) -> None:
        """Let the connection go; the rest of the body is not wanted."""


class Fetch(Protocol):
    """The runtime's fetch. Follows no redirect, and raises OSError where it gets no answer.

    It raises TimeoutError if the headers do not come in time, and its answer does so for
    each part of the body. Timers are its matter: the runtime takes 10,000 at a time, and
    those of asyncio are not freed when they are cancelled.
    """

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout_seconds: float | None,
    ) -> Incoming: ...


class FetchTransport(httpx.AsyncBaseTransport):
    """Carries httpx's requests over `fetch`.

    The client's read timeout holds for the headers, and again for each part of the body.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeout_seconds: float | None = request.extensions.get("timeout", {}).get("read")
        headers = {
            name: value for name, value in request.headers.items() if name not in OWN_HEADERS
        }
        body = await request.aread()
        try:
            incoming = await self._fetch(
                request.method, str(request.url), headers, body, timeout_seconds
            )
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no answer in {timeout_seconds} s", request=request) from error
        except OSError as error:
            raise httpx.NetworkError(str(error), request=request) from error
        try:
            return _response(incoming, timeout_seconds)
        except BaseException:  # nobody is to come who would let it go
            incoming.cancel()
            raise


def _response(incoming: Incoming, timeout_seconds: float | None) -> httpx.Response:
    wire = {name.lower(): value for name, value in incoming.headers}
    encoding = wire.get("content-encoding", "")
    untrue = UNTRUE_HEADERS if encoding else FRAMING_HEADERS
    return httpx.Response(
        incoming.status,
        # As bytes: httpx takes texts for ASCII, and servers send what they like.
        headers=[
            (name.encode(), value.encode())
            for name, value in incoming.headers
            if name.lower() not in untrue
        ],
        stream=_Body(incoming, timeout_seconds),
        # For whoever counts bytes, or has to know what ends them.
        extensions={
            "content_encoding": encoding,
            "transfer_encoding": wire.get("transfer-encoding", ""),
        },
    )


class _Body(httpx.AsyncByteStream):
    def __init__(self, incoming: Incoming, timeout_seconds: float | None) -> None:
        self._incoming = incoming
        self._timeout_seconds = timeout_seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                part = await self._incoming.read()
            except TimeoutError as error:
                raise httpx.ReadTimeout(
                    f"the answer stopped for {self._timeout_seconds} s"
                ) from error
            except OSError as error:
                raise httpx.ReadError(str(error)) from error
            if part is None:
                return
            yield part

    async def aclose(self) -> None:
        self._incoming.cancel()


def part_bytes(announced: str) -> int:
    """How much of a body is to be read at once.

    Args:
        announced: its length, as its header tells; empty where none does.
    """
    is_known = announced.isascii() and announced.isdigit() and len(announced) <= DIGITS_MAX
    # One byte more than there will be shows the end without another read.
    return min(int(announced) + 1, PART_BYTES) if is_known else PART_BYTES
