"""Reads JSON that has in it what JSON does not allow, and finds where. Pure.

Python, JavaScript and Java write a text that was cut within an emoji with half of it, and Python
writes NaN. One such record is no reason to read none of the page. To be tried where a decoder has
failed, and not before: it takes longer than that.

What is no JSON is replaced in two ways. Whatever then differs had it.
"""

import re
from collections.abc import Callable, Sequence

from msgspec import Raw


# A string, or what Python writes for numbers that are none.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b', re.DOTALL)
_PART = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair, as it should be
    rb"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb'|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]'
    rb"|(?P<escape>\\.)"
    rb"|(?P<control>[\x00-\x1f])",
    re.DOTALL,
)
# By what is at fault: what stands for it, twice. They differ in one byte, which tells what it was.
_HALF, _ESCAPE, _CONTROL = (rb"\ufffd", rb"\ufffc"), (rb"\n", rb"\t"), (b" ", b"?")
_NUMBER = (b'"1"', b'"2"')
_FAULTS = {
    ord("d"): "a half of a surrogate pair",
    ord("n"): "an escape that is none",
    ord(" "): "a control character that is not escaped",
    ord("1"): "NaN or Infinity",
}


def mend_json(content: bytes) -> tuple[bytes, bytes] | None:
    """Two mended versions of a text; None if there is nothing to mend."""
    first, second = (_TOKEN.sub(_mend(way), content) for way in (0, 1))
    return None if first == second else (first, second)


def fault(first: bytes | Raw, second: bytes | Raw) -> str | None:
    """What is broken in a part, by its two versions; None if nothing is."""
    one, other = bytes(first), bytes(second)
    if one == other:
        return None
    differing = next((byte for byte, its in zip(one, other, strict=False) if byte != its), 0)
    what = _FAULTS.get(differing, "something")
    return f"there is {what} in it, which is no JSON"


def faults(first: Sequence[Raw], second: Sequence[Raw]) -> dict[int, str | None]:
    """What is broken in the records, by their place from 1."""
    reasons = (fault(*pair) for pair in zip(first, second, strict=True))
    return {
        place: f"the record is not read: {reason}"
        for place, reason in enumerate(reasons, start=1)
        if reason is not None
    }


def _mend(way: int) -> Callable[[re.Match[bytes]], bytes]:
    def part(found: re.Match[bytes]) -> bytes:
        match found.lastgroup:
            case "half":
                return _HALF[way]
            case "escape":
                return _ESCAPE[way]
            case "control":
                return _CONTROL[way]
        return found[0]

    def token(found: re.Match[bytes]) -> bytes:
        text = found[0]
        # As long as it was: a decoder tells the place of what else is wrong.
        return _PART.sub(part, text) if text.startswith(b'"') else _NUMBER[way].ljust(len(text))

    return token
