"""The ASGI application: every kind of paging, for everybody and for those who prove themselves."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.routing import Mount, Route, Router

from dev.kinds_source import cursors, dialects, links, numbers, streams
from dev.kinds_source.catalog import RECORD_COUNT, Catalog
from dev.rest.control import Controlled, record_routes
from dev.rest.credentials import (
    Check,
    Credentials,
    Guarded,
    has_basic,
    has_bearer,
    has_header,
    has_parameter,
)
from dev.rest.ledger import Clock, now_ms
from dev.rest.oauth import CHALLENGE, TokenServer
from dev.rest.refusal import RefusedError, refuse
from dev.rest.throttle import Throttle


NOBODY = Credentials()


def create_app(
    credentials: Credentials = NOBODY, *, count: int = RECORD_COUNT, clock: Clock = now_ms
) -> Controlled:
    """The source.

    Args:
        credentials: for the paths below /auth; who has none gets 401 there.
        count: of records at the start.
        clock: in milliseconds.
    """
    catalog = Catalog(count, clock)
    tokens = TokenServer(credentials, catalog.in_force, clock)
    kinds = [
        route
        for module in (cursors, links, numbers, dialects, streams)
        for route in module.routes(catalog)
    ]
    api = Throttle(_api(kinds, tokens, credentials), catalog.in_force, clock)
    listings = (catalog.listing, catalog.folder_listing)
    return Controlled(
        # A client that waits for a token is not to wait for its turn, too.
        tokens.beside(api),
        [
            *record_routes(catalog.ledger, listings, catalog.record),
            *catalog.in_force.routes(),
            *tokens.control_routes(),
        ],
        [catalog.ledger.reset, catalog.in_force.reset, tokens.reset],
    )


def _api(kinds: list[Route], tokens: TokenServer, credentials: Credentials) -> Starlette:
    token = credentials.token
    proofs: Mapping[str, tuple[Check, str]] = {
        "bearer": (has_bearer(token), "Bearer"),
        "basic": (has_basic(credentials.user, credentials.password), 'Basic realm="kinds"'),
        "api-key-header": (has_header("x-api-key", token), ""),
        "api-key-query": (has_parameter("api_key", token), ""),
        "oauth": (tokens.accepts, CHALLENGE),
    }
    return Starlette(
        routes=[
            *kinds,
            *(
                Mount(f"/auth/{name}", Guarded(Router(kinds), check, challenge))
                for name, (check, challenge) in proofs.items()
            ),
        ],
        exception_handlers={RefusedError: refuse},
    )
