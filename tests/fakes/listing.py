"""A server of one file, which is sent in parts, and in ranges if it can."""

import gzip
import re
from collections.abc import AsyncIterator, Mapping

import httpx


RANGE = re.compile(r"bytes=(\d+)-")


class Body(httpx.AsyncByteStream):
    """Comes in parts, breaks off if it is told to, and says whether it was let go."""

    def __init__(self, content: bytes, part_bytes: int, failure: Exception | None = None) -> None:
        self._content = content
        self._part_bytes = part_bytes
        self._failure = failure
        self.sent_count = 0
        self.is_released = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), self._part_bytes):
            part = self._content[start : start + self._part_bytes]
            self.sent_count += len(part)
            yield part
        if self._failure is not None:
            raise self._failure

    async def aclose(self) -> None:
        self.is_released = True


class Listing:
    """Answers as a file server does. Change its fields to have it answer otherwise.

    Args:
        content: the file.
        headers: of every answer: validators, for example.
    """

    def __init__(self, content: bytes, headers: Mapping[str, str]) -> None:
        self.content = content
        self.headers = dict(headers)
        self.part_bytes = 7
        self.knows_ranges = True
        self.is_compressed = False
        self.is_announced = True
        self.failure: Exception | None = None
        self.bodies: list[Body] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        found = RANGE.fullmatch(request.headers.get("range", ""))
        if found is None or not self.knows_ranges or not self._is_same(request):
            return self._sent(
                200, gzip.compress(self.content) if self.is_compressed else self.content
            )
        start, length = int(found[1]), len(self.content)
        if start >= length:
            return httpx.Response(416, headers={"content-range": f"bytes */{length}"})
        content_range = {"content-range": f"bytes {start}-{length - 1}/{length}"}
        return self._sent(206, self.content[start:], content_range)

    def _is_same(self, request: httpx.Request) -> bool:
        own = self.headers.get("etag") or self.headers.get("last-modified")
        wanted = request.headers.get("if-range")
        return wanted is not None and wanted == own and not wanted.startswith("W/")

    def _sent(
        self, status: int, content: bytes, further: Mapping[str, str] | None = None
    ) -> httpx.Response:
        body = Body(content, self.part_bytes, self.failure)
        self.bodies.append(body)
        headers = {**self.headers, **(further or {})}
        if self.is_compressed:
            headers["content-encoding"] = "gzip"
        if self.is_announced:
            headers.setdefault("content-length", str(len(content)))
        return httpx.Response(status, headers=headers, stream=body)

    @property
    def are_released(self) -> bool:
        """Whether no connection is left open."""
        return all(body.is_released for body in self.bodies)
