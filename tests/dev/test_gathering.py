"""The examples beside the project's own connectors."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from connectors import examples
from connectors.examples import tickets
from dev.gathering import fitting, gather, gather_again
from durable.connector.connector import Connector
from durable.connector.discovery import find_connectors
from durable.errors import ConfigurationError
from durable.glean import Datasource
from durable.machine.job import Mode


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_own_connectors_and_examples_stand_side_by_side(tmp_path: Path) -> None:
    used = gather(tmp_path / "connectors")

    assert names(Path(used.folder)) == {
        *("__init__.py", "python_docs.py"),
        *("backend.py", "files.py", "tickets.py", "wiki.py"),
    }
    assert {each["name"] for each in used.datasources} >= {"pythondocs", "exampletickets"}
    assert used.schedules == {Mode.FULL: ["0 2 * * *"], Mode.INCREMENTAL: ["0 * * * *"]}


def test_one_alone_is_there_with_what_it_uses(tmp_path: Path) -> None:
    used = gather(tmp_path, "tickets")

    assert names(tmp_path) == {"__init__.py", "tickets.py"}
    assert used.names == {"TICKETS_URL", "TICKETS_TOKEN"}
    assert [each["name"] for each in used.datasources] == ["exampletickets"]


def test_a_datasource_comes_after_the_one_whose_people_it_means(tmp_path: Path) -> None:
    alone, all_used = gather(tmp_path, "files").datasources, gather(tmp_path).datasources

    assert [each["name"] for each in alone] == ["examplewiki", "examplefiles"]
    names = [each["name"] for each in all_used]
    assert names.index("examplewiki") < names.index("examplefiles")
    assert len(names) == len(set(names))


def test_a_connector_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'ticket'; there are: python-docs, backend"):
        gather_again(tmp_path, "ticket")


def test_a_folder_that_was_there_has_nothing_else_left(tmp_path: Path) -> None:
    gather(tmp_path)
    (tmp_path / "gone.py").write_text("")
    gather(tmp_path)

    assert "gone.py" not in names(tmp_path)


@pytest.mark.parametrize(
    ("file", "own", "is_there"),
    [
        ("my.py", replace(tickets.connector, datasource=Datasource("mytickets")), False),
        ("my.py", replace(tickets.connector, name="my-tickets"), False),
        ("my.py", replace(tickets.connector, name="mine", datasource=Datasource("mine")), True),
        ("tickets.py", replace(tickets.connector, name="mine", datasource=Datasource("m")), False),
    ],
    ids=["its name", "its datasource", "nothing", "its file's name"],
)
def test_an_example_gives_way_to_a_copy_that_has_kept_what_it_is_known_by(
    file: str, own: Connector, *, is_there: bool
) -> None:
    files = find_connectors(examples).connectors

    fit = fitting(files, {f"connectors/{file}": own})

    assert ("connectors.examples/tickets.py" in fit) is is_there
    assert {*files} - {*fit} <= {"connectors.examples/tickets.py"}
