"""The HTTP client for sources in Python. A Worker has no other network."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from durable.decoding import decode, decode_loosely
from durable.errors import Cause, UpstreamError
from durable.http.charset import utf8
from durable.http.client import NOTHING, HttpClient
from durable.sources.json_mending import mend_json
from durable.sources.links import ABSOLUTE, Links
from durable.sources.source import snippet


REQUESTS_MAX = 1_000  # for one page: the platform takes 10,000 a turn
TAKEN = frozenset(range(200, 300)) - {202}  # 202: not ready yet


class Response(Struct, frozen=True):
    """What a server answered, read whole.

    Attributes:
        status: from 200 to 299; any other is raised.
        headers: looked up in whatever case.
        body: as it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self, type: Any = Any) -> Any:  # noqa: A002 - as msgspec has it
        """The body, decoded into a type if one is given. Raises UpstreamError.

        Half of a surrogate pair stays what it is, where no type is given: a record with it is
        rejected, and no other.
        """
        body = utf8(self.body, self.headers)
        try:
            return decode(body, type)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if type is Any and not isinstance(error, msgspec.ValidationError) and mend_json(body):
                with suppress(ValueError):
                    return decode_loosely(body)
            # Of another shape it will stay; what is no JSON may be an error page that passes.
            is_shaped = isinstance(error, msgspec.ValidationError)
            raise UpstreamError(
                f"the source's answer is not {'as expected' if is_shaped else 'JSON'}: {error}; it "
                f"begins with {snippet(self.body)}",
                cause=Cause.UNREADABLE,
                is_transient=not is_shaped,
            ) from error


class Client:
    """Sends requests to the source's server, with the source's authentication.

    Any answer but one of 200 to 299 is raised as UpstreamError, whose `status` says which. What is
    transient is best left alone: the job waits, and the page is begun anew.

    Args:
        upstream: the source.
        base: its URL.
        links: which servers may be asked.
        bytes_max: of an answer.
    """

    def __init__(self, upstream: HttpClient, base: str, links: Links, bytes_max: int) -> None:
        self._upstream = upstream
        self._base = base
        self._links = links
        self._bytes_max = bytes_max
        self.request_count = 0  # for the page that is being read

    async def get(
        self, url: str, params: Mapping[str, str] = NOTHING, headers: Mapping[str, str] = NOTHING
    ) -> Response:
        """Ask for something.

        Args:
            url: absolute, or what follows the source's own, as in `/items`. Only the source's
                server and its `link_origins` are asked.
            params: are added to the query that the URL has.
            headers: beside those that prove who asks.

        Raises:
            UpstreamError: there is no whole answer of 200 to 299, or the server is another.
        """
        return await self._ask("GET", url, params, headers, None)

    async def post(
        self,
        url: str,
        json: Any = None,
        params: Mapping[str, str] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
    ) -> Response:
        """Ask with a body: of bytes as they are, of anything else as JSON. Raises as `get` does."""
        content = json if isinstance(json, bytes) else msgspec.json.encode(json)
        headers = {"content-type": "application/json", **headers}
        return await self._ask("POST", url, params, headers, content)

    async def _ask(
        self,
        method: str,
        url: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> Response:
        if self.request_count >= REQUESTS_MAX:
            raise UpstreamError(
                f"a page of the source takes more than {REQUESTS_MAX} requests: give smaller pages",
                cause=Cause.TOO_LARGE,
            )
        whole = self._resolve(url)
        self.request_count += 1
        answer = await self._upstream.ask(
            method, whole, params, headers, content, bytes_max=self._bytes_max, statuses=TAKEN
        )
        return Response(answer.status, answer.headers, answer.body)

    def _resolve(self, url: str) -> str:
        if not self._base:
            raise UpstreamError(
                f"{url!r:.200} is not asked: declare the url of the source",
                cause=Cause.MISCONFIGURED,
            )
        if not ABSOLUTE.match(url):
            url = f"{self._base.rstrip('/')}/{url.lstrip('/')}" if url else self._base
        return self._links.follow(url, self._base)
