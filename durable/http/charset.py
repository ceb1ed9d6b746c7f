"""JSON in whatever encoding it came, in UTF-8. Pure."""

import codecs
import re
from collections.abc import Mapping


CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
# The longer ones first: that of UTF-32 begins as that of UTF-16 does.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Of texts; Python has others, as of compressed bytes.
FAMILIES = re.compile(
    r"iso8859-\d+|cp\d+|utf-(?:16|32)(?:-[bl]e)?|latin-1|mac-.*|koi8-[rut]|shift_jis.*|euc_.*"
    r"|gbk?|gb2312|gb18030|big5.*|iso2022_.*|tis-620"
)
WIDE = ("utf-16", "utf-32")


def utf8(content: bytes, headers: Mapping[str, str]) -> bytes:
    """The text in UTF-8 without a mark; as it came where it is none that can be told.

    A mark goes before the header. What is UTF-8 by itself stays so whatever the header says, as
    servers have a charset by default that nothing is written in.

    Args:
        content: of an answer.
        headers: of it.
    """
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return _convert(content, encoding, len(mark))
    named = CHARSET.search(headers.get("content-type", ""))
    known = None if named is None else _python_name(named[1])
    if known is None or (not known.startswith(WIDE) and _is_utf8(content)):
        return content
    return _convert(content, known)


def _python_name(name: str) -> str | None:
    """The encoding as Python calls it; None where it is UTF-8, or none of a text."""
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return None
    return found if FAMILIES.fullmatch(found) else None


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _convert(content: bytes, encoding: str, start: int = 0) -> bytes:
    if encoding == "utf-8":
        return content[start:]
    try:
        return content[start:].decode(encoding).encode()
    except UnicodeError:  # whatever it is, it is not that
        return content
