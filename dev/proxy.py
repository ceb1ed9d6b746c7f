"""wrangler's proxy in front of the Worker, and the requests that it loses.

A Worker that refuses a request without reading its body ends the connection between the proxy
and the runtime. Then the request gets no answer at all, or a 500 of the proxy's own, in some of
a hundred tries on a busy machine. The proxy sends a GET again by itself, and nothing else.
"""

import httpx


TRIES_MAX = 6
LOST = "Error: Network connection lost."


class ThroughProxy(httpx.HTTPTransport):
    """Sends again what the proxy has lost. A Worker that died is found by its own signs."""

    def __init__(self) -> None:
        # The connection on which a body was refused is of no use to the next request.
        super().__init__(limits=httpx.Limits(max_keepalive_connections=0))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(TRIES_MAX - 1):
            try:
                response = super().handle_request(request)
            except (httpx.RemoteProtocolError, httpx.ReadError):
                continue
            if response.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
                return response
            response.read()
            if not response.text.startswith(LOST):
                return response
        return super().handle_request(request)
