"""Paging as OData has it. Pure."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from durable.errors import ConfigurationError
from durable.sources.paging.last_page import LastPage
from durable.sources.paging.param_location import check_names, check_size
from durable.sources.paging.protocol import Ask, Told


class OData(Struct, frozen=True, kw_only=True):
    """`@odata.nextLink` is the next page's URL; the last page has none.

        HttpSource(url="${API}/users", records="value", paging=OData(size=100))

    The records are in `value`. What the source is asked for beside, is in its params:
    `$select`, `$orderby`, `$filter`. Where it answers `$count=true` on every page, declare
    `total="@odata.count"`. Where `$top` is in the params, a first page of as many records and
    without a link may be all that was asked for, and not all there is: that is an error, unless
    a total is declared.

    Attributes:
        path: the path of the URL; `odata.nextLink` in version 3.
        size: of a page, which goes into the header Prefer: `$top` is the size of the list.

    Raises:
        ConfigurationError: the name is empty, or the size is none.
    """

    path: str = "@odata.nextLink"
    size: int | None = None

    is_linked: ClassVar[bool] = True
    is_given: ClassVar[bool] = True
    size_param: ClassVar[str] = "odata.maxpagesize"

    def __post_init__(self) -> None:
        check_names(self, "path")
        check_size(self)

    @property
    def name(self) -> str:
        return self.path

    def check(self, ask: Ask, _tells: Collection[str]) -> None:
        if self.size is not None and any(name.lower() == "prefer" for name in ask.headers):
            raise ConfigurationError(
                f"OData: size={self.size!r} goes into the header Prefer, which is in the source's "
                f"headers too: write `{self.size_param}={self.size}` there, and leave out the size"
            )

    def paths(self) -> Mapping[str, Any]:
        return {self.path: LastPage.ABSENT.cursor_type(str)}

    def prepare(self, ask: Ask, cursor: str | None) -> Ask:
        if self.size is not None:
            prefer = f"{self.size_param}={self.size}"
            ask = replace(ask, headers={**ask.headers, "prefer": prefer})
        return ask if cursor is None else replace(ask, url=cursor, params={})

    def next_cursor(self, told: Told, _cursor: str | None) -> str | None:
        return LastPage.ABSENT.cursor(self.path, told.values[self.path], has_more=told.has_more)
