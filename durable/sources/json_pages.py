"""JSON over HTTP, a page at a time, each naming the cursor of the next.

    GET {url}?limit=100&cursor=abc&updated_since=2026-11-24T02:00:00.000Z
    {"items": [{...}, ...], "next_cursor": "def"}

What looks like an end but is not said to be one is an error, since the close of
a FULL job makes Glean delete whatever was not read.
"""

import re
from typing import Any, Protocol

import msgspec
from msgspec import Raw, Struct

from durable.environment import Environment, absolute
from durable.errors import ConfigurationError, UpstreamError
from durable.instant import rfc3339
from durable.upstream import Answer, Upstream


VARIABLE = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
CURSOR_CHARACTERS_MAX = 8_192  # it is stored with the job


class Records(Struct, frozen=True):
    """One page of undecoded records."""

    records: list[Raw]
    next_cursor: str | None  # None: the source said that there is no more
    byte_count: int


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
    """

    url: str
    items: str = "items"
    next_cursor: str = "next_cursor"
    cursor_param: str = "cursor"
    since_param: str = "updated_since"
    params: dict[str, str] = {}
    token_secret: str = ""

    def __post_init__(self) -> None:
        if self.items == self.next_cursor:
            raise ConfigurationError(
                f"the source {self.url}: items and next_cursor both name {self.items!r}; "
                "each is a field of its own"
            )

    def located(self, environment: Environment) -> str:
        """The URL with its variables filled in. Raises ConfigurationError."""
        return absolute(VARIABLE.sub(lambda name: environment.variable(name[1]), self.url))


class _Answer(Protocol):
    """A decoded page, whatever the source calls the two fields."""

    items: list[Raw]
    next_cursor: str | None


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
        answer: Any = msgspec.defstruct(
            "Answer",
            [("items", list[Raw]), ("next_cursor", str | None)],
            rename={"items": source.items, "next_cursor": source.next_cursor},
        )
        self._decoder: msgspec.json.Decoder[_Answer] = msgspec.json.Decoder(answer)

    async def fetch(self, cursor: str | None, since_ms: int | None) -> Records:
        """The page at the cursor, None being the first.

        Raises:
            UpstreamError: it could not be had, or is not of the shape that was declared.
        """
        params = dict(self._source.params)
        if since_ms is not None:
            params[self._source.since_param] = rfc3339(since_ms)
        if cursor is not None:
            params[self._source.cursor_param] = cursor
        answer = await self._upstream.get(self._url, params, bytes_max=self._page_bytes_max)
        return self._records(answer, cursor)

    def _records(self, answer: Answer, cursor: str | None) -> Records:
        try:
            page = self._decoder.decode(answer.body)
        except msgspec.ValidationError as error:
            raise UpstreamError(
                f"the source's page is not of the declared shape: {error}", is_transient=False
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            # Cut short on the way, or an error page in the place of JSON: it may pass.
            raise UpstreamError(
                f"the source's page is not JSON: {error}", is_transient=True
            ) from error
        if page.next_cursor is not None:
            self._check(page.next_cursor, cursor)
        return Records(page.items, page.next_cursor, len(answer.body))

    def _check(self, next_cursor: str, cursor: str | None) -> None:
        fault = None
        if not next_cursor:
            fault = "is empty; only null marks the last page"
        elif next_cursor == cursor:
            fault = f"is the same as this page's, {cursor!r}"
        elif len(next_cursor) > CURSOR_CHARACTERS_MAX:
            fault = f"is longer than {CURSOR_CHARACTERS_MAX} characters"
        if fault is not None:
            name = self._source.next_cursor
            raise UpstreamError(f"the source's {name} {fault}", is_transient=False)
