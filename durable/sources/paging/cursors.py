"""Paging by a cursor that the source gives out. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from msgspec import UNSET, Struct

from durable.sources.paging.last_page import (
    LastPage,
    Mark,
    cursor_type,
    following,
    is_marked,
    mark_fault,
)
from durable.sources.paging.link_header import LinkedPaging
from durable.sources.paging.param_location import (
    ParamLocation,
    check_names,
    check_placed,
    check_size,
    place_cursor,
    place_param,
    place_size,
    size_param,
    wrong,
)
from durable.sources.paging.protocol import Ask, Told
from durable.sources.paging.typed import Typed, to_cursor


EMPTY: tuple[Typed, ...] = ("", [], {})


class GivenCursor(Struct, frozen=True, kw_only=True):
    """What both kinds of paging by a cursor have alike."""

    param: str = "cursor"
    last_page: Mark = LastPage.NULL
    size: int | None = None
    size_param: str = "limit"
    location: ParamLocation = ParamLocation.QUERY

    is_linked: ClassVar[bool] = False
    is_given: ClassVar[bool] = True

    def check(self, ask: Ask, tells: Collection[str]) -> None:
        check_end(self, self.last_page, tells)
        check_placed(self, ask, self.location, self.param, size_param(self))


class BodyCursor(GivenCursor, frozen=True, kw_only=True):
    """Each answer holds the next page's cursor.

        GET {url}?cursor=abc
        {"items": [...], "next_cursor": "def"}

    Attributes:
        path: the path of the cursor in the answer, a text or a whole number; where it goes
            into a body, also a list or an object.
        param: what takes it, in a body as it was.
        last_page: what is there on the last page: one of `LastPage`, or the value itself, as 0 or
            "none".
        size: of a page, if it is to be asked for.
        size_param: what takes the size.
        location: where both parameters go.

    Raises:
        ConfigurationError: a name is empty, or the size is none.
    """

    path: str = "next_cursor"

    def __post_init__(self) -> None:
        check_names(self, "path", "param")
        check_size(self)

    @property
    def name(self) -> str:
        return self.path

    def paths(self) -> Mapping[str, Any]:
        return {
            self.path: cursor_type(
                self.last_page, Typed if self.location is ParamLocation.BODY else str | int
            )
        }

    def prepare(self, ask: Ask, cursor: str | None) -> Ask:
        return place_cursor(place_size(ask, self.location, self), self.location, self.param, cursor)

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        value = told.values[self.path]
        is_typed = self.location is ParamLocation.BODY and value is not None and value is not UNSET
        text = to_cursor(value) if is_typed else str(value)
        if is_marked(self.last_page, value, text, told, cursor):
            return None
        if is_typed and not isinstance(value, bool):
            value = "" if value in EMPTY else text
        return following(self.last_page, self.path, value, has_more=told.has_more)


class HeaderCursor(GivenCursor, frozen=True, kw_only=True):
    """Each answer holds the next page's cursor in a header.

    By default the header is absent on the last page, and nothing else says so: give the
    source's `total` or `has_more` where it tells one, since a proxy that drops headers
    makes any page look like the last.

    Attributes:
        header: that holds the cursor.
        param: what takes it.
        last_page: ABSENT, EMPTY, NOTHING, HAS_MORE or REPEATED, or a text.
        size, size_param, location: as for a `BodyCursor`.

    Raises:
        ConfigurationError: a name is empty, the size is none, or no header can end so.
    """

    header: str
    last_page: Mark = LastPage.ABSENT

    def __post_init__(self) -> None:
        check_names(self, "header", "param")
        check_size(self)
        if self.last_page is LastPage.NULL or not isinstance(self.last_page, str):
            remedy = "no header is null, or a number; it is another one of LastPage, or a text"
            raise wrong(self, "last_page", remedy)

    @property
    def name(self) -> str:
        return f"header {self.header}"

    def paths(self) -> Mapping[str, Any]:
        return {}

    def prepare(self, ask: Ask, cursor: str | None) -> Ask:
        ask = place_size(ask, self.location, self)
        return ask if cursor is None else place_param(ask, self.location, self.param, cursor)

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        value = told.headers.get(self.header, UNSET)
        if is_marked(self.last_page, value, str(value), told, cursor):
            return None
        return following(self.last_page, self.name, value, has_more=told.has_more)


class NextUrl(LinkedPaging, frozen=True, kw_only=True):
    """Each answer holds the next page's URL, which is asked for as it is.

    Attributes:
        path: the path of the URL in the answer.
        last_page: as for a `BodyCursor`.
        size: of a page; asked for with the first one, whose links keep it.
        size_param: the query parameter that takes the size.

    Raises:
        ConfigurationError: a name is empty, or the size is none.
    """

    path: str = "next"
    last_page: Mark = LastPage.NULL

    def __post_init__(self) -> None:
        check_names(self, "path")
        check_size(self)

    @property
    def name(self) -> str:
        return self.path

    def check(self, ask: Ask, tells: Collection[str]) -> None:
        check_end(self, self.last_page, tells)
        LinkedPaging.check(self, ask, tells)

    def paths(self) -> Mapping[str, Any]:
        return {self.path: cursor_type(self.last_page, str)}

    def next_cursor(self, told: Told, cursor: str | None) -> str | None:
        value = told.values[self.path]
        if is_marked(self.last_page, value, str(value), told, cursor):
            return None
        return following(self.last_page, self.path, value, has_more=told.has_more)


def check_end(declared: Struct, last_page: Mark, tells: Collection[str]) -> None:
    """Raises ConfigurationError where nothing can end so, or by what the source does not tell."""
    if (fault := mark_fault(last_page)) is not None:
        raise wrong(declared, "last_page", fault)
    if last_page is LastPage.HAS_MORE and not {"has_more", "is_last"}.intersection(tells):
        remedy = "declare the source's has_more too, which tells the end, or its is_last"
        raise wrong(declared, "last_page", remedy)
