"""Instants as sources write and read them. Pure; all in UTC."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from durable.timestamps import rfc3339


class TimeFormat(StrEnum):
    """How an instant is written. Any text for `strftime`, as in `%Y-%m-%d %H:%M`, does too."""

    RFC3339 = "rfc3339"  # 2026-11-24T02:00:00.000Z
    RFC3339_SECONDS = "rfc3339_seconds"  # 2026-11-24T02:00:00Z
    DATE = "date"  # 2026-11-24
    EPOCH_SECONDS = "epoch_seconds"
    EPOCH_MS = "epoch_ms"


COUNTED = re.compile(r"-?\d{9,}(\.\d*)?", re.ASCII)  # Python reads some as a day of a far year
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)  # how it begins
DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
DIRECTIVES = frozenset("YmdHMSfzyjbBaAIp%")  # of strftime: others depend on the machine
TEXTS: Mapping[str, str] = {
    TimeFormat.RFC3339_SECONDS: "%Y-%m-%dT%H:%M:%SZ",
    TimeFormat.DATE: "%Y-%m-%d",
}
UNITS_MS: Mapping[str, int] = {TimeFormat.EPOCH_SECONDS: 1_000, TimeFormat.EPOCH_MS: 1}
NAMED = frozenset(TimeFormat)  # a list would be made anew for each record
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SAMPLE_MS = 1_764_000_000_000  # 2025-11-24T16:00:00Z
DAY_MS = 24 * 60 * 60 * 1_000


def fault(form: str) -> str | None:
    """Why instants cannot be written so; None if they can."""
    if form in NAMED:
        return None
    directives = DIRECTIVE.findall(form)
    if not directives:
        return f"it is one of {', '.join(TimeFormat)}, or a text for strftime, as in '%Y-%m-%d'"
    others = sorted(set(directives) - DIRECTIVES)
    return f"strftime's %{others[0]} is not taken here" if others else None


def reading_fault(form: str) -> str | None:
    """Why instants cannot be written so and read again; None if they can."""
    if (found := fault(form)) is not None:
        return found
    try:
        is_read = 0 <= SAMPLE_MS - read(form, str(write(form, SAMPLE_MS))) < DAY_MS
    except (ValueError, re.error):  # a directive that is there twice
        is_read = False
    return None if is_read else "it does not tell the day"


def write(form: str, at_ms: int) -> str | int:
    """The instant, or the latest before it that can be written so."""
    if (unit_ms := UNITS_MS.get(form)) is not None:
        return at_ms // unit_ms
    if form == TimeFormat.RFC3339:
        return rfc3339(at_ms)
    moment = datetime.fromtimestamp(at_ms // 1_000, UTC).replace(microsecond=at_ms % 1_000 * 1_000)
    return moment.strftime(TEXTS.get(form, form))


def read(form: str, text: str) -> int:
    """The instant in milliseconds, rounded down.

    Raises:
        ValueError: the text is not of the format.
    """
    if (unit_ms := UNITS_MS.get(form)) is not None:
        try:
            return int(float(text) * unit_ms // 1)
        except OverflowError as error:
            raise ValueError(str(error)) from error
    if form in NAMED and COUNTED.fullmatch(text):
        raise ValueError("it is a number, and may be seconds or milliseconds")
    # Most other formats tell no zone.
    moment = datetime.fromisoformat(text) if form in NAMED else datetime.strptime(text, form)  # noqa: DTZ007
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // MILLISECOND
