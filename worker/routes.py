"""Routes HTTP requests to handlers, without the platform."""

from functools import partial

import msgspec

from durable.connector.definition import Connectors
from durable.environment import Environment
from durable.errors import ConfigurationError
from durable.machine.commands import RefusalCode
from worker import pages, problems
from worker.auth import Authentication, Caller, Via
from worker.bodies import VERSION_TAG, Accepted
from worker.call import Call, Edge
from worker.endpoint import Endpoint
from worker.endpoints import find_endpoints
from worker.problems import Problem, ProblemError
from worker.request import Request
from worker.responses import HEADERS, WorkerResponse, refuse
from worker.runners import Runners


class Routes:
    """Answers requests.

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
        self._call = partial(
            Call,
            connectors=connectors,
            runners=runners,
            auth=self._auth,
            edge=edge,
            commit=environment.optional(VERSION_TAG),
        )

    async def answer(self, request: Request) -> WorkerResponse:
        if (page := pages.answer(request)) is not None:
            return pages.vary(request, page)
        try:
            response = await self._answer_request(request)
        except ProblemError as error:
            response = refuse(error.problem)
        except ConfigurationError as error:
            response = refuse(problems.describe(503, f"{error}."))
        return pages.vary(request, response)

    async def _answer_request(self, request: Request) -> WorkerResponse:
        if (at := find_endpoints(request.path)) is None:
            text = f"There is nothing at {request.path!r:.200}."
            raise ProblemError(problems.describe(404, text, RefusalCode.UNKNOWN_PATH))
        endpoints, name = at
        endpoint = next((one for one in endpoints if request.method in one.methods), None)
        if endpoint is None:
            methods = [method for one in endpoints for method in one.methods]
            problem = problems.describe(
                405, f"{request.method} is not for {request.path!r:.200}; use {methods[0]}."
            )
            return refuse(problem, allow=", ".join(methods))
        public = Caller(Via.NOBODY)
        caller = public if endpoint.is_public else await self._auth.caller(request)
        if isinstance(caller, Problem):
            return refuse(caller)
        if (fault := _parameter_fault(endpoint, request)) is not None:
            return refuse(problems.describe(400, fault, RefusalCode.BAD_PARAMETER))
        call = self._call(request=request, caller=caller, name=name)
        return _response(endpoint, await endpoint.handler(call))


def failure() -> WorkerResponse:
    """The answer to a bug of our own."""
    return refuse(problems.INTERNAL)


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


def _response(endpoint: Endpoint, content: object) -> WorkerResponse:
    if isinstance(content, WorkerResponse):
        return content
    body = content.encode() if isinstance(content, str) else msgspec.json.encode(content)
    headers = {"content-type": endpoint.media_type, **HEADERS}
    if isinstance(content, Accepted):
        headers["location"] = content.status_url
    return WorkerResponse(endpoint.answer_status, headers, body)
