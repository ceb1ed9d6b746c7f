"""An answer that is read part by part, and has to be closed."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

import httpx

from durable.errors import Cause, UpstreamError


IDENTITY = frozenset({"", "identity"})
LENGTH_DIGITS_MAX = 15  # of a length that is to be believed


class Streamed:
    """The body of an answer, whose headers have come.

    Args:
        name: of the server, in errors.
        response: open.
        failure: makes an error of one of the transport.
    """

    def __init__(
        self,
        name: str,
        response: httpx.Response,
        failure: Callable[[httpx.HTTPError], UpstreamError],
    ) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._name = name
        self._response = response
        self._failure = failure
        self._parts: AsyncIterator[bytes] = response.aiter_bytes()

    @property
    def is_encoded(self) -> bool:
        """Whether the bytes that are read are not those that were sent."""
        return not self._on_the_wire("content-encoding") <= IDENTITY

    @property
    def tells_end(self) -> bool:
        """Whether a connection that breaks off would be seen. False: a close is the only end."""
        is_closing = "close" in self._on_the_wire("connection")
        is_framed = "content-length" in self.headers or any(self._on_the_wire("transfer-encoding"))
        return self.is_encoded or is_framed or not is_closing

    def _on_the_wire(self, name: str) -> set[str]:
        """What a header is, or was before the transport took it away."""
        extension = self._response.extensions.get(name.replace("-", "_"), "")
        return {text.strip().lower() for text in (self.headers.get(name, ""), extension)}

    async def part(self) -> bytes | None:
        """The next bytes; None where the body is whole.

        Raises:
            UpstreamError: the connection broke off, or the body is shorter than was announced.
        """
        try:
            async for part in self._parts:
                if part:
                    return part
        except httpx.HTTPError as error:
            raise self._failure(error) from error
        announced = self.headers.get("content-length", "")
        is_known = announced.isascii() and announced.isdigit()
        received = self._response.num_bytes_downloaded
        if is_known and len(announced) <= LENGTH_DIGITS_MAX and int(announced) != received:
            raise UpstreamError(
                f"{self._name} announced {announced} bytes, and sent {received}",
                cause=Cause.INCOMPLETE,
                is_transient=True,
            )
        return None

    async def close(self) -> None:
        """Let the connection go, whatever of the body has been read."""
        try:
            if isinstance(self._parts, AsyncGenerator):
                await self._parts.aclose()  # or the garbage collector would, at any time
        finally:
            await self._response.aclose()
