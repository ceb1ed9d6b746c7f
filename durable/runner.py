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
from durable.connector.staged import staged
from durable.engine.checks import Checks
from durable.engine.handling import harmless, outlive
from durable.engine.platform import Platform
from durable.engine.processor import Begun, Processor
from durable.engine.provision import Provision
from durable.environment import Environment
from durable.http.connection_limit import ConnectionLimit
from durable.http.fetch_transport import FetchTransport, part_bytes
from durable.machine.commands import Command, Instruction, Refusal
from durable.machine.job import Job, Mode, State
from durable.machine.memory import ISOLATE
from durable.machine.totals import totals
from durable.store.store import Store
from durable.views import log
from durable.views.analytics import Analytics
from durable.views.log import Level, LogLine
from durable.views.serialization import plain, provisioned, refused
from durable.views.views import Views


class ConnectorRunner(DurableObject):  # type: ignore[misc] # the platform's class has no types
    """Owns the jobs of the connector whose name it is addressed by.

    Its callers get plain dicts: the platform turns exceptions into texts. Whatever
    can be called here, can be called by everyone who holds the binding.
    """

    connectors: ClassVar[Connectors] = {}  # set by the Worker's entry, which knows them all

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self.environment = Environment(lambda name: getattr(env, name, None))
        host, store, everyone = platform(), Store(ctx.storage), self.connectors.values()
        connector = staged(self.connectors[ctx.id.name], self.environment, everyone)
        self.provision = Provision(connector, self.environment, host)
        self.checks = Checks(connector, self.environment, host)
        self.analytics = Analytics(getattr(env, "ANALYTICS", None), store.chronicle.taken)
        self.processor = Processor(connector, self.environment, store, host)
        self.views = Views(connector, self.environment, store, host)

    async def begin(self, mode: str, trigger_key: str | None) -> dict[str, Any]:
        """Ask for a job. `trigger_key`: requests with the same key are one request.

        Returns:
            `status` of the job, or `refusal`.
        """
        begun = await self.processor.begin(Mode(mode), trigger_key)
        return _answer(self, begun, trigger=trigger_key)

    async def status(self, job_id: str, wait_ms: int) -> dict[str, Any] | None:
        """`status` of the job, as soon as its state changes, or after so long; None: no such job.

        It waits for nothing where the job is in no state that passes by itself.
        """
        job = await self.views.awaited(job_id, int(wait_ms))
        return None if job is None else {"status": plain(self.views.shown(job))}

    async def overview(self) -> dict[str, Any]:
        """`overview` of the connector."""
        self.processor.see()
        return {"overview": plain(self.views.overview())}

    async def measures(self) -> dict[str, Any]:
        """`measures` of the connector."""
        return {"measures": plain(self.views.measures())}

    async def jobs(self, before_id: str, states: str, count: int) -> dict[str, Any]:
        """`jobs` in these states, divided by commas, that come before an id; the newest first."""
        wanted = [State(state) for state in states.split(",")]
        lines = self.views.lines(before_id, wanted, int(count))
        return {"jobs": [plain(line) for line in lines]}

    async def events(self, job_id: str, after: int, count: int) -> dict[str, Any] | None:
        """`events` of the job after a number, and the `total` there were; None: no such job."""
        if self.views.job(job_id) is None:
            return None
        events = self.views.events(job_id, int(after), int(count))
        total, shown = self.views.event_count(job_id), [plain(event) for event in events]
        return {"total": total, "events": shown}

    async def obey(self, job_id: str, command: str, deletion_count: int) -> dict[str, Any] | None:
        """`status` after the command, or `refusal`; None if there is no such job."""
        job = await self.processor.obey(job_id, Instruction(Command(command), int(deletion_count)))
        if job is None:
            return None
        if isinstance(job, Refusal):
            return refused(job)
        _say(self, f"{command} on request", job)
        _tell(self)
        return {"status": plain(self.views.shown(job))}

    async def repeat(self, job_id: str) -> dict[str, Any] | None:
        """`status` of a job that reads this one's rejects again, or `refusal`; None as above."""
        begun = await self.processor.repeat(job_id)
        return None if begun is None else _answer(self, begun, repeats=job_id)

    async def check(self) -> dict[str, Any]:
        """`checks` of all that has to be right for a job to succeed."""
        return {"checks": [plain(check) for check in await self.checks.run()]}

    async def datasource(self) -> dict[str, Any]:
        """`found` of the datasource in Glean, or `fault`."""
        return provisioned(await self.provision.found())

    async def set_up(self, difference_count: int) -> dict[str, Any]:
        """`found` before it was made what is declared, or `fault`."""
        shown = provisioned(await self.provision.set_up(int(difference_count)))
        _report(self, "the datasource was to be set up", Level.INFO, **shown)
        return shown

    async def rejects(
        self, job_id: str, page: int, order: int, count: int
    ) -> dict[str, Any] | None:
        """`rejects` of the job after a page and an `order` in it, and the `total` there were."""
        job = self.views.job(job_id)
        if job is None:
            return None
        rejects = [
            {"page": at, "order": reject.order, **plain(reject)}
            for at, reject in self.views.rejects(job_id, (int(page), int(order)), int(count))
        ]
        return {"total": totals(job).reject_count, "rejects": rejects}

    async def tend(self, ticked_at_ms: int) -> dict[str, Any]:
        """Bring back what the platform has lost: an alarm, earlier ticks. Returns its `pulse`."""
        if await self.processor.tend():
            _report(self, "a lost alarm was set again", Level.ERROR)
        for job in await self.processor.catch_up(int(ticked_at_ms)):
            _say(self, "queued, as cron did not tick", job)
        return {"pulse": plain(self.views.pulse())}

    async def alarm(self, _info: Any = None) -> None:
        """A turn. Nothing may escape: after a few failures the platform drops the alarm."""

        def broke_off(text: str) -> None:
            _report(self, "the turn broke off", Level.ERROR, text)

        if (job := await outlive(self.processor.turn(), broke_off)) is not None:
            _say(self, "turn ended", job)
        _tell(self)


def _answer(
    runner: ConnectorRunner,
    begun: Begun | Refusal,
    trigger: str | None = None,
    repeats: str | None = None,
) -> dict[str, Any]:
    if isinstance(begun, Refusal):
        return refused(begun)
    if begun.is_new:
        _say(runner, "queued", begun.job, trigger=trigger, repeats=repeats)
    return {"status": plain(runner.views.shown(begun.job))}


def platform() -> Platform:
    """What an object is given of the platform."""
    gate = ConnectionLimit(FetchTransport(_fetch))
    return Platform(
        _now_ms, lambda: secrets.token_hex(3), random.random, gate, _wait, memory=ISOLATE
    )


@harmless
def _tell(runner: ConnectorRunner) -> None:
    if (fault := runner.analytics.tell()) is not None:
        _report(runner, "the Analytics Engine took no data", Level.WARNING, fault)


@harmless
def _say(runner: ConnectorRunner, event: str, job: Job, **fields: Any) -> None:
    _print(log.job_line(event, runner.views.shown(job), **fields))


@harmless
def _report(
    runner: ConnectorRunner, event: str, level: Level, text: str = "", **fields: Any
) -> None:
    clean, connector = runner.environment.redacted(text) or None, runner.views.connector_name
    _print(log.log_line(event, level, connector=connector, text=clean, **fields))


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
