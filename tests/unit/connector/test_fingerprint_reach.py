"""A connector whose code is in several modules: what counts of them, and what does not."""

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from durable.connector.definition import AnyConnector
from durable.connector.fingerprint import fingerprint


TEXTS = Path(__file__).parent / "authored"
ROOT = Path(__file__).parents[3]
PRINT = """
import sys
sys.path.insert(0, sys.argv[1])
from authored.notes import connector
from durable.connector.fingerprint import fingerprint


print(fingerprint(connector, []))
"""
Authored = Callable[..., ModuleType]


@pytest.fixture
def authored(tmp_path: Path) -> Authored:
    """Imports the connector's module anew, once with a text of one of its files replaced."""

    def imported(file: str = "", old: str = "", new: str = "") -> ModuleType:
        for name in [name for name in sys.modules if name.partition(".")[0] == "authored"]:
            del sys.modules[name]
        place = tmp_path / f"{len([*tmp_path.iterdir()])}" / "authored"
        write(place, file, old, new)
        package = ModuleType("authored")
        package.__path__ = [str(place)]
        sys.modules["authored"] = package
        return import_module("authored.notes")

    return imported


def write(place: Path, file: str = "", old: str = "", new: str = "") -> None:
    place.mkdir(parents=True)
    for path in TEXTS.iterdir():
        text = path.read_text(encoding="utf-8")
        if path.name == f"{file}.py.txt":
            assert text.count(old) == 1, f"{old!r} is to be there once"
            text = text.replace(old, new)
        (place / path.stem).write_text(text, encoding="utf-8")


def print_of(module: ModuleType) -> str:
    connector: AnyConnector = module.connector
    return fingerprint(connector, [])


CHANGES = {
    # in a module that the mapping's imports
    "a function of a helper module": ("_words", '+ "?"', '+ "."'),
    "a constant that it uses": ("_words", '"hello"', '"hi"'),
    "a function of a module that is passed on": ("_words", '"named"', '"called"'),
    "a function imported when called": ("_lazy", '"late "', '"too late "'),
    "a module imported when called": ("_later", '" later"', '" much later"'),
    "a module imported by a text": ("_latest", '" latest"', '" newest"'),
    # values
    "a value of a dict": ("_shared", '"q": "question"', '"q": "query"'),
    "a key of a dict": ("_shared", '"q": "question"', '"r": "question"'),
    "a member of a set": ("_shared", '"spam", "draft"', '"spam", "drafts"'),
    "a pattern": ("_shared", '"[a-z]+"', '"[a-z]*"'),
    "a pattern's flags": ("_shared", "re.ASCII", "re.IGNORECASE"),
    "a duration": ("_shared", "hours=2", "hours=3"),
    "an attrgetter": ("_shared", 'attrgetter("title")', 'attrgetter("id")'),
    "a list made by code": ("_shared", "number * 3", "number * 4"),
    # functions
    "a handler in a registry": ("_shared", '"handled "', '"handed "'),
    "the key of a handler": ("_shared", '@handles("t")', '@handles("u")'),
    "a decorator": ("_shared", '+ "!"', '+ "!!"'),
    "what is decorated": ("_shared", "(note).strip()", "(note).rstrip()"),
    "what lru_cache is around": (
        "_shared",
        "def slow(text: str) -> str:\n    return text.lower()",
        "def slow(text: str) -> str:\n    return text.upper()",
    ),
    "a context manager": ("_shared", '" opened"', '" opened!"'),
    "an implementation of a singledispatch": ("_shared", 'f"number ', 'f"count '),
    "the default of a singledispatch": ("_shared", "return str(value)", "return repr(value)"),
    "a partial's argument": ("_shared", '"short-"', '"brief-"'),
    "a partial's function": ("_shared", "prefix + text + suffix", "text + prefix + suffix"),
    "a keyword's default": ("_shared", 'suffix: str = "-end"', 'suffix: str = "-stop"'),
    "what is in a try": ("_shared", "except IndexError", "except KeyError"),
    "a class within a function": ("_shared", "size = 4", "size = 5"),
    "a method of a class within a function": ("_shared", "text[: self.size]", "text[self.size :]"),
    # classes
    "an enum's value": ("_shared", 'HIGH = "high"', 'HIGH = "higher"'),
    "an enum's method": ("_shared", '"level {', '"grade {'),
    "a dataclass's default": ("_shared", '"nowhere"', '"somewhere"'),
    "a dataclass field's default": ("_shared", '("a",)', '("b",)'),
    "a dataclass's field": (
        "_shared",
        '    name: str = "nowhere"',
        '    name: str | int = "nowhere"',
    ),
    "a named tuple's default": ("_shared", "across: int = 1", "across: int = 2"),
    "a bound of a nested field": ("_shared", "max_length=50", "max_length=51"),
    "a nested field's default": ("_shared", "= Level.LOW", "= Level.HIGH"),
    "a nested field's name": ("_shared", '"nickName"', '"nick_name"'),
    "a base's attribute": ("_shared", '"base "', '"basic "'),
    "a base's method": ("_shared", "self.prefix + text", "text + self.prefix"),
    "a base": ("_shared", "class Namer(Base)", "class Namer(Base, Place)"),
    "a __call__": ("_shared", "self.ending + self.shout", "self.shout + self.ending"),
    "a property": ("_shared", 'return "shout"', 'return "cry"'),
    "a static method": (
        "_shared",
        "def quiet(text: str) -> str:\n        return text.lower()",
        "def quiet(text: str) -> str:\n        return text.upper()",
    ),
    "a class method": ("_shared", '"of "', '"from "'),
    "a class's own class": ("_shared", "depth = 3", "depth = 4"),
    "what an instance holds in a slot": ("_shared", 'Namer(" (end)")', 'Namer(" (stop)")'),
    "a cached property": ("_shared", '"computed"', '"reckoned"'),
    # the connector's own
    "a constant of the connector's module": (
        "notes",
        '"https://notes.example/"',
        '"https://n.example/"',
    ),
    "a bound method's instance": ("notes", '"mr "', '"ms "'),
    "a bound method": ("notes", "email=self.prefix + note.id", "email=note.id"),
    "a function that fetches": ("notes", '{"id": words', '{"key": words'),
    "which mapping": ("notes", "map=document", "map=lambda note: document(note)"),
    "a list of another type": ("notes", "list[Author]", "tuple[Author, ...]"),
    "a struct's tag": ("notes", "class Note(Struct)", "class Note(Struct, tag=True)"),
    "how strict a struct is": (
        "notes",
        "class Note(Struct)",
        "class Note(Struct, forbid_unknown_fields=True)",
    ),
}
QUIET = """    @staticmethod
    def quiet(text: str) -> str:
        return text.lower()

"""
OF = """    @classmethod
    def of(cls, text: str) -> str:
        return "of " + text

"""
UNCHANGED = {
    "nothing": ("_words", "GREETING =", "GREETING ="),
    "a comment": ("_shared", "KINDS =", "# What they are called.\nKINDS ="),
    "lines before all": ("_shared", "import operator\n", "\n\n\nimport operator\n"),
    "a line before a class in a function": (
        "_shared",
        "    class Local",
        "\n\n\n    class Local",
    ),
    "another layout": (
        "_shared",
        'operator.attrgetter("title")',
        'operator.attrgetter(\n    "title"\n)',
    ),
    "a constant that nobody uses": ("_shared", '"nobody uses this"', '"nobody at all"'),
    "a constant of a helper that nobody uses": ("_words", '"silence"', '"quiet"'),
    "a function that nobody uses": ("_words", '"nothing"', '"no word"'),
    "a module's docstring": ("_shared", "What several connectors share.", "Shared."),
    "a class's docstring": ("_shared", "class Base:\n", 'class Base:\n    """A base."""\n\n'),
    "the order in a set": ("_shared", '"spam", "draft"', '"draft", "spam"'),
    "the order of methods": (
        "_shared",
        QUIET + OF,
        OF + QUIET,
    ),
    "an import more": ("_shared", "import operator", "import math\nimport operator"),
    "the schedule": ("notes", '"0 2 * * *": Mode.FULL', '"0 3 * * *": Mode.FULL'),
    "the name of a function that nobody uses": (
        "_words",
        "def ungreeted() -> str:",
        "def ungreeted_at_all() -> str:",
    ),
    "the hint of a function": ("_words", "def greeting() -> str", "def greeting() -> object"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_it_differs_with_all_of_the_authors_code_that_is_reached(
    authored: Authored, change: tuple[str, str, str]
) -> None:
    assert print_of(authored(*change)) != print_of(authored())


@pytest.mark.parametrize("change", UNCHANGED.values(), ids=UNCHANGED)
def test_it_does_not_differ_with_what_changes_nothing(
    authored: Authored, change: tuple[str, str, str]
) -> None:
    assert print_of(authored(*change)) == print_of(authored())


@pytest.mark.parametrize("seed", ["0", "1", "random"])
def test_it_is_the_same_in_another_process_and_place(
    authored: Authored, tmp_path: Path, seed: str
) -> None:
    """Also where the compiled code is read from a file: the second time."""
    write(tmp_path / "elsewhere" / "authored")
    expected = print_of(authored())

    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-c", PRINT, str(tmp_path / "elsewhere")],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )

        assert result.stdout.strip() == expected


def test_it_is_the_same_once_the_code_has_run(authored: Authored) -> None:
    """What it remembers by then, as `lru_cache` does, is no part of it."""
    fresh = print_of(authored())
    used = authored()
    for _ in range(10_000):
        used.document(used.Note("t", "Title"))

    assert print_of(used) == fresh


def test_what_its_modules_hold_counts_as_it_was_at_first(authored: Authored) -> None:
    module = authored()
    before = print_of(module)
    module.KINDS["n"] = "new"

    assert print_of(module) == before
