"""What wrangler's proxy loses is sent again, and nothing else is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, TCPServer

import httpx
import pytest

from dev.proxy import LOST, ThroughProxy


NO_ANSWER = b""
REFUSED = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n"


def failed(text: str) -> bytes:
    head = f"HTTP/1.1 500 Internal Server Error\r\ncontent-length: {len(text)}\r\n\r\n"
    return (head + text).encode()


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives these answers, one for each connection, and what it was sent."""
    bodies: list[bytes] = []
    rest = iter(answers)

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            bodies.append(self.rfile.read(length))
            self.wfile.write(next(rest))

    with TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", bodies
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("lost", [NO_ANSWER, failed(f"{LOST}\n    at fetch")], ids=["no", "500"])
def test_what_was_lost_is_sent_again_as_it_was(lost: bytes) -> None:
    with answering(lost, REFUSED) as (url, bodies):
        answer = httpx.Client(transport=ThroughProxy()).post(url, content=b"a body")

    assert answer.status_code == 401
    assert bodies == [b"a body"] * 2


def test_a_500_of_the_workers_own_is_an_answer() -> None:
    with answering(failed("it is broken"), REFUSED) as (url, bodies):
        answer = httpx.Client(transport=ThroughProxy()).post(url, content=b"a body")

    assert answer.text == "it is broken"
    assert len(bodies) == 1


def test_what_is_always_lost_is_an_error() -> None:
    with (
        answering(*[NO_ANSWER] * 10) as (url, _),
        pytest.raises(httpx.RemoteProtocolError),
    ):
        httpx.Client(transport=ThroughProxy()).post(url, content=b"a body")
