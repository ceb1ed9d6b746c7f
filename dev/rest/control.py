"""An API and its control endpoints, put together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.faults import Faults, control_routes, json_response
from dev.rest.ledger import Ledger, Stamp
from dev.rest.listing import Listing


BODY_BYTES_MAX = 64 * 1024  # nothing here has a body worth the name
HIDDEN = frozenset({"api_key"})  # a log is no place for it


class _Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    change: int = 0
    remove: int = 0
    add: int = 0
    seed: int = 0
    share: int = 0
    at_ms: int | None = None

    def __post_init__(self) -> None:
        if min(self.change, self.remove, self.add, self.share, self.at_ms or 0) < 0:
            raise ValueError("counts and times must not be negative")


class Controlled:
    """An ASGI application: the API, with faults and a log, and beside it /control.

    Args:
        api: everything that is not below /control.
        routes: below /control, beside those of `dev.faults` and the reset.
        resets: what is done for a reset, beside faults and the log.
    """

    def __init__(
        self, api: ASGIApp, routes: Sequence[BaseRoute], resets: Sequence[Callable[[], None]]
    ) -> None:
        self.faults = Faults(api, prefix="", body_bytes_max=BODY_BYTES_MAX, describe=_describe)

        async def reset(_request: Request) -> Response:
            for done in (*resets, self.faults.reset):
                done()
            return Response(status_code=204)

        self._control = Starlette(
            routes=[
                *routes,
                *control_routes(lambda: self.faults),
                Route("/control/reset", reset, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._control if scope["path"].startswith("/control/") else self.faults
        await app(scope, receive, send)


def record_routes(
    ledger: Ledger, listings: Sequence[Listing], rendered: Callable[[Stamp], Any]
) -> list[Route]:
    """The control endpoints of records.

    Args:
        ledger: of those that change.
        listings: whose cursors expire.
        rendered: a record, as the API gives it.
    """

    async def change(request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(await request.body(), type=_Change)
            changes = ledger.change(**msgspec.structs.asdict(wanted))
        except ValueError as error:  # msgspec's errors are ValueErrors too
            return json_response({"error": str(error)}, 400)
        return json_response(changes)

    async def live(_request: Request) -> Response:
        lines = msgspec.json.Encoder().encode_lines([rendered(stamp) for stamp in ledger.live()])
        return Response(lines, media_type="application/x-ndjson")

    async def expire(_request: Request) -> Response:
        for listing in listings:
            listing.expire()
        return Response(status_code=204)

    return [
        Route("/control/change", change, methods=["POST"]),
        Route("/control/records", live, methods=["GET"]),
        Route("/control/expire-cursors", expire, methods=["POST"]),
    ]


def _describe(scope: Scope, _body: bytes) -> Mapping[str, Any]:
    query = QueryParams(scope["query_string"])
    shown = {name: value for name, value in query.items() if name not in HIDDEN}
    return {"method": scope["method"], "query": shown, "count": 0}
