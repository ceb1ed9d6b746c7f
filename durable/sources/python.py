"""Sources that their author reads in Python, for whatever no declaration fits."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from inspect import isawaitable, signature
from typing import Any, Protocol

from durable.decoding import EXACT_MAX, decode
from durable.environment import Environment, Secret
from durable.errors import Cause, ConfigurationError, Recourse, UpstreamError
from durable.http.auth import Auth, authenticator_of, secrets_of
from durable.http.client import HttpClient
from durable.http.context import SourceContext
from durable.http.error_rules import Action, Rules
from durable.http.origins import Origins
from durable.machine.job import ReadContext
from durable.machine.rate import Rate
from durable.sources import times
from durable.sources.clock import Clock
from durable.sources.links import Links, named_origins
from durable.sources.paging.param_location import wrong
from durable.sources.python_client import Client
from durable.sources.python_output import author_error, encode_records, next_cursor
from durable.sources.python_request import FetchRequest, SourcePage
from durable.sources.since import DeclaredSpans, begin_ms, check_spans
from durable.sources.source import NO_NAMES, NO_SCOPE, Reader, Records, Scope
from durable.sources.template import check_url
from durable.sources.times import TimeFormat
from durable.timestamps import is_span, milliseconds


GONE = 410


Fetch = Callable[[FetchRequest], Awaitable[SourcePage]]
Pages = Callable[[FetchRequest], AsyncIterator[SourcePage]]


class Fetcher(Protocol):
    """An object that reads a source."""

    def fetch(self, request: FetchRequest) -> Awaitable[SourcePage]: ...


class PythonSource(DeclaredSpans, frozen=True, kw_only=True):
    """A source of an async function, or of an async generator.

        async def fetch(request: FetchRequest) -> SourcePage:
            number = request.cursor or 1
            answer = await request.client.get("/items", params={"page": str(number)})
            items = answer.json()["items"]
            return SourcePage(items, next_cursor=number + 1 if items else None)

        async def pages(request: FetchRequest) -> AsyncIterator[SourcePage]:
            while True:
                ...
                yield SourcePage(items, next_cursor=cursor)

        PythonSource(url="${ITEMS_URL}", fetch=fetch)
        PythonSource(url="${ITEMS_URL}", pages=pages)

    A generator is kept open for as long as the job's turn takes; the next turn, after a crash too,
    begins it anew at the cursor. It ends with a SourcePage without a next cursor.

    The code raises `Retry`, `StartOver`, `Skip` or `Fail` for what the source does. A 410 that is
    raised of a page with a cursor says that the cursor has expired. Anything else that it raises is
    its own error, and fails the job with its file and line.

    Attributes:
        url: where the source is; `${NAME}` stands for the variable NAME. `request.client` asks this
            server.
        fetch: gives one page; or an object with such a `fetch`.
        pages: yields page after page.
        auth: how the source is told who asks; None where it lets everybody in.
        uses: those that the code asks `request.secret()` for.
        link_origins: further servers that the client may ask, as in `https://eu.example.com`.
        rules: what the source's errors mean, where that is not the usual.
        rate: how often it may be asked.
        kept: so old the watermark may be: for so long it can tell what has changed, less the
            overlap. None: for ever.
        tells_changes: whether the code heeds `request.since`. Users, groups and memberships are
            read by an INCREMENTAL job only then; documents are always.
        path: of the time of the last change in a record, as in `Since`: with it, the watermark is
            one of the source's own clock. Empty: there is none.
        path_format: of that time: a `TimeFormat`, or a text for `strptime`.
        overlap: so much earlier than the watermark `request.since` is.

    Raises:
        ConfigurationError: not one of the two is given, or a field is not right.
    """

    url: str = ""
    fetch: Fetch | Fetcher | None = None
    pages: Pages | None = None
    auth: Auth | None = None
    uses: tuple[Secret, ...] = ()
    link_origins: tuple[str, ...] = ()
    rules: Rules = ()
    rate: Rate | None = None
    tells_changes: bool = False
    path: str = ""
    path_format: str = TimeFormat.RFC3339

    @property
    def clock(self) -> Clock | None:
        return Clock(self.path, self.path_format) if self.path else None

    @property
    def has_moving_pages(self) -> bool:
        return False

    def __post_init__(self) -> None:
        if (self.fetch is None) is (self.pages is None):
            raise ConfigurationError("a PythonSource takes fetch or pages, and not both")
        if not callable(self.pages if self.fetch is None else self.code()):
            raise ConfigurationError(
                "a PythonSource takes functions: fetch=fetch or pages=pages, without calling them"
            )
        if not _takes_request(self.code()):
            name = "pages" if self.fetch is None else "fetch"
            raise ConfigurationError(
                f"PythonSource: {name}: it takes one argument, as in "
                f"`async def {name}(request: FetchRequest)`: cursor, since and client are in it"
            )
        check_url(self, self.url)
        check_spans(self)
        if not all(isinstance(secret, Secret) for secret in self.uses):
            raise ConfigurationError(
                "PythonSource: uses: write (Secret('NAME'),), with the names that they "
                "have in the deployment, and never a secret itself"
            )
        if any(rule.then in {Action.PAGE, Action.END} for rule in self.rules):
            raise wrong(self, "rules", "Action.PAGE and Action.END are for lists that have pages")
        if self.path and (fault := times.reading_fault(self.path_format)) is not None:
            raise wrong(self, "path_format", fault)

    def code(self) -> Any:
        """The author's function."""
        return self.pages or getattr(self.fetch, "fetch", self.fetch)

    def reader(self, context: SourceContext, names: frozenset[str] = NO_NAMES) -> "PythonReader":
        return PythonReader(self, context, names)

    def secrets(self) -> frozenset[str]:
        return secrets_of(self.auth).union(secret.name for secret in self.uses)

    def locate(self, environment: Environment) -> str:
        return environment.url(self.url) if self.url else ""


class PythonReader(Reader):
    """Reads a `PythonSource`."""

    def __init__(
        self,
        source: PythonSource,
        context: SourceContext,
        names: frozenset[str] = NO_NAMES,  # noqa: ARG002 - the code asks for them as it needs them
    ) -> None:
        signer = authenticator_of(source.auth, context)
        url = source.locate(context.environment)
        origins = named_origins(url, source.link_origins) if url else Origins()
        upstream = HttpClient("the source", context.transport, signer, origins, source.rules)
        environment = context.environment
        self._source = source
        self._variable = environment.variable
        self._secrets = {secret.name: environment.secret(secret.name) for secret in source.uses}
        self._bytes_max = context.page_bytes_max
        self._client = Client(upstream, url, Links(origins), self._bytes_max)
        self._is_generator = source.pages is not None
        self._code = source.code()
        self._generator: AsyncIterator[SourcePage] | None = None
        # The generator, if it is asked.
        self._goes_on_at: tuple[str | None, ReadContext, Scope] | None = None

    async def fetch(
        self, cursor: str | None, crawl: ReadContext, scope: Scope = NO_SCOPE
    ) -> Records:
        self._client.request_count = 0
        try:
            portion = await (self._next if self._is_generator else self._run_code)(
                cursor, crawl, scope
            )
            _check(portion)
            records = list(portion.records)  # may be the author's code as well
        except UpstreamError as error:
            if error.status == GONE and cursor is not None and error.recourse is None:
                error.recourse = Recourse.RESTART  # the source does not know the cursor any more
            raise
        except MemoryError:
            raise
        except Exception as error:
            raise author_error(error, self._code) from error
        raws, faults = encode_records(records, self._bytes_max)
        page = Records(
            records=raws,
            faults=faults,
            next_cursor=next_cursor(portion.next_cursor, cursor),
            byte_count=sum(memoryview(raw).nbytes for raw in raws),
            total_count=portion.total_count,
            request_count=self._client.request_count,
            wait_ms=milliseconds(portion.wait),
            wait_reason="the source's code asks for a pause",
        )
        if page.next_cursor is None:
            await self.close()
        else:
            self._goes_on_at = page.next_cursor, crawl, scope
        if (clock := self._source.clock) is not None:
            clock.check(page.records)
        return page

    async def close(self) -> None:
        generator, self._generator, self._goes_on_at = self._generator, None, None
        if isinstance(generator, AsyncGenerator):
            # What the author's code does on its way out, changes nothing any more.
            with suppress(Exception):
                await generator.aclose()

    async def _run_code(self, cursor: str | None, crawl: ReadContext, scope: Scope) -> SourcePage:
        given = self._code(self._fetch_request(cursor, crawl, scope))
        if not isawaitable(given):
            raise TypeError("it is no async function")
        portion: SourcePage = await given
        return portion

    async def _next(self, cursor: str | None, crawl: ReadContext, scope: Scope) -> SourcePage:
        if self._generator is None or self._goes_on_at != (cursor, crawl, scope):
            await self.close()
            generator = self._code(self._fetch_request(cursor, crawl, scope))
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
                cause=Cause.INCOMPLETE,
            ) from None

    def _fetch_request(self, cursor: str | None, crawl: ReadContext, scope: Scope) -> FetchRequest:
        since = None
        if crawl.since_ms is not None:
            at_ms = begin_ms(self._source, crawl.since_ms, self._source.clock)
            since = datetime.fromtimestamp(at_ms // 1_000, UTC)
        return FetchRequest(
            cursor=None if cursor is None else decode(cursor),
            since=since,
            mode=crawl.mode,
            stage=crawl.stage,
            client=self._client,
            _secret=self._secret,
            _variable=self._variable,
            _scope=scope,
        )

    def _secret(self, name: str) -> str:
        if name not in self._secrets:
            raise KeyError(f"{name}: name it in `uses` of the PythonSource")
        return self._secrets[name].reveal()


def _takes_request(code: Any) -> bool:
    try:
        signature(code).bind(None)
    except TypeError:
        return False
    except ValueError:  # it does not tell
        return True
    return True


def _check(portion: Any) -> None:
    if not isinstance(portion, SourcePage):
        raise TypeError(f"it gave a {type(portion).__name__}, not a SourcePage")
    if not is_span(portion.wait, timedelta(0)):
        raise TypeError(f"the wait of its SourcePage is no timedelta: {portion.wait!r:.100}")
    numbers: dict[str, object] = {"total_count": portion.total_count}
    for name, number in numbers.items():
        is_none = number is None and name == "total_count"
        if not is_none and not (type(number) is int and 0 <= number <= EXACT_MAX):
            raise TypeError(
                f"the {name} of its SourcePage is no whole number from 0 to {EXACT_MAX}: "
                f"{number!r:.100}"
            )
