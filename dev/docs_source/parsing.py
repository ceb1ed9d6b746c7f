"""The docstrings of a Python file, without running it."""

import ast
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from dev.docs_source.entry import Entry, Kind, is_public


def parse_entries(path: Path, module: str) -> Iterator[Entry]:
    """What is public in a file. Nothing, if it is no Python.

    Args:
        path: of the file.
        module: its dotted name.
    """
    if not is_public(module):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in old docstrings
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, OSError):
        return  # templates with a file name like a module's
    if text := ast.get_docstring(tree):
        yield Entry(
            path=module,
            kind=Kind.MODULE,
            name=module.rpartition(".")[2],
            module=module,
            text=text,
        )
    yield from _definitions(tree.body, module, module)


def _definitions(statements: Iterable[ast.stmt], prefix: str, module: str) -> Iterator[Entry]:
    for statement in statements:
        match statement:
            case ast.ClassDef(name=name, body=body) if is_public(name):
                path = f"{prefix}.{name}"
                if text := ast.get_docstring(statement):
                    yield Entry(path=path, kind=Kind.CLASS, name=name, module=module, text=text)
                yield from _definitions(body, path, module)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if is_public(name):
                if text := ast.get_docstring(statement):
                    signature = f"{name}({ast.unparse(statement.args)})"
                    yield Entry(
                        path=f"{prefix}.{name}",
                        kind=Kind.FUNCTION,
                        name=name,
                        module=module,
                        text=f"{signature}\n\n{text}",
                    )
            case ast.If(body=body, orelse=orelse):
                yield from _definitions((*body, *orelse), prefix, module)
            case ast.Try(body=body, handlers=handlers, orelse=orelse):
                others = [inner for handler in handlers for inner in handler.body]
                yield from _definitions((*body, *orelse, *others), prefix, module)
            case _:
                pass
