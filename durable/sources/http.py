"""A list of JSON records over HTTP, read page by page.

What looks like an end but is not said to be one is an error, since the close of
a FULL job makes Glean delete whatever was not read.
"""

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec
from msgspec.structs import replace

from durable.environment import Environment
from durable.errors import Recourse, UpstreamError
from durable.http.auth import Auth, authenticator_of, secrets_of
from durable.http.charset import utf8
from durable.http.client import OK, Answer, HttpClient
from durable.http.context import SourceContext
from durable.http.error_rules import Rules
from durable.http.exchange import NONE
from durable.http.origins import Origins
from durable.json_paths import SHAPES_KEPT, Shape
from durable.machine.job import ReadContext
from durable.machine.rate import Rate
from durable.sources.absence import check_end, no_records, statuses_of_none
from durable.sources.body import PageBody, list_type
from durable.sources.completion import Completion
from durable.sources.detail import Detail, DetailReader
from durable.sources.ending import Ending, Where
from durable.sources.incompleteness import watched_paths
from durable.sources.links import Links, named_origins
from durable.sources.listing import Listing, ListRequest
from durable.sources.paging.counting import CountedPaging
from durable.sources.paging.protocol import Ask, Paging
from durable.sources.portions import Part, fetch_portion
from durable.sources.resume import Resume, resume_page
from durable.sources.since import ChangingSource, keep_recent, prepare_changes
from durable.sources.source import NO_NAMES, NO_SCOPE, Reader, Records, Scope
from durable.sources.sub_list import SubList, SubListReader
from durable.sources.template import Template, check_url, with_variables


# Of a page, where no rule says otherwise, its cursor has expired. Asked again, the source would say
# the same, after a retry too. What it did not give itself, it does not forget.
EXPIRED = frozenset({410})
FORGOTTEN = frozenset({400, 404, 410})


class HttpSource(ChangingSource, frozen=True, kw_only=True):
    """A list that is asked for in pages.

    Paths name places in the answer: `data/items` is the field `items` of the object in
    the field `data`, and the empty path the whole answer.

    Attributes:
        url: of the list; `${NAME}` stands for the variable NAME.
        records: the path of the list of records, as in `items` or `data/items`; empty where the
            whole answer is the list.
        records_key: the records are the values of an object at that path, and each gets its
            key in this field.
        omits_empty: a list without records is null, or absent, as servers in Go and those of
            Google send it. Without this, such an answer is no page.
        paging: how the next page is asked for.
        auth: how the source is told who asks; None where it lets everybody in.
        since: how it is asked for what has changed; None: an INCREMENTAL job reads all of it.
        params: sent with every request, the page's size for example; here, in the headers and in
            the body too, `${NAME}` stands for the variable NAME.
        headers: likewise.
        body: sent as JSON with every request, which is then a POST.
        has_more: the path of what says whether there is a next page, if that is told beside
            the cursor, or the `Header`; a job fails where the two disagree.
        is_last: in its place, where what is told is whether this page is the last one.
        total: the path of the number of records on all pages, or the `Header`, if there is
            one; a job that got fewer or more fails.
        hides_rows: what the asker may not see is cut out of a page, which may be short or
            empty: offsets step by the size, and a total is not compared with what came.
        link_origins: further servers that a link to the next page may name, as in
            `https://eu.example.com`. Others are not followed, since the proof of who asks
            is sent there too.
        link_base: what a link is put behind that is a path, as in `${WIKI_URL}/wiki`; else it
            is one on its page's server.
        rules: what its errors mean, where that is not the usual.
        resume: how it is read on where a cursor has expired; None: from its start.
        detail: one more request for each record.
        sub_lists: lists of its own for each record, put into it.
        rate: how often it may be asked.

    Raises:
        ConfigurationError: two of the paths are the same place.
    """

    url: str
    paging: Paging
    records: str
    auth: Auth | None = None
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: Mapping[str, Any] | None = None
    has_more: Where = ""
    total: Where = ""
    link_origins: tuple[str, ...] = ()
    rules: Rules = ()
    detail: Detail | None = None
    sub_lists: tuple[SubList, ...] = ()
    rate: Rate | None = None
    records_key: str = ""
    resume: Resume | None = None
    omits_empty: bool = False
    is_last: Where = ""
    hides_rows: bool = False
    link_base: str = ""

    def __post_init__(self) -> None:
        check_url(self, self.url)
        check_url(self, self.link_base)
        self.shape()
        ask = Ask(url=self.url, params=self.params, headers=self.headers, body=self.body)
        self.paging.check(ask, self.ending.tells)
        if self.since is not None:
            self.since.check(ask)
        if self.resume is not None:
            self.resume.check(ask, self.paging, self.since, self.rules)

    def shape(self) -> Shape:
        """The paths that are read in each answer. Raises ConfigurationError."""
        records = list_type(is_keyed=bool(self.records_key), omits_empty=self.omits_empty)
        paths: list[tuple[str, Any]] = [(self.records, records), *self.paging.paths().items()]
        paths += self.ending.paths
        return _shape(*paths)

    @property
    def has_moving_pages(self) -> bool:
        return super().has_moving_pages or isinstance(self.paging, CountedPaging)

    @property
    def ending(self) -> Ending:
        """How the source tells the end of its list."""
        return Ending(
            total=self.total,
            has_more=self.has_more,
            is_last=self.is_last,
            hides_rows=self.hides_rows,
        )

    def reader(self, context: SourceContext, names: frozenset[str] = NO_NAMES) -> "HttpReader":
        return HttpReader(self, context, names)

    def secrets(self) -> frozenset[str]:
        return secrets_of(self.auth).union(*(each.source.secrets() for each in self.sub_lists))

    def locate(self, environment: Environment) -> str:
        places = [environment.url(self.url)]
        places += [environment.url(self.link_base)] if self.link_base else []
        if self.detail is not None:
            places.append(self.detail.locate(environment))
        places += [each.source.locate(environment) for each in self.sub_lists]
        return " ".join(places)


@lru_cache(SHAPES_KEPT)
def _shape(*paths: tuple[str, Any]) -> Shape:
    return Shape([*paths, *watched_paths(paths)])


class HttpReader(Reader):
    """Reads an `HttpSource`."""

    def __init__(
        self, source: HttpSource, context: SourceContext, names: frozenset[str] = NO_NAMES
    ) -> None:
        url = context.environment.url(source.url)
        signer = authenticator_of(source.auth, context)
        self._source = source
        self._paging = source.paging
        ask = Ask(url=url, params=source.params, headers=source.headers, body=source.body)
        self._template = Template(with_variables(ask, context.environment), names)
        base = context.environment.url(source.link_base) if source.link_base else ""
        links = Links(named_origins(url, source.link_origins), base)
        origins = self._origins(url, context.environment)
        self._upstream = HttpClient("the source", context.transport, signer, origins, source.rules)
        self._page_bytes_max = context.page_bytes_max
        self._links = links if source.paging.is_linked else None
        self._now_ms = context.now_ms
        body = PageBody(
            source.shape(),
            source.paging,
            source.records,
            source.records_key,
            omits_empty=source.omits_empty,
            rules=source.rules,
        )
        self._listing = Listing(body, source.ending, self._link_cursor)
        self._completion = self._completing(context, links, url, names | {""})

    def _origins(self, url: str, environment: Environment) -> Origins:
        """Of the list, of what its links may name, and of the details where they are declared."""
        source, further = self._source, self._source.link_origins
        if source.detail is not None and not source.detail.is_link:
            further = (*further, source.detail.locate(environment))
        return named_origins(url, further)

    def _completing(
        self, context: SourceContext, links: Links, url: str, names: frozenset[str]
    ) -> Completion:
        source, detail = self._source, None
        if source.detail is not None:
            detail = DetailReader(source.detail, self._upstream, context, links, url, names)
        sub_lists = [SubListReader(each, context, names) for each in source.sub_lists]
        return Completion(detail, sub_lists, context.page_bytes_max)

    def _link_cursor(self, link: str, page_url: str) -> str:
        """A link to the next page, as it is stored."""
        followed = link if self._links is None else self._links.follow(link, page_url)
        return self._upstream.without_proof(followed)

    async def fetch(
        self, cursor: str | None, crawl: ReadContext, scope: Scope = NO_SCOPE
    ) -> Records:
        ask = prepare_changes(self._source.since, self._template.fill_request(scope), crawl)
        page = await resume_page(
            self._source.resume, partial(self._fetch_portion, crawl), ask, cursor
        )
        page = keep_recent(self._source.since, page, crawl)
        whole = await self._completion.complete_page(page, crawl, scope)
        self._upstream.take_request_count()  # those of its details are counted with the page
        return whole

    async def close(self) -> None:
        await self._completion.close()

    async def _fetch_portion(self, crawl: ReadContext, ask: Ask, cursor: str | None) -> Records:
        read = partial(self._part, crawl, ask)
        page = await fetch_portion(self._paging, cursor, read, self._page_bytes_max)
        return replace(page, request_count=self._upstream.take_request_count())

    async def _part(self, crawl: ReadContext, ask: Ask, paging: Paging, cursor: str | None) -> Part:
        if cursor is not None and self._links is not None:
            cursor = self._links.follow(cursor, ask.url)
        ask = paging.prepare(ask, cursor)
        expiring = FORGOTTEN if paging.is_given else EXPIRED
        nothing = statuses_of_none(self._source.since, crawl, cursor)
        try:
            answer = await self._answer(ask, OK | nothing, NONE if cursor is None else expiring)
        except UpstreamError as error:
            if error.recourse is not Recourse.END:
                raise
            check_end(error, paging, cursor, tells=self._source.ending.tells_end)
            return Part(no_records(1), is_told=False)
        if answer.status in nothing:
            return Part(no_records(1), is_told=False)
        try:
            request = ListRequest(paging=paging, ask=ask, cursor=cursor)
            return self._listing.part(answer, request, self._now_ms())
        except UpstreamError as error:
            if error.is_denied:
                reason = f"{error}, {self._upstream.remedy}"
                raise UpstreamError(reason, cause=error.cause) from error
            raise

    async def _answer(self, ask: Ask, statuses: frozenset[int], expiring: frozenset[int]) -> Answer:
        method, headers, content = "GET", ask.headers, None
        if ask.body is not None:
            method, headers = "POST", {"content-type": "application/json", **headers}
            content = msgspec.json.encode(ask.body)
        answer = await self._upstream.ask(
            method,
            ask.url,
            ask.params,
            headers,
            content,
            bytes_max=self._page_bytes_max,
            statuses=statuses,
            expiring=expiring,
        )
        return replace(answer, body=utf8(answer.body, answer.headers))
