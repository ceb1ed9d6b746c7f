"""One kind of thing that a connector brings: where its records are, and what they become."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from msgspec import Struct

from durable.sources.source import Source


Record = TypeVar("Record", bound=Struct)


class Stream(Struct, Generic[Record], frozen=True, kw_only=True):
    """What is read, and how it becomes Glean's.

    Attributes:
        source: where the records are.
        record: the Struct that each is decoded into.
        change: makes a record what Glean is to have, or None if it is none of Glean's
            business. A record for which it raises is set aside.
    """

    source: Source
    record: type[Record]
    change: Callable[[Record], Any]


AnyStream = Stream[Any]
