"""Reads a page in several answers: it is too large for one, or the source splits it."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from durable.errors import Cause, UpstreamError
from durable.http.client import OversizeError
from durable.sources.paging.halving import beyond, halve, leads_on, pack_cursor, unpack_cursor
from durable.sources.paging.protocol import Paging, Partial
from durable.sources.source import Records


PARTS_MAX = 500  # of one page


class Part(Struct, frozen=True):
    """One answer's part of a page."""

    page: Records
    is_partial: bool = False  # more of the same records is at its next cursor
    is_told: bool = True  # it had a list, if an empty one


Read = Callable[[Paging, str | None], Awaitable[Part]]  # one answer


async def fetch_portion(paging: Paging, cursor: str | None, read: Read, bytes_max: int) -> Records:
    """The page; if that is too large, as much of its beginning as fits.

    Args:
        paging: of the list.
        cursor: of the page.
        read: asks for an answer.
        bytes_max: of the page.

    Raises:
        UpstreamError: as `read` does. The page is too large in each size, or in another size it
            would be another page.
    """
    oversize: OversizeError | None = None
    declared = paging
    paging, cursor = unpack_cursor(paging, cursor)
    while True:
        try:
            page = await _fetch_whole(paging, cursor, read, bytes_max)
        except OversizeError as error:
            oversize = error
            if (smaller := halve(paging, cursor)) is not None:
                paging, cursor = smaller
                continue
            if (next_cursor := beyond(paging, cursor)) is None:
                raise
            return _unread(pack_cursor(declared, paging, next_cursor), error)
        if oversize and not leads_on(paging, cursor, page.next_cursor, len(page.records)):
            raise oversize
        return replace(page, next_cursor=pack_cursor(declared, paging, page.next_cursor))


async def _fetch_whole(paging: Paging, cursor: str | None, read: Read, bytes_max: int) -> Records:
    """The page, with all that further answers tell of its records."""
    part = await read(paging, cursor)
    page = part.page
    for _ in range(PARTS_MAX):
        if not part.is_partial:
            return page
        part = await read(paging, part.page.next_cursor)
        if not part.is_told or part.page.faults:
            raise _failure("one of the answers that tell of the same records has none of them")
        page = _join_further(paging, page, part.page, bytes_max)
    raise _failure(f"more than {PARTS_MAX} answers tell of the same records")


def _join_further(paging: Paging, page: Records, further: Records, bytes_max: int) -> Records:
    assert isinstance(paging, Partial), "others have no parts"
    byte_count = page.byte_count + further.byte_count
    if byte_count > bytes_max:
        raise OversizeError(
            f"the source sent more than {bytes_max} bytes in the answers of one page: ask for "
            "smaller pages, or raise page_bytes_max in LIMITS",
            cause=Cause.TOO_LARGE,
        )
    try:
        records = paging.join(page.records, further.records)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _failure(f"a record that several answers tell of is no object: {error}") from error
    return replace(further, records=records, faults=page.faults, byte_count=byte_count)


def _unread(next_cursor: str | None, error: UpstreamError) -> Records:
    """The page of a single record that is too large to be read: it is rejected by its place."""
    return Records(
        records=[Raw(b"null")], faults={1: str(error)}, next_cursor=next_cursor, byte_count=0
    )


def _failure(reason: str) -> UpstreamError:
    return UpstreamError(f"the source's page: {reason}", cause=Cause.INCOMPLETE)
