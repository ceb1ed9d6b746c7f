"""Makes lines of a body that comes in parts, and pages of lines."""

import zlib
from collections import deque

import msgspec
from msgspec import Raw, Struct

from durable.decoding import Decoder, UnboundedError
from durable.errors import Cause, Recourse, UpstreamError
from durable.http.charset import utf8
from durable.http.stream import Streamed
from durable.sources.json_mending import fault, mend_json
from durable.sources.source import not_json, snippet


PAGE_BYTES = 1024 * 1024  # a page has no more, unless it is one long line

_whole = Decoder[Raw](Raw)


class LinePosition(Struct, frozen=True):
    """A place between two lines of a body."""

    offset: int = 0  # bytes before it, as they are once they are decoded
    checksum: int = 0  # of these


class LinesPage(Struct, frozen=True):
    """A page of lines."""

    records: list[Raw]
    faults: dict[int, str | None]  # as in Records.faults
    byte_count: int  # of all that were taken


class Lines:
    """Reads JSON lines from a body, from a place on.

    Args:
        stream: whose next byte is the first at the spot.
        spot: where that is.
        line_bytes_max: a longer line is refused.
    """

    def __init__(self, stream: Streamed, spot: LinePosition, line_bytes_max: int) -> None:
        self.spot = spot  # after the lines that were taken
        self._stream = stream
        self._line_bytes_max = line_bytes_max
        self._ready: deque[bytes] = deque()
        self._rest = b""  # of the latest part: the beginning of a line
        self._is_whole = False  # the body, and all of it was read

    async def skip_to(self, spot: LinePosition) -> None:
        """Read up to a place, and check that all before it is unchanged.

        Raises:
            UpstreamError: it is not, and nothing but the start of the list helps.
        """
        assert self.spot == LinePosition(), "the body is read from its start"
        left, checksum = spot.offset, 0
        rest = b""
        while left:
            part = await self._stream.part()
            if part is None:
                raise change_error("it is shorter")
            checksum = zlib.crc32(part[:left], checksum)
            left, rest = max(0, left - len(part)), part[left:]
        if checksum != spot.checksum:
            raise change_error("what was read of it is not the same")
        self.spot = spot
        self._add(rest)

    async def page(self, line_count: int) -> LinesPage:
        """The next page. It does not depend on how the body comes in parts."""
        records: list[Raw] = []
        reasons: dict[int, str | None] = {}
        byte_count, bytes_max = 0, min(PAGE_BYTES, self._line_bytes_max)
        while len(records) < line_count and (line := await self._next()) is not None:
            length = len(line) + 1
            if byte_count and byte_count + length > bytes_max:
                break
            if (text := self._text(line)).strip():
                record, reason = self._record(text)
                records.append(record)
                if reason is not None:
                    reasons[len(records)] = f"the record is not read: {reason}"
            self._ready.popleft()
            byte_count += length
            checksum = zlib.crc32(b"\n", zlib.crc32(line, self.spot.checksum))
            self.spot = LinePosition(self.spot.offset + length, checksum)
        return LinesPage(records, reasons, byte_count)

    async def is_over(self) -> bool:
        """Whether the body was whole, and has no line left."""
        return await self._next() is None

    async def _next(self) -> bytes | None:
        """The next line, which stays where it is; None at the end."""
        while not self._ready and not self._is_whole:
            part = await self._stream.part()
            if part is not None:
                self._add(part)
            elif self._rest:
                raise UpstreamError(
                    f"the source's last line has no line break, and is cut: {snippet(self._rest)}",
                    cause=Cause.INCOMPLETE,
                    is_transient=True,
                )
            else:
                self._is_whole = True
        return self._ready[0] if self._ready else None

    def _add(self, part: bytes) -> None:
        *lines, self._rest = (self._rest + part).split(b"\n")
        self._ready.extend(lines)
        if max(map(len, (*lines, self._rest))) > self._line_bytes_max:
            raise UpstreamError(
                f"the source sent a line of more than {self._line_bytes_max} bytes: raise "
                "page_bytes_max in LIMITS",
                cause=Cause.TOO_LARGE,
            )

    def _text(self, line: bytes) -> bytes:
        """In UTF-8, without the mark that a body may begin with."""
        return line if line.isascii() else utf8(line, self._stream.headers)

    def _record(self, line: bytes) -> tuple[Raw, str | None]:
        """With what is at fault in it."""
        try:
            return self._decode(line)
        except UnboundedError as error:
            raise UpstreamError(
                f"the source's line at byte {self.spot.offset} is not read: {error}; it begins "
                f"with {snippet(line)}",
                cause=Cause.UNREADABLE,
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            name = f"the source's line at byte {self.spot.offset}"
            raise not_json(name, error, self._stream.headers, line) from error

    def _decode(self, line: bytes) -> tuple[Raw, str | None]:
        try:
            return _whole.decode(line), None
        except UnboundedError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError):
            if (both := mend_json(line)) is None:
                raise
        first, second = map(_whole.decode, both)
        return first, fault(first, second)


def change_error(how: str) -> UpstreamError:
    """The error that the list has changed since it was begun."""
    return UpstreamError(
        f"the source's list has changed since it was begun: {how}",
        cause=Cause.CHANGED,
        recourse=Recourse.RESTART,
    )
