"""Cron expressions as Cloudflare reads them: five fields, in UTC, Sunday is 1. Pure."""

import re
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from durable.timestamps import rfc3339


MINUTE_MS = 60_000
KEY = "cron "  # what the trigger keys of ticks begin with


def fault(expression: str) -> str | None:
    """What is wrong with the expression, or None."""
    try:
        next(_after(expression, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        return str(error) or "it never comes"
    return None


def is_due(expression: str, at_ms: int) -> bool:
    """Whether the expression fires in the minute that holds this instant."""
    minute = datetime.fromtimestamp(at_ms // MINUTE_MS * 60, UTC)
    return next(_after(expression, minute - timedelta(minutes=1)), None) == minute


def next_ms(expression: str, now_ms: int) -> int | None:
    """The first minute after this instant in which it fires; None if it never does."""
    moment = datetime.fromtimestamp(now_ms / 1_000, UTC)
    found = next(_after(expression, moment), None)
    return None if found is None else int(found.timestamp() * 1_000)


def previous_ms(expression: str, now_ms: int) -> int | None:
    """The last minute, up to that of this instant, in which it fires; None if it never did."""
    moment = datetime.fromtimestamp(now_ms // MINUTE_MS * 60, UTC) + timedelta(minutes=1)
    found = next(_after(expression, moment, is_reverse=True), None)
    return None if found is None else int(found.timestamp() * 1_000)


def trigger_key(at_ms: int) -> str:
    """The same for all ticks of a minute, so they begin one job."""
    return f"{KEY}{rfc3339(at_ms // MINUTE_MS * MINUTE_MS)}"


def key_ms(trigger_key: str) -> int:
    """The minute of such a key."""
    return int(datetime.fromisoformat(trigger_key.removeprefix(KEY)).timestamp() * 1_000)


def _after(expression: str, moment: datetime, *, is_reverse: bool = False) -> CronSim:
    fields = expression.upper().split()
    if len(fields) != 5:
        raise CronSimError(f"it has {len(fields)} fields, not 5")
    # Steps as ranges: the library takes `*/2` for a star, and counts a day 7 beside day 0.
    fields[2] = re.sub(r"^\*/", "1-31/", fields[2])
    fields[4] = re.sub(r"^(\d)/", r"\1-7/", re.sub(r"^\*/", "1-7/", fields[4]))
    # A number that is neither a step nor an "n-th of the month" names a day.
    fields[4] = re.sub(r"(?<![#/\d])\d+", lambda found: _day(found[0]), fields[4])
    return CronSim(" ".join(fields), moment, reverse=is_reverse)


def _day(number: str) -> str:
    """The day's number as the library counts, from 0."""
    if not 1 <= int(number) <= 7:
        raise CronSimError(f"its day of the week is {number}; Sunday is 1, Saturday 7")
    return str(int(number) - 1)
