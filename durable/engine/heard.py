"""What keeps the memory of those who are still at work.

A page may take minutes, where each of its records is asked for more, and a turn that is silent for
as long is taken for one that broke off. Its requests show that it did not.
"""

import httpx
from msgspec.structs import replace

from durable.engine.platform import Host
from durable.machine.memory import Lease


class Heard(httpx.AsyncBaseTransport):
    """Renews a lease with each request and each answer.

    Args:
        host: whose network and memory these are.
        lease: of whoever asks.
    """

    def __init__(self, host: Host, lease: Lease) -> None:
        self._host = host
        self._lease = lease

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._renew()
        response = await self._host.transport.handle_async_request(request)
        self._renew()
        return response

    def _renew(self) -> None:
        self._host.memory.renew(self._lease, self._host.now_ms())


def heard(host: Host, lease: Lease) -> Host:
    """The host, for what holds a lease."""
    return replace(host, transport=Heard(host, lease))
