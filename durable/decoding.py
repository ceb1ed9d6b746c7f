"""The one place where JSON from outside is decoded, once it is seen to be bounded. Pure.

In WebAssembly a text that is nested some 9,500 deep overflows the stack within the decoder and
ends the isolate, with all connectors in it, long before Python's own limit of recursion. And
JavaScript's numbers are doubles, so an integer of 2^53 or more does not come through RPC.
"""

import json
import re
from codecs import escape_decode
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Annotated, Any, Generic, TypeVar, overload

import msgspec
from msgspec import Meta, Raw


BYTES_MAX = 64 * 1024 * 1024  # of whatever it is; who reads a body bounds it further
DEPTH_MAX = 500
EXACT_MAX = 2**53 - 1  # beyond it, not every integer is a double
ExactInt = Annotated[int, Meta(ge=-EXACT_MAX, le=EXACT_MAX)]

Kind = TypeVar("Kind")
Content = bytes | str

PART_BYTES = 64 * 1024  # looked at together: what that takes is little beside a page
FEW_BRACKETS = 256  # looked at one by one, only where they may lead too deep

# Of a text with escapes, each byte becomes one that an escape may end with, so that one pass of
# C takes away whatever is escaped: brackets become b and f, quotes n, and all others t.
_KINDS = {**dict.fromkeys(b"[{", ord("b")), **dict.fromkeys(b"]}", ord("f"))}
_KINDS |= {ord('"'): ord("n"), ord("\\"): ord("\\")}
_CLASSES = bytes(_KINDS.get(byte, ord("t")) for byte in range(256))
_MARKS_OF_CLASSES = bytes.maketrans(b"bfn", b'[]"')
_NO_CLASSES = bytes(byte for byte in range(256) if byte not in b"bfn")
_ESCAPE = re.compile(rb"\\*[^\\]?", re.DOTALL)  # what is left of it
# Of one without, they only stand for their like.
_MARKS = bytes.maketrans(b"{}", b"[]")
_NO_MARKS = bytes(byte for byte in range(256) if byte not in b'[]{}"')
_STEPS = bytes.maketrans(b"[]", b"\x01\xff")  # as signed bytes: one deeper, one less


class UnboundedError(msgspec.ValidationError):
    """What is to be decoded is too long or nested too deep. It stays so: trying again is no use."""


class Decoder(Generic[Kind]):
    """Decodes JSON into a type.

    Args:
        kind: that.
    """

    def __init__(self, kind: Any = Any) -> None:
        # As `decode`, of a part of what was decoded before, such as a record of a page.
        self.decode_part: Callable[[Content | Raw], Kind]
        self.decode_part = msgspec.json.Decoder(kind).decode

    def decode(self, content: Content | Raw) -> Kind:
        """What it says.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError: it is not JSON;
                msgspec.ValidationError, it is not of the type;
                UnboundedError, it is not decoded.
        """
        check(content)
        return self.decode_part(content)


@overload
def decode(content: Content | Raw, kind: type[Kind], *, is_strict: bool = True) -> Kind: ...
@overload
def decode(content: Content | Raw, kind: Any = Any, *, is_strict: bool = True) -> Any: ...
def decode(content: Content | Raw, kind: Any = Any, *, is_strict: bool = True) -> Any:
    """What JSON says, as a type. Raises as `Decoder.decode`."""
    check(content)
    return msgspec.json.decode(content, type=kind, strict=is_strict)


def decode_loosely(content: bytes) -> Any:
    """What it says as Python takes it: with NaN, and halves of surrogate pairs in texts.

    Raises:
        ValueError: it is not even that;
            UnboundedError, it is not decoded.
    """
    check(content)
    return json.loads(content)


def check(content: Content | Raw) -> None:
    """Raises UnboundedError where this is not to be decoded."""
    text = content.encode(errors="replace") if isinstance(content, str) else bytes(content)
    if len(text) > BYTES_MAX:
        raise UnboundedError(f"it has {len(text)} bytes, more than {BYTES_MAX}")
    if is_too_deep(text):
        raise UnboundedError(f"it is nested more than {DEPTH_MAX} deep")


def is_too_deep(text: bytes) -> bool:
    """Whether any place in it is within more than DEPTH_MAX brackets, up to where it is no JSON.

    It costs two searches where there are few brackets, else a few passes of C over the text.
    """
    if _has_few(text):
        return False
    depth = 0
    for brackets in _brackets(text):
        for start in range(0, len(brackets), FEW_BRACKETS):
            few = brackets[start : start + FEW_BRACKETS]
            opened = few.count(b"[")
            if depth + opened > DEPTH_MAX and depth + _deepest(few) > DEPTH_MAX:
                return True
            depth += 2 * opened - len(few)
    return False


def _has_few(text: bytes) -> bool:
    """Whether it has no more brackets that open, those in strings too, than may be nested."""
    opened = 0
    for bracket in (b"[", b"{"):
        at = text.find(bracket)  # from one to the next takes a third of the time of a count
        while at >= 0:
            opened += 1
            if opened > DEPTH_MAX:
                return False
            at = text.find(bracket, at + 1)
    return True


def _brackets(text: bytes) -> Iterator[bytes]:
    """The brackets outside of strings, all of them square: those of a part of the text each."""
    start, is_within = 0, False  # a string
    while start < len(text):
        end = start + PART_BYTES
        if text[end - 1 : end] == b"\\":
            end = _ESCAPE.match(text, end).end()  # type: ignore[union-attr] # it matches nothing, too
        marks = _marks(text[start:end])
        start = end
        if is_within:
            marks = b'"' + marks
        quote_count = marks.count(b'"')
        if is_within := quote_count % 2 == 1:
            marks, quote_count = marks + b'"', quote_count + 1
        if 2 * marks.count(b'""') == quote_count:
            yield marks.translate(None, b'"')  # no string has a bracket, as is usual
        else:
            yield b"".join(marks.split(b'"')[::2])


def _marks(text: bytes) -> bytes:
    """The brackets and the quotes that begin and end strings."""
    if b"\\" not in text:
        return text.translate(_MARKS, _NO_MARKS)
    # The byte more is for a text that is cut after a backslash.
    plain, _ = escape_decode(text.translate(_CLASSES) + b"t")
    return plain.translate(_MARKS_OF_CLASSES, _NO_CLASSES)


def _deepest(brackets: bytes) -> int:
    return max(accumulate(memoryview(brackets.translate(_STEPS)).cast("b")), default=0)
