"""Whether a connector's jobs come, and succeed, as its schedule asks. Pure."""

from collections.abc import Iterable

from msgspec import Struct

from durable import cron
from durable.connector import AnyConnector
from durable.job import Mode


DUES_MISSED = 2  # that went by without a success
GRACE_MS = 12 * 60 * 60 * 1_000  # for the job of the second to succeed
OVERDUE_MS = 30 * 60 * 1_000  # cron may be late by minutes


class Freshness(Struct, frozen=True):
    """When jobs of a connector have succeeded last."""

    since_ms: int | None = None  # from when on one could have
    succeeded_at_ms: int | None = None  # of any mode
    full_succeeded_at_ms: int | None = None


class Stale(Struct, frozen=True):
    """There was no success for too long."""

    mode: Mode | None  # that had none; None: neither had
    silent_ms: int


def stale(connector: AnyConnector, freshness: Freshness, now_ms: int) -> Stale | None:
    """What has not succeeded for too long.

    Too long is what the connector declares, or until its schedule was due twice and twelve hours
    went by. An INCREMENTAL job's success is none of a FULL one, which alone tells of deletions.
    """
    of_full = [each for each, mode in connector.schedule.items() if mode is Mode.FULL]
    since_ms = freshness.succeeded_at_ms or freshness.since_ms
    full_since_ms = freshness.full_succeeded_at_ms or freshness.since_ms
    declared_ms, full_declared_ms = connector.stale_after_ms, connector.full_stale_after_ms
    if since_ms is not None:
        at_ms = _stale_at_ms(connector.schedule, declared_ms, since_ms)
        if at_ms is not None and now_ms > at_ms:
            return Stale(None, now_ms - since_ms)
    if full_since_ms is not None and (of_full or full_declared_ms is not None):
        at_ms = _stale_at_ms(of_full, full_declared_ms, full_since_ms)
        if full_declared_ms is None and at_ms is not None:
            at_ms = max(at_ms, full_since_ms + (declared_ms or 0))
        if at_ms is not None and now_ms > at_ms:
            return Stale(Mode.FULL, now_ms - full_since_ms)
    return None


def _stale_at_ms(expressions: Iterable[str], declared_ms: int | None, since_ms: int) -> int | None:
    if declared_ms is not None:
        return since_ms + declared_ms
    due_ms: int | None = since_ms
    for _ in range(DUES_MISSED):
        due_ms = None if due_ms is None else next_due_ms(expressions, due_ms)
    return None if due_ms is None else due_ms + GRACE_MS


def next_due_ms(expressions: Iterable[str], now_ms: int) -> int | None:
    """When the first of them is due after this instant; None: never."""
    times = (cron.next_ms(expression, now_ms) for expression in expressions)
    return min((at_ms for at_ms in times if at_ms is not None), default=None)


def overdue_ms(expressions: Iterable[str], ticked_at_ms: int, now_ms: int) -> int | None:
    """When cron should have ticked and has not; None: it is on time.

    Args:
        expressions: of the schedule.
        ticked_at_ms: the last tick that was seen.
        now_ms: the time.
    """
    due_ms = next_due_ms(expressions, ticked_at_ms)
    return due_ms if due_ms is not None and now_ms > due_ms + OVERDUE_MS else None
