"""The Worker's entry: adapts the platform's requests, ticks and objects.

One of the two files that know the platform, a clock or randomness. The platform
finds the exported classes among this file's names.
"""

import asyncio
import secrets
import sys
import time
from collections.abc import Awaitable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import js
import msgspec
from msgspec.structs import asdict
from pyodide.ffi import JsException, to_js
from workers import DurableObject, WorkerEntrypoint

import connectors
from durable import runner
from durable.connector.discovery import discover
from durable.decoding import decode
from durable.engine.handling import harmless, outlive
from durable.engine.placement import JURISDICTION, is_stranded, namespace_stub
from durable.engine.questions import BeginJob, TendObject
from durable.engine.staleness_monitor import StalenessMonitor
from durable.environment import Environment
from durable.errors import UpstreamError
from durable.http.auth import NoAuthentication
from durable.http.client import HttpClient
from durable.http.origins import Origins
from durable.machine.staleness import Heartbeat
from durable.store.store import Store
from durable.views import log
from durable.views.log import Level
from worker.access import CERTS_BYTES_MAX, Access, Key, UnavailableError
from worker.bodies import VERSION_TAG
from worker.call import Edge
from worker.request import Request
from worker.responses import WorkerResponse
from worker.routes import Routes, failure
from worker.runners import RemoteRunners
from worker.schedule import due


CERTS_SECONDS_MAX = 10.0
SIGNED_WITH = "RSASSA-PKCS1-v1_5"


async def _fetch_bytes(url: str) -> bytes:
    """See `Access`."""
    upstream = HttpClient(url, runner.platform().transport, NoAuthentication(), Origins(url))
    bytes_max, seconds = CERTS_BYTES_MAX, CERTS_SECONDS_MAX
    try:
        answer = await upstream.ask("GET", url, bytes_max=bytes_max, timeout_seconds=seconds)
    except UpstreamError as error:
        # Strangers read it: it tells nothing of what came back.
        what = "gave no whole answer" if error.status is None else f"answered {error.status}"
        raise UnavailableError(f"{url} {what}") from error
    return answer.body


async def _wait(duration_ms: int) -> None:
    """See `Access`."""
    await js.scheduler.wait(duration_ms)


async def _is_signed(key: Key, signature: bytes, content: bytes) -> bool:
    """See `Access`."""
    algorithm = _object({"name": SIGNED_WITH, "hash": "SHA-256"})
    usages, subtle = to_js(["verify"]), js.crypto.subtle
    try:
        public = await subtle.importKey("jwk", _object(asdict(key)), algorithm, False, usages)
        arguments = (SIGNED_WITH, public, to_js(signature), to_js(content))
        return bool(await subtle.verify(*arguments))
    except JsException as error:
        raise UnavailableError("one of the keys is of no use") from error


def _object(content: Mapping[str, Any]) -> Any:
    return to_js(content, dict_converter=js.Object.fromEntries)


def _environment(env: Any) -> Environment:
    """Its variables and secrets, and the tag of the version that is deployed, as one of them."""
    tag = getattr(getattr(env, "CF_VERSION_METADATA", None), "tag", None)
    return Environment(lambda name: tag if name == VERSION_TAG else getattr(env, name, None))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


STRANDED = (
    f"was made with another {JURISDICTION}, and another is asked in its place, so it does nothing: "
    "set the variable back to have its jobs and what it remembers"
)
CONNECTORS = discover(connectors)
TEND_MS = 20_000
NOTICE_EACH_MS = 10 * 60_000  # of an isolate
NOTICE_MS_MAX = 2_000  # whoever asked, waits for it
NOTICED_AT_MS = [0]
EDGE = Edge(_now_ms, lambda: secrets.token_hex(16), Access(_fetch_bytes, _is_signed, _wait))


class Runner(runner.ConnectorRunner):
    connectors = CONNECTORS

    async def alarm(self, info: Any = None) -> None:
        if not _is_left(self.ctx, self.environment):
            await super().alarm(info)


class Watch(DurableObject):  # type: ignore[misc] # the platform's class has no types
    """The object that watches for connectors without a success. There is one."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        environment = _environment(env)
        self.watchman = StalenessMonitor(
            CONNECTORS, environment, Store(ctx.storage), runner.platform()
        )

    async def look(self, pulses: str) -> None:
        """Record what the connectors' objects report, as JSON by their names."""
        await self.watchman.look(decode(pulses, dict[str, Heartbeat | None]))

    async def notice(self) -> None:
        """Check at a request whether cron ticks."""
        await self.watchman.notice()

    async def alarm(self, _info: Any = None) -> None:
        if _is_left(self.ctx, self.watchman.environment):
            return

        def report(text: str) -> None:
            _log("an alert was not sent", text, self.watchman.environment)

        for fault in await outlive(self.watchman.deliver(), report) or ():
            report(fault)


class Default(WorkerEntrypoint):  # type: ignore[misc] # the platform's class has no types
    async def fetch(self, request: Any) -> Any:
        environment = _environment(self.env)

        async def answer() -> Any:
            await outlive(_notice(self.env.WATCH, environment), report)
            runners = RemoteRunners(self.env.RUNNER, environment, CONNECTORS)
            routes = Routes(environment, CONNECTORS, runners, EDGE)
            return _response(await routes.answer(_request(request.js_object)))

        def report(text: str) -> None:
            _log("the Worker failed", text, environment)

        # Of our own bug the caller is told no more than that there is one.
        return await outlive(answer(), report) or _response(failure())

    async def scheduled(self, controller: Any, _env: Any = None, _ctx: Any = None) -> None:
        """Begin what is due. A connector that fails does not keep the others from it."""
        environment, failures = _environment(self.env), list[Exception]()
        runners = RemoteRunners(self.env.RUNNER, environment, CONNECTORS)
        expression, at_ms = str(controller.cron), int(controller.scheduledTime)
        try:
            failures = await _tend_all(runners, self.env.WATCH, environment, at_ms)
        except Exception as error:  # noqa: BLE001 - raised below: what is due, is begun all the same
            failures.append(error)
        jobs = list(due(expression, at_ms, CONNECTORS))
        if not any(expression in connector.schedule for connector in CONNECTORS.values()):
            _log("no connector has the schedule", expression)
        for job in jobs:
            try:
                await runners.ask(job.connector, BeginJob(job.mode, job.trigger_key))
            except Exception as error:  # noqa: BLE001 - each is raised below
                failures.append(error)
        if failures:
            raise ExceptionGroup("objects could not be reached", failures)


def _is_left(ctx: Any, environment: Environment) -> bool:
    """Whether nobody asks this object any more: another works in its place, and it says so."""
    own = getattr(ctx.id, "jurisdiction", None)
    if not is_stranded(own, environment):
        return False
    _log("the object is stranded", f"{ctx.id.name} {STRANDED}")
    return True


async def _notice(watch: Any, environment: Environment) -> None:
    """Have it seen now and then whether cron ticks: nothing else might ever run."""
    now_ms = _now_ms()
    if now_ms - NOTICED_AT_MS[0] >= NOTICE_EACH_MS:
        NOTICED_AT_MS[0] = now_ms
        await _within(namespace_stub(watch, environment)("watch").notice(), NOTICE_MS_MAX)


async def _tend_all(
    runners: RemoteRunners, watch: Any, environment: Environment, ticked_at_ms: int
) -> list[Exception]:
    """Look after all connectors; where one had no success for too long, somebody is told."""
    answers = await asyncio.gather(
        *(_within(runners.ask(name, TendObject(ticked_at_ms)), TEND_MS) for name in CONNECTORS),
        return_exceptions=True,
    )
    pulses = {
        name: None if isinstance(answer, BaseException) else answer
        for name, answer in zip(CONNECTORS, answers, strict=True)
    }
    failures = [answer for answer in answers if isinstance(answer, Exception)]
    try:
        await namespace_stub(watch, environment)("watch").look(msgspec.json.encode(pulses).decode())
    except Exception as error:  # noqa: BLE001 - raised with the others
        failures.append(error)
    return failures


async def _within(answer: Awaitable[Any], duration_ms: int) -> Any:
    """Raises TimeoutError where it does not come in time: one object must not hold up all."""
    asked = asyncio.ensure_future(answer)
    timer = asyncio.ensure_future(js.scheduler.wait(duration_ms))
    await asyncio.wait({asked, timer}, return_when=asyncio.FIRST_COMPLETED)
    if asked.done():
        return asked.result()
    raise TimeoutError(f"an object has not answered for {duration_ms} ms")


@harmless
def _log(event: str, text: str, environment: Environment | None = None) -> None:
    """A line of the platform's log, without the secrets of an environment."""
    text = text if environment is None else environment.redacted(text)
    print(log.log_line(event, Level.ERROR, text=text).text, file=sys.stderr)  # noqa: T201


def _request(request: Any) -> Request:
    async def body(bytes_max: int) -> bytes | None:
        if not request.body:
            return b""
        reader, parts = request.body.getReader(), bytearray()
        while not (part := await reader.read()).done:
            parts += part.value.to_bytes()
            if len(parts) > bytes_max:
                await reader.cancel()
                return None
        return bytes(parts)

    url = urlsplit(request.url)
    return Request(
        method=request.method,
        origin=f"{url.scheme}://{url.netloc}",
        path=url.path,
        query=dict(parse_qsl(url.query, keep_blank_values=True)),
        headers={str(name).lower(): str(value) for name, value in request.headers},
        body=body,
    )


def _response(response: WorkerResponse) -> Any:
    init = _object({"status": response.status, "headers": response.headers})
    # Where the status allows no body, an empty one is too much.
    body = to_js(response.body) if response.body else None
    return js.Response.new(body, init)
