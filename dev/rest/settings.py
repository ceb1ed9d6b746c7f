"""How a server behaves, changed on request."""

from typing import Generic, Literal, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.faults import json_response


class Rate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many requests are answered in a time; others get 429.

    Attributes:
        window_ms: the time, which begins with the first request after the last one.
        headers: how a client learns when the next window begins. `retry-after` are seconds,
            `retry-date` is an HTTP date, both on a 429 only. `reset` and `reset-after` stand for
            X-RateLimit-Limit, -Remaining and -Reset on every answer, the last as seconds since
            1970 and as seconds to go. `none`: not at all.
    """

    requests: int
    window_ms: int
    headers: Literal["retry-after", "retry-date", "reset", "reset-after", "none"] = "retry-after"

    def __post_init__(self) -> None:
        if self.requests < 0 or self.window_ms < 1:
            raise ValueError("requests must not be negative, and window_ms is 1 or more")


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a source. What it does not have, it takes and ignores.

    Attributes:
        rate: None lets everybody ask as fast as they can.
        missing: ids of records that are on their lists, and 404 when asked for one by one.
        changes_kept_since_ms: who asks for changes since an earlier time gets 410.
        expires_in_seconds: of access tokens handed out from now on; None: it is not said, and
            they last.
        rotates_refresh_tokens: each use of a refresh token gives another, and ends it.
    """

    rate: Rate | None = None
    missing: frozenset[str] = frozenset()
    changes_kept_since_ms: int = 0
    expires_in_seconds: int | None = 3_600
    rotates_refresh_tokens: bool = False


S = TypeVar("S", bound=Struct)


class InForce(Generic[S]):
    """The settings in force.

    Args:
        settings: at the start, and after a reset.
    """

    def __init__(self, settings: S) -> None:
        self._first = settings
        self.now = settings

    def reset(self) -> None:
        self.now = self._first

    def routes(self) -> list[Route]:
        async def change(request: Request) -> Response:
            try:
                self.now = msgspec.json.decode(await request.body(), type=type(self._first))
            except msgspec.DecodeError as error:
                return json_response({"error": str(error)}, 400)
            return json_response(self.now)

        async def current(_request: Request) -> Response:
            return json_response(self.now)

        return [
            Route("/control/settings", change, methods=["PUT"]),
            Route("/control/settings", current, methods=["GET"]),
        ]
