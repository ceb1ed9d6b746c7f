"""JSON put into JSON, as bytes: what is not looked at is not decoded. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Raw

from durable.decoding import Decoder
from durable.errors import Cause, UpstreamError


Keyed = dict[str, Raw] | list[Raw]  # of another language, an object without fields may be a list

_fields = Decoder[dict[str, Raw]](dict[str, Raw])


def set_field(record: Raw, name: str, value: bytes | Raw) -> Raw | None:
    """The record with a value in a field, whatever it had there; None if it is no object.

    A reader of JSON takes the last of two fields of one name.
    """
    content = bytes(record)
    if not content.startswith(b"{"):
        return None
    fields = content[:-1].rstrip()
    comma = b"" if fields == b"{" else b","
    return Raw(b"".join((fields, comma, msgspec.json.encode(name), b":", bytes(value), b"}")))


def add_keys(records: Keyed, field: str) -> list[Raw]:
    """The records of an object, in order, each with its key in the field.

    Raises:
        UpstreamError: they are a list, or one of them is no object.
    """
    if not isinstance(records, Mapping):
        if records:
            raise UpstreamError(
                "the source's records are a list, and were to have keys: leave out records_key",
                cause=Cause.UNREADABLE,
            )
        return []
    return [_with_key(raw, field, key) for key, raw in records.items()]


def _with_key(raw: Raw, field: str, key: str) -> Raw:
    record = set_field(raw, field, msgspec.json.encode(key))
    if record is None:
        raise UpstreamError(
            f"the source's record with the key {key!r:.200} is no object, and has no place for it",
            cause=Cause.UNREADABLE,
        )
    return record


def encode_list(values: Iterable[Raw]) -> bytes:
    """A list of them."""
    return b"[" + b",".join(map(bytes, values)) + b"]"


def select_fields(record: Raw, fields: Sequence[str]) -> Raw:
    """The record with no more than these of its fields, if it is an object."""
    if not bytes(record).startswith(b"{"):
        return record
    known = _fields.decode_part(record)
    return Raw(msgspec.json.encode({name: known[name] for name in fields if name in known}))
