"""A list of JSON records over HTTP, read page by page.

What looks like an end but is not said to be one is an error, since the close of
a FULL job makes Glean delete whatever was not read.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Raw, Struct

from durable.decoding import ExactInt, UnboundedError
from durable.environment import Environment
from durable.errors import Recourse, UpstreamError
from durable.job import Crawl, Rate
from durable.paging.protocol import Ask, Paging, Refused, Refusing, Told
from durable.requests.auth import Auth, secrets_of, signer_of
from durable.requests.origins import Origins
from durable.requests.upstream import Answer, Upstream
from durable.requests.waits import wait_ms
from durable.sources.clock import Clock
from durable.sources.completion import Completion
from durable.sources.detail import Detail, DetailReader
from durable.sources.gather import Gather, GatherReader
from durable.sources.keyed import Keyed, keyed
from durable.sources.links import Links, named_origins
from durable.sources.resume import Resume, resumed
from durable.sources.rules import Rules, names
from durable.sources.shape import Shape
from durable.sources.since import Changes, asked, kept_ms, recent
from durable.sources.source import (
    NO_NAMES,
    NO_SCOPE,
    Reader,
    Records,
    Scope,
    Surroundings,
    cursor_fault,
    excerpt,
    not_json,
)
from durable.sources.template import Template


GONE = 410  # of a page: the cursor has expired, where no rule says otherwise


class HttpSource(Struct, frozen=True, kw_only=True):
    """A list that is asked for in pages.

    Paths name places in the answer: `data/items` is the field `items` of the object in
    the field `data`, and the empty path the whole answer.

    Attributes:
        url: of the list; `{NAME}` stands for the variable NAME.
        records: the path of the list of records.
        records_key: the records are the values of an object at that path, and each gets its
            key in this field.
        paging: how the next page is asked for.
        auth: how the source is told who asks; None where it lets everybody in.
        since: how it is asked for what has changed; None: an INCREMENTAL job reads all of it.
        params: sent with every request, the page's size for example.
        headers: likewise.
        body: sent as JSON with every request, which is then a POST.
        has_more: the path of what says whether there is a next page, if that is told beside
            the cursor; a job fails where the two disagree.
        total: the path of the number of records on all pages, if there is one; a job that
            got fewer fails at the end.
        link_origins: further servers that a link to the next page may name, as in
            `https://eu.example.com`. Others are not followed, since the proof of who asks
            is sent there too.
        rules: what its errors mean, where that is not the usual.
        resume: how it is read on where a cursor has expired; None: from its start.
        detail: one more request for each record.
        gather: lists of its own for each record, put into it.
        rate: how often it may be asked.

    Raises:
        ConfigurationError: two of the paths are the same place.
    """

    url: str
    paging: Paging
    records: str = "items"
    auth: Auth | None = None
    since: Changes | None = None
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: Mapping[str, Any] | None = None
    has_more: str = ""
    total: str = ""
    link_origins: tuple[str, ...] = ()
    rules: Rules = ()
    detail: Detail | None = None
    gather: tuple[Gather, ...] = ()
    rate: Rate | None = None
    records_key: str = ""
    resume: Resume | None = None

    is_delegated: ClassVar[bool] = False

    @property
    def kept_ms(self) -> int | None:
        return kept_ms(self.since)

    @property
    def tells_changes(self) -> bool:
        return self.since is not None

    @property
    def clock(self) -> Clock | None:
        return None if self.since is None else self.since.clock

    def __post_init__(self) -> None:
        self.shape()
        tells = [name for name in ("total", "has_more") if getattr(self, name)]
        ask = Ask(url=self.url, params=self.params, headers=self.headers, body=self.body)
        self.paging.check(ask, tells)
        if self.since is not None:
            self.since.check(ask)
        if self.resume is not None:
            self.resume.check(ask, self.paging, self.since, self.rules)

    def shape(self) -> Shape:
        """What is looked at of each answer. Raises ConfigurationError."""
        records = Keyed if self.records_key else list[Raw]
        paths: list[tuple[str, Any]] = [(self.records, records), *self.paging.paths().items()]
        paths += [(self.has_more, bool)] if self.has_more else []
        paths += [(self.total, ExactInt)] if self.total else []
        return Shape(paths)

    def reader(self, surroundings: Surroundings, names: frozenset[str] = NO_NAMES) -> "HttpReader":
        return HttpReader(self, surroundings, names)

    def secrets(self) -> frozenset[str]:
        return secrets_of(self.auth).union(*(gather.source.secrets() for gather in self.gather))

    def located(self, environment: Environment) -> str:
        places = [environment.url(self.url)]
        if self.detail is not None:
            places.append(self.detail.located(environment))
        places += [gather.source.located(environment) for gather in self.gather]
        return " ".join(places)


class HttpReader(Reader):
    """Reads an `HttpSource`."""

    def __init__(
        self, source: HttpSource, surroundings: Surroundings, names: frozenset[str] = NO_NAMES
    ) -> None:
        url = surroundings.environment.url(source.url)
        signer = signer_of(source.auth, surroundings)
        self._source = source
        self._paging = source.paging
        ask = Ask(url=url, params=source.params, headers=source.headers, body=source.body)
        self._template = Template(ask, names)
        links = Links(named_origins(url, source.link_origins))
        origins = self._origins(url, surroundings.environment)
        self._upstream = Upstream(
            "the source", surroundings.transport, signer, origins, source.rules
        )
        self._page_bytes_max = surroundings.page_bytes_max
        self._now_ms = surroundings.now_ms
        self._links = links if source.paging.is_linked else None
        self._shape = source.shape()
        self._completion = self._completing(surroundings, links, url, names | {""})

    def _origins(self, url: str, environment: Environment) -> Origins:
        """Of the list, of what its links may name, and of the details where they are declared."""
        source, further = self._source, self._source.link_origins
        if source.detail is not None and not source.detail.is_link:
            further = (*further, source.detail.located(environment))
        return named_origins(url, further)

    def _completing(
        self, surroundings: Surroundings, links: Links, url: str, names: frozenset[str]
    ) -> Completion:
        source, detail = self._source, None
        if source.detail is not None:
            detail = DetailReader(source.detail, self._upstream, surroundings, links, url, names)
        gathers = [GatherReader(gather, surroundings, names) for gather in source.gather]
        return Completion(detail, gathers, surroundings.page_bytes_max)

    async def fetch(self, cursor: str | None, crawl: Crawl, scope: Scope = NO_SCOPE) -> Records:
        ask = asked(self._source.since, self._template.filled(scope), crawl)
        page = await resumed(self._source.resume, self._page, ask, cursor)
        page = recent(self._source.since, page, crawl)
        whole = await self._completion.completed(page, crawl, scope)
        self._upstream.take_request_count()  # those of its details are counted with the page
        return whole

    async def close(self) -> None:
        await self._completion.close()

    async def _page(self, ask: Ask, cursor: str | None) -> Records:
        if cursor is not None and self._links is not None:
            cursor = self._links.followed(cursor, ask.url)
        ask = self._paging.asked(ask, cursor)
        try:
            answer = await self._answer(ask)
        except UpstreamError as error:
            # It gave the cursor itself. Asked again, it would say the same, after a retry too.
            if error.status == GONE and cursor is not None and not names(self._source.rules, GONE):
                error.recourse = Recourse.RESTART
            raise
        return self._records(answer, ask, cursor)

    async def _answer(self, ask: Ask) -> Answer:
        bytes_max = self._page_bytes_max
        if ask.body is None:
            return await self._upstream.get(ask.url, ask.params, ask.headers, bytes_max=bytes_max)
        content = msgspec.json.encode(ask.body)
        return await self._upstream.post(
            ask.url, content, ask.params, ask.headers, bytes_max=bytes_max
        )

    def _records(self, answer: Answer, ask: Ask, cursor: str | None) -> Records:
        # Pages that came before had the shape, so this may be an error in a page's place.
        values = self._values(answer, cursor)
        records = self._listed(values[self._source.records])
        told = Told(
            url=ask.url,
            headers=answer.headers,
            values=values,
            records=records,
            total_count=values[self._source.total] if self._source.total else None,
            has_more=values[self._source.has_more] if self._source.has_more else None,
        )
        next_cursor = self._paging.next_cursor(told, cursor)
        if next_cursor and self._links is not None:
            next_cursor = self._links.followed(next_cursor, ask.url)
            next_cursor = self._upstream.without_proof(next_cursor)
        if next_cursor is not None:
            self._check(next_cursor, cursor)
        self._compare(values, next_cursor)
        return Records(
            records=records,
            next_cursor=next_cursor,
            byte_count=len(answer.body),
            total_count=told.total_count,
            request_count=self._upstream.take_request_count(),
            wait_ms=wait_ms(answer.wish.when, self._now_ms()),
            wait_reason=answer.wish.reason("the source"),
        )

    def _listed(self, records: Any) -> list[Raw]:
        if records is UNSET:
            return []  # the paging lets it be missing, and says when
        key = self._source.records_key
        listed: list[Raw] = keyed(records, key) if key else records
        return listed

    def _values(self, answer: Answer, cursor: str | None) -> dict[str, Any]:
        try:
            return self._shape.read(answer.body)
        except UnboundedError as error:
            raise UpstreamError(
                f"the source's page is not read: {error}; it begins with {excerpt(answer.body)}",
                is_transient=False,
            ) from error
        except msgspec.ValidationError as error:
            raise self._refusal(answer, cursor) or UpstreamError(
                f"the source's page is not of the declared shape: {error}; it begins with "
                f"{excerpt(answer.body)}",
                is_transient=cursor is not None,
            ) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            name = "the source's page"
            raise not_json(name, error, answer.headers, answer.body) from error

    def _refusal(self, answer: Answer, cursor: str | None) -> UpstreamError | None:
        """What is said in the place of a page, if the paging knows of such answers."""
        if not isinstance(self._paging, Refusing):
            return None
        refused = Refused(body=answer.body, headers=answer.headers, cursor=cursor)
        return self._paging.refusal(refused)

    def _compare(self, values: Mapping[str, Any], next_cursor: str | None) -> None:
        name = self._source.has_more
        if name and values[name] is not (next_cursor is not None):
            raise UpstreamError(
                f"one of two is wrong: the source's {name} is {str(values[name]).lower()}, and "
                f"its {self._paging.name} {next_cursor!r}",
                is_transient=False,
            )

    def _check(self, next_cursor: str, cursor: str | None) -> None:
        fault = cursor_fault(next_cursor, cursor) if next_cursor else "is empty"
        if fault is not None:
            name = self._paging.name
            raise UpstreamError(f"the source's {name} {fault}", is_transient=False)
