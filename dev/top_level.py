"""What a module may not do while it is imported: its memory is taken then, once, and deployed.

Randomness is refused at the deployment, a JavaScript object cannot be kept, and a clock stands
still: what it gave would be told for as long as the version lives.
"""

import ast
from collections.abc import Iterator

from msgspec import Struct


CLOCKS = frozenset(
    {
        *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns")),
        *(f"time.{name}" for name in ("perf_counter", "localtime", "gmtime", "strftime")),
        *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
        "datetime.date.today",
    }
)
RANDOM = ("random.", "secrets.", "uuid.uuid1", "uuid.uuid4", "os.urandom")
JAVASCRIPT = ("js.", "pyodide.ffi.to_js", "pyodide.ffi.create_proxy")


class Misplaced(Struct, frozen=True):
    """A call that is made when the module is imported."""

    line: int
    called: str
    why: str


def find_misplaced(source: str) -> Iterator[Misplaced]:
    """All such calls of a module, by its text. Raises SyntaxError."""
    tree = ast.parse(source)
    aliases = _aliases(tree)
    for call in _calls(tree):
        called = _dotted(call.func, aliases)
        if called in CLOCKS:
            yield Misplaced(call.lineno, called, "the clock stands still then")
        elif called.startswith(RANDOM):
            yield Misplaced(call.lineno, called, "nothing is drawn then, and the same for all")
        elif called.startswith(JAVASCRIPT):
            yield Misplaced(call.lineno, called, "an object of JavaScript's cannot be deployed")


def _aliases(tree: ast.Module) -> dict[str, str]:
    """What the names mean that are imported at the top."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                name = each.asname or each.name.partition(".")[0]
                found[name] = each.name if each.asname else name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for each in node.names:
                found[each.asname or each.name] = f"{node.module}.{each.name}"
    return found


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Those that are not left to a function's own call."""
    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and child in node.body:
            continue
        if isinstance(node, ast.Lambda) and child is node.body:
            continue
        yield from _calls(child)


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str:
    """`datetime.datetime.now`, whatever it is called here; empty for what is no such name."""
    if isinstance(node, ast.Attribute):
        of = _dotted(node.value, aliases)
        return f"{of}.{node.attr}" if of else ""
    return aliases.get(node.id, "") if isinstance(node, ast.Name) else ""
