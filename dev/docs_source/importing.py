"""The docstrings of a module that has no Python file, from the module itself."""

import inspect
import re
import sys
from collections.abc import Iterator
from types import ModuleType

from dev.docs_source.entry import Entry, Kind, is_public


ADDRESS = re.compile(r" at 0x[0-9a-f]+", re.IGNORECASE)  # another one in each process


def import_entries(module: ModuleType) -> Iterator[Entry]:
    """What is public in a module of the standard library."""
    name = module.__name__
    if is_public(name) and (text := _docstring(module)):
        yield Entry(path=name, kind=Kind.MODULE, name=name, module=name, text=text)
    for member_name, member in sorted(vars(module).items()):
        # _datetime.date says that it is datetime.date; what says nothing public stays out.
        home = getattr(member, "__module__", None) or name
        if not isinstance(home, str) or not is_public(home) or not is_public(member_name):
            continue
        if home.partition(".")[0] not in sys.stdlib_module_names:
            continue
        yield from _member(member, member_name, f"{home}.{member_name}", home)


def _member(member: object, name: str, path: str, module: str) -> Iterator[Entry]:
    if inspect.isclass(member):
        if text := _docstring(member):
            yield Entry(path=path, kind=Kind.CLASS, name=name, module=module, text=text)
        for inner_name, inner in sorted(vars(member).items()):
            if is_public(inner_name) and not inspect.isclass(inner):
                yield from _member(inner, inner_name, f"{path}.{inner_name}", module)
    elif inspect.isroutine(member) and (text := _docstring(member)):
        signature = _signature(member, name)
        yield Entry(
            path=path,
            kind=Kind.FUNCTION,
            name=name,
            module=module,
            text=f"{signature}\n\n{text}" if signature else text,
        )


def _docstring(member: object) -> str | None:
    text = member.__doc__
    return inspect.cleandoc(text).strip() if isinstance(text, str) else None


def _signature(member: object, name: str) -> str | None:
    try:
        return name + ADDRESS.sub("", str(inspect.signature(member))) if callable(member) else None
    except (ValueError, TypeError):
        return None  # C functions need not tell
