"""Pages of the source between being read and being in Glean, as sizes. Pure."""

from msgspec import Struct


class ChangeCounts(Struct, frozen=True):
    """What was read, beside what Glean has. Persisted: add fields with defaults."""

    added: int = 0
    changed: int = 0
    access: int = 0  # the permissions alone have changed
    unchanged: int = 0
    rewritten: int = 0  # of `changed`, those whose content was known, and is another

    def __add__(self, other: "ChangeCounts") -> "ChangeCounts":
        return ChangeCounts(
            self.added + other.added,
            self.changed + other.changed,
            self.access + other.access,
            self.unchanged + other.unchanged,
            self.rewritten + other.rewritten,
        )


class Page(Struct, frozen=True, kw_only=True):
    """One page of the source as sizes; its documents stay with the processor."""

    next_cursor: str | None  # None: the source said that this is its last page
    batch_count: int = 0  # this and the next three are known once the page is packed
    document_count: int = 0
    deletion_count: int = 0
    reject_count: int = 0  # records that were rejected before anything was sent
    changes: ChangeCounts = ChangeCounts()
    byte_count: int
    record_count: int = 0
    total_count: int | None = None  # records on all pages, if the source says so
    digest: str = ""  # of the records; empty if there are none
    request_count: int = 1  # that it took
    wait_ms: int = 0  # before the source is asked for anything more
    wait_reason: str = ""  # why, if there is a wait
    note: str = ""  # of what happened on the way, for whoever reads the job's status
    is_bounded: bool = False  # its reader knows that it is nearer to an end, without records too
    latest_ms: int = 0  # of its changes, by the source's clock; 0: none is told
    shortfall: str = ""  # why the job cannot count as a success, once the page has landed
    lost_member_count: int = 0  # that its groups have had, and nobody approved of


class InFlightPage(Struct, frozen=True):
    """A page that was fetched and is not wholly acknowledged. A crash loses it."""

    page: Page
    sent_count: int = 0  # batches acknowledged, in whatever order
    rejected_document_count: int = 0  # refused by Glean and rejected
    rejected_deletion_count: int = 0
    is_packed: bool = True  # its batches are made
    begun_count: int = 0  # of the batches it was packed into, in order, sent at least once
    halves: tuple[int, ...] = ()  # batches that came of cutting others, to be sent before the next
    half_count: int = 0  # of the second ones; the first take the place of what was cut
    sending: tuple[int, ...] = ()  # batches under way
    clock_ms: int = 0  # what the source's showed at the job's start, at the least
    refused_record_count: int = 0  # of which there was no document to be counted
    withdrawn_count: int = 0  # older versions of these that were deleted

    @property
    def batch_count(self) -> int:
        return self.page.batch_count + self.half_count

    @property
    def is_whole(self) -> bool:
        """Whether all of it is in Glean, or rejected."""
        return self.is_packed and self.sent_count == self.batch_count

    @property
    def document_count(self) -> int:
        """That come into Glean, once all of it has."""
        return self.page.document_count - self.rejected_document_count

    @property
    def deletion_count(self) -> int:
        asked_count = self.page.deletion_count + self.withdrawn_count
        return asked_count - self.rejected_deletion_count

    @property
    def reject_count(self) -> int:
        return self.page.reject_count + self.refused_count

    @property
    def refused_count(self) -> int:
        """By Glean."""
        refused_count = self.rejected_document_count + self.rejected_deletion_count
        return refused_count + self.refused_record_count
