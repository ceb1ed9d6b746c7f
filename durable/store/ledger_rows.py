"""The rows of the ledger in the object's database: a part of `Ledger`.

Rows written are billed, so a row that would stay as it is, is not written.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.machine.ledger import Kind, LedgerRow, Put, RowState
from durable.store.sql import Query, to_integer


TOGETHER = 250  # rows of one statement: a value may have 2 MB, and each has texts of 200 characters
LOOK_UP = """
SELECT json_group_array(json_array(
  l.key, l.number, l.type, l.content, l.access, l.id, l.former_types, l.state, l.crawl_at_ms
)) AS found
FROM json_each(?) AS wanted CROSS JOIN ledger AS l ON l.kind = ? AND l.key = wanted.value
"""
PUT = """
INSERT INTO ledger (
  kind, crawl_at_ms, state, key, number, type, content, access, id, record_key, title, url,
  former_types
)
SELECT ?, ?, CASE WHEN json_extract(value, '$[3]') = '' THEN 2 ELSE ? END,
  json_extract(value, '$[0]'), json_extract(value, '$[1]'),
  json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]'),
  json_extract(value, '$[5]'), json_extract(value, '$[6]'), json_extract(value, '$[7]'),
  json_extract(value, '$[8]'), json_extract(value, '$[9]')
FROM json_each(?) WHERE true
ON CONFLICT (kind, key) DO UPDATE SET
  state = CASE WHEN ? AND ledger.crawl_at_ms = excluded.crawl_at_ms AND (ledger.state = 2
    OR (ledger.content, ledger.access) IS NOT (excluded.content, excluded.access))
    THEN 2 ELSE excluded.state END,
  crawl_at_ms = excluded.crawl_at_ms, number = excluded.number,
  type = excluded.type, content = excluded.content, access = excluded.access, id = excluded.id,
  record_key = excluded.record_key, title = excluded.title, url = excluded.url,
  former_types = CASE WHEN ? AND ledger.crawl_at_ms = excluded.crawl_at_ms
    AND ledger.type <> excluded.type
    THEN json_insert(coalesce(ledger.former_types, '[]'), '$[#]', ledger.type)
    ELSE excluded.former_types END
"""
REMOVE = """
DELETE FROM ledger WHERE kind = ? AND crawl_at_ms <> ?
  AND key IN (SELECT value FROM json_each(?))
"""
UNCONFIRM = """
UPDATE ledger SET state = ?, crawl_at_ms = ?
WHERE kind = ? AND state <> ? AND key IN (SELECT value FROM json_each(?))
"""
UNCONFIRM_NUMBERS = """
UPDATE ledger SET state = ?, crawl_at_ms = ?
WHERE kind = ? AND crawl_at_ms <> ? AND number IN (SELECT value FROM json_each(?))
"""
NUMBERS = """
SELECT json_group_array(number) AS numbers, max(key) AS last
FROM (SELECT key, number FROM ledger WHERE kind = ? AND key > ? ORDER BY key LIMIT ?)
"""
NUMBERED = """
SELECT json_group_array(json_array(
  key, type, coalesce(id, key), record_key, title, url, state > 2
)) AS found
FROM (
  SELECT * FROM ledger WHERE kind = ? AND key > ? AND key <= ?
    AND number IN (SELECT value FROM json_each(?)) ORDER BY key
)
"""
MARK_MISSING = """
UPDATE ledger SET state = state + 2
WHERE kind = ? AND state < 3 AND key IN (SELECT value FROM json_each(?))
"""
CONFIRMED = frozenset({RowState.CONFIRMED, RowState.MISSING})
MISSING = frozenset({RowState.MISSING, RowState.UNCONFIRMED_MISSING})
Stored = tuple[str, int, str, str, str, str | None, str | None, int, int]
Item = TypeVar("Item")


class GoneRow(Struct, frozen=True, array_like=True):
    """A thing that Glean has, or may have, and a crawl has not seen. Persisted."""

    key: str
    type: str
    id: str
    record_key: str | None = None
    title: str | None = None
    url: str | None = None
    was_missing: int = 0  # 1: in the FULL crawl before this one, too


class LedgerRows:
    """The table `ledger`.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def look_up(
        self, kind: Kind, keys: Iterable[str], trusted_from_ms: int
    ) -> dict[str, LedgerRow]:
        """The rows of these keys, as far as there are any.

        Args:
            kind: of the things.
            keys: folded.
            trusted_from_ms: what an earlier crawl has written is in doubt.
        """
        rows: dict[str, LedgerRow] = {}
        for some in in_parts(keys):
            (answer,) = self._query(LOOK_UP, _json(some), kind.value)
            for stored in decode(str(answer["found"]), list[Stored]):
                key, number, type_, content, access, id_, former, state, crawl_at_ms = stored
                types = tuple(decode(former, list[str])) if former else ()
                put = Put(key, number, type_, content, access, id_ or key, former_types=types)
                is_confirmed = state in CONFIRMED
                is_trusted = is_confirmed and crawl_at_ms >= trusted_from_ms
                is_missing = state in MISSING
                rows[key] = LedgerRow(put, is_trusted, is_missing, crawl_at_ms)
        return rows

    def put(
        self,
        kind: Kind,
        puts: Iterable[Put],
        state: RowState,
        crawl_at_ms: int,
        *,
        is_in_any_order: bool = False,
    ) -> None:
        """Write rows, in place of those that have the same keys.

        Args:
            kind: of the things.
            puts: what Glean has of them, or may have.
            state: of the rows.
            crawl_at_ms: when the crawl began.
            is_in_any_order: of two versions that the crawl has put, either may be in Glean.
        """
        for some in in_parts(puts):
            rows = [
                (
                    *(put.key, put.number, put.type, put.content, put.access),
                    None if put.id == put.key else put.id,
                    None if put.record_key == put.id else put.record_key,
                    put.title or None,
                    put.url or None,
                    _json(put.former_types) if put.former_types else None,
                )
                for put in some
            ]
            bindings = kind.value, crawl_at_ms, state.value, _json(rows)
            self._query(PUT, *bindings, int(is_in_any_order), int(is_in_any_order))

    def remove(self, kind: Kind, keys: Iterable[str], but_of_ms: int = 0) -> None:
        """Delete the rows of these keys, but for those that the crawl of that time has written."""
        for some in in_parts(keys):
            self._query(REMOVE, kind.value, but_of_ms, _json(some))

    def unconfirm(self, kind: Kind, keys: Iterable[str], crawl_at_ms: int) -> None:
        state = RowState.UNCONFIRMED.value
        for some in in_parts(keys):
            self._query(UNCONFIRM, state, crawl_at_ms, kind.value, state, _json(some))

    def unconfirm_numbers(self, kind: Kind, numbers: Iterable[int], crawl_at_ms: int) -> None:
        """Put those of them in doubt that another crawl has written."""
        state = RowState.UNCONFIRMED.value
        for some in in_parts(numbers):
            bindings = state, crawl_at_ms, kind.value, crawl_at_ms, _json(some)
            self._query(UNCONFIRM_NUMBERS, *bindings)

    def mark_missing(self, kind: Kind, keys: Iterable[str]) -> None:
        """A FULL crawl has not seen these."""
        for some in in_parts(keys):
            self._query(MARK_MISSING, kind.value, _json(some))

    def count(self, kind: Kind) -> int:
        (row,) = self._query("SELECT count(*) AS count FROM ledger WHERE kind = ?", kind.value)
        return to_integer(row["count"])

    def unconfirmed_count(self, kind: Kind) -> int:
        (row,) = self._query(
            "SELECT count(*) AS count FROM ledger WHERE kind = ? AND state IN (2, 4)", kind.value
        )
        return to_integer(row["count"])

    def numbers_after(self, kind: Kind, after: str, count: int) -> tuple[list[int], str | None]:
        """The numbers of the next rows in the order of the keys, and the last of these keys."""
        (row,) = self._query(NUMBERS, kind.value, after, count)
        last = row["last"]
        return decode(str(row["numbers"]), list[int]), None if last is None else str(last)

    def numbered(
        self, kind: Kind, after: str, last: str, numbers: Sequence[int]
    ) -> Iterator[GoneRow]:
        """The rows that have these numbers, of the keys between, in their order."""
        for some in in_parts(numbers):
            (row,) = self._query(NUMBERED, kind.value, after, last, _json(some))
            yield from decode(str(row["found"]), list[GoneRow])


def in_parts(items: Iterable[Item]) -> Iterator[list[Item]]:
    """As many at a time as one statement takes."""
    rest = iter(items)
    while some := list(islice(rest, TOGETHER)):
        yield some


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
