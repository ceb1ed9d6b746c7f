"""What may import what, how long a module may be, and what the README may claim."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

import durable
import durable.glean
from dev.diagram import BEGIN, END, README, insert_diagram


ROOT = Path(__file__).parent.parent
DEPLOYED = ("worker", "durable", "connectors")
CLI = "cli/glean_sync"
OURS = {*DEPLOYED, "dev", "tests", "bench"}
LINES_MAX = 300

PACKAGES_ALLOWED = {
    "worker": {"worker", "durable"},
    "durable": {"durable"},
    "connectors": {"durable"},
    "worker/entry.py": {"worker", "durable", "connectors"},
}
# What a folder may import beside itself and the leaves, which import each other alone.
FOLDERS: dict[str, set[str]] = {
    "machine": set(),
    "store": {"machine"},
    "http": set(),
    "sources": {"http", "machine"},
    "glean": {"http", "machine"},
    "connector": {"sources", "glean", "http", "machine"},
    "views": {"store", "connector", "glean", "http", "machine"},
    "engine": {"store", "views", "connector", "sources", "glean", "http", "machine"},
}
LEAVES = {"cron", "decoding", "environment", "errors", "json_paths", "limits", "timestamps"}
AUTHORS = (
    *(f"durable.{name}." for name in durable.__all__),
    *(f"durable.glean.{name}." for name in durable.glean.__all__),
)
DEPENDENCIES = {"cronsim", "httpx", "msgspec"}
CLI_DEPENDENCIES = {"httpx", "msgspec", "rich", "typer"}
PLATFORM = {"workers", "js", "pyodide"}
CLOCKS_AND_RANDOMNESS = {"time", "random", "secrets", "uuid"}
CLOCK_CALLS = {"now", "utcnow", "today", "sleep", "urandom"}
# The event loop's timers live on in the runtime when they are cancelled, and it takes 10,000.
TIMER_CALLS = {"timeout", "timeout_at", "wait_for", "call_later", "call_at"}
EDGE = {"worker/entry.py", "durable/runner.py"}
# Only these make something of a text that is JSON or the like: there it is bounded before.
DECODING = {"durable/decoding.py", f"{CLI}/decoding.py"}
PARSERS = "json|msgpack|toml|yaml|pickle|marshal|ast|JSON"
DECODER = re.compile(
    rf"(.*\.)?({PARSERS})\.(decode\w*|Decoder|loads?|JSON\w+|literal_eval|parse|format)"
)
CLI_EDGE = f"{CLI}/machine.py"

# Folders of somebody's machine, in a text that a repository holds for everybody.
MACHINE_PATH = re.compile(rb"(?<![\w.>-])/(?:work|home|Users|root)/[\w.-]")


def modules(*folders: str) -> list[str]:
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return [file.relative_to(ROOT).as_posix() for file in files]


@cache
def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), path)


def found(
    paths: Iterable[str], faults: Callable[[str], Iterable[object]]
) -> dict[str, list[object]]:
    """The modules with faults, and these: all in one test, since there are thousands to ask."""
    told = {path: [*faults(path)] for path in paths}
    assert told
    return {path: each for path, each in told.items() if each}


def imported(module: ast.Module) -> Iterator[str]:
    """Whatever is imported, anywhere in the module, by its full name."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            yield from (f"{dots}{node.module or ''}.{alias.name}" for alias in node.names)


def decoders(module: ast.Module) -> Iterator[str]:
    """Whatever takes a text and makes values of it, by the names that it usually has."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and DECODER.fullmatch(text := ast.unparse(node)):
            yield text
    for name in imported(module):
        if DECODER.fullmatch(name) or re.fullmatch("(.*\\.)?(msgpack|pickle|marshal)", name):
            yield name


def attributes(path: str) -> Iterator[ast.Attribute]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute))


def top(name: str) -> str:
    return name.partition(".")[0]


def test_dependencies_point_inward() -> None:
    def outward(path: str) -> Iterator[str]:
        folder = top(path.replace("/", "."))
        allowed = PACKAGES_ALLOWED.get(path, PACKAGES_ALLOWED[folder])
        names = (name for name in imported(tree(path)) if top(name) in OURS)
        return (name for name in names if top(name) not in allowed)

    assert found(modules(*DEPLOYED), outward) == {}


def test_a_folder_imports_only_what_stands_below_it() -> None:
    def above(path: str) -> Iterator[str]:
        place = Path(path).parts[1].removesuffix(".py")
        if place in {"__init__", "runner"}:
            return  # they put all of it together
        allowed = LEAVES | FOLDERS[place] | {place} if place in FOLDERS else LEAVES
        names = (name for name in imported(tree(path)) if top(name) == "durable")
        yield from (name for name in names if name.split(".")[1] not in allowed)

    assert found(modules("durable"), above) == {}


def test_the_folders_and_leaves_are_those_that_are_there() -> None:
    there = {path.stem for path in (ROOT / "durable").iterdir() if path.name != "__pycache__"}

    assert there == {*FOLDERS, *LEAVES, "__init__", "runner"}


@pytest.mark.parametrize("folders", [("durable", "worker"), (CLI,)])
def test_no_class_name_is_there_twice(folders: tuple[str, ...]) -> None:
    names = Counter(
        node.name
        for path in modules(*folders)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    )

    assert [name for name, count in names.items() if count > 1] == []


def test_connectors_import_only_what_is_for_authors() -> None:
    def ours(path: str) -> Iterator[str]:
        names = (name for name in imported(tree(path)) if top(name) in OURS)
        return (name for name in names if not f"{name}.".startswith(AUTHORS))

    assert found(modules("connectors"), ours) == {}


def test_what_is_deployed_imports_what_is_there() -> None:
    everywhere = OURS | DEPENDENCIES | sys.stdlib_module_names

    def missing(path: str) -> set[str]:
        tops = {top(name) for name in imported(tree(path))}
        return tops - everywhere - (PLATFORM if path in EDGE else set())

    assert found(modules(*DEPLOYED), missing) == {}


def test_the_cli_is_a_package_of_its_own() -> None:
    """It is installed without the Worker's code, which is not for ordinary machines."""
    allowed = CLI_DEPENDENCIES | sys.stdlib_module_names | {"glean_sync"}

    def others(path: str) -> set[str]:
        return {top(name) for name in imported(tree(path))} - allowed

    assert found(modules(CLI), others) == {}


def test_the_cli_declares_what_it_imports() -> None:
    project = tomllib.loads((ROOT / "cli/pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert {re.split("[>=]", each)[0] for each in project["dependencies"]} == CLI_DEPENDENCIES


def test_clocks_and_randomness_are_read_at_the_edge_only() -> None:
    def read(path: str) -> Iterator[str]:
        yield from (name for name in imported(tree(path)) if top(name) in CLOCKS_AND_RANDOMNESS)
        for node in attributes(path):
            if node.attr in CLOCK_CALLS:
                yield ast.unparse(node)

    assert found({*modules(*DEPLOYED, CLI)} - EDGE - {CLI_EDGE}, read) == {}


def test_what_comes_from_outside_is_decoded_in_one_place() -> None:
    paths = {*modules(*DEPLOYED, CLI)} - DECODING

    assert found(paths, lambda path: decoders(tree(path))) == {}


def test_bodies_are_decoded_by_no_method_of_an_answer() -> None:
    """It would not be bounded; what authors are given to call, is."""

    def unbounded(path: str) -> set[str]:
        calls = [node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
        return {"json", "to_py"} & {call.attr for call in calls if isinstance(call, ast.Attribute)}

    assert found({*modules(*DEPLOYED)} - EDGE, unbounded) == {}


@pytest.mark.parametrize(
    "code",
    [
        *("msgspec.json.decode(b)", "msgspec.json.Decoder(int)", "json.loads(b)", "json.load(f)"),
        *("from json import loads", "from msgspec.json import decode", "import msgspec.msgpack"),
        *("ast.literal_eval(t)", "js.JSON.parse(t)", "x = json.JSONDecoder", "import pickle"),
    ],
)
def test_a_decoder_is_seen_wherever_it_is(code: str) -> None:
    assert list(decoders(ast.parse(code)))


def test_nothing_takes_a_timer_of_the_event_loop() -> None:
    def timers(path: str) -> Iterator[str]:
        return (ast.unparse(node) for node in attributes(path) if node.attr in TIMER_CALLS)

    assert found(modules(*DEPLOYED), timers) == {}


def test_a_module_is_short_enough_to_be_read() -> None:
    def excess(path: str) -> list[str]:
        return (ROOT / path).read_text(encoding="utf-8").splitlines()[LINES_MAX:]

    assert found(modules(*DEPLOYED, CLI, "dev", "bench"), excess) == {}


def test_the_readmes_diagram_is_drawn_from_the_code() -> None:
    assert README.is_file(), f"there is no {README.name}"
    text = README.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1, f"{README.name} needs {BEGIN} and {END}, once"

    assert text == insert_diagram(text), "run `python -m dev.diagram --write`"


def test_the_readmes_connector_is_the_one_that_is_tested() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)

    assert shown in (ROOT / "connectors/python_docs.py").read_text(encoding="utf-8")


def test_the_readmes_modules_are_there() -> None:
    named = set(re.findall(r"\b\w+\.(?:py|sql)\b", README.read_text(encoding="utf-8")))
    files = {file.name for folder in (*DEPLOYED, "tests") for file in (ROOT / folder).rglob("*.*")}

    assert named - files == set()


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    files = [ROOT / name for name in listed.decode().split("\0") if name]
    assert files

    naming = [file for file in files if file.is_file() and MACHINE_PATH.search(file.read_bytes())]

    assert naming == []


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import a.b as c", ["a.b"]),
        ("from a.b import c, d", ["a.b.c", "a.b.d"]),
        ("from . import a", ["..a"]),
        ("def f():\n    import a", ["a"]),
        ("'import a'  # import b", []),
    ],
)
def test_imports_are_seen_wherever_they_are(code: str, names: list[str]) -> None:
    assert list(imported(ast.parse(code))) == names
