"""What only the platform has, as it is handed to the routes."""

from collections.abc import Callable

from msgspec import Struct

from worker.access import Access


class Edge(Struct, frozen=True):
    """The platform's clock and randomness, and what outlives a request."""

    now_ms: Callable[[], int]
    nonce: Callable[[], str]  # 32 hexadecimal digits that nobody can guess
    team: Access  # with the keys of Cloudflare Access
