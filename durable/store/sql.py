"""What the parts of the store ask the object's database with, and what it gives."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.machine.job import State


Binding = str | int | float | None  # the platform mangles bool, dict and list without a word
Row = Mapping[str, object]
Kept = TypeVar("Kept", bound=Struct)


class Query(Protocol):
    """Has the database do something, and gives all rows that come of it."""

    def __call__(self, query: str, *bindings: Binding) -> Sequence[Row]: ...


def integer(value: object) -> int:
    assert isinstance(value, int | float), value  # the platform's numbers are doubles
    return int(value)


def encoded(struct: Struct) -> str:
    """As a column `body` holds it."""
    return msgspec.json.encode(struct).decode()


def listed(states: Iterable[State]) -> str:
    """As `json_each` takes them."""
    return msgspec.json.encode(sorted(states)).decode()


def decoded(rows: Iterable[Row], kind: type[Kept]) -> Iterator[Kept]:
    """The bodies that this code understands: newer code may have had other modes or verdicts."""
    for row in rows:
        with suppress(msgspec.ValidationError):
            yield decode(str(row["body"]), kind)
