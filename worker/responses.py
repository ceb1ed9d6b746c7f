"""Answers, as the platform is to send them. Pure."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from worker.problems import Problem


# A browser keeps none of it, and takes none of it for a page or a script.
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Response(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


def refused(problem: Problem, allow: str | None = None) -> Response:
    headers = {"content-type": "application/problem+json", **HEADERS}
    if allow is not None:
        headers["allow"] = allow
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(problem.status, headers, msgspec.json.encode(problem))
