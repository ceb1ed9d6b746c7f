"""Paging by the header Link (RFC 8288). Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from durable.errors import UpstreamError
from durable.paging.placing import Place, check_names, check_placed, check_size, size_param, sized
from durable.paging.protocol import Ask, Told


BETWEEN = re.compile(r"[\s,]*")
TARGET = re.compile(r"<([^>]*)>\s*")
PARAMETER = re.compile(
    r';\s*(?:([^\s=;,"<>]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*)?)?', re.DOTALL
)


class LinkHeader(Struct, frozen=True, kw_only=True):
    """The header Link names the next page, which is asked for as it is.

        Link: <https://api.example/items?page=3>; rel="next", <...>; rel="last"

    A page without such a link is the last one. The RFC has no other sign of the end, and
    a proxy that drops the header would make any page look like the last. So a page after
    the first that has no header Link at all is an error: most sources go on naming the
    first or the previous page there. The first page may have none, since sources whose
    list is one page leave the header out: where they tell a `total`, declare it.

    Attributes:
        rel: what the link is to this page.
        bare_page_ends: the source's last page has no header Link at all.
        size: of a page; asked for with the first one, whose links keep it.
        size_param: the query parameter that takes the size.

    Raises:
        ConfigurationError: a name is empty, or the size is none.
    """

    rel: str = "next"
    bare_page_ends: bool = False
    size: int | None = None
    size_param: str = "per_page"

    is_linked: ClassVar[bool] = True
    is_given: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_names(self, "rel")
        check_size(self)

    @property
    def name(self) -> str:
        return f"link to the {self.rel} page"

    def check(self, ask: Ask, _tells: Collection[str]) -> None:
        check_placed(self, ask, Place.QUERY, size_param(self))

    def paths(self) -> Mapping[str, Any]:
        return {}

    def asked(self, ask: Ask, cursor: str | None) -> Ask:
        if cursor is not None:
            return replace(ask, url=cursor, params={})
        return sized(ask, Place.QUERY, self)

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        header = told.headers.get("link")
        if header is None:
            if cursor is not None and not self.bare_page_ends:
                raise _failure(
                    "the source's page has no header Link, and the page before it had one: if "
                    "that is how its last page is marked, declare bare_page_ends=True"
                )
            return None
        targets = {target for target, rels in links(header) if self.rel.lower() in rels}
        if len(targets) > 1:
            raise _failure(f"the source's header Link names several: {header!r:.500}")
        return targets.pop() if targets else None


def links(header: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each link's target, and what it is to the page, in lower case.

    Raises:
        UpstreamError: the header cannot be read, or a link is one of another page.
    """
    place = _end(BETWEEN.match(header))
    while place < len(header):
        found = TARGET.match(header, place)
        if found is None:
            raise _failure(f"the source's header Link is not right: {header!r:.500}")
        parameters: dict[str, str] = {}
        place = found.end()
        while (parameter := PARAMETER.match(header, place)) is not None:
            name, quoted, token = parameter.groups()
            text = token or "" if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters.setdefault((name or "").lower(), text)  # the first one counts
            place = parameter.end()
        if "anchor" in parameters:
            raise _failure(f"the source's header Link is that of another page: {header!r:.500}")
        yield found[1], frozenset(parameters.get("rel", "").lower().split())
        if place < len(header) and header[place] != ",":
            raise _failure(f"the source's header Link is not right: {header!r:.500}")
        place = _end(BETWEEN.match(header, place))


def _end(found: re.Match[str] | None) -> int:
    assert found is not None, "it matches nothing, too"
    return found.end()


def _failure(reason: str) -> UpstreamError:
    return UpstreamError(reason, is_transient=False)
