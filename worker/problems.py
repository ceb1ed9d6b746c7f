"""Refusals, as RFC 9457 problem documents."""

from collections.abc import Mapping

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


# By status: its title, and what it means here, which the OpenAPI document shows.
STATUSES: Mapping[int, tuple[str, str]] = {
    400: ("Bad Request", "The request cannot be understood."),
    401: ("Unauthorized", "The token is missing or wrong, and so is all that stands for it."),
    403: (
        "Forbidden",
        "Another site's page may have had the browser send this: its Origin is not the Worker's.",
    ),
    404: ("Not Found", "There is no such job, or no such connector."),
    405: (
        "Method Not Allowed",
        "The method is not for this path; the header Allow names those that are.",
    ),
    409: ("Conflict", "The job does not take this as it is; `legal` lists what it takes."),
    413: ("Content Too Large", "The body is larger than is read."),
    422: ("Unprocessable Content", "The Idempotency-Key was sent before, with another request."),
    500: (
        "Internal Server Error",
        "The Worker failed by a bug of its own, whose text stays in the log.",
    ),
    502: ("Bad Gateway", "Glean did not do what was asked; `detail` says what it answered."),
    503: (
        "Service Unavailable",
        "A variable or a secret is missing or not right, or Access's keys cannot be had.",
    ),
}


def describe(
    status: int,
    detail: str,
    code: RefusalCode | UnsetType = UNSET,
    remedy: Remedy | None = None,
    legal: list[str] | UnsetType = UNSET,
) -> Problem:
    """The problem of a status. Those of a client's own doing have a code."""
    title, _ = STATUSES[status]
    return Problem(
        title=title,
        status=status,
        detail=detail,
        legal=legal,
        code=code,
        remedy=to_message(remedy) or UNSET,
    )


INTERNAL = describe(500, "The Worker failed.", remedy=Remedy(RemedyCode.READ_LOG.value))
