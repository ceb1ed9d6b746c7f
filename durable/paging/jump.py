"""A next page that begins further on than the page before it has records. Pure.

Some servers cap a page's size, and have the link to the next page go on by the size that was
asked for: what lies between is never sent.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from durable.paging.protocol import Ask


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
        if jump > record_count and jump in sizes:
            return (
                f"leads to {name} {after[name]}, {jump} further on as was asked for, after a page "
                f"of {record_count}: if the source caps the size of a page, ask for no more; if it "
                "cuts out what the asker may not see, declare hides_rows=True"
            )
    return None


def _numbers(ask: Ask) -> Iterator[tuple[str, int]]:
    """The whole numbers of a request, each with its name: of the query and of the body."""
    # httpx would parse all of the URL, which takes a twentieth of a page's time.
    in_url = parse_qsl(ask.url.partition("#")[0].partition("?")[2])
    for name, text in [*in_url, *ask.params.items()]:
        if text.isascii() and text.isdigit() and len(text) < 16:
            yield name, int(text)
    yield from _leaves("", ask.body)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, int]]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _leaves(f"{path}/{name}" if path else str(name), below)
    elif type(value) is int:
        yield path, value
    elif isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        yield path, int(value)
