"""Paging by the URL of the next page, in the header Link or in the body."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.faults import json_response
from dev.kinds_source.catalog import Catalog
from dev.rest.links import link, link_header


def routes(catalog: Catalog) -> list[Route]:
    return [
        _header_route(catalog, "link", is_relative=False),
        _header_route(catalog, "link-relative", is_relative=True),
        _body_route(catalog, "next-url", is_relative=False),
        _body_route(catalog, "next-url-relative", is_relative=True),
    ]


def _header_route(catalog: Catalog, kind: str, *, is_relative: bool) -> Route:
    async def listed(request: Request) -> Response:
        page = catalog.page(request, hint="per_page")
        answer = json_response(catalog.records(request, page.stamps))
        answer.headers["link"] = link_header(request, page.next_cursor, is_relative=is_relative)
        return answer

    return Route(f"/kinds/{kind}", listed, methods=["GET"])


def _body_route(catalog: Catalog, kind: str, *, is_relative: bool) -> Route:
    async def listed(request: Request) -> Response:
        page = catalog.page(request, hint="per_page")
        cursor = page.next_cursor
        url = None if cursor is None else link(request, {"cursor": cursor}, is_relative=is_relative)
        records = catalog.records(request, page.stamps)
        return json_response({"count": page.total, "next": url, "results": records})

    return Route(f"/kinds/{kind}", listed, methods=["GET"])
