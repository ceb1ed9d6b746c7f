"""Fills one page from several short lists."""

from msgspec import Raw

from durable.errors import Cause, UpstreamError
from durable.sources.belonging import Fault, put
from durable.sources.source import Records


FULL_RECORDS = 100  # a page that has as many, is not filled further
FULL_BYTES = 256 * 1024


class Filling:
    """Collects pages of children, and puts the parent into each child.

    Args:
        bytes_max: of the whole.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._records: list[Raw] = []
        self._faults: dict[int, str | None] = {}
        self._lists: set[int] = set()
        self._byte_count = 0
        self._request_count = 0
        self._wait_ms, self._wait_reason = 0, ""
        self._note = ""
        self._is_waiting = False
        self.list_count = 0  # that were looked into
        self.is_bounded = False  # one of them has come to its end

    def has_room(self, lists_max: int) -> bool:
        """Whether another list may be added.

        That depends on nothing that only the latest reader remembers: a page of parents is to be
        the same when it is read again.
        """
        return (
            len(self._records) < FULL_RECORDS
            and self._byte_count < min(FULL_BYTES, self._bytes_max // 2)
            and self.list_count < lists_max
            and not self._is_waiting
        )

    def count(self, page: Records) -> None:
        """Count what it took to read a page, of parents or of children."""
        self._request_count += page.request_count
        if page.wait_ms > self._wait_ms:
            self._wait_ms, self._wait_reason = page.wait_ms, page.wait_reason
        self._note = page.note or self._note

    def reject(self, raw: Raw, reason: str) -> None:
        """Reject a parent, and with it a list that was not read."""
        self._records.append(raw)
        self._faults[len(self._records)] = reason
        self._lists.add(len(self._records))

    def add(self, page: Records, name: str, parent: Raw) -> None:
        """Add all of the page. Raises UpstreamError, and adds nothing, if it has no room."""
        parent_bytes = bytes(parent)
        byte_count = self._byte_count + page.byte_count + len(parent_bytes) * len(page.records)
        if byte_count > self._bytes_max:
            raise UpstreamError(
                f"a page of the source has more than {self._bytes_max} bytes with the {name} in "
                f"each record: name the fields of the {name} that the records need in `keep`, ask "
                "for smaller pages, or raise page_bytes_max in LIMITS",
                cause=Cause.TOO_LARGE,
            )
        self._byte_count = byte_count
        self._is_waiting = page.wait_ms > 0
        start = len(self._records)
        for place, raw in enumerate(page.records, start=1):
            whole = Fault(page.faults[place]) if place in page.faults else put(raw, name, parent)
            if isinstance(whole, Fault):
                self._faults[start + place] = whole.reason
                whole = raw
            self._records.append(whole)

    def page(self, next_cursor: str | None) -> Records:
        return Records(
            records=self._records,
            next_cursor=next_cursor,
            byte_count=self._byte_count,
            request_count=self._request_count,
            wait_ms=self._wait_ms,
            wait_reason=self._wait_reason,
            note=self._note,
            is_bounded=self.is_bounded,
            faults=self._faults,
            lists=frozenset(self._lists),
        )
