"""Records that the numbers of a request tell to be passed over. Pure.

Some servers cap a page's size, and have the link to the next page go on by the size that was
asked for: what lies between is never sent. And where as many came as were asked for, and nothing
tells of a next page, the number may be that of the whole list, as OData's `$top` is.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from durable.sources.paging.odata import OData
from durable.sources.paging.one_page import OnePage
from durable.sources.paging.protocol import Ask, Paging


# Names that parameters have in APIs, in lower case and without what is between their words.
OFFSETS = frozenset(
    {"firstresult", "offset", "skip", "skipcount", "start", "startat", "startindex", "startrow"}
    | {"sysparmoffset"}
)
SIZES = frozenset(
    {"count", "first", "hitsperpage", "itemsperpage", "limit", "maxitems", "maxrecords"}
    | {"maxresults", "pagelength", "pagelimit", "pagesize", "perpage", "resultsperpage", "rows"}
    | {"size", "sysparmlimit", "take", "top"}
)
OFFSET_MAX = 10**7  # what is more, may be a day or a time
DIGITS_MAX = 15


def jump_fault(asked: Ask, following: Ask, size: int | None, record_count: int) -> str | None:
    """Why records seem to be passed over between two pages; None if they do not.

    Args:
        asked: the request of a page.
        following: that of the page after it.
        size: of a page, if one is asked for elsewhere than in a parameter.
        record_count: of the page.
    """
    before, after = dict(_numbers(asked)), dict(_numbers(following))
    moved = {
        name: number - before.get(name, 0)
        for name, number in after.items()
        if number != before.get(name)
    }
    numbers = [*before.items(), *after.items()]
    for name, jump in moved.items():
        sizes = {size, *(number for other, number in numbers if other != name)}
        is_offset = is_offset_by_name(name) and after[name] < OFFSET_MAX
        # The first record may have the number 1.
        is_offset &= name in before or jump - 1 > record_count
        if jump > record_count and (jump in sizes or is_offset):
            how = " as was asked for" if jump in sizes else ""
            return (
                f"leads to {name} {after[name]}, {jump} further on{how}, after a page "
                f"of {record_count}: if the source caps the size of a page, ask for no more; if it "
                "cuts out what the asker may not see, declare hides_rows=True"
            )
    return None


def is_cut(paging: Paging, asked: Ask, record_count: int) -> bool:
    """Whether a list may go on though its first page tells of no next one.

    Args:
        paging: of the list.
        asked: the request of its first page.
        record_count: of the page.
    """
    if not isinstance(paging, OData | OnePage):
        return False
    sizes = {number for name, number in _numbers(asked) if _word(name) in SIZES}
    return record_count in sizes - {0}


def is_offset_by_name(name: str) -> bool:
    """Whether a parameter of that name takes a number of records, in most APIs."""
    return _word(name) in OFFSETS


@lru_cache(maxsize=64)  # each page has the same
def _word(name: str) -> str:
    return re.sub(r"[^a-z]", "", re.split(r"[/\[]", name)[-1].lower())


def _numbers(ask: Ask) -> Iterator[tuple[str, int]]:
    """The whole numbers of a request, each with its name: of the query and of the body."""
    # httpx would parse all of the URL, which takes a twentieth of a page's time.
    in_url = parse_qsl(ask.url.partition("#")[0].partition("?")[2])
    for name, text in [*in_url, *ask.params.items()]:
        if is_whole_number(text) and len(text) <= DIGITS_MAX:
            yield name, int(text)
    yield from _leaves("", ask.body)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, int]]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _leaves(f"{path}/{name}" if path else str(name), below)
    elif type(value) is int:
        yield path, value
    elif isinstance(value, str) and is_whole_number(value) and len(value) <= DIGITS_MAX:
        yield path, int(value)


def is_whole_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
