"""What a platform gives, where only its network matters."""

import httpx

from durable.engine.platform import Platform
from tests.fakes.bench import NOW_MS
from tests.fakes.connections import Connections
from tests.fakes.network import no_wait


def a_host(transport: httpx.AsyncBaseTransport) -> Platform:
    """Its clock stands, and nothing is drawn."""
    return Platform(
        now_ms=lambda: NOW_MS,
        nonce=lambda: "0a1b2c",
        draw=lambda: 0.5,
        transport=Connections(transport),
        wait=no_wait,
    )
