"""The Worker, asked over HTTP."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec
from msgspec import Struct

from glean_sync import __version__
from glean_sync.answers import Problem
from glean_sync.configuration import Setting
from glean_sync.decoding import decode
from glean_sync.exits import CommandError, RefusedError, SignInError, UnreachableError
from glean_sync.machine import Machine
from glean_sync.texts import say


CONNECT_SECONDS_MAX = 10
ANSWER_SECONDS_MAX = 100  # after so long, Cloudflare answers in the Worker's place
# Between the attempts of a question that does no harm when it is asked again: a deployment takes
# seconds, and cuts off whoever waits for an answer.
PAUSES_SECONDS = (1, 2, 4, 8, 15)
PROBLEM = "application/problem+json"
ACCESS = ".cloudflareaccess.com"

Body = TypeVar("Body")


class Answer(Struct, frozen=True):
    """What came back."""

    body: bytes

    def read(self, kind: type[Body]) -> Body:
        """The body as a type.

        Raises:
            UnreachableError: it is something else.
        """
        try:
            return decode(self.body, kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnreachableError(
                f"The answer is not what was expected: {error}. Is the URL that of the Worker, and "
                f"this version of glean-sync ({__version__}) the one that goes with it?"
            ) from error


class Worker:
    """Use it as an asynchronous context manager.

    Args:
        url: without a path.
        token: sent with each request.
        machine: of the command.
        tell: takes a line for a person about trouble that may pass.
        trace: takes a line for each request and answer.
    """

    def __init__(
        self,
        url: str,
        token: Setting,
        machine: Machine,
        tell: Callable[[str], None],
        trace: Callable[[str], None],
    ) -> None:
        self._url = url
        self._token = token
        self._machine = machine
        self._tell = tell
        self._trace = trace
        self._client = httpx.AsyncClient(
            base_url=url,
            transport=machine.transport,
            timeout=httpx.Timeout(ANSWER_SECONDS_MAX, connect=CONNECT_SECONDS_MAX),
            headers={
                "authorization": f"Bearer {token.value}",
                "accept": "application/json",
                "user-agent": f"glean-sync/{__version__}",
            },
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def get(
        self, path: str, parameters: Mapping[str, str] | None = None, *, is_patient: bool = False
    ) -> Answer:
        """Ask for something.

        Args:
            path: may have a query of its own.
            parameters: a query, where the path has none.
            is_patient: ask again where the way to the Worker breaks, or the Worker itself.

        Raises:
            CommandError: there is no answer, or a refusal.
        """
        request = self._client.build_request("GET", path, params=parameters or None)
        return await self._answer(request, is_repeatable=is_patient)

    async def post(
        self, path: str, content: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Answer:
        """Have something done.

        Args:
            path: may have a query.
            content: the body, as JSON.
            key: makes one request of all that are sent with it, so that it may be sent again.

        Raises:
            CommandError: there is no answer, or a refusal.
        """
        headers = {} if key is None else {"idempotency-key": key}
        request = self._client.build_request("POST", path, json=content, headers=headers)
        return await self._answer(request, is_repeatable=key is not None)

    async def _answer(self, request: httpx.Request, *, is_repeatable: bool) -> Answer:
        for pause_seconds in PAUSES_SECONDS if is_repeatable else ():
            try:
                return await self._send(request)
            except CommandError as error:
                if not _may_pass(error):
                    raise
                self._tell(f"{error} Trying again in {pause_seconds} s.")
            await self._machine.wait(pause_seconds)
        return await self._send(request)

    async def _send(self, request: httpx.Request) -> Answer:
        asked = f"{request.method} {request.url}"
        began = self._machine.monotonic_seconds()
        try:
            response = await self._client.send(request)
        except httpx.HTTPError as error:
            self._trace(f"{asked}: {type(error).__name__}")
            raise UnreachableError(self._explain_unreached(error, request)) from error
        seconds = self._machine.monotonic_seconds() - began
        self._trace(f"{asked}: {response.status_code} in {seconds:.2f} s")
        if response.is_success:
            return Answer(response.content)
        raise self._refusal(response)

    def _refusal(self, response: httpx.Response) -> CommandError:
        problem = _problem(response)
        if problem is None:
            return UnreachableError(self._no_worker(response))
        if problem.status == 401:
            return SignInError(
                f"The Worker does not take the token of {self._token.origin}: {problem.detail} "
                "Run `glean-sync login` to set another."
            )
        takes = "" if not problem.legal else f" The job takes: {', '.join(problem.legal)}."
        told = " ".join(filter(None, (problem.detail, say(problem.remedy))))
        text = f"{problem.title} ({problem.status}): {told}{takes}"
        return RefusedError(text, problem.status)

    def _no_worker(self, response: httpx.Response) -> str:
        status = response.status_code
        if ACCESS in response.headers.get("location", ""):
            return (
                f"{self._url} is behind Cloudflare Access, which let no bearer token through: have "
                "it bypass Access for this machine, or ask at another of the Worker's addresses."
            )
        if status >= 500:
            return f"{self._url} answered {status}: the Worker failed, or is being deployed."
        return f"{self._url} answered {status} in a way that the Worker does not: check the URL."

    def _explain_unreached(self, error: httpx.HTTPError, request: httpx.Request) -> str:
        causes = [*_causes(error)]
        text = str(causes[-1]) or type(error).__name__
        # What was asked for may be done although nobody heard of it.
        may_be = " It may have been done nevertheless." if request.method == "POST" else ""
        match error:
            case httpx.ConnectTimeout():
                told = f"{self._url} could not be reached in {CONNECT_SECONDS_MAX} s: check the URL"
            case httpx.TimeoutException():
                return f"{self._url} did not answer in {ANSWER_SECONDS_MAX} s.{may_be}"
            case _ if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
                told = (
                    f"The certificate of {self._url} was not accepted: {text}. Where a company's "
                    "proxy has one of its own, name it with SSL_CERT_FILE"
                )
            case _ if any(isinstance(cause, ssl.SSLError) for cause in causes):
                told = f"{self._url} does not speak TLS as it should: {text}. Check the URL"
            case httpx.ConnectError():
                told = (
                    f"{self._url} could not be reached: {text}. Check the URL, and that the "
                    "Worker is deployed"
                )
            case _:
                return f"The connection to {self._url} broke off: {text}.{may_be}"
        return f"{told}."


def _problem(response: httpx.Response) -> Problem | None:
    if response.headers.get("content-type", "").partition(";")[0].strip() != PROBLEM:
        return None
    try:
        return decode(response.content, Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _may_pass(error: CommandError) -> bool:
    is_failure = isinstance(error, RefusedError) and (error.status or 0) >= 500
    return is_failure or isinstance(error, UnreachableError)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came of."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
