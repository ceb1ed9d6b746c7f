"""Sends alerts. No job waits long for that, and none fails because of it."""

import asyncio

from durable.engine.platform import Platform
from durable.environment import Environment, absolute
from durable.errors import ConfigurationError, UpstreamError
from durable.http.auth import Credentials, FixedCredentials
from durable.http.client import HttpClient
from durable.http.origins import Origins
from durable.http.retry_after import wait_ms
from durable.machine.alert_delivery import CHANNELS, Delivery, content, defer, record_attempt
from durable.store.outbox import Outbox
from durable.views.texts import Surface, say


DELIVERIES_AT_ONCE = 4
SEND_SECONDS = 5.0  # a job may wait for the end of it
ANSWER_BYTES_MAX = 16 * 1024
TAKEN = frozenset(range(200, 300))
WORKER_URL = "WORKER_URL"


def find_targets(environment: Environment) -> list[str]:
    """The names of the secrets of alert targets that are set."""
    return [name for name in CHANNELS if environment.optional(name) is not None]


class AlertSender:
    """Sends the alerts of one connector.

    Args:
        environment: has the URLs.
        outbox: has the deliveries.
        host: clock and network.
    """

    def __init__(self, environment: Environment, outbox: Outbox, host: Platform) -> None:
        self._environment = environment
        self._outbox = outbox
        self._host = host

    async def deliver(self) -> list[tuple[str, str]]:
        """Send what is due, a few at a time. What fails is sent again later.

        Returns:
            What went wrong, without secrets, after the id of the job that it is about, or "".
        """
        deliveries = self._outbox.due(self._host.now_ms(), DELIVERIES_AT_ONCE)
        faults = await asyncio.gather(*(self._send(delivery) for delivery in deliveries))
        return [
            (delivery.alert.job_id, fault)
            for delivery, fault in zip(deliveries, faults, strict=True)
            if fault is not None
        ]

    async def _send(self, delivery: Delivery) -> str | None:
        now_ms = self._host.now_ms()
        # An attempt counts when it begins: one that kills is not made for ever.
        again = record_attempt(delivery, now_ms)
        if again is None:
            self._outbox.remove(delivery)
            return (
                f"an alert is given up, as {delivery.target} did not take it: {delivery.alert.text}"
            )
        self._outbox.put(again)
        try:
            await self._post(delivery)
        except ConfigurationError as error:
            return self._environment.redacted(f"an alert is not sent: {error}")
        except UpstreamError as error:
            at_ms = self._host.now_ms()
            self._outbox.put(defer(again, at_ms + wait_ms(error.retry_after, at_ms)))
            return self._environment.redacted(f"an alert is not sent yet: {error}")
        self._outbox.remove(delivery)
        return None

    async def _post(self, delivery: Delivery) -> None:
        url = absolute(self._environment.secret(delivery.target).reveal())
        signer = FixedCredentials(Credentials(), f"check the secret {delivery.target}")
        upstream = HttpClient(
            delivery.target, self._host.transport, signer, Origins(url), is_confidential=True
        )
        await upstream.ask(
            "POST",
            url,
            headers={"content-type": "application/json"},
            content=content(
                delivery,
                self._environment.optional(WORKER_URL),
                say(delivery.alert.remedy, Surface.ALERT),
            ),
            bytes_max=ANSWER_BYTES_MAX,
            statuses=TAKEN,
            timeout_seconds=SEND_SECONDS,
        )
