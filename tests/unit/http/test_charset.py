import pytest

from durable.http.charset import utf8


TEXT = '{"items": [{"id": "Zürich, 東京"}]}'
WESTERN = '{"items": [{"id": "Zürich"}]}'


def read(content: bytes, kind: str = "application/json") -> str:
    return utf8(content, {"content-type": kind}).decode()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "shift_jis", "euc_jp", "gb18030"]
)
def test_a_text_is_read_in_the_encoding_that_it_says(encoding: str) -> None:
    text = TEXT if encoding.startswith(("utf", "gb")) else '{"id": "東京"}'
    name = "utf-8" if encoding == "utf-8-sig" else encoding

    assert read(text.encode(encoding), f"application/json; charset={name}") == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_needs_no_header_and_goes_before_it(encoding: str) -> None:
    content = TEXT.encode(encoding)

    assert read(content) == TEXT
    assert utf8(content, {}).decode() == TEXT
    assert read(content, "application/json; charset=iso-8859-1") == TEXT


@pytest.mark.parametrize("name", ["iso-8859-1", "ISO-8859-1", "latin1", "windows-1252", '"cp1252"'])
def test_a_western_text_is_read(name: str) -> None:
    assert read(WESTERN.encode("cp1252"), f"text/json;charset = {name}; x=y") == WESTERN


@pytest.mark.parametrize("name", ["utf-16le", "utf-16be", "utf-32le"])
def test_a_wide_text_without_a_mark_is_read_by_its_header(name: str) -> None:
    assert read(TEXT.encode(name), f"application/json; charset={name}") == TEXT


@pytest.mark.parametrize("name", ["iso-8859-1", "windows-1252", "us-ascii", "shift_jis"])
def test_a_text_in_utf_8_is_that_whatever_its_header_says(name: str) -> None:
    assert read(TEXT.encode(), f"application/json; charset={name}") == TEXT


@pytest.mark.parametrize(
    "name", ["zip", "base64", "idna", "punycode", "unicode_escape", "undefined", "rot13", "no-such"]
)
def test_what_is_no_encoding_of_texts_is_not_used(name: str) -> None:
    content = WESTERN.encode("latin-1")

    assert utf8(content, {"content-type": f"application/json; charset={name}"}) == content


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"\xff\xfe{\x00\xd8", b"\x81\xff"])
def test_what_is_in_no_encoding_that_is_told_stays_as_it_came(content: bytes) -> None:
    assert utf8(content, {"content-type": "application/json; charset=shift_jis"}) == content
