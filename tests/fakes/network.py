"""A network of one server that gives prepared answers in order."""

from collections import deque

import httpx


class Network(httpx.AsyncBaseTransport):
    """Keeps what it was asked, and refuses what it was not prepared for.

    Args:
        answers: a response is given, an exception raised.
    """

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = deque(answers)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        assert self._answers, f"no answer is prepared for {request.method} {request.url}"
        answer = self._answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def lines(self) -> list[str]:
        """The requests' methods and paths."""
        return [f"{request.method} {request.url.path}" for request in self.requests]
