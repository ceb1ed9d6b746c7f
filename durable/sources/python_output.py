"""Converts what an author's code gives: records, a cursor, an exception. Pure."""

import math
from collections.abc import Sequence
from pathlib import PurePath
from traceback import walk_tb
from typing import Any

import msgspec
from msgspec import Raw

from durable.decoding import check, decode
from durable.errors import Cause, UpstreamError
from durable.sources.source import cursor_fault


# Of what cannot be written as JSON.
UNTELLABLE = (UnicodeError, OverflowError)  # by its value: half of a pair, too large a number
EXCERPT_CHARACTERS_MAX = 400
UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)


def encode_records(
    records: Sequence[Any], bytes_max: int
) -> tuple[list[Raw], dict[int, str | None]]:
    """The records as JSON, and why some cannot be JSON, by their place from 1.

    Raises UpstreamError where one is of a kind that is never written, or they are too many.
    """
    raws: list[Raw] = []
    faults: dict[int, str | None] = {}
    byte_count = 0
    for place, record in enumerate(records, start=1):
        try:
            content = msgspec.json.encode(record)
            check(content)
            if b"null" in content and not is_finite(msgspec.to_builtins(record)):
                raise OverflowError("NaN and Infinity would become null")
        except UNTELLABLE as error:
            faults[place] = f"the record cannot be written as JSON: {error}"
            content = msgspec.json.encode(ascii(record)[:EXCERPT_CHARACTERS_MAX])
        except UNWRITABLE as error:
            raise UpstreamError(
                f"record {place} of a page, a {type(record).__name__}, cannot be written as JSON: "
                f"{error}",
                cause=Cause.RAISED,
            ) from error
        byte_count += len(content)
        if byte_count > bytes_max:
            raise UpstreamError(
                f"a page of the source has more than {bytes_max} bytes: give fewer records in a "
                "SourcePage, or raise page_bytes_max in LIMITS",
                cause=Cause.TOO_LARGE,
            )
        raws.append(Raw(content))
    return raws, faults


def is_finite(value: Any) -> bool:
    """Whether no number in it is NaN or infinite. It is not nested deeper than what is read."""
    match value:
        case float():
            return math.isfinite(value)
        case dict():
            return all(map(is_finite, value.values()))
        case list() | tuple() | set() | frozenset():
            return all(map(is_finite, value))
    return True


def next_cursor(value: Any, cursor: str | None) -> str | None:
    """The cursor as it is stored. Raises UpstreamError if JSON would change it.

    Args:
        value: as the author's code gave it.
        cursor: of this page, as it is stored.
    """
    if value is None:
        return None
    try:
        text = msgspec.json.encode(value).decode()
        back = decode(text)
    except UNWRITABLE as error:
        raise UpstreamError(
            f"the source's next cursor {value!r:.200} cannot be written as JSON: {error}",
            cause=Cause.BAD_CURSOR,
        ) from error
    fault = cursor_fault(text, cursor)
    if back != value:
        fault = f"comes back from JSON as {back!r:.200}: use texts, numbers, lists and dicts"
    if fault is not None:
        raise UpstreamError(
            f"the source's next cursor {value!r:.200} {fault}", cause=Cause.BAD_CURSOR
        )
    return text


def author_error(error: Exception, code: Any) -> UpstreamError:
    """What the author's code raised, as an error of the source.

    Args:
        error: what it raised. Of a group, as tasks raise it, an UpstreamError is the one.
        code: the function, by whose file the line is found.
    """
    if isinstance(error, UpstreamError):
        return error
    if isinstance(error, ExceptionGroup) and (group := error.subgroup(UpstreamError)):
        return author_error(group.exceptions[0], code)
    name = getattr(code, "__qualname__", type(code).__name__)
    return UpstreamError(
        f"the source's {name} raised {type(error).__name__}: {error}{_place(error, code)}",
        cause=Cause.RAISED,
    )


def _place(error: Exception, code: Any) -> str:
    """The line of the author's file that was left last."""
    file = getattr(getattr(code, "__code__", None), "co_filename", None)
    places = [
        (PurePath(file), line)
        for frame, line in walk_tb(error.__traceback__)
        if frame.f_code.co_filename == file
    ]
    if not places:
        return ""
    path, line = places[-1]
    return f", at {path.parent.name}/{path.name}:{line}"
