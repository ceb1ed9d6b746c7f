"""Checks that the fields of a Struct have the declared types.

msgspec looks when it decodes, not when a Struct is made. So the Struct is taken apart and put
together again, which is done in C and copies no text.
"""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct


# Else they would be made texts, and nobody would see that they are something else.
AS_THEY_ARE = (bytes, bytearray, memoryview, datetime, date, time, timedelta, Decimal)
PLACE = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)
STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")

AnyStruct = TypeVar("AnyStruct", bound=Struct)


class FieldFault(Struct, frozen=True):
    """Why Glean would refuse or misread a field."""

    field: str  # as in "comments[0].created_at"; "": no single one
    words: str  # what it is, and what helps: they follow the name

    @property
    def reason(self) -> str:
        return f"{self.field} {self.words}".lstrip()


class Mistyped(Exception):  # noqa: N818 - named for what it says of the value
    """A field has a value of another type. The message names both."""

    def __init__(self, fault: FieldFault) -> None:
        super().__init__(fault.reason)
        self.fault = fault


def check_types(struct: Struct, kind: type[AnyStruct]) -> AnyStruct:
    """A copy with the right types, as Glean will read it.

    Raises:
        Mistyped: they are not.
        MemoryError: there is none left.
    """
    try:
        return msgspec.convert(_builtins(struct), kind)
    except MemoryError:
        raise
    except msgspec.ValidationError as error:
        raise _mistyped(struct, str(error)) from error
    except Exception as error:  # whatever stands in a field may raise anything
        raise _unwritable(struct, error) from error


def quote(value: object) -> str:
    """The beginning of its repr, for a person."""
    try:
        return f"{value!r:.100}"
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever stands in a field may raise anything
        return f"a {type(value).__name__}"


def _builtins(value: object) -> Any:
    return msgspec.to_builtins(value, builtin_types=AS_THEY_ARE)


def _mistyped(struct: Struct, message: str) -> Mistyped:
    found = PLACE.fullmatch(message)
    what, path = found.groups() if found else (message, "")
    field, value = _at(struct, path)
    what = f"{what[0].lower()}{what[1:]}"
    return Mistyped(FieldFault(field, f"is {quote(value)}: {what}" if field else what))


def _unwritable(struct: Struct, error: Exception) -> Mistyped:
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        try:
            _builtins(value)
        except MemoryError:
            raise
        except Exception as cause:  # noqa: BLE001 - as above
            words = f"is {quote(value)}: it cannot be JSON: {cause}"
            return Mistyped(FieldFault(name, words))
    return Mistyped(FieldFault("", f"it cannot be JSON: {error}"))


def _at(struct: Struct, path: str) -> tuple[str, object]:
    """The field's name in Python and its value, as far as the path can be followed."""
    field, value = "", cast("Any", struct)
    for key, index in STEP.findall(path):
        try:
            if index:
                value, field = list(value)[int(index)], f"{field}[{index}]"
            elif isinstance(value, Struct):
                names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
                name = dict(names)[key]
                value, field = getattr(value, name), f"{field}.{name}"
            else:
                value, field = value[key], f"{field}.{key}"
        except (AttributeError, LookupError, TypeError):
            break
    return field.removeprefix("."), value
