"""The docstrings of the standard library.

Python files are parsed and not imported: some do things on import. Modules without such a file,
built in or extensions, are imported: there is no other way to their docstrings.
"""

import importlib
import importlib.machinery
import importlib.util
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

from dev.docs_source.entry import Entry, Kind
from dev.docs_source.importing import import_entries
from dev.docs_source.parsing import parse_entries


# Tests, bundled programs that are not libraries, and what is installed beside the library.
SKIPPED_FOLDERS = frozenset(
    {
        "__pycache__",
        "dist-packages",
        "ensurepip",
        "idlelib",
        "lib2to3",
        "pydoc_data",
        "site-packages",
        "test",
        "tests",
        "turtledemo",
    }
)
# On import `this` prints, `antigravity` opens a browser, and `readline` writes to some terminals.
SKIPPED_MODULES = frozenset({"antigravity", "readline", "this"})
SKIPPED_PREFIXES = ("xx", "_test", "_xx")  # examples and tests of CPython itself


def harvest() -> list[Entry]:
    """All entries, in the order of path and kind. The same on every call of one Python."""
    found: dict[tuple[str, Kind], Entry] = {}
    for entry in (*_parse_modules(), *_import_modules()):
        # The first wins: of definitions for several platforms that is the documented one,
        # and what a file says of a class is more than what its C twin says.
        found.setdefault((entry.path, entry.kind), entry)
    return [found[key] for key in sorted(found)]


def _parse_modules() -> Iterator[Entry]:
    root = Path(sysconfig.get_path("stdlib"))
    for name in sorted(sys.stdlib_module_names - SKIPPED_MODULES - SKIPPED_FOLDERS):
        file, folder = root / f"{name}.py", root / name
        files = [file] if file.is_file() else sorted(folder.rglob("*.py"))
        for path in files:
            relative = path.relative_to(root)
            if not SKIPPED_FOLDERS.intersection(relative.parts):
                yield from parse_entries(path, _module_name(relative))


def _module_name(relative: Path) -> str:
    return ".".join(relative.with_suffix("").parts).removesuffix(".__init__")


def _import_modules() -> Iterator[Entry]:
    for name in sorted(sys.stdlib_module_names - SKIPPED_MODULES):
        if not name.startswith(SKIPPED_PREFIXES) and _is_compiled(name):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # deprecated modules say so on import
                    module = importlib.import_module(name)
            except ImportError:
                continue  # not on this platform, or a library of the system is missing
            yield from import_entries(module)


def _is_compiled(name: str) -> bool:
    if name in sys.builtin_module_names:
        return True
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    return spec is not None and spec.origin is not None and spec.origin.endswith(suffixes)
