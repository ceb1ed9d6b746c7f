"""The examples beside the project's own connectors."""

from pathlib import Path

from msgspec.structs import replace

from connectors import examples
from connectors.examples import tickets
from dev.gathering import fitting, gathered
from durable import Datasource
from durable.discovery import found


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_own_connectors_and_examples_stand_side_by_side(tmp_path: Path) -> None:
    folder = gathered(tmp_path / "connectors")

    assert names(folder) == {
        *("__init__.py", "python_docs.py"),
        *("backend.py", "files.py", "tickets.py", "wiki.py"),
    }
    for file in folder.iterdir():
        assert file.is_symlink()


def test_a_folder_that_was_there_has_nothing_else_left(tmp_path: Path) -> None:
    folder = gathered(tmp_path)
    (folder / "gone.py").write_text("")

    assert "gone.py" not in names(gathered(tmp_path))


def test_an_example_gives_way_to_a_copy_that_has_kept_its_name_or_datasource() -> None:
    files = found(examples).connectors
    kept_name = replace(tickets.connector, datasource=Datasource("mytickets"))
    kept_datasource = replace(tickets.connector, name="my-tickets")
    changed = replace(kept_datasource, datasource=Datasource("mytickets"))

    others = [path for path in files if not path.endswith("/tickets.py")]
    assert fitting(files, [kept_name]) == fitting(files, [kept_datasource]) == others
    assert fitting(files, [changed]) == list(files)
