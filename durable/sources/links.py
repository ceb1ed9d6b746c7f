"""Links from one page to the next, kept to the servers that the connector names."""

import re

import httpx

from durable.environment import absolute
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.http.origins import Origins, is_loopback


ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Links:
    """Follows links.

    Args:
        origins: the servers that they may lead to.
        base: what a link that is a path is put behind; empty: it is one on its page's server.
    """

    def __init__(self, origins: Origins, base: str = "") -> None:
        self._origins = origins
        self._base = base.rstrip("/")

    def follow(self, link: str, page_url: str) -> str:
        """The absolute URL of a link. Raises UpstreamError where it leads elsewhere.

        An API behind a server that speaks TLS for it may write http:// into its links. Where the
        same server is one of those over https, the link is followed there.

        Args:
            link: absolute, or relative to the page that it is on.
            page_url: of that page.
        """
        try:
            url = httpx.URL(page_url).join(self._with_base(link))
            absolute(str(url))
        except (httpx.InvalidURL, ConfigurationError, ValueError) as error:
            raise UpstreamError(
                f"the source's link to the next page is no URL: {link!r:.200}", cause=Cause.BAD_LINK
            ) from error
        secure = url.copy_with(scheme="https")
        if self._origins.fault(secure) is None:
            url = secure
        if (fault := self._origins.fault(url)) is not None:
            origin = url if is_loopback(str(url)) else secure
            raise UpstreamError(
                f"the source's link to the next page {fault}, and is not followed: "
                "if that server is the source's own, name it in the source's link_origins, as "
                f"{origin.scheme}://{origin.netloc.decode(errors='replace')}",
                cause=Cause.BAD_LINK,
            )
        return str(url)

    def _with_base(self, link: str) -> str:
        is_path = not link.startswith(("//", "?", "#")) and not ABSOLUTE.match(link)
        return f"{self._base}/{link.lstrip('/')}" if self._base and link and is_path else link


def named_origins(url: str, further: tuple[str, ...]) -> Origins:
    """A source's server, and those that its links may name.

    Raises:
        ConfigurationError: one of them is not a URL.
    """
    return Origins(url, *map(absolute, further))
