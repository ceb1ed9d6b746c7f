"""The ASGI application: the wiki and its control endpoints."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.faults import json_response
from dev.rest.control import Controlled, record_routes
from dev.rest.credentials import Guarded, has_basic
from dev.rest.instants import rfc3339
from dev.rest.ledger import Clock, Ledger, Stamp, now_ms
from dev.rest.links import link
from dev.rest.listing import Chosen, Listing, parse_query, parse_whole_number, size
from dev.rest.people import people
from dev.rest.refusal import RefusedError, refuse
from dev.rest.settings import InForce, Settings
from dev.rest.throttle import Throttle
from dev.wiki_source.contents import SPACES, Page, comments, page, space_of
from dev.wiki_source.identities import GROUPS, members


PAGE_COUNT = 150

Listed = Callable[[Request], Sequence[Any]]


def create_app(
    user: str, token: str, *, count: int = PAGE_COUNT, clock: Clock = now_ms
) -> Controlled:
    """The source.

    Args:
        user: who asks.
        token: of that user.
        count: of pages at the start.
        clock: in milliseconds.
    """
    in_force = InForce(Settings())
    ledger = Ledger(count, "p", clock)
    listing = Listing(ledger, in_force)

    def rendered(stamp: Stamp) -> Page:
        return page(ledger, stamp)

    api = Starlette(
        routes=[
            *_identity_routes(),
            *_space_routes(ledger, listing),
            *_page_routes(ledger, listing, in_force),
        ],
        exception_handlers={RefusedError: refuse},
    )
    guarded = Guarded(api, has_basic(user, token), 'Basic realm="wiki"')
    return Controlled(
        Throttle(guarded, in_force, clock),
        [*record_routes(ledger, [listing], rendered), *in_force.routes()],
        [ledger.reset, in_force.reset],
    )


def _identity_routes() -> list[Route]:
    def found(request: Request) -> Sequence[Any]:
        name = request.path_params["name"]
        if name not in {group.name for group in GROUPS}:
            raise RefusedError(f"there is no group {name}", 404)
        return members(name)

    return [
        _fixed_route("/api/users", lambda _request: people()),
        _fixed_route("/api/groups", lambda _request: GROUPS),
        _fixed_route("/api/groups/{name}/members", found),
    ]


def _space_routes(ledger: Ledger, listing: Listing) -> list[Route]:
    spaces = {space.key: space for space in SPACES}

    def key(request: Request) -> str:
        found: str = request.path_params["key"]
        if found not in spaces:
            raise RefusedError(f"there is no space {found}", 404)
        return found

    async def permissions(request: Request) -> Response:
        return json_response(spaces[key(request)].permissions)

    async def pages(request: Request) -> Response:
        space = key(request)

        def chosen(stamp: Stamp) -> bool:
            return not stamp.is_deleted and space_of(stamp) == space

        return _list(request, listing, chosen, lambda stamp: page(ledger, stamp), scope=space)

    return [
        _fixed_route("/api/spaces", lambda _request: SPACES),
        Route("/api/spaces/{key}/permissions", permissions, methods=["GET"]),
        Route("/api/spaces/{key}/pages", pages, methods=["GET"]),
    ]


def _page_routes(ledger: Ledger, listing: Listing, in_force: InForce[Settings]) -> list[Route]:
    def found(request: Request) -> Stamp:
        identifier = request.path_params["id"]
        stamp = ledger.find(identifier)
        if stamp is None:
            raise RefusedError(f"there is no page {identifier}", 404)
        return stamp

    def comments_of(request: Request) -> Sequence[Any]:
        stamp = found(request)
        if ledger.identifier(stamp) in in_force.now.missing:
            raise RefusedError("the page was removed meanwhile", 404)
        return comments(ledger, stamp)

    async def one(request: Request) -> Response:
        return json_response(page(ledger, found(request)))

    def trashed(stamp: Stamp) -> dict[str, str]:
        return {
            "id": ledger.identifier(stamp),
            "space": space_of(stamp),
            "trashed_at": rfc3339(stamp.at_ms),
        }

    async def trash(request: Request) -> Response:
        return _list(request, listing, lambda stamp: stamp.is_deleted, trashed, scope="trash")

    return [
        Route("/api/pages/{id}", one, methods=["GET"]),
        _fixed_route("/api/pages/{id}/comments", comments_of),
        Route("/api/trash", trash, methods=["GET"]),
    ]


def _list(
    request: Request,
    listing: Listing,
    chosen: Chosen,
    rendered: Callable[[Stamp], Any],
    *,
    scope: str,
) -> Response:
    """A page of what changes, by cursor."""
    found = listing.page(parse_query(request.query_params, "updated_since", scope=scope), chosen)
    following = None if found.next_cursor is None else {"cursor": found.next_cursor}
    return _answer(request, [rendered(stamp) for stamp in found.stamps], following)


def _fixed_route(path: str, listed: Listed) -> Route:
    """A list that does not change, by `start`."""

    async def endpoint(request: Request) -> Response:
        query = request.query_params
        start, limit = parse_whole_number(query, "start", 0), size(query)
        found = listed(request)
        end = start + limit
        following = {"start": str(end), "limit": str(limit)} if end < len(found) else None
        return _answer(request, found[start:end], following)

    return Route(path, endpoint, methods=["GET"])


def _answer(request: Request, results: Sequence[Any], following: dict[str, str] | None) -> Response:
    request.state.log["count"] = len(results)
    links = {} if following is None else {"next": link(request, following, is_relative=True)}
    return json_response({"results": results, "size": len(results), "_links": links})
