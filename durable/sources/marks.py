"""Marks a place in a list, and tells whether the rest is still that of the same list. Pure."""

import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.http.stream import Streamed
from durable.sources.ndjson_lines import LinePosition
from durable.sources.paging.protocol import foreign


RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", re.ASCII)
VALIDATOR_CHARACTERS_MAX = 1_000  # it is part of every cursor
STRONG_AFTER = timedelta(seconds=1)  # a date has seconds, so it is none while one lasts (RFC 9110)


class Mark(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place in a list, as a cursor has it in JSON."""

    offset: int
    checksum: int
    validator: str  # an ETag or a date; empty if the list has neither
    is_ranged: bool  # a range of the list is a range of what is read

    @property
    def spot(self) -> LinePosition:
        return LinePosition(self.offset, self.checksum)

    @property
    def range(self) -> Mapping[str, str]:
        """The headers that ask for the rest."""
        return {"range": f"bytes={self.offset}-", "if-range": self.validator}

    def cursor(self) -> str:
        return msgspec.json.encode(self).decode()


def mark(stream: Streamed, spot: LinePosition) -> Mark:
    """The mark of a list that is read whole."""
    validator = _validator(stream)
    is_ranged = (
        not stream.is_encoded
        and stream.headers.get("accept-ranges", "").lower() != "none"
        and _is_strong(validator, stream.headers.get("date", ""))
    )
    return Mark(
        offset=spot.offset, checksum=spot.checksum, validator=validator, is_ranged=is_ranged
    )


def parse_mark(cursor: str) -> Mark:
    """The mark in a cursor. Raises UpstreamError if it is none."""
    try:
        return decode(cursor, Mark)
    except msgspec.DecodeError as error:
        raise foreign("a list of lines", cursor) from error


def is_same(stream: Streamed, mark: Mark) -> bool:
    """Whether this is the marked list, as far as its headers say."""
    return _validator(stream) == mark.validator


def is_rest(stream: Streamed, mark: Mark) -> bool:
    """Whether this part is the unchanged rest of the marked list."""
    found = RANGE.fullmatch(stream.headers.get("content-range", ""))
    if found is None or stream.is_encoded:
        return False
    first, last, length = map(int, found.groups())
    # A server may leave out of a part what it said of the whole.
    validator = _validator(stream)
    is_same_list = validator == mark.validator or not validator
    return is_same_list and first == mark.offset and last == length - 1


def _validator(stream: Streamed) -> str:
    validator = stream.headers.get("etag") or stream.headers.get("last-modified") or ""
    return validator if len(validator) <= VALIDATOR_CHARACTERS_MAX else ""


def _is_strong(validator: str, date: str) -> bool:
    """Whether it is another one with each change of a byte."""
    if validator.startswith(('"', "W/")):
        return validator.startswith('"')
    try:
        return parsedate_to_datetime(date) - parsedate_to_datetime(validator) >= STRONG_AFTER
    except (ValueError, TypeError):
        return False
