"""HTTP requests and their answers, without the platform."""

from collections.abc import Mapping
from typing import Any, Protocol, assert_never

import msgspec

from durable.checks import Check, Outcome
from durable.commands import Command
from durable.connector import Connectors
from durable.environment import Environment
from durable.job import Mode
from durable.processor import connector_name
from durable.provision import Unprovisioned
from worker import openapi, pages, problems, sign_in
from worker.auth import Auth, Caller, Via
from worker.bodies import Approval, Checked, Health, Rejected, Rejects, SetUp, Trigger
from worker.edge import Edge
from worker.endpoints import ENDPOINTS, KEY, PLACE, TRUTH, Operation, found
from worker.problems import Problem
from worker.request import Request, decoded
from worker.responses import Response, job_answer, json_answer, no_job, refused


REJECTS_MAX = 100  # in one answer


class Runners(Protocol):
    """The objects of the connectors, by the connector's name. See durable/runner.py."""

    async def begin(
        self, connector: str, mode: Mode, trigger_key: str | None
    ) -> Mapping[str, Any]: ...

    async def status(self, connector: str, job_id: str) -> Mapping[str, Any] | None: ...

    async def obey(
        self, connector: str, job_id: str, command: Command, deletion_count: int
    ) -> Mapping[str, Any] | None: ...

    async def repeat(self, connector: str, job_id: str) -> Mapping[str, Any] | None: ...

    async def check(self, connector: str) -> Mapping[str, Any]: ...

    async def datasource(self, connector: str) -> Mapping[str, Any]: ...

    async def set_up(self, connector: str, difference_count: int) -> Mapping[str, Any]: ...

    async def rejects(
        self, connector: str, job_id: str, after: tuple[int, int], count: int
    ) -> Mapping[str, Any] | None: ...


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
        self._auth = Auth(environment, edge.team, edge.now_ms)
        self._connectors = connectors
        self._runners = runners
        self._edge = edge

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
        return await self._performed(endpoint.operation, job_id, request, caller)

    async def _performed(  # noqa: C901, PLR0911, PLR0912 - a return for each
        self, operation: Operation, job_id: str, request: Request, caller: Caller
    ) -> Response:
        match operation:
            case Operation.HEALTH:
                return json_answer(200, Health())
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
            case Operation.STATUS:
                return await self._status(job_id)
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
        if key is not None and not KEY.fullmatch(key):
            return refused(
                problems.bad_request(
                    "The header Idempotency-Key takes 1 to 255 printable ASCII characters."
                )
            )
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
        names = ", ".join(self._connectors)
        if trigger.connector is None:
            if len(self._connectors) == 1:
                return next(iter(self._connectors))
            return problems.bad_request(f"Name the connector, one of: {names}.")
        if trigger.connector not in self._connectors:
            return problems.bad_request(
                f"There is no connector {trigger.connector!r:.200}; there are: {names}."
            )
        return trigger.connector

    async def _status(self, job_id: str) -> Response:
        if (name := self._owner(job_id)) is not None:
            shown = await self._runners.status(name, job_id)
            if shown is not None:
                return json_answer(200, shown["status"])
        return no_job(job_id)

    async def _approve(self, job_id: str, request: Request) -> Response:
        approval = await decoded(request, Approval, '{"deletions": 120}')
        if isinstance(approval, Problem):
            return refused(approval)
        return await self._command(Command.APPROVE, job_id, int(approval.deletions))

    async def _retry(self, job_id: str, request: Request) -> Response:
        of_rejects = request.query.get("rejects", "false")
        if not TRUTH.fullmatch(of_rejects):
            return refused(
                problems.bad_request(
                    "The parameter `rejects` is true or false: with true, only what the job has "
                    "set aside is read again."
                )
            )
        if of_rejects == "false":
            return await self._command(Command.RETRY, job_id)
        if (name := self._owner(job_id)) is not None:
            shown = await self._runners.repeat(name, job_id)
            if shown is not None:
                return job_answer(shown, 202)
        return no_job(job_id)

    async def _check(self, connector: str) -> Response:
        if connector not in self._connectors:
            return refused(problems.not_found(f"There is no connector {connector!r:.200}."))
        checks = msgspec.convert((await self._runners.check(connector))["checks"], list[Check])
        is_passed = not any(check.outcome is Outcome.FAILED for check in checks)
        return json_answer(200, Checked(connector=connector, passed=is_passed, checks=checks))

    async def _provision(self, operation: Operation, connector: str, request: Request) -> Response:
        if connector not in self._connectors:
            return refused(problems.not_found(f"There is no connector {connector!r:.200}."))
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
        after = _place(request.query.get("after", "0.0"))
        if after is None:
            return refused(
                problems.bad_request(
                    "The parameter `after` is a page and a record of it, as in after=3.17; "
                    "leave it out to begin, and follow `next`."
                )
            )
        if (name := self._owner(job_id)) is not None:
            shown = await self._runners.rejects(name, job_id, after, REJECTS_MAX + 1)
            if shown is not None:
                return json_answer(200, _rejects(job_id, shown))
        return no_job(job_id)

    def _owner(self, job_id: str) -> str | None:
        """The connector of a job. Only known ones are asked: asking an object makes it."""
        name = connector_name(job_id)
        return name if name in self._connectors else None


def failure() -> Response:
    """The answer where our own code failed."""
    return refused(problems.internal())


def _place(text: str) -> tuple[int, int] | None:
    if not PLACE.fullmatch(text):
        return None
    page, record = text.split(".")
    return int(page), int(record)


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
    has_more, rejects = len(rejects) > REJECTS_MAX, rejects[:REJECTS_MAX]
    last = f"/rejects/{job_id}?after={rejects[-1].page}.{rejects[-1].record}" if has_more else None
    return Rejects(job=job_id, total=int(shown["total"]), rejects=rejects, next=last)
