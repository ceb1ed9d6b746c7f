"""Paging by a cursor that the source gives out. Pure."""

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from durable.sources.paging import Ask, Told


class BodyCursor(Struct, frozen=True, kw_only=True):
    """Each answer holds the next page's cursor; null on the last page.

        GET {url}?cursor=abc
        {"items": [...], "next_cursor": "def"}

    Attributes:
        field: the path of the cursor in the answer.
        param: the query parameter that takes it.
    """

    field: str = "next_cursor"
    param: str = "cursor"

    is_linked: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return self.field

    def paths(self) -> Mapping[str, Any]:
        return {self.field: str | None}

    def asked(self, ask: Ask, cursor: str | None) -> Ask:
        if cursor is None:
            return ask
        return replace(ask, params={**ask.params, self.param: cursor})

    def next_cursor(self, told: Told, _cursor: str | None) -> str | None:
        given: str | None = told.values[self.field]
        return given


class NextUrl(Struct, frozen=True, kw_only=True):
    """Each answer holds the next page's URL; null on the last page.

    Attributes:
        field: the path of the URL in the answer.
    """

    field: str = "next"

    is_linked: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return self.field

    def paths(self) -> Mapping[str, Any]:
        return {self.field: str | None}

    def asked(self, ask: Ask, cursor: str | None) -> Ask:
        return ask if cursor is None else replace(ask, url=cursor, params={})

    def next_cursor(self, told: Told, _cursor: str | None) -> str | None:
        given: str | None = told.values[self.field]
        return given
