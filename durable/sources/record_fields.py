"""Reads one field of a record that stays undecoded. Pure."""

import re
from functools import lru_cache

import msgspec
from msgspec import Raw

from durable.decoding import Decoder
from durable.errors import Cause, UpstreamError
from durable.json_paths import Shape
from durable.sources.paging.typed import Typed, to_cursor


_text = Decoder[str](str)
_any = Decoder[Typed | bool | None](Typed | bool | None)
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def text_of(record: Raw, field: str) -> str:
    """A text, or a number as it was written: a float may not come out as it went in.

    Args:
        record: of the source.
        field: the path in it.

    Raises:
        UpstreamError: there is neither.
    """
    try:
        raw = bytes(_shape(field).read_part(record)[field])
        if raw.startswith(b'"'):
            return _text.decode_part(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _failure(f"one of the source's records has no {field}: {error}") from error
    text = raw.decode(errors="replace")
    if NUMBER.fullmatch(text) is None:
        raise _failure(
            f"one of the source's records has a {field} that is no text and no number: {text:.200}"
        )
    return text


def key_of(record: Raw, field: str, *, is_typed: bool) -> str:
    """A cursor: the text, or where its type is to be kept, whatever JSON there is.

    Args:
        record: of the source.
        field: the path in it.
        is_typed: whether it is to be restored with its type.

    Raises:
        UpstreamError: there is nothing that could be one.
    """
    if not is_typed:
        return text_of(record, field)
    try:
        raw = bytes(_shape(field).read_part(record)[field])
        value = _any.decode_part(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _failure(f"one of the source's records has no {field}: {error}") from error
    if value is None or isinstance(value, bool):
        raise _failure(
            f"one of the source's records has a {field} that is no text and no number: "
            f"{raw.decode(errors='replace'):.200}"
        )
    return to_cursor(value)


@lru_cache(maxsize=32)
def _shape(field: str) -> Shape:
    return Shape([(field, Raw)])


def _failure(reason: str) -> UpstreamError:
    return UpstreamError(reason, cause=Cause.BAD_KEY)
