"""What a crawl has come by, as a bit for each number of the ledger. Pure."""

import msgspec
from msgspec import Struct

from durable.machine.ledger import PagePack, fold


BITS = 8  # of a byte


class Seen(Struct):
    """Of one crawl.

    Attributes:
        at_ms: when the crawl began.
        bits: one for each number.
        rejected_keys: records' own ids that could not be used; "" where one could not be read.
        rejected_ids: the same, folded, as they may be ids: so are those that Glean refused.
        deleted_keys: of things that the source told to be deleted.
    """

    at_ms: int
    bits: bytearray = msgspec.field(default_factory=bytearray)
    rejected_keys: set[str] = msgspec.field(default_factory=set)
    rejected_ids: set[str] = msgspec.field(default_factory=set)
    deleted_keys: set[str] = msgspec.field(default_factory=set)

    def add(self, pack: PagePack) -> None:
        self.rejected_keys.update(pack.rejected_keys)
        self.rejected_ids.update(map(fold, pack.rejected_keys))
        self.deleted_keys.update(pack.deleted_keys)
        self.bits.extend(bytes(max(0, pack.number_next // BITS + 1 - len(self.bits))))
        for number in pack.seen:
            self.bits[number // BITS] |= 1 << number % BITS

    def has(self, number: int) -> bool:
        place = number // BITS
        return place < len(self.bits) and bool(self.bits[place] >> number % BITS & 1)

    def may_be_rejected(self, document_id: str, record_key: str) -> bool:
        """Whether the source may have it still: of some rejects nobody knows which they are."""
        names = {"", document_id, record_key}
        return not names.isdisjoint(self.rejected_keys)
