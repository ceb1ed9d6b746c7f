"""JSON put into JSON, as bytes: what is not looked at is not decoded. Pure."""

import re
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw

from durable.decoding import Decoder


EMPTY = re.compile(rb"\{\s*\}")

_fields = Decoder[dict[str, Raw]](dict[str, Raw])


def set_field(record: Raw, name: str, value: bytes | Raw) -> Raw | None:
    """The record with a value in a field, whatever it had there; None if it is no object.

    A reader of JSON takes the last of two fields of one name.
    """
    content = bytes(record)
    if not content.startswith(b"{"):
        return None
    comma = b"" if EMPTY.fullmatch(content) else b","
    field = msgspec.json.encode(name)
    return Raw(b"".join((content[:-1], comma, field, b":", bytes(value), b"}")))


def encode_list(values: Iterable[Raw]) -> bytes:
    """A list of them."""
    return b"[" + b",".join(map(bytes, values)) + b"]"


def select_fields(record: Raw, fields: Sequence[str]) -> Raw:
    """The record with no more than these of its fields, if it is an object."""
    if not bytes(record).startswith(b"{"):
        return record
    known = _fields.decode_part(record)
    return Raw(msgspec.json.encode({name: known[name] for name in fields if name in known}))
