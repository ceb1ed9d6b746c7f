"""The control endpoints of the local Glean, beside those for faults.

They ask for no token.

    GET  /control/documents?datasource=NAME  the index, a line of JSON for each document
    POST /control/expire                     let the open upload of every datasource expire, or
                                             only that of {"datasource": NAME}; gives their ids
    GET  /control/readings                   the readings in force, all of them
    PUT  /control/readings                   put others in force: those that differ from the
                                             defaults; what is left out has its default again
    POST /control/reset                      forget everything, also faults and the log; the
                                             readings are again those of the command line
"""

from collections.abc import AsyncIterator, Callable

import msgspec
from msgspec import Struct
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from dev.faults import Faults, json_response
from dev.local_glean.database import Database
from dev.local_glean.index import Index
from dev.local_glean.readings import InForce, parsed
from dev.local_glean.uploads import Uploads


class _Expiry(Struct, forbid_unknown_fields=True):
    datasource: str | None = None


def routes(database: Database, in_force: InForce, faults: Callable[[], Faults]) -> list[Route]:
    """The endpoints above. `faults` is called for each request: it wraps what has the routes."""

    async def reset(_request: Request) -> Response:
        await run_in_threadpool(database.reset)
        faults().reset()
        in_force.reset()
        return Response(status_code=204)

    return [
        _documents_route(Index(database)),
        _expire_route(Index(database), Uploads(database)),
        *_readings_routes(in_force),
        Route("/control/reset", reset, methods=["POST"]),
    ]


def _documents_route(index: Index) -> Route:
    async def documents(request: Request) -> Response:
        datasource = request.query_params.get("datasource")
        if datasource is None:
            return PlainTextResponse("datasource is missing in the query", 400)
        return StreamingResponse(_lines(index, datasource), media_type="application/x-ndjson")

    return Route("/control/documents", documents, methods=["GET"])


async def _lines(index: Index, datasource: str) -> AsyncIterator[bytes]:
    async for documents in iterate_in_threadpool(index.live(datasource)):
        yield msgspec.json.Encoder().encode_lines(
            [{"id": document.id, "document": msgspec.Raw(document.body)} for document in documents]
        )


def _expire_route(index: Index, uploads: Uploads) -> Route:
    async def expire(request: Request) -> Response:
        try:
            name = msgspec.json.decode(await request.body() or b"{}", type=_Expiry).datasource
        except ValueError as error:  # msgspec's errors, and those of texts that are not UTF-8
            return PlainTextResponse(f"not an expiry: {error}", 400)
        if name is not None and await run_in_threadpool(index.datasource_config, name) is None:
            return PlainTextResponse(f"there is no datasource {name}", 400)
        return json_response(await run_in_threadpool(uploads.expire, name))

    return Route("/control/expire", expire, methods=["POST"])


def _readings_routes(in_force: InForce) -> list[Route]:
    async def change(request: Request) -> Response:
        try:
            in_force.readings = parsed(await request.body())
        except ValueError as error:
            return PlainTextResponse(str(error), 400)
        return json_response(in_force.readings)

    async def current(_request: Request) -> Response:
        return json_response(in_force.readings)

    return [
        Route("/control/readings", change, methods=["PUT"]),
        Route("/control/readings", current, methods=["GET"]),
    ]
