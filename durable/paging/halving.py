"""A page that is too large, asked for again with fewer records. Pure."""

import httpx
from msgspec.structs import replace

from durable.paging.counted import OffsetPaging, PageNumber
from durable.paging.cursors import BodyCursor, HeaderCursor
from durable.paging.odata import OData
from durable.paging.protocol import Paging
from durable.paging.typed import restored


def halved(paging: Paging, cursor: str | None) -> Paging | None:
    """A paging of half the size; None where another size would be another page.

    That of a page's number would, and that of a link which has the size in it.

    Args:
        paging: of which the page was too large.
        cursor: of the page.
    """
    size: int | None = getattr(paging, "size", None)
    if size is None or size < 2 or isinstance(paging, PageNumber):
        return None
    if paging.is_linked and cursor is not None:
        return None
    smaller: Paging = replace(paging, size=size // 2)  # type: ignore[type-var] # a Struct
    return smaller


def leads_on(paging: Paging, cursor: str | None, next_cursor: str | None, count: int) -> bool:
    """Whether a next page begins where a page of another size ended.

    A number that the source gives may be a page's, and with another size be another page; unless
    it has moved by the records that came. So may a link without the size.

    Args:
        paging: with the size that was asked for.
        cursor: of the page.
        next_cursor: of the page after it.
        count: records of the page.
    """
    if isinstance(paging, BodyCursor | HeaderCursor):
        before, after = _number(cursor), _number(next_cursor)
        if before is None and after is None:
            return True
        is_moved = after is not None and after - (before or 0) == count > 1
        return is_moved and (cursor is None or before is not None)
    if not paging.is_linked or next_cursor is None:
        return True
    params = httpx.URL(next_cursor).params
    if isinstance(paging, OData):
        return str(params.get("$skip", count)) == str(count)
    size, size_param = (str(getattr(paging, name)) for name in ("size", "size_param"))
    return str(params.get(size_param)) == size


def beyond(paging: Paging, cursor: str | None) -> str | None:
    """The cursor after a single record; None where the source alone knows it."""
    if isinstance(paging, OffsetPaging) and paging.size == 1:
        return paging.beyond(cursor)
    return None


def _number(cursor: str | None) -> int | None:
    text = "" if cursor is None else str(restored(cursor))
    return int(text) if text.isascii() and text.isdigit() else None
