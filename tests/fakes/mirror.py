"""A network whose servers say back to us whatever we send them."""

from collections.abc import Callable

import httpx


DULL = frozenset({"host", "user-agent", "accept", "content-type", "content-length"})

Echo = Callable[[str], httpx.Response]  # makes an answer that says the text


class Mirror(httpx.AsyncBaseTransport):
    """A source, a token endpoint and a Glean.

    Args:
        source: answers requests to the source's list, each in turn and then the last again.
        endpoint: answers requests for tokens.
    """

    def __init__(self, *source: Echo, endpoint: Echo) -> None:
        self._source = [*source]
        self._endpoint = endpoint
        self.heard: list[str] = []  # that were said back

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/list":
            echo = self._source.pop(0) if len(self._source) > 1 else self._source[0]
        elif request.url.path == "/token":
            echo = self._endpoint
        else:
            return httpx.Response(200)
        body = (await request.aread()).decode()
        headers = [value for name, value in request.headers.items() if name not in DULL]
        text = " ".join((*headers, body, str(request.url)))  # what tells most comes first
        self.heard.append(text)
        return echo(text)
