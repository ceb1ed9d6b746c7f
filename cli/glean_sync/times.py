"""Times and durations as a person reads them. Pure."""

from datetime import UTC, datetime


MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60


def clock(at: str | None) -> str:
    """To the second, in UTC, as logs and the ids of jobs have it."""
    if at is None:
        return ""
    return f"{_read(at).astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def since(at: str | None, now: datetime) -> str:
    """How long ago it was, or how soon it is."""
    if at is None:
        return ""
    seconds = (now - _read(at)).total_seconds()
    whole = duration(round(abs(seconds)))
    return f"{whole} ago" if seconds >= 0 else f"in {whole}"


def duration(seconds: float | None) -> str:
    """With its two largest units; of less than a minute, with its tenths if it has any."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < MINUTE:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def _read(at: str) -> datetime:
    return datetime.fromisoformat(at)
