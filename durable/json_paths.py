"""What of a JSON answer is looked at, decoded in one pass. The rest is skipped, not made.

A path is names with `/` between them, as in `data/items`; the empty one is the whole
answer. A `/` or `~` within a name is written `~1` or `~0` (RFC 6901).
"""

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from durable.decoding import Content, Decoder
from durable.errors import ConfigurationError


Tree = dict[str, Any]  # by name: a tree, or the type at a path's end
Names = tuple[str, ...]
SHAPES_KEPT = 256  # each turn asks for the same few


class Lacking(Enum):
    """Stands for a type, at a path that others go on from."""

    WHOLE = "whole"  # what is there has all of it, unless there is nothing at all


class Shape:
    """The type of an answer that has something at each of these paths.

    Args:
        paths: each with its type. One that may be UnsetType need not be there; nor what
            is below one that is Lacking.WHOLE, if nothing is there.

    Raises:
        ConfigurationError: a path goes on beyond the end of another.
    """

    def __init__(self, paths: Sequence[tuple[str, Any]]) -> None:
        lacking = frozenset(names_of(path) for path, kind in paths if kind is Lacking.WHOLE)
        paths = [(path, kind) for path, kind in paths if kind is not Lacking.WHOLE]
        tree: Tree = {}
        for path, kind in paths:
            _grow(tree, path, kind, is_alone=len(paths) == 1)
        self._type, self._attributes = _made(tree, lacking) if tree else (paths[0][1], {})
        self._decoder = Decoder[Any](self._type)
        chains = {path: self._chain(names_of(path)) for path, _ in paths}
        # Fields of the answer itself are taken together, as there may be dozens.
        fields = {path: chain[0] for path, chain in chains.items() if len(chain) == 1}
        self._fields = fields if len(fields) > 1 else {}
        self._taken = attrgetter(*self._fields.values()) if self._fields else None
        self._chains = [item for item in chains.items() if item[0] not in self._fields]

    def read(self, body: bytes) -> dict[str, Any]:
        """What is at the paths; UNSET where nothing is and nothing need be.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError: the body is not JSON;
                msgspec.ValidationError, it is not of this shape;
                decoding.UnboundedError, it is too long or too deep.
        """
        return self._values(self._decoder.decode(body))

    def read_part(self, record: Content | Raw) -> dict[str, Any]:
        """As `read`, of a part of what was read before: a record of a page."""
        return self._values(self._decoder.decode_part(record))

    def _values(self, answer: Any) -> dict[str, Any]:
        taken = () if self._taken is None else self._taken(answer)
        values: dict[str, Any] = dict(zip(self._fields, taken, strict=True))
        for path, chain in self._chains:
            value = answer
            for attribute in chain:
                value = getattr(value, attribute, UNSET)
            values[path] = value
        return values

    def _chain(self, names: Names) -> Names:
        return tuple(self._attributes[names[: index + 1]] for index in range(len(names)))


def names_of(path: str) -> Names:
    """The names that a path is made of; none for the whole."""
    if not path:
        return ()
    return tuple(name.replace("~1", "/").replace("~0", "~") for name in path.split("/"))


@lru_cache(SHAPES_KEPT)
def shape_of(*paths: tuple[str, Any]) -> Shape:
    """The shape of these paths. To make one takes as long as to read many pages."""
    return Shape(paths)


def _grow(tree: Tree, path: str, kind: Any, *, is_alone: bool) -> None:
    names = names_of(path)
    below: Any = tree
    if not names and is_alone:
        return
    for name in names[:-1]:
        below = below.setdefault(name, {})
        if not isinstance(below, dict):
            break
    if not names or not isinstance(below, dict) or names[-1] in below:
        raise ConfigurationError(
            f"the path {path!r} of a source is, or holds, or is within that of another one: each "
            "names a place of its own"
        )
    below[names[-1]] = kind


def _made(tree: Tree, lacking: frozenset[Names], above: Names = ()) -> tuple[Any, dict[Names, str]]:
    """A type with all that the tree has, and the attribute that holds each place in it."""
    fields: list[Any] = []
    rename: dict[str, str] = {}
    attributes: dict[Names, str] = {}
    for index, (name, below) in enumerate(tree.items()):
        place, attribute = (*above, name), f"field_{index}"
        kind, is_optional = below, _is_optional(below)
        if isinstance(below, dict):
            kind, further = _made(below, lacking, place)
            attributes.update(further)
            is_optional = all(map(_is_optional, _leaves(below)))
            kind = kind | UnsetType | None if is_optional else kind
            is_optional = is_optional or place in lacking
        attributes[place], rename[attribute] = attribute, name
        fields.append((attribute, kind, UNSET) if is_optional else (attribute, kind))
    fields.sort(key=len)  # those without a default come first
    return msgspec.defstruct("Answer", fields, rename=rename), attributes


def _leaves(tree: Tree) -> list[Any]:
    leaves: list[Any] = []
    for below in tree.values():
        leaves += _leaves(below) if isinstance(below, dict) else [below]
    return leaves


def _is_optional(kind: Any) -> bool:
    return UnsetType in getattr(kind, "__args__", ())
