"""Paging by a count, of records or of pages. Pure.

The end is told by the first of these that the source has: the number of all pages, its
`total`, its `has_more`. Where it tells none of them, a page without records is the last
one. A page with fewer records than asked for is not: many sources cap a page's size
without a word. Where a source is known not to, `short_page_ends` saves a request.

A number that the source tells may be capped, an estimate, or that of this page alone. So
where it is reached, and the page is not known to be short, the page after it is asked for
too, and has to be empty. Where more came than the number, that is an error.

A record that is deleted while the list is read, moves those after it one place forward,
and one of them is passed over; a `Keyset` has no such gap.
"""

from collections.abc import Collection, Mapping
from typing import Any

from durable.decoding import ExactInt
from durable.sources.paging.counting import (
    CountedPaging,
    OffsetPosition,
    Reach,
    check_total,
    is_over,
    is_short,
)
from durable.sources.paging.param_location import wrong
from durable.sources.paging.protocol import Ask, Told


class OffsetPaging(CountedPaging, frozen=True, kw_only=True):
    """A page is asked for by the number of records before it.

        GET {url}?offset=200&limit=100

    It moves by the records that came, however many were asked for; where the source
    `hides_rows`, by the size.

    Attributes:
        param: what takes the offset.
        first: the offset of the first record.
        size: of a page, if it is to be asked for.
        size_param: what takes the size.
        short_page_ends: a page with fewer records than `size` is the last one.
        location: where the parameters go.

    Raises:
        ConfigurationError: a name is empty, a number is none, or the size of a short page
            is not told.
    """

    param: str = "offset"
    first: int = 0

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        """That of the next page: its offset, the longest page and the total, as far as told."""
        place, count, total = self.position(cursor), len(told.records), told.total_count
        came = place.at - self.first + count
        if total is not None:
            check_total(0 if told.hides_rows and not count else came, total, "records")
        longest = max(place.count, count)
        shorter = is_short(self, told, place.count)
        if is_over(self, told, Reach(at=place.at, came=came, total=total, is_short=shorter)):
            return None
        step = self.size if told.hides_rows and self.size is not None else count
        return OffsetPosition(place.at + step, longest, total, shorter).cursor(self.size)

    def beyond(self, cursor: str | None) -> str:
        """The cursor after the one record that is at this one."""
        place = self.position(cursor)
        return OffsetPosition(place.at + 1, place.count, place.total).cursor(self.size)

    def is_reached(self, cursor: str) -> bool:
        """Whether as many records came before the cursor as the source had told."""
        place = self.position(cursor)
        return place.total is not None and place.at - self.first >= place.total


class PageNumber(CountedPaging, frozen=True, kw_only=True):
    """A page is asked for by its number.

        GET {url}?page=3&per_page=100

    The cursor is that number; where the source tells how many there are, or the size is
    declared, with the number of records before the page, as in `3/200`: a source may cap its
    pages' size. With an `s`, the page before it was short of that.

    Attributes:
        param: what takes the number.
        first: that of the first page.
        size, size_param, short_page_ends, location: as for an `OffsetPaging`.
        total_pages: the path of the number of all pages, if the source tells it.

    Raises:
        ConfigurationError: a name is empty, a number is none, or the size of a short page
            is not told.
    """

    param: str = "page"
    first: int = 1
    size_param: str = "per_page"
    total_pages: str = ""

    def __post_init__(self) -> None:
        CountedPaging.__post_init__(self)
        if self.short_page_ends and self.total_pages:
            raise wrong(self, "short_page_ends", "total_pages tells the end: leave one out")

    def check(self, ask: Ask, tells: Collection[str]) -> None:
        more = ["total_pages"] if self.total_pages else []
        CountedPaging.check(self, ask, [*tells, *more])

    def paths(self) -> Mapping[str, Any]:
        return {self.total_pages: ExactInt} if self.total_pages else {}

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        place, total = self.position(cursor), self._total(told)
        before = place.at - self.first  # pages
        came = self._came(told, place)
        if total is not None:
            of_what = "pages" if self.total_pages else "records"
            check_total(0 if told.hides_rows and not told.records else came, total, of_what)
        came += self._is_empty_page(told, before)
        longest = -(-place.count // before) if before else 0  # at the least
        shorter = is_short(self, told, longest)
        if is_over(self, told, Reach(at=place.at, came=came, total=total, is_short=shorter)):
            return None
        count = place.count + len(told.records)
        return OffsetPosition(place.at + 1, count, total, shorter).cursor(self.size)

    def beyond(self, cursor: str | None) -> str:
        """The cursor after the one record that is on this page."""
        place = self.position(cursor)
        return OffsetPosition(place.at + 1, place.count + 1, place.total).cursor(self.size)

    def is_reached(self, cursor: str) -> bool:
        """Whether as many came before the cursor as the source had told."""
        place = self.position(cursor)
        came = place.at - self.first if self.total_pages else place.count
        return place.total is not None and came >= place.total

    def _total(self, told: Told) -> int | None:
        """Of the pages, or else of the records."""
        return told.values[self.total_pages] if self.total_pages else told.total_count

    def _came(self, told: Told, place: OffsetPosition) -> int:
        """As many of what the total counts, with this page."""
        before = place.at - self.first
        if self.total_pages:
            return before + bool(told.records)
        if told.hides_rows and self.size is not None:
            return before * self.size + len(told.records)
        return place.count + len(told.records)

    def _is_empty_page(self, told: Told, before: int) -> bool:
        """It counts as a page: of a list without records there may be one, or none.

        So may one of which all rows are hidden. Any other has its records elsewhere, as where the
        number of the first page is another one.
        """
        is_possible = not before or told.hides_rows
        return bool(self.total_pages) and not told.records and is_possible
