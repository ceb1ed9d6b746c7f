"""Whether a client prefers the dashboard's page or the data. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple


HTML, JSON = "text/html", "application/json"
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?$)', re.DOTALL)
TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")
QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


class Range(NamedTuple):
    """One media range of the header Accept."""

    pattern: str  # as in text/html, text/* or */*
    quality: float


def prefers_html(accept: str | None) -> bool:
    """Whether the client prefers HTML. JSON is the default.

    Args:
        accept: the header of that name. What is malformed in it, is passed over.
    """
    ranges = list(_ranges((accept or "").lower()))
    return _quality(HTML, ranges) > _quality(JSON, ranges)


def _ranges(accept: str) -> Iterator[Range]:
    for element in QUOTED.sub('""', accept).split(","):
        pattern, *parameters = (part.strip() for part in element.split(";"))
        pairs = [parameter.partition("=") for parameter in parameters]
        values = {name.strip(): value.strip() for name, _, value in pairs}
        quality = values.pop("q", "1")
        values.pop("charset", None)  # there is only one
        # What is left is asked of a kind of HTML or of JSON that there is none of here.
        if TYPE.fullmatch(pattern) and QUALITY.fullmatch(quality) and not values:
            yield Range(pattern, float(quality))


def _quality(content_type: str, ranges: list[Range]) -> float:
    """By the most specific range that takes it, as RFC 9110 has it; 0 if none does."""
    for pattern in (content_type, f"{content_type.partition('/')[0]}/*", "*/*"):
        qualities = [one.quality for one in ranges if one.pattern == pattern]
        if qualities:
            return max(qualities)
    return 0
