"""A limit of requests in a time, told by headers."""

import math
from collections.abc import Mapping
from email.utils import formatdate

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dev.faults import json_response
from dev.rest.ledger import Clock
from dev.rest.settings import InForce, Rate, Settings


class Throttle:
    """An ASGI application around another. What it refuses has no effect, and does not count.

    Args:
        app: what is wrapped.
        in_force: has the rate.
        clock: in milliseconds.
    """

    def __init__(self, app: ASGIApp, in_force: InForce[Settings], clock: Clock) -> None:
        self._app = app
        self._in_force = in_force
        self._clock = clock
        self._rate: Rate | None = None
        self._ends_at_ms = 0
        self._left = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rate = self._in_force.now.rate
        if rate is None:
            await self._app(scope, receive, send)
            return
        now_ms = self._clock()
        if rate is not self._rate or now_ms >= self._ends_at_ms:
            self._rate, self._left = rate, rate.requests
            self._ends_at_ms = now_ms + rate.window_ms
        if self._left == 0:
            answer = json_response({"error": "too many requests"}, 429)
            answer.headers.update(self._refusal_headers(rate, now_ms))
            await answer(scope, receive, send)
            return
        self._left -= 1
        headers = self._headers(rate, now_ms)

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, told)

    def _refusal_headers(self, rate: Rate, now_ms: int) -> Mapping[str, str]:
        match rate.headers:
            case "retry-after":
                return {"retry-after": str(math.ceil((self._ends_at_ms - now_ms) / 1_000))}
            case "retry-date":
                # A date has no parts of a second: the next whole one is late enough.
                return {"retry-after": formatdate(math.ceil(self._ends_at_ms / 1_000), usegmt=True)}
        return self._headers(rate, now_ms)

    def _headers(self, rate: Rate, now_ms: int) -> Mapping[str, str]:
        match rate.headers:
            case "reset":
                reset = math.ceil(self._ends_at_ms / 1_000)
            case "reset-after":
                reset = math.ceil((self._ends_at_ms - now_ms) / 1_000)
            case _:
                return {}
        return {
            "x-ratelimit-limit": str(rate.requests),
            "x-ratelimit-remaining": str(self._left),
            "x-ratelimit-reset": str(reset),
        }
