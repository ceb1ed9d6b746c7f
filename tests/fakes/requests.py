"""Requests to the Worker and its answers, without the platform."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from durable.connector.definition import Connectors
from durable.machine.commands import RefusalCode
from tests.fakes.connector import NOTES
from tests.fakes.edge import an_edge
from tests.fakes.environment import an_environment
from tests.fakes.runners import FakeRunners
from worker.call import Edge
from worker.request import Request
from worker.responses import WorkerResponse
from worker.routes import Routes
from worker.runners import Runners


ORIGIN = "https://sync.example"
LOCAL = "http://localhost:8787"
BEARER = {"authorization": "Bearer t0ken"}
NOTES_ONLY: Connectors = {"notes": NOTES}


def a_request(  # noqa: PLR0913 - a request's parts
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] = BEARER,
    query: Mapping[str, str] | None = None,
    *,
    origin: str = ORIGIN,
) -> Request:
    async def read(bytes_max: int) -> bytes | None:
        return body if len(body) <= bytes_max else None

    return Request(
        method=method, origin=origin, path=path, query=query or {}, headers=headers, body=read
    )


def answered(
    request: Request,
    runners: Runners | None = None,
    connectors: Connectors = NOTES_ONLY,
    edge: Edge | None = None,
    **variables: str,
) -> WorkerResponse:
    environment = an_environment(**({"TRIGGER_TOKEN": "t0ken"} | variables))
    routes = Routes(environment, connectors, runners or FakeRunners(), edge or an_edge())
    return asyncio.run(routes.answer(request))


def content(response: WorkerResponse) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(response.body)
    return decoded


def check_problem(
    response: WorkerResponse,
    status: int,
    named: str = "",
    *,
    code: RefusalCode | None = None,
    legal: list[str] | None = None,
) -> None:
    """It is a problem document of RFC 9457, of that code, and names what is at fault."""
    problem = content(response)
    assert response.status == problem["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    members = {"title", "status", "detail"} | ({"legal"} if legal is not None else set())
    assert problem.keys() - {"remedy", "code"} == members
    assert named in problem["detail"]
    assert code is None or problem["code"] == code
    assert ("code" in problem) == (status in {400, 404, 409, 422})
    assert problem.get("legal") == legal
