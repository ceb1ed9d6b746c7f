"""Values that keep their JSON type while they are a cursor, which is a text. Pure."""

from typing import Any

import msgspec

from durable.decoding import decode


Typed = str | int | float | list[Any] | dict[str, Any]  # of a cursor that goes into a body


def to_cursor(value: Typed) -> str:
    """The value as a cursor: a text as it is, unless it reads as JSON; anything else as JSON."""
    if isinstance(value, str) and not _is_json(value):
        return value
    return msgspec.json.encode(value).decode()


def from_cursor(cursor: str) -> Any:
    """The value that was stored."""
    try:
        return decode(cursor)
    except (msgspec.DecodeError, UnicodeError):
        return cursor


def _is_json(text: str) -> bool:
    try:
        decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return False
    return True
