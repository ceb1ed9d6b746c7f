"""All records in one answer: a JSON list, or a JSON object a line, read on from any byte."""

import hashlib
import re
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from dev.faults import json_response
from dev.kinds_source.catalog import Catalog


CHUNK_BYTES = 4_096  # lines are cut anywhere, as on a real connection
RANGE = re.compile(r"bytes=(\d+)-(\d*)")
NDJSON = "application/x-ndjson"


def routes(catalog: Catalog) -> list[Route]:
    async def listed(request: Request) -> Response:
        return json_response(catalog.records(request, catalog.changed(request)))

    async def ranged(request: Request) -> Response:
        content = _lines(catalog, request)
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {"etag": tag, "accept-ranges": "bytes"}
        found = _range(request, tag)
        if found is None:
            return StreamingResponse(_chunks(content), 200, headers, NDJSON)
        start, end = found[0], len(content) if found[1] is None else found[1] + 1
        if start >= len(content):
            headers["content-range"] = f"bytes */{len(content)}"
            return Response(status_code=416, headers=headers)
        part = content[start:end]
        headers["content-range"] = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        return StreamingResponse(_chunks(part), 206, headers, NDJSON)

    async def whole(request: Request) -> Response:
        return StreamingResponse(_chunks(_lines(catalog, request)), media_type=NDJSON)

    return [
        Route("/kinds/list", listed, methods=["GET"]),
        Route("/kinds/lines", ranged, methods=["GET"]),
        Route("/kinds/lines-no-range", whole, methods=["GET"]),
    ]


def _lines(catalog: Catalog, request: Request) -> bytes:
    request.state.log["range"] = request.headers.get("range")
    records = catalog.records(request, catalog.changed(request))
    return msgspec.json.Encoder().encode_lines(records)


def _range(request: Request, tag: str) -> tuple[int, int | None] | None:
    """The first and the last byte wanted; None: the whole, since it changed or nothing is said."""
    wanted = RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None or request.headers.get("if-range", tag) != tag:
        return None
    start, end = int(wanted[1]), int(wanted[2]) if wanted[2] else None
    # RFC 9110, 14.1.1: a range that ends before it begins is none.
    return None if end is not None and end < start else (start, end)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK_BYTES):
        yield content[start : start + CHUNK_BYTES]
