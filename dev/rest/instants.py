"""Times as APIs write them, and as clients ask for what changed since one."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from dev.rest.refusal import RefusedError


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(at_ms: int) -> str:
    """In UTC with milliseconds: its order as text is that of time."""
    moment = EPOCH + timedelta(milliseconds=at_ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_rfc3339(text: str, name: str) -> int:
    """Milliseconds; a part of one counts as a whole one, since all our times are whole ones.

    Args:
        text: with any offset.
        name: of the parameter, for the refusal.

    Raises:
        RefusedError: it is something else.
    """
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RefusedError(
            f"{name} is an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z, not {text!r}"
        )
    return -((EPOCH - moment) // timedelta(milliseconds=1))


def since_ms(query: Mapping[str, str]) -> int | None:
    """What a query asks for, by any of three parameters; None: it asks for all.

    `updated_since` is RFC 3339, `since_ms` milliseconds since 1970, and `since` is either seconds
    since 1970 or RFC 3339.

    Raises:
        RefusedError: it has more than one of them, or one that is no time.
    """
    given = [name for name in ("updated_since", "since", "since_ms") if name in query]
    if not given:
        return None
    if len(given) > 1:
        raise RefusedError(f"{' and '.join(given)} are two ways to say one thing: give one")
    name, text = given[0], query[given[0]]
    if name != "updated_since" and text.isascii() and text.isdecimal():
        return int(text) * (1 if name == "since_ms" else 1_000)
    if name == "since_ms":
        raise RefusedError(f"since_ms is a number of milliseconds, not {text!r}")
    return from_rfc3339(text, name)
