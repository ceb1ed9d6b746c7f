"""Paging by numbers, and by the last record's id or time.

Numbers count from the start of the list as it is now: where a record before them is removed,
another moves up and is missed. Real APIs have that, and so has this.
"""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.faults import json_response
from dev.kinds_source.catalog import Catalog
from dev.rest.instants import from_rfc3339
from dev.rest.ledger import Stamp
from dev.rest.listing import Order, is_live, parse_whole_number, size
from dev.rest.refusal import RefusedError


Extras = Callable[[int, int], dict[str, Any]]  # of the total and the page's size


def routes(catalog: Catalog) -> list[Route]:
    def pages(total: int, limit: int) -> dict[str, Any]:
        return {"total_pages": -(-total // limit)}

    return [
        _offset_route(catalog, "offset", lambda total, _limit: {"total": total}),
        _offset_route(catalog, "offset-plain", _nothing),
        _offset_route(catalog, "offset-strict", _nothing, is_strict=True),
        _page_route(catalog, "page", pages),
        _page_route(catalog, "page-zero", pages, first=0),
        _page_route(catalog, "page-total", lambda total, _limit: {"total": total}),
        _page_route(catalog, "page-plain", _nothing),
        _id_route(catalog),
        _time_route(catalog),
    ]


def _nothing(_total: int, _limit: int) -> dict[str, Any]:
    return {}


def _offset_route(catalog: Catalog, kind: str, extras: Extras, *, is_strict: bool = False) -> Route:
    async def listed(request: Request) -> Response:
        query = request.query_params
        offset, limit = parse_whole_number(query, "offset", 0), size(query)
        found = catalog.changed(request)
        if is_strict and offset > 0 and offset >= len(found):
            raise RefusedError(f"offset {offset} is past the end")
        records = catalog.records(request, found[offset : offset + limit])
        told = {"offset": offset, "limit": limit, **extras(len(found), limit)}
        return json_response({"items": records, **told})

    return Route(f"/kinds/{kind}", listed, methods=["GET"])


def _page_route(catalog: Catalog, kind: str, extras: Extras, *, first: int = 1) -> Route:
    async def listed(request: Request) -> Response:
        query = request.query_params
        number, per_page = (
            parse_whole_number(query, "page", first, least=first),
            size(query, "per_page"),
        )
        found = catalog.changed(request)
        start = (number - first) * per_page
        records = catalog.records(request, found[start : start + per_page])
        told = {"page": number, "per_page": per_page, **extras(len(found), per_page)}
        return json_response({"items": records, **told})

    return Route(f"/kinds/{kind}", listed, methods=["GET"])


def _id_route(catalog: Catalog) -> Route:
    def after(identifier: str, found: Sequence[Stamp]) -> Sequence[Stamp]:
        return [stamp for stamp in found if catalog.ledger.identifier(stamp) > identifier]

    async def listed(request: Request) -> Response:
        query = request.query_params
        found = sorted(catalog.changed(request), key=lambda stamp: stamp.number)
        left = after(query.get("after_id", ""), found)
        return json_response({"items": catalog.records(request, left[: size(query)])})

    return Route("/kinds/keyset", listed, methods=["GET"])


def _time_route(catalog: Catalog) -> Route:
    async def listed(request: Request) -> Response:
        query = request.query_params
        text = query.get("updated_from")
        found = catalog.listing.all(is_live, _from_ms(text), Order.OLDEST_FIRST)
        return json_response({"items": catalog.records(request, found[: size(query)])})

    return Route("/kinds/keyset-time", listed, methods=["GET"])


def _from_ms(text: str | None) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdecimal():
        return int(text) * 1_000
    return from_rfc3339(text, "updated_from")
