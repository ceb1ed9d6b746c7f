import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from durable.http.connection_limit import CONNECTIONS_MAX, ConnectionLimit


ROUNDS = 20  # of the loop: more than anything here takes


class Server(httpx.AsyncBaseTransport):
    """Counts who is at it, until their bodies are closed."""

    def __init__(self) -> None:
        self.open_count = 0
        self.most = 0
        self.requests: list[str] = []
        self.fault: Exception | None = None
        self.body = Body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request.url.path)
        self.open_count += 1
        self.most = max(self.most, self.open_count)
        await rounds(3)
        if self.fault is not None:
            self.open_count -= 1
            raise self.fault
        return httpx.Response(200, stream=self.body(self))


class Body(httpx.AsyncByteStream):
    def __init__(self, server: Server) -> None:
        self._server = server

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in (b"12", b"34"):
            await rounds(1)
            yield part

    async def aclose(self) -> None:
        self._server.open_count -= 1


async def rounds(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def opened(gate: ConnectionLimit, number: int = 0) -> httpx.Response:
    request = httpx.Request("GET", f"https://notes.example/{number}")
    return await gate.handle_async_request(request)


async def read(gate: ConnectionLimit, number: int = 0) -> bytes:
    response = await opened(gate, number)
    try:
        return b"".join([part async for part in response.aiter_bytes()])
    finally:
        await response.aclose()


async def free_count(gate: ConnectionLimit) -> int:
    """How many more requests go through at once."""
    tasks = [asyncio.create_task(opened(gate)) for _ in range(CONNECTIONS_MAX + 1)]
    await rounds(ROUNDS)
    responses = [task.result() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await rounds(ROUNDS)
    for response in responses:
        await response.aclose()
    return len(responses)


def test_no_more_are_under_way_than_there_are_connections() -> None:
    server = Server()
    gate = ConnectionLimit(server)

    async def at_once() -> list[bytes]:
        tasks = [asyncio.create_task(read(gate, number)) for number in range(20)]
        await rounds(10 * ROUNDS)
        return [task.result() for task in tasks]

    assert asyncio.run(at_once()) == [b"1234"] * 20
    assert server.most == CONNECTIONS_MAX == 6
    assert server.requests == [f"/{number}" for number in range(20)]


def test_a_body_keeps_its_place_until_it_is_closed() -> None:
    async def closed() -> None:
        gate = ConnectionLimit(Server())
        response = await opened(gate)
        assert await free_count(gate) == CONNECTIONS_MAX - 1
        await anext(response.aiter_raw())  # the rest is not wanted
        assert await free_count(gate) == CONNECTIONS_MAX - 1

        await response.aclose()

        assert await free_count(gate) == CONNECTIONS_MAX

    asyncio.run(closed())


def test_a_body_that_is_closed_twice_gives_one_place_back() -> None:
    async def closed() -> None:
        gate = ConnectionLimit(Server())
        first, _ = await opened(gate), await opened(gate)
        assert isinstance(first.stream, httpx.AsyncByteStream)

        await first.stream.aclose()
        await first.stream.aclose()

        assert await free_count(gate) == CONNECTIONS_MAX - 1

    asyncio.run(closed())


def test_a_body_that_is_read_to_its_end_gives_its_place_back() -> None:
    async def is_read() -> None:
        gate = ConnectionLimit(Server())
        response = await opened(gate)

        assert await response.aread() == b"1234"

        assert await free_count(gate) == CONNECTIONS_MAX

    asyncio.run(is_read())


def test_an_answer_that_has_come_whole_keeps_no_place() -> None:
    class Whole(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=b"1234")

    async def is_read() -> None:
        gate = ConnectionLimit(Whole())
        for _ in range(CONNECTIONS_MAX):
            await opened(gate)  # and nobody closes it

        assert await free_count(gate) == CONNECTIONS_MAX + 1

    asyncio.run(is_read())


@pytest.mark.parametrize("fault", [httpx.ConnectError("refused"), AssertionError("a bug")])
def test_a_request_that_fails_gives_its_place_back(fault: Exception) -> None:
    async def fails() -> None:
        server = Server()
        gate = ConnectionLimit(server)
        server.fault = fault
        with pytest.raises(type(fault)):
            await read(gate)

        server.fault = None
        assert await free_count(gate) == CONNECTIONS_MAX

    asyncio.run(fails())


def test_a_body_that_cannot_be_closed_gives_its_place_back() -> None:
    class Stuck(Body):
        async def aclose(self) -> None:
            raise httpx.ReadError("cut")

    async def fails() -> None:
        server = Server()
        gate = ConnectionLimit(server)
        server.body = Stuck
        response = await opened(gate)
        with pytest.raises(httpx.ReadError):
            await response.aclose()

        server.body = Body
        assert await free_count(gate) == CONNECTIONS_MAX

    asyncio.run(fails())


@pytest.mark.parametrize("round_count", range(1, 6))
def test_who_is_cancelled_gives_the_place_back(round_count: int) -> None:
    """While the headers are waited for, and while the body is read."""

    async def cancelled() -> None:
        gate = ConnectionLimit(Server())
        task = asyncio.create_task(read(gate))
        await rounds(round_count)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

        assert await free_count(gate) == CONNECTIONS_MAX

    asyncio.run(cancelled())


def test_who_is_cancelled_while_waiting_had_no_place() -> None:
    async def cancelled() -> None:
        gate = ConnectionLimit(Server())
        held = [await opened(gate) for _ in range(CONNECTIONS_MAX)]
        waiting = asyncio.create_task(read(gate))
        await rounds(ROUNDS)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert await free_count(gate) == 0

        for response in held:
            await response.aclose()

        assert await free_count(gate) == CONNECTIONS_MAX

    asyncio.run(cancelled())
