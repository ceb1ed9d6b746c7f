"""Refusals, as RFC 9457 problem documents."""

from msgspec import Struct


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is wrong with a request, and what to do about it."""

    title: str
    status: int
    detail: str


def bad_request(detail: str) -> Problem:
    return Problem(title="Bad Request", status=400, detail=detail)


def unauthorized(detail: str) -> Problem:
    return Problem(title="Unauthorized", status=401, detail=detail)


def not_found(detail: str) -> Problem:
    return Problem(title="Not Found", status=404, detail=detail)


def method_not_allowed(detail: str) -> Problem:
    return Problem(title="Method Not Allowed", status=405, detail=detail)


def too_large(detail: str) -> Problem:
    return Problem(title="Content Too Large", status=413, detail=detail)


def internal() -> Problem:
    """Our own bug: its text stays in the log."""
    return Problem(
        title="Internal Server Error",
        status=500,
        detail="The Worker failed. Its log says why: npx wrangler tail",
    )


def unavailable(detail: str) -> Problem:
    return Problem(title="Service Unavailable", status=503, detail=detail)
