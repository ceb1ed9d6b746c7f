"""The packs of the crawl under way in the object's database: a part of `Ledger`.

There is one for each try of a page, written before anything of it is sent and never overwritten.
Of a page that has landed, the latest one holds; all others are tries that came to nothing.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from struct import pack as to_bytes
from struct import unpack

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable.decoding import decode
from durable.machine.ledger import PagePack, Put
from durable.store.sql import Query, Row, to_integer


PUTS_CHARACTERS_MAX = 500_000  # of one row; a value may have 2 MB
PUTS_TOGETHER = 250
PACKS_TOGETHER = 200  # of which nothing but what they have seen is read
LATEST = "(SELECT max(number) FROM pack WHERE page <= ? GROUP BY page)"
NUMBERS = "SELECT number FROM pack WHERE"
SEEN = "SELECT number, number_next, seen, others FROM pack WHERE number BETWEEN ? AND ?"
TABLES = "SELECT name, sql FROM sqlite_master WHERE name IN ('pack', 'more_puts')"


class OtherKeys(Struct, frozen=True, array_like=True):
    """What is in a pack beside what was seen and is put. Persisted."""

    deleted: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


class Packs:
    """The tables `pack` and `more_puts`.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def add(self, page: int, pack: PagePack) -> None:
        others = OtherKeys(pack.deleted_keys, pack.rejected_keys)
        first, *more = _texts(pack.puts)
        (row,) = self._query(
            "INSERT INTO pack (page, number_next, seen, others, puts) VALUES (?, ?, ?, ?, ?)"
            " RETURNING number",
            page,
            pack.number_next,
            _encode_numbers(pack.seen),
            None if others == OtherKeys() else msgspec.json.encode(others).decode(),
            first,
        )
        for part, puts in enumerate(more):
            self._query(
                "INSERT INTO more_puts (number, part, puts) VALUES (?, ?, ?)",
                to_integer(row["number"]),
                part,
                puts,
            )

    def amend(self, page: int, pack: PagePack) -> None:
        """Write the latest pack of a page anew: Glean has refused some of it."""
        rows = self._query("SELECT max(number) AS number FROM pack WHERE page = ?", page)
        # It becomes the latest of all, and that tells which numbers are free.
        number_next = max(pack.number_next, self.number_next())
        self._remove([to_integer(rows[0]["number"])])
        self.add(page, replace(pack, number_next=number_next))

    def number_next(self) -> int:
        """The first number that is free after all of them; 0: they do not tell."""
        rows = self._query("SELECT number_next FROM pack ORDER BY number DESC LIMIT 1")
        return to_integer(rows[0]["number_next"]) if rows else 0

    def all(self) -> Iterator[PagePack]:
        return self._load(self._numbers("true"))

    def after_page(self, page: int) -> Iterator[PagePack]:
        """The tries of pages that have not landed."""
        return self._load(self._numbers("page > ?", page))

    def forget_after_page(self, page: int) -> None:
        self._remove(self._numbers("page > ?", page))

    def landed(self, page_count: int, after: int) -> Iterator[tuple[int, PagePack]]:
        """The packs of pages that have landed, with their numbers, from the one after that on."""
        for number in self._numbers(f"number IN {LATEST} AND number > ?", page_count, after):
            yield number, self._loaded(number)

    def seen(self, page_count: int) -> Iterator[PagePack]:
        """The same without their puts: what the pages that have landed list."""
        numbers = self._numbers(f"number IN {LATEST}", page_count)
        for at in range(0, len(numbers), PACKS_TOGETHER):
            some = numbers[at : at + PACKS_TOGETHER]
            rows = self._query(SEEN, some[0], some[-1])
            landed = set(some)  # between them there are tries that came to nothing
            yield from (_pack(row, ()) for row in rows if to_integer(row["number"]) in landed)

    def lost(self, page_count: int) -> Iterator[PagePack]:
        """The tries that came to nothing, once all pages have landed."""
        return self._load(self._numbers(f"number NOT IN {LATEST}", page_count))

    def drop(self) -> None:
        """Forget all of them: as tables, since each row that is deleted costs a row written."""
        if self._query("SELECT 1 FROM pack LIMIT 1"):
            for table in self._query(TABLES):
                self._query(f"DROP TABLE {table['name']}")
                self._query(str(table["sql"]))

    def _numbers(self, condition: str, *bindings: int) -> list[int]:
        rows = self._query(f"{NUMBERS} {condition} ORDER BY number", *bindings)
        return [to_integer(row["number"]) for row in rows]

    def _load(self, numbers: Iterable[int]) -> Iterator[PagePack]:
        """One after the other: all together may be more than there is memory for."""
        return map(self._loaded, numbers)

    def _loaded(self, number: int) -> PagePack:
        (row,) = self._query("SELECT * FROM pack WHERE number = ?", number)
        puts = decode(str(row["puts"]), list[Put]) if row["puts"] else []
        if len(puts) >= PUTS_TOGETHER:
            for more in self._query("SELECT puts FROM more_puts WHERE number = ?", number):
                puts += decode(str(more["puts"]), list[Put])
        return _pack(row, puts)

    def _remove(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._query("DELETE FROM pack WHERE number = ?", number)
            self._query("DELETE FROM more_puts WHERE number = ?", number)


def _pack(row: Row, puts: Iterable[Put]) -> PagePack:
    others = OtherKeys() if row["others"] is None else decode(str(row["others"]), OtherKeys)
    return PagePack(
        _decode_numbers(str(row["seen"])),
        tuple(puts),
        others.deleted,
        others.rejected,
        to_integer(row["number_next"]),
    )


def _texts(puts: tuple[Put, ...]) -> list[str | None]:
    """Mostly one: of a page with very many things, as many as are needed."""
    text = msgspec.json.encode(puts).decode() if puts else None
    if text is None or len(text) <= PUTS_CHARACTERS_MAX:
        return [text]
    parts = (puts[at : at + PUTS_TOGETHER] for at in range(0, len(puts), PUTS_TOGETHER))
    return [msgspec.json.encode(part).decode() for part in parts]


def _encode_numbers(numbers: Iterable[int]) -> str:
    listed = tuple(numbers)
    return b64encode(to_bytes(f"<{len(listed)}I", *listed)).decode()


def _decode_numbers(text: str) -> tuple[int, ...]:
    content = b64decode(text)
    return unpack(f"<{len(content) // 4}I", content)
