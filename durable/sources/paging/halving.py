"""A page that is too large, asked for again with fewer records. Pure."""

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable.decoding import decode
from durable.sources.paging.counting import OffsetPosition, position
from durable.sources.paging.cursors import BodyCursor, HeaderCursor
from durable.sources.paging.jump import is_offset_by_name, is_whole_number
from durable.sources.paging.keyset import Keyset
from durable.sources.paging.odata import OData
from durable.sources.paging.offset import OffsetPaging, PageNumber
from durable.sources.paging.protocol import Paging
from durable.sources.paging.typed import from_cursor


FORM = '{"halved_size":'  # how the cursor of a Halved begins


class HalvedRange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a list goes on whose pages have another size than the declared one.

    A cursor that nobody can look into may be a page's number, and would be another page with
    the declared size. As JSON it is the cursor.
    """

    halved_size: int
    at: str  # the paging's own cursor


def halve(paging: Paging, cursor: str | None) -> tuple[Paging, str | None] | None:
    """A paging of half the size, and its cursor; None where another size would be another page.

    Args:
        paging: of which the page was too large.
        cursor: of the page.
    """
    size = _size(paging)
    if size is None or size < 2:
        return None
    if isinstance(paging, PageNumber):
        return _with_more_pages(paging, size, cursor)
    smaller = _of_size(paging, size // 2)
    if not paging.is_linked or cursor is None or isinstance(paging, OData):
        return smaller, cursor
    link, name = httpx.URL(cursor), _size_param(paging)
    if link.params.get(name) != str(size):
        return None
    return smaller, str(link.copy_set_param(name, size // 2))


def unpack_cursor(paging: Paging, cursor: str | None) -> tuple[Paging, str | None]:
    """The paging, and its own cursor, where a list goes on."""
    if cursor is None or not cursor.startswith(FORM):
        return paging, cursor
    try:
        found = decode(cursor, HalvedRange)
    except msgspec.DecodeError:
        return paging, cursor
    return _of_size(paging, found.halved_size), found.at


def pack_cursor(paging: Paging, smaller: Paging, next_cursor: str | None) -> str | None:
    """The cursor of the next page, after one that was not of the declared size.

    Args:
        paging: as it is declared.
        smaller: the paging of the page.
        next_cursor: its own, of the page after that.
    """
    size, smaller_size = _size(paging), _size(smaller)
    if next_cursor is None or smaller_size is None or smaller_size == size:
        return next_cursor
    if isinstance(paging, OffsetPaging | Keyset):
        return next_cursor  # it tells the place, whatever the size
    if isinstance(paging, PageNumber) and size is not None:
        place = position(next_cursor, paging.name)
        if place.count % size == 0 and _is_full(paging, place, smaller_size):
            number = paging.first + place.count // size
            return OffsetPosition(number, place.count, _total(paging, place)).cursor(size)
    found = HalvedRange(halved_size=smaller_size, at=next_cursor)
    return msgspec.json.encode(found).decode()


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
    if cursor is not None and not _is_moved(httpx.URL(cursor).params, params, count):
        return False
    if isinstance(paging, OData):
        return cursor is not None or str(params.get("$skip", count)) == str(count)
    return str(params.get(_size_param(paging))) == str(_size(paging))


def beyond(paging: Paging, cursor: str | None) -> str | None:
    """The cursor after a single record; None where the source alone knows it."""
    if isinstance(paging, OffsetPaging | PageNumber) and paging.size == 1:
        return paging.beyond(cursor)
    return None


def _with_more_pages(
    paging: PageNumber, size: int, cursor: str | None
) -> tuple[Paging, str | None] | None:
    """Of a size that divides the declared one, so that a page begins where this one did."""
    factor = next(number for number in range(2, size + 1) if size % number == 0)
    smaller = _of_size(paging, size // factor)
    if cursor is None:
        return smaller, None
    place = position(cursor, paging.name)
    if not _is_full(paging, place, size):
        return None  # where this one begins, is not known
    number = paging.first + (place.at - paging.first) * factor
    before = OffsetPosition(number, place.count, _total(paging, place), is_short=place.is_short)
    return smaller, before.cursor(size // factor)


def _is_full(paging: PageNumber, place: OffsetPosition, size: int) -> bool:
    """Whether all pages before the place had as many records as were asked for."""
    return place.count == (place.at - paging.first) * size


def _total(paging: PageNumber, place: OffsetPosition) -> int | None:
    """That of the records; there are more pages of another size."""
    return None if paging.total_pages else place.total


def _is_moved(before: httpx.QueryParams, after: httpx.QueryParams, count: int) -> bool:
    """Whether all numbers that differ in two links have moved by the records that came."""
    for name, text in after.items():
        known = before.get(name, "0")
        if text == known or not (is_whole_number(text) and is_whole_number(known)):
            continue
        # By one, the number of a page moves, too.
        is_offset = count > 1 or is_offset_by_name(name)
        if int(text) - int(known) != count or not is_offset:
            return False
    return True


def _of_size(paging: Paging, size: int) -> Paging:
    smaller: Paging = replace(paging, size=size)  # type: ignore[type-var] # a Struct
    return smaller


def _size(paging: Paging) -> int | None:
    size: int | None = getattr(paging, "size", None)
    return size


def _size_param(paging: Paging) -> str:
    name: str = getattr(paging, "size_param", "")
    return name


def _number(cursor: str | None) -> int | None:
    text = "" if cursor is None else str(from_cursor(cursor))
    return int(text) if is_whole_number(text) else None
