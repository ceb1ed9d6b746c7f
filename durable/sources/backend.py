"""A service of the user's own that crawls and sends to Glean when a job tells it to."""

import hashlib
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, ClassVar

import httpx
import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from durable.decoding import decode
from durable.environment import Environment, Secret, absolute, check_named
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.http import retry_after
from durable.http.auth import Auth, authenticator_of, secrets_of
from durable.http.client import Answer, HttpClient
from durable.http.context import SourceContext
from durable.http.glean_address import glean_instance
from durable.http.origins import Origins
from durable.machine.job import ReadContext
from durable.machine.rate import Rate
from durable.sources.backend_report import Report, RunOutcome, report_of
from durable.sources.clock import Clock
from durable.sources.links import Links
from durable.sources.paging.param_location import wrong
from durable.sources.paging.protocol import foreign
from durable.sources.signature import Signed
from durable.sources.source import Reader, Records
from durable.timestamps import MILLISECOND, is_span, milliseconds


# For the answer to what begins a crawl: the platform ends a turn after 15 minutes.
ANSWER_MS_MAX = 14 * 60 * 1_000
ANSWER_BYTES_MAX = 64 * 1024
PATIENCE_REMEDY = (
    "a crawl that takes longer is to be answered with 202 and the URL of its status, which is then "
    "asked until it is done"
)
BEGUN = frozenset({200, 202, 204, 500})
ASKED = frozenset({200, 202})
STOPPED = frozenset({200, 202, 204})
STOP_SECONDS = 5.0  # somebody may wait for the answer to a cancel


class Backend(Struct, frozen=True, kw_only=True):
    """A crawl by another service, which a job begins and follows.

        Backend(url=Secret("CONNECTOR_API_URL"), signing_key=Secret("CONNECTOR_SIGNING_KEY"))

    The job asks `POST {url}/index` with

        Idempotency-Key: <the job's id>
        {"mode": "FULL" or "INCREMENTAL", "glean_instance": "<the name of Glean's instance>"}

    A request whose answer was lost is sent again with the same key. The answer is

    - 200 once the crawl is done, which may take up to 14 minutes. `{"status": "error", "error":
      "why"}`, also with 500, says that it failed.
    - 202 at once, with the URL of its status in the header Location or as `{"status_url": ...}`,
      on the same server. It is asked until it says `{"status": "succeeded"}`, or `"failed"` with
      an `"error"`; while it says `"running"`, or answers 202, it is asked again after `poll_every`,
      or what its header Retry-After says. Other usual words are understood too.

    A crawl that takes longer than `give_up_after`, or whose job is cancelled, is asked to stop by
    `DELETE` of the status URL.

    Signed requests say when they were made, in seconds since 1970, and what the HMAC-SHA256 of
    that, a dot and the body is. Without a body, the method and what is asked for have its place:

        stamp = headers["X-Signature-Timestamp"]
        content = body or f"{method} {path_and_query}".encode()
        code = hmac.new(KEY, f"{stamp}.".encode() + content, "sha256").hexdigest()
        assert hmac.compare_digest(f"sha256={code}", headers["X-Signature-256"])
        assert abs(time.time() - int(stamp)) < 300  # or it may be somebody's recording

    Attributes:
        url: the secret that holds the service's URL.
        auth: how the service is told who asks; None where it lets everybody in.
        signing_key: the secret that requests are signed with; None: they are not.
        give_up_after: of the whole crawl.
        poll_every: between two questions, if the service does not say.
    """

    url: Secret = Secret("CONNECTOR_API_URL")
    auth: Auth | None = None
    signing_key: Secret | None = None
    give_up_after: timedelta = timedelta(hours=6)
    poll_every: timedelta = timedelta(seconds=30)

    clock: ClassVar[Clock | None] = None

    def __post_init__(self) -> None:
        check_named(self, url=Secret, signing_key=(Secret, type(None)))
        fields = ("give_up_after", "poll_every")
        for field in (name for name in fields if not is_span(getattr(self, name), MILLISECOND)):
            raise wrong(self, field, "it is a timedelta, as in timedelta(hours=6)")

    rate: ClassVar[Rate | None] = None
    kept_ms: ClassVar[int | None] = None
    tells_changes: ClassVar[bool] = True
    has_moving_pages: ClassVar[bool] = False

    def reader(self, context: SourceContext) -> "BackendReader":
        return BackendReader(self, context)

    def secrets(self) -> frozenset[str]:
        named = (self.url, self.signing_key)
        return frozenset(each.name for each in named if each) | secrets_of(self.auth)

    def locate(self, environment: Environment) -> str:
        """A hash of the URL: it differs for another place, and keeps the URL secret."""
        url = str(self.address(environment))
        return hashlib.blake2b(url.encode(), digest_size=8).hexdigest()

    def address(self, environment: Environment) -> httpx.URL:
        """The service's URL. Raises ConfigurationError, which does not show it."""
        secret = environment.secret(self.url.name)
        try:
            url = httpx.URL(absolute(secret.reveal()))
        except ConfigurationError:
            url = None
        if url is None or url.userinfo:
            raise ConfigurationError(
                f"the secret {self.url.name} is not right: it is the URL of a server, as in "
                "https://crawler.example.com, and who asks is told by `auth`"
            )
        return url


Path = Annotated[str, Meta(pattern="^/")]


class Run(Struct, frozen=True, kw_only=True):
    """A crawl that is under way. As JSON it is the cursor."""

    url: Path  # of its status, and its query, without the server: that is a secret
    asked: int = 0  # so that no two cursors are the same
    begun_at_ms: int


class BackendReader(Reader):
    """Begins and follows the crawl of a `Backend`."""

    def __init__(self, backend: Backend, context: SourceContext) -> None:
        environment = context.environment
        url = backend.address(environment)
        self._backend = backend
        self._timeout_ms = milliseconds(backend.give_up_after)
        self._now_ms = context.now_ms
        self._index_url = url.copy_with(path=f"{url.path.rstrip('/')}/index")
        origins = Origins(str(url))
        self._links = Links(origins)
        self._instance = glean_instance(environment)
        signer = authenticator_of(backend.auth, context)
        key = environment.secret(backend.signing_key.name) if backend.signing_key else None
        upstream = HttpClient(
            "the backend", context.transport, signer, origins, is_confidential=True
        )
        self._upstream = Signed(upstream, key, url.host, context.now_ms)

    async def fetch(self, cursor: str | None, crawl: ReadContext) -> Records:
        """Begin or follow the crawl. The page has no records."""
        return await (self._begin(crawl) if cursor is None else self._follow(_run(cursor)))

    async def cancel(self, cursor: str | None) -> None:
        if cursor is not None:
            with suppress(UpstreamError):
                await self._stop(_run(cursor))

    async def _begin(self, crawl: ReadContext) -> Records:
        order = {"mode": crawl.mode, "glean_instance": self._instance}
        try:
            answer = await self._upstream.ask(
                "POST",
                self._index_url,
                content=msgspec.json.encode(order),
                headers={"content-type": "application/json", "idempotency-key": crawl.id},
                bytes_max=ANSWER_BYTES_MAX,
                statuses=BEGUN,
                timeout_seconds=min(self._timeout_ms, ANSWER_MS_MAX) / 1_000,
            )
        except UpstreamError as error:
            if isinstance(error.__cause__, httpx.TimeoutException):
                raise _failure(f"{error}: {PATIENCE_REMEDY}", error.cause) from error
            raise
        report = report_of(answer)
        if report.outcome is RunOutcome.FAILED:
            raise _failure(f"the backend's crawl failed: {report.text}")
        if answer.status == 500:
            raise UpstreamError(
                f"the backend answered 500: {report.text}",
                is_transient=True,
                status=500,
                retry_after=answer.headers.get("retry-after", ""),
            )
        if answer.status == 202 or report.outcome is RunOutcome.RUNNING:
            run = Run(url=self._status_url(report), begun_at_ms=self._now_ms())
            return self._waiting(run, answer)
        return _page(answer)

    async def _follow(self, run: Run) -> Records:
        is_late = self._now_ms() - run.begun_at_ms >= self._timeout_ms
        try:
            answer = await self._upstream.ask(
                "GET",
                self._run_url(run),
                bytes_max=ANSWER_BYTES_MAX,
                statuses=ASKED,
            )
        except UpstreamError as error:
            if is_late and error.is_transient:
                raise await self._time_out(run) from error
            raise
        report = report_of(answer)
        if report.outcome is RunOutcome.FAILED:
            raise _failure(f"the backend's crawl failed: {report.text}")
        if report.outcome is RunOutcome.SUCCEEDED and answer.status == 200:
            return _page(answer)
        if report.outcome is RunOutcome.UNKNOWN and answer.status == 200:
            raise UpstreamError(
                "the backend does not say how the crawl is getting on: its status is one of "
                f"running, succeeded and failed, not as in {report.text}",
                cause=Cause.UNREADABLE,
                is_transient=not report.is_json,
            )
        if is_late:
            raise await self._time_out(run)
        return self._waiting(replace(run, asked=run.asked + 1), answer)

    def _waiting(self, run: Run, answer: Answer) -> Records:
        now_ms = self._now_ms()
        asked_ms = retry_after.wait_ms(answer.headers.get("retry-after", ""), now_ms)
        wait_ms = asked_ms or milliseconds(self._backend.poll_every)
        told = ", as its header retry-after says" if asked_ms else ""
        left_ms = run.begun_at_ms + self._timeout_ms - now_ms
        next_cursor = msgspec.json.encode(run).decode()
        page = _page(answer)
        return replace(
            page,
            next_cursor=next_cursor,
            wait_ms=max(1, min(wait_ms, left_ms)),
            wait_reason=f"the backend is at work, and asked again later{told}",
            is_bounded=True,  # by the time that it has
        )

    def _status_url(self, report: Report) -> str:
        if not report.url:
            raise _failure(
                "the backend does not say where its crawl's status is: let it answer 202 with the "
                "URL in the header Location",
                Cause.BAD_LINK,
            )
        try:
            followed = self._links.follow(report.url, str(self._index_url))
        except UpstreamError as error:
            reason = "the backend's status URL is on another server than it, and is not asked"
            raise _failure(reason, Cause.BAD_LINK) from error
        return httpx.URL(followed).raw_path.decode()

    def _run_url(self, run: Run) -> httpx.URL:
        # It is a path, and no link: joined, one that begins with two slashes would name a server.
        return self._index_url.copy_with(raw_path=run.url.encode())

    async def _time_out(self, run: Run) -> UpstreamError:
        await self._stop(run)
        return _failure(
            f"the backend was not done after {self._timeout_ms // 1_000} s, and was asked "
            "to stop: see what it is doing, or raise give_up_after of the Backend",
            Cause.UNANSWERED,
        )

    async def _stop(self, run: Run) -> None:
        """It may be done, or not know how."""
        with suppress(UpstreamError):
            await self._upstream.ask(
                "DELETE",
                self._run_url(run),
                bytes_max=ANSWER_BYTES_MAX,
                statuses=STOPPED,
                timeout_seconds=STOP_SECONDS,
            )


def _run(cursor: str) -> Run:
    """Raises UpstreamError where the cursor is of another source, or of another stage."""
    try:
        return decode(cursor, Run)
    except msgspec.DecodeError as error:
        raise foreign("a backend's crawl", cursor) from error


def _page(answer: Answer) -> Records:
    return Records(records=[], next_cursor=None, byte_count=len(answer.body))


def _failure(reason: str, cause: Cause = Cause.REFUSED) -> UpstreamError:
    return UpstreamError(reason, cause=cause)
