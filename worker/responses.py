"""Answers, as the platform is to send them. Pure."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from durable.commands import Refusal
from durable.status import Status
from worker import problems
from worker.bodies import Accepted
from worker.problems import Problem


# A browser keeps none of it, and takes none of it for a page or a script.
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Response(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


def job_answer(shown: Status | Refusal, status: int) -> Response:
    """A job after it was asked for something, or why that is refused."""
    if isinstance(shown, Refusal):
        if shown.is_key_reused:
            return refused(problems.key_reused(shown.reason))
        return refused(problems.conflict(shown.reason, [*shown.legal]))
    url = f"/status/{shown.id}"
    return json_answer(status, Accepted(**asdict(shown), status_url=url), {"location": url})


def no_job(job_id: str) -> Response:
    return refused(problems.not_found(f"There is no job {job_id!r:.200}."))


def json_answer(status: int, content: object, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        status,
        {"content-type": "application/json", **HEADERS, **(headers or {})},
        msgspec.json.encode(content),
    )


def text_answer(kind: str, content: str) -> Response:
    return Response(200, {"content-type": kind, **HEADERS}, content.encode())


def nothing(headers: Mapping[str, str]) -> Response:
    """Done, and there is nothing to say."""
    return Response(204, {**HEADERS, **headers}, b"")


def refused(problem: Problem, allow: str | None = None) -> Response:
    headers = {"content-type": "application/problem+json", **HEADERS}
    if allow is not None:
        headers["allow"] = allow
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(problem.status, headers, msgspec.json.encode(problem))
