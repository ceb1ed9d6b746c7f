"""Instants as others write them. Inside, an instant is Unix milliseconds."""

from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND, LONGEST = timedelta(milliseconds=1), timedelta(days=10_000)
UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"))


def rfc3339(at_ms: int) -> str:
    """As in 2026-11-24T02:00:00.000Z."""
    moment = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(duration: timedelta) -> int:
    """As durations are inside: whole milliseconds."""
    return duration // timedelta(milliseconds=1)


def is_span(value: object, least: timedelta) -> bool:
    """Whether it is a duration that is no shorter, and not above the thousands of years."""
    return isinstance(value, timedelta) and least <= value <= LONGEST


def rfc3339_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)


def span(duration_ms: int) -> str:
    """Roughly, as a person says it: "3 days", "1 hour"."""
    for unit_ms, name in UNITS:
        if (count := duration_ms // unit_ms) >= 1:
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "less than a second"


def unix_seconds(moment: datetime | date | str) -> int:
    """The instant as Glean takes it, without its fraction.

    Args:
        moment: with its time zone; or a day, which begins in UTC; or either as RFC 3339 writes
            it, such as "2026-11-24T02:00:00Z" and "2026-11-24".

    Raises:
        ValueError: it has no time zone, or is not written like that.
    """
    read = _read(moment) if isinstance(moment, str) else moment
    if not isinstance(read, datetime):
        read = datetime.combine(read, time_of_day(), UTC)
    if read.utcoffset() is None:
        raise ValueError(
            f"{moment!r} does not say its time zone: add it, for example by "
            ".replace(tzinfo=UTC), or by Z at the end of a text"
        )
    return (read - EPOCH) // timedelta(seconds=1)


def _read(text: str) -> datetime | date:
    try:
        kind = date if len(text) == len("2026-11-24") else datetime
        return kind.fromisoformat(text.upper())
    except ValueError as error:
        raise ValueError(
            f"{text!r:.100} is no time as RFC 3339 writes it, such as 2026-11-24T02:00:00Z"
        ) from error
