"""Records that are the values of an object, by their keys. Pure."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from durable.errors import UpstreamError


Keyed = dict[str, Raw] | list[Raw]  # of another language, an object without fields may be a list


def add_keys(records: Mapping[str, Raw] | Sequence[Raw], field: str) -> list[Raw]:
    """The records in order, each with its key in the field, in place of what was there.

    Raises:
        UpstreamError: they are a list, or one of them is no object.
    """
    if not isinstance(records, Mapping):
        if records:
            raise UpstreamError(
                "the source's records are a list, and were to have keys: leave out records_key",
                is_transient=False,
            )
        return []
    name = msgspec.json.encode(field)
    return [_with_key(raw, name, key) for key, raw in records.items()]


def _with_key(raw: Raw, name: bytes, key: str) -> Raw:
    """Of two fields of one name the last one counts, so it is put behind the others."""
    content = bytes(raw)
    if not content.startswith(b"{"):
        raise UpstreamError(
            f"the source's record with the key {key!r:.200} is no object, and has no place for it",
            is_transient=False,
        )
    fields = content[:-1].rstrip()
    comma = b"" if fields == b"{" else b","
    return Raw(b"".join((fields, comma, name, b":", msgspec.json.encode(key), b"}")))
