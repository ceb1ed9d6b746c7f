"""An image of the Worker is taken again when what it is of has changed."""

from pathlib import Path

from dev.rehearsal import image_step
from dev.staging import PACKAGES, ROOT, deployed_files


def test_every_file_that_is_deployed_counts_with_its_name() -> None:
    inputs = image_step("docs", PACKAGES["connectors"]).inputs

    for folder in PACKAGES.values():
        files = [*deployed_files(folder)]
        assert files
        assert {*files, *(str(file.relative_to(folder)) for file in files)} <= {*inputs}


def test_what_it_is_made_of_is_there() -> None:
    inputs = image_step("docs", PACKAGES["connectors"]).inputs

    assert [one for one in inputs if isinstance(one, Path) and not (ROOT / one).is_file()] == []


def test_a_connector_of_another_name_makes_another_image(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("NAME = 'mine'\n")
    before = image_step("mine", tmp_path)
    (tmp_path / "mine.py").rename(tmp_path / "other.py")

    assert image_step("mine", tmp_path).inputs != before.inputs
