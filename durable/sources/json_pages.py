"""JSON over HTTP, a page at a time, each naming the cursor of the next.

    GET {url}?limit=100&cursor=abc&updated_since=2026-11-24T02:00:00.000Z
    {"items": [{...}, ...], "next_cursor": "def"}

What looks like an end but is not said to be one is an error, since the close of
a FULL job makes Glean delete whatever was not read.
"""

import re
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from durable.environment import Environment, absolute
from durable.errors import ConfigurationError, UpstreamError
from durable.instant import rfc3339
from durable.sources.links import Links
from durable.upstream import Answer, Upstream


VARIABLE = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
CURSOR_CHARACTERS_MAX = 8_192  # it is stored with the job
EXCERPT_BYTES_MAX = 200  # of an answer that is not what it should be


class Records(Struct, frozen=True):
    """One page of undecoded records."""

    records: list[Raw]
    next_cursor: str | None  # None: the source said that there is no more
    byte_count: int
    total_count: int | None = None  # of all pages, if the source says so


class JsonPages(Struct, frozen=True, kw_only=True):
    """A source of this shape.

    Attributes:
        url: of the list; `{NAME}` stands for the variable NAME.
        items: the field of the answer that holds the list of records.
        next_cursor: the field that holds the next page's cursor; null on the last page.
        cursor_param: the query parameter that takes the cursor.
        since_param: the query parameter that takes the watermark, in RFC 3339;
            records changed at that very time must be in the answer.
        params: sent with every request, the page's size for example.
        token_secret: the name of the secret sent as bearer token; empty for none.
        next_is_link: next_cursor holds the URL of the next page, not a cursor. It must be on
            the server that `url` is on, since the token is sent there too.
        link_origins: further servers that such a URL may name, as in `https://eu.example.com`.
        has_more: the field that says whether there is a next page, if there is one; a job
            fails where it and next_cursor disagree.
        total: the field that holds the number of records on all pages, if there is one; a
            job that got fewer fails at the end.
    """

    url: str
    items: str = "items"
    next_cursor: str = "next_cursor"
    cursor_param: str = "cursor"
    since_param: str = "updated_since"
    params: dict[str, str] = {}
    token_secret: str = ""
    next_is_link: bool = False
    link_origins: tuple[str, ...] = ()
    has_more: str = ""
    total: str = ""

    def __post_init__(self) -> None:
        names = [name for name in (self.items, self.next_cursor, self.has_more, self.total) if name]
        for name in names:
            if names.count(name) > 1:
                raise ConfigurationError(
                    f"the source {self.url}: two of items, next_cursor, has_more and total name "
                    f"{name!r}; each is a field of its own"
                )

    def located(self, environment: Environment) -> str:
        """The URL with its variables filled in. Raises ConfigurationError."""
        return absolute(VARIABLE.sub(lambda name: environment.variable(name[1]), self.url))


class _Answer(Protocol):
    """A decoded page, whatever the source calls its fields."""

    items: list[Raw]
    next_cursor: str | None
    has_more: bool | UnsetType
    total: int | UnsetType


class JsonPagesReader:
    """Reads a `JsonPages` source.

    Args:
        source: what to read.
        url: its located URL.
        upstream: the server behind it.
        page_bytes_max: a larger page is refused.
    """

    def __init__(
        self, source: JsonPages, url: str, upstream: Upstream, page_bytes_max: int
    ) -> None:
        self._source = source
        self._url = url
        self._upstream = upstream
        self._page_bytes_max = page_bytes_max
        self._links = Links(url, source.link_origins) if source.next_is_link else None
        self._decoder: msgspec.json.Decoder[_Answer] = msgspec.json.Decoder(_shape(source))

    async def fetch(self, cursor: str | None, since_ms: int | None) -> Records:
        """The page at the cursor, None being the first.

        Raises:
            UpstreamError: it could not be had, or is not of the shape that was declared.
        """
        url, params = self._url, dict(self._source.params)
        if since_ms is not None:
            params[self._source.since_param] = rfc3339(since_ms)
        if cursor is not None and self._links is not None:
            url, params = self._links.followed(cursor, self._url), {}
        elif cursor is not None:
            params[self._source.cursor_param] = cursor
        answer = await self._upstream.get(url, params, bytes_max=self._page_bytes_max)
        return self._records(answer, cursor)

    def _records(self, answer: Answer, cursor: str | None) -> Records:
        # Pages that came before had the shape, so this may be an error in a page's place.
        page = self._page(answer, may_pass=cursor is not None)
        next_cursor = page.next_cursor
        if next_cursor and self._links is not None:
            next_cursor = self._links.followed(next_cursor, cursor or self._url)
        if next_cursor is not None:
            self._check(next_cursor, cursor)
        if page.has_more is not UNSET and page.has_more is not (next_cursor is not None):
            raise UpstreamError(
                f"one of two is wrong: the source's {self._source.has_more} is "
                f"{str(page.has_more).lower()}, and its {self._source.next_cursor} {next_cursor!r}",
                is_transient=False,
            )
        total_count = None if page.total is UNSET else page.total
        return Records(page.items, next_cursor, len(answer.body), total_count)

    def _page(self, answer: Answer, *, may_pass: bool) -> _Answer:
        try:
            return self._decoder.decode(answer.body)
        except msgspec.ValidationError as error:
            raise UpstreamError(
                f"the source's page is not of the declared shape: {error}; it begins with "
                f"{_beginning(answer)}",
                is_transient=may_pass,
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            # Cut short on the way, or an error page in the place of JSON: it may pass.
            kind = answer.headers.get("content-type", "unknown")
            raise UpstreamError(
                f"the source's page is not JSON: {error}; its content type is {kind!r:.100}, and "
                f"it begins with {_beginning(answer)}: if that is a login page, check the secret",
                is_transient=True,
            ) from error

    def _check(self, next_cursor: str, cursor: str | None) -> None:
        fault = None
        if not next_cursor:
            fault = "is empty; only null marks the last page"
        elif next_cursor == cursor:
            fault = f"is the same as this page's, {cursor!r:.200}"
        elif len(next_cursor) > CURSOR_CHARACTERS_MAX:
            fault = f"is longer than {CURSOR_CHARACTERS_MAX} characters"
        if fault is not None:
            name = self._source.next_cursor
            raise UpstreamError(f"the source's {name} {fault}", is_transient=False)


def _shape(source: JsonPages) -> Any:
    """The type of a page: what is declared must be there."""
    rename = {"items": source.items, "next_cursor": source.next_cursor}
    fields: list[Any] = [("items", list[Raw]), ("next_cursor", str | None)]
    for name, kind in (("has_more", bool), ("total", int)):
        if declared := getattr(source, name):
            rename[name] = declared
            fields.append((name, kind))
    # What a source does not declare, its pages do not tell; what it declares, each has to.
    undeclared = {name: UNSET for name in ("has_more", "total") if name not in rename}
    return msgspec.defstruct("Answer", fields, rename=rename, namespace=undeclared)


def _beginning(answer: Answer) -> str:
    return repr(answer.body[:EXCERPT_BYTES_MAX].decode(errors="replace"))
