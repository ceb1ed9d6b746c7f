"""Sends a page's batches to Glean, and cuts what Glean refuses."""

from msgspec.structs import replace

from durable.engine.failures import Failures
from durable.engine.group_uploads import GroupUploads
from durable.engine.inquiry import CONFLICT, Inquiry
from durable.engine.packing import Parcel, withdrawn
from durable.engine.redaction import clean_reason
from durable.environment import Environment
from durable.errors import UpstreamError
from durable.glean.batches import Batch
from durable.glean.client import Glean
from durable.glean.mapped_record import excerpt
from durable.glean.statuses import INVALID, REFUSED
from durable.machine.effects import Displaced, Event, Send, Sent, Split
from durable.machine.job import UploadStatus
from durable.machine.rejects import Reject, RejectCode


UNSHARED = REFUSED | {404}  # Glean takes no permissions of a document, or has no such document
EXPOSED = "Glean may show its older version to others, and does not delete it either: "


class BatchSender:
    """Of one turn.

    Args:
        environment: whose secrets no reason may have.
        failures: words for what Glean answers.
    """

    def __init__(self, environment: Environment, failures: Failures) -> None:
        self._environment = environment
        self._failures = failures
        self._inquiry = Inquiry()
        self._group_uploads = GroupUploads()

    async def send(self, send: Send, parcel: Parcel, glean: Glean) -> Event:
        """Send a batch of a page.

        Args:
            send: names the batch.
            parcel: of the page; it keeps what has become of the batch.
            glean: where it goes.

        Raises:
            UpstreamError: the answer was lost, or is no refusal of what was sent.
        """
        batch = parcel.batches[send.batch_index]
        assert batch is not None, f"{send} was acknowledged"
        if batch.group_part is not None:
            event = await self._send_members(send, batch, parcel, glean)
        else:
            event = await self._send_documents(send, batch, parcel, glean)
        if isinstance(event, Sent):
            parcel.batches[send.batch_index] = None  # its memory is for the next page
        return event

    async def _send_documents(
        self, send: Send, batch: Batch, parcel: Parcel, glean: Glean
    ) -> Event:
        try:
            await glean.send(batch)
        except UpstreamError as error:
            if batch.whole is not None and error.status in UNSHARED:
                parcel.batches[send.batch_index] = batch.whole
                return await self._send_documents(send, batch.whole, parcel, glean)
            return await self._refused(send, batch, error, parcel, glean)
        self._inquiry.taken()
        entries, count = parcel.entries(batch), batch.paced_count
        return Sent(send.page_index, send.batch_index, document_count=count, entries=entries)

    async def _send_members(self, send: Send, batch: Batch, parcel: Parcel, glean: Glean) -> Event:
        outcome = await self._group_uploads.send(send, batch, glean, parcel.rejects)
        if isinstance(outcome, Sent):
            if outcome.is_refusal and parcel.ledger is not None and batch.group_part is not None:
                parcel.ledger = parcel.ledger.without([batch.group_part.group])
            shortfall = clean_reason(outcome.shortfall, self._environment)
            return replace(outcome, shortfall=shortfall, entries=parcel.entries(batch))
        return _split(send, parcel, outcome.halves, outcome.batch_bytes_max)

    async def _refused(
        self, send: Send, batch: Batch, error: UpstreamError, parcel: Parcel, glean: Glean
    ) -> Event:
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
        if len(batch.items) > 1:
            bytes_max = batch.byte_count // 2 if error.status == 413 else None
            first, second = batch.halves()
            split = _split(send, parcel, (first, second), bytes_max)
            return replace(split, batch_changes_max=len(first.items))
        if is_conflict and await self._inquiry.is_conflict_of_all(batch, glean):
            raise error
        (item,) = batch.items
        # The upload is open and has this document already, as an earlier try was heard; or of a
        # type that it does not know, Glean has nothing.
        if is_conflict or (item.is_of_former_type and error.status in INVALID):
            return Sent(send.page_index, send.batch_index, entries=parcel.entries(batch))
        return await self._rejected(send, batch, error, parcel, glean)

    async def _rejected(
        self, send: Send, batch: Batch, error: UpstreamError, parcel: Parcel, glean: Glean
    ) -> Sent:
        """Nobody keeps access by an older version, where the new one may have taken it away."""
        (item,) = batch.items
        code = RejectCode.REFUSED.value
        reject = Reject(item.place, item.key, str(error), excerpt(item.encoded), code=code)
        is_withdrawn = False
        if (withdrawal := parcel.withdrawals.get(item.place)) is not None:
            is_withdrawn = await _is_deleted(withdrawal, glean)
            reject = withdrawn(reject) if is_withdrawn else _exposed(reject)
        parcel.rejects.append(reject)
        if parcel.ledger is not None:
            ledger = parcel.ledger.without([item.key]).with_rejected([item.key])
            parcel.ledger = ledger.with_withdrawn([item.key]) if is_withdrawn else ledger
        return Sent(
            send.page_index,
            send.batch_index,
            rejected_document_count=batch.document_count,
            rejected_deletion_count=batch.deletion_count,
            document_count=batch.document_count,
            entries=parcel.entries(batch, is_refused=True),
            withdrawn_count=int(is_withdrawn),
        )


def _split(send: Send, parcel: Parcel, halves: tuple[Batch, Batch], bytes_max: int | None) -> Split:
    held = parcel.batches
    held[send.batch_index], half = halves
    held.append(half)
    return Split(send.page_index, send.batch_index, len(held) - 1, bytes_max)


async def _is_deleted(withdrawal: Batch, glean: Glean) -> bool:
    """Raises UpstreamError where that is not told: all of it is tried again."""
    try:
        await glean.send(withdrawal)
    except UpstreamError as error:
        if error.status not in REFUSED:
            raise
        return False
    return True


def _exposed(reject: Reject) -> Reject:
    return replace(reject, reason=EXPOSED + reject.reason)
