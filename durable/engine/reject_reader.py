"""Pages read once more, of which some records were rejected."""

from collections.abc import Sequence

from msgspec.structs import replace

from durable.connector.mapping import digest
from durable.machine.job import ReadContext
from durable.machine.rejects import RejectedPage
from durable.sources.source import Reader, Records


class RepeatedReader(Reader):
    """Reads these pages and no other.

    A page that is as it was gives the records that were rejected. Of one that has changed
    it cannot be told which they are, so it gives all of them: what Glean has is sent again.

    Args:
        reader: of the source.
        spots: in order.
    """

    def __init__(self, reader: Reader, spots: Sequence[RejectedPage]) -> None:
        self._reader = reader
        self._spots = spots

    async def fetch(self, cursor: str | None, crawl: ReadContext) -> Records:
        """The so-manieth of the pages; the cursor is its number. See `Reader`."""
        index = int(cursor or 0)
        is_last = index + 1 >= len(self._spots)
        next_cursor = None if is_last else str(index + 1)
        if index >= len(self._spots):
            return Records(records=[], next_cursor=None, byte_count=0, request_count=0)
        spot = self._spots[index]
        page = await self._reader.fetch(spot.cursor, crawl)
        records = page.records
        kept: Sequence[int] = range(1, len(records) + 1)
        if digest(records) == spot.digest:
            kept = [place for place in kept if place in spot.places]
        faults = {
            index: page.faults[place]
            for index, place in enumerate(kept, start=1)
            if place in page.faults
        }
        lists = frozenset(index for index, place in enumerate(kept, start=1) if place in page.lists)
        page = replace(page, records=[records[place - 1] for place in kept], lists=lists)
        return replace(page, faults=faults, next_cursor=next_cursor, total_count=None)

    async def close(self) -> None:
        await self._reader.close()
