"""Which ticks of cron a connector has missed, and the jobs that make them good. Pure."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from durable import cron
from durable.machine.job import Mode
from durable.machine.timeliness import overdue_ms


Schedule = Mapping[str, Mode]  # by cron expression


class Ticks(Struct, frozen=True):
    """What a connector has had of cron. Persisted: add fields with defaults, never rename."""

    # Since when it is known to have a schedule, by mode and expression.
    seen_at_ms: Mapping[str, int] = {}
    # The latest time that was due and for which a job was asked, by mode.
    begun_at_ms: Mapping[str, int] = {}


class Missed(Struct, frozen=True):
    """A job that cron did not begin."""

    mode: Mode
    due_at_ms: int


def seen(ticks: Ticks, schedule: Schedule, now_ms: int) -> Ticks:
    """With all of the schedule seen, and nothing that it no longer has."""
    keys = [_key(expression, mode) for expression, mode in schedule.items()]
    return replace(ticks, seen_at_ms={key: ticks.seen_at_ms.get(key, now_ms) for key in keys})


def begun(ticks: Ticks, mode: Mode, due_at_ms: int) -> Ticks:
    """With a job that was asked for, as it was due then."""
    latest_ms = max(due_at_ms, ticks.begun_at_ms.get(mode.value, 0))
    return replace(ticks, begun_at_ms={**ticks.begun_at_ms, mode.value: latest_ms})


def missed(
    ticks: Ticks, schedule: Schedule, worked_at_ms: Mapping[Mode, int | None], until_ms: int
) -> list[Missed]:
    """The jobs to begin, one of each mode at most: FULL alone, since it brings all.

    Args:
        ticks: with the schedule seen.
        schedule: of the connector.
        worked_at_ms: when a job of the mode was asked for last, or at work: whoever began it, it
            does what was missed.
        until_ms: what was due later may still come.
    """
    found = []
    for mode in (Mode.FULL, Mode.INCREMENTAL):
        # Of one minute, FULL wins.
        marks = [ticks.begun_at_ms.get(each.value) for each in {mode, Mode.FULL}]
        done_ms = max(0, *(mark or 0 for mark in [*marks, worked_at_ms.get(mode)]))
        due_at_ms = max(_due_ms(ticks, schedule, mode, until_ms), default=0)
        if due_at_ms > done_ms // cron.MINUTE_MS * cron.MINUTE_MS:
            found.append(Missed(mode, due_at_ms))
    return found[:1]


def _due_ms(ticks: Ticks, schedule: Schedule, mode: Mode, until_ms: int) -> Iterator[int]:
    """When each expression of the mode was due last since it was seen."""
    for expression, of in schedule.items():
        seen_at_ms = ticks.seen_at_ms.get(_key(expression, of))
        due_ms = cron.previous_ms(expression, until_ms)
        if of is mode and seen_at_ms is not None and due_ms is not None and due_ms > seen_at_ms:
            yield due_ms


def overdue_since_ms(
    ticks: Ticks, schedule: Schedule, ticked_at_ms: int | None, now_ms: int
) -> int | None:
    """When cron should have ticked and has not, also where it never did; None: it is on time.

    Args:
        ticks: of the connector.
        schedule: likewise.
        ticked_at_ms: the last minute for which cron has asked for a job.
        now_ms: the time.
    """
    found = []
    for expression, mode in schedule.items():
        since_ms = ticks.seen_at_ms.get(_key(expression, mode), ticked_at_ms)
        if since_ms is not None:
            found.append(overdue_ms([expression], max(since_ms, ticked_at_ms or 0), now_ms))
    return min((due_ms for due_ms in found if due_ms is not None), default=None)


def _key(expression: str, mode: Mode) -> str:
    return f"{mode} {expression}"
