"""Sends a page's batches to Glean, and cuts what Glean refuses."""

from msgspec.structs import replace

from durable.engine.failures import Failures
from durable.engine.group_uploads import GroupUploads
from durable.engine.inquiry import CONFLICT, Inquiry
from durable.engine.parcel import WITHDRAWN, Parcel
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
        if send.batch_index in parcel.refused:
            event: Event = await _withdraw(send, batch, parcel, glean)
        elif batch.group_part is not None:
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
                return _send_instead(send, batch.whole, parcel)
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
        if (withdrawal := parcel.withdrawals.get(item.place)) is not None:
            parcel.refused[send.batch_index] = batch, str(error)
            return _send_instead(send, withdrawal, parcel)
        return _rejected(send, batch, str(error), parcel)


def _split(send: Send, parcel: Parcel, halves: tuple[Batch, Batch], bytes_max: int | None) -> Split:
    held = parcel.batches
    held[send.batch_index], half = halves
    held.append(half)
    return Split(send.page_index, send.batch_index, len(held) - 1, bytes_max)


def _send_instead(send: Send, batch: Batch, parcel: Parcel) -> Split:
    """By a request of its own, before which the lease is renewed: each may take a minute."""
    parcel.batches[send.batch_index] = batch
    return Split(send.page_index, send.batch_index, None)


async def _withdraw(send: Send, withdrawal: Batch, parcel: Parcel, glean: Glean) -> Sent:
    """Nobody keeps access by an older version, where the new one may have taken it away.

    Raises:
        UpstreamError: whether it is deleted, is not told.
    """
    batch, reason = parcel.refused[send.batch_index]
    try:
        await glean.send(withdrawal)
    except UpstreamError as error:
        if error.status not in REFUSED:
            raise
        return _rejected(send, batch, EXPOSED + reason, parcel)
    sent = _rejected(send, batch, WITHDRAWN + reason, parcel)
    (item,) = batch.items
    if parcel.ledger is not None:
        parcel.ledger = parcel.ledger.with_withdrawn([item.key])
    return replace(sent, withdrawn_count=1)


def _rejected(send: Send, batch: Batch, reason: str, parcel: Parcel) -> Sent:
    (item,) = batch.items
    code = RejectCode.REFUSED.value
    parcel.rejects.append(Reject(item.place, item.key, reason, excerpt(item.encoded), code=code))
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
