"""Cuts pages of changes into requests that Glean takes. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable.glean.documents import Deletion, PermissionsUpdate
from durable.glean.identities import Members
from durable.glean.mapped_record import MappedRecord, key_of
from durable.glean.payloads import TAIL, Envelope, GleanEndpoint, GroupPart
from durable.limits import Limits
from durable.machine.pacing import single_documents_max
from durable.machine.rejects import Reject, RejectCode


# Those of which each request brings one, and no document.
ALONE = frozenset({GleanEndpoint.DELETION, GleanEndpoint.PERMISSIONS})
PAGES_PER_DOCUMENT = 2  # a file of a whole page is a third larger in base64


class Sizes(Struct, frozen=True):
    """The largest request that is allowed."""

    documents_max: int
    bytes_max: int  # a document that alone is larger is rejected unasked, to spare memory
    packed_bytes_max: int  # of several together; what is larger alone, goes alone
    first_documents_max: int | None = None  # of the first request; each later one may hold twice


def sizes_of(
    envelope: Envelope,
    limits: Limits,
    packed_bytes_max: int | None = None,
    first_documents_max: int | None = None,
    documents_per_minute: int | None = None,
) -> Sizes:
    """How large the requests to Glean may be.

    Args:
        envelope: of the requests.
        limits: of the deployment.
        packed_bytes_max: what Glean was found to take of them, if it took no more.
        first_documents_max: likewise of the first one, if it refused more documents together.
        documents_per_minute: that it takes for now outside of uploads, if fewer than usual.
    """
    packed, documents_max = limits.batch_bytes_max, limits.batch_documents_max
    if packed_bytes_max is not None:
        packed = min(packed, packed_bytes_max)
    if envelope.form.endpoint is GleanEndpoint.DOCUMENTS:
        per_minute = documents_per_minute or limits.documents_per_minute_max
        documents_max = min(documents_max, single_documents_max(per_minute))
    # What is larger than a request should be, goes alone, and Glean says whether it takes it.
    alone = max(packed, PAGES_PER_DOCUMENT * limits.page_bytes_max)
    return Sizes(documents_max, alone, packed, first_documents_max)


class Item(Struct, frozen=True):
    """One encoded change, and the record that it came from."""

    place: int  # in its page, from 1
    key: str  # the document's id
    encoded: bytes
    part: int = 0  # of the record, from 1, where it makes several: a member of its group

    @property
    def is_of_former_type(self) -> bool:
        """Whether it deletes what Glean may have under another type: its place is below 0."""
        return self.place < 0 and not self.part


class Batch(Struct, frozen=True, kw_only=True):
    """One request. Its documents stand alone, so that it can be cut."""

    endpoint: GleanEndpoint
    items: Sequence[Item]
    head: bytes = b""  # what stands before the list; empty where an item is a whole request
    upload_id: str = ""
    group_part: GroupPart | None = None  # of members; these may be none
    whole: "Batch | None" = None  # of permissions alone: what brings all of the document

    @property
    def body(self) -> bytes:
        """The body. It is not kept, as it would double the documents in memory."""
        head, tail = self._around
        return head + b",".join(item.encoded for item in self.items) + tail

    @property
    def byte_count(self) -> int:
        """Of the body."""
        head, tail = self._around
        comma_count = max(0, len(self.items) - 1)
        return len(head) + sum(len(item.encoded) for item in self.items) + comma_count + len(tail)

    @property
    def _around(self) -> tuple[bytes, bytes]:
        if self.group_part is not None:
            return self.group_part.head, self.group_part.tail
        return (self.head, TAIL) if self.head else (b"", b"")

    @property
    def document_count(self) -> int:
        return 0 if self.endpoint is GleanEndpoint.DELETION else len(self.items)

    @property
    def paced_count(self) -> int:
        """Documents that count for the rate at which Glean takes them."""
        return 0 if self.endpoint in ALONE else len(self.items)

    @property
    def deletion_count(self) -> int:
        return 1 if self.endpoint is GleanEndpoint.DELETION else 0

    def halves(self) -> tuple["Batch", "Batch"]:
        """Two batches of the same items. There must be two or more."""
        middle = len(self.items) // 2
        assert middle, "one item has no halves"
        first = replace(self, items=self.items[:middle])
        second = replace(self, items=self.items[middle:])
        if (part := self.group_part) is None:
            return first, second
        return (
            replace(first, group_part=replace(part, closes=False)),
            replace(second, group_part=replace(part, opens=False)),
        )


def batches(
    changes: Iterable[MappedRecord], envelope: Envelope, sizes: Sizes, rejects: list[Reject]
) -> Iterator[Batch]:
    """The requests that bring the changes to Glean, in the order of the changes.

    Args:
        changes: in the order of the source.
        envelope: what stands around them.
        sizes: of the requests.
        rejects: gets what alone is larger than a request may be, or is not JSON.
    """
    items: list[Item] = []
    byte_count = envelope.byte_count
    documents_max = min(sizes.documents_max, sizes.first_documents_max or sizes.documents_max)
    for placed in changes:
        if isinstance(placed.change, Members):
            try:
                yield from _of_group(placed, placed.change, envelope, sizes)
            except ValueError as error:  # of the group's name
                reason = f"the group cannot be written as JSON: {error}"
                rejects.append(placed.reject(RejectCode.NOT_JSON, reason))
            continue
        endpoint = _endpoint(placed.change, envelope)
        if endpoint is GleanEndpoint.DELETION and envelope.upload_id:
            continue  # what is not in a bulk upload is deleted by its close
        try:
            encoded = envelope.encode(placed.change)
        except (TypeError, ValueError, OverflowError) as error:
            reason = f"the {envelope.form.name} cannot be written as JSON: {error}"
            rejects.append(placed.reject(RejectCode.NOT_JSON, reason))
            continue
        size = len(encoded)
        is_alone = endpoint in ALONE or not envelope.form.is_list
        if size + (0 if is_alone else envelope.byte_count) > sizes.bytes_max:
            rejects.append(_too_large(placed, envelope, sizes, size))
            continue
        item = Item(placed.place, key_of(placed.change), encoded)
        is_full = byte_count + size > sizes.packed_bytes_max or len(items) == documents_max
        if items and (is_alone or is_full):
            yield _around(envelope, items)
            items, byte_count = [], envelope.byte_count
            documents_max = min(sizes.documents_max, 2 * documents_max)
        if is_alone:
            yield Batch(endpoint=endpoint, items=(item,), whole=_whole(placed, envelope))
            continue
        items.append(item)
        byte_count += size + 1  # and a comma
    if items:
        yield _around(envelope, items)


def deletion_batch(deletion: Deletion, place: int, envelope: Envelope) -> Batch:
    """The request that deletes what Glean has of a record that it does not take."""
    item = Item(-place, deletion.id, envelope.encode(deletion), part=1)
    return Batch(endpoint=GleanEndpoint.DELETION, items=(item,))


def items_of(changes: Iterable[MappedRecord], envelope: Envelope, limits: Limits) -> Sequence[Item]:
    """All that would be sent of a page, one by one."""
    cut = batches(changes, envelope, sizes_of(envelope, limits), [])
    return [item for batch in cut for item in batch.items]


def document_count(change: Struct) -> int:
    """How many documents it counts for in Glean: a group counts each of its members."""
    match change:
        case Deletion():
            return 0
        case Members():
            return len(_members(change))
    return 1


def _of_group(
    placed: MappedRecord, members: Members, envelope: Envelope, sizes: Sizes
) -> Iterator[Batch]:
    """The requests of one group's upload, one at the least: a group may be empty."""
    part = envelope.group_part(members.group, placed.place)
    around = len(part.head) + len(replace(part, opens=False, closes=False).tail)
    parts: list[list[Item]] = [[]]
    byte_count = around
    for number, (key, encoded) in enumerate(_members(members).items(), start=1):
        size = len(encoded) + 1
        is_full = byte_count + size > sizes.packed_bytes_max
        if parts[-1] and (is_full or len(parts[-1]) == sizes.documents_max):
            parts.append([])
            byte_count = around
        parts[-1].append(Item(placed.place, key[1], encoded, number))
        byte_count += size
    last = len(parts) - 1
    for index, items in enumerate(parts):
        yield Batch(
            endpoint=GleanEndpoint.BULK_MEMBERSHIPS,
            items=tuple(items),
            group_part=replace(part, opens=index == 0, closes=index == last),
        )


def _members(members: Members) -> dict[tuple[str, str], bytes]:
    """Each member once, encoded, by what it is and its name."""
    listed = ((one.member_user_id, one.member_group_name, one) for one in members.listed)
    return {
        ("user", user) if user else ("group", str(group)): msgspec.json.encode(one)
        for user, group, one in listed
    }


def _too_large(placed: MappedRecord, envelope: Envelope, sizes: Sizes, size: int) -> Reject:
    return placed.reject(
        RejectCode.TOO_LARGE,
        f"the {envelope.form.name} takes {size} bytes, more than a request to Glean may hold "
        f"({sizes.bytes_max}): shorten it in the connector or raise page_bytes_max in LIMITS",
    )


def _around(envelope: Envelope, items: Sequence[Item]) -> Batch:
    return Batch(
        endpoint=envelope.form.endpoint,
        items=tuple(items),
        head=envelope.head,
        upload_id=envelope.upload_id,
    )


def _whole(placed: MappedRecord, envelope: Envelope) -> Batch | None:
    if not isinstance(placed.change, PermissionsUpdate):
        return None
    whole = placed.change.whole
    return _around(envelope, [Item(placed.place, whole.id, envelope.encode(whole))])


def _endpoint(change: Struct, envelope: Envelope) -> GleanEndpoint:
    match change:
        case Deletion():
            return GleanEndpoint.DELETION
        case PermissionsUpdate():
            return GleanEndpoint.PERMISSIONS
    return envelope.form.endpoint
