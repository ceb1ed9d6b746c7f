"""An ASGI application on a port of 127.0.0.1, with uvicorn."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from durable.http.origins import is_loopback


HOST = "127.0.0.1"
# A client may reuse an idle connection at the very moment at which the server closes it,
# and then sees a failure that no test asked for. So connections are kept for very long.
KEEP_ALIVE_SECONDS = 600
SHUTDOWN_SECONDS = 2
ABORT = "abort_connection"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class AbortableProtocol(H11Protocol):
    """HTTP/1.1 that lets the application reset the connection, as dying servers do.

    `scope["state"]["abort_connection"]()` closes it at once, without another byte.
    """

    # Base types of the argument differ between asyncio's stubs and uvicorn.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # asyncio does this only for sockets that name their protocol, which create_server's do
        # not. Without it the body of each answer waits 40 ms for the client to confirm the head.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, ABORT: transport.abort}
        super().connection_made(transport)


class Guarded:
    """An application that no other site's page reaches, by whatever name it calls this machine.

    Nobody is asked for a token here, and a browser sends whatever such a page has it send.

    Args:
        app: what is guarded.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", HOST), headers.get("origin")
        is_foreign = origin is not None and origin != f"http://{host}"
        is_elsewhere = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        fault = ""
        if not is_loopback(f"//{host}"):
            fault = f"The host is {host!r:.200}: ask at {HOST} or localhost.\n"
        elif scope["method"] not in SAFE_METHODS and (is_foreign or is_elsewhere):
            fault = "Another site's page has sent this: it is for programs and for its own page.\n"
        app = PlainTextResponse(fault, 403) if fault else self._app
        await app(scope, receive, send)


def serve(app: ASGIApp, name: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM. Prints `name: http://127.0.0.1:PORT` first.

    Args:
        app: without a lifespan.
        name: of the server, for the printed line.
        port: 0 means a free one.
    """
    with socket.create_server((HOST, port)) as listener, suppress(KeyboardInterrupt):
        # The socket listens already: whoever reads the line may connect at once.
        print(f"{name}: {_url(listener)}", flush=True)
        _server(app).run(sockets=[listener])


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve from a thread of this process; gives the server's URL."""
    with socket.create_server((HOST, 0)) as listener:
        server = _server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


def _server(app: ASGIApp) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            Guarded(app),
            http=AbortableProtocol,
            ws="none",
            lifespan="off",
            log_level=os.environ.get("UVICORN_LOG_LEVEL", "warning"),
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
    )
