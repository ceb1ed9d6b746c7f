"""Which jobs a cron tick asks for. Pure."""

from collections.abc import Iterator

from msgspec import Struct

from durable import cron
from durable.connector.definition import AnyConnector, Connectors
from durable.machine.job import Mode


class Due(Struct, frozen=True):
    """A job to begin."""

    connector: str
    mode: Mode
    trigger_key: str  # the same for all ticks of a minute, so they begin one job


def due(expression: str, scheduled_at_ms: int, connectors: Connectors) -> Iterator[Due]:
    """The jobs that the tick of one cron trigger asks for.

    Each trigger ticks on its own, in any order and perhaps twice. So each looks at
    all that is due in its minute, and those of one minute come to the same answer.
    What earlier ticks were to begin and did not, the connectors' objects make good.

    Args:
        expression: of the trigger, as it stands in wrangler.toml.
        scheduled_at_ms: the time that the tick was meant for.
        connectors: all there are.
    """
    key = cron.trigger_key(scheduled_at_ms)
    for name, connector in connectors.items():
        if expression in connector.schedule:
            yield Due(name, _mode(expression, scheduled_at_ms, connector), key)


def _mode(expression: str, scheduled_at_ms: int, connector: AnyConnector) -> Mode:
    modes = {
        mode
        for other, mode in connector.schedule.items()
        if other == expression or cron.is_due(other, scheduled_at_ms)
    }
    return Mode.FULL if Mode.FULL in modes else Mode.INCREMENTAL
