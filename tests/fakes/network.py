"""A network of one server that gives prepared answers in order."""

from collections import deque
from collections.abc import Awaitable, Callable

import httpx


class Network(httpx.AsyncBaseTransport):
    """Keeps what it was asked, and refuses what it was not prepared for.

    Args:
        answers: a response is given, an exception raised.
    """

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = deque(answers)
        self._meanwhile: dict[int, Callable[[], Awaitable[object]]] = {}
        self.requests: list[httpx.Request] = []

    def add(self, *answers: httpx.Response | Exception) -> None:
        self._answers.extend(answers)

    def meanwhile(self, number: int, act: Callable[[], Awaitable[object]]) -> None:
        """Have somebody act while the request of this number, from 1, is under way."""
        self._meanwhile[number] = act

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        assert self._answers, f"no answer is prepared for {request.method} {request.url}"
        answer = self._answers.popleft()
        if (act := self._meanwhile.pop(len(self.requests), None)) is not None:
            await act()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def lines(self) -> list[str]:
        """The requests' methods and paths."""
        return [f"{request.method} {request.url.path}" for request in self.requests]
