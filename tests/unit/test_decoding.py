"""JSON from outside is bounded before any decoder sees it."""

import json
import random
from typing import Any

import msgspec
import pytest
from msgspec import Raw, Struct

from durable import decoding
from durable.decoding import (
    BYTES_MAX,
    DEPTH_MAX,
    EXACT_MAX,
    Decoder,
    ExactInt,
    UnboundedError,
    decode,
    is_too_deep,
)


DEEPER = [DEPTH_MAX + 1, 9_000, 10_000, 200_000]
TEXTS = [
    '"[[[["',
    '"]]}}"',
    r'"\\"',
    r'"\"[{"',
    r'"\\\"]"',
    r'"\u005b["',
    r'"a\n"',
    '"é[\u2028"',
    '""',
]
CUT = ["[", '{"a":', '[{"a":', '["]",', '[{"]":', '[{"a\\"[]]":"\\\\",\n"b":\t']


class Told(Struct):
    total: ExactInt = 0


def nested(depth: int, inside: str = "1") -> str:
    return "[" * depth + inside + "]" * depth


@pytest.mark.parametrize("depth", [1, DEPTH_MAX - 1, DEPTH_MAX])
@pytest.mark.parametrize("inside", ["1", *TEXTS])
def test_what_is_as_deep_as_is_read_is_decoded(depth: int, inside: str) -> None:
    decoded = decode(nested(depth, inside))

    for _ in range(depth):
        (decoded,) = decoded
    assert decoded == json.loads(inside)


@pytest.mark.parametrize("depth", DEEPER)
@pytest.mark.parametrize("beginning", CUT)
@pytest.mark.parametrize("kind", [Any, Raw, Told, int, list[Raw], dict[str, Raw]])
def test_what_is_deeper_is_refused_before_it_is_decoded(
    depth: int, beginning: str, kind: Any
) -> None:
    text = beginning * depth

    for content in (text, text.encode(), Raw(text.encode())):
        with pytest.raises(UnboundedError, match=f"more than {DEPTH_MAX} deep"):
            decode(content, kind)
        with pytest.raises(UnboundedError):
            Decoder(kind).decode(content)


@pytest.mark.parametrize(
    "hidden",
    [
        "]" * 600,  # closed in a text alone
        r"\"" + "]" * 600,
        r"\\\"" + "]" * 600,
        "]" * 600 + "\\" * 2,
    ],
)
def test_brackets_in_texts_neither_hide_a_depth_nor_make_one(hidden: str) -> None:
    assert is_too_deep(f'["{hidden}",{nested(DEPTH_MAX)}]'.encode())
    assert not is_too_deep(f'["{hidden.replace("]", "[")}",{nested(DEPTH_MAX - 1)}]'.encode())


@pytest.mark.parametrize("part_bytes", [1, 2, 3, 7, 64, decoding.PART_BYTES])
def test_what_is_told_of_any_text_is_what_it_is(
    part_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the parts begin that it is looked at in: in a text, behind a backslash."""
    monkeypatch.setattr(decoding, "PART_BYTES", part_bytes)
    chance = random.Random(part_bytes)
    for _ in range(150):
        value: Any = chance.choice(TEXTS)
        for _ in range(chance.randint(DEPTH_MAX - 12, DEPTH_MAX + 12)):
            beside = chance.choice(["", ",1", ",[]", f",{chance.choice(TEXTS)}", ',{"}":[]}'])
            is_list = chance.random() < 0.5
            value = f"[{value}{beside}]" if is_list else f'{{"k[\\"":{value},"x":"}}}}"}}'
        deep = depth_told(value)

        assert is_too_deep(value.encode()) == (deep > DEPTH_MAX), value


def depth_told(text: str) -> int:
    """By going through it character by character."""
    depth = deepest = place = 0
    is_within = False
    while place < len(text):
        character = text[place]
        if is_within:
            place += character == "\\"
            is_within = character != '"'
        elif character == '"':
            is_within = True
        else:
            depth += (character in "[{") - (character in "]}")
            deepest = max(deepest, depth)
        place += 1
    return deepest


def test_many_brackets_are_not_deep() -> None:
    flat = json.dumps([{"a": [[], {}]}] * 50_000).encode()

    assert not is_too_deep(flat)
    assert len(decode(flat)) == 50_000


@pytest.mark.parametrize("end", ["", "\\", '"', '"\\', '["', '["\\\\', "\\\\\\"])
def test_a_text_that_is_cut_is_no_json_and_nothing_worse(end: str) -> None:
    text = f"[{'[],' * 600}{end}".encode()

    assert not is_too_deep(text)
    with pytest.raises(msgspec.DecodeError):
        decode(text)


@pytest.mark.filterwarnings("error")
def test_escapes_that_json_does_not_have_are_nothing_to_python() -> None:
    for code in range(256):
        text = b'["\\' + bytes([code]) + b'"]' + b"[]" * 600

        assert not is_too_deep(text)


def test_a_text_that_is_too_long_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BYTES_MAX", 10)

    assert decode(b'"12345678"') == "12345678"
    with pytest.raises(UnboundedError, match="11 bytes"):
        decode(b'"123456789"')
    assert BYTES_MAX > 8 * 1024 * 1024


@pytest.mark.parametrize("number", [0, -1, EXACT_MAX, -EXACT_MAX])
def test_numbers_that_javascript_has_are_read(number: int) -> None:
    assert decode(f'{{"total": {number}}}', Told).total == number


@pytest.mark.parametrize(
    "number",
    [
        *(str(2**53), str(-(2**53)), str(2**53 + 1), str(2**63), str(2**64), "1" + "0" * 30),
        *("9" * 5_000, "1e400", "1e30", "1.5", "NaN", "Infinity", "-Infinity"),
    ],
    ids=lambda number: number[:20],
)
def test_others_are_refused_and_named(number: str) -> None:
    with pytest.raises(msgspec.DecodeError) as caught:
        decode(f'{{"total": {number}}}', Told)

    assert number[0] in "NI-" or "$.total" in str(caught.value)
