"""Performs what the machine asks for, against the source and Glean, and says what became of it."""

from collections.abc import Awaitable, Iterable, Iterator, Mapping
from typing import assert_never

from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.connector.mapping import changes
from durable.engine.clients import Clients, build_clients
from durable.engine.comparison import LedgerPage, LedgerView, overlaid
from durable.engine.failures import Failures
from durable.engine.group_uploads import GroupUploads
from durable.engine.inquiry import CONFLICT, Inquiry
from durable.engine.packing import Packing, Parcel, measure_page
from durable.engine.platform import Platform
from durable.engine.redaction import clean_reason, redact
from durable.environment import Environment
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.glean.batches import Batch, items_of
from durable.glean.client import Glean
from durable.glean.mapped_record import excerpt
from durable.glean.payloads import Envelope
from durable.glean.statuses import INVALID, REFUSED
from durable.machine.effects import (
    Close,
    Closed,
    CloseRefused,
    CloseWithDocument,
    Displaced,
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
    Sent,
    Split,
)
from durable.machine.job import ReadContext, UploadStatus
from durable.machine.rejects import Reject, RejectCode
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
        self._inquiry = Inquiry()
        self._page_ms = 0  # that the latest page took the source
        self._records: dict[int, Records] = {}  # of pages that are not packed yet
        self._parcels: dict[int, Parcel] = {}  # of pages that are not in Glean yet
        self._refusals: Mapping[str, str] = {}
        self.watched: frozenset[str] = frozenset()  # names of earlier rejects, to be looked out for
        self._group_uploads = GroupUploads()
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

    async def perform(  # noqa: PLR0911 - a return for each effect
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
                case Fetch():
                    return await self._fetch(effect, ends, crawl)
                case Pack():
                    # It keeps the processor to itself, and a slow source is to be asked before.
                    if self._page_ms >= SLOW_MS:
                        await self._host.wait(1)  # then what was asked for has left
                    return self._pack(effect, ends, crawl)
                case Send():
                    return await self._send(effect, glean)
                case Close():
                    return await self._close(
                        glean.close(
                            effect.upload_id,
                            is_only_page=effect.is_only_page,
                            is_deletion_checked=effect.is_deletion_checked,
                        )
                    )
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
        parcel = self._parcels[send.page_index]
        batch = parcel.batches[send.batch_index]
        assert batch is not None, f"{send} was acknowledged"
        if batch.group_part is not None:
            event = await self._send_members(send, batch, glean)
        else:
            event = await self._send_documents(send, batch, glean)
        if isinstance(event, Sent):
            parcel.batches[send.batch_index] = None  # its memory is for the next page
        return event

    async def _send_documents(self, send: Send, batch: Batch, glean: Glean) -> Event:
        try:
            await glean.send(batch)
        except UpstreamError as error:
            return await self._refused(send, batch, error, glean)
        self._inquiry.taken()
        entries = self._parcels[send.page_index].entries(batch)
        count = batch.document_count
        return Sent(send.page_index, send.batch_index, document_count=count, entries=entries)

    async def _send_members(self, send: Send, batch: Batch, glean: Glean) -> Event:
        parcel = self._parcels[send.page_index]
        outcome = await self._group_uploads.send(send, batch, glean, parcel.rejects)
        if isinstance(outcome, Sent):
            shortfall = clean_reason(outcome.shortfall, self._environment)
            return replace(outcome, shortfall=shortfall, entries=parcel.entries(batch))
        return self._split(send, outcome.halves, outcome.batch_bytes_max)

    def _split(self, send: Send, halves: tuple[Batch, Batch], bytes_max: int | None) -> Split:
        held = self._parcels[send.page_index].batches
        held[send.batch_index], half = halves
        held.append(half)
        return Split(send.page_index, send.batch_index, len(held) - 1, bytes_max)

    async def _refused(self, send: Send, batch: Batch, error: UpstreamError, glean: Glean) -> Event:
        """A batch that Glean does not take is cut, until what is at fault stands alone."""
        is_conflict = error.status == CONFLICT and batch.upload_id and glean.tells_uploads
        if not is_conflict and error.status not in REFUSED:
            raise error
        is_for_all = await self._inquiry.is_meant_for_all(send.page_index, batch, error, glean)
        if is_conflict or (is_for_all and batch.upload_id and glean.tells_uploads):
            standing = await glean.standing(batch.upload_id)
            if standing is not UploadStatus.OPEN:
                reason = self._failures.reason(error)
                return Displaced(f"the upload {batch.upload_id} is {standing}; {reason}")
        if is_for_all:
            reason = (
                f"whatever is sent to {batch.endpoint} is refused, no record is at fault: {error}"
            )
            raise UpstreamError(reason, status=error.status)
        parcel = self._parcels[send.page_index]
        if len(batch.items) > 1:
            bytes_max = batch.byte_count // 2 if error.status == 413 else None
            first, second = batch.halves()
            split = self._split(send, (first, second), bytes_max)
            return replace(split, batch_changes_max=len(first.items))
        if is_conflict:
            if await self._inquiry.is_conflict_of_all(batch, glean):
                raise error
            # The upload is open and has this document already: an earlier try was heard.
            return Sent(send.page_index, send.batch_index, entries=parcel.entries(batch))
        (item,) = batch.items
        if item.is_of_former_type and error.status in INVALID:
            # Of a type that it does not know, Glean has nothing.
            return Sent(send.page_index, send.batch_index, entries=parcel.entries(batch))
        reject = Reject(
            item.place, item.key, str(error), excerpt(item.encoded), code=RejectCode.REFUSED.value
        )
        parcel.rejects.append(reject)
        if parcel.ledger is not None:
            parcel.ledger = parcel.ledger.without([item.key]).with_rejected([item.key])
        return Sent(
            send.page_index,
            send.batch_index,
            rejected_document_count=batch.document_count,
            rejected_deletion_count=batch.deletion_count,
            document_count=batch.document_count,
            entries=parcel.entries(batch, is_refused=True),
        )

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
