"""An ASGI application on a port of 127.0.0.1, with uvicorn."""

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


HOST = "127.0.0.1"
# A client may reuse an idle connection at the very moment at which the server closes it,
# and then sees a failure that no test asked for. So connections are kept for very long.
KEEP_ALIVE_SECONDS = 600
SHUTDOWN_SECONDS = 2
ABORT = "abort_connection"


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
            app,
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
