"""A network of one server that gives prepared answers, each kind of request's in order."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable

import httpx


class Network(httpx.AsyncBaseTransport):
    """Keeps what it was asked, and refuses what it was not prepared for.

    Args:
        answers: a response is given, an exception raised.
    """

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = deque(answers)
        self._kept: dict[str, deque[httpx.Response | Exception]] = {}
        self._meanwhile: dict[int, Callable[[], Awaitable[object]]] = {}
        self._under_way: Counter[str] = Counter()
        self.requests: list[httpx.Request] = []
        self.rounds = 1  # of the loop, that an answer takes
        self.most: Counter[str] = Counter()  # of each line, that were under way at a time

    def add(self, *answers: httpx.Response | Exception) -> None:
        self._answers.extend(answers)

    def on(self, line: str, *answers: httpx.Response | Exception) -> None:
        """Keep these for requests of this method and path, as `lines` has them."""
        self._kept.setdefault(line, deque()).extend(answers)

    def off(self, line: str) -> None:
        """Forget what was kept for such requests and nobody has asked for."""
        self._kept.pop(line, None)

    def is_ready_for(self, line: str) -> bool:
        """Whether there is an answer to requests of this method and path."""
        return bool(self._kept.get(line, self._answers))

    def meanwhile(self, number: int, act: Callable[[], Awaitable[object]]) -> None:
        """Have somebody act while the request of this number, from 1, is under way."""
        self._meanwhile[number] = act

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        line = self.lines[-1]
        answers = self._kept.get(line, self._answers)
        assert answers, f"no answer is prepared for {request.method} {request.url}"
        answer = answers.popleft()
        act = self._meanwhile.pop(len(self.requests), None)
        self._under_way[line] += 1
        self.most |= self._under_way
        try:
            for _ in range(self.rounds):
                await asyncio.sleep(0)  # others go on meanwhile, as with any network
            if act is not None:
                await act()
        finally:
            self._under_way[line] -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def lines(self) -> list[str]:
        """The requests' methods and paths."""
        return [f"{request.method} {request.url.path}" for request in self.requests]


async def no_wait(_duration_ms: int) -> None:
    """Here, what was asked for has left at once."""
