"""Names of this machine itself, which nothing outside of it can take."""

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit


@lru_cache(maxsize=64)  # asked of the same URLs again and again
def is_loopback(url: str) -> bool:
    """Whether a URL's host is `localhost`, in 127.0.0.0/8 or ::1, with any port."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # no address, or no port
        return False
