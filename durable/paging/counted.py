"""Paging by a count, of records or of pages. Pure.

The end is told by the first of these that the source has: the number of all pages, its
`total`, its `has_more`. Where it tells none of them, a page without records is the last
one. A page with fewer records than asked for is not: many sources cap a page's size
without a word. Where a source is known not to, `short_page_ends` saves a request.

A record that is deleted while the list is read, moves those after it one place forward,
and one of them is passed over; a `Keyset` has no such gap.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Protocol

from msgspec import Struct

from durable.decoding import ExactInt
from durable.errors import UpstreamError
from durable.paging.placing import (
    Hint,
    Place,
    check_names,
    check_placed,
    check_size,
    placed,
    size_param,
    sized,
    wrong,
)
from durable.paging.protocol import Ask, Told, foreign


NUMBER = re.compile(r"\d{1,15}", re.ASCII)
COUNTED_PAGE = re.compile(r"(\d{1,15})(?:/(\d{1,15}))?", re.ASCII)


class OffsetPaging(Struct, frozen=True, kw_only=True):
    """A page is asked for by the number of records before it.

        GET {url}?offset=200&limit=100

    It moves by the records that came, however many were asked for.

    Attributes:
        param: what takes the offset.
        first: the offset of the first record.
        size: of a page, if it is to be asked for.
        size_param: what takes the size.
        short_page_ends: a page with fewer records than `size` is the last one.
        place: where the parameters go.

    Raises:
        ConfigurationError: a name is empty, a number is none, or the size of a short page
            is not told.
    """

    param: str = "offset"
    first: int = 0
    size: int | None = None
    size_param: str = "limit"
    short_page_ends: bool = False
    place: Place = Place.QUERY

    is_linked: ClassVar[bool] = False
    is_given: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check(self)

    @property
    def name(self) -> str:
        return self.param

    def check(self, ask: Ask, tells: Collection[str]) -> None:
        _check_told(self, tells)
        check_placed(self, ask, self.place, self.param, size_param(self))

    def paths(self) -> Mapping[str, Any]:
        return {}

    def asked(self, ask: Ask, cursor: str | None) -> Ask:
        return placed(sized(ask, self.place, self), self.place, self.param, self._offset(cursor))

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        offset = self._offset(cursor)
        after = offset + len(told.records)
        total_count = told.total_count
        is_reached = None if total_count is None else after - self.first >= total_count
        return None if _is_over(self, told, offset, is_reached=is_reached) else str(after)

    def came_short(self, cursor: str) -> bool:
        """Whether a page before the cursor had fewer records than was asked for."""
        return self.size is not None and (self._offset(cursor) - self.first) % self.size > 0

    def _offset(self, cursor: str | None) -> int:
        if cursor is None:
            return self.first
        if NUMBER.fullmatch(cursor) is None:
            raise foreign("an offset", cursor)
        return int(cursor)


class PageNumber(Struct, frozen=True, kw_only=True):
    """A page is asked for by its number.

        GET {url}?page=3&per_page=100

    The cursor is that number; where the source's `total` tells the end, or the size is declared,
    with the number of records before the page, as in `3/200`: a source may cap its pages' size.

    Attributes:
        param: what takes the number.
        first: that of the first page.
        size: of a page, if it is to be asked for.
        size_param: what takes the size.
        total_pages: the path of the number of all pages, if the source tells it.
        short_page_ends: a page with fewer records than `size` is the last one.
        place: where the parameters go.

    Raises:
        ConfigurationError: a name is empty, a number is none, or the size of a short page
            is not told.
    """

    param: str = "page"
    first: int = 1
    size: int | None = None
    size_param: str = "per_page"
    total_pages: str = ""
    short_page_ends: bool = False
    place: Place = Place.QUERY

    is_linked: ClassVar[bool] = False
    is_given: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check(self)
        if self.short_page_ends and self.total_pages:
            raise wrong(self, "short_page_ends", "total_pages tells the end: leave one out")

    @property
    def name(self) -> str:
        return self.param

    def check(self, ask: Ask, tells: Collection[str]) -> None:
        _check_told(self, tells)
        check_placed(self, ask, self.place, self.param, size_param(self))

    def paths(self) -> Mapping[str, Any]:
        return {self.total_pages: ExactInt} if self.total_pages else {}

    def asked(self, ask: Ask, cursor: str | None) -> Ask:
        number, _ = self._position(cursor)
        return placed(sized(ask, self.place, self), self.place, self.param, number)

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        number, count = self._position(cursor)
        count += len(told.records)
        is_reached = None
        if self.total_pages:
            is_reached = number - self.first + 1 >= told.values[self.total_pages]
        elif told.total_count is not None:
            is_reached = count >= told.total_count
        if _is_over(self, told, number, is_reached=is_reached):
            return None
        is_told = told.total_count is not None or self.size is not None
        is_counted = not self.total_pages and is_told
        return f"{number + 1}/{count}" if is_counted else str(number + 1)

    def came_short(self, cursor: str) -> bool:
        """Whether a page before the cursor had fewer records than was asked for."""
        number, count = self._position(cursor)
        return self.size is not None and "/" in cursor and count < (number - self.first) * self.size

    def _position(self, cursor: str | None) -> tuple[int, int]:
        """The page's number, and the records before it if they are counted."""
        if cursor is None:
            return self.first, 0
        found = COUNTED_PAGE.fullmatch(cursor)
        if found is None:
            raise foreign("a page's number", cursor)
        return int(found[1]), int(found[2] or 0)


class _Counted(Hint, Protocol):
    @property
    def param(self) -> str: ...
    @property
    def first(self) -> int: ...
    @property
    def short_page_ends(self) -> bool: ...


def _is_over(paging: _Counted, told: Told, at: int, *, is_reached: bool | None) -> bool:
    """Whether this page is the last one.

    Args:
        paging: the declaration.
        told: what the page tells.
        at: where it is, for errors.
        is_reached: whether it comes to the number that the source tells; None: it tells none.
    """
    count = len(told.records)
    if is_reached is None and told.has_more is None:
        is_short = paging.short_page_ends and paging.size is not None and count < paging.size
        return is_short or not count
    is_over = is_reached if is_reached is not None else not told.has_more
    if not is_over and not count:
        raise UpstreamError(
            f"the source's page at {paging.param} {at} is empty, and it says that there is more",
            is_transient=False,
        )
    return is_over


def _check(paging: _Counted) -> None:
    check_names(paging, "param")
    check_size(paging)
    if type(paging.first) is not int or paging.first < 0:
        raise wrong(paging, "first", "it is a whole number from 0")
    if paging.short_page_ends and paging.size is None:
        raise wrong(paging, "short_page_ends", "declare the size that a page is short of")


def _check_told(paging: _Counted, tells: Collection[str]) -> None:
    if paging.short_page_ends and tells:
        told = " and ".join(tells)
        raise wrong(paging, "short_page_ends", f"the source's {told} tells the end: leave one out")
