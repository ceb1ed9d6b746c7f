"""A list of JSON lines in one answer of any length, read as a stream.

No more of it is held than a page and a part. The connection lasts as long as a turn; the
next turn asks for the rest of the very same list.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from durable.environment import Environment
from durable.errors import Cause, UpstreamError
from durable.http.auth import Auth, authenticator_of, secrets_of
from durable.http.client import OK, HttpClient
from durable.http.context import SourceContext
from durable.http.error_rules import Action, Rules
from durable.http.origins import Origins
from durable.http.stream import Streamed
from durable.machine.job import ReadContext
from durable.machine.rate import Rate
from durable.sources import marks
from durable.sources.absence import NOTHING, no_records, statuses_of_none
from durable.sources.marks import Mark
from durable.sources.ndjson_lines import LinePosition, Lines, change_error
from durable.sources.paging.param_location import check_names, wrong
from durable.sources.paging.protocol import Ask
from durable.sources.since import ChangingSource, keep_recent, prepare_changes
from durable.sources.source import Reader, Records
from durable.sources.template import check_url, with_variables


OK_OR_PART = frozenset({200, 206})
# What is compressed on the wire has other places there. The Worker's runtime asks for that all the
# same; where it gets it, the list is marked as one without ranges.
PLAIN: Mapping[str, str] = {"accept-encoding": "identity"}


class NdjsonSource(ChangingSource, frozen=True, kw_only=True):
    r"""A list whose records are lines (NDJSON, JSON Lines), each ended by a line break.

        {"id": "a"}\n{"id": "b"}\n

    The end is that of the answer, if it is as long as was announced and its last line is
    whole. A list that is gone on with has to be the very same one: its ETag or
    Last-Modified, and what was read of it. So an export that is made anew for every
    request, in another order, has to be read within one turn.

    The rest is asked for as a range where the list has a strong validator and comes
    uncompressed. Else all before it is read again and thrown away, once in each turn.

    Attributes:
        url: of the list; `${NAME}` stands for the variable NAME.
        auth: how the source is told who asks; None where it lets everybody in.
        since: how it is asked for what has changed; None: an INCREMENTAL job reads all of it.
        params: sent with every request.
        headers: likewise.
        size: lines of a page; where they are long, it has fewer.
        rules: what its errors mean, where that is not the usual.
        rate: how often it may be asked.
        closing_ends: the server announces no length, and closes the connection at the end of
            the list. So it does where it fails: then the rest is missed without a word.

    Raises:
        ConfigurationError: the url is empty, or the size is none.
    """

    url: str
    auth: Auth | None = None
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    size: int = 1_000
    rules: Rules = ()
    rate: Rate | None = None
    closing_ends: bool = False

    def __post_init__(self) -> None:
        check_names(self, "url")
        check_url(self, self.url)
        if type(self.size) is not int or self.size < 1:
            raise wrong(self, "size", "it is a whole number from 1")
        if any(rule.then in {Action.PAGE, Action.END} for rule in self.rules):
            raise wrong(self, "rules", "Action.PAGE and Action.END are for lists that have pages")
        if self.since is not None:
            self.since.check(Ask(url=self.url, params=self.params))

    def reader(self, context: SourceContext) -> "NdjsonReader":
        return NdjsonReader(self, context)

    def secrets(self) -> frozenset[str]:
        return secrets_of(self.auth)

    def locate(self, environment: Environment) -> str:
        return environment.url(self.url)


class NdjsonReader(Reader):
    """Reads an `NdjsonSource`. The connection stays open between pages, until `close`."""

    def __init__(self, source: NdjsonSource, context: SourceContext) -> None:
        url = source.locate(context.environment)
        signer = authenticator_of(source.auth, context)
        self._source = source
        ask = Ask(url=url, params=source.params, headers={**PLAIN, **source.headers})
        self._ask = with_variables(ask, context.environment)
        self._upstream = HttpClient(
            "the source", context.transport, signer, Origins(url), source.rules
        )
        self._line_bytes_max = context.page_bytes_max
        self._stream: Streamed | None = None
        self._lines: Lines | None = None  # of the stream
        self._mark: Mark | None = None  # where they are

    async def fetch(self, cursor: str | None, crawl: ReadContext) -> Records:
        mark = None if cursor is None else marks.parse_mark(cursor)
        nothing = statuses_of_none(self._source.since, crawl, cursor)
        try:
            if self._lines is None or mark is None or mark != self._mark:
                await self.close()
                ask = prepare_changes(self._source.since, self._ask, crawl)
                self._lines = await self._open(ask, mark, nothing)
            if self._lines is None:
                await self.close()
                return no_records(self._upstream.take_request_count())
            page = await self._page(self._lines)
        except BaseException:
            await self.close()  # nobody knows where it is
            raise
        return keep_recent(self._source.since, page, crawl)

    async def close(self) -> None:
        """Close the connection at the end of the turn. `fetch` may be called again."""
        stream, self._stream, self._lines, self._mark = self._stream, None, None, None
        if stream is not None:
            await stream.close()

    async def _page(self, lines: Lines) -> Records:
        assert self._mark is not None, "a list that is open, is marked"
        page = await lines.page(self._source.size)
        is_over = await lines.is_over()
        offset, checksum = lines.spot.offset, lines.spot.checksum
        self._mark = replace(self._mark, offset=offset, checksum=checksum)
        return Records(
            records=page.records,
            faults=page.faults,
            next_cursor=None if is_over else self._mark.cursor(),
            byte_count=page.byte_count,
            request_count=self._upstream.take_request_count(),
        )

    async def _open(self, ask: Ask, mark: Mark | None, nothing: frozenset[int]) -> Lines | None:
        """The list from a mark on, or from its start; None: the answer says that it is empty."""
        stream = await self._begin(ask, mark, nothing)
        if stream.status in nothing:
            return None
        if mark is not None and stream.status == 206:
            if marks.is_rest(stream, mark):
                self._mark = mark
                return Lines(stream, mark.spot, self._line_bytes_max)
            await self.close()
            stream = await self._get(ask)
        self._mark = marks.mark(stream, LinePosition())
        lines = Lines(stream, LinePosition(), self._line_bytes_max)
        if mark is not None:
            if not marks.is_same(stream, mark):
                raise change_error(f"it was {mark.validator!r}, and is {self._mark.validator!r}")
            await lines.skip_to(mark.spot)
        return lines

    async def _begin(self, ask: Ask, mark: Mark | None, nothing: frozenset[int]) -> Streamed:
        if mark is None or not mark.is_ranged:
            return await self._get(ask, OK | nothing)
        ask = replace(ask, headers={**ask.headers, **mark.range})
        try:
            return await self._get(ask, OK_OR_PART)
        except UpstreamError as error:
            if error.status == 416:
                raise change_error("it is shorter") from error
            raise

    async def _get(self, ask: Ask, statuses: frozenset[int] = OK) -> Streamed:
        self._stream = await self._upstream.stream(
            ask.url, ask.params, ask.headers, statuses=statuses
        )
        is_bodiless = self._stream.status in NOTHING
        if not (is_bodiless or self._stream.tells_end or self._source.closing_ends):
            raise UpstreamError(
                "the source announces no length of its list, and closes the connection after it, "
                "which it would do as well where it fails: have it announce one, or send it in "
                "chunks; else declare closing_ends=True",
                cause=Cause.INCOMPLETE,
            )
        return self._stream
