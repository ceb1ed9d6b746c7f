"""What only the platform can give, and what lives as long as the object or its isolate does."""

from collections.abc import Awaitable, Callable

import httpx
from msgspec import Struct, field
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.environment import Environment
from durable.http.token_cache import Tokens
from durable.machine.memory import Lease, MemoryBudget
from durable.store.store import Store


class Platform(Struct, frozen=True):
    """Clock, randomness and network, and the tokens that were asked for with them."""

    now_ms: Callable[[], int]
    nonce: Callable[[], str]  # a few hexadecimal digits, different each time
    draw: Callable[[], float]  # any number from 0 to 1, as likely as any other
    transport: httpx.AsyncBaseTransport
    wait: Callable[[int], Awaitable[object]]  # so many milliseconds, in which the runtime works
    tokens: Tokens = field(default_factory=Tokens)
    memory: MemoryBudget = field(default_factory=MemoryBudget)  # for all objects of an isolate


class RunnerContext(Struct, frozen=True):
    """What the object of one connector works with."""

    connector: AnyConnector
    environment: Environment  # variables and secrets
    store: Store  # the object's memory
    host: Platform


class LeaseRenewal(httpx.AsyncBaseTransport):
    """Renews a lease with each request and each answer.

    A page may take minutes, where each of its records is asked for more, and a turn that is
    silent for as long is taken for one that broke off. Its requests show that it did not.

    Args:
        host: whose network and memory these are.
        lease: of whoever asks.
    """

    def __init__(self, host: Platform, lease: Lease) -> None:
        self._host = host
        self._lease = lease

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._renew()
        response = await self._host.transport.handle_async_request(request)
        self._renew()
        return response

    def _renew(self) -> None:
        self._host.memory.renew(self._lease, self._host.now_ms())


def renewing_host(host: Platform, lease: Lease) -> Platform:
    """The host, for what holds a lease."""
    return replace(host, transport=LeaseRenewal(host, lease))
