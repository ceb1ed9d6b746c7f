"""The ASGI application: the indexing API, the control endpoints and the page."""

import secrets
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from dev.faults import Faults, control_routes
from dev.local_glean import control
from dev.local_glean.api import Api, Work
from dev.local_glean.database import Database
from dev.local_glean.errors import RefusedError
from dev.local_glean.identities import Identities
from dev.local_glean.in_force import InForce
from dev.local_glean.index import Index
from dev.local_glean.log import described
from dev.local_glean.page import CONTENT_SECURITY_POLICY, page
from dev.local_glean.people import People
from dev.local_glean.readings import DEFAULTS, Readings
from dev.local_glean.status import Status


PREFIX = "/api/index/v1"
# 5 MiB is where Glean's SDK splits documents, and it says that this follows the API's limit.
# What stands around the documents is not counted there; 64 KiB leave room for it.
BODY_BYTES_MAX = 5 * 1024 * 1024 + 64 * 1024

# Those whose body is optional.
PROCESSING = frozenset(
    {"processalldocuments", "processallmemberships", "processallemployeesandteams"}
)


def create_app(database: Database, token: str, readings: Readings = DEFAULTS) -> Faults:
    """The local Glean.

    Args:
        database: open as long as the application is used.
        token: that requests of the indexing API must carry.
        readings: in force at the start, and after a reset.
    """
    in_force = InForce(readings)
    app = Starlette(
        routes=[
            *_indexing_routes(database, in_force, token),
            *control_routes(lambda: faults),
            *control.routes(database, in_force, lambda: faults),
            _page_route(database, in_force),
        ],
        exception_handlers={RefusedError: _refused},
    )
    faults = Faults(app, prefix=PREFIX, body_bytes_max=BODY_BYTES_MAX, describe=described)
    return faults


def _indexing_routes(database: Database, in_force: InForce, token: str) -> list[Route]:
    api = Api(database, in_force)
    work: Mapping[str, Work] = {
        **api.endpoints(),
        **Identities(database, in_force).endpoints(),
        **People(database, in_force).endpoints(),
    }

    async def indexing(request: Request) -> Response:
        name = request.url.path.removeprefix(f"{PREFIX}/")
        body = await _taken(request, token, is_body_optional=name in PROCESSING)
        # SQLite and the validation of a page would hold up everybody else on the event loop.
        return _answered(await run_in_threadpool(work[name], body))

    async def status(request: Request) -> Response:
        await _taken(request, token, is_body_optional=True)
        return _answered(
            await run_in_threadpool(api.debug_status, request.path_params["datasource"])
        )

    return [
        *(Route(f"{PREFIX}/{name}", indexing, methods=["POST"]) for name in work),
        Route(f"{PREFIX}/debug/{{datasource}}/status", status, methods=["POST"]),
    ]


def _page_route(database: Database, in_force: InForce) -> Route:
    index, status = Index(database), Status(database, in_force)

    def rendered(query: str, datasource: str | None) -> str:
        return page(status.summaries(), status.people(), index.search(query, datasource))

    async def endpoint(request: Request) -> Response:
        parameters = request.query_params
        html = await run_in_threadpool(
            rendered, parameters.get("q", ""), parameters.get("datasource") or None
        )
        return HTMLResponse(html, headers={"content-security-policy": CONTENT_SECURITY_POLICY})

    return Route("/", endpoint, methods=["GET"])


async def _taken(request: Request, token: str, *, is_body_optional: bool) -> bytes:
    """The body, if the request may be looked at. Raises RefusedError."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secrets.compare_digest(
        credentials.encode(), token.encode()
    ):
        raise RefusedError(401, "Invalid or missing token: expected Authorization: Bearer <token>")
    body = await request.body()
    if len(body) > BODY_BYTES_MAX:
        raise RefusedError(413, f"Request too large: more than {BODY_BYTES_MAX} bytes. Split it.")
    if is_body_optional and not body:
        return body
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, f"Unsupported content type {content_type!r}: send application/json")
    if (encoding := request.headers.get("content-encoding", "identity")) != "identity":
        raise RefusedError(415, f"Unsupported content encoding {encoding}: send the body as it is")
    return body


def _answered(content: bytes | None) -> Response:
    # Glean documents no body for what it accepts.
    return Response() if content is None else Response(content, media_type="application/json")


async def _refused(_request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, RefusedError)
    return PlainTextResponse(refusal.message, refusal.status)
