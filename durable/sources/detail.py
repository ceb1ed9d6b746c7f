"""One more request for each record of a page."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

from durable.environment import VARIABLE, Environment
from durable.errors import UpstreamError
from durable.http.charset import utf8
from durable.http.client import HttpClient
from durable.http.context import SourceContext
from durable.json_paths import shape_of
from durable.sources.belonging import Fault, Missing, RequestTally, put, resolve_missing
from durable.sources.json_mending import fault, mend_json
from durable.sources.links import Links
from durable.sources.paging.protocol import Ask
from durable.sources.source import Scope, not_json
from durable.sources.template import PLACEHOLDER, Template, UnfilledError, check_url, with_variables


class Detail(Struct, frozen=True, kw_only=True):
    """One more request for each record. Its answer is the record, or a field of it.

        detail=Detail(url="${WIKI_URL}/pages/${id}")

    A page of the list and all its details are one page: they must fit in `page_bytes_max`, and
    in what the source allows at a time, or the page is tried again and again. The list's page
    size is what to lower.

    Attributes:
        url: `${NAME}` stands for the variable NAME, `${id}` or `${owner/id}` for a field of the
            record, percent-encoded. A field alone, as in `${links/self}`, is the URL itself, and
            leads to the source's server or one of its `link_origins`.
        path: of what is taken of the answer; empty: all of it.
        into: the field of the record that takes it; empty: it takes the record's place.
        params: sent with each request; fields stand in them too.
        headers: sent with each request.
        missing: what becomes of the record where the source has no such detail.
    """

    url: str
    path: str = ""
    into: str = ""
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    missing: Missing = Missing.REJECT

    def __post_init__(self) -> None:
        check_url(self, self.url)

    @property
    def is_link(self) -> bool:
        """Whether the record itself holds the URL of its detail."""
        return bool(PLACEHOLDER.fullmatch(self.url)) and not VARIABLE.fullmatch(self.url)

    def locate(self, environment: Environment) -> str:
        """The URL with variables filled in. Raises ConfigurationError."""
        return self.url if self.is_link else environment.url(self.url)


class DetailReader:
    """Reads the details of records.

    Args:
        detail: how.
        upstream: the source.
        context: of the source's reader.
        links: which servers a record's own link may name.
        list_url: what such a link is relative to.
        names: of the scope; "" is the record.

    Raises:
        ConfigurationError: a placeholder is none, or a variable is not set.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - those of the list's reader
        self,
        detail: Detail,
        upstream: HttpClient,
        context: SourceContext,
        links: Links,
        list_url: str,
        names: frozenset[str],
    ) -> None:
        url = detail.locate(context.environment)
        ask = with_variables(
            Ask(url=url, params=detail.params, headers=detail.headers), context.environment
        )
        self._detail = detail
        self._upstream = upstream
        self._bytes_max = context.page_bytes_max
        self._template = Template(ask, names, lambda link: links.follow(link, list_url))
        self._shape = shape_of((detail.path, Raw))

    async def complete(self, scope: Scope, tally: RequestTally) -> Raw | Fault:
        """Complete the scope's record. Raises UpstreamError where the whole page fails."""
        record, detail = scope[""], self._detail
        try:
            ask = self._template.fill_request(scope)
        except UnfilledError as error:
            return Fault(str(error))
        tally.take()
        try:
            answer = await self._upstream.get(
                ask.url, ask.params, ask.headers, bytes_max=self._bytes_max
            )
        except UpstreamError as error:
            return resolve_missing(error, detail.missing, record)
        tally.take(len(answer.body), request_count=0)
        try:
            found = self._extract(utf8(answer.body, answer.headers))
        except msgspec.ValidationError as error:
            return Fault(f"the record's detail is not of the declared shape: {error}")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            name = "the source's detail of a record"
            raise not_json(name, error, answer.headers, answer.body) from error
        if isinstance(found, Fault) or not detail.into:
            return found
        return put(record, detail.into, found)

    def _extract(self, body: bytes) -> Raw | Fault:
        """Raises msgspec.DecodeError and UnicodeDecodeError."""
        try:
            return self._read(body)
        except msgspec.ValidationError:
            raise
        except (msgspec.DecodeError, UnicodeDecodeError):
            if (both := mend_json(body)) is None:
                raise
        first, second = map(self._read, both)
        reason = fault(first, second)
        return first if reason is None else Fault(f"the record's detail is not read: {reason}")

    def _read(self, body: bytes) -> Raw:
        found: Raw = self._shape.read(body)[self._detail.path]
        return found
