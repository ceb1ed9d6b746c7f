"""What the platform gives the Worker's routes."""

from worker.access import Access, Key, UnavailableError
from worker.call import Edge


NOW_MS = 1_764_000_000_000
NONCE = "0123456789abcdef" * 2


async def nothing_fetched(url: str) -> bytes:
    raise UnavailableError(f"{url} did not answer")


async def nothing_signed(_key: Key, _signature: bytes, _content: bytes) -> bool:
    return False


def an_edge(now_ms: int = NOW_MS, team: Access | None = None) -> Edge:
    """Where Cloudflare Access has no keys, unless a team is given."""
    return Edge(lambda: now_ms, lambda: NONCE, team or Access(nothing_fetched, nothing_signed))
