"""What the parts of the store ask the object's database with, and what it gives."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.machine.states import State


Binding = str | int | float | None  # the platform mangles bool, dict and list without a word
Row = Mapping[str, object]
Kept = TypeVar("Kept", bound=Struct)
VERSION_MARK = "-- version "


class Query(Protocol):
    """Has the database do something, and gives all rows that come of it."""

    def __call__(self, query: str, *bindings: Binding) -> Sequence[Row]: ...


def to_integer(value: object) -> int:
    assert isinstance(value, int | float), value  # the platform's numbers are doubles
    return int(value)


def encode(struct: Struct) -> str:
    """As a column `body` holds it."""
    return msgspec.json.encode(struct).decode()


def encode_states(states: Iterable[State]) -> str:
    """As `json_each` takes them."""
    return msgspec.json.encode(sorted(states)).decode()


def decode_rows(rows: Iterable[Row], kind: type[Kept]) -> Iterator[Kept]:
    """The bodies that this code understands: newer code may have had other modes or verdicts."""
    for row in rows:
        with suppress(msgspec.ValidationError):
            yield decode(str(row["body"]), kind)


def read_summary(query: Query, name: str, kind: type[Kept]) -> Kept:
    """What there is one of by this name; as it begins, where there is none yet."""
    return next(decode_rows(query("SELECT body FROM summary WHERE name = ?", name), kind), kind())


def write_summary(query: Query, name: str, summary: Struct) -> None:
    query("INSERT OR REPLACE INTO summary (name, body) VALUES (?, ?)", name, encode(summary))


def migrate(query: Query) -> None:
    """Bring the database's tables up to date: each version of schema.sql is applied once."""
    query("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
    applied = {row["version"] for row in query("SELECT version FROM schema_version")}
    for version, statements in _versions():
        if version not in applied:
            query(statements)
            query("INSERT INTO schema_version (version) VALUES (?)", version)


@cache
def _versions() -> list[tuple[int, str]]:
    text = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
    blocks = [block.partition("\n") for block in text.split(VERSION_MARK)[1:]]
    return [(int(version), statements) for version, _, statements in blocks]
