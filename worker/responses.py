"""Answers that the platform sends. Pure."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from worker.problems import Problem


# A browser keeps none of it, and takes none of it for a page or a script.
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class WorkerResponse(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


def refuse(problem: Problem, allow: str | None = None) -> WorkerResponse:
    headers = {"content-type": "application/problem+json", **HEADERS}
    if allow is not None:
        headers["allow"] = allow
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    return WorkerResponse(problem.status, headers, msgspec.json.encode(problem))
