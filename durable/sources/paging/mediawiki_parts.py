"""Pages of a wiki that several answers tell of, some properties in each. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw

from durable.decoding import Decoder


_members = Decoder[dict[str, Raw]](dict[str, Raw])
_value = Decoder[Any](Any)
NAMES = ("pageid", "title")  # a page that is missing has no id


def join_parts(first: Iterable[Raw], second: Iterable[Raw]) -> list[Raw]:
    """The pages of two answers of one batch, in order, each with what both tell of it.

    Lists of a page are put one behind the other.

    Raises:
        msgspec.DecodeError, UnicodeDecodeError: one of them is no object.
    """
    pages: dict[object, dict[str, Raw]] = {}
    for record in (*first, *second):
        page = _members.decode_part(record)
        name = next((bytes(page[name]) for name in NAMES if name in page), len(pages))
        known = pages.setdefault(name, page)
        if known is not page:
            pages[name] = _merge(known, page)
    return [Raw(msgspec.json.encode(page)) for page in pages.values()]


def _merge(one: dict[str, Raw], other: dict[str, Raw]) -> dict[str, Raw]:
    both = {**one, **other}
    for name in one.keys() & other.keys():
        if bytes(one[name]) != bytes(other[name]):
            values = (_value.decode_part(raw) for raw in (one[name], other[name]))
            both[name] = Raw(msgspec.json.encode(_together(*values)))
    return both


def _together(one: Any, other: Any) -> Any:
    match one, other:
        case list(), list():
            return one + other
        case dict(), dict():
            names = {**one, **other}
            return {
                name: _together(one[name], other[name])
                if name in one and name in other
                else names[name]
                for name in names
            }
    return other
