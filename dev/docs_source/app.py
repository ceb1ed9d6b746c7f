"""The ASGI application: the paged API and its control endpoints."""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

from dev.docs_source.paging import BadQueryError, page
from dev.docs_source.records import Record, Records
from dev.faults import Faults, control_routes, json_response


PREFIX = "/entries"
BODY_BYTES_MAX = 64 * 1024  # nothing here has a body worth the name


class _Change(Struct, frozen=True, forbid_unknown_fields=True):
    change: int = 0
    remove: int = 0
    add: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.change, self.remove, self.add) < 0:
            raise ValueError("counts must not be negative")


class _Latency(Struct, forbid_unknown_fields=True):
    ms: int = 0

    def __post_init__(self) -> None:
        if self.ms < 0:
            raise ValueError("ms must not be negative")


class _Breakage(Struct, forbid_unknown_fields=True):
    """Records that pages do not have as they are. The source's own truth stays as it was."""

    ids: frozenset[str] = frozenset()
    fields: dict[str, Any] = {}

    def applied(self, records: Sequence[Record]) -> list[Any]:
        return [
            {**msgspec.to_builtins(record), **self.fields} if record.id in self.ids else record
            for record in records
        ]


def create_app(records: Records, token: str | None = None) -> Faults:
    """The source.

    Args:
        records: what it serves.
        token: that requests of `/entries` must carry; None lets everybody in.
    """
    latency, breakage = _Latency(), _Breakage()
    app = Starlette(
        routes=[
            _entries_route(records, latency, breakage, token),
            *control_routes(lambda: faults),
            *_control_routes(records, latency, breakage, lambda: faults),
        ],
        middleware=[Middleware(GZipMiddleware)],
    )
    faults = Faults(app, prefix=PREFIX, body_bytes_max=BODY_BYTES_MAX, describe=_describe)
    return faults


def _entries_route(
    records: Records, latency: _Latency, breakage: _Breakage, token: str | None
) -> Route:
    async def entries(request: Request) -> Response:
        query = request.query_params
        if not _is_allowed(request, token):
            return _error(401, "a bearer token is needed")
        if latency.ms:
            await asyncio.sleep(latency.ms / 1000)
        try:
            answer = page(
                records, query.get("limit"), query.get("cursor"), query.get("updated_since")
            )
        except BadQueryError as error:
            return _error(400, str(error))
        request.state.log["count"] = len(answer.items)
        items = breakage.applied(answer.items)
        return json_response({"items": items, "next_cursor": answer.next_cursor})

    return Route(PREFIX, entries, methods=["GET"])


def _control_routes(
    records: Records, latency: _Latency, breakage: _Breakage, faults: Callable[[], Faults]
) -> list[Route]:
    async def change(request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(await request.body(), type=_Change)
            changes = records.change(wanted.change, wanted.remove, wanted.add, wanted.seed)
        except ValueError as error:  # msgspec's errors are ValueErrors too
            return _error(400, str(error))
        return json_response(changes)

    async def live(_request: Request) -> Response:
        lines = msgspec.json.Encoder().encode_lines(records.live())
        return Response(lines, media_type="application/x-ndjson")

    async def delay(request: Request) -> Response:
        try:
            latency.ms = msgspec.json.decode(await request.body(), type=_Latency).ms
        except msgspec.DecodeError as error:
            return _error(400, str(error))
        return json_response(latency)

    async def spoil(request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(await request.body(), type=_Breakage)
        except msgspec.DecodeError as error:
            return _error(400, str(error))
        breakage.ids, breakage.fields = wanted.ids, wanted.fields
        return json_response(breakage)

    async def reset(_request: Request) -> Response:
        faults().reset()
        latency.ms = 0
        breakage.ids = frozenset()
        return Response(status_code=204)

    return [
        Route("/control/change", change, methods=["POST"]),
        Route("/control/records", live, methods=["GET"]),
        Route("/control/latency", delay, methods=["POST"]),
        Route("/control/break", spoil, methods=["POST"]),
        Route("/control/reset", reset, methods=["POST"]),
    ]


def _describe(scope: Scope, _body: bytes) -> Mapping[str, Any]:
    query = QueryParams(scope["query_string"])
    names = ("cursor", "updated_since", "limit")
    return {**{name: query.get(name) for name in names}, "count": 0}


def _is_allowed(request: Request, token: str | None) -> bool:
    if token is None:
        return True
    expected, given = f"Bearer {token}", request.headers.get("authorization", "")
    return secrets.compare_digest(expected.encode(), given.encode())


def _error(status: int, message: str) -> Response:
    return json_response({"error": message}, status)
