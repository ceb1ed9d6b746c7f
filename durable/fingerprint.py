"""A short text that differs where a connector would crawl or map differently.

A job's cursor is bound to it: pages read by one definition and pages read by
another are not one crawl. It looks at what the definition is, not at how its
file is written, so that a comment does not begin a crawl anew.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import partial
from types import CodeType, FunctionType
from typing import Any, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct

from durable.connector import AnyConnector
from durable.job import Mode


PLAIN = frozenset({"datetime", "decimal", "zoneinfo"})  # their types' repr is the whole value


def fingerprint(connector: AnyConnector, places: Iterable[str]) -> str:
    """The same in every isolate that runs the same code.

    Args:
        connector: the definition.
        places: where its sources are located.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in _parts(connector, places):
        digest.update(part.encode(errors="replace"))
        digest.update(b"\0")
    return digest.hexdigest()


def _parts(connector: AnyConnector, places: Iterable[str]) -> Iterator[str]:
    datasource = connector.datasource
    yield datasource.name
    yield from places
    yield datasource.url_regex or ""
    yield from sorted(datasource.object_type_names)
    walk = _Walk(getattr(connector.document, "__module__", ""))
    for mode in Mode:
        for stage, feed in connector.feeds(mode).items():
            yield stage
            for part in (feed.source, feed.record, feed.change):
                yield from walk.described(part)


class _Walk:
    """Goes through whatever a mapping uses, as far as it is the author's.

    Args:
        module: the author's. Of functions and types from elsewhere, the name is enough.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._seen: dict[int, Any] = {}  # what is kept here, leaves its id to no other

    def described(self, value: Any) -> Iterator[str]:
        match value:
            case str() | bytes() | int() | float() | None | Enum():
                yield repr(value)
            case list() | Mapping() if self._is_known(value):
                yield "known"  # it may hold itself
            case tuple() | list():
                yield from self._each(value)
            case set() | frozenset():
                # Their order differs between isolates.
                yield from sorted("\1".join(self.described(member)) for member in value)
            case Mapping():
                yield from self._each(value)
            case re.Pattern():
                yield f"{value.pattern!r} {value.flags}"
            case partial():
                yield from self._each((value.func, value.args, value.keywords))
            case FunctionType() | type():
                yield from self._definition(value)
            case CodeType():
                yield from self._code(value)
            case _:
                yield from self._object(value)

    def _each(self, values: Any) -> Iterator[str]:
        members = [*values, *values.values()] if isinstance(values, Mapping) else values
        yield f"{type(values).__name__} {len(members)}"
        for value in members:
            yield from self.described(value)

    def _object(self, value: Any) -> Iterator[str]:
        """What it is an instance of, and what it holds. Its repr may name an address."""
        kind = type(value)
        yield f"{kind.__module__}.{kind.__qualname__}"
        if self._is_known(value):
            return
        if (origin := get_origin(value)) is not None:
            yield from self._each([origin, *get_args(value)])
        elif isinstance(value, Struct):
            yield from self._each([getattr(value, name) for name in value.__struct_fields__])
        elif kind.__module__ in PLAIN:
            yield repr(value)
        elif kind.__module__ == self._module:
            yield from self.described(kind)
            yield from self._each(getattr(value, "__dict__", {}))

    def _definition(self, value: Any) -> Iterator[str]:
        yield f"{value.__module__}.{value.__qualname__}"
        if self._is_known(value):
            return
        if isinstance(value, type) and issubclass(value, Struct):
            yield from self._fields(value)
        if value.__module__ != self._module:
            return
        if isinstance(value, FunctionType):
            yield from self._function(value)
        else:
            yield from self._each([member for member in vars(value).values() if callable(member)])

    def _fields(self, struct: type[Struct]) -> Iterator[str]:
        for field in msgspec.structs.fields(struct):
            yield f"{field.name} {field.encode_name}"
            yield from self.described(field.type)
            for default in (field.default, field.default_factory):
                if default is not NODEFAULT:
                    yield from self.described(default)

    def _is_known(self, value: Any) -> bool:
        is_known = id(value) in self._seen
        self._seen[id(value)] = value
        return is_known

    def _function(self, function: FunctionType) -> Iterator[str]:
        yield from self._code(function.__code__)
        yield from self._each([function.__defaults__, function.__kwdefaults__])
        for cell in function.__closure__ or ():
            yield from self.described(cell.cell_contents)
        for name in _names(function.__code__):
            if name in function.__globals__:
                yield from self.described(function.__globals__[name])

    def _code(self, code: CodeType) -> Iterator[str]:
        yield code.co_code.hex()
        yield " ".join(code.co_names)
        yield from self._each(code.co_consts)


def _names(code: CodeType) -> Iterator[str]:
    """Names that are looked up outside of a function, in it and in those within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
