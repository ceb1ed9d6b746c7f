"""A request to a server, and what came back."""

from collections.abc import Mapping

import httpx
from msgspec import Struct

from durable.http.error_rules import Reply


NONE: frozenset[int] = frozenset()


class Asked(Struct, frozen=True, kw_only=True):
    """A request, but for the proof."""

    method: str
    url: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes | None = None
    bytes_max: int | None = None  # None: an answer's body is left to whoever asked
    statuses: frozenset[int]
    expiring: frozenset[int] = NONE  # that tell of a cursor which has expired, if no rule is for it
    timeouts: Mapping[str, Mapping[str, float | None]]


class Exchange(Struct, frozen=True, kw_only=True):
    """A request and what came back."""

    place: httpx.URL
    reply: Reply
    response: httpx.Response
