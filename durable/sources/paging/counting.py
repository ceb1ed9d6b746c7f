"""Where in a list that is counted a page is, and whether it is the last. Pure."""

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from msgspec import Struct

from durable.errors import Cause, UpstreamError
from durable.sources.paging.link_header import target
from durable.sources.paging.param_location import (
    ParamLocation,
    check_names,
    check_placed,
    check_size,
    place_param,
    place_size,
    size_param,
    wrong,
)
from durable.sources.paging.protocol import Ask, Told, foreign


POSITION = re.compile(r"(\d{1,15})(?:/(\d{1,15})(?:/(\d{1,16}))?(s)?)?", re.ASCII)


class OffsetPosition(Struct, frozen=True):
    """Of a page. The cursor has its fields in this order, `200/100/250s`."""

    at: int  # the offset, or the page's number
    count: int = 0  # of the longest page before it, or of all records before it
    total: int | None = None  # that the page before it told
    is_short: bool = False  # the page before it had fewer records than the source puts on one

    def cursor(self, size: int | None) -> str:
        if self.total is None and size is None:
            return str(self.at)
        told = "" if self.total is None else f"/{self.total}"
        return f"{self.at}/{self.count}{told}{'s' if self.is_short else ''}"


def position(cursor: str, name: str) -> OffsetPosition:
    """Raises UpstreamError where the cursor is none of that name."""
    found = POSITION.fullmatch(cursor)
    if found is None:
        raise foreign(name, cursor)
    total = None if found[3] is None else int(found[3])
    return OffsetPosition(int(found[1]), int(found[2] or 0), total, is_short=found[4] is not None)


class CountedPaging(Struct, frozen=True, kw_only=True):
    """What both kinds of paging by a count have alike."""

    param: str
    first: int
    size: int | None = None
    size_param: str = "limit"
    short_page_ends: bool = False
    location: ParamLocation = ParamLocation.QUERY

    is_linked: ClassVar[bool] = False
    is_given: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_names(self, "param")
        check_size(self)
        if type(self.first) is not int or self.first < 0:
            raise wrong(self, "first", "it is a whole number from 0")
        if self.short_page_ends and self.size is None:
            raise wrong(self, "short_page_ends", "declare the size that a page is short of")

    @property
    def name(self) -> str:
        return self.param

    def check(self, ask: Ask, tells: Collection[str]) -> None:
        check_told(self, tells)
        check_placed(self, ask, self.location, self.param, size_param(self))

    def paths(self) -> Mapping[str, Any]:
        return {}

    def prepare(self, ask: Ask, cursor: str | None) -> Ask:
        at = self.position(cursor).at
        return place_param(place_size(ask, self.location, self), self.location, self.param, at)

    def falls_short(self, cursor: str) -> bool:
        """Whether the page before the cursor had fewer records than the source puts on one."""
        return self.position(cursor).is_short

    def position(self, cursor: str | None) -> OffsetPosition:
        """Raises UpstreamError where the cursor is of another paging."""
        return OffsetPosition(self.first) if cursor is None else position(cursor, self.name)


def check_total(came: int, total: int, of_what: str) -> None:
    """Raises UpstreamError where more came than the source has."""
    if came > total:
        raise UpstreamError(
            f"the source says that it has {total} {of_what}, and {came} came: its number is "
            "capped, an estimate, that of one page, or the list has shrunk; if it is never right, "
            "leave out what declares it",
            cause=Cause.BAD_COUNT,
        )


def is_short(paging: CountedPaging, told: Told, longest: int) -> bool:
    """Whether the page is known to have fewer records than the source puts on one.

    Args:
        paging: the declaration.
        told: what the page tells.
        longest: records of the longest page before it, as far as is known.
    """
    count = len(told.records)
    if told.hides_rows:
        return not count
    if longest:
        return count < min(longest, paging.size or longest)  # the size may be less than usual
    return not count or (paging.size is not None and count < paging.size)


class Reach(Struct, frozen=True, kw_only=True):
    """How far a page reaches."""

    at: int  # where it begins, for errors
    came: int  # so many, with this page, of what the total counts
    total: int | None  # that the source tells
    is_short: bool  # as `is_short` has it


def is_over(paging: CountedPaging, told: Told, reach: Reach) -> bool:
    """Whether this page is the last one. Raises UpstreamError where it is empty, and no end."""
    total = reach.total
    count = len(told.records)
    if total is None and told.has_more is None:
        if not count and _names_next(told):
            raise UpstreamError(
                f"the source's page at {paging.param} {reach.at} is empty, and its header Link "
                "names a next one: if it cuts out what the asker may not see, declare its total "
                "and hides_rows=True; or declare paging=LinkHeader()",
                cause=Cause.BAD_END,
            )
        is_last = paging.short_page_ends and paging.size is not None and count < paging.size
        return is_last or not count
    is_at_end = not told.has_more if total is None else reach.came >= total
    if not is_at_end and not count and not told.hides_rows:
        numbers = "" if total is None else f", {total} in all after {reach.came}"
        raise UpstreamError(
            f"the source's page at {paging.param} {reach.at} is empty, and it says that there is "
            f"more{numbers}: see whether the first one has another number; if the source cuts out "
            "what the asker may not see, declare hides_rows=True",
            cause=Cause.BAD_END,
        )
    # A number may be capped; a flag beside it says that it is not, or contradicts it.
    return is_at_end and (total is None or told.has_more is not None or reach.is_short)


def _names_next(told: Told) -> bool:
    with suppress(UpstreamError):  # a header that cannot be read is nothing that this is read by
        return target(told.headers.get("link", ""), "next") is not None
    return False


def check_told(paging: CountedPaging, tells: Collection[str]) -> None:
    """Raises ConfigurationError where it does not fit what the source tells."""
    if paging.short_page_ends and tells:
        told = " and ".join(tells)
        raise wrong(paging, "short_page_ends", f"the source's {told} tells the end: leave one out")
    if "hides_rows" not in tells:
        return
    if paging.size is None:
        raise wrong(paging, "size", "of a source that hides_rows it has to be declared")
    if len(tells) == 1:
        raise wrong(
            paging,
            "size",
            "an empty page is no end where the source hides_rows: declare its total, has_more or "
            "is_last",
        )
