"""Where in a request to a source a value goes, and what of a declaration is wrong. Pure."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from msgspec.structs import replace

from durable.errors import ConfigurationError
from durable.json_paths import names_of
from durable.sources.paging.protocol import Ask
from durable.sources.paging.typed import from_cursor


INDEX = re.compile(r"0|[1-9]\d{0,5}", re.ASCII)  # of a list


class ParamLocation(StrEnum):
    """Where a parameter goes."""

    QUERY = "query"  # its name is that in the URL's query
    BODY = "body"  # its name is a path in the JSON: `variables/after`, `requests/0/page`


class Hint(Protocol):
    """A declaration that may ask for a size of its pages."""

    @property
    def size(self) -> int | None: ...
    @property
    def size_param(self) -> str: ...


def place_param(ask: Ask, location: ParamLocation, name: str, value: Any) -> Ask:
    """The request with the value in it, in place of what was there. In JSON it keeps its type."""
    if location is ParamLocation.QUERY:
        return replace(ask, params={**ask.params, name: str(value)})
    return replace(ask, body=_grow(ask.body or {}, names_of(name), value))


def place_cursor(ask: Ask, location: ParamLocation, name: str, cursor: str | None) -> Ask:
    """The request with a cursor in it, in a body with the type that it had as it was stored."""
    if cursor is None:
        return ask
    return place_param(
        ask, location, name, from_cursor(cursor) if location is ParamLocation.BODY else cursor
    )


def place_size(ask: Ask, location: ParamLocation, hint: Hint) -> Ask:
    """The request with the size of a page, if one is declared."""
    return ask if hint.size is None else place_param(ask, location, hint.size_param, hint.size)


def size_param(hint: Hint) -> str:
    """What takes the size of a page; empty where none is declared."""
    return "" if hint.size is None else hint.size_param


def wrong(declared: object, field: str, remedy: str) -> ConfigurationError:
    """A field of a declaration that is not right."""
    value = getattr(declared, field)
    return ConfigurationError(
        f"{type(declared).__name__}: {field}={value!r} is not right: {remedy}"
    )


def check_names(declared: object, *fields: str) -> None:
    """These fields hold names. Raises ConfigurationError."""
    for field in fields:
        value = getattr(declared, field)
        if not isinstance(value, str) or not value:
            raise wrong(declared, field, "it is a name, as a text that is not empty")


def check_size(hint: Hint) -> None:
    """Raises ConfigurationError where a size cannot be asked for."""
    size = hint.size
    if size is None:
        return
    if type(size) is not int or size < 1:
        raise wrong(hint, "size", "it is a whole number from 1, or None for the source's own")
    check_names(hint, "size_param")


def check_placed(declared: object, ask: Ask, location: ParamLocation, *names: str) -> None:
    """Raises ConfigurationError where the source's request has no room for these.

    Args:
        declared: whose parameters they are.
        ask: the source's request.
        location: where they are to go.
        names: of the parameters; an empty one is that of none.
    """
    kind = type(declared).__name__
    for name in filter(None, names):
        if location is ParamLocation.QUERY and name in ask.params:
            raise ConfigurationError(
                f"{kind}: the parameter {name!r} is in the source's params too, as "
                f"{ask.params[name]!r}: leave it out there"
            )
        if location is ParamLocation.BODY and ask.body is None:
            raise ConfigurationError(
                f"{kind}: {name!r} is to go into the body, and the source has none: declare "
                "body={...}, or location=ParamLocation.QUERY"
            )
        if location is ParamLocation.BODY and not _has_room(ask.body, names_of(name)):
            raise ConfigurationError(
                f"{kind}: {name!r} is no place in the source's body {ask.body!r}: what is above "
                "it has to be an object, or a list that is so long"
            )


def _grow(tree: Any, names: Sequence[str], value: Any) -> Any:
    if not names:
        return value
    name, *further = names
    below = _grow(_below(tree, name), further, value)
    if isinstance(tree, Mapping):
        return {**tree, name: below}
    return [below if index == int(name) else member for index, member in enumerate(tree)]


def _has_room(tree: Any, names: Sequence[str]) -> bool:
    for name in names:
        is_list = isinstance(tree, list | tuple)
        if is_list and not (INDEX.fullmatch(name) and int(name) < len(tree)):
            return False
        if not is_list and not isinstance(tree, Mapping):
            return False
        tree = _below(tree, name)
    return bool(names)


def _below(tree: Any, name: str) -> Any:
    value = tree.get(name) if isinstance(tree, Mapping) else tree[int(name)]
    return {} if value is None else value
