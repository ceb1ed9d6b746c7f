"""How long a server asks to be left alone, by the headers of its answer. Pure.

What is understood: Retry-After (RFC 9110), and of limits of requests the headers
X-RateLimit-Remaining and -Reset, with a hyphen more or without the X, and the field
RateLimit of the drafts of the IETF. A time is a number or a date. A number is
told by its size, as servers mean three things by it:

    below 1,000,000,000         seconds from now
    below 100,000,000,000       seconds since 1970
    above                       milliseconds since 1970
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


EPOCH_SECONDS_MIN = 1_000_000_000  # in 2001; as seconds from now it would be 31 years
EPOCH_MS_MIN = 100_000_000_000  # in 1973; as seconds it would be the year 5138
NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?")
NUMBER_CHARACTERS_MAX = 15  # more than any wait that is kept; a float holds them all
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
REMAINING = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")
RESET = (
    *("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset"),
    "x-ratelimit-reset-after",
)
PART = re.compile(r"(?:^|[;,\s])(remaining|reset|r|t)=([0-9]+)", re.IGNORECASE)


def told(status: int, headers: Mapping[str, str]) -> str:
    """What a refusal says of when to come back, as it came; empty for nothing."""
    if header := headers.get("retry-after", ""):
        return header
    return exhausted(headers) or (_first(headers, RESET) if status == 429 else "")


def exhausted(headers: Mapping[str, str]) -> str | None:
    """When requests are let in again, empty if unknown; None unless there are none left."""
    remaining = _first(headers, REMAINING)
    if NUMBER.fullmatch(remaining) and not float(remaining[:NUMBER_CHARACTERS_MAX]):
        return _first(headers, RESET)
    return _policies(headers.get("ratelimit", ""))


def wait_ms(text: str, now_ms: int) -> int:
    """The wait until a time that a header tells; 0 for none."""
    if NUMBER.fullmatch(text):
        number = float(text[:NUMBER_CHARACTERS_MAX])
        if number < EPOCH_SECONDS_MIN:
            return int(number * 1_000)
        at_ms = int(number if number >= EPOCH_MS_MIN else number * 1_000)
        return max(0, at_ms - now_ms)
    try:
        is_day_first = DAY.match(text) is None
        at = parsedate_to_datetime(text) if is_day_first else datetime.fromisoformat(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return max(0, int(at.timestamp() * 1_000) - now_ms)
    except (ValueError, OverflowError):
        return 0


def _policies(field: str) -> str | None:
    """As `"minute";r=0;t=30, "day";r=7;t=9000`, or in earlier drafts `remaining=0, reset=30`."""
    policies = [field] if "remaining=" in field.lower() else field.split(",")
    resets: list[int] = []
    for policy in policies:
        parts = {name.lower()[0:3]: int(number[:10]) for name, number in PART.findall(policy)}
        if parts.get("rem", parts.get("r")) == 0:
            resets.append(parts.get("res", parts.get("t", 0)))
    return str(max(resets)) if resets else None


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((headers[name].strip() for name in names if name in headers), "")
