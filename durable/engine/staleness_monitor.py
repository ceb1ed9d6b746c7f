"""Remembers what the cron ticks have seen of all connectors, and tells what is wrong.

An object of its own does this, since that of the connector may be what is wrong.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from durable.connector.definition import Connectors
from durable.engine.alert_sender import AlertSender, find_targets
from durable.engine.platform import Platform
from durable.environment import Environment
from durable.machine.alerts import Alert
from durable.machine.pacing import not_before
from durable.machine.staleness import (
    Pulses,
    Watched,
    check_cron,
    check_staleness,
    next_check_at_ms,
    record_notice,
)
from durable.store.store import Store


LEASE_MS = 60_000  # a dead isolate is woken again after this long


class StalenessMonitor:
    """Of all connectors.

    Args:
        connectors: all there are.
        environment: variables and secrets.
        store: the object's memory.
        host: clock, randomness and network.
    """

    def __init__(
        self, connectors: Connectors, environment: Environment, store: Store, host: Platform
    ) -> None:
        self._connectors = connectors
        self.environment = environment
        self._store = store
        self._host = host

    async def look(self, pulses: Pulses) -> None:
        """Write down what was seen, and what is to be told; that is sent with the next alarm."""
        self._note(
            *check_staleness(self._store.outbox.watched(), pulses, self._connectors, self._now_ms())
        )
        await self._store.arm(self._wakes_at_ms())

    async def notice(self) -> None:
        """Somebody asks the Worker for anything: see whether cron ticks, also if it never did."""
        watched, now_ms = (
            record_notice(self._store.outbox.watched(), self._now_ms()),
            self._now_ms(),
        )
        self._note(*check_cron(watched, self._connectors, now_ms))
        await self._store.arm(self._wakes_at_ms())

    async def deliver(self) -> list[str]:
        """Send what is due, and wake again for what is left. Returns what went wrong.

        Nobody else finds out that no look has come.
        """
        self._store.disarmed()
        outbox = self._store.outbox
        # Before anything that may fail or kill.
        await self._store.arm(self._now_ms() + LEASE_MS)
        self._note(*check_cron(outbox.watched(), self._connectors, self._now_ms()))
        faults = []
        if outbox.due_at_ms() is not None:
            faults = await AlertSender(self.environment, outbox, self._host).deliver()
        await self._store.arm(self._wakes_at_ms())
        return [fault for _, fault in faults]

    def _note(self, after: Watched, alerts: Sequence[Alert]) -> None:
        outbox, names = self._store.outbox, find_targets(self.environment)
        before = outbox.watched()
        if not names:
            after = replace(after, told=before.told)  # nobody was told
        if after != before:
            outbox.put_watched(after)
        for alert in alerts:
            outbox.add(alert, names)

    def _wakes_at_ms(self) -> int | None:
        """None where there is nothing to send and nobody to tell."""
        outbox, now_ms = self._store.outbox, self._now_ms()
        times = [outbox.due_at_ms()]
        if find_targets(self.environment):
            times.append(next_check_at_ms(outbox.watched(), self._connectors))
        at_ms = min((at_ms for at_ms in times if at_ms is not None), default=None)
        return None if at_ms is None else not_before(at_ms, now_ms)

    def _now_ms(self) -> int:
        return self._host.now_ms()
