"""Rows of the object's database, as the parts of its store get them."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class Query(Protocol):
    """Has the database do something, and gives all rows that come of it."""

    def __call__(
        self, query: str, *bindings: str | float | None
    ) -> Sequence[Mapping[str, object]]: ...


def integer(value: object) -> int:
    assert isinstance(value, int | float), value  # the platform's numbers are doubles
    return int(value)
