"""The Durable Object of one connector: the platform's side of the processor.

One of the two files that know the platform, a clock or randomness.
"""

import random
import secrets
import sys
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

import js
from pyodide.ffi import JsException, to_js
from workers import DurableObject

from durable.connector.definition import Connectors
from durable.connector.staged import stage
from durable.engine.handling import outlive
from durable.engine.platform import Platform
from durable.engine.questions import answer_question
from durable.engine.services import Services
from durable.environment import Environment
from durable.http.connection_limit import ConnectionLimit
from durable.http.fetch_transport import FetchTransport, part_bytes
from durable.machine.memory import ISOLATE
from durable.store.store import Store
from durable.views.log import Level, LogLine


class ConnectorRunner(DurableObject):  # type: ignore[misc] # the platform's class has no types
    """Owns the jobs of the connector whose name it is addressed by.

    Whatever can be called here, can be called by everyone who holds the binding.
    """

    connectors: ClassVar[Connectors] = {}  # set by the Worker's entry, which knows them all

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self.environment = Environment(lambda name: getattr(env, name, None))
        everyone, dataset = self.connectors.values(), getattr(env, "ANALYTICS", None)
        connector = stage(self.connectors[ctx.id.name], self.environment, everyone)
        store, host = Store(ctx.storage), platform()
        self.services = Services(
            connector, self.environment, store, host, dataset=dataset, write=_print
        )

    async def ask(self, question: str) -> str:
        """The answer to one of `durable.engine.questions`, both as JSON."""
        return await answer_question(question, self.services)

    async def alarm(self, _info: Any = None) -> None:
        """A turn. Nothing may escape: after a few failures the platform drops the alarm."""
        services = self.services

        def broke_off(text: str) -> None:
            services.report("the turn broke off", Level.ERROR, text)

        if (job := await outlive(services.processor.turn(), broke_off)) is not None:
            services.say("turn ended", job)
        services.tell()


def platform() -> Platform:
    """What an object is given of the platform."""
    gate = ConnectionLimit(FetchTransport(_fetch))
    return Platform(
        _now_ms, lambda: secrets.token_hex(3), random.random, gate, _wait, memory=ISOLATE
    )


def _print(line: LogLine) -> None:
    """To the platform's log; of its errors, where a person is to look."""
    print(line.text, file=sys.stderr if line.level is Level.ERROR else sys.stdout)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _wait(duration_ms: int) -> None:
    """The runtime sends what it was given between two timers, so this lets it."""
    await js.scheduler.wait(duration_ms)


async def _fetch(
    method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float | None
) -> "_Incoming":
    """The runtime's fetch, as `durable.http.fetch_transport.Fetch`."""
    patience = _Patience(timeout_seconds)
    options: dict[str, Any] = {
        "method": method,
        "headers": _js_headers(tuple(headers.items())),
        "redirect": "manual",
        "cache": "no-store",  # else Cloudflare's cache may answer with a list as it was
        "signal": patience.signal,
    }
    if body:
        options["body"] = body
    response = await patience.awaited(js.fetch(url, _js_object(options)))
    try:
        return _Incoming(response, patience)
    except BaseException:  # nobody is to come who would let it go
        patience.end()
        raise


def _js_object(fields: Mapping[str, Any]) -> Any:
    return to_js(fields, dict_converter=js.Object.fromEntries)


@lru_cache(maxsize=1)
def _byob() -> Any:
    return _js_object({"mode": "byob"})


@lru_cache(maxsize=8)  # each end is sent the same ones again and again
def _js_headers(headers: tuple[tuple[str, str], ...]) -> Any:
    return _js_object(dict(headers))


class _Incoming:
    """A JavaScript Response, as `durable.http.fetch_transport.Incoming`."""

    def __init__(self, response: Any, patience: "_Patience") -> None:
        self.status: int = response.status
        # Each look at JavaScript costs microseconds, so the headers are taken over at once.
        pairs = getattr(js.Array, "from")(response.headers).to_py()
        self.headers = [(name, value) for name, value in pairs]
        self._patience = patience
        announced = dict(self.headers).get("content-length", "")
        self._part_bytes = part_bytes(announced)
        body = None if announced == "0" else response.body
        self._reader = body.getReader(_byob()) if body else None

    async def read(self) -> bytes | None:
        if self._reader is None:
            return None
        # By the runtime's own measure a body comes in parts of 4 KB, each a way there and back.
        room = js.Uint8Array.new(self._part_bytes)
        part = await self._patience.awaited(self._reader.readAtLeast(self._part_bytes, room))
        value = part.value
        content: bytes = value.to_bytes() if value else b""
        if len(content) < self._part_bytes:
            self._reader = None  # there is no more
        return content or None

    def cancel(self) -> None:
        if self._reader is not None:
            self._patience.end()


class _Patience:
    """Ends an exchange that has been waited for too long, or that nobody waits for any more."""

    def __init__(self, timeout_seconds: float | None) -> None:
        aborter = js.AbortController.new()
        self.end = aborter.abort.bind(aborter)
        self.signal = aborter.signal
        self._timeout_ms = None if timeout_seconds is None else int(timeout_seconds * 1_000)

    async def awaited(self, promise: Any) -> Any:
        """What the promise comes to. Raises OSError, and TimeoutError if that took too long."""
        # Not asyncio's: a timer of the event loop lives on in the runtime when it is cancelled.
        timer = None if self._timeout_ms is None else js.setTimeout(self.end, self._timeout_ms)
        try:
            return await promise
        except JsException as error:
            if self.signal.aborted:
                raise TimeoutError from error
            raise OSError(str(error)) from error
        except BaseException:
            self.end()  # nobody waits any longer
            raise
        finally:
            if timer is not None:
                js.clearTimeout(timer)
