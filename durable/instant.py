"""Instants as others write them. Inside, an instant is Unix milliseconds."""

from datetime import UTC, datetime


def rfc3339(at_ms: int) -> str:
    """As in 2026-11-24T02:00:00.000Z."""
    moment = datetime.fromtimestamp(at_ms / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
