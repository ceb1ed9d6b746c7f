"""Sends the members of groups to Glean, each group in an upload of its own.

The members that Glean refuses are left out, and all others are brought: a group that stayed as it
was would go on to give access to whoever has left it.
"""

from msgspec import Struct
from msgspec.structs import replace

from durable.engine.inquiry import CONFLICT
from durable.errors import UpstreamError
from durable.glean.batches import Batch, Item
from durable.glean.client import Glean
from durable.glean.mapped_record import excerpt
from durable.glean.payloads import GroupPart
from durable.glean.statuses import REFUSED
from durable.machine.effects import Send, Sent
from durable.machine.rejects import Reject, RejectCode


class HalvedGroup(Struct, frozen=True):
    """A request was refused, and is to be sent in two."""

    halves: tuple[Batch, Batch]
    batch_bytes_max: int | None = None  # what Glean may take, if it was too large


class GroupUploads:
    """The uploads of one turn. A page that is read again opens all of its uploads again."""

    def __init__(self) -> None:
        self._accepted: tuple[str, Item] | None = None  # by the latest upload
        self._unbrought: set[str] = set()  # uploads of groups that Glean does not take

    async def send(
        self, send: Send, batch: Batch, glean: Glean, rejects: list[Reject]
    ) -> Sent | HalvedGroup:
        """Send a request of a group's upload. Those before it are already in Glean.

        Args:
            send: asks for it.
            batch: the request.
            glean: where the group is.
            rejects: gets the member that is left out, or the group that is not taken.

        Raises:
            UpstreamError: the answer is no refusal of what was sent, or was lost.
        """
        part = batch.group_part
        assert part is not None, "a group's members are a part of its upload"
        if part.upload_id in self._unbrought:
            return _refusal_of(send, batch)
        try:
            await glean.send(batch)
        except UpstreamError as error:
            outcome = await self._cut(batch, part, error, glean)
        else:
            if batch.items:
                self._accepted = (part.upload_id, batch.items[0])
            return Sent(send.page_index, send.batch_index)
        if isinstance(outcome, HalvedGroup):
            return outcome
        rejects.append(outcome)
        sent = _refusal_of(send, batch)
        is_unbrought = part.upload_id in self._unbrought
        return replace(sent, shortfall=outcome.reason) if is_unbrought else sent

    async def _cut(
        self, batch: Batch, part: GroupPart, error: UpstreamError, glean: Glean
    ) -> HalvedGroup | Reject:
        """A request that Glean does not take is cut, until a member at fault stands alone."""
        if error.status == CONFLICT:
            reason = f"Glean has the upload of the group {part.group!r} open no more: {error}"
            raise UpstreamError(reason, is_transient=True, status=CONFLICT) from error
        if error.status == 413 and len(batch.items) > 1:
            return HalvedGroup(batch.halves(), batch.byte_count // 2)
        if error.status not in REFUSED:
            raise error
        fault = error if not batch.items else None
        if len(batch.items) > 1 and part.opens:
            # Whether it is the group that is refused, is asked before each member is tried.
            fault = await _fault(_without_items(batch, replace(part, closes=False)), glean)
            batch = replace(batch, group_part=replace(part, opens=False))
        elif len(batch.items) == 1 and (part.opens or part.closes):
            fault = await _fault(self._without_member(batch, part), glean)
        code = RejectCode.REFUSED.value
        if fault is not None:
            self._unbrought.add(part.upload_id)
            return Reject(part.place, part.group, _unbrought_reason(part, fault), code=code)
        if len(batch.items) > 1:
            return HalvedGroup(batch.halves())
        (item,) = batch.items
        reason = f"left out of the group {part.group!r}, whose other members are brought: {error}"
        return Reject(
            item.place, item.key, reason, excerpt(item.encoded), part=item.part, code=code
        )

    def _without_member(self, batch: Batch, part: GroupPart) -> Batch:
        """What opens or closes the upload in the place of a request whose member is refused."""
        if part.opens:
            return _without_items(batch, part)
        if self._accepted is not None and self._accepted[0] == part.upload_id:
            # Whether Glean takes an empty last page, is not documented.
            return replace(batch, items=(self._accepted[1],))
        # None of its members is taken: another upload has none.
        upload_id = f"{part.upload_id}-0"
        return _without_items(batch, replace(part, upload_id=upload_id, opens=True))


def _without_items(batch: Batch, part: GroupPart) -> Batch:
    return replace(batch, items=(), group_part=part)


async def _fault(batch: Batch, glean: Glean) -> UpstreamError | None:
    """Send it; the answer, if Glean refuses it for what it is."""
    try:
        await glean.send(batch)
    except UpstreamError as error:
        if error.status not in REFUSED:
            raise
        return error
    return None


def _refusal_of(send: Send, batch: Batch) -> Sent:
    """Nothing of it is in Glean."""
    count = len(batch.items)
    return Sent(
        send.page_index,
        send.batch_index,
        rejected_document_count=count,
        refused_record_count=0 if count else 1,
    )


def _unbrought_reason(part: GroupPart, fault: UpstreamError) -> str:
    return (
        f"Glean refuses the group {part.group!r} even without members, so that whoever was in it "
        f"keeps what it gives: see whether the source lists it among its groups; {fault}"
    )
