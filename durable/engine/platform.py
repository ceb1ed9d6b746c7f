"""What only the platform can give, and what lives as long as the object or its isolate does."""

from collections.abc import Awaitable, Callable

import httpx
from msgspec import Struct, field

from durable.http.token_cache import Tokens
from durable.machine.memory import MemoryBudget


class Host(Struct, frozen=True):
    """Clock, randomness and network, and the tokens that were asked for with them."""

    now_ms: Callable[[], int]
    nonce: Callable[[], str]  # a few hexadecimal digits, different each time
    draw: Callable[[], float]  # any number from 0 to 1, as likely as any other
    transport: httpx.AsyncBaseTransport
    wait: Callable[[int], Awaitable[object]]  # so many milliseconds, in which the runtime works
    tokens: Tokens = field(default_factory=Tokens)
    memory: MemoryBudget = field(default_factory=MemoryBudget)  # for all objects of an isolate
