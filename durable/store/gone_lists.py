"""What FULL crawls have not seen of the ledger, as lists that a person may approve of.

A part of `Ledger`. Each list is known by the beginning of its crawl, and read in parts.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.store.ledger_rows import GoneRow
from durable.store.sql import Query, to_integer


TOGETHER = 250  # in one row, whose value may have 2 MB


class GonePart(Struct, frozen=True):
    """What a crawl has not seen, of a part of the ledger."""

    rows: list[GoneRow]
    waiting_count: int  # that were not seen for the first time, and are left for now
    outdated_count: int  # whose records were rejected, and are left
    after: str | None  # the key from which the next part goes on; None: there is no more
    listed_keys: frozenset[str] = frozenset()  # of rows that the source may have still
    is_unnamed: bool = False  # since some was rejected of which nobody knows what it is


class GoneLists:
    """The table `gone`.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def add(self, crawl_at_ms: int, rows: Sequence[GoneRow]) -> None:
        """Remember what a crawl has not seen."""
        for start in range(0, len(rows), TOGETHER):
            body = msgspec.json.encode(rows[start : start + TOGETHER]).decode()
            self._query(
                "INSERT INTO gone (crawl_at_ms, number, body)"
                " SELECT ?, coalesce(max(number), 0) + 1, ? FROM gone WHERE crawl_at_ms = ?",
                crawl_at_ms,
                body,
                crawl_at_ms,
            )

    def parts(self, crawl_at_ms: int, after: int, count: int) -> list[tuple[int, list[GoneRow]]]:
        """So many parts of the list, with their numbers."""
        rows = self._query(
            "SELECT number, body FROM gone WHERE crawl_at_ms = ? AND number > ?"
            " ORDER BY number LIMIT ?",
            crawl_at_ms,
            after,
            count,
        )
        return [
            (to_integer(row["number"]), decode(str(row["body"]), list[GoneRow])) for row in rows
        ]

    def rows(self, crawl_at_ms: int) -> Iterator[GoneRow]:
        number = 0
        while parts := self.parts(crawl_at_ms, number, 1):
            for number, rows in parts:  # noqa: B007 - where the next part begins
                yield from rows

    def keep(self, crawls: Iterable[int]) -> None:
        """Forget all lists but those of these crawls."""
        if self._query("SELECT 1 FROM gone LIMIT 1"):
            kept = msgspec.json.encode(sorted(crawls)).decode()
            self._query(
                "DELETE FROM gone WHERE crawl_at_ms NOT IN (SELECT value FROM json_each(?))", kept
            )

    def forget(self, crawl_at_ms: int) -> None:
        self._query("DELETE FROM gone WHERE crawl_at_ms = ?", crawl_at_ms)
