"""When the records of a source changed, by its own clock. Pure."""

from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec
from msgspec import Raw, Struct

from durable.errors import UpstreamError
from durable.sources import times
from durable.sources.shape import Shape


BEHIND_MS_MAX = 60 * 60 * 1_000  # servers' clocks are seconds or minutes apart
TOLD_MS_MAX = 253_402_300_799_999  # the end of the year 9999; any number may stand there


class Clock(Struct, frozen=True):
    """Where a record says when it changed.

    Attributes:
        field: the path of that time.
        format: of it: a `TimeFormat`, or a text for `strptime`; in UTC, if it tells no zone.
    """

    field: str
    format: str

    def read(self, record: Raw) -> int:
        """When it changed. Raises UpstreamError where the record does not say."""
        try:
            text = str(_shape(self.field).read_part(record)[self.field])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _failure(f"one of the source's records has no {self.field}: {error}") from error
        try:
            return times.read(self.format, text)
        except ValueError as error:
            raise _failure(
                f"one of the source's records has a {self.field} that is not written as "
                f"{self.format}: {text!r:.200}"
            ) from error

    def told(self, record: Raw) -> int | None:
        """When it changed; None where the record does not say."""
        try:
            at_ms = self.read(record)
        except UpstreamError:
            return None
        return at_ms if 0 <= at_ms <= TOLD_MS_MAX else None

    def latest_ms(self, records: Sequence[Raw], now_ms: int) -> int:
        """The latest change of all; 0 where none says when it was.

        Args:
            records: of a page.
            now_ms: by our clock. A later time was planned, and not told by a clock.
        """
        told = [at_ms for record in records if (at_ms := self.told(record)) is not None]
        return max((at_ms for at_ms in told if at_ms <= now_ms), default=0)

    def behind_ms_max(self, kept_ms: int | None) -> int:
        """How far it may be behind ours; so much of its changes may be read again by each job.

        Args:
            kept_ms: for so long, the source can tell them; None: for ever.
        """
        return BEHIND_MS_MAX if kept_ms is None else min(BEHIND_MS_MAX, kept_ms // 2)


def told_by(clock: Clock | None) -> Callable[[Raw], int | None]:
    """When a record changed, by its source's clock if that has one."""
    return (lambda _: None) if clock is None else clock.told


@lru_cache(maxsize=32)
def _shape(field: str) -> Shape:
    return Shape([(field, str | int | float)])


def _failure(reason: str) -> UpstreamError:
    return UpstreamError(reason, is_transient=False)
