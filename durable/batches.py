"""Pages of changes cut into requests that Glean takes. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable.documents import Deletion
from durable.records import Placed, Reject


class Endpoint(StrEnum):
    """Where a batch goes, below the root of Glean's indexing API."""

    BULK_DOCUMENTS = "/bulkindexdocuments"
    DOCUMENTS = "/indexdocuments"
    DELETION = "/deletedocument"


class Sizes(Struct, frozen=True):
    """How large a request may be."""

    documents_max: int
    bytes_max: int  # a document that alone is larger is set aside
    packed_bytes_max: int  # of several together; what is larger alone, goes alone


class Item(Struct, frozen=True):
    """One change, encoded, and where it came from."""

    place: int  # in its page, from 1
    key: str  # the document's id
    encoded: bytes


class Batch(Struct, frozen=True, kw_only=True):
    """One request. Its documents stand alone, so that it can be cut."""

    endpoint: Endpoint
    items: Sequence[Item]
    head: bytes = b""  # what stands before the documents
    upload_id: str = ""

    @property
    def body(self) -> bytes:
        """Made anew each time: held beside its documents, it would double them in memory."""
        if self.endpoint is Endpoint.DELETION:
            return self.items[0].encoded
        return self.head + b",".join(item.encoded for item in self.items) + TAIL

    @property
    def byte_count(self) -> int:
        """Of the body."""
        if self.endpoint is Endpoint.DELETION:
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


TAIL = b"]}"


def batches(
    changes: Iterable[Placed],
    datasource: str,
    upload_id: str,
    sizes: Sizes,
    rejects: list[Reject],
) -> Iterator[Batch]:
    """The requests that bring the changes to Glean, in the order of the changes.

    Args:
        changes: in the order of the source.
        datasource: Glean's name of it.
        upload_id: the bulk upload they are pages of; empty for single changes.
        sizes: of the requests.
        rejects: gets what alone is larger than a request may be, or is not JSON.
    """
    envelope = _Envelope(datasource, upload_id)
    items: list[Item] = []
    byte_count = envelope.byte_count
    for placed in changes:
        is_deletion = isinstance(placed.change, Deletion)
        if is_deletion and upload_id:
            continue  # what is not in a bulk upload is deleted by its close
        item = envelope.item(placed, sizes.bytes_max)
        if isinstance(item, Reject):
            rejects.append(item)
            continue
        size = len(item.encoded)
        is_full = byte_count + size > sizes.packed_bytes_max or len(items) == sizes.documents_max
        if items and (is_deletion or is_full):
            yield envelope.around(items)
            items, byte_count = [], envelope.byte_count
        if is_deletion:
            yield Batch(endpoint=Endpoint.DELETION, items=(item,))
            continue
        items.append(item)
        byte_count += size + 1  # and a comma
    if items:
        yield envelope.around(items)


class _Envelope:
    """What surrounds the documents of a request."""

    def __init__(self, datasource: str, upload_id: str) -> None:
        name = msgspec.json.encode(datasource)
        upload = b'"uploadId":' + msgspec.json.encode(upload_id) + b"," if upload_id else b""
        self._datasource = datasource
        self._upload_id = upload_id
        self._endpoint = Endpoint.BULK_DOCUMENTS if upload_id else Endpoint.DOCUMENTS
        self._head = b"{" + upload + b'"datasource":' + name + b',"documents":['
        self._member = b'{"datasource":' + name + b","
        self.byte_count = len(self._head) + len(TAIL)

    def item(self, placed: Placed, bytes_max: int) -> Item | Reject:
        change = placed.change
        around = 0 if isinstance(change, Deletion) else self.byte_count
        try:
            # Encoded, a document is an object with at least an id: it starts with `{"`.
            encoded = (
                self._deletion(change)
                if isinstance(change, Deletion)
                else self._member + msgspec.json.encode(change)[1:]
            )
        except (TypeError, ValueError, OverflowError) as error:
            return placed.rejected(f"the document cannot be written as JSON: {error}")
        if around + len(encoded) > bytes_max:
            return placed.rejected(
                f"the document takes {len(encoded)} bytes, more than a request to Glean may hold "
                f"({bytes_max}): shorten its body in the connector"
            )
        return Item(placed.place, change.id, encoded)

    def around(self, items: Sequence[Item]) -> Batch:
        return Batch(
            endpoint=self._endpoint,
            items=tuple(items),
            head=self._head,
            upload_id=self._upload_id,
        )

    def _deletion(self, deletion: Deletion) -> bytes:
        request = {"datasource": self._datasource, "objectType": deletion.object_type}
        return msgspec.json.encode({**request, "id": deletion.id})
