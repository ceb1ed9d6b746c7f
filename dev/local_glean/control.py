"""The control endpoints of the local Glean, beside those for faults.

They ask for no token. Those that list give a line of JSON for each.

    GET  /control/documents?datasource=NAME    the index
    GET  /control/users?datasource=NAME        the users, as they were sent
    GET  /control/groups?datasource=NAME       the groups, likewise
    GET  /control/memberships?datasource=NAME  the memberships, each as /indexmembership takes it
    GET  /control/employees                    the employees, as they were sent
    GET  /control/teams                        the teams, likewise
    POST /control/expire                     let the open uploads of every datasource, and those of
                                             employees and teams, expire, or only those of
                                             {"datasource": NAME}; gives their ids
    GET  /control/readings                   the readings in force, all of them
    PUT  /control/readings                   put others in force: those that differ from the
                                             defaults; what is left out has its default again
    POST /control/counts                     a Miscount: let /debug/NAME/status tell counts of
                                             documents that are not right, for some answers or
                                             for good; gives all that are in force
    GET  /control/counts                     those in force
    DELETE /control/counts                   let it tell the right ones again
    PUT  /control/limits                     {"processing": true}: processing is refused within
                                             three hours of the last; false: it never is, as at
                                             the start. Either forgets who called so far
    POST /control/clock                      {"ms": N}: move the clock on by so much; gives the time
    POST /control/reset                      forget everything, also faults and the log; the
                                             readings are again those of the command line
"""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import msgspec
from msgspec import Struct
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from dev.faults import Faults, json_response
from dev.local_glean.database import Database
from dev.local_glean.datasources import Datasources
from dev.local_glean.errors import RefusedError
from dev.local_glean.in_force import InForce
from dev.local_glean.index import Index
from dev.local_glean.miscounts import Miscount
from dev.local_glean.readings import parsed
from dev.local_glean.records import Records
from dev.local_glean.uploads import Entity, Uploads


class _Expiry(Struct, forbid_unknown_fields=True):
    datasource: str | None = None


class _Limits(Struct, forbid_unknown_fields=True):
    processing: bool


class _Advance(Struct, forbid_unknown_fields=True):
    ms: int


Command = TypeVar("Command")


def routes(database: Database, in_force: InForce, faults: Callable[[], Faults]) -> list[Route]:
    """The endpoints above. `faults` is called for each request: it wraps what has the routes."""

    async def reset(_request: Request) -> Response:
        await run_in_threadpool(database.reset)
        faults().reset()
        in_force.reset()
        return Response(status_code=204)

    datasources = Datasources(database)
    return [
        _documents_route(Index(database)),
        *_records_routes(Records(database, in_force)),
        _expire_route(datasources, Uploads(database, in_force)),
        *_readings_routes(in_force),
        *_counts_routes(datasources, in_force),
        *_time_routes(in_force),
        Route("/control/reset", reset, methods=["POST"]),
    ]


def _documents_route(index: Index) -> Route:
    async def documents(request: Request) -> Response:
        datasource = _datasource(request)
        return StreamingResponse(_lines(index, datasource), media_type="application/x-ndjson")

    return Route("/control/documents", documents, methods=["GET"])


async def _lines(index: Index, datasource: str) -> AsyncIterator[bytes]:
    async for documents in iterate_in_threadpool(index.live(datasource)):
        yield msgspec.json.Encoder().encode_lines(
            [{"id": document.id, "document": msgspec.Raw(document.body)} for document in documents]
        )


def _records_routes(records: Records) -> list[Route]:
    async def listed(request: Request) -> Response:
        entity = Entity(request.url.path.rpartition("/")[2])
        datasource = "" if entity.kind == "people" else _datasource(request)
        bodies = await run_in_threadpool(records.bodies, entity, datasource)
        lines = msgspec.json.Encoder().encode_lines([msgspec.Raw(body) for body in bodies])
        return Response(lines, media_type="application/x-ndjson")

    entities = [entity for entity in Entity if entity is not Entity.DOCUMENTS]
    return [Route(f"/control/{entity}", listed, methods=["GET"]) for entity in entities]


def _expire_route(datasources: Datasources, uploads: Uploads) -> Route:
    async def expire(request: Request) -> Response:
        name = (await _command(request, _Expiry, "an expiry", b"{}")).datasource
        await _check_datasource(datasources, name)
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


def _counts_routes(datasources: Datasources, in_force: InForce) -> list[Route]:
    miscounts = in_force.miscounts

    async def add(request: Request) -> Response:
        miscount = await _command(request, Miscount, "a miscount")
        await _check_datasource(datasources, miscount.datasource)
        miscounts.add(miscount)
        return json_response(miscounts.listed())

    async def listed(_request: Request) -> Response:
        return json_response(miscounts.listed())

    async def forget(_request: Request) -> Response:
        miscounts.forget()
        return json_response(miscounts.listed())

    return [
        Route("/control/counts", add, methods=["POST"]),
        Route("/control/counts", listed, methods=["GET"]),
        Route("/control/counts", forget, methods=["DELETE"]),
    ]


def _time_routes(in_force: InForce) -> list[Route]:
    async def limits(request: Request) -> Response:
        kept = await _command(request, _Limits, "limits")
        in_force.processing_limit.keep(is_kept=kept.processing)
        return json_response(kept)

    async def clock(request: Request) -> Response:
        in_force.clock.advance((await _command(request, _Advance, "an advance")).ms)
        return json_response({"now_ms": in_force.clock.now_ms()})

    return [
        Route("/control/limits", limits, methods=["PUT"]),
        Route("/control/clock", clock, methods=["POST"]),
    ]


def _datasource(request: Request) -> str:
    name = request.query_params.get("datasource")
    if name is None:
        raise RefusedError(400, "datasource is missing in the query")
    return name


async def _command(
    request: Request, kind: type[Command], noun: str, default: bytes = b""
) -> Command:
    """The body. Raises RefusedError."""
    try:
        return msgspec.json.decode(await request.body() or default, type=kind)
    except ValueError as error:  # msgspec's errors, and those of texts that are not UTF-8
        raise RefusedError(400, f"not {noun}: {error}") from error


async def _check_datasource(datasources: Datasources, name: str | None) -> None:
    """Raises RefusedError."""
    if name is not None and not await run_in_threadpool(datasources.has, name):
        raise RefusedError(400, f"there is no datasource {name}")
