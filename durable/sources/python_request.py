"""What an author's code is given, what it returns, and what it may raise."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.errors import Recourse, UpstreamError
from durable.machine.job import Mode, Stage
from durable.sources.python_client import Client
from durable.sources.source import NO_SCOPE, Scope


Parent = TypeVar("Parent")
SECOND = timedelta(seconds=1)


class FetchRequest(Struct, frozen=True, kw_only=True, eq=False):
    """A request for one page.

    Attributes:
        cursor: where to go on, as the page before it gave it; None for the first page.
        since: the aware time from which on changes are asked for, or None for all there is. It is
            earlier than the watermark by the source's `overlap`.
        mode: of the job.
        stage: what is brought.
        client: the only network there is.
    """

    cursor: Any
    since: datetime | None
    mode: Mode
    stage: Stage
    client: Client
    _secret: Callable[[str], str]
    _variable: Callable[[str], str]
    _scope: Scope = NO_SCOPE

    def secret(self, name: str) -> str:
        """One of those that the source declares as `secrets`. Raises KeyError for another."""
        return self._secret(name)

    def variable(self, name: str) -> str:
        """A variable of the deployment. Raises ConfigurationError where it is not set."""
        return self._variable(name)

    def parent(self, name: str, type: type[Parent]) -> Parent:  # noqa: A002 - as msgspec has it
        """The parent of that name whose children are asked for, where `Nested` asks.

        Raises:
            KeyError: there is none of that name.
            UpstreamError: it is not of that type.
        """
        try:
            parent: Parent = decode(bytes(self._scope[name]), type)
        except msgspec.DecodeError as error:
            raise Fail(f"the {name} is not as expected: {error}") from error
        return parent


class SourcePage(Struct, frozen=True):
    """One page that an author's code returns.

    Attributes:
        records: dicts, msgspec Structs, or whatever else can be written as JSON.
        next_cursor: where to go on: any JSON value that says all there is to know. None: there is
            no more, and what a FULL job did not get, Glean deletes.
        total_count: of the records on all pages, if the source tells.
        wait: before anything more is asked for.
    """

    records: Iterable[Any]
    next_cursor: Any = None
    total_count: int | None = None
    wait: timedelta = timedelta(0)


class Retry(UpstreamError):  # noqa: N818 - as authors raise it
    """Raise it to have the page asked for again, after the job's back-off or a given time."""

    def __init__(
        self, reason: str = "the source is to be asked again", *, after: timedelta | None = None
    ) -> None:
        seconds = "" if after is None else str(max(0, -(-after // SECOND)))
        super().__init__(reason, is_transient=True, retry_after=seconds)


class StartOver(UpstreamError):  # noqa: N818 - as authors raise it
    """Raise it where the cursor is no longer valid: the crawl starts over."""

    def __init__(self, reason: str = "the source has forgotten its cursor") -> None:
        super().__init__(reason, is_transient=False, recourse=Recourse.RESTART)


class Skip(UpstreamError):  # noqa: N818 - as authors raise it
    """Raise it to reject the parent whose children are asked for, and to continue."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, is_transient=False, recourse=Recourse.SKIP)


class Fail(UpstreamError):  # noqa: N818 - as authors raise it
    """Raise it to fail the job."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, is_transient=False)
