"""No paging. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from durable.errors import Cause, UpstreamError
from durable.sources.paging.link_header import target
from durable.sources.paging.protocol import Ask, Told, foreign


class OnePage(Struct, frozen=True):
    """All records are in one answer. With `records=""`, that is the list itself.

    A header Link that names a next page is an error: then it was not all. So are as many records
    as a parameter such as `limit` asks for: ask for more than there are.
    """

    is_linked: ClassVar[bool] = False
    is_given: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return "next page"

    def check(self, ask: Ask, tells: Collection[str]) -> None:
        """Whatever the source declares, fits."""

    def paths(self) -> Mapping[str, Any]:
        return {}

    def prepare(self, ask: Ask, cursor: str | None) -> Ask:
        if cursor is not None:
            raise foreign("a list of one page", cursor)
        return ask

    def next_cursor(self, told: Told, _cursor: str | None) -> None:
        if target(told.headers.get("link", ""), "next") is not None:
            raise UpstreamError(
                "the source's list is declared to be one page, and its header Link names a next "
                "one: declare paging=LinkHeader()",
                cause=Cause.BAD_END,
            )
