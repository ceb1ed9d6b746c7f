"""Faults on request, and a log of what was asked: for servers that tests talk to.

`Faults` wraps an application. A request under its prefix takes the first waiting fault that
fits, and whatever became of it goes into the log.

    POST   /control/faults           queue a Fault, or a list of them
    GET    /control/faults           those that still wait
    DELETE /control/faults           forget them
    GET    /control/requests?since=N the log after sequence number N
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Literal

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dev.loopback import ABORT


LOGGED_REQUESTS_MAX = 20_000

Describe = Callable[[Scope, bytes], Mapping[str, Any]]


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to go wrong, and when.

    With `status` or `drop="before"` the request has no effect. `status=200` with a `body` is a
    server in front that answers in this one's place, as a proxy with its login page does.
    `drop="after"` is the nastiest: the effect is there, the answer is lost. With `drop="amid"`
    half of the answer arrives. `delay_ms` alone only delays.
    """

    path: str | None = None  # as it ends; None fits any
    within: str | None = None  # a text that the request's body has
    times: int = 1
    skip: int = 0  # so many fitting requests pass first
    status: int | None = None
    retry_after: str | None = None
    delay_ms: int = 0
    drop: Literal["before", "amid", "after"] | None = None
    body: str | None = None
    content_type: str = "text/plain"  # of the body

    def __post_init__(self) -> None:
        if self.times < 1 or self.skip < 0 or self.delay_ms < 0:
            raise ValueError("times must be positive; skip and delay_ms must not be negative")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status {self.status} is not one that a server answers with")
        if self.status is not None and self.drop is not None:
            raise ValueError("a dropped connection has no status: give status or drop")
        if self.status is None and self.drop is None and self.delay_ms == 0:
            raise ValueError("a fault needs a status, a drop or a delay_ms")

    def fits(self, path: str, body: bytes) -> bool:
        return path.endswith(self.path or "") and (self.within or "").encode() in body

    @property
    def label(self) -> str:
        match self:
            case Fault(status=int(status)):
                return str(status)
            case Fault(drop=str(drop)):
                return f"drop {drop}"
        return f"delay {self.delay_ms} ms"


class Faults:
    """An ASGI application around another: faults, the log, and their control endpoints.

    Args:
        app: what is wrapped.
        prefix: of the paths concerned, without a slash at its end.
        body_bytes_max: of a request. One byte more is kept, so that `app` can tell; the rest
            is read and thrown away.
        describe: what the log is to say of a request, beside its path and status. The
            application can add to it in `request.state.log`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        prefix: str,
        body_bytes_max: int,
        describe: Describe = lambda _scope, _body: {},
    ) -> None:
        self._app = app
        self._prefix = prefix
        self._body_bytes_max = body_bytes_max
        self._describe = describe
        self.waiting: list[Fault] = []
        self.log = Log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        # The whole request is read before anything is decided: a fault then hits
        # a client that waits for its answer, not one that is still sending.
        body = await _body(receive, self._body_bytes_max + 1)
        if body is None:
            return
        fault = self.take(scope["path"], body)
        entry = {
            "path": scope["path"],
            "fault": None if fault is None else fault.label,
            **self._describe(scope, body),
        }
        scope.setdefault("state", {})["log"] = entry
        await self._answer(fault, scope, _Replay(body, receive), _Logged(send, self.log, entry))

    async def _answer(
        self, fault: Fault | None, scope: Scope, receive: Receive, send: "_Logged"
    ) -> None:
        if fault is not None and fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        match fault:
            case Fault(status=int(status)):
                headers = {} if fault.retry_after is None else {"retry-after": fault.retry_after}
                text = f"Fault {status}" if fault.body is None else fault.body
                answer = Response(text, status, headers, fault.content_type)
                await answer(scope, receive, send)
            case Fault(drop="before"):
                send.log(None)
                await _abort(scope, receive)
            case Fault(drop="amid"):
                await self._app(scope, receive, send.halved())
                await _abort(scope, receive)
            case Fault(drop="after"):
                await self._app(scope, receive, send.without_sending())
                await _abort(scope, receive)
            case _:
                await self._app(scope, receive, send)

    def take(self, path: str, body: bytes = b"") -> Fault | None:
        """The fault for a request, counted. Faults behind it in the queue do not see it."""
        for index, fault in enumerate(self.waiting):
            if not fault.fits(path, body):
                continue
            if fault.skip:
                self.waiting[index] = msgspec.structs.replace(fault, skip=fault.skip - 1)
                continue
            if fault.times == 1:
                del self.waiting[index]
            else:
                self.waiting[index] = msgspec.structs.replace(fault, times=fault.times - 1)
            return fault
        return None

    def reset(self) -> None:
        self.waiting.clear()
        self.log.clear()


class Log:
    """The last requests. Sequence numbers begin at 1 and never begin again."""

    def __init__(self) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=LOGGED_REQUESTS_MAX)
        self._sequence = 0

    def add(self, entry: Mapping[str, Any]) -> None:
        self._sequence += 1
        self._entries.append({"sequence": self._sequence, **entry})

    def after(self, sequence: int) -> list[dict[str, Any]]:
        return [entry for entry in self._entries if entry["sequence"] > sequence]

    def clear(self) -> None:
        self._entries.clear()


def control_routes(faults: Callable[[], Faults]) -> list[Route]:
    """The endpoints above. `faults` is called for each request: it wraps what has the routes."""

    async def change(request: Request) -> Response:
        body = await request.body()
        try:
            decoded = msgspec.json.decode(body, type=Fault | list[Fault])
        except msgspec.DecodeError as error:
            return PlainTextResponse(f"not a fault: {error}", 400)
        faults().waiting.extend(decoded if isinstance(decoded, list) else [decoded])
        return json_response(faults().waiting)

    async def waiting(_request: Request) -> Response:
        return json_response(faults().waiting)

    async def forget(_request: Request) -> Response:
        faults().waiting.clear()
        return json_response([])

    async def requests(request: Request) -> Response:
        since = request.query_params.get("since", "0")
        if not since.isdecimal():
            return PlainTextResponse(f"since is a sequence number, not {since!r}", 400)
        return json_response(faults().log.after(int(since)))

    return [
        Route("/control/faults", change, methods=["POST"]),
        Route("/control/faults", waiting, methods=["GET"]),
        Route("/control/faults", forget, methods=["DELETE"]),
        Route("/control/requests", requests, methods=["GET"]),
    ]


def json_response(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


class _Replay:
    """Gives a body that was read already, then whatever comes."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Logged:
    """Logs when the answer begins: a client that has it finds its request in the log."""

    def __init__(self, send: Send, log: Log, entry: MutableMapping[str, Any]) -> None:
        self._send = send
        self._log = log
        self._entry = entry

    def log(self, status: int | None) -> None:
        self._log.add({**self._entry, "status": status})

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.log(message["status"])
        await self._send(message)

    def halved(self) -> Send:
        """Sends the head and half of the first part of the body."""
        has_sent = False

        async def half(message: Message) -> None:
            nonlocal has_sent
            if message["type"] == "http.response.start":
                await self(message)
            elif not has_sent:
                body = message.get("body", b"")
                has_sent = bool(body)
                part = {**message, "body": body[: len(body) // 2], "more_body": True}
                await self._send(part)

        return half

    def without_sending(self) -> Send:
        async def nowhere(_message: Message) -> None: ...

        return _Logged(nowhere, self._log, self._entry)


async def _body(receive: Receive, bytes_max: int) -> bytes | None:
    """The body, cut at `bytes_max`; None when the client has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")[: bytes_max - len(body)]
        if not message.get("more_body", False):
            return bytes(body)


async def _abort(scope: Scope, receive: Receive) -> None:
    abort = scope["state"].get(ABORT)
    if abort is None:
        # In process there is no connection: the caller gets what a socket would give it.
        raise ConnectionResetError("the connection was dropped by a fault")
    abort()
    while (await receive())["type"] != "http.disconnect":
        pass
