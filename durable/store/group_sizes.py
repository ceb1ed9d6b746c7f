"""How many members the groups have in Glean, as FULL crawls have brought them. A part of the store.

A crawl's are written page by page, and hold once it has come to its end.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.machine.members import GroupSize
from durable.store.sql import Query, read_summary, to_integer, write_summary


HEAD = "members"
TOGETHER = 2_000  # groups of one row, whose value may have 2 MB


class MembersHead(Struct, frozen=True):
    """Persisted: add fields with defaults, never rename."""

    crawl_at_ms: int = 0  # the crawl that holds; 0: there was none
    count: int = 0  # of members, as it came to its end


class GroupSizes:
    """The table `group_size`.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def head(self) -> MembersHead:
        return read_summary(self._query, HEAD, MembersHead)

    def known(self) -> dict[str, GroupSize]:
        """Those that hold, by the groups' folded names."""
        return self.of(self.head().crawl_at_ms)

    def of(self, crawl_at_ms: int) -> dict[str, GroupSize]:
        """Those of a crawl, likewise."""
        rows = self._query(
            "SELECT body FROM group_size WHERE crawl_at_ms = ? ORDER BY page, part", crawl_at_ms
        )
        sizes: dict[str, GroupSize] = {}
        for row in rows:
            sizes |= decode(str(row["body"]), dict[str, GroupSize])
        return sizes

    def add(self, crawl_at_ms: int, page: int, sizes: Mapping[str, GroupSize]) -> None:
        """Those of a page, in place of what it had before."""
        for part, some in enumerate(_parts(sizes.items())):
            self._query(
                "INSERT OR REPLACE INTO group_size (crawl_at_ms, page, part, body)"
                " VALUES (?, ?, ?, ?)",
                crawl_at_ms,
                page,
                part,
                msgspec.json.encode(some).decode(),
            )

    def change(self, sizes: Mapping[str, GroupSize]) -> None:
        """Some are others now, as an INCREMENTAL job has brought them."""
        crawl_at_ms = self.head().crawl_at_ms
        (row,) = self._query(
            "SELECT coalesce(max(page), 0) + 1 AS page FROM group_size WHERE crawl_at_ms = ?",
            crawl_at_ms,
        )
        self.add(crawl_at_ms, to_integer(row["page"]), sizes)

    def prune(self, crawl_at_ms: int) -> None:
        """Forget what earlier crawls have left behind, but for those that hold."""
        self._query(
            "DELETE FROM group_size WHERE crawl_at_ms NOT IN (?, ?)",
            crawl_at_ms,
            self.head().crawl_at_ms,
        )

    def keep(self, crawl_at_ms: int, others: Mapping[str, GroupSize]) -> None:
        """A crawl's hold from now on.

        Args:
            crawl_at_ms: that has come to its end.
            others: groups that it has not brought, and are as they were.
        """
        sizes = {**others, **self.of(crawl_at_ms)}
        self.add(crawl_at_ms, 0, others)  # before all pages
        count = sum(size.count for size in sizes.values())
        write_summary(self._query, HEAD, MembersHead(crawl_at_ms, count))
        self.prune(crawl_at_ms)


def _parts(sizes: Iterable[tuple[str, GroupSize]]) -> Iterator[dict[str, GroupSize]]:
    rest = iter(sizes)
    while some := dict(islice(rest, TOGETHER)):
        yield some
