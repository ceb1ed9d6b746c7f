"""Connectors that had no success for too long, also where their objects are silent. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from durable.alerts.alert import Alert, Kind, Told, alert, due, settled
from durable.connector import Connectors
from durable.instant import span


class Pulse(Struct, frozen=True):
    """What a connector's object says of itself."""

    succeeded_at_ms: int | None = None  # the end of its latest success


class Seen(Struct, frozen=True):
    """What is known of a connector. Persisted: add fields with defaults, never rename."""

    since_ms: int  # that it is looked at
    succeeded_at_ms: int | None = None


class Watched(Struct, frozen=True):
    """What is known of all of them. Persisted likewise."""

    connectors: Mapping[str, Seen] = {}
    told: Told = Told()


Pulses = Mapping[str, Pulse | None]  # None: the object did not answer


def looked(
    watched: Watched, pulses: Pulses, connectors: Connectors, now_ms: int
) -> tuple[Watched, list[Alert]]:
    """What is known after another look, and what is to be told of it.

    Args:
        watched: what was known.
        pulses: of all connectors that declare for how long they may be without a success.
        connectors: those that there are.
        now_ms: the time.
    """
    seen, told, alerts = dict[str, Seen](), watched.told, list[Alert]()
    for name, pulse in pulses.items():
        before = watched.connectors.get(name, Seen(now_ms))
        known_ms = before.succeeded_at_ms if pulse is None else pulse.succeeded_at_ms
        seen[name] = Seen(before.since_ms, known_ms)
        stale_after_ms = connectors[name].stale_after_ms
        silent_ms = now_ms - (known_ms or before.since_ms)
        is_stale = stale_after_ms is not None and silent_ms > stale_after_ms
        if is_stale:
            told, is_due = due(told, f"{Kind.STALE} {name}", now_ms)
            why = "" if pulse is not None else "; its object does not answer"
            text = f"no success for {span(silent_ms)}{why}"
            alerts += [alert(Kind.STALE, name, text, now_ms)] if is_due else []
        else:
            told, was_stale = settled(told, {f"{Kind.STALE} {name}"})
            text = "there was a success again"
            alerts += [alert(Kind.RECOVERED, name, text, now_ms)] if was_stale else []
    gone = {key for key in told.at_ms if key.partition(" ")[2] not in pulses}
    return Watched(seen, settled(told, gone)[0]), alerts
