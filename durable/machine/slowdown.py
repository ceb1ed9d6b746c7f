"""How fast single documents go to a Glean that finds them too many. Pure.

Additive increase, multiplicative decrease (Chiu and Jain, 1989), as TCP has it: whoever shares a
token with others, whom it does not know, comes to a fair share of it. A refusal halves the rate;
in an hour without one, the whole rate is regained, a sixtieth each minute.
"""

from msgspec import Struct


MINUTE_MS = 60_000
# Glean counts by the minute: more refusals in one tell nothing new.
SPAN_MS = MINUTE_MS
RECOVERY_MS = 60 * MINUTE_MS  # from nothing to the whole rate
SHARES = 60  # of the whole rate, of which one is left whatever happens


class Slowdown(Struct, frozen=True):
    """The latest refusal. Persisted: add fields with defaults, never rename."""

    per_minute: int  # documents, from then on
    at_ms: int


def rate_per_minute(slowdown: Slowdown | None, per_minute_max: int, now_ms: int) -> int:
    """How many documents a minute there may be now, from 1."""
    if slowdown is None:
        return per_minute_max
    since_ms = max(0, now_ms - slowdown.at_ms)
    regained = per_minute_max * since_ms // RECOVERY_MS
    least = max(1, per_minute_max // SHARES)
    return min(per_minute_max, max(least, slowdown.per_minute) + regained)


def halve(slowdown: Slowdown | None, per_minute_max: int, now_ms: int) -> Slowdown:
    """After a refusal; once for all that come within the minute."""
    if slowdown is not None and slowdown.at_ms <= now_ms < slowdown.at_ms + SPAN_MS:
        return slowdown
    return Slowdown(rate_per_minute(slowdown, per_minute_max, now_ms) // 2, now_ms)
