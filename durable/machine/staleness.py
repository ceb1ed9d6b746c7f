"""Connectors that had no success for too long, and a cron that does not tick. Pure.

It knows of both also where the connectors' objects are silent.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from durable.machine.alerts import (
    REMINDER_MS,
    Alert,
    AlertHistory,
    AlertKind,
    make_alert,
    remind,
    settle,
)
from durable.machine.timeliness import (
    OVERDUE_MS,
    Freshness,
    Timetable,
    find_stale,
    next_due_ms,
    overdue_ms,
    stale_reason,
)
from durable.timestamps import rfc3339


CRON = ""  # in the place of a connector: it is all of them
OVERDUE = f"{AlertKind.OVERDUE} {CRON}"


class Heartbeat(Struct, frozen=True):
    """What a connector's object says of itself."""

    succeeded_at_ms: int | None = None  # the end of its latest success
    full_succeeded_at_ms: int | None = None  # of a FULL job


class Watched(Struct, frozen=True):
    """What is known of all of them. Persisted: add fields with defaults, never rename."""

    connectors: Mapping[str, Freshness] = {}  # since they are looked at
    told: AlertHistory = AlertHistory()
    looked_at_ms: int | None = None  # the last tick
    noticed_at_ms: int | None = None  # since when a first one is waited for

    @property
    def since_ms(self) -> int | None:
        """Since when a tick is waited for; None: it is not."""
        return self.looked_at_ms or self.noticed_at_ms


Pulses = Mapping[str, Heartbeat | None]  # None: the object did not answer
Timetables = Mapping[str, Timetable]


def check_staleness(
    watched: Watched, pulses: Pulses, timetables: Timetables, now_ms: int
) -> tuple[Watched, list[Alert]]:
    """What is known after another look, and what is to be told of it.

    Args:
        watched: what was known.
        pulses: of all connectors.
        timetables: of all connectors that there are, by their names.
        now_ms: the time.
    """
    seen, told, alerts = dict[str, Freshness](), watched.told, list[Alert]()
    for name, pulse in pulses.items():
        seen[name] = _seen(watched.connectors.get(name, Freshness(now_ms)), pulse)
        found = find_stale(timetables[name], seen[name], now_ms)
        if found is not None:
            told, is_due = remind(told, f"{AlertKind.STALE} {name}", now_ms)
            text = stale_reason(found) + (
                "" if pulse is not None else "; its object does not answer"
            )
            alerts += [make_alert(AlertKind.STALE, name, text, now_ms)] if is_due else []
        else:
            told, was_stale = settle(told, {f"{AlertKind.STALE} {name}"})
            text = "there was a success again"
            alerts += [make_alert(AlertKind.RECOVERED, name, text, now_ms)] if was_stale else []
    told, was_overdue = settle(told, {OVERDUE})
    alerts += (
        [make_alert(AlertKind.RECOVERED, CRON, "it ticks again", now_ms)] if was_overdue else []
    )
    gone = {key for key in told.at_ms if key.partition(" ")[2] not in pulses}
    return Watched(seen, settle(told, gone)[0], now_ms), alerts


def _seen(before: Freshness, pulse: Heartbeat | None) -> Freshness:
    if pulse is None:
        return before
    return Freshness(before.since_ms, pulse.succeeded_at_ms, pulse.full_succeeded_at_ms)


def record_notice(watched: Watched, now_ms: int) -> Watched:
    """What is known after a request: from then on, cron is to tick."""
    if watched.since_ms is not None:
        return watched
    return replace(watched, noticed_at_ms=now_ms)


def check_cron(
    watched: Watched, timetables: Timetables, now_ms: int
) -> tuple[Watched, list[Alert]]:
    """What is known after no look came when one was due, and what is to be told of it."""
    since_ms = watched.since_ms
    if since_ms is None:
        return watched, []
    due_ms = overdue_ms(_expressions(timetables), since_ms, now_ms)
    if due_ms is None:
        return watched, []
    told, is_due = remind(watched.told, OVERDUE, now_ms)
    text = f"it was due at {rfc3339(due_ms)}, and has not ticked since: no connector is begun"
    alerts = [make_alert(AlertKind.OVERDUE, CRON, text, now_ms)] if is_due else []
    return replace(watched, told=told), alerts


def next_check_at_ms(watched: Watched, timetables: Timetables) -> int | None:
    """When to look whether cron has ticked; None: nobody waits for it yet, or it never does."""
    since_ms = watched.since_ms
    if since_ms is None:
        return None
    told_at_ms = watched.told.at_ms.get(OVERDUE)
    if told_at_ms is not None:
        return told_at_ms + REMINDER_MS
    due_ms = next_due_ms(_expressions(timetables), since_ms)
    return None if due_ms is None else due_ms + OVERDUE_MS + 1


def _expressions(timetables: Timetables) -> list[str]:
    return [each for timetable in timetables.values() for each in timetable.schedule]
