"""The connector from the template is right as it is written."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import connectors
import durable
import durable.glean
from dev.new_connector import write
from dev.staging import ROOT
from durable.connector.definition import NAME_CHARACTERS_MAX
from durable.errors import ConfigurationError


COPIED = ("connectors", "dev", "durable", "pyproject.toml", "wrangler.toml")
LONG = "long-name-of-many-words-and-letters-12345"[:NAME_CHARACTERS_MAX]


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this one, with two new connectors."""
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        if (ROOT / name).is_dir():
            unwanted = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, folder / name)
    for name in ("my-tickets", LONG):
        made = run(folder, "dev.new_connector", name)
        assert made.returncode == 0, made.stderr
        assert f"make preview CONNECTOR={name}" in made.stdout
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ("ruff", "check", "--no-cache", "connectors", "tests"),
        ("ruff", "format", "--no-cache", "--check", "connectors", "tests"),
        ("mypy", "--cache-dir", "cache", "connectors", "tests"),
        ("dev.configuration",),
    ],
    ids=lambda words: words[0],
)
def test_what_is_written_passes(project: Path, words: tuple[str, ...]) -> None:
    done = run(project, *words)

    assert done.returncode == 0, done.stdout + done.stderr


PYTEST = ("pytest", "-q", "-p", "no:cacheprovider", "tests/connectors/test_my_tickets.py")


def test_nothing_is_sent_until_it_is_said_who_may_find_it(project: Path) -> None:
    done = run(project, *PYTEST)

    assert done.returncode == 1
    assert "2 failed" in done.stdout
    assert "say in permissions() who may find" in done.stdout


def test_once_it_is_said_who_may_find_it_all_passes(project: Path, tmp_path: Path) -> None:
    said = shutil.copytree(project, tmp_path / "said")
    file = said / "connectors/my_tickets.py"
    text = file.read_text(encoding="utf-8")
    answer = 'return Permissions.of(groups=["staff"])'
    file.write_text(re.sub(r"raise NotImpl.*?\n    \)", answer, text, flags=re.DOTALL), "utf-8")

    done = run(said, *PYTEST)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_nobody_is_meant_by_default() -> None:
    """Neither by the template nor by the examples: who says everybody, says why."""
    files = [ROOT / "dev/new_connector/connector.py.template", *(ROOT / "connectors").rglob("*.py")]
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if re.search(r"everyone\(\)[,)]?$|allow_anonymous_access=True", line.strip()):
                assert "everybody" in "".join(lines[max(0, number - 3) : number + 1]), file


def test_what_is_written_imports_public_names_only(project: Path) -> None:
    tree = ast.parse((project / "connectors/my_tickets.py").read_text(encoding="utf-8"))
    of_ours = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("durable")
    ]

    public = {"durable": durable.__all__, "durable.glean": durable.glean.__all__}
    assert [node.module for node in of_ours] == [*public]
    for node in of_ours:
        assert {alias.name for alias in node.names} <= set(public[str(node.module)])


def test_the_new_variables_are_asked_for(project: Path) -> None:
    told = run(project, "dev.configuration").stdout

    assert "connectors/my_tickets.py: source: the variable MY_TICKETS_URL is not in [vars]" in told


def test_a_connector_that_is_there_is_not_written_over(project: Path) -> None:
    file = project / "connectors/my_tickets.py"
    before = file.read_bytes()

    done = run(project, "dev.new_connector", "my-tickets")

    assert done.returncode == 1
    assert done.stderr == (
        "new-connector: connectors/my_tickets.py is there already: choose another name, or move "
        "that file away\n"
    )
    assert file.read_bytes() == before


def test_a_test_that_is_there_is_not_written_over_either(tmp_path: Path) -> None:
    test = tmp_path / "tests/connectors/test_my_tickets.py"
    test.parent.mkdir(parents=True)
    test.write_text("mine")

    with pytest.raises(ConfigurationError, match=r"test_my_tickets\.py is there already"):
        write("my-tickets", connectors, tmp_path)

    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [test]


@pytest.mark.parametrize("name", ["python-docs", "py-thon-docs"])
def test_a_name_or_a_datasource_that_is_taken_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"connectors/python_docs\.py has the name"):
        write(name, connectors, tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "My-Tickets", "my_tickets", "my tickets", "../x", "x" * 41])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="at most 40 lower-case letters") as error:
        write(name, connectors, tmp_path)

    assert "make new-connector NAME=my-tickets" in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["7-up", "import"])
def test_what_python_cannot_import_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="let the name begin with a letter"):
        write(name, connectors, tmp_path)
