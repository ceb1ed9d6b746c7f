"""Pages of changes cut into requests that Glean takes. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from durable.envelopes import TAIL, Endpoint, Envelope
from durable.model.documents import Deletion
from durable.records import Placed, Reject


class Sizes(Struct, frozen=True):
    """How large a request may be."""

    documents_max: int
    bytes_max: int  # a document that alone is larger is set aside
    packed_bytes_max: int  # of several together; what is larger alone, goes alone
    first_documents_max: int | None = None  # of the first request; each later one may hold twice


class Item(Struct, frozen=True):
    """One change, encoded, and where it came from."""

    place: int  # in its page, from 1
    key: str  # the document's id
    encoded: bytes


class Batch(Struct, frozen=True, kw_only=True):
    """One request. Its documents stand alone, so that it can be cut."""

    endpoint: Endpoint
    items: Sequence[Item]
    head: bytes = b""  # what stands before the list; empty where an item is a whole request
    upload_id: str = ""

    @property
    def body(self) -> bytes:
        """Made anew each time: held beside its documents, it would double them in memory."""
        if not self.head:
            return self.items[0].encoded
        return self.head + b",".join(item.encoded for item in self.items) + TAIL

    @property
    def byte_count(self) -> int:
        """Of the body."""
        if not self.head:
            return len(self.items[0].encoded)
        return len(self.head) + sum(len(item.encoded) + 1 for item in self.items) - 1 + len(TAIL)

    @property
    def document_count(self) -> int:
        return 0 if self.endpoint is Endpoint.DELETION else len(self.items)

    @property
    def deletion_count(self) -> int:
        return 1 if self.endpoint is Endpoint.DELETION else 0

    def halves(self) -> tuple["Batch", "Batch"]:
        """Two batches of the same items. There must be two or more."""
        middle = len(self.items) // 2
        assert middle, "one item has no halves"
        first, second = self.items[:middle], self.items[middle:]
        return replace(self, items=first), replace(self, items=second)


def batches(
    changes: Iterable[Placed], envelope: Envelope, sizes: Sizes, rejects: list[Reject]
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
        is_deletion = isinstance(placed.change, Deletion)
        if is_deletion and envelope.upload_id:
            continue  # what is not in a bulk upload is deleted by its close
        item = _item(envelope, placed, sizes.bytes_max)
        if isinstance(item, Reject):
            rejects.append(item)
            continue
        size = len(item.encoded)
        is_full = byte_count + size > sizes.packed_bytes_max or len(items) == documents_max
        is_alone = is_deletion or not envelope.form.is_list
        if items and (is_alone or is_full):
            yield _around(envelope, items)
            items, byte_count = [], envelope.byte_count
            documents_max = min(sizes.documents_max, 2 * documents_max)
        if is_alone:
            yield _alone(item, placed.change, envelope)
            continue
        items.append(item)
        byte_count += size + 1  # and a comma
    if items:
        yield _around(envelope, items)


def _item(envelope: Envelope, placed: Placed, bytes_max: int) -> Item | Reject:
    try:
        encoded = envelope.encoded(placed.change, placed.place)
    except (TypeError, ValueError, OverflowError) as error:
        return placed.rejected(f"the {envelope.form.name} cannot be written as JSON: {error}")
    around = 0 if isinstance(placed.change, Deletion) else envelope.byte_count
    name = envelope.form.name
    if around + len(encoded) > bytes_max:
        return placed.rejected(
            f"the {name} takes {len(encoded)} bytes, more than a request to Glean may hold "
            f"({bytes_max}): shorten it in the connector"
        )
    return Item(placed.place, placed.key, encoded)


def _around(envelope: Envelope, items: Sequence[Item]) -> Batch:
    return Batch(
        endpoint=envelope.form.endpoint,
        items=tuple(items),
        head=envelope.head,
        upload_id=envelope.upload_id,
    )


def _alone(item: Item, change: Struct, envelope: Envelope) -> Batch:
    is_deletion = isinstance(change, Deletion)
    endpoint = Endpoint.DELETION if is_deletion else envelope.form.endpoint
    return Batch(endpoint=endpoint, items=(item,))
