"""One request to the source or to Glean, and whose fault it is when it fails.

No retry and no sleep: the machine decides when to try again.
"""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx
from msgspec import Struct

from durable.auth import Signer
from durable.errors import UpstreamError
from durable.streamed import Streamed


TRANSIENT_STATUSES = frozenset({202, 408, 425, 429, *range(500, 600)})  # 202: not ready yet
REFUSAL_BYTES_MAX = 4_096  # of an error's body, which a person is to read
USER_AGENT = "glean-durable-sync/0.1"  # some APIs answer 403 without one
DELAY_DIGITS_MAX = 10  # more than any wait that is kept
REDIRECT_REMEDY = "if it leads to a login page, check the secret; else, correct the URL"
TIMEOUT_SECONDS = 60.0  # for the headers, and again for each part of the body, up to 256 KiB
NOTHING: Mapping[str, str] = {}
OK = frozenset({200})
TIMEOUTS = {"timeout": httpx.Timeout(TIMEOUT_SECONDS).as_dict()}


class Answer(Struct, frozen=True):
    """What came back with a status of 200, read whole."""

    headers: Mapping[str, str]
    body: bytes


class Upstream:
    """A server that is asked for something.

    Without httpx's client, which would take as long as the request itself, follow its
    environment's proxies, keep cookies, and look at redirects that nobody follows.

    Args:
        name: who it is, in errors.
        transport: carries the requests.
        signer: proves who asks.
    """

    def __init__(self, name: str, transport: httpx.AsyncBaseTransport, signer: Signer) -> None:
        self._name = name
        self._transport = transport
        self._signer = signer

    async def get(
        self,
        url: str,
        params: Mapping[str, str] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
        *,
        bytes_max: int,
    ) -> Answer:
        """Raises UpstreamError for anything but a whole answer of status 200."""
        return await self._ask("GET", url, params, headers, None, bytes_max)

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
        return await self._ask("POST", url, params, headers, content, bytes_max)

    async def _ask(  # noqa: PLR0913, PLR0917 - all that makes a request
        self,
        method: str,
        url: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        content: bytes | None,
        bytes_max: int,
    ) -> Answer:
        proof = await self._signer.proof()
        try:
            whole = httpx.URL(url)
            if params or proof.params:
                # Given to the request, they would replace the query that the URL has.
                whole = whole.copy_merge_params({**params, **proof.params})
        except httpx.InvalidURL as error:
            raise self._failure(error) from error
        headers = {"user-agent": USER_AGENT, **headers, **proof.headers}
        return await self._exchange(
            httpx.Request(method, whole, headers=headers, content=content, extensions=TIMEOUTS),
            bytes_max,
        )

    async def _exchange(self, request: httpx.Request, bytes_max: int) -> Answer:
        try:
            response = await self._transport.handle_async_request(request)
            try:
                body = await self._read(response, bytes_max)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise self._failure(error) from error
        if response.status_code != 200:
            raise self._refusal(request.url, response, body)
        return Answer(response.headers, body)

    async def _read(self, response: httpx.Response, bytes_max: int) -> bytes:
        parts: list[bytes] = []
        byte_count = 0
        async for part in response.aiter_bytes():
            parts.append(part)
            byte_count += len(part)
            if response.status_code != 200:
                if byte_count > REFUSAL_BYTES_MAX:
                    break
            elif byte_count > bytes_max:
                raise UpstreamError(
                    f"{self._name} sent more than {bytes_max} bytes in one answer: "
                    "ask for smaller pages, or raise page_bytes_max in LIMITS",
                    is_transient=False,
                )
        return b"".join(parts)  # of a single part no copy is made

    def _failure(self, error: httpx.HTTPError | httpx.InvalidURL) -> UpstreamError:
        reason = f"{self._name} did not answer: {type(error).__name__} {error}".rstrip()
        return UpstreamError(reason, is_transient=isinstance(error, httpx.TransportError))

    def _refusal(self, url: httpx.URL, response: httpx.Response, body: bytes) -> UpstreamError:
        status = response.status_code
        text = body[:REFUSAL_BYTES_MAX].decode(errors="replace")
        remedy = ""
        if status in {401, 403}:
            remedy = f", {self._signer.remedy}"
        elif 300 <= status < 400:
            remedy = (
                f", a redirect{_origin(url, response)}, which is not followed: {REDIRECT_REMEDY}"
            )
            text = ""  # it quotes the address, and that may hold secrets
        return UpstreamError(
            f"{self._name} answered {status}{remedy}{': ' if text else ''}{text}",
            is_transient=status in TRANSIENT_STATUSES,
            status=status,
            retry_after=response.headers.get("retry-after", ""),
        )

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
        proof = await self._signer.proof()
        try:
            whole = httpx.URL(url)
            if params or proof.params:
                whole = whole.copy_merge_params({**params, **proof.params})
        except httpx.InvalidURL as error:
            raise self._failure(error) from error
        headers = {"user-agent": USER_AGENT, **headers, **proof.headers}
        request = httpx.Request("GET", whole, headers=headers, extensions=TIMEOUTS)
        try:
            response = await self._transport.handle_async_request(request)
            if response.status_code in statuses:
                return Streamed(self._name, response, self._failure)
            try:
                body = await self._beginning(response)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise self._failure(error) from error
        raise self._refusal(whole, response, body)

    async def _beginning(self, response: httpx.Response) -> bytes:
        """As much of a refusal as is shown."""
        parts = bytearray()
        async for part in response.aiter_bytes():
            parts += part
            if len(parts) > REFUSAL_BYTES_MAX:
                break
        return bytes(parts)


def retry_after_ms(header: str, now_ms: int) -> int:
    """The wait that a Retry-After header asks for, in seconds or until a date; 0 for none."""
    if header.isascii() and header.isdigit():
        return int(header[:DELAY_DIGITS_MAX]) * 1_000
    try:
        at = parsedate_to_datetime(header)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        at_ms = int(at.timestamp() * 1_000)
    except (ValueError, OverflowError):
        return 0
    return max(0, at_ms - now_ms)


def _origin(asked: httpx.URL, response: httpx.Response) -> str:
    """Where a redirect leads. Only the server: the rest of a login's URL may hold secrets."""
    location = response.headers.get("location", "")
    if not location:
        return ""
    try:
        url = asked.join(location)
    except (httpx.InvalidURL, ValueError):
        return ""
    return f" to {url.scheme}://{url.host}"
