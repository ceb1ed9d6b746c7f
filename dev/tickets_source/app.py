"""The ASGI application: the tickets and their control endpoints."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.faults import json_response
from dev.rest.control import Controlled, record_routes
from dev.rest.credentials import Guarded, has_bearer
from dev.rest.ledger import Clock, Ledger, Stamp, now_ms
from dev.rest.listing import Listing, is_any, is_live, parse_query
from dev.rest.refusal import RefusedError, refuse
from dev.rest.settings import InForce, Settings
from dev.rest.throttle import Throttle
from dev.tickets_source.tickets import Ticket, ticket


PATH = "/api/v1/tickets"
TICKET_COUNT = 120


def create_app(token: str, *, count: int = TICKET_COUNT, clock: Clock = now_ms) -> Controlled:
    """The source.

    Args:
        token: that requests must carry.
        count: of tickets at the start.
        clock: in milliseconds.
    """
    in_force = InForce(Settings())
    ledger = Ledger(count, "T", clock)
    listing = Listing(ledger, in_force)

    def rendered(stamp: Stamp) -> Ticket:
        return ticket(ledger, stamp)

    async def tickets(request: Request) -> Response:
        page = listing.page(parse_query(request.query_params, "updated_since"), is_live, is_any)
        request.state.log["count"] = len(page.stamps)
        meta = {"next_cursor": page.next_cursor, "total": page.total}
        return json_response({"tickets": [rendered(stamp) for stamp in page.stamps], "meta": meta})

    api = Starlette(
        routes=[Route(PATH, tickets, methods=["GET"])],
        exception_handlers={RefusedError: refuse},
    )
    return Controlled(
        Throttle(Guarded(api, has_bearer(token), "Bearer"), in_force, clock),
        [*record_routes(ledger, [listing], rendered), *in_force.routes()],
        [ledger.reset, in_force.reset],
    )
