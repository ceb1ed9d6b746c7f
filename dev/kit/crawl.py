"""Pages read as a job reads them: by the connector's own readers, made into requests to Glean.

Whoever reads, begins each page with new readers where it wants a crash before it.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable.connector.context import Contexts
from durable.connector.definition import AnyConnector
from durable.connector.mapping import changes
from durable.engine.clients import Clients, build_clients
from durable.engine.platform import Platform
from durable.environment import Environment
from durable.errors import UpstreamError
from durable.glean.batches import Batch, batches, sizes_of
from durable.glean.mapped_record import MappedRecord
from durable.glean.payloads import Envelope
from durable.http.retry_after import wait_ms
from durable.limits import Limits
from durable.machine.job import Mode, ReadContext, Stage
from durable.machine.rejects import Reject
from durable.sources.source import Records


ATTEMPTS_MAX = 3  # at a page, where nobody is kept waiting; a job tries for a day
BACKOFF_MS = 60_000
UPLOAD_ID = "offline"


class Clock:
    """Stands still, but for the waits of a source."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def __call__(self) -> int:
        return self._now_ms

    def wait(self, for_ms: int) -> None:
        self._now_ms += for_ms


class Made(Struct, frozen=True):
    """What a record became, as it is compared."""

    key: str
    kind: str
    content: bytes
    place: int  # in its page, from 1


class PageRead(Struct, frozen=True, kw_only=True):
    """One page, from the source to the requests that would bring it to Glean."""

    mode: Mode
    stage: Stage
    number: int  # in its stream, from 1
    cursor: str | None
    records: Records
    changes: Sequence[MappedRecord] = ()
    rejects: Sequence[Reject] = ()
    batches: Sequence[Batch] = ()

    @property
    def made(self) -> list[Made]:
        """All that the records became, deletions too, but what cannot be written as JSON."""
        rejected = {reject.place for reject in self.rejects}
        return [
            Made(placed.key, type(placed.change).__name__, written(placed.change), placed.place)
            for placed in self.changes
            if placed.place not in rejected
        ]

    def __str__(self) -> str:
        return place(self.mode, self.stage, self.number, self.cursor)


class Offline:
    """Reads the streams of a connector.

    Args:
        connector: whose streams they are.
        environment: variables and secrets.
        transport: carries the requests to the sources.
        clock: of the readers.
        since_ms: the watermark: an INCREMENTAL job reads what changed then or later, and in the
            overlap before it.
        attempts_max: at a page, one after the other without a pause.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that a reader has to work with
        self,
        connector: AnyConnector,
        environment: Environment,
        transport: httpx.AsyncBaseTransport,
        clock: Clock,
        since_ms: int,
        attempts_max: int = ATTEMPTS_MAX,
    ) -> None:
        self._connector = connector
        self._environment = environment
        self.since_ms = since_ms
        self.attempts_max = attempts_max
        self.clock = clock
        self._host = offline_host(transport, clock)

    def ends(self) -> Clients:
        """New ones, as each turn of a job has them. Raises ConfigurationError."""
        return build_clients(self._connector, self._environment, self._host)

    @asynccontextmanager
    async def reading(self, mode: Mode, stage: Stage) -> AsyncIterator["Reading"]:
        """New readers of one stream, that know of no page before. Raises ConfigurationError."""
        reading = Reading(self, mode, stage)
        try:
            yield reading
        finally:
            await reading.close()

    def mapped(self, page: PageRead, limits: Limits) -> PageRead:
        """The page with all that becomes of its records."""
        mode, stage = page.mode, page.stage
        rejects: list[Reject] = []
        stream = self._connector.streams(mode)[stage]
        contexts = Contexts(self._connector, self._environment, mode)
        mapped = list(changes(stream, stage, page.records, rejects, contexts))
        upload_id = UPLOAD_ID if mode is Mode.FULL or stage is Stage.MEMBERSHIPS else ""
        envelope = Envelope(stage, self._connector.datasource.name, upload_id)
        cut = list(batches(mapped, envelope, sizes_of(envelope, limits), rejects))
        return replace(page, changes=mapped, rejects=rejects, batches=cut)


class Reading:
    """Of one stream, page by page.

    Args:
        offline: whose stream it is.
        mode: of the job.
        stage: of it.
    """

    def __init__(self, offline: Offline, mode: Mode, stage: Stage) -> None:
        self._offline = offline
        self._mode = mode
        self._stage = stage
        self._ends = offline.ends()

    async def page(self, cursor: str | None, number: int) -> PageRead:
        """One page, tried again where that may help.

        Raises:
            UpstreamError: as the reader does.
        """
        mode, stage = self._mode, self._stage
        since_ms = self._offline.since_ms if mode is Mode.INCREMENTAL else None
        crawl = ReadContext(f"offline-{mode.lower()}", mode, stage, since_ms)
        records = await self._fetch(cursor, crawl)
        self._offline.clock.wait(records.wait_ms)
        page = PageRead(mode=mode, stage=stage, number=number, cursor=cursor, records=records)
        return self._offline.mapped(page, self._ends.limits)

    async def close(self) -> None:
        await self._ends.close()

    async def _fetch(self, cursor: str | None, crawl: ReadContext) -> Records:
        attempt = 1
        while True:
            try:
                return await self._ends.readers[self._stage].fetch(cursor, crawl)
            except UpstreamError as error:
                if attempt == self._offline.attempts_max or not error.is_transient:
                    raise
                clock = self._offline.clock
                clock.wait(max(wait_ms(error.retry_after, clock()), BACKOFF_MS))
            attempt += 1
            await self.close()
            self._ends = self._offline.ends()


def offline_host(transport: httpx.AsyncBaseTransport, now_ms: Callable[[], int]) -> Platform:
    """What a platform would give: nothing is drawn, and nothing waited for."""
    return Platform(now_ms, lambda: "0", lambda: 0.5, transport, _no_wait)


def place(mode: Mode, stage: Stage, number: int, cursor: str | None) -> str:
    """A page, for a person."""
    at = "the first one" if cursor is None else f"cursor {cursor!r:.80}"
    return f"{stage} of the {mode} job, page {number} ({at})"


def written(change: Any) -> bytes:
    """As JSON; what cannot be, empty: it is among the rejects."""
    try:
        return msgspec.json.encode(change)
    except (TypeError, ValueError, OverflowError):
        return b""


async def _no_wait(_duration_ms: int) -> None:
    """Nothing else is under way."""
