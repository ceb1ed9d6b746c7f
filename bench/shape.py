"""What is synced, and how slow its two ends are."""

from msgspec import Struct


class Shape(Struct, frozen=True, kw_only=True):
    """A source of equal pages.

    Attributes:
        pages: how many.
        documents: on each.
        document_bytes: of each, as JSON.
        source_ms: how long a page takes the source.
        sink_ms: how long a request takes Glean.
        night: 0, or 1: a thousandth of the documents has changed since, and half as many are gone.
    """

    pages: int = 300
    documents: int = 100
    document_bytes: int = 1_800
    source_ms: int = 0
    sink_ms: int = 0
    night: int = 0

    @property
    def document_count(self) -> int:
        return self.pages * self.documents

    @property
    def changed_count(self) -> int:
        return self.document_count // 1_000 if self.night else 0

    @property
    def gone_count(self) -> int:
        return self.document_count // 2_000 if self.night else 0

    @property
    def page_bytes(self) -> int:
        return self.documents * self.document_bytes

    @property
    def ideal_ms(self) -> int:
        """How long a sync takes that waits for nothing but the source."""
        return self.pages * self.source_ms
