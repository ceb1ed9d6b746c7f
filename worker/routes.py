"""HTTP requests and their answers, without the platform."""

from collections.abc import Mapping
from typing import Any, assert_never

import msgspec

from durable import __version__
from durable.connector.definition import Connectors
from durable.engine.checks import Check, CheckOutcome
from durable.engine.processor import connector_name
from durable.environment import Environment
from durable.errors import ConfigurationError
from durable.glean.differences import Unprovisioned
from durable.machine.commands import Command
from worker import metrics, openapi, pages, problems, sign_in
from worker.auth import Authentication, Caller, Via
from worker.bodies import (
    VERSION_TAG,
    Approval,
    Checked,
    Health,
    Rejected,
    Rejects,
    SetUp,
    Trigger,
)
from worker.edge import Edge
from worker.endpoint import Endpoint, Operation
from worker.endpoints import ENDPOINTS, found
from worker.listings import Listings
from worker.problems import Problem
from worker.request import Request, decoded
from worker.responses import (
    Response,
    job_answer,
    json_answer,
    no_job,
    refused,
    text_answer,
)
from worker.runners import Runners


REJECTS_MAX = 100  # in one answer


class Routes:
    """Answers every request.

    Args:
        environment: variables and secrets.
        connectors: all there are.
        runners: where their jobs are.
        edge: what only the platform has.
    """

    def __init__(
        self, environment: Environment, connectors: Connectors, runners: Runners, edge: Edge
    ) -> None:
        self._auth = Authentication(environment, edge.team, edge.now_ms)
        self._commit = environment.optional(VERSION_TAG)
        self._connectors = connectors
        self._runners = runners
        self._edge = edge
        self._listings = Listings(connectors, runners, edge.now_ms)

    async def answer(self, request: Request) -> Response:
        if (page := pages.answer(request)) is not None:
            return pages.varied(request, page)
        return pages.varied(request, await self._answered(request))

    async def _answered(self, request: Request) -> Response:
        if (at := found(request.path)) is None:
            return refused(problems.not_found(f"There is nothing at {request.path!r:.200}."))
        endpoints, job_id = at
        endpoint = next((one for one in endpoints if request.method in one.methods), None)
        if endpoint is None:
            methods = [method for one in endpoints for method in one.methods]
            problem = problems.method_not_allowed(
                f"{request.method} is not for {request.path!r:.200}; use {methods[0]}."
            )
            return refused(problem, allow=", ".join(methods))
        public = Caller(Via.NOBODY)
        caller = public if endpoint.is_public else await self._auth.caller(request)
        if isinstance(caller, Problem):
            return refused(caller)
        if (fault := _parameter_fault(endpoint, request)) is not None:
            return refused(problems.bad_request(fault))
        try:
            return await self._performed(endpoint.operation, job_id, request, caller)
        except ConfigurationError as error:
            return refused(problems.unavailable(f"{error}."))

    async def _performed(  # noqa: C901, PLR0911, PLR0912 - a return for each
        self, operation: Operation, job_id: str, request: Request, caller: Caller
    ) -> Response:
        match operation:
            case Operation.HEALTH:
                return json_answer(200, Health(__version__, self._commit))
            case Operation.OPENAPI:
                return json_answer(200, openapi.document(ENDPOINTS))
            case Operation.SIGN_IN:
                edge = self._edge
                return await sign_in.signed_in(request, self._auth, edge.nonce(), edge.now_ms())
            case Operation.SESSION:
                return sign_in.session(caller)
            case Operation.SIGN_OUT:
                return sign_in.signed_out()
            case Operation.TRIGGER:
                return await self._trigger(request)
            case Operation.CONNECTORS:
                return json_answer(200, await self._listings.overviews())
            case Operation.METRICS:
                return text_answer(metrics.CONTENT_TYPE, await self._listings.metrics())
            case Operation.JOBS:
                return await self._jobs(request.query)
            case Operation.EVENTS:
                return await self._events(job_id, int(request.query.get("after", 0)))
            case Operation.STATUS:
                return await self._status(job_id, int(request.query.get("wait", 0)))
            case Operation.REJECTS:
                return await self._rejects(job_id, request)
            case Operation.APPROVE:
                return await self._approve(job_id, request)
            case Operation.CANCEL:
                return await self._command(Command.CANCEL, job_id)
            case Operation.CHECK:
                return await self._check(job_id)
            case Operation.DATASOURCE | Operation.SET_UP:
                return await self._provision(operation, job_id, request)
            case Operation.RETRY:
                return await self._retry(job_id, request)
            case _:
                assert_never(operation)

    async def _trigger(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        example = '{"mode": "FULL"} or {"mode": "INCREMENTAL", "connector": "name"}'
        trigger = await decoded(request, Trigger, example)
        if isinstance(trigger, Problem):
            return refused(trigger)
        name = self._chosen(trigger)
        if isinstance(name, Problem):
            return refused(name)
        trigger_key = None if key is None else f"request {key}"
        return job_answer(await self._runners.begin(name, trigger.mode, trigger_key), 202)

    def _chosen(self, trigger: Trigger) -> str | Problem:
        if trigger.connector is None:
            if len(self._connectors) == 1:
                return next(iter(self._connectors))
            return problems.bad_request(f"Name the connector, one of: {self._names}.")
        if trigger.connector not in self._connectors:
            return problems.bad_request(
                f"There is no connector {trigger.connector!r:.200}; there are: {self._names}."
            )
        return trigger.connector

    async def _jobs(self, query: Mapping[str, str]) -> Response:
        if (name := query.get("connector")) is not None and name not in self._connectors:
            return self._no_connector(name)
        return json_answer(200, await self._listings.jobs(query))

    async def _events(self, job_id: str, after: int) -> Response:
        if (name := self._owner(job_id)) is not None:
            events = await self._listings.events(name, job_id, after)
            if events is not None:
                return json_answer(200, events)
        return no_job(job_id)

    async def _status(self, job_id: str, wait_seconds: int) -> Response:
        if (name := self._owner(job_id)) is not None:
            shown = await self._runners.status(name, job_id, 1_000 * wait_seconds)
            if shown is not None:
                return json_answer(200, shown["status"])
        return no_job(job_id)

    async def _approve(self, job_id: str, request: Request) -> Response:
        approval = await decoded(request, Approval, '{"deletions": 120}')
        if isinstance(approval, Problem):
            return refused(approval)
        return await self._command(Command.APPROVE, job_id, int(approval.deletions))

    async def _retry(self, job_id: str, request: Request) -> Response:
        if request.query.get("rejects", "false") == "false":
            return await self._command(Command.RETRY, job_id)
        if (name := self._owner(job_id)) is not None:
            shown = await self._runners.repeat(name, job_id)
            if shown is not None:
                return job_answer(shown, 202)
        return no_job(job_id)

    async def _check(self, connector: str) -> Response:
        if connector not in self._connectors:
            return self._no_connector(connector)
        checks = msgspec.convert((await self._runners.check(connector))["checks"], list[Check])
        is_passed = not any(check.outcome is CheckOutcome.FAILED for check in checks)
        return json_answer(200, Checked(connector=connector, passed=is_passed, checks=checks))

    async def _provision(self, operation: Operation, connector: str, request: Request) -> Response:
        if connector not in self._connectors:
            return self._no_connector(connector)
        if operation is Operation.DATASOURCE:
            shown = await self._runners.datasource(connector)
        else:
            seen = await decoded(request, SetUp, '{"differences": 3}')
            if isinstance(seen, Problem):
                return refused(seen)
            shown = await self._runners.set_up(connector, int(seen.differences))
        if "fault" not in shown:
            return json_answer(200, shown["found"])
        fault = msgspec.convert(shown["fault"], Unprovisioned)
        if fault.is_upstream:
            return refused(problems.bad_gateway(fault.reason))
        return refused(problems.conflict(fault.reason, []))

    async def _command(self, command: Command, job_id: str, deletion_count: int = 0) -> Response:
        if (name := self._owner(job_id)) is not None:
            shown = await self._runners.obey(name, job_id, command, deletion_count)
            if shown is not None:
                return job_answer(shown, 200 if command is Command.CANCEL else 202)
        return no_job(job_id)

    async def _rejects(self, job_id: str, request: Request) -> Response:
        page, order = request.query.get("after", "0.0").split(".")
        if (name := self._owner(job_id)) is not None:
            shown = await self._runners.rejects(
                name, job_id, (int(page), int(order)), REJECTS_MAX + 1
            )
            if shown is not None:
                return json_answer(200, _rejects(job_id, shown))
        return no_job(job_id)

    def _no_connector(self, name: str) -> Response:
        return refused(
            problems.not_found(f"There is no connector {name!r:.200}; there are: {self._names}.")
        )

    @property
    def _names(self) -> str:
        return ", ".join(self._connectors) or "none"

    def _owner(self, job_id: str) -> str | None:
        """The connector of a job. Only known ones are asked: asking an object makes it."""
        name = connector_name(job_id)
        return name if name in self._connectors else None


def failure() -> Response:
    """The answer where our own code failed."""
    return refused(problems.internal())


def _parameter_fault(endpoint: Endpoint, request: Request) -> str | None:
    """Why what the request brings beside its path and its body cannot be understood."""
    for parameter in endpoint.parameters:
        match parameter.place:
            case "query":
                value = request.query.get(parameter.name)
            case "header":
                value = request.headers.get(parameter.name.lower())
            case _:
                continue  # a name that is none is not found
        if value is not None and not parameter.pattern.fullmatch(value):
            name = f"{parameter.place} parameter {parameter.name}"
            return f"The {name} cannot be {value!r:.80}. {parameter.description}"
    return None


def _rejects(job_id: str, shown: Mapping[str, Any]) -> Rejects:
    rejects = [
        Rejected(
            page=int(reject["page"]),
            record=int(reject["place"]),
            key=reject["key"] or None,
            reason=reject["reason"],
            excerpt=reject["excerpt"],
        )
        for reject in shown["rejects"]
    ]
    more = None
    if len(rejects) > REJECTS_MAX:
        last, rejects = shown["rejects"][REJECTS_MAX - 1], rejects[:REJECTS_MAX]
        more = f"/rejects/{job_id}?after={int(last['page'])}.{int(last['order'])}"
    return Rejects(job=job_id, total=int(shown["total"]), rejects=rejects, next=more)
