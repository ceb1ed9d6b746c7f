"""HTTP requests and their answers, without the platform."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

import msgspec
from msgspec import Struct

from durable.connector import Connectors
from durable.environment import Environment
from durable.job import Mode
from durable.processor import connector_name
from worker import auth, problems
from worker.problems import Problem


BODY_BYTES_MAX = 64 * 1024


class Request(Struct, frozen=True, kw_only=True):
    """What is looked at of a request. Names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Callable[[int], Awaitable[bytes | None]]  # up to so many bytes; None if it has more


class Response(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Runners(Protocol):
    """The objects of the connectors, by the connector's name."""

    async def begin(
        self, connector: str, mode: Mode, trigger_key: str | None
    ) -> Mapping[str, object]:
        """Ask for a job; gives its status."""

    async def status(self, connector: str, job_id: str) -> Mapping[str, object] | None:
        """A job's status; None if there is no such job."""


class Trigger(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /trigger`."""

    mode: Mode
    connector: str | None = None  # may be left out where there is one


class Routes:
    """Answers every request.

    Args:
        environment: variables and secrets.
        connectors: all there are.
        runners: where their jobs are.
    """

    def __init__(self, environment: Environment, connectors: Connectors, runners: Runners) -> None:
        self._environment = environment
        self._connectors = connectors
        self._runners = runners

    async def answer(self, request: Request) -> Response:
        route = self._route(request.path)
        if route is None:
            return _refused(problems.not_found(f"There is nothing at {request.path!r}."))
        if request.method not in route.methods:
            problem = problems.method_not_allowed(
                f"{request.method} is not for {request.path!r}; use {route.methods[0]}."
            )
            return _refused(problem, allow=", ".join(route.methods))
        if not route.is_public:
            refusal = auth.refusal(self._environment, request.headers.get("authorization"))
            if refusal is not None:
                return _refused(refusal)
        return await route.handler(request)

    def _route(self, path: str) -> "_Route | None":
        match path.split("/"):
            case ["", "health"]:
                return _Route(("GET", "HEAD"), self._health, is_public=True)
            case ["", "trigger"]:
                return _Route(("POST",), self._trigger)
            case ["", "status", job_id]:
                return _Route(("GET", "HEAD"), partial(self._status, job_id))
        return None

    async def _health(self, _request: Request) -> Response:
        return _json(200, {"status": "ok"})

    async def _trigger(self, request: Request) -> Response:
        body = await request.body(BODY_BYTES_MAX)
        if body is None:
            return _refused(problems.too_large(f"The body is over {BODY_BYTES_MAX} bytes."))
        try:
            trigger = msgspec.json.decode(body, type=Trigger)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _refused(
                problems.bad_request(
                    f'{error}. Send JSON like {{"mode": "FULL"}} or {{"mode": "INCREMENTAL", '
                    '"connector": "name"}.'
                )
            )
        name = self._chosen(trigger)
        if isinstance(name, Problem):
            return _refused(name)
        status = await self._runners.begin(name, trigger.mode, None)
        url = f"/status/{status['id']}"
        return _json(202, {**status, "status_url": url}, {"location": url})

    def _chosen(self, trigger: Trigger) -> str | Problem:
        names = ", ".join(self._connectors)
        if trigger.connector is None:
            if len(self._connectors) == 1:
                return next(iter(self._connectors))
            return problems.bad_request(f"Name the connector, one of: {names}.")
        if trigger.connector not in self._connectors:
            return problems.bad_request(
                f"There is no connector {trigger.connector!r}; there are: {names}."
            )
        return trigger.connector

    async def _status(self, job_id: str, _request: Request) -> Response:
        name = connector_name(job_id)
        # Only known connectors are asked: asking an object makes it.
        if name is not None and name in self._connectors:
            status = await self._runners.status(name, job_id)
            if status is not None:
                return _json(200, status)
        return _refused(problems.not_found(f"There is no job {job_id!r}."))


class _Route(Struct, frozen=True):
    methods: tuple[str, ...]
    handler: Callable[[Request], Awaitable[Response]]
    is_public: bool = False


def failure() -> Response:
    """The answer where our own code failed."""
    return _refused(problems.internal())


def _json(status: int, content: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        status,
        {"content-type": "application/json", "cache-control": "no-store", **(headers or {})},
        msgspec.json.encode(content),
    )


def _refused(problem: Problem, allow: str | None = None) -> Response:
    headers = {"content-type": "application/problem+json", "cache-control": "no-store"}
    if allow is not None:
        headers["allow"] = allow
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(problem.status, headers, msgspec.json.encode(problem))
