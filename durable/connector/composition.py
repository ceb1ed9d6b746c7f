"""Takes any value apart into what it holds."""

import re
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cached_property
from inspect import getattr_static
from types import BuiltinFunctionType, MappingProxyType, MemberDescriptorType, MethodType
from typing import Any, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct

from durable.connector.authorship import PLATFORM
from durable.connector.codes import order


# Instances of these modules are what a copy would be made of; others of Python's may hold a state.
COPIED = frozenset(
    {"collections", "dataclasses", "datetime", "decimal", "fractions", "functools", "ipaddress"}
    | {"operator", "string", "types", "uuid", "zoneinfo", "_operator", "_functools", "_struct"}
)
TYPE_ATTRIBUTES = ("__supertype__", "__value__", "__bound__", "__constraints__")
STRUCT_CONFIG = ("tag", "tag_field", "array_like", "forbid_unknown_fields")


def unwrap(value: Any) -> list[Any]:  # noqa: PLR0911 - a return for each
    """The functions behind a callable or a descriptor."""
    match value:
        case MethodType() | staticmethod() | classmethod():
            return [value.__func__, getattr(value, "__self__", None)]
        case property():
            return [value.fget, value.fset, value.fdel]
        case BuiltinFunctionType():
            return [value.__qualname__, value.__self__]
        case re.Pattern():
            return [value.pattern, value.flags]
        case msgspec.Meta():
            return [repr(value)]
    if type(value).__module__ == "typing":
        return [repr(value), *(getattr(value, name, None) for name in TYPE_ATTRIBUTES)]
    inner = getattr_static(value, "__wrapped__", None)
    return [inner] if callable(inner) else []


def contents(value: Any) -> list[Any]:
    match value:
        case dict() | MappingProxyType():
            return [*pairs(value), getattr(value, "default_factory", None)]
        case list() | tuple() | deque():
            return list(value)
        case set():
            return sorted(value, key=order)
        case str() | bytes() | int() | float():
            return [repr(value)]
        case slice():
            return [value.start, value.stop, value.step]
    return []


def pairs(values: Mapping[Any, Any]) -> list[Any]:
    return [part for pair in values.items() for part in pair]


def state(value: Any) -> list[Any]:
    """The attributes of an author's instance, except cached ones."""
    kind = type(value)
    slots = [name for each in kind.__mro__ for name in vars(each) if _is_slot(vars(each)[name])]
    names = sorted({*getattr(value, "__dict__", {}), *slots})
    found = [
        (name, getattr(value, name, None))
        for name in names
        if not isinstance(getattr_static(kind, name, None), cached_property)
    ]
    return [part for pair in found for part in pair]


def _is_slot(member: Any) -> bool:
    return isinstance(member, MemberDescriptorType)


def copy_parts(value: Any) -> list[Any]:
    """What `copy` would make a foreign instance of; nothing if it cannot be copied."""
    module = type(value).__module__
    top = module.partition(".")[0]
    if module not in COPIED and (top in sys.stdlib_module_names or top in PLATFORM):
        return []
    try:
        copied = value.__reduce_ex__(2)
    except Exception:  # noqa: BLE001 - it may raise anything
        return []
    if isinstance(copied, str):
        return [copied]
    return [list(part) if isinstance(part, Iterator) else part for part in copied]


def fields(value: type) -> list[Any]:
    """The fields of a class, with their types, and how it is read from JSON."""
    if not issubclass(value, Struct):
        try:
            return pairs(get_type_hints(value, include_extras=True))
        except Exception:  # noqa: BLE001 - a hint may be anything
            return []
    config = value.__struct_config__
    held: list[Any] = [getattr(config, name) for name in STRUCT_CONFIG]
    for field in msgspec.structs.fields(value):
        held += [field.name, field.encode_name, field.type]
        held += [each for each in (field.default, field.default_factory) if each is not NODEFAULT]
    return held
