"""The Durable Object of one connector: the platform's side of the processor.

One of the two files that know the platform, a clock or randomness.
"""

import secrets
import time
import traceback
from collections.abc import Mapping
from typing import Any, ClassVar

import js
import msgspec
from pyodide.ffi import JsException, to_js
from workers import DurableObject

from durable.connector import Connectors
from durable.environment import Environment
from durable.job import Job, Mode
from durable.processor import Processor
from durable.status import status
from durable.store import Store
from durable.transport import FetchTransport
from durable.turn import Host


class Runner(DurableObject):  # type: ignore[misc] # the platform's class has no types
    """Owns the jobs of the connector whose name it is addressed by.

    Its callers get plain dicts: the platform turns exceptions into texts. Whatever
    can be called here, can be called by everyone who holds the binding.
    """

    connectors: ClassVar[Connectors] = {}  # set by the Worker's entry, which knows them all

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self.environment = Environment(lambda name: getattr(env, name, None))
        host = Host(now_ms=_now_ms, nonce=_nonce, transport=FetchTransport(_fetch))
        connector = self.connectors[ctx.id.name]
        self.processor = Processor(connector, self.environment, Store(ctx.storage), host)

    async def begin(self, mode: str, trigger_key: str | None) -> dict[str, Any]:
        """Ask for a job. `trigger_key`: requests with the same key are one request."""
        begun = await self.processor.begin(Mode(mode), trigger_key)
        if begun.is_new:
            _log("queued", begun.job, trigger=trigger_key)
        return _plain(begun.job)

    async def status(self, job_id: str) -> dict[str, Any] | None:
        job = self.processor.job(job_id)
        return None if job is None else _plain(job)

    async def alarm(self, _info: Any = None) -> None:
        """A turn. Nothing may escape: after a few failures the platform drops the alarm."""
        try:
            job = await self.processor.turn()
        except Exception:  # noqa: BLE001 - our own bug; the lease brings the job back
            # Texts of errors may quote what others sent us.
            print(self.environment.redacted(traceback.format_exc()))  # noqa: T201 - the log
        else:
            if job is not None:
                _log("turn ended", job)


def _plain(job: Job) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(status(job))
    return plain


def _log(event: str, job: Job, **fields: str | None) -> None:
    line = {"event": event, **fields, **_plain(job)}
    print(msgspec.json.encode(line).decode())  # noqa: T201 - the platform's log


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _nonce() -> str:
    return secrets.token_hex(3)


async def _fetch(method: str, url: str, headers: Mapping[str, str], body: bytes) -> "_Incoming":
    """The runtime's fetch, as `durable.transport.Fetch`."""
    aborter = js.AbortController.new()
    options: dict[str, Any] = {
        "method": method,
        "headers": headers,
        "redirect": "manual",
        "signal": aborter.signal,
    }
    if body:
        options["body"] = body
    try:
        response = await js.fetch(url, to_js(options, dict_converter=js.Object.fromEntries))
    except JsException as error:
        raise OSError(str(error)) from error
    except BaseException:
        aborter.abort()  # nobody waits any longer
        raise
    return _Incoming(response, aborter)


class _Incoming:
    """A JavaScript Response, as `durable.transport.Incoming`."""

    def __init__(self, response: Any, aborter: Any) -> None:
        self.status: int = response.status
        self.headers = [(str(name), str(value)) for name, value in response.headers]
        self._aborter = aborter
        self._reader = response.body.getReader() if response.body else None

    async def read(self) -> bytes | None:
        if self._reader is None:
            return None
        try:
            part = await self._reader.read()
        except JsException as error:
            raise OSError(str(error)) from error
        if part.done:
            self._reader = None
            return None
        content: bytes = part.value.to_bytes()
        return content

    def cancel(self) -> None:
        if self._reader is not None:
            self._aborter.abort()
