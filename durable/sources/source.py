"""What every source is to a job: a declaration, and a reader that needs nothing but a cursor."""

import re
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Protocol

from msgspec import Raw, Struct

from durable.environment import Environment
from durable.errors import Cause, UpstreamError
from durable.http.context import SourceContext
from durable.machine.job import ReadContext
from durable.machine.rate import Rate
from durable.sources.clock import Clock


CURSOR_CHARACTERS_MAX = 8_192  # it is stored with the job
SNIPPET_BYTES_MAX = 200
SPOT_BYTES = 40
PLACE = re.compile(r"\(byte (\d+)\)")  # as the decoder tells it
HTML = re.compile(rb"\s*<(?:!doctype html|html|head|body|script)", re.IGNORECASE)


class Records(Struct, frozen=True, kw_only=True):
    """One page of undecoded records."""

    records: list[Raw]
    next_cursor: str | None  # None: the source said that there is no more
    byte_count: int
    total_count: int | None = None  # of all pages, if the source says so
    request_count: int = 1  # that it took
    wait_ms: int = 0  # before the source is asked for anything more
    wait_reason: str = ""  # why, if there is a wait
    note: str = ""  # of what happened on the way, for whoever reads the job's status
    # Nearer to an end that the reader knows of, though there may be no record on it: pages without
    # are not to go on for ever.
    is_bounded: bool = False
    # Of records that are not to be mapped, by their place from 1: why they are rejected, or None
    # for one that is left out without a word. They count as read.
    faults: Mapping[int, str | None] = {}
    # Those of them that stand for a list of their own, of which nobody knows what is on it.
    lists: frozenset[int] = frozenset()


class Reader(Protocol):
    """Reads one source during one turn.

    The next turn has another reader, after a crash in another isolate. So whatever is
    to be known of the pages before a page, its cursor holds. What a reader remembers
    besides saves requests and no more.
    """

    async def fetch(self, cursor: str | None, crawl: ReadContext) -> Records:
        """The page at the cursor, None being the first.

        Raises:
            UpstreamError: it could not be had, or is not of the shape that was declared.
        """

    async def close(self) -> None:
        """Close what stays open between pages, at the end of the turn.

        Raises nothing. A page may be asked for all the same.
        """
        return  # a body, so that readers inherit it

    async def cancel(self, cursor: str | None) -> None:  # noqa: ARG002 - for those who work
        """Tell the service that works on the page after the cursor that the job was cancelled.

        As well as that can be done: it raises nothing.
        """
        return  # a body, so that readers inherit it


async def close_all(readers: Iterable[Reader]) -> None:
    """Close all readers, even if one raises."""
    async with AsyncExitStack() as closing:
        for reader in readers:
            closing.push_async_callback(reader.close)


class Source(Protocol):
    """A source as a connector's author declares it."""

    def reader(self, context: SourceContext) -> Reader:
        """Raises ConfigurationError where a variable or a secret is not right."""

    def secrets(self) -> frozenset[str]:
        """The names of all that it takes from the environment and nobody may see."""

    @property
    def rate(self) -> Rate | None:
        """How often it may be asked; None: as often as there is need."""

    @property
    def kept_ms(self) -> int | None:
        """For so long it can tell what has changed; None: for ever."""

    @property
    def tells_changes(self) -> bool:
        """Whether it can be asked for what has changed, and for that alone."""

    @property
    def clock(self) -> Clock | None:
        """How its records tell when they changed; None: they do not."""

    @property
    def has_moving_pages(self) -> bool:
        """Whether a change while it is read moves records to other pages, so that one is missed."""

    def locate(self, environment: Environment) -> str:
        """All URLs that it asks, with variables filled in. A crawl starts over where they change.

        Raises:
            ConfigurationError: a variable is not set, or what comes of it is no URL.
        """


Scope = Mapping[str, Raw]  # JSON that a request's placeholders take, by name; "": the record's own
NO_SCOPE: Scope = {}
NO_NAMES: frozenset[str] = frozenset()


class ScopedReader(Reader, Protocol):
    """Reads one of many lists, for example the pages of one space."""

    async def fetch(
        self, cursor: str | None, crawl: ReadContext, scope: Scope = NO_SCOPE
    ) -> Records:
        """The page at the cursor, of the list that the scope tells. Raises as `Reader.fetch`.

        The requests of a page that failed are told with the next one, of whatever list.
        """


class ScopedSource(Source, Protocol):
    """A source whose requests have placeholders, as in `${space/id}`."""

    def reader(self, context: SourceContext, names: frozenset[str] = NO_NAMES) -> ScopedReader:
        """Raises ConfigurationError, also where a placeholder is none of these names."""


def cursor_fault(next_cursor: str, cursor: str | None) -> str | None:
    """Why a cursor makes no progress; None if it does."""
    if next_cursor == cursor:
        return f"is the same as this page's, {cursor!r:.200}"
    if len(next_cursor) > CURSOR_CHARACTERS_MAX:
        return f"is longer than {CURSOR_CHARACTERS_MAX} characters"
    return None


def snippet(content: bytes) -> str:
    """The beginning of unexpected content, for an error."""
    return repr(content[:SNIPPET_BYTES_MAX].decode(errors="replace"))


def not_json(
    name: str, error: Exception, headers: Mapping[str, str], content: bytes
) -> UpstreamError:
    """The error for content that is not JSON. It is transient: an answer may be cut short.

    Args:
        name: of what was to be JSON.
        error: of the decoder.
        headers: that the content came with.
        content: all of it.
    """
    kind = headers.get("content-type", "unknown")
    is_page = "html" in kind.lower() or HTML.match(content) is not None
    remedy = ": if that is a login page, check the secret" if is_page else ""
    return UpstreamError(
        f"{name} is not JSON: {error}{_spot(error, content)}; its content type is "
        f"{kind!r:.100}, and it begins with {snippet(content)}{remedy}",
        cause=Cause.UNREADABLE,
        is_transient=True,
    )


def _spot(error: Exception, content: bytes) -> str:
    """What stands where the decoder has stopped, or the end of what breaks off."""
    found = PLACE.search(str(error))
    if found is None:
        return (
            f", which breaks off after {len(content)} bytes with {snippet(content[-SPOT_BYTES:])}"
        )
    place = int(found[1])
    return f", where {snippet(content[max(0, place - SPOT_BYTES // 2) :][:SPOT_BYTES])} stands"


def total_fault(page: Records, read_count: int) -> str | None:
    """Why the number that a list is said to have cannot be right; None if it may be.

    Args:
        page: of the list.
        read_count: records of the list so far, this page's too.
    """
    total_count = page.total_count
    if total_count is None:
        return None
    if read_count > total_count:
        return f"it has {total_count} records as it says, and {read_count} came"
    if page.next_cursor is None and read_count < total_count:
        return f"it has {total_count} records, and came to its end after {read_count}"
    return None
