"""The ASGI application: the backend and its control endpoints."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.backend import signature
from dev.backend.runs import Order, Run, Runs, Settings
from dev.faults import json_response
from dev.rest.control import Controlled
from dev.rest.credentials import bearer, is_same
from dev.rest.ledger import Clock, now_ms
from dev.rest.refusal import RefusedError, refuse
from dev.rest.settings import InForce


PATH = "/index"

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(token: str = "", signing_secret: str = "", *, clock: Clock = now_ms) -> Controlled:
    """The backend.

    Args:
        token: that requests must carry; the empty one lets everybody in.
        signing_secret: with which requests must be signed; likewise.
        clock: in milliseconds.
    """
    in_force = InForce(Settings())
    runs = Runs(in_force)

    def allowed(endpoint: Endpoint) -> Endpoint:
        async def checked(request: Request) -> Response:
            if token and not is_same(bearer(request), token):
                raise RefusedError("a bearer token is needed", 401)
            content = await request.body() or f"{request.method} {_target(request)}".encode()
            signature.check(signing_secret, request.headers, content, clock())
            return await endpoint(request)

        return checked

    async def listed(_request: Request) -> Response:
        return json_response(runs.all())

    api = Starlette(
        routes=[
            Route(path, allowed(endpoint), methods=[method])
            for method, path, endpoint in _endpoints(runs, in_force)
        ],
        exception_handlers={RefusedError: refuse},
    )
    return Controlled(
        api,
        [Route("/control/runs", listed, methods=["GET"]), *in_force.routes()],
        [runs.reset, in_force.reset],
    )


def _endpoints(runs: Runs, in_force: InForce[Settings]) -> list[tuple[str, str, Endpoint]]:
    async def start(request: Request) -> Response:
        try:
            order = msgspec.json.decode(await request.body(), type=Order)
        except msgspec.DecodeError as error:
            raise RefusedError(str(error)) from error
        request.state.log["mode"] = order.mode
        run = runs.start(order, request.headers.get("idempotency-key"))
        if not run.is_asynchronous:
            return _done(run)
        path = f"{PATH}/{run.id}"
        is_absolute = in_force.now.has_absolute_location
        answer = json_response({"status": "running"}, 202)
        answer.headers["location"] = str(request.url.replace(path=path)) if is_absolute else path
        return delayed(answer)

    async def status(request: Request) -> Response:
        run = runs.poll(request.path_params["run"])
        answer = json_response(
            {"status": run.status, "documents": run.documents, "error": run.error}
        )
        return delayed(answer) if run.status == "running" else answer

    async def cancel(request: Request) -> Response:
        runs.cancel(request.path_params["run"])
        return Response(status_code=204)

    def delayed(answer: Response) -> Response:
        if in_force.now.retry_after is not None:
            answer.headers["retry-after"] = in_force.now.retry_after
        return answer

    return [
        ("POST", PATH, start),
        ("GET", f"{PATH}/{{run}}", status),
        ("DELETE", f"{PATH}/{{run}}", cancel),
    ]


def _target(request: Request) -> str:
    query = request.url.query
    return f"{request.scope['raw_path'].decode()}{'?' if query else ''}{query}"


def _done(run: Run) -> Response:
    if run.error is not None:
        return json_response({"status": "error", "error": run.error}, 500)
    return json_response({"status": "ok", "documents": run.documents})
