"""When the records of a source changed, by its own clock. Pure."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache

import msgspec
from msgspec import Raw, Struct

from durable.errors import Cause, UpstreamError
from durable.json_paths import Shape
from durable.sources import times
from durable.sources.times import TimeFormat


BEHIND_MS_MAX = 60 * 60 * 1_000  # servers' clocks are seconds or minutes apart
TOLD_MS_MAX = 253_402_300_799_999  # the end of the year 9999; any number may stand there

# Of a time that was declared to be in the other unit: as milliseconds 1970, as seconds the year
# 5138 or later.
MISTAKEN_MS: Mapping[str, range] = {
    TimeFormat.EPOCH_MS: range(10**8, 10**11),
    TimeFormat.EPOCH_SECONDS: range(10**14, 10**17),
}


class Clock(Struct, frozen=True):
    """Where a record says when it changed.

    Attributes:
        path: the path of that time.
        format: of it: a `TimeFormat`, or a text for `strptime`; in UTC, if it tells no zone.
            RFC 3339, which is like nothing else, is understood besides.
        is_newest_first: of two records of one id, the first one read is the newer.
    """

    path: str
    format: str
    is_newest_first: bool = False

    def read(self, record: Raw) -> int:
        """When it changed. Raises UpstreamError where the record does not say."""
        text = self._text(record)
        try:
            return self._at_ms(text)
        except ValueError as error:
            raise self._misread(text) from error

    def check(self, records: Sequence[Raw]) -> None:
        """Check on a page of records that times are written as declared.

        Some may have none. Raises UpstreamError where there are times, and none can be read.
        """
        misread = ""
        for record in records:
            with suppress(UpstreamError):
                text = self._text(record)
                if text and self._is_read(text):
                    return
                misread = misread or text
        if misread:
            raise self._misread(misread)

    def _text(self, record: Raw) -> str:
        try:
            return str(_shape(self.path).read_part(record)[self.path])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _failure(f"one of the source's records has no {self.path}: {error}") from error

    def _at_ms(self, text: str) -> int:
        with suppress(ValueError):
            return times.read(self.format, text)
        if not times.RFC3339.match(text):
            raise ValueError(text)
        return times.read(TimeFormat.RFC3339, text)

    def _is_read(self, text: str) -> bool:
        try:
            at_ms = self._at_ms(text)
        except ValueError:
            return False
        return at_ms not in MISTAKEN_MS.get(self.format, ())

    def _misread(self, text: str) -> UpstreamError:
        return _failure(
            f"one of the source's records has a {self.path} that is not written as "
            f"{self.format}: {text!r:.200}; declare how it is written, as path_format of Since "
            "or format of NewestFirst"
        )

    def floor_ms(self, at_ms: int) -> int:
        """The time, rounded down as coarsely as records tell it."""
        return times.read(self.format, str(times.write(self.format, at_ms)))

    def changed_at_ms(self, record: Raw) -> int | None:
        """When it changed; None where the record does not say."""
        try:
            at_ms = self.read(record)
        except UpstreamError:
            return None
        return at_ms if 0 <= at_ms <= TOLD_MS_MAX else None

    def latest_ms(self, records: Sequence[Raw], now_ms: int) -> int:
        """The time of the latest change; 0 if no record tells one.

        Args:
            records: of a page.
            now_ms: by our clock. A later time was planned, and not told by a clock.
        """
        told = [at_ms for record in records if (at_ms := self.changed_at_ms(record)) is not None]
        return max((at_ms for at_ms in told if at_ms <= now_ms), default=0)

    def behind_ms_max(self, kept_ms: int | None) -> int:
        """How far the source's clock may be behind ours. Each job may read so much again.

        Args:
            kept_ms: for so long, the source can tell them; None: for ever.
        """
        return BEHIND_MS_MAX if kept_ms is None else min(BEHIND_MS_MAX, kept_ms // 2)


@lru_cache(maxsize=32)
def _shape(path: str) -> Shape:
    return Shape([(path, str | int | float)])


def _failure(reason: str) -> UpstreamError:
    return UpstreamError(reason, cause=Cause.BAD_TIME)
