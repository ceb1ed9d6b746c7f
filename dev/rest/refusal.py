"""What a server will not do, and its answer to that."""

from starlette.requests import Request
from starlette.responses import Response

from dev.faults import json_response


class RefusedError(Exception):
    """A request that gets an error.

    Args:
        message: what is wrong, for a person.
        status: of the answer, where the protocol has statuses for errors.
        code: in a word, where the protocol has those instead.
    """

    def __init__(self, message: str, status: int = 400, code: str = "bad_request") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code


async def refuse(_request: Request, error: Exception) -> Response:
    """The answer of a REST API."""
    assert isinstance(error, RefusedError)
    return json_response({"error": error.message}, error.status)
