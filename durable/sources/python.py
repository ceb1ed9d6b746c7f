"""Sources that their author reads in Python, for whatever no declaration fits."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from inspect import isawaitable
from typing import Any, ClassVar, Protocol

from msgspec import Struct

from durable.decoding import EXACT_MAX, decode
from durable.environment import Environment
from durable.errors import ConfigurationError, Recourse, UpstreamError
from durable.http.auth import Auth, secrets_of, signer_of
from durable.http.client import Upstream
from durable.http.context import Surroundings
from durable.http.origins import Origins
from durable.machine.job import Crawl, Rate
from durable.sources.clock import Clock
from durable.sources.links import Links, named_origins
from durable.sources.python_client import Client
from durable.sources.python_output import blamed, encoded, next_cursor
from durable.sources.since import overlapped_ms
from durable.sources.source import Reader, Records


GONE = 410


class SourcePage(Struct, frozen=True):
    """One page, as its author's code gives it.

    Attributes:
        records: dicts, msgspec Structs, or whatever else can be written as JSON.
        next_cursor: where to go on: any JSON value that says all there is to know. None: there is
            no more, and what a FULL job did not get, Glean deletes.
        total_count: of the records on all pages, if the source tells.
        wait_ms: before anything more is asked for.
    """

    records: Iterable[Any]
    next_cursor: Any = None
    total_count: int | None = None
    wait_ms: int = 0


Fetch = Callable[[Any, datetime | None, Client], Awaitable[SourcePage]]
Pages = Callable[[Any, datetime | None, Client], AsyncIterator[SourcePage]]


class Fetcher(Protocol):
    """An object that reads a source."""

    def fetch(self, cursor: Any, since: datetime | None, web: Client) -> Awaitable[SourcePage]: ...


class PythonSource(Struct, frozen=True, kw_only=True):
    """A source of an async function, or of an async generator.

        async def fetch(cursor, since, web):
            answer = await web.get("/items", params={"page": str(cursor or 1)})
            items = answer.json()["items"]
            return SourcePage(items, next_cursor=(cursor or 1) + 1 if items else None)

        async def pages(cursor, since, web):
            while True:
                ...
                yield SourcePage(items, next_cursor=cursor)

        PythonSource(url="${ITEMS_URL}", fetch=fetch)
        PythonSource(url="${ITEMS_URL}", pages=pages)

    Both are given the cursor of the page to begin with, None for the first; `since`, the aware
    time from which on changes are asked for, five minutes before the watermark since lists are
    late, or None for all there is; and `web`, the only
    network there is. A generator is kept open for as long as the job's turn takes; the next turn,
    after a crash too, begins it anew at the cursor. It ends with a SourcePage without a next
    cursor.

    A 410 that is raised of a page with a cursor says that the cursor has expired: the crawl begins
    anew.

    Attributes:
        url: where the source is; `${NAME}` stands for the variable NAME. `web` asks this server.
        fetch: gives one page; or an object with such a `fetch`.
        pages: yields page after page.
        auth: how the source is told who asks; None where it lets everybody in.
        link_origins: further servers that `web` may ask, as in `https://eu.example.com`.
        rate: how often it may be asked.
        kept_ms: so old the watermark may be: for so long it can tell what has changed, less the
            five minutes that `since` is before it. None: for ever.
        tells_changes: whether the code heeds `since`. Users, groups and memberships are read by
            an INCREMENTAL job only then; documents are always.

    Raises:
        ConfigurationError: not one of the two is given.
    """

    url: str = ""
    fetch: Fetch | Fetcher | None = None
    pages: Pages | None = None
    auth: Auth | None = None
    link_origins: tuple[str, ...] = ()
    rate: Rate | None = None
    kept_ms: int | None = None
    tells_changes: bool = False

    clock: ClassVar[Clock | None] = None

    def __post_init__(self) -> None:
        if (self.fetch is None) is (self.pages is None):
            raise ConfigurationError("a PythonSource takes fetch or pages, and not both")
        if not callable(self.pages if self.fetch is None else self.code()):
            raise ConfigurationError(
                "a PythonSource takes functions: fetch=fetch or pages=pages, without calling them"
            )

    def code(self) -> Any:
        """The author's function."""
        return self.pages or getattr(self.fetch, "fetch", self.fetch)

    def reader(self, surroundings: Surroundings) -> "PythonReader":
        return PythonReader(self, surroundings)

    def secrets(self) -> frozenset[str]:
        return secrets_of(self.auth)

    def located(self, environment: Environment) -> str:
        return environment.url(self.url) if self.url else ""


class PythonReader(Reader):
    """Reads a `PythonSource`."""

    def __init__(self, source: PythonSource, surroundings: Surroundings) -> None:
        signer = signer_of(source.auth, surroundings)
        url = source.located(surroundings.environment)
        origins = named_origins(url, source.link_origins) if url else Origins()
        upstream = Upstream("the source", surroundings.transport, signer, origins)
        self._bytes_max = surroundings.page_bytes_max
        self._web = Client(upstream, url, Links(origins), self._bytes_max)
        self._is_generator = source.pages is not None
        self._code = source.code()
        self._generator: AsyncIterator[SourcePage] | None = None
        self._goes_on_at: tuple[str | None, Crawl] | None = None  # the generator, if it is asked

    async def fetch(self, cursor: str | None, crawl: Crawl) -> Records:
        self._web.request_count = 0
        try:
            portion = await (self._next if self._is_generator else self._given)(cursor, crawl)
            _check(portion)
            records = list(portion.records)  # may be the author's code as well
        except UpstreamError as error:
            if error.status == GONE and cursor is not None and error.recourse is None:
                error.recourse = Recourse.RESTART  # the source does not know the cursor any more
            raise
        except MemoryError:
            raise
        except Exception as error:
            raise blamed(error, self._code) from error
        raws, faults = encoded(records, self._bytes_max)
        page = Records(
            records=raws,
            faults=faults,
            next_cursor=next_cursor(portion.next_cursor, cursor),
            byte_count=sum(memoryview(raw).nbytes for raw in raws),
            total_count=portion.total_count,
            request_count=self._web.request_count,
            wait_ms=portion.wait_ms,
            wait_reason="the source's code asks for a pause",
        )
        if page.next_cursor is None:
            await self.close()
        else:
            self._goes_on_at = page.next_cursor, crawl
        return page

    async def close(self) -> None:
        generator, self._generator, self._goes_on_at = self._generator, None, None
        if isinstance(generator, AsyncGenerator):
            # What the author's code does on its way out, changes nothing any more.
            with suppress(Exception):
                await generator.aclose()

    async def _given(self, cursor: str | None, crawl: Crawl) -> SourcePage:
        given = self._code(*self._asked(cursor, crawl))
        if not isawaitable(given):
            raise TypeError("it is no async function")
        portion: SourcePage = await given
        return portion

    async def _next(self, cursor: str | None, crawl: Crawl) -> SourcePage:
        if self._generator is None or self._goes_on_at != (cursor, crawl):
            await self.close()
            generator = self._code(*self._asked(cursor, crawl))
            if not isinstance(generator, AsyncIterator):
                raise TypeError("it is no async generator")
            self._generator = generator
        self._goes_on_at = None  # until it is known where
        try:
            return await anext(self._generator)
        except StopAsyncIteration:
            raise UpstreamError(
                "the source's generator ended where more was to come: say that there is no more "
                "by a SourcePage with next_cursor=None, without records if need be",
                is_transient=False,
            ) from None

    def _asked(self, cursor: str | None, crawl: Crawl) -> tuple[Any, datetime | None, Client]:
        value = None if cursor is None else decode(cursor)
        since_ms = crawl.since_ms
        if since_ms is None:
            return value, None, self._web
        since = datetime.fromtimestamp(overlapped_ms(since_ms) // 1_000, UTC)
        return value, since, self._web


def _check(portion: Any) -> None:
    if not isinstance(portion, SourcePage):
        raise TypeError(f"it gave a {type(portion).__name__}, not a SourcePage")
    numbers: dict[str, object] = {"total_count": portion.total_count, "wait_ms": portion.wait_ms}
    for name, number in numbers.items():
        is_none = number is None and name == "total_count"
        if not is_none and not (type(number) is int and 0 <= number <= EXACT_MAX):
            raise TypeError(
                f"the {name} of its SourcePage is no whole number from 0 to {EXACT_MAX}: "
                f"{number!r:.100}"
            )
