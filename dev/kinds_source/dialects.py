"""The ways of OData, GraphQL and MediaWiki."""

import re
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.faults import json_response
from dev.kinds_source.catalog import Catalog
from dev.rest.instants import from_rfc3339
from dev.rest.links import link
from dev.rest.listing import SIZE_DEFAULT, SIZE_MAX, Wanted, is_live, parse_whole_number, size
from dev.rest.refusal import RefusedError


FILTER = re.compile(r"updated_at ge (\S+)")
CONTINUE = "gapcontinue||"


class _Variables(Struct, frozen=True):
    first: int = SIZE_DEFAULT
    after: str | None = None
    since: str | None = None


class _Query(Struct, frozen=True):
    query: str
    variables: _Variables = _Variables()


def routes(catalog: Catalog) -> list[Route]:
    return [_odata_route(catalog), _graphql_route(catalog), _mediawiki_route(catalog)]


def _odata_route(catalog: Catalog) -> Route:
    async def listed(request: Request) -> Response:
        query = request.query_params
        since_ms, wanted = None, query.get("$filter")
        if wanted is not None:
            parsed = FILTER.fullmatch(wanted)
            if parsed is None:
                raise RefusedError(f"$filter is 'updated_at ge TIME', not {wanted!r}")
            since_ms = from_rfc3339(parsed[1], "$filter")
        limit = parse_whole_number(query, "$top", SIZE_DEFAULT, least=1)
        if limit > SIZE_MAX:
            raise RefusedError(f"$top is at most {SIZE_MAX}")
        page = catalog.listing.page(
            Wanted(size=limit, cursor=query.get("$skiptoken"), since_ms=since_ms, scope="odata"),
            is_live,
        )
        body: dict[str, Any] = {"@odata.context": "$metadata#records"}
        if query.get("$count") == "true":
            body["@odata.count"] = page.total
        body["value"] = catalog.records(request, page.stamps)
        if page.next_cursor is not None:
            body["@odata.nextLink"] = link(request, {"$skiptoken": page.next_cursor})
        return json_response(body)

    return Route("/kinds/odata", listed, methods=["GET"])


def _graphql_route(catalog: Catalog) -> Route:
    async def listed(request: Request) -> Response:
        try:
            data = _connection(catalog, request, await request.body())
        except RefusedError as error:
            problem = {"message": error.message, "extensions": {"code": error.code.upper()}}
            return json_response({"data": None, "errors": [problem]})
        return json_response({"data": data})

    return Route("/kinds/graphql", listed, methods=["POST"])


def _connection(catalog: Catalog, request: Request, body: bytes) -> dict[str, Any]:
    try:
        asked = msgspec.json.decode(body, type=_Query)
    except msgspec.DecodeError as error:
        raise RefusedError(str(error), code="graphql_validation_failed") from error
    variables = asked.variables
    request.state.log["query"] = msgspec.to_builtins(variables)
    if not re.search(r"\brecords\b", asked.query):
        raise RefusedError("the query asks for no records", code="graphql_validation_failed")
    if not 1 <= variables.first <= SIZE_MAX:
        raise RefusedError(f"first is 1 to {SIZE_MAX}, not {variables.first}")
    since_ms = None if variables.since is None else from_rfc3339(variables.since, "since")
    wanted = Wanted(
        size=variables.first, cursor=variables.after, since_ms=since_ms, scope="graphql"
    )
    page = catalog.listing.page(wanted, is_live)
    # As the specification of connections has it: the end has a cursor, too, if it has a record.
    info = {"hasNextPage": page.has_next, "endCursor": page.end_cursor}
    nodes = catalog.records(request, page.stamps)
    return {"records": {"totalCount": page.total, "nodes": nodes, "pageInfo": info}}


def _mediawiki_route(catalog: Catalog) -> Route:
    async def listed(request: Request) -> Response:
        try:
            return json_response(_pages(catalog, request))
        except RefusedError as error:
            problem = {"code": error.code.replace("_", ""), "info": error.message}
            answer = json_response({"error": problem})
            answer.headers["mediawiki-api-error"] = problem["code"]
            return answer

    return Route("/kinds/mediawiki", listed, methods=["GET"])


def _pages(catalog: Catalog, request: Request) -> dict[str, Any]:
    query = request.query_params
    if query.get("action") != "query" or query.get("generator") != "allpages":
        raise RefusedError("action=query and generator=allpages are needed", code="missingparam")
    cursor = query.get("gapcontinue")
    if (cursor is not None) != (query.get("continue") == CONTINUE):
        raise RefusedError("all parameters of continue go together", code="badcontinue")
    since = query.get("gapsince")
    page = catalog.listing.page(
        Wanted(
            size=size(query, "gaplimit"),
            cursor=cursor,
            since_ms=None if since is None else from_rfc3339(since, "gapsince"),
            scope="mediawiki",
        ),
        is_live,
    )
    body: dict[str, Any] = {"batchcomplete": ""}
    if page.next_cursor is not None:
        body["continue"] = {"gapcontinue": page.next_cursor, "continue": CONTINUE}
    if page.stamps:  # a generator that found nothing leaves this out
        records = catalog.records(request, page.stamps)
        body["query"] = {
            "pages": {
                str(stamp.number): {"pageid": stamp.number, "ns": 0, **msgspec.to_builtins(record)}
                for stamp, record in zip(page.stamps, records, strict=True)
            }
        }
    return body
