"""Where in a list that is counted a page is, and whether it is the last. Pure."""

import re
from collections.abc import Collection
from contextlib import suppress
from typing import Protocol

from msgspec import Struct

from durable.errors import UpstreamError
from durable.sources.paging.link_header import target
from durable.sources.paging.param_location import Hint, check_names, check_size, wrong
from durable.sources.paging.protocol import Told, foreign


POSITION = re.compile(r"(\d{1,15})(?:/(\d{1,15})(?:/(\d{1,16}))?(s)?)?", re.ASCII)


class Position(Struct, frozen=True):
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


def position(cursor: str, name: str) -> Position:
    """Raises UpstreamError where the cursor is none of that name."""
    found = POSITION.fullmatch(cursor)
    if found is None:
        raise foreign(name, cursor)
    total = None if found[3] is None else int(found[3])
    return Position(int(found[1]), int(found[2] or 0), total, is_short=found[4] is not None)


class _Counted(Hint, Protocol):
    @property
    def param(self) -> str: ...
    @property
    def first(self) -> int: ...
    @property
    def short_page_ends(self) -> bool: ...


def check_total(came: int, total: int, of_what: str) -> None:
    """Raises UpstreamError where more came than the source has."""
    if came > total:
        raise UpstreamError(
            f"the source says that it has {total} {of_what}, and {came} came: its number is "
            "capped, an estimate, that of one page, or the list has shrunk; if it is never right, "
            "leave out what declares it",
            is_transient=False,
        )


def is_short(paging: _Counted, told: Told, longest: int) -> bool:
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


def is_over(paging: _Counted, told: Told, reach: Reach) -> bool:
    """Whether this page is the last one. Raises UpstreamError where it is empty, and no end."""
    total = reach.total
    count = len(told.records)
    if total is None and told.has_more is None:
        if not count and _names_next(told):
            raise UpstreamError(
                f"the source's page at {paging.param} {reach.at} is empty, and its header Link "
                "names a next one: if it cuts out what the asker may not see, declare its total "
                "and hides_rows=True; or declare paging=LinkHeader()",
                is_transient=False,
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
            is_transient=False,
        )
    # A number may be capped; a flag beside it says that it is not, or contradicts it.
    return is_at_end and (total is None or told.has_more is not None or reach.is_short)


def _names_next(told: Told) -> bool:
    with suppress(UpstreamError):  # a header that cannot be read is nothing that this is read by
        return target(told.headers.get("link", ""), "next") is not None
    return False


def check_counted(paging: _Counted) -> None:
    """Raises ConfigurationError where the declaration is not right by itself."""
    check_names(paging, "param")
    check_size(paging)
    if type(paging.first) is not int or paging.first < 0:
        raise wrong(paging, "first", "it is a whole number from 0")
    if paging.short_page_ends and paging.size is None:
        raise wrong(paging, "short_page_ends", "declare the size that a page is short of")


def check_told(paging: _Counted, tells: Collection[str]) -> None:
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
