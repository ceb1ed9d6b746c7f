"""The ASGI application: the indexing API, the control endpoints and the page."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from dev.faults import Faults, control_routes
from dev.local_glean import control
from dev.local_glean.api import Api
from dev.local_glean.database import Database
from dev.local_glean.errors import RefusedError
from dev.local_glean.index import Index
from dev.local_glean.page import CONTENT_SECURITY_POLICY, page
from dev.local_glean.readings import DEFAULTS, InForce, Readings
from dev.local_glean.status import Status


PREFIX = "/api/index/v1"
# 5 MiB is where Glean's SDK splits documents, and it says that this follows the API's limit.
# What stands around the documents is not counted there; 64 KiB leave room for it.
BODY_BYTES_MAX = 5 * 1024 * 1024 + 64 * 1024

Work = Callable[[bytes], bytes | None]


class _Identified(Struct):
    id: str = ""


class _Described(Struct, rename="camel"):
    """What the log says of a request, whether or not it is a good one."""

    upload_id: str | None = None
    is_first_page: bool = False
    is_last_page: bool = False
    force_restart_upload: bool = False
    disable_stale_document_deletion_check: bool = False
    documents: list[_Identified] = []
    id: str | None = None


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
            *_indexing_routes(Api(database, in_force), token),
            *control_routes(lambda: faults),
            *control.routes(database, in_force, lambda: faults),
            _page_route(database, in_force),
        ],
        exception_handlers={RefusedError: _refused},
    )
    faults = Faults(app, prefix=PREFIX, body_bytes_max=BODY_BYTES_MAX, describe=_described)
    return faults


def _indexing_routes(api: Api, token: str) -> list[Route]:
    work: dict[str, Work] = {
        "bulkindexdocuments": api.bulk_index_documents,
        "indexdocuments": api.index_documents,
        "deletedocument": api.delete_document,
        "processalldocuments": api.process_all_documents,
        "adddatasource": api.add_datasource,
        "getdatasourceconfig": api.get_datasource_config,
    }

    async def indexing(request: Request) -> Response:
        name = request.url.path.removeprefix(f"{PREFIX}/")
        body = await _taken(request, token, is_body_optional=name == "processalldocuments")
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
    index, status = Index(database), Status(database)

    def rendered(query: str, datasource: str | None) -> str:
        summaries = status.summaries(in_force.readings)
        return page(summaries, query, datasource, *index.search(query, datasource))

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


def _described(_scope: Scope, body: bytes) -> Mapping[str, Any]:
    try:
        request = msgspec.json.decode(body, type=_Described)
    except msgspec.DecodeError:
        request = _Described()
    ids = [document.id for document in request.documents] or [request.id or ""]
    return {
        "uploadId": request.upload_id,
        "isFirstPage": request.is_first_page,
        "isLastPage": request.is_last_page,
        "forceRestartUpload": request.force_restart_upload,
        "disableStaleDocumentDeletionCheck": request.disable_stale_document_deletion_check,
        "document_count": len(request.documents),
        "first_id": ids[0] or None,
        "last_id": ids[-1] or None,
        "ids_hash": hashlib.sha256("\n".join(ids).encode()).hexdigest(),
    }
