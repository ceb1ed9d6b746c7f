"""How a source marks its last page in the place where the next page's cursor would be. Pure."""

from enum import StrEnum
from typing import Any

from msgspec import UNSET, UnsetType

from durable.errors import Cause, UpstreamError
from durable.sources.paging.protocol import Told


class LastPage(StrEnum):
    """What is in the cursor's place on the last page. Anything else there is an error."""

    NULL = "null"
    ABSENT = "absent"  # nothing, or null
    EMPTY = "empty"  # an empty text
    NOTHING = "nothing"  # an empty text, null, or nothing, by turns
    HAS_MORE = "has_more"  # anything: the source's `has_more` is false
    REPEATED = "repeated"  # the page's own cursor again, on a page without records, as Solr has it

    def cursor_type(self, kind: Any) -> Any:
        """The type of the cursor's field, if cursors are of this one."""
        match self:
            case LastPage.NULL:
                return kind | None
            case LastPage.EMPTY | LastPage.REPEATED:
                return kind
        return kind | None | UnsetType

    def cursor(self, name: str, value: Any, *, has_more: bool | None) -> str | None:
        """The next page's cursor; None where the last page is marked as declared.

        Args:
            name: of the field, for errors.
            value: that was found in it; UNSET for nothing.
            has_more: what the source says beside it.

        Raises:
            UpstreamError: there is none, and that is not how the last page is marked.
        """
        if self is LastPage.HAS_MORE and has_more is False:
            return None
        is_missing = value is None or value is UNSET
        if not is_missing and value != "":
            return str(value)
        is_end = self in (_BY_EMPTY if value == "" else _BY_MISSING)
        if not is_end:
            fault = "is missing" if is_missing else "is empty"
            raise UpstreamError(
                f"the source's {name} {fault}; only {_MARKS[self]} marks the last page",
                cause=Cause.BAD_CURSOR,
            )
        return None


_BY_MISSING = frozenset({LastPage.NULL, LastPage.ABSENT, LastPage.NOTHING})
_BY_EMPTY = frozenset({LastPage.EMPTY, LastPage.NOTHING})
_MARKS = {
    LastPage.NULL: "null",
    LastPage.ABSENT: "a missing or null one",
    LastPage.EMPTY: "an empty one",
    LastPage.NOTHING: "one that is missing, null or empty",
    LastPage.HAS_MORE: "a false has_more",
    LastPage.REPEATED: "that of the page, on one without records,",
}
Mark = LastPage | str | int  # or what stands there itself, as 0, "0", "none" or False


def cursor_type(mark: Mark, kind: Any) -> Any:
    """The type of the cursor's field, if cursors are of this one."""
    if isinstance(mark, LastPage):
        return mark.cursor_type(kind)
    return kind | bool if isinstance(mark, bool) else kind


def is_marked(mark: Mark, value: Any, text: str, told: Told, cursor: str | None) -> bool:
    """Whether what was found in a cursor's place, is the mark itself.

    Args:
        mark: as declared.
        value: that was found.
        text: the same, as it would be stored.
        told: of the page.
        cursor: of the page.
    """
    if mark is LastPage.REPEATED:
        return text == cursor and not told.records
    return not isinstance(mark, LastPage) and type(value) is type(mark) and value == mark


def following(mark: Mark, name: str, value: Any, *, has_more: bool | None) -> str | None:
    """As `LastPage.cursor`, of what is no mark itself."""
    if isinstance(mark, LastPage):
        return mark.cursor(name, value, has_more=has_more)
    if value is None or value is UNSET or value == "" or isinstance(value, bool):
        fault = "is missing" if value is None or value is UNSET else f"is {value!r}"
        raise UpstreamError(
            f"the source's {name} {fault}; only {mark!r} marks the last page",
            cause=Cause.BAD_CURSOR,
        )
    return str(value)


def mark_fault(mark: Mark) -> str | None:
    """Why nothing can be marked so; None if it can."""
    if isinstance(mark, LastPage) or (isinstance(mark, int) and mark <= 0):
        return None
    if not isinstance(mark, str) or not mark or mark in set(LastPage):
        return (
            "it is one of LastPage, as LastPage.NULL, or the value there: a text, False, 0 or less"
        )
    return None
