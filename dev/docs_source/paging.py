"""Pages of records, and the cursors between them."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from dev.docs_source.records import Record, Records, instant


LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000


class BadQueryError(Exception):
    """The query cannot be answered; the text says what is wrong with it."""


class Page(Struct, frozen=True):
    items: Sequence[Record]
    next_cursor: str | None


class _ById(Struct, frozen=True, tag="id", forbid_unknown_fields=True):
    """After a record, by id."""

    last_id: str = ""


class _ByUpdate(Struct, frozen=True, tag="update", forbid_unknown_fields=True):
    """After a record, by change and id, of those changed since."""

    updated_since: str
    last_updated_at: str
    last_id: str = ""


_Cursor = _ById | _ByUpdate


def page(
    records: Records, limit: str | None, cursor: str | None, updated_since: str | None
) -> Page:
    """A page, as a query asks for it. Raises BadQueryError.

    Args:
        records: of the source.
        limit: how many at most; None means 100.
        cursor: of the page before; None means the first.
        updated_since: RFC 3339. A cursor carries it, so it may be left out on later pages.
    """
    position = _position(cursor, updated_since)
    count = _limit(limit)
    # One more than asked for: whether there is a next page is then known.
    match position:
        case _ById(last_id=last_id):
            found = records.live_after(last_id, count + 1)
        case _ByUpdate(last_updated_at=last_updated_at, last_id=last_id):
            found = records.updated_after(last_updated_at, last_id, count + 1)
    items = found[:count]
    return Page(items, _encode(_after(position, items[-1])) if len(found) > count else None)


def _position(cursor: str | None, updated_since: str | None) -> _Cursor:
    since = None if updated_since is None else _instant(updated_since)
    if cursor is None:
        # The empty id comes before all of that very instant.
        return _ById() if since is None else _ByUpdate(since, since)
    position = _decode(cursor)
    carried = position.updated_since if isinstance(position, _ByUpdate) else None
    if since is not None and since != carried:
        raise BadQueryError(
            f"updated_since {updated_since!r} is not the one that the cursor was made for"
        )
    return position


def _after(position: _Cursor, record: Record) -> _Cursor:
    match position:
        case _ById():
            return _ById(record.id)
        case _ByUpdate(updated_since=updated_since):
            return _ByUpdate(updated_since, record.updated_at, record.id)


def _limit(limit: str | None) -> int:
    if limit is None:
        return LIMIT_DEFAULT
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit) <= LIMIT_MAX):
        raise BadQueryError(f"limit is a number of 1 to {LIMIT_MAX}, not {limit!r}")
    return int(limit)


def _instant(text: str) -> str:
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadQueryError(
            f"updated_since is an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z, "
            f"not {text!r}"
        )
    return instant(moment)


def _encode(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def _decode(cursor: str) -> _Cursor:
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        text = base64.b64decode(padded.encode(), altchars=b"-_", validate=True)
        decoded: _Cursor = msgspec.json.decode(text, type=_Cursor)
    except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError) as error:
        raise BadQueryError(
            f"cursor {cursor!r} is none of ours: take next_cursor of the page before, unchanged"
        ) from error
    return decoded
