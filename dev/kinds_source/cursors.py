"""Paging by a cursor, in the body or in a header; and what is listed like that."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.faults import json_response
from dev.kinds_source.catalog import Catalog, without
from dev.rest.instants import rfc3339
from dev.rest.ledger import Stamp
from dev.rest.listing import Page, is_any, is_live


Body = Callable[[list[Any], Page], dict[str, Any]]


def routes(catalog: Catalog) -> list[Route]:
    bodies: dict[str, Body] = {
        "cursor": _with_null,
        "cursor-absent": lambda items, page: (
            {"items": items, "next_cursor": page.next_cursor} if page.has_next else {"items": items}
        ),
        "cursor-empty": lambda items, page: {"items": items, "next_cursor": page.next_cursor or ""},
        "cursor-flag": lambda items, page: {
            "items": items,
            "next_cursor": page.end_cursor,
            "has_more": page.has_next,
        },
        "nested": lambda items, page: {
            "data": {"result": {"items": items}},
            "meta": {"next": page.next_cursor, "total": page.total},
        },
    }
    return [
        *(_route(catalog, kind, body) for kind, body in bodies.items()),
        _header_route(catalog),
        _tombstones_route(catalog),
        _summaries_route(catalog),
        _deleted_route(catalog),
        *_children_routes(catalog),
    ]


def _with_null(items: list[Any], page: Page) -> dict[str, Any]:
    return {"items": items, "next_cursor": page.next_cursor, "has_more": page.has_next}


def _route(catalog: Catalog, kind: str, body: Body) -> Route:
    async def listed(request: Request) -> Response:
        page = catalog.page(request)
        return json_response(body(catalog.records(request, page.stamps), page))

    return Route(f"/kinds/{kind}", listed, methods=["GET"])


def _header_route(catalog: Catalog) -> Route:
    async def listed(request: Request) -> Response:
        page = catalog.page(request)
        answer = json_response(catalog.records(request, page.stamps))
        if page.next_cursor is not None:
            answer.headers["x-next-cursor"] = page.next_cursor
        return answer

    return Route("/kinds/cursor-header", listed, methods=["GET"])


def _tombstones_route(catalog: Catalog) -> Route:
    async def listed(request: Request) -> Response:
        # As in most APIs: whoever asks for all has no use for what is gone.
        page = catalog.page(request, is_live, is_any, scope="tombstones")
        return json_response(_with_null(catalog.records(request, page.stamps), page))

    return Route("/kinds/tombstones", listed, methods=["GET"])


def _summaries_route(catalog: Catalog) -> Route:
    async def listed(request: Request) -> Response:
        page = catalog.page(request)
        items = without(catalog.records(request, page.stamps), "text")
        return json_response(_with_null(items, page))

    return Route("/kinds/summaries", listed, methods=["GET"])


def _deleted_route(catalog: Catalog) -> Route:
    def tombstone(stamp: Stamp) -> dict[str, str]:
        return {"id": catalog.ledger.identifier(stamp), "deleted_at": rfc3339(stamp.at_ms)}

    async def listed(request: Request) -> Response:
        page = catalog.page(request, lambda stamp: stamp.is_deleted, scope="deleted")
        request.state.log["count"] = len(page.stamps)
        return json_response(_with_null([tombstone(stamp) for stamp in page.stamps], page))

    return Route("/kinds/deleted", listed, methods=["GET"])


def _children_routes(catalog: Catalog) -> list[Route]:
    async def folders(request: Request) -> Response:
        return json_response(_with_null(*catalog.folders(request)))

    async def items(request: Request) -> Response:
        folder = request.path_params["folder"]
        page = catalog.page(request, catalog.in_folder(folder), scope=folder)
        return json_response(_with_null(catalog.records(request, page.stamps), page))

    async def detail(request: Request) -> Response:
        return json_response(catalog.detail(request.path_params["id"]))

    return [
        Route("/kinds/folders", folders, methods=["GET"]),
        Route("/kinds/folders/{folder}/items", items, methods=["GET"]),
        Route("/kinds/detail/{id}", detail, methods=["GET"]),
    ]
