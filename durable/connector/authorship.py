"""Tells the author's own code from Python's, the runtime's and the dependencies'."""

import sys
from collections.abc import Iterator
from dis import get_instructions, opmap
from functools import cache
from importlib import import_module
from importlib.util import find_spec, resolve_name
from pathlib import PurePath
from types import CodeType
from typing import Any


PLATFORM = frozenset({"_pyodide", "js", "pyodide", "pyodide_js", "workers"})
RUNTIME = "durable"
INSTALLED = frozenset({"site-packages", "dist-packages", "python_modules"})
IMPORT = opmap["IMPORT_NAME"]
BY_NAME = frozenset({"import_module", "__import__"})


@cache
def is_authors(module_name: str) -> bool:
    """Whether a module, by its full name, is the author's own. It need not have a file."""
    top = module_name.partition(".")[0]
    if top in sys.stdlib_module_names or top in PLATFORM or top == RUNTIME:
        return False
    return INSTALLED.isdisjoint(PurePath(_location(top)).parts)


def _location(top: str) -> str:
    if (file := getattr(sys.modules.get(top), "__file__", None)) is not None:
        return str(file)
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):  # it was made by hand
        return ""
    places = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    return next((place for place in places if place), "")


def imports(code: CodeType, package: str) -> Iterator[tuple[str, Any]]:
    """The author's modules, and names in them, that a function imports when it runs.

    They are imported for this, as a function may hold back an import until it is called.

    Args:
        code: of the function.
        package: that its module is in.

    Yields:
        The name of each, and the thing itself; None in the place of what is not there.
    """
    for level, name, members in _import_names(code):
        try:
            full = resolve_name("." * level + name, package)
        except ImportError:
            continue  # it fails when it is called, too
        if not is_authors(full):
            continue
        module = _module(full)
        yield full, module
        for member in members:
            found = getattr(module, member, None)
            yield member, found if found is not None else _module(f"{full}.{member}")


def _import_names(code: CodeType) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    constants: list[Any] = []
    for instruction in get_instructions(code) if IMPORT in code.co_code[::2] else ():
        if instruction.opcode == IMPORT:
            level, members = constants[-2:]
            yield level, str(instruction.argval), members or ()
        elif instruction.opname.startswith(("LOAD_CONST", "LOAD_SMALL_INT")):
            constants.append(instruction.argval)
    if not BY_NAME.isdisjoint(code.co_names):
        for text in code.co_consts:
            if isinstance(text, str) and text.replace(".", "").isidentifier():
                name = text.lstrip(".")
                yield len(text) - len(name), name, ()


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except Exception:  # noqa: BLE001 - a module may raise anything, and is not there then
        return None
