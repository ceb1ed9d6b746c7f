import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest
from msgspec.structs import replace

import connectors
from durable.connector import NAME_CHARACTERS_MAX, discover
from durable.errors import ConfigurationError
from durable.job import Mode
from durable.sources.cursors import BodyCursor
from durable.sources.http import HttpSource
from tests.fakes.connector import NOTES


GOOD = (
    "from msgspec.structs import replace\n"
    "from durable import Datasource\n"
    "from tests.fakes.connector import NOTES\n"
)


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


@pytest.mark.parametrize("name", ["a", "7", "notes-of-2026", "x" * NAME_CHARACTERS_MAX])
def test_a_name_of_small_letters_digits_and_single_hyphens_is_taken(name: str) -> None:
    assert replace(NOTES, name=name).name == name


@pytest.mark.parametrize(
    "name", ["", "Notes", "a_b", "a--b", "-a", "a-", "a b", "a\n", "ä", "x" * 41]
)
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        replace(NOTES, name=name)

    assert repr(name) in str(error.value)
    assert "lower-case letters, digits and single hyphens" in str(error.value)


class Delegated(HttpSource, frozen=True):
    """Brings its documents to Glean by itself."""

    is_delegated: ClassVar[bool] = True


def test_what_a_source_brings_by_itself_cannot_be_verified() -> None:
    source = Delegated(url="https://notes.example", paging=BodyCursor())
    assert replace(NOTES, source=source, processes_at_once=True).processes_at_once

    with pytest.raises(ConfigurationError, match="'notes': verifies is not for a source that"):
        replace(NOTES, source=source, verifies=True)


def test_nothing_is_verified_or_processed_at_once_unless_that_is_declared() -> None:
    assert (NOTES.verifies, NOTES.processes_at_once) == (False, False)


def test_a_schedule_that_is_no_cron_expression_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'notes': the schedule '0 25 \* \* \*'.*hour"):
        replace(NOTES, schedule={"0 25 * * *": Mode.FULL})


def test_a_connector_may_have_no_schedule() -> None:
    assert replace(NOTES, schedule={}).schedule == {}


def test_every_module_of_the_package_gives_a_connector(package: ModuleType) -> None:
    add(package, "b", GOOD + "connector = replace(NOTES, name='b', datasource=Datasource('b'))")
    add(package, "a", GOOD + "connector = NOTES")

    assert list(discover(package)) == ["notes", "b"]


def test_no_modules_are_no_connectors(package: ModuleType) -> None:
    assert discover(package) == {}


def test_the_connectors_of_this_deployment_are_right() -> None:
    assert discover(connectors)


@pytest.mark.parametrize("text", ["", "connector = 7"], ids=["none", "something else"])
def test_a_module_without_a_connector_is_named(package: ModuleType, text: str) -> None:
    add(package, "a", text)

    with pytest.raises(ConfigurationError, match=r"made_up_connectors\.a has no connector"):
        discover(package)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ("datasource=Datasource('other')", "two connectors have the name 'notes'"),
        ("name='other'", "two connectors have the datasource 'notes'"),
        (
            "name='other', datasource=Datasource('NOTES')",
            "two connectors have the datasource 'notes'",
        ),
    ],
    ids=["name", "datasource", "datasource in other case"],
)
def test_two_connectors_do_not_share(package: ModuleType, changes: str, fault: str) -> None:
    add(package, "a", GOOD + "connector = NOTES")
    add(package, "b", GOOD + f"connector = replace(NOTES, {changes})")

    with pytest.raises(ConfigurationError, match=fault):
        discover(package)


def test_a_module_that_begins_with_an_underscore_is_no_connector(package: ModuleType) -> None:
    add(package, "_shared", "SIZE = 7")
    add(package, "a", GOOD + "connector = NOTES")

    assert list(discover(package)) == ["notes"]
