"""Whether a connector's jobs come, and succeed, as its schedule asks. Pure."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol

from msgspec import Struct

from durable import cron
from durable.machine.job import Mode
from durable.timestamps import span


# A schedule's gaps are looked through from a Friday on: those of nights and weekends come first.
GAPS_FROM_MS = 1_767_312_000_000  # 2026-01-02
GAPS_SPAN_MS = 4 * 366 * 24 * 60 * 60 * 1_000
GAPS_MAX = 1_000
FEW = 2  # gaps of what comes once in many years
OVERDUE_MS = 30 * 60 * 1_000  # cron may be late by minutes


class Timetable(Protocol):
    """What a connector declares of its times."""

    @property
    def schedule(self) -> Mapping[str, Mode]: ...
    @property
    def stale_after_ms(self) -> int | None: ...
    @property
    def full_stale_after_ms(self) -> int | None: ...


class Freshness(Struct, frozen=True):
    """When jobs of a connector have succeeded last. Persisted: add fields with defaults."""

    since_ms: int | None = None  # from when on one could have
    succeeded_at_ms: int | None = None  # of any mode
    full_succeeded_at_ms: int | None = None


class Stale(Struct, frozen=True):
    """There was no success for too long."""

    mode: Mode | None  # that had none; None: neither had
    silent_ms: int


def find_stale(timetable: Timetable, freshness: Freshness, now_ms: int) -> Stale | None:
    """What has not succeeded for too long.

    Too long is what the connector declares, or twice the longest gap of its schedule. An
    INCREMENTAL job's success is none of a FULL one, which alone tells of deletions.
    """
    since_ms = freshness.succeeded_at_ms or freshness.since_ms
    full_since_ms = freshness.full_succeeded_at_ms or freshness.since_ms
    for mode, begun_ms, after_ms in (
        (None, since_ms, stale_after_ms(timetable)),
        (Mode.FULL, full_since_ms, _full_stale_after_ms(timetable)),
    ):
        if begun_ms is not None and after_ms is not None and now_ms > begun_ms + after_ms:
            return Stale(mode, now_ms - begun_ms)
    return None


def stale_reason(found: Stale) -> str:
    """For whoever is told of it."""
    mode = f"{found.mode} " if found.mode else ""
    return f"no {mode}success for {span(found.silent_ms)}"


def stale_after_ms(timetable: Timetable) -> int | None:
    """Without a success for so long, somebody has to look; None: that is never so."""
    if timetable.stale_after_ms is not None:
        return timetable.stale_after_ms
    return _twice_the_gap_ms(tuple(timetable.schedule))


def _full_stale_after_ms(timetable: Timetable) -> int | None:
    """The same of FULL jobs; not before what the connector declares for any."""
    if timetable.full_stale_after_ms is not None:
        return timetable.full_stale_after_ms
    of_full = tuple(each for each, mode in timetable.schedule.items() if mode is Mode.FULL)
    after_ms = _twice_the_gap_ms(of_full)
    return None if after_ms is None else max(after_ms, timetable.stale_after_ms or 0)


@lru_cache(maxsize=64)  # a connector's is asked for with each look at it
def _twice_the_gap_ms(expressions: tuple[str, ...]) -> int | None:
    """Twice the longest time between two times that one of them is due; None: there are no two."""
    longest_ms, before_ms = 0, GAPS_FROM_MS
    due_ms = next_due_ms(expressions, before_ms)
    for count in range(GAPS_MAX):
        if due_ms is None or (count > FEW and due_ms > GAPS_FROM_MS + GAPS_SPAN_MS):
            break
        if count:
            longest_ms = max(longest_ms, due_ms - before_ms)
        before_ms, due_ms = due_ms, next_due_ms(expressions, due_ms)
    return 2 * longest_ms or None


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
