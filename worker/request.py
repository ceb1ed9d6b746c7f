"""A request, and its decoded body, without the platform."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.machine.commands import RefusalCode
from worker import problems
from worker.problems import ProblemError


BODY_BYTES_MAX = 64 * 1024

Body = TypeVar("Body")


class Request(Struct, frozen=True, kw_only=True):
    """A request. Names of headers are in lower case."""

    method: str
    origin: str  # scheme, host and port that it was sent to
    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str]
    body: Callable[[int], Awaitable[bytes | None]]  # up to so many bytes; None if it has more


async def decode_body(request: Request, kind: type[Body], example: str) -> Body:
    """Decode the body.

    Args:
        request: its body is read once.
        kind: what the body has to be.
        example: of a right one, for whoever sent a wrong one.

    Raises:
        ProblemError: it is none.
    """
    body = await request.body(BODY_BYTES_MAX)
    if body is None:
        raise ProblemError(problems.describe(413, f"The body is over {BODY_BYTES_MAX} bytes."))
    try:
        return decode(body, kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        wrong = f"{error}" if body else "The body is empty"
        text = f"{wrong:.200}. Send JSON like {example}."
        raise ProblemError(problems.describe(400, text, RefusalCode.BAD_BODY)) from error
