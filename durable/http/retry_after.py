"""How long a server asks us to wait, by the headers of its answer. Pure.

What is understood: Retry-After (RFC 9110), and of limits of requests the headers
X-RateLimit-Remaining and -Reset, with a hyphen more or without the X, and the field
RateLimit of the drafts of the IETF. A time is a number, a number with units such as `60s` or
`1m30s`, or a date. A number alone is told by its size, as servers mean three things by it:

    below 1,000,000,000         seconds from now
    below 100,000,000,000       seconds since 1970
    above                       milliseconds since 1970

A header may come twice, as where a proxy adds its own: of several times the latest counts, and
no request is left where one of them says so.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct


EPOCH_SECONDS_MIN = 1_000_000_000  # in 2001; as seconds from now it would be 31 years
EPOCH_MS_MIN = 100_000_000_000  # in 1973; as seconds it would be the year 5138
NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?")
NUMBER_CHARACTERS_MAX = 15  # more than any wait that is kept; a float holds them all
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# In a date, a comma follows the day of the week.
COMMA = re.compile(r"(?<!mon|tue|wed|thu|fri|sat|sun|day),", re.IGNORECASE)
SPAN = re.compile(
    r"([0-9]{1,15}(?:\.[0-9]{0,15})?) ?"
    r"(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?)(?![a-z])",
    re.IGNORECASE,
)
SPAN_CHARACTERS_MAX = 60
UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000}
REMAINING = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
RESET = (
    *("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset"),
    "x-ratelimit-reset-after",
)
PART = re.compile(r"(?:^|[;,\s])(remaining|reset|r|t)=([0-9]+)", re.IGNORECASE)


class RetryHint(Struct, frozen=True):
    """A server's request to wait."""

    when: str = ""  # to come back, as it came; empty: it does not say
    header: str = ""  # that says so; empty: none does

    def reason(self, name: str) -> str:
        """For whoever wonders why the server is left alone; empty where it does not ask for it."""
        return f"{name}'s header {self.header} asks for a pause" if self.header else ""


def from_error(status: int, headers: Mapping[str, str]) -> RetryHint:
    """What a refusal says of when to come back."""
    when = headers.get("retry-after", "")
    if any(_time(part) is not None for part in _parts(when)):
        return RetryHint(when, "retry-after")
    return from_exhausted(headers) or (_first(headers, RESET) if status == 429 else RetryHint())


def from_exhausted(headers: Mapping[str, str]) -> RetryHint | None:
    """When the server takes requests again; None unless its quota is used up."""
    remaining = _first(headers, REMAINING)
    counts = (part[:NUMBER_CHARACTERS_MAX] for part in _parts(remaining.when))
    if any(NUMBER.fullmatch(count) and not float(count) for count in counts):
        return RetryHint(_first(headers, RESET).when, remaining.header)
    when = _policies(headers.get("ratelimit", ""))
    return None if when is None else RetryHint(when, "ratelimit")


def wait_ms(text: str, now_ms: int) -> int:
    """The wait until a time that a header tells; 0 for none. Of several, the longest one."""
    times = [time for part in _parts(text) if (time := _time(part)) is not None]
    return max((max(0, ms - now_ms * is_since_1970) for ms, is_since_1970 in times), default=0)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in COMMA.split(text)]


def _time(text: str) -> tuple[int, bool] | None:
    """In milliseconds, and whether they are since 1970, or else from now; None for no time."""
    if NUMBER.fullmatch(text):
        number = float(text[:NUMBER_CHARACTERS_MAX])
        if number < EPOCH_SECONDS_MIN:
            return int(number * 1_000), False
        return int(number if number >= EPOCH_MS_MIN else number * 1_000), True
    if (span_ms := _span_ms(text)) is not None:
        return span_ms, False
    try:
        is_day_first = DAY.match(text) is None
        at = parsedate_to_datetime(text) if is_day_first else datetime.fromisoformat(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return int(at.timestamp() * 1_000), True
    except (ValueError, OverflowError):
        return None


def _span_ms(text: str) -> int | None:
    """As `60s`, `1m30s` or `2 minutes`."""
    spans = SPAN.findall(text) if len(text) <= SPAN_CHARACTERS_MAX else []
    if not spans or SPAN.sub("", text).strip():
        return None
    return int(sum(float(number) * _unit_ms(unit.lower()) for number, unit in spans))


def _unit_ms(unit: str) -> int:
    is_small = unit == "ms" or unit.startswith("milli")
    return 1 if is_small else UNITS_MS[unit[0]]


def _policies(field: str) -> str | None:
    """As `"minute";r=0;t=30, "day";r=7;t=9000`, or in earlier drafts `remaining=0, reset=30`."""
    policies = [field] if "remaining=" in field.lower() else field.split(",")
    resets: list[int] = []
    for policy in policies:
        parts = {name.lower()[0:3]: int(number[:10]) for name, number in PART.findall(policy)}
        if parts.get("rem", parts.get("r")) == 0:
            resets.append(parts.get("res", parts.get("t", 0)))
    return str(max(resets)) if resets else None


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> RetryHint:
    return next(
        (RetryHint(headers[name].strip(), name) for name in names if name in headers), RetryHint()
    )
