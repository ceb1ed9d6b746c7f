"""Restricts requests to named servers, by the URL that is really asked.

A source is not trusted with the choice of whom the Worker talks to: what it sends could name
a machine that only the Worker reaches, and the proof of who asks would be sent there. Every
request passes here last, however its URL came about: declared, joined, filled in, or stored.
"""

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx


URLS_KEPT = 128  # each turn asks for the same few


class Origins:
    """Servers, each by scheme, host and port.

    Args:
        urls: on them, absolute.
    """

    def __init__(self, *urls: str) -> None:
        self._allowed = set(map(_origin_of, urls))

    def fault(self, url: httpx.URL) -> str | None:
        """Why the URL must not be asked; None if it may be. The text shows no secret of the URL."""
        if _origin(url) not in self._allowed:
            return f"leads to {url.scheme}://{url.netloc.decode(errors='replace')}"
        if url.userinfo:
            # The runtime takes a backslash for a slash, and would go to the server before it.
            return "has a user in it: who asks is told by `auth`"
        return None


@lru_cache(URLS_KEPT)
def _origin_of(url: str) -> tuple[str, bytes, int | None]:
    return _origin(httpx.URL(url))


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    """As on the wire; apart, since an IPv6 address has colons too. The default port is None."""
    return url.scheme, url.raw_host, url.port


@lru_cache(maxsize=64)  # asked of the same URLs again and again
def is_loopback(url: str) -> bool:
    """Whether a URL's host is `localhost`, in 127.0.0.0/8 or ::1, with any port."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # no address, or no port
        return False
