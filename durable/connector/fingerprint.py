"""Fingerprints a connector: another text where it would crawl or map differently.

A job's cursor is bound to it: pages read by one definition and pages read by
another are not one crawl. It covers all of the author's code and constants that
the sources and mappings of a connector reach, in whatever module they are.

It looks at what these are, not at how their files are written: comments, layout
and what is not used do not count; docstrings do. Python, the runtime and the
dependencies count by the names that are used of them, not by their versions.
"""

from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from types import (
    CodeType,
    EllipsisType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
    NoneType,
)
from typing import Any, get_args, get_origin

from msgspec import Struct

from durable.connector.authorship import imports, is_authors
from durable.connector.codes import codes, names, order, parts, texts
from durable.connector.composition import contents, copy_parts, fields, pairs, state, unwrap
from durable.connector.definition import AnyConnector
from durable.machine.job import Mode


DIGEST_BYTES = 8
CONNECTORS_KEPT = 256
ATOMS = frozenset({str, bytes, int, float, complex, bool, NoneType, EllipsisType, range})
# Of a class or module: what Python writes there by itself, some of it a line or a path.
UNTOLD = frozenset(
    f"__{name}__"
    for name in (
        *("annotate", "annotate_func", "annotations", "annotations_cache", "builtins", "cached"),
        *("conditional_annotations", "dict", "doc", "file", "firstlineno", "loader", "module"),
        *("name", "package", "path", "qualname", "spec", "static_attributes", "weakref"),
    )
)
# Whatever names one of these may take anything out of a module.
DYNAMIC = frozenset({"attrgetter", "getattr", "globals", "methodcaller", "vars", "__dict__"})
SLOTS = (MemberDescriptorType, GetSetDescriptorType)


def fingerprint(connector: AnyConnector, places: Iterable[str]) -> str:
    """The fingerprint. It is the same in every isolate that runs the same code.

    What the author's modules hold is taken as it is when a connector is asked about first.

    Args:
        connector: the definition.
        places: where its sources are located.
    """
    walk = _Walk()
    walk.through([_definition(connector), *places])
    return walk.digest()


@lru_cache(maxsize=CONNECTORS_KEPT)
def _definition(connector: AnyConnector) -> str:
    walk = _Walk()
    datasource = connector.datasource
    types = sorted(datasource.object_type_names)
    walk.through([datasource.name, datasource.url_regex, types])
    for mode in Mode:
        for stage, stream in connector.streams(mode).items():
            walk.through([stage.value, stream.source, stream.record, stream.map])
    return walk.digest()


class _Walk:
    """Goes through values and all that they hold and use, as far as it is the author's."""

    def __init__(self) -> None:
        self._digest = blake2b(digest_size=DIGEST_BYTES)
        # By identity; what is kept here, leaves its id to no other.
        self._seen: dict[int, tuple[int, Any]] = {}
        self._used: set[str] = set()  # names, by all functions
        self._spaces: dict[int, tuple[dict[str, Any], set[str]]] = {}  # with what was told of each

    def digest(self) -> str:
        return self._digest.hexdigest()

    def through(self, values: Sequence[Any]) -> None:
        """Walk through a value, without recursion: WebAssembly has little stack."""
        stack = [*reversed(values)]
        while stack:
            stack += reversed(self._record(stack.pop()))
            if not stack:
                stack += reversed(self._used_of_modules())

    def _say(self, *texts: object) -> None:
        for text in texts:
            self._digest.update(str(text).encode(errors="replace"))
            self._digest.update(b"\0")

    def _record(self, value: Any) -> Sequence[Any]:
        """Write down what a value is, and hand out what it holds."""
        kind = type(value)
        if kind in ATOMS:
            self._say(repr(value))
            return ()
        held = self._of_one(value)
        self._say(kind.__module__, kind.__qualname__, len(held))
        return held

    def _of_one(self, value: Any) -> Sequence[Any]:  # noqa: PLR0911 - a return for each
        match value:
            # Whether equal ones of these are one, is the compiler's choice.
            case tuple() if type(value) is tuple:
                return value
            case frozenset():
                return sorted(value, key=order)
            case CodeType():
                return parts(value)
        if (origin := get_origin(value)) is not None and origin is not value:
            return [origin, *get_args(value)]
        if (known := self._seen.get(id(value))) is not None:
            return [f"known {known[0]}"]
        self._seen[id(value)] = len(self._seen), value
        match value:
            case FunctionType():
                return self._of_function(value)
            case type():
                return self._of_class(value)
            case ModuleType():
                return self._of_module(value)
            case _:
                return [*unwrap(value), *self._of_instance(value)]

    def _of_instance(self, value: Any) -> Sequence[Any]:
        kind = type(value)
        if isinstance(value, Enum):
            return [kind, value.name, value.value]
        if isinstance(value, Struct):
            return [kind, *(getattr(value, name) for name in value.__struct_fields__)]
        inner = contents(value)
        if is_authors(kind.__module__):
            return [kind, *inner, *state(value)]
        return inner or copy_parts(value)

    def _of_module(self, module: ModuleType) -> Sequence[Any]:
        if is_authors(module.__name__):
            self._spaces.setdefault(id(vars(module)), (vars(module), set()))
        return [module.__name__]

    def _used_of_modules(self) -> Sequence[Any]:
        """What was named somewhere, of modules that were seen, and was not told yet."""
        found: list[Any] = []
        for space, told in [*self._spaces.values()]:
            new = (space.keys() & self._used) - told
            if self._used & DYNAMIC:
                new |= {name for name in space.keys() - told if _is_plain(space[name])}
            told.update(new)
            found += [part for name in sorted(new - UNTOLD) for part in (name, space[name])]
        return found

    def _of_class(self, value: type) -> Sequence[Any]:
        name = f"{value.__module__}.{value.__qualname__}"
        if not is_authors(value.__module__):
            return [name]
        held = [name, type(value), *value.__bases__, *fields(value)]
        for member, content in sorted(vars(value).items()):
            if member not in UNTOLD and not isinstance(content, SLOTS):
                held += [member, content]
        return held

    def _of_function(self, function: FunctionType) -> Sequence[Any]:
        space, code = function.__globals__, function.__code__
        module, cells = str(space.get("__name__", "")), function.__closure__ or ()
        held: list[Any] = [f"{function.__module__}.{function.__qualname__}"]
        if not is_authors(module):
            # A decorator of somebody else's: what it keeps besides may change while it is used.
            inner = [cell.cell_contents for cell in cells if _is_filled(cell)]
            registry = getattr(function, "registry", None)
            return [*held, *unwrap(function), *filter(callable, inner), registry]
        used = names(code)
        self._used |= used | texts(code)
        if "globals" in used:
            self._spaces.setdefault(id(space), (space, set()))
        held += [code, function.__defaults__, function.__kwdefaults__, *pairs(vars(function))]
        held += [cell.cell_contents if _is_filled(cell) else "empty" for cell in cells]
        for name in sorted(used & space.keys() - UNTOLD):
            held += [name, space[name]]
        package = str(space.get("__package__") or module.rpartition(".")[0])
        for each in codes(code):
            held += [part for found in imports(each, package) for part in found]
        return held


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _is_plain(value: Any) -> bool:
    """No module: a package names all of those in it."""
    return not isinstance(value, ModuleType)
