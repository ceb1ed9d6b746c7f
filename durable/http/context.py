"""What a source and its authentication work with."""

from collections.abc import Callable

import httpx
from msgspec import Struct

from durable.environment import Environment
from durable.http.token_cache import Tokens


class SourceContext(Struct, frozen=True):
    """What a reader has to work with."""

    environment: Environment
    transport: httpx.AsyncBaseTransport
    now_ms: Callable[[], int]
    page_bytes_max: int  # a larger page is refused
    tokens: Tokens  # that were asked for, in this turn or in those before it
