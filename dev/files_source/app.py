"""The ASGI application: the files, the token endpoint and the control endpoints."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.faults import json_response
from dev.files_source.files import File, content, file
from dev.rest.control import Controlled, record_routes
from dev.rest.credentials import Credentials, Guarded
from dev.rest.ledger import Clock, Ledger, Stamp, now_ms
from dev.rest.links import link_header
from dev.rest.listing import Listing, is_live, parse_query
from dev.rest.oauth import CHALLENGE, TokenServer
from dev.rest.refusal import RefusedError, refuse
from dev.rest.settings import InForce, Settings
from dev.rest.throttle import Throttle


PATH = "/files"
FILE_COUNT = 90


def create_app(
    credentials: Credentials, *, count: int = FILE_COUNT, clock: Clock = now_ms
) -> Controlled:
    """The source.

    Args:
        credentials: of its one client.
        count: of files at the start.
        clock: in milliseconds.
    """
    in_force = InForce(Settings())
    ledger = Ledger(count, "F", clock)
    listing = Listing(ledger, in_force)
    tokens = TokenServer(credentials, in_force, clock)

    def rendered(stamp: Stamp) -> File:
        return file(ledger, stamp)

    api = Starlette(
        routes=_routes(ledger, listing, in_force), exception_handlers={RefusedError: refuse}
    )
    return Controlled(
        tokens.beside(Throttle(Guarded(api, tokens.accepts, CHALLENGE), in_force, clock)),
        [
            *record_routes(ledger, [listing], rendered),
            *in_force.routes(),
            *tokens.control_routes(),
        ],
        [ledger.reset, in_force.reset, tokens.reset],
    )


def _routes(ledger: Ledger, listing: Listing, in_force: InForce[Settings]) -> list[Route]:
    def found(request: Request) -> Stamp:
        identifier = request.path_params["id"]
        stamp = ledger.find(identifier)
        if stamp is None:
            raise RefusedError(f"there is no file {identifier}", 404)
        return stamp

    async def files(request: Request) -> Response:
        page = listing.page(
            parse_query(request.query_params, "modified_since", "per_page"), is_live
        )
        request.state.log["count"] = len(page.stamps)
        answer = json_response([file(ledger, stamp) for stamp in page.stamps])
        answer.headers["link"] = link_header(request, page.next_cursor, is_relative=True)
        return answer

    async def one(request: Request) -> Response:
        return json_response(file(ledger, found(request)))

    async def download(request: Request) -> Response:
        stamp = found(request)
        if ledger.identifier(stamp) in in_force.now.missing:
            raise RefusedError("the file has no content", 404)
        return json_response(content(ledger, stamp))

    return [
        Route(PATH, files, methods=["GET"]),
        Route(f"{PATH}/{{id}}", one, methods=["GET"]),
        Route(f"{PATH}/{{id}}/content", download, methods=["GET"]),
    ]
