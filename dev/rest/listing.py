"""Pages of a ledger's records, and the opaque cursors between them."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct

from dev.rest.instants import from_rfc3339, rfc3339
from dev.rest.ledger import Ledger, Stamp
from dev.rest.refusal import RefusedError
from dev.rest.settings import InForce, Settings


SIZE_DEFAULT = 25
SIZE_MAX = 100  # whoever asks for more gets so many: a page may be short and not be the last

Chosen = Callable[[Stamp], bool]


class Order(StrEnum):
    ID = "id"
    OLDEST_FIRST = "updated_at"
    NEWEST_FIRST = "-updated_at"


class Wanted(Struct, frozen=True, kw_only=True):
    """What a request asks for.

    Attributes:
        cursor: of the page before; None or the empty text mean the first page.
        since_ms: only records changed then or later. A cursor carries it, so it may be left out
            on later pages.
        order: None: by change where there is a `since_ms`, else by id.
        scope: what the list is of. A cursor is good for its own list only.
    """

    size: int = SIZE_DEFAULT
    cursor: str | None = None
    since_ms: int | None = None
    order: Order | None = None
    scope: str = ""


class Page(Struct, frozen=True, kw_only=True):
    """A page, and how many records there are on all pages."""

    stamps: Sequence[Stamp]
    total: int
    has_next: bool
    end_cursor: str | None  # after the last record here, also where none follows

    @property
    def next_cursor(self) -> str | None:
        return self.end_cursor if self.has_next else None


class _Cursor(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    generation: int
    scope: str
    order: Order
    since_ms: int | None
    after: tuple[int, int]


class Listing:
    """Lists of one ledger.

    A cursor names the last record seen: a record that changes while somebody pages by change
    moves to the end, and nothing that stays is missed or comes twice.

    Args:
        ledger: of the records.
        in_force: says how long changes are kept.
    """

    def __init__(self, ledger: Ledger, in_force: InForce[Settings]) -> None:
        self._ledger = ledger
        self._in_force = in_force
        self._generation = 0

    def expire(self) -> None:
        """Refuse all cursors handed out so far."""
        self._generation += 1

    def all(
        self, chosen: Chosen, since_ms: int | None = None, order: Order | None = None
    ) -> Sequence[Stamp]:
        """All records that are chosen and changed since, in order. Raises RefusedError."""
        kept_since_ms = self._in_force.now.changes_kept_since_ms
        if since_ms is not None and since_ms < kept_since_ms:
            raise RefusedError(
                f"changes are kept since {rfc3339(kept_since_ms)} only", 410, "since_too_old"
            )
        found = [
            stamp
            for stamp in self._ledger.stamps()
            if chosen(stamp) and (since_ms is None or stamp.at_ms >= since_ms)
        ]
        by = _order(order, since_ms)
        return sorted(found, key=lambda stamp: _key(stamp, by))

    def page(self, wanted: Wanted, chosen: Chosen, changed: Chosen | None = None) -> Page:
        """The page that is asked for.

        Args:
            wanted: by the request.
            chosen: whether a record is on the list.
            changed: likewise, where there is a time since when; None: that makes no difference.

        Raises:
            RefusedError: the cursor is not good, or not any more; or the time is too long ago.
        """
        since_ms, order, after = wanted.since_ms, _order(wanted.order, wanted.since_ms), None
        if wanted.cursor:
            cursor = self._decode(wanted.cursor, wanted.scope)
            if since_ms not in (None, cursor.since_ms):
                raise RefusedError("the cursor was made for another time of change")
            since_ms, order, after = cursor.since_ms, cursor.order, cursor.after
        found = self.all(chosen if since_ms is None else changed or chosen, since_ms, order)
        left = [stamp for stamp in found if after is None or _key(stamp, order) > after]
        stamps = left[: wanted.size]
        end = None
        if stamps:
            last = _key(stamps[-1], order)
            end = _encode(_Cursor(self._generation, wanted.scope, order, since_ms, last))
        return Page(
            stamps=stamps, total=len(found), has_next=len(left) > len(stamps), end_cursor=end
        )

    def _decode(self, text: str, scope: str) -> _Cursor:
        padded = text + "=" * (-len(text) % 4)
        try:
            plain = base64.b64decode(padded.encode(), altchars=b"-_", validate=True)
            cursor = msgspec.json.decode(plain, type=_Cursor)
        except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError) as error:
            raise RefusedError(f"cursor {text!r} is none of ours", code="bad_cursor") from error
        if cursor.scope != scope:
            raise RefusedError("the cursor was made for another list", code="bad_cursor")
        if cursor.generation != self._generation:
            raise RefusedError("cursor expired", 410, "cursor_expired")
        return cursor


def is_live(stamp: Stamp) -> bool:
    return not stamp.is_deleted


def is_any(_stamp: Stamp) -> bool:
    return True


def parse_query(
    query: Mapping[str, str], since: str, size_param: str = "limit", scope: str = ""
) -> Wanted:
    """What a query asks for. Raises RefusedError.

    Args:
        query: may have a `cursor`.
        since: the parameter that takes the time of change, in RFC 3339.
        size_param: that of the page's size.
        scope: what the list is of.
    """
    since_text = query.get(since)
    return Wanted(
        size=size(query, size_param),
        cursor=query.get("cursor"),
        since_ms=None if since_text is None else from_rfc3339(since_text, since),
        scope=scope,
    )


def size(query: Mapping[str, str], name: str = "limit") -> int:
    """How many records a page is to have, by a query's hint. Raises RefusedError."""
    return min(parse_whole_number(query, name, SIZE_DEFAULT, least=1), SIZE_MAX)


def parse_whole_number(query: Mapping[str, str], name: str, default: int, least: int = 0) -> int:
    """A whole number of a query. Raises RefusedError."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        raise RefusedError(f"{name} is a whole number from {least} on, not {text!r}")
    return int(text)


def _order(order: Order | None, since_ms: int | None) -> Order:
    if order is not None:
        return order
    return Order.ID if since_ms is None else Order.OLDEST_FIRST


def _key(stamp: Stamp, order: Order) -> tuple[int, int]:
    match order:
        case Order.ID:
            return stamp.number, 0
        case Order.OLDEST_FIRST:
            return stamp.at_ms, stamp.number
        case Order.NEWEST_FIRST:
            return -stamp.at_ms, -stamp.number


def _encode(cursor: _Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()
