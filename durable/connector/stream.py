"""One kind of thing that a connector brings: its source, and its mapping."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct

from durable.errors import ConfigurationError, UpstreamError
from durable.sources.record_fields import text_of
from durable.sources.source import Source


Record = TypeVar("Record", bound=Struct)
POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class Stream(Struct, Generic[Record], frozen=True, kw_only=True):
    """A source and the mapping of its records.

        Stream(source=HttpSource(...), key="id", record=Ticket, map=document)

    Attributes:
        source: where the records are.
        key: the path of a record's own id, a text or a number. It is read without the rest, so a
            record that does not decode is rejected by its name.
        record: the Struct that each is decoded into.
        map: makes a record what Glean is to have, or None if it is none of Glean's business. A
            record for which it raises is rejected. It takes `(record)`, or `(record, context)`: a
            `Context` has the deployment's variables, the record's parents, and the job's mode.

    Raises:
        ConfigurationError: one of them is not right.
    """

    source: Source
    key: str
    record: type[Record]
    map: Callable[..., Any]

    def __post_init__(self) -> None:
        if faults := list(self._faults()):
            raise ConfigurationError("\n".join(f"Stream: {fault}" for fault in faults))

    def _faults(self) -> Iterator[str]:
        source: object = self.source
        key: object = self.key
        record: object = self.record
        if not callable(getattr(source, "reader", None)):
            yield f"source: {source!r:.100} is none: write HttpSource(...), for example"
        if not isinstance(key, str) or not key:
            yield f"key: {key!r:.100} is no path: write the name of the field, as in key='id'"
        if not (isinstance(record, type) and issubclass(record, Struct)):
            yield f"record: {record!r:.100} is no Struct: write a class, and not one of its records"
        if not callable(self.map):
            yield f"map: {self.map!r:.100} is no function: write map=document, without calling it"
        elif len(_arguments(self.map)) not in {1, 2}:
            yield f"map: {self.map!r:.100} takes {_arguments(self.map)}: let it take (record), or "
            "(record, context)"

    @property
    def takes_context(self) -> bool:
        """Whether the mapping is given a `Context` beside the record."""
        return len(_arguments(self.map)) > 1

    def key_of(self, record: Raw) -> str:
        """The record's own id; empty if it has no readable one."""
        with suppress(UpstreamError, RecursionError):
            return text_of(record, self.key)
        return ""


@lru_cache(maxsize=256)
def _arguments(mapping: Any) -> tuple[str, ...]:
    """The names of those that have to be given, in order."""
    try:
        parameters = signature(mapping).parameters.values()
    except ValueError:  # it does not tell
        return ("record",)
    return tuple(
        each.name
        for each in parameters
        if each.kind in POSITIONAL and each.default is Parameter.empty
    )


AnyStream = Stream[Any]
