"""A field of a record that is not decoded otherwise. Pure."""

import re
from functools import lru_cache

import msgspec
from msgspec import Raw

from durable.decoding import Decoder
from durable.errors import UpstreamError
from durable.sources.shape import Shape


_text = Decoder[str](str)
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


@lru_cache(maxsize=32)
def _shape(field: str) -> Shape:
    return Shape([(field, Raw)])


def _failure(reason: str) -> UpstreamError:
    return UpstreamError(reason, is_transient=False)
