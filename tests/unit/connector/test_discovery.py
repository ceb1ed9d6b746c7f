import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import connectors
from durable.connector.discovery import discover, find_connectors
from durable.errors import ConfigurationError


GOOD = """from durable import Mode; from durable.glean import Datasource
from msgspec.structs import replace; from tests.fakes.connector import NOTES
"""


@pytest.fixture
def package(tmp_path: Path) -> Iterator[ModuleType]:
    """An empty package of connectors, forgotten afterwards."""
    package = ModuleType("made_up_connectors")
    package.__path__ = [str(tmp_path)]
    sys.modules[package.__name__] = package
    yield package
    for name in [name for name in sys.modules if name.startswith(package.__name__)]:
        del sys.modules[name]


def add(package: ModuleType, module: str, text: str) -> None:
    Path(package.__path__[0], f"{module}.py").write_text(text, encoding="utf-8")


def faults(package: ModuleType) -> list[str]:
    with pytest.raises(ConfigurationError) as error:
        discover(package)
    return str(error.value).splitlines()


def test_every_module_of_the_package_gives_a_connector(package: ModuleType) -> None:
    add(package, "b", GOOD + "connector = replace(NOTES, name='b', datasource=Datasource('b'))")
    add(package, "a", GOOD + "connector = NOTES")

    assert list(discover(package)) == ["notes", "b"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "from durable import *\nConnector(name='a', source=1, record=2, document=3)",
            (
                "line 2: Connector(source=...) is written documents=Stream(source=..., key=..., "
                "record=..., map=...) from 0.1 on"
            ),
        ),
        ("from durable import *\nBodyCursor(end=1)", "line 2: end=... is written last_page=... "),
        (
            "from durable import *\nBackend(poll_ms=1)",
            "line 2: poll_ms=... is written poll_every=timedelta(...) from 0.1 on",
        ),
        (
            "from durable import *\nSince(param='a', overlap_ms=1)",
            "line 2: overlap_ms=... is written overlap=timedelta(...) from 0.1 on",
        ),
        (
            "from durable import *\nRate(requests=1, per=60)",
            "line 2: Rate: per=60: it is a timedelta",
        ),
        ("from durable import *\nBodyCursor(size_max=1)", "line 2: size_max: nothing takes it"),
        ("from durable import *\nStream(source=1)", "line 2: key: it is missing: declare it"),
        ("from durable import *\nSince()", "line 2: param: it is missing: declare it"),
        (
            "from durable import *\nHttpSource(url='a', paging=OnePage())",
            "line 2: records: it is missing: declare it",
        ),
        ("from durable import *\nKeyset(path='id')", "line 2: param: it is missing: declare it"),
        (
            "from durable import *\nHttpSource(url='{A_URL}/a', records='', paging=OnePage())",
            "line 2: HttpSource: '{A_URL}/a' is not right: a variable is written ${NAME}",
        ),
        (
            "from durable import *\nDetail(url='${A_URL}/{id}')",
            "line 2: Detail: '${A_URL}/{id}' is not right: a variable is written ${NAME}",
        ),
        (
            "from durable import *\nBearer('s3cret')",
            "line 2: Bearer: token: write Secret('NAME'), ",
        ),
        (
            "from durable import *\nBasic('a', 'b')",
            "Basic: user: write Variable('NAME') or Secret(",
        ),
        ("from durable import Portion", "line 1: durable.Portion is called SourcePage from 0.1 on"),
        (
            "from durable import Document",
            (
                "line 1: durable.Document is one of Glean's nouns: write `from durable.glean "
                "import Document`"
            ),
        ),
        ("from durable import Nothing", "it cannot be imported: ImportError: cannot import name"),
    ],
)
def test_a_connector_of_before_is_told_the_new_spelling(
    package: ModuleType, text: str, fault: str
) -> None:
    add(package, "a", text)

    (told,) = faults(package)

    assert told.startswith("made_up_connectors/a.py, ")
    assert fault in told


def test_no_modules_are_no_connectors(package: ModuleType) -> None:
    assert discover(package) == {}


def test_the_connectors_of_this_deployment_are_right() -> None:
    assert discover(connectors)


@pytest.mark.parametrize("text", ["", "connector = 7"], ids=["none", "something else"])
def test_a_module_without_a_connector_is_named(package: ModuleType, text: str) -> None:
    add(package, "a", text)

    (told,) = faults(package)

    assert told == (
        "made_up_connectors/a.py: connector: there is none: name it `connector = "
        "Connector(...)`, or move the file to another folder"
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            "datasource=Datasource('other')",
            "b.py: name: 'notes' is also that of made_up_connectors/a.py: ",
        ),
        ("name='other'", "b.py: datasource: 'notes' is also that of made_up_connectors/a.py: "),
        (
            "name='other', datasource=Datasource('NOTES')",
            "b.py: datasource: 'notes' is also that of ",
        ),
    ],
    ids=["name", "datasource", "datasource in other case"],
)
def test_two_connectors_do_not_share(package: ModuleType, changes: str, fault: str) -> None:
    add(package, "a", GOOD + "connector = NOTES")
    add(package, "b", GOOD + f"connector = replace(NOTES, {changes})")

    (told,) = faults(package)

    assert told.startswith(f"made_up_connectors/{fault}")
    assert "of its own" in told


def test_two_connectors_do_not_both_bring_the_teams_of_the_company(package: ModuleType) -> None:
    """Each of their uploads would delete the teams of the other."""
    teams = "teams=NOTES.documents"
    for name in ("a", "b", "c"):
        changes = f"name='{name}', datasource=Datasource('{name}')"
        changes += "" if name == "b" else f", {teams}"
        text = f"connector = replace(NOTES, {changes})"
        add(package, name, GOOD + text)

    (told,) = faults(package)

    assert told.startswith("made_up_connectors/c.py: teams: made_up_connectors/a.py brings teams")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "import msgspec\nimport not_there\n",
            "a.py, line 2: it cannot be imported: ModuleNotFoundError: No module named 'not_there'",
        ),
        ("x = 1\n\nx = = 2\n", "a.py, line 3: it cannot be imported: SyntaxError: invalid syntax"),
        (
            GOOD + "\n\ndef f():\n    return 1 / 0\n\n\nf()\n",
            "a.py, line 6: it cannot be imported: ZeroDivisionError: division by zero",
        ),
        (
            GOOD + "\nconnector = replace(NOTES, name='N')\n",
            "a.py, line 4: connector 'N': name: it has at most 40",
        ),
        (
            "from durable import *\n\nHttpSource(url='', records='a', paging=NextUrl(path='a'))",
            "a.py, line 3: the path 'a' of a source is",
        ),
        (
            GOOD + "connector = replace(NOTES, datasource='notes')\n",
            "a.py, line 3: connector 'notes': datasource: write Datasource('pythondocs')",
        ),
    ],
    ids=["module", "syntax", "below", "connector", "source", "datasource"],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_line(
    package: ModuleType, text: str, fault: str
) -> None:
    add(package, "a", text)

    (told,) = faults(package)

    assert told.startswith(f"made_up_connectors/{fault}")


def test_a_fault_that_is_another_modules_is_told_of_the_line_that_imports_it(
    package: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/__init__.py").write_text("raise OSError('gone')")
    add(package, "a", "\nfrom made_up_connectors import shared")

    a, shared = faults(package)

    assert a.startswith("made_up_connectors/a.py, line 2: it cannot be imported: OSError: gone: ")
    assert shared.startswith("made_up_connectors/shared/__init__.py, line 1: it cannot be imported")


def test_all_faults_are_told_and_what_is_right_is_found_nevertheless(package: ModuleType) -> None:
    add(package, "a", "import not_there")
    add(package, "b", GOOD + "connector = replace(NOTES, name='B', schedule={'daily': Mode.FULL})")
    add(package, "c", GOOD + "connector = NOTES")
    add(package, "d", GOOD + "connector = NOTES")

    told = [
        fault.partition(": ")[0].removeprefix("made_up_connectors/") for fault in faults(package)
    ]

    # Two faults of b; and d shares the name and the datasource with c.
    assert told == ["a.py, line 1", "b.py, line 3", "b.py, line 3", "d.py", "d.py"]
    assert list(find_connectors(package).connectors) == [
        "made_up_connectors/c.py",
        "made_up_connectors/d.py",
    ]


def test_the_error_keeps_what_led_to_it(package: ModuleType) -> None:
    add(package, "a", "import not_there")

    with pytest.raises(ConfigurationError) as error:
        discover(package)

    assert isinstance(error.value.__cause__, ModuleNotFoundError)


def test_a_module_that_begins_with_an_underscore_is_no_connector(package: ModuleType) -> None:
    add(package, "_shared", "SIZE = 7")
    add(package, "a", GOOD + "connector = NOTES")

    assert list(discover(package)) == ["notes"]


def test_what_is_there_to_be_copied_is_no_connector(package: ModuleType) -> None:
    add(package, "examples", "raise RuntimeError('it is imported')")
    add(package, "a", GOOD + "connector = NOTES")

    assert list(discover(package)) == ["notes"]


def test_each_fault_of_a_datasource_is_told(package: ModuleType) -> None:
    add(package, "a", GOOD + "Datasource('my-notes', url_regex='(')")

    told = [fault.removeprefix("made_up_connectors/a.py, line 3: ") for fault in faults(package)]

    assert told[0].startswith("datasource 'my-notes': Glean takes ASCII letters and digits")
    assert told[1].startswith("datasource 'my-notes': url_regex '(' is no regular expression")
