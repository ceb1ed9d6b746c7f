"""One request to the source or to Glean, and whose fault it is when it fails.

No retry and no sleep: the machine decides when to try again.
"""

from collections.abc import Mapping
from functools import lru_cache

import httpx
from msgspec import Struct
from msgspec.structs import replace

from durable.errors import Cause, UpstreamError
from durable.http import retry_after
from durable.http.auth import Authenticator, Credentials
from durable.http.error_rules import Action, Reply, Rulebook, Rules
from durable.http.exchange import NONE, Exchange, SentRequest
from durable.http.origins import Origins, is_loopback
from durable.http.refusal import refusal
from durable.http.stream import Streamed


USER_AGENT = "glean-durable-sync/0.1"  # some APIs answer 403 without one
TIMEOUT_SECONDS = 60.0  # for the headers, and again for each part of the body, up to 256 KiB
NOTHING: Mapping[str, str] = {}
TIMEOUTS = {"timeout": httpx.Timeout(TIMEOUT_SECONDS).as_dict()}
OK = frozenset({200})
CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
_parsed = lru_cache(maxsize=16)(httpx.URL)  # each page is sent to the same one


class Answer(Struct, frozen=True):
    """What came back with a status that was asked for, read whole."""

    headers: Mapping[str, str]
    body: bytes
    status: int = 200

    @property
    def wish(self) -> retry_after.RetryHint:
        """To be left alone now, as its limit of requests is used up."""
        return retry_after.from_exhausted(self.headers) or retry_after.RetryHint()


class OversizeError(UpstreamError):
    """An answer is longer than is taken; the rest of it is not read."""


class HttpClient:
    """A server that is asked for something.

    Without httpx's client, which would take as long as the request itself, follow its
    environment's proxies, keep cookies, and look at redirects that nobody follows.

    A request that is refused for its proof is repeated once, with another one, if
    the signer has one. Nothing else is repeated.

    What proves who asks goes over https alone, or to this machine.

    Args:
        name: who it is, in errors.
        transport: carries the requests.
        signer: proves who asks.
        origins: the servers that are asked; no other is, whatever URL is given.
        rules: say what its errors mean, where that is not the usual.
        is_confidential: whatever it is asked is a secret, as a URL or a form may be.
    """

    def __init__(  # noqa: PLR0913 - whom it asks, how, and what the answers mean
        self,
        name: str,
        transport: httpx.AsyncBaseTransport,
        signer: Authenticator,
        origins: Origins,
        rules: Rules = (),
        *,
        is_confidential: bool = False,
    ) -> None:
        self._name = name
        self._transport = transport
        self._signer = signer
        self._origins = origins
        self._rules = Rulebook(rules)
        self._is_confidential = is_confidential
        self._exchange_count = 0
        self._taken_count = 0  # of the requests
        self._proof = Credentials()  # the latest

    @property
    def request_count(self) -> int:
        """Requests that were made, those for the proof too, whatever came of them."""
        return self._exchange_count + self._signer.request_count

    @property
    def remedy(self) -> str:
        """What to do where it does not let in who asks."""
        return self._signer.remedy

    def take_request_count(self) -> int:
        """The requests that were made since this was last asked for."""
        count = self.request_count - self._taken_count
        self._taken_count += count
        return count

    async def get(
        self,
        url: str,
        params: Mapping[str, str] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
        *,
        bytes_max: int,
    ) -> Answer:
        """Raises UpstreamError for anything but a whole answer of status 200."""
        return await self.ask("GET", url, params, headers, bytes_max=bytes_max)

    async def post(
        self,
        url: str,
        content: bytes,
        params: Mapping[str, str] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
        *,
        bytes_max: int,
    ) -> Answer:
        """Send JSON. Raises UpstreamError as `get` does."""
        headers = {"content-type": "application/json", **headers}
        return await self.ask("POST", url, params, headers, content, bytes_max=bytes_max)

    async def ask(  # noqa: PLR0913 - all that makes a request
        self,
        method: str,
        url: str,
        params: Mapping[str, str] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
        content: bytes | None = None,
        *,
        bytes_max: int,
        statuses: frozenset[int] = OK,
        expiring: frozenset[int] = NONE,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Answer:
        """Any other request. Raises UpstreamError for anything but a whole answer.

        Args:
            method: of HTTP.
            url: its query is kept.
            params: are added to that.
            headers: what the signer proves is added to them.
            content: sent as it is.
            bytes_max: a longer answer is refused.
            statuses: those that are an answer; all others are refusals.
            expiring: of these, those that tell of a cursor which has expired, if no rule is for
                them.
            timeout_seconds: for the headers, and again for each part of the body. A turn is an
                alarm, which the platform ends after 15 minutes.
        """
        timeouts = TIMEOUTS
        if timeout_seconds != TIMEOUT_SECONDS:
            timeouts = {"timeout": httpx.Timeout(timeout_seconds).as_dict()}
        asked = SentRequest(
            method=method,
            url=url,
            params=params,
            headers=headers,
            content=content,
            bytes_max=bytes_max,
            statuses=statuses,
            expiring=expiring,
            timeouts=timeouts,
        )
        reply = (await self._settle(asked)).reply
        return Answer(reply.headers, reply.body, reply.status)

    async def stream(
        self,
        url: str,
        params: Mapping[str, str] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
        *,
        statuses: frozenset[int] = OK,
    ) -> Streamed:
        """An answer to a GET that has one of these statuses. Whoever gets it, closes it.

        Raises UpstreamError for any other answer.
        """
        asked = SentRequest(
            method="GET",
            url=url,
            params=params,
            headers=headers,
            statuses=statuses,
            timeouts=TIMEOUTS,
        )
        return Streamed(self._name, (await self._settle(asked)).response, self._failure)

    def without_proof(self, url: str) -> str:
        """A URL that the server gave, without what in its query is of the latest proof."""
        return self._proof.left_out_of(url)

    async def _settle(self, asked: SentRequest) -> Exchange:
        """Raises UpstreamError for anything but an answer."""
        proof = await self._signer.proof()
        exchange = await self._exchange(asked, proof)
        try:
            verdict = self._rules.verdict(exchange.reply)
            if verdict is not None and verdict.action is Action.REFRESH:
                await exchange.response.aclose()
                renewed = await self._signer.renew(proof)
                if renewed is not None:
                    exchange = await self._exchange(asked, renewed)
                verdict = self._rules.second_verdict(exchange.reply)
        except BaseException:  # whatever it is, nobody is to come who would close the answer
            await exchange.response.aclose()
            raise
        if verdict is None:
            return exchange
        if verdict.is_usual and exchange.reply.status in asked.expiring:
            verdict = replace(verdict, action=Action.RESTART)
        await exchange.response.aclose()
        remedy = self._signer.remedy
        raise refusal(self._name, exchange.place, exchange.reply, verdict, remedy)

    async def _exchange(self, asked: SentRequest, proof: Credentials) -> Exchange:
        request = self._request(asked, proof)
        self._proof = proof
        self._exchange_count += 1
        try:
            response = await self._transport.handle_async_request(request)
            is_answer = response.status_code in asked.statuses
            may_be_page = self._rules.may_be_page(response.status_code)
            is_whole = asked.bytes_max is not None and (is_answer or may_be_page)
            body = b""
            if is_whole or not is_answer:
                try:
                    body = await self._read(response, asked.bytes_max, is_whole=is_whole)
                finally:
                    await response.aclose()
        except httpx.HTTPError as error:
            raise self._failure(error) from error
        status, headers = response.status_code, response.headers
        reply = Reply(status=status, headers=headers, body=body, is_answer=is_answer)
        return Exchange(place=request.url, reply=reply, response=response)

    def _request(self, asked: SentRequest, proof: Credentials) -> httpx.Request:
        try:
            whole = _with_params(asked.url, {**asked.params, **proof.params})
        except httpx.InvalidURL as error:
            raise self._failure(error) from error
        if (fault := self._origins.fault(whole)) is not None:
            reason = f"{self._name} is not asked: the URL {fault}"
            raise UpstreamError(reason, cause=Cause.BAD_LINK)
        headers = {"user-agent": USER_AGENT, **asked.headers, **proof.headers}
        is_secret = self._is_confidential or bool(proof.headers or proof.params or whole.userinfo)
        if is_secret or not CREDENTIALS.isdisjoint(name.lower() for name in headers):
            self._check_unread(whole)
        return httpx.Request(
            asked.method, whole, headers=headers, content=asked.content, extensions=asked.timeouts
        )

    def _check_unread(self, url: httpx.URL) -> None:
        """Raises UpstreamError where others on the way could read what is sent."""
        if url.scheme != "https" and not is_loopback(str(url)):
            place = "" if self._is_confidential else f" at {url.scheme}://{url.host}"
            raise UpstreamError(
                f"{self._name}{place} is not asked, as a secret would be sent for all to read: "
                "begin its URL with https://",
                cause=Cause.MISCONFIGURED,
            )

    async def _read(
        self, response: httpx.Response, bytes_max: int | None, *, is_whole: bool
    ) -> bytes:
        parts: list[bytes] = []
        byte_count = 0
        async for part in response.aiter_bytes():
            parts.append(part)
            byte_count += len(part)
            if not is_whole:
                if byte_count > self._rules.body_bytes_max:
                    break
            elif bytes_max is not None and byte_count > bytes_max:
                raise OversizeError(
                    f"{self._name} sent more than {bytes_max} bytes in one answer: "
                    "ask for smaller pages, or raise page_bytes_max in LIMITS",
                    cause=Cause.TOO_LARGE,
                )
        return b"".join(parts)  # of a single part no copy is made

    def _failure(self, error: httpx.HTTPError | httpx.InvalidURL) -> UpstreamError:
        reason = f"{self._name} did not answer: {type(error).__name__} {error}".rstrip()
        return UpstreamError(reason, is_transient=isinstance(error, httpx.TransportError))


def _with_params(url: str, params: Mapping[str, str]) -> httpx.URL:
    """Added to the query that the URL has. Raises InvalidURL."""
    if params and "?" in url:
        return httpx.URL(url).copy_merge_params(params)
    return httpx.URL(url, params=params) if params else _parsed(url)  # each is parsed once
