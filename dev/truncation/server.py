"""The cases on a port of 127.0.0.1, each below a path of its own: `/0/notes`, `/1/notes`.

Not over dev/loopback.py: its server keeps to HTTP, and will not announce what it does not send.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from dev.loopback import HOST
from dev.truncation.case import Answer, Case


@contextmanager
def serving(cases: Sequence[Case]) -> Iterator[list[str]]:
    """Serve from a thread of this process; gives each case's base URL, in order."""
    with ThreadingHTTPServer((HOST, 0), _handler(cases)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield [f"http://{HOST}:{server.server_port}/{index}" for index in range(len(cases))]
        finally:
            server.shutdown()
            thread.join()


def _handler(cases: Sequence[Case]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            index = int(url.path.split("/")[1])
            self._send(cases[index].answer(parse_qs(url.query).get("cursor", [""])[0]))

        def _send(self, answer: Answer) -> None:
            self.send_response_only(answer.status)
            announced = {} if answer.status == 204 else {"content-length": str(len(answer.body))}
            for name, value in {**announced, **answer.headers}.items():
                self.send_header(name, value)
            # Also where less was sent than announced: the client is not to wait for the rest.
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Nothing: the table says it all."""

    return Handler
