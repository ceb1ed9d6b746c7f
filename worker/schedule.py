"""Which jobs a cron tick asks for. Pure."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from durable import cron
from durable.connector import AnyConnector, Connectors
from durable.job import Mode


class Due(Struct, frozen=True):
    """A job to begin."""

    connector: str
    mode: Mode
    trigger_key: str  # the same for all ticks of a minute, so they begin one job


def due(
    expression: str,
    scheduled_at_ms: int,
    connectors: Connectors,
    full_at_ms: Mapping[str, int | None] = {},
) -> Iterator[Due]:
    """The jobs that the tick of one cron trigger asks for.

    Each trigger ticks on its own, in any order and perhaps twice. So each looks at
    all that is due in its minute, and those of one minute come to the same answer.
    Where the tick of a FULL job was lost, the next one of any trigger makes it good.

    Args:
        expression: of the trigger, as it stands in wrangler.toml.
        scheduled_at_ms: the time that the tick was meant for.
        connectors: all there are.
        full_at_ms: when a FULL job was asked for last, or at work, by the connector. Of one that
            never had any, or does not tell, nothing is made good.
    """
    key = cron.trigger_key(scheduled_at_ms)
    for name, connector in connectors.items():
        asked_at_ms = full_at_ms.get(name)
        lost_at_ms = asked_at_ms and _lost_at_ms(connector, asked_at_ms, scheduled_at_ms)
        if lost_at_ms:
            yield Due(name, Mode.FULL, cron.trigger_key(lost_at_ms))
        if expression in connector.schedule:
            yield Due(name, _mode(expression, scheduled_at_ms, connector), key)


def _lost_at_ms(connector: AnyConnector, asked_at_ms: int, now_ms: int) -> int | None:
    """When a FULL job was due last, if that was before this minute, and none was asked for."""
    minute_ms = now_ms // cron.MINUTE_MS * cron.MINUTE_MS
    times = [
        at_ms
        for expression, mode in connector.schedule.items()
        if mode is Mode.FULL
        and (at_ms := cron.previous_ms(expression, minute_ms - cron.MINUTE_MS)) is not None
    ]
    due_at_ms = max(times, default=None)
    is_lost = due_at_ms is not None and due_at_ms // cron.MINUTE_MS > asked_at_ms // cron.MINUTE_MS
    return due_at_ms if is_lost else None


def _mode(expression: str, scheduled_at_ms: int, connector: AnyConnector) -> Mode:
    modes = {
        mode
        for other, mode in connector.schedule.items()
        if other == expression or cron.is_due(other, scheduled_at_ms)
    }
    return Mode.FULL if Mode.FULL in modes else Mode.INCREMENTAL
