"""Fills placeholders in requests from JSON: one list for each space, one detail for each record.

`${space/id}` is the field `id` of what is named `space`, `${space/owner/id}` lies deeper. In the
requests that are made for a record, `${id}` is a field of that record; so is `${record/ID}`, whose
name would else be a variable's.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from msgspec import Raw, Struct, UnsetType
from msgspec.structs import replace

from durable.environment import Environment
from durable.errors import ConfigurationError, UpstreamError
from durable.json_paths import Shape, shape_of
from durable.sources.paging.protocol import Ask
from durable.sources.source import Scope


PLACEHOLDER = re.compile(r"\$\{([^{}\s\"',:=]+)\}")
RECORD = "record"  # the record's own name, before a field that a variable could be called
SERVER = re.compile(r"https?://[^/?#{}]+[/?#]")
BARE = re.compile(r"(?<!\$)\{")
DOTS = frozenset({".", ".."})
EXCERPT_BYTES_MAX = 100  # of a record that lacks a field
Value = str | int


class UnfilledError(UpstreamError):
    """A record lacks a field that its request needs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, is_transient=False)


Fill = Callable[[str], Value]  # of what stands between the braces


class FieldPlace(Struct, frozen=True):
    """Where a placeholder's value is."""

    name: str  # in the scope
    path: str  # names with slashes between them, as a `Shape` has them


class Template:
    """A request with placeholders.

    Args:
        ask: the request with placeholders, in its URL, its parameters, and in texts of its body
            that are nothing else.
        names: those that the scope will have; others are none.
        follow: makes an absolute URL of a link, if the URL may be one: a placeholder alone.

    Raises:
        ConfigurationError: a placeholder in the URL is none, or stands for the server.
    """

    def __init__(
        self, ask: Ask, names: frozenset[str], follow: Callable[[str], str] | None = None
    ) -> None:
        self._ask = ask
        self._follow = follow if PLACEHOLDER.fullmatch(ask.url) else None
        texts = PLACEHOLDER.findall(" ".join((ask.url, *ask.params.values(), *_texts(ask.body))))
        found = {text: place for text in texts if (place := _place(text, names)) is not None}
        if names:
            self._check(found, names)
        self._places = found
        self._shapes = {
            name: shape_of(*((path, Value | UnsetType | None) for path in sorted(paths)))
            for name in names
            if (paths := {place.path for place in found.values() if place.name == name})
        }

    def _check(self, found: Mapping[str, FieldPlace], names: frozenset[str]) -> None:
        url = self._ask.url
        for text in PLACEHOLDER.findall(url):
            if text not in found:
                known = ", ".join(f"${{{name}/field}}" for name in sorted(names) if name)
                raise ConfigurationError(
                    f"the placeholder ${{{text}}} in {url!r} is none: write {known}"
                )
        is_told = self._follow or not PLACEHOLDER.search(url) or SERVER.match(url)
        if not is_told:
            raise ConfigurationError(
                f"a placeholder in {url!r} would choose the server, to which the proof of who asks "
                "is sent: it may stand in the path or in the query"
            )

    def fill_request(self, scope: Scope) -> Ask:
        """The request for a scope. Raises UnfilledError if a field has no text or whole number."""
        if not self._places:
            return self._ask
        values = {name: _values(shape, name, scope[name]) for name, shape in self._shapes.items()}

        def fill(text: str) -> Value:
            place = self._places[text]
            value = values[place.name][place.path]
            if value is None or value is msgspec.UNSET or value == "":
                raise UnfilledError(
                    f"{_describe(place.name)} {_beginning(scope[place.name])} has no "
                    f"{place.path or 'value'}, which ${{{text}}} in {self._ask.url!r} takes"
                )
            return value  # type: ignore[no-any-return] # of the shape's kind

        return replace(
            self._ask,
            url=self._url(fill),
            params={name: self._text(value, fill) for name, value in self._ask.params.items()},
            body=None if self._ask.body is None else self._json(self._ask.body, fill),
        )

    def _url(self, fill: Fill) -> str:
        if self._follow is not None:
            return self._follow(str(fill(self._ask.url[2:-1])))
        url = self._text(self._ask.url, lambda text: quote(str(fill(text)), safe=""))
        # Encoded or not, those of two dots lead to another list, and no server is asked for them.
        if any(
            part in DOTS for part in re.split(r"[/\\]", _decode_twice(re.split(r"[?#]", url)[0]))
        ):
            raise UnfilledError(
                f"{url!r:.200} is not what {self._ask.url!r} means: a field has '..' or '.' in the "
                "place of a name"
            )
        return url

    def _text(self, text: str, fill: Fill) -> str:
        return PLACEHOLDER.sub(
            lambda found: str(fill(found[1])) if found[1] in self._places else found[0], text
        )

    def _json(self, value: Any, fill: Fill) -> Any:
        match value:
            case str() if (found := PLACEHOLDER.fullmatch(value)) and found[1] in self._places:
                return fill(found[1])
            case Mapping():
                return {name: self._json(member, fill) for name, member in value.items()}
            case list() | tuple():
                return [self._json(member, fill) for member in value]
        return value


def check_url(declared: Struct, url: str) -> None:
    """Check the URL's placeholders. Raises ConfigurationError for braces without a dollar sign."""
    if BARE.search(url):
        raise ConfigurationError(
            f"{type(declared).__name__}: {url!r:.200} is not right: a variable is written "
            "${NAME}, and a field ${space/id}, each with a dollar sign"
        )


def with_variables(ask: Ask, environment: Environment) -> Ask:
    """The request with variables filled in, in its parameters, headers and body.

    Raises:
        ConfigurationError: one of them is not set.
    """
    return replace(
        ask,
        params={name: environment.filled(value) for name, value in ask.params.items()},
        headers={name: environment.filled(value) for name, value in ask.headers.items()},
        body=None if ask.body is None else _with_variables(ask.body, environment),
    )


def _with_variables(value: Any, environment: Environment) -> Any:
    match value:
        case str():
            return environment.filled(value)
        case Mapping():
            return {name: _with_variables(member, environment) for name, member in value.items()}
        case list() | tuple():
            return [_with_variables(member, environment) for member in value]
    return value


def _place(text: str, names: frozenset[str]) -> FieldPlace | None:
    first, _, path = text.partition("/")
    if first in names:
        return FieldPlace(first, path)
    if "" not in names:
        return None
    return FieldPlace("", path if path and first == RECORD else text)


def _decode_twice(path: str) -> str:
    """As a server may read it that decodes twice: before it takes a path apart, and after."""
    return unquote(unquote(path))


def _texts(value: Any) -> list[str]:
    """Those in a body that are a placeholder."""
    match value:
        case str():
            return [value] if PLACEHOLDER.fullmatch(value) else []
        case Mapping():
            return [text for member in value.values() for text in _texts(member)]
        case list() | tuple():
            return [text for member in value for text in _texts(member)]
    return []


def _values(shape: Shape, name: str, content: Raw) -> Mapping[str, Any]:
    try:
        return shape.read_part(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnfilledError(
            f"{_describe(name)} {_beginning(content)} cannot be put into a request: {error}"
        ) from error


def _describe(name: str) -> str:
    return f"the source's {name or 'record'}"


def _beginning(content: Raw) -> str:
    return repr(bytes(memoryview(content)[:EXCERPT_BYTES_MAX]).decode(errors="replace"))
