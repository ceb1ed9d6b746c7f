"""Paging by the header Link (RFC 8288). Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from durable.errors import Cause, UpstreamError
from durable.sources.paging.param_location import (
    ParamLocation,
    check_names,
    check_placed,
    check_size,
    place_size,
    size_param,
)
from durable.sources.paging.protocol import Ask, Told


URI_END = re.compile(r"[/#:]")
BETWEEN = re.compile(r"[\s,]*")
TARGET = re.compile(r"<([^>]*)>\s*")
# Single quotes are not legal, and seen.
PARAMETER = re.compile(
    r';\s*(?:([^\s=;,"<>]+)\s*(?:=\s*'
    r"""(?:"((?:[^"\\]|\\.)*)"|'([^'"<>]*)'|([^\s;,"]*))\s*)?)?""",
    re.DOTALL,
)
EXTENDED = re.compile(r"[\w!#$%&+^`{}~-]+'[\w-]*'(.*)", re.ASCII)  # RFC 8187: UTF-8''next


class LinkedPaging(Struct, frozen=True, kw_only=True):
    """What both kinds of paging by links have alike: the links keep the first page's size."""

    size: int | None = None
    size_param: str = "limit"

    is_linked: ClassVar[bool] = True
    is_given: ClassVar[bool] = True

    def check(self, ask: Ask, _tells: Collection[str]) -> None:
        check_placed(self, ask, ParamLocation.QUERY, size_param(self))

    def prepare(self, ask: Ask, cursor: str | None) -> Ask:
        if cursor is not None:
            return replace(ask, url=cursor, params={})
        return place_size(ask, ParamLocation.QUERY, self)


class LinkHeader(LinkedPaging, frozen=True, kw_only=True):
    """The header Link names the next page, which is asked for as it is.

        Link: <https://api.example/items?page=3>; rel="next", <...>; rel="last"

    A `rel` may be a URI that ends so, `https://api.example/rels/next`. Where none is, and one
    that begins or ends so is there, as `next-page`, that is an error. A link with
    `results="false"` leads to nothing, as Sentry says it: it is none.

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
    size_param: str = "per_page"

    def __post_init__(self) -> None:
        check_names(self, "rel")
        check_size(self)

    @property
    def name(self) -> str:
        return f"link to the {self.rel} page"

    def paths(self) -> Mapping[str, Any]:
        return {}

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        header = told.headers.get("link")
        if header is None:
            if cursor is not None and not self.bare_page_ends:
                raise _failure(
                    "the source's page has no header Link, and the page before it had one: if "
                    "that is how its last page is marked, declare bare_page_ends=True"
                )
            return None
        return target(header, self.rel.lower())


def target(header: str, rel: str) -> str | None:
    """Where the link of this relation leads; None where there is none.

    Raises:
        UpstreamError: the header cannot be read, or has several.
    """
    named = [*links(header)]
    targets = {target for target, rels in named if rel in rels}
    if not targets:  # a plain name goes before a URI
        targets = {target for target, rels in named if any(_is_uri_of(rel, one) for one in rels)}
    if len(targets) > 1:
        raise _failure(f"the source's header Link names several: {header!r:.500}")
    if not targets and (others := [one for _, rels in named for one in rels if _is_like(one, rel)]):
        # As in quotes of another kind, or where it is called next-page.
        reason = f"the source's header Link is not right, or rel is to be declared as {others[0]!r}"
        raise _failure(f"{reason}: {header!r:.500}")
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
            name, quoted, single, token = parameter.groups()
            text = single or token or "" if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters.setdefault((name or "").lower(), text)  # the first one counts
            place = parameter.end()
        if "anchor" in parameters:
            raise _failure(f"the source's header Link is that of another page: {header!r:.500}")
        is_nothing = parameters.get("results", "").lower() == "false"
        yield found[1].strip(), frozenset() if is_nothing else _rels(parameters, header)
        if place < len(header) and header[place] != ",":
            raise _failure(f"the source's header Link is not right: {header!r:.500}")
        place = _end(BETWEEN.match(header, place))


def _rels(parameters: Mapping[str, str], header: str) -> frozenset[str]:
    """Raises UpstreamError where `rel*` cannot be read."""
    text = parameters.get("rel", "")
    if (extended := parameters.get("rel*")) is not None:
        found = EXTENDED.fullmatch(extended)
        if found is None:
            raise _failure(f"the source's header Link is not right: {header!r:.500}")
        text = f"{text} {unquote(found[1])}"
    return frozenset(text.lower().split())


def _is_uri_of(rel: str, uri: str) -> bool:
    return "://" in uri and URI_END.split(uri)[-1] == rel


def _is_like(one: str, rel: str) -> bool:
    """Whether a relation may be meant for another one, as `next-page` for `next`."""
    word, meant = _letters(URI_END.split(one)[-1]), _letters(rel)
    return bool(meant) and (word.startswith(meant) or word.endswith(meant))


def _letters(rel: str) -> str:
    return re.sub(r"[^a-z0-9]", "", rel)


def _end(found: re.Match[str] | None) -> int:
    assert found is not None, "it matches nothing, too"
    return found.end()


def _failure(reason: str) -> UpstreamError:
    return UpstreamError(reason, cause=Cause.BAD_LINK)
