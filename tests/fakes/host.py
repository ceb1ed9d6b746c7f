"""What a platform gives, where only its network matters."""

import httpx

from durable.engine.platform import Host
from tests.fakes.bench import NOW_MS
from tests.fakes.connections import Connections
from tests.fakes.network import no_wait


def a_host(transport: httpx.AsyncBaseTransport) -> Host:
    """Its clock stands, and nothing is drawn."""
    return Host(
        now_ms=lambda: NOW_MS,
        nonce=lambda: "0a1b2c",
        draw=lambda: 0.5,
        transport=Connections(transport),
        wait=no_wait,
    )
