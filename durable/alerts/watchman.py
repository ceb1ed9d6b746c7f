"""Remembers what the cron ticks have seen of all connectors, and tells what is wrong.

An object of its own does this, since that of the connector may be what is wrong.
"""

import msgspec

from durable.alerts.messenger import Messenger, targets
from durable.alerts.watch import Pulses, looked
from durable.connector import Connectors
from durable.environment import Environment
from durable.host import Host
from durable.pace import soon
from durable.store import Store


LEASE_MS = 60_000  # a dead isolate is woken again after this long


class Watchman:
    """Of all connectors.

    Args:
        connectors: all there are.
        environment: variables and secrets.
        store: the object's memory.
        host: clock, randomness and network.
    """

    def __init__(
        self, connectors: Connectors, environment: Environment, store: Store, host: Host
    ) -> None:
        self._connectors = connectors
        self.environment = environment
        self._store = store
        self._host = host

    async def look(self, pulses: Pulses) -> None:
        """Write down what was seen, and what is to be told; that is sent with the next alarm."""
        now_ms, outbox = self._host.now_ms(), self._store.outbox
        before = outbox.watched()
        after, alerts = looked(before, pulses, self._connectors, now_ms)
        names = targets(self.environment)
        if not names:
            after = msgspec.structs.replace(after, told=before.told)  # nobody was told
        if after != before:
            outbox.put_watched(after)
        for alert in alerts:
            outbox.add(alert, names)
        if outbox.due_at_ms() is not None:
            await self._store.arm(soon(now_ms, now_ms))

    async def deliver(self) -> list[str]:
        """Send what is due, and wake again for what is left. Returns what went wrong."""
        self._store.disarmed()
        # Before anything that may fail or kill.
        await self._store.arm(self._host.now_ms() + LEASE_MS)
        outbox = self._store.outbox
        faults = await Messenger(self.environment, outbox, self._host).deliver()
        due_at_ms = outbox.due_at_ms()
        at_ms = None if due_at_ms is None else soon(due_at_ms, self._host.now_ms())
        await self._store.arm(at_ms)
        return [fault for _, fault in faults]
