"""JSON with what JSON does not allow in it: the record that has it is found, and no other."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from durable.sources.json_mending import fault, faults, mend_json


FAULTS = {
    "half a pair": rb'"hi \ud83d"',
    "the other half": rb'"\ude00 x"',
    "half a pair, then a letter": rb'"\ud83dx"',
    "half a pair, twice": rb'"\ud83d\ud83d"',
    "half a pair before a whole one": rb'"\ud83d\ud83d\ude00"',
    "half a pair before a line break": rb'"\ud83d\n"',
    "half a pair after a backslash": rb'"\\\ud83d"',
    "half a pair in a name": rb'{"\ud83d": 1}',
    "upper case": rb'"\uD83D"',
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "less than Infinity": b"-Infinity",
    "a control character": b'"x\x01y"',
    "a line break": b'"x\ny"',
    "an escape that is none": rb'"\x41"',
    "an apostrophe that is escaped": rb'"it\'s"',
    "digits that are none": rb'"\u12g4"',
}
SOUND = {
    "a pair": rb'"\ud83d\ude00"',
    "a backslash before what looks like half a pair": rb'"\\ud83d"',
    "escapes": rb'"\"\\\/\b\f\n\r\t\u0041"',
    "NaN in a text": b'"NaN, Infinity"',
    "quotes in a text": rb'"\"NaN\""',
}


def listed(*records: bytes) -> bytes:
    return b"[" + b", ".join(records) + b"]"


def found(content: bytes) -> dict[int, str | None]:
    both = mend_json(content)
    assert both is not None
    first, second = (msgspec.json.decode(text, type=list[Raw]) for text in both)
    return faults(first, second)


@pytest.mark.parametrize("bad", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("good", SOUND.values(), ids=SOUND.keys())
def test_the_record_at_fault_is_found_and_no_other(bad: bytes, good: bytes) -> None:
    for record in (bad, b'{"id": 7, "value": ' + bad + b"}"):
        content = listed(good, record, b'{"value": ' + good + b"}")
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(content, type=list[Raw])

        assert found(content).keys() == {2}


@pytest.mark.parametrize("good", SOUND.values(), ids=SOUND.keys())
def test_what_is_sound_stays_as_it_is(good: bytes) -> None:
    both = mend_json(listed(good, b"NaN"))

    assert both is not None
    assert all(msgspec.json.decode(text)[0] == json.loads(good) for text in both)
    assert mend_json(listed(good)) is None


@pytest.mark.parametrize("bad", FAULTS.values(), ids=FAULTS.keys())
def test_nothing_moves_so_that_a_place_is_still_the_same(bad: bytes) -> None:
    both = mend_json(bad)

    assert both is not None
    assert {len(text) for text in both} == {len(bad)}


@pytest.mark.parametrize("content", [b"", b'[{"id": "a', b"<html>", b"[01]", b'"\\', b"\xff"])
def test_what_is_no_json_at_all_is_not_mended(content: bytes) -> None:
    assert mend_json(content) is None


PIECES = [rb"\ud83d", rb"\ude00", rb"\\", rb"\n", b"u", b"d83d", b"x", rb"\u0041", rb"\/", b"{"]


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_a_text_is_at_fault_where_pythons_own_decoder_finds_half_a_pair(parts: list[bytes]) -> None:
    content = b'"' + b"".join(parts) + b'"'
    has_half = any(0xD800 <= ord(letter) < 0xE000 for letter in json.loads(content))

    both = mend_json(content)

    assert (both is not None) is has_half
    for text in both or ():
        assert len(msgspec.json.decode(text)) == len(json.loads(content))


def test_parts_that_are_the_same_have_no_fault() -> None:
    assert fault(b"[1]", b"[1]") is None
    assert fault(b'"1"', b'"2"') is not None
