"""Performs what the machine asks for, against the source and Glean, and says what became of it."""

from collections.abc import Awaitable, Iterable, Iterator, Mapping
from typing import assert_never

from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.connector.mapping import changes
from durable.engine.batch_sender import BatchSender
from durable.engine.clients import Clients, build_clients
from durable.engine.comparison import LedgerPage, LedgerView, overlaid
from durable.engine.failures import Failures
from durable.engine.packing import Packing, measure_page
from durable.engine.parcel import Parcel
from durable.engine.platform import Platform
from durable.engine.redaction import clean_reason, redact, redact_names
from durable.environment import Environment
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.glean.batches import items_of
from durable.glean.client import Glean
from durable.glean.payloads import Envelope
from durable.glean.statuses import INVALID
from durable.machine.effects import (
    Close,
    Closed,
    CloseRefused,
    CloseWithDocument,
    CountDocuments,
    DocumentsCounted,
    Event,
    Failed,
    Fetch,
    Fetched,
    Open,
    Opened,
    Pack,
    Packed,
    QueryUpload,
    RequestEffect,
    Send,
)
from durable.machine.job import ReadContext
from durable.machine.rejects import Reject
from durable.sources.source import Records


SLOW_MS = 5  # a page of a source that is worth a pause


class Executor:
    """Performs the effects of one turn. A crash loses only what this holds in memory.

    Args:
        connector: whose job it is.
        environment: variables and secrets.
        host: clock, randomness and network.
        ledger: what Glean has, without what is under way.
    """

    def __init__(
        self,
        connector: AnyConnector,
        environment: Environment,
        host: Platform,
        ledger: LedgerView,
    ) -> None:
        self._connector = connector
        self._environment = environment
        self._host = host
        self._failures = Failures(environment, host)
        self._sender = BatchSender(environment, self._failures)
        self._page_ms = 0  # that the latest page took the source
        self._records: dict[int, Records] = {}  # of pages that are not packed yet
        self._parcels: dict[int, Parcel] = {}  # of pages that are not in Glean yet
        self._refusals: Mapping[str, str] = {}
        self.watched: frozenset[str] = frozenset()  # names of earlier rejects, to be looked out for
        self._ledger = overlaid(ledger, self._under_way)

    def ends(self) -> Clients | Failed:
        """The two ends, or why they cannot be told."""
        try:
            return build_clients(self._connector, self._environment, self._host)
        except ConfigurationError as error:
            return self._failures.of(error, is_transient=False, cause=Cause.MISCONFIGURED)

    def rejects(self, page_index: int) -> list[Reject]:
        """What was rejected of a page so far, without secrets."""
        parcel = self._parcels.get(page_index)
        return [redact(reject, self._environment) for reject in parcel.rejects] if parcel else []

    def latest_rejects(self, page_index: int) -> list[Reject]:
        """What Glean has refused of a page since this was asked for last, without secrets."""
        parcel = self._parcels[page_index]
        latest = parcel.rejects[parcel.told_count :]
        parcel.told_count = len(parcel.rejects)
        return [redact(reject, self._environment) for reject in latest]

    def ledger_page(self, page_index: int) -> LedgerPage | None:
        """What a page that is packed is to the ledger."""
        parcel = self._parcels.get(page_index)
        return parcel.ledger if parcel else None

    def group_sizes(self, page_index: int) -> Mapping[str, int]:
        """The members of a packed page's groups."""
        return self._parcels[page_index].group_sizes if page_index in self._parcels else {}

    def withhold(self, page_index: int) -> None:
        """The page is not sent: it means nothing to the ledger."""
        self._parcels[page_index].ledger = None

    def _under_way(self) -> Iterator[LedgerPage]:
        for _, parcel in sorted(self._parcels.items()):
            if parcel.ledger is not None:
                yield parcel.ledger

    def recall(self, refused: Iterable[Reject]) -> None:
        """What Glean refused of the first page, when an earlier turn sent it."""
        self._refusals = {reject.key: reject.reason for reject in refused}

    def accepted(self, page_index: int) -> set[str]:
        """The names of what was watched for, and is in Glean with this page."""
        return self._parcels[page_index].accepted()

    def held(self) -> list[int]:
        """The pages that were packed and are not forgotten, in order."""
        return sorted(self._parcels)

    def forget(self, page_index: int) -> None:
        """The page is in Glean, or never will be."""
        self._parcels.pop(page_index, None)

    async def perform(  # noqa: C901, PLR0911 - a return for each effect
        self, effect: RequestEffect, ends: Clients, crawl: ReadContext
    ) -> Event:
        glean = ends.glean(crawl.stage)
        try:
            match effect:
                case Open(upload_id):
                    await glean.open(upload_id)
                    return Opened()
                case QueryUpload(upload_id):
                    return await glean.query_upload(upload_id)
                case CountDocuments():
                    counts = await glean.count_documents()
                    return DocumentsCounted(redact_names(counts, self._environment))
                case Fetch():
                    return await self._fetch(effect, ends, crawl)
                case Pack():
                    # It keeps the processor to itself, and a slow source is to be asked before.
                    if self._page_ms >= SLOW_MS:
                        await self._host.wait(1)  # then what was asked for has left
                    return self._pack(effect, ends, crawl)
                case Send():
                    return await self._send(effect, glean)
                case Close(upload_id, is_only_page, is_checked):
                    closing = glean.close(
                        upload_id, is_only_page=is_only_page, is_deletion_checked=is_checked
                    )
                    return await self._close(closing)
                case CloseWithDocument():
                    return await self._close_with_document(effect, ends, crawl)
                case _:
                    assert_never(effect)
        except UpstreamError as error:
            return self._failures.of_effect(effect, error, self._parcels)

    async def _fetch(self, fetch: Fetch, ends: Clients, crawl: ReadContext) -> Fetched:
        begun_at_ms, clock = self._host.now_ms(), ends.clock(crawl.stage)
        page = await ends.readers[crawl.stage].fetch(fetch.cursor, crawl)
        self._page_ms = self._host.now_ms() - begun_at_ms
        self._records[fetch.page_index] = page
        note = clean_reason(page.note, self._environment)
        latest_ms = clock.latest_ms(page.records, self._host.now_ms()) if clock else 0
        read = replace(measure_page(page), note=note, latest_ms=latest_ms)
        return Fetched(fetch.page_index, read)

    def _pack(self, pack: Pack, ends: Clients, crawl: ReadContext) -> Packed:
        page, stage = self._records.pop(pack.page_index), crawl.stage
        packing = Packing(
            ends.contexts(crawl.mode),
            ends.streams[stage],
            stage,
            ends.limits,
            ledger=self._ledger,
            clock=ends.clock(stage),
            refusals=self._refusals,
            watched=self.watched,
        )
        parcel = self._parcels[pack.page_index] = packing.parcel(pack, page)
        return replace(
            parcel.packed, shortfall=clean_reason(parcel.packed.shortfall, self._environment)
        )

    async def _send(self, send: Send, glean: Glean) -> Event:
        return await self._sender.send(send, self._parcels[send.page_index], glean)

    async def _close(self, closing: Awaitable[None]) -> Event:
        try:
            await closing
        except UpstreamError as error:
            if error.status not in INVALID:
                raise
            return CloseRefused(self._failures.reason(error))
        return Closed()

    async def _close_with_document(
        self, effect: CloseWithDocument, ends: Clients, crawl: ReadContext
    ) -> Event:
        stage = crawl.stage
        page = await ends.readers[stage].fetch(effect.cursor, crawl)
        mapped = changes(ends.streams[stage], stage, page, [], ends.contexts(crawl.mode))
        envelope = Envelope(stage, self._connector.datasource.name, effect.upload_id)
        items = items_of(mapped, envelope, ends.limits)
        if effect.index >= len(items):
            reason = (
                "Glean takes no empty last page, and the source's last page with documents no "
                "longer has one that Glean takes"
            )
            return Failed(reason, is_transient=True, jitter=self._host.draw())
        item = items[effect.index]
        closing = ends.glean(stage).close_with(
            effect.upload_id, item, is_deletion_checked=effect.is_deletion_checked
        )
        return await self._close(closing)
