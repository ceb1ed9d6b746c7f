"""Requests that are signed, to a server whose name is a secret."""

import hashlib
import hmac
from collections.abc import Callable, Mapping

import httpx

from durable.environment import HIDDEN, SecretText
from durable.errors import UpstreamError
from durable.http.client import NOTHING, OK, TIMEOUT_SECONDS, Answer, HttpClient


def sign(
    key: SecretText, method: str, url: httpx.URL, content: bytes, now_ms: int
) -> dict[str, str]:
    """The headers that prove when a request was made, and by whom. See `Backend`."""
    timestamp = str(now_ms // 1_000).encode()
    content = content or method.encode() + b" " + url.raw_path
    code = hmac.new(key.reveal().encode(), timestamp + b"." + content, hashlib.sha256)
    return {
        "x-signature-timestamp": timestamp.decode(),
        "x-signature-256": f"sha256={code.hexdigest()}",
    }


class Signed:
    """A server that is asked with signed requests.

    Args:
        upstream: the server.
        key: None: requests are not signed.
        host: the server's name, which no error shows.
        now_ms: the time.
    """

    def __init__(
        self, upstream: HttpClient, key: SecretText | None, host: str, now_ms: Callable[[], int]
    ) -> None:
        self._upstream = upstream
        self._key = key
        self._host = host
        self._now_ms = now_ms

    async def ask(  # noqa: PLR0913 - all that makes a request
        self,
        method: str,
        url: httpx.URL,
        content: bytes = b"",
        headers: Mapping[str, str] = NOTHING,
        *,
        bytes_max: int,
        statuses: frozenset[int] = OK,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Answer:
        """As `Upstream.ask`."""
        if self._key is not None:
            headers = {**headers, **sign(self._key, method, url, content, self._now_ms())}
        try:
            return await self._upstream.ask(
                method,
                str(url),
                headers=headers,
                content=content or None,
                bytes_max=bytes_max,
                statuses=statuses,
                timeout_seconds=timeout_seconds,
            )
        except UpstreamError as error:
            error.args = (str(error).replace(self._host, HIDDEN),)
            raise
