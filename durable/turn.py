"""One turn of a job: decide, do, remember, until it waits, yields or ends."""

from collections import deque
from collections.abc import Callable

import httpx
from msgspec import Struct

from durable.batches import Batch, batches
from durable.connector import AnyConnector
from durable.environment import Environment
from durable.errors import ConfigurationError, UpstreamError
from durable.glean import Glean
from durable.job import ENDED, Job, Limits, Page
from durable.machine import (
    ALARM_MS_MIN,
    Close,
    Closed,
    Effect,
    Event,
    Failed,
    Fetch,
    Fetched,
    Open,
    Opened,
    Send,
    Sent,
    Woke,
    step,
)
from durable.records import changes
from durable.sources.json_pages import JsonPagesReader
from durable.store import Store
from durable.upstream import Upstream


GLEAN_TOKEN = "GLEAN_INDEXING_API_TOKEN"  # noqa: S105 - the name of a secret


REASON_CHARACTERS_MAX = 600  # of an error, as it is stored and shown


class Host(Struct, frozen=True):
    """What only the platform can give."""

    now_ms: Callable[[], int]
    nonce: Callable[[], str]  # a few hexadecimal digits, different each time
    transport: httpx.AsyncBaseTransport


class Turn:
    """Carries one job through one wake-up. Lives no longer than that."""

    def __init__(
        self,
        job_id: str,
        connector: AnyConnector,
        environment: Environment,
        store: Store,
        host: Host,
    ) -> None:
        self._job_id = job_id
        self._connector = connector
        self._environment = environment
        self._store = store
        self._host = host
        self._limits = Limits()
        # Fetched and not yet acknowledged, by page and place in it: all that a crash loses.
        self._batches: dict[tuple[int, int], Batch] = {}

    async def run(self) -> None:
        ends = self._ends()
        effects = deque(await self._advance(Woke(self._store.watermark_ms())))
        while effects:
            effect = effects.popleft()
            event = ends if isinstance(ends, Failed) else await self._perform(effect, ends)
            effects.extend(await self._advance(event))

    async def _advance(self, event: Event) -> tuple[Effect, ...]:
        """Load, step and save with no await between: one transaction."""
        now_ms = self._host.now_ms()
        job = self._store.load(self._job_id)
        assert job is not None, "jobs that are not ended are kept"
        if job.state in ENDED:
            return ()  # ended by somebody while we waited; the alarm is theirs
        job, effects = step(job, event, now_ms, self._limits)
        await self._store.save(job, self._alarm_at_ms(job, now_ms))
        return effects

    def _alarm_at_ms(self, job: Job, now_ms: int) -> int | None:
        if job.state not in ENDED:
            return job.alarm_at_ms
        is_another_queued = any(other.id != job.id for other in self._store.unended())
        return now_ms + ALARM_MS_MIN if is_another_queued else None

    async def _perform(self, effect: Effect, ends: "_Ends") -> Event:
        try:
            match effect:
                case Open(upload_id):
                    await ends.glean.open(upload_id)
                    return Opened()
                case Fetch():
                    return await self._fetch(effect, ends.source)
                case Send(page_index, batch_index):
                    await ends.glean.send(self._batches[page_index, batch_index])
                    del self._batches[page_index, batch_index]
                    return Sent(page_index, batch_index)
                case Close(upload_id, ask_first):
                    if not (ask_first and await ends.glean.is_closed(upload_id)):
                        await ends.glean.close(upload_id)
                    return Closed()
        except UpstreamError as error:
            return self._failed(
                error, is_transient=error.is_transient, after_ms=error.retry_after_ms
            )

    async def _fetch(self, fetch: Fetch, source: JsonPagesReader) -> Fetched:
        page = await source.fetch(fetch.cursor, fetch.since_ms)
        cut = batches(
            changes(self._connector, page.records, fetch.cursor),
            self._connector.datasource,
            fetch.upload_id,
            self._limits,
        )
        batch_count = document_count = deletion_count = 0
        for batch in cut:
            self._batches[fetch.page_index, batch_count] = batch
            batch_count += 1
            document_count += batch.document_count
            deletion_count += batch.deletion_count
        return Fetched(
            fetch.page_index,
            Page(
                next_cursor=page.next_cursor,
                batch_count=batch_count,
                document_count=document_count,
                deletion_count=deletion_count,
                byte_count=page.byte_count,
            ),
        )

    def _failed(self, error: Exception, after_ms: int = 0, *, is_transient: bool) -> Failed:
        """The one way by which a text from outside becomes part of a job."""
        reason = " ".join(self._environment.redacted(str(error)).split())
        return Failed(reason[:REASON_CHARACTERS_MAX], is_transient, after_ms)

    def _ends(self) -> "_Ends | Failed":
        """Where the records come from and where they go, or why that cannot be told."""
        environment, source = self._environment, self._connector.source
        try:
            self._limits = environment.limits()
            glean = Upstream("Glean", self._host.transport, environment.secret(GLEAN_TOKEN))
            token = environment.secret(source.token_secret) if source.token_secret else None
            return _Ends(
                JsonPagesReader(
                    source,
                    source.located(environment),
                    Upstream("the source", self._host.transport, token),
                    self._limits.page_bytes_max,
                ),
                Glean(glean, environment.glean_url(), self._connector.datasource),
            )
        except ConfigurationError as error:
            return self._failed(error, is_transient=False)


class _Ends(Struct, frozen=True):
    source: JsonPagesReader
    glean: Glean
