"""Links from one page to the next, kept to the servers that the connector names.

A source is not trusted with the choice of whom the Worker talks to: a link could
name a machine that only the Worker reaches, and the token would be sent there.
"""

import httpx

from durable.environment import absolute
from durable.errors import ConfigurationError, UpstreamError
from durable.loopback import is_loopback


class Links:
    """Follows links.

    Args:
        url: of the source's first page.
        origins: further servers that a link may name.

    Raises:
        ConfigurationError: one of the origins is not a URL.
    """

    def __init__(self, url: str, origins: tuple[str, ...]) -> None:
        named = (url, *map(absolute, origins))
        self._allowed = {_origin(httpx.URL(name)) for name in named}

    def followed(self, link: str, page_url: str) -> str:
        """The absolute URL of a link. Raises UpstreamError where it leads elsewhere.

        An API behind a server that speaks TLS for it may write http:// into its links. Where the
        same server is one of those over https, the link is followed there.

        Args:
            link: absolute, or relative to the page that it is on.
            page_url: of that page.
        """
        try:
            url = httpx.URL(page_url).join(link)
            absolute(str(url))
        except (httpx.InvalidURL, ConfigurationError, ValueError) as error:
            raise UpstreamError(
                f"the source's link to the next page is no URL: {link!r:.200}", is_transient=False
            ) from error
        secure = url.copy_with(scheme="https")
        if _origin(secure) in self._allowed:
            url = secure
        if _origin(url) not in self._allowed or url.userinfo:
            raise UpstreamError(
                f"the source's link to the next page leads to {_shown(url)}, and is not followed: "
                "if that server is the source's own, name it in the source's link_origins, as "
                f"{_shown(url if is_loopback(str(url)) else secure)}",
                is_transient=False,
            )
        return str(url)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Apart, since an IPv6 address has colons too. The default port is None."""
    return url.scheme, url.host, url.port


def _shown(url: httpx.URL) -> str:
    """Without what may be a secret: the user, the path and the query."""
    return f"{url.scheme}://{url.netloc.decode(errors='replace')}"
