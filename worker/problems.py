"""Refusals, as RFC 9457 problem documents.

What each status means here, is its function's docstring: the OpenAPI document shows it.
"""

from collections.abc import Callable, Mapping

from msgspec import UNSET, Struct, UnsetType

from durable.machine.commands import RefusalCode
from durable.machine.remedies import Remedy, RemedyCode
from durable.views.texts import Message, to_message


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with a request, and what to do about it."""

    title: str
    status: int
    detail: str
    legal: list[str] | UnsetType = UNSET  # 409: the commands that the job takes as it is
    code: RefusalCode | UnsetType = UNSET  # 400, 404, 409 and 422: what is in the way
    remedy: Message | UnsetType = UNSET  # what to do about it, where it has a code


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def bad_request(detail: str, code: RefusalCode) -> Problem:
    """The request cannot be understood."""
    return Problem(title="Bad Request", status=400, detail=detail, code=code)


def unauthorized(detail: str) -> Problem:
    """The token is missing or wrong, and so is all that stands for it."""
    return Problem(title="Unauthorized", status=401, detail=detail)


def forbidden(detail: str) -> Problem:
    """Another site's page may have had the browser send this: its Origin is not the Worker's."""
    return Problem(title="Forbidden", status=403, detail=detail)


def not_found(detail: str, code: RefusalCode) -> Problem:
    """There is no such job, or no such connector."""
    return Problem(title="Not Found", status=404, detail=detail, code=code)


def method_not_allowed(detail: str) -> Problem:
    """The method is not for this path; the header Allow names those that are."""
    return Problem(title="Method Not Allowed", status=405, detail=detail)


def conflict(
    detail: str, legal: list[str], code: RefusalCode, remedy: Remedy | None = None
) -> Problem:
    """The job does not take this as it is; `legal` lists what it takes."""
    found = to_message(remedy) or UNSET
    return Problem(
        title="Conflict", status=409, detail=detail, legal=legal, code=code, remedy=found
    )


def key_reused(detail: str, remedy: Remedy | None = None) -> Problem:
    """The Idempotency-Key was sent before, with another request."""
    found = to_message(remedy) or UNSET
    return Problem(
        title="Unprocessable Content",
        status=422,
        detail=detail,
        code=RefusalCode.KEY_REUSED,
        remedy=found,
    )


def too_large(detail: str) -> Problem:
    """The body is larger than is read."""
    return Problem(title="Content Too Large", status=413, detail=detail)


def internal() -> Problem:
    """The Worker failed by a bug of its own, whose text stays in the log."""
    return Problem(
        title="Internal Server Error",
        status=500,
        detail="The Worker failed.",
        remedy=to_message(Remedy(RemedyCode.READ_LOG.value)) or UNSET,
    )


def bad_gateway(detail: str) -> Problem:
    """Glean did not do what was asked; `detail` says what it answered."""
    return Problem(title="Bad Gateway", status=502, detail=detail)


def unavailable(detail: str) -> Problem:
    """A variable or a secret is missing or not right, or Access's keys cannot be had."""
    return Problem(title="Service Unavailable", status=503, detail=detail)


MAKERS: Mapping[int, Callable[..., Problem]] = {
    400: bad_request,
    401: unauthorized,
    403: forbidden,
    404: not_found,
    405: method_not_allowed,
    409: conflict,
    413: too_large,
    422: key_reused,
    500: internal,
    502: bad_gateway,
    503: unavailable,
}
