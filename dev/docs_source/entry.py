"""Something documented: a module, a class or a function."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    MODULE = "module"
    CLASS = "class"
    FUNCTION = "function"


class Entry(Struct, frozen=True, kw_only=True):
    """Something with a docstring."""

    path: str  # dotted, such as json.decoder.JSONDecoder.decode
    kind: Kind
    name: str
    module: str
    text: str


def is_public(path: str) -> bool:
    """Whether no part of a dotted name is private. `__init__` and its like are public."""
    return all(
        not part.startswith("_") or (part.startswith("__") and part.endswith("__"))
        for part in path.split(".")
    )


def unique_ids(entries: Sequence[Entry]) -> Iterator[tuple[str, Entry]]:
    """Each entry with its path as its id, or where two differ in nothing but case, a longer one."""
    taken: set[str] = set()
    for entry in sorted(entries, key=lambda entry: entry.path):
        candidates = [entry.path, f"{entry.path}-{entry.kind}"]
        number = 2
        while (identifier := candidates.pop(0)).casefold() in taken:
            if not candidates:
                candidates.append(f"{entry.path}-{entry.kind}-{number}")
                number += 1
        taken.add(identifier.casefold())
        yield identifier, entry
