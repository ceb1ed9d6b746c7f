from pathlib import Path

import pytest

from dev.staging import PACKAGES, stage


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the three packages, and with what must not be deployed."""
    for path in (
        "worker/__init__.py",
        "worker/entry.py",
        "worker/__pycache__/entry.cpython-311.pyc",
        "durable/schema.sql",
        "durable/sources/rest.py",
        "connectors/wiki.py",
        "connectors/.wiki.py.swp",
        "connectors/wiki.pyc",
        "connectors/examples/tickets.py",
        "tests/test_wiki.py",
        "dev/setup.py",
    ):
        file = tmp_path / "project" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path)
    return tmp_path / "project"


def packages(project: Path) -> dict[str, Path]:
    return {name: project / name for name in PACKAGES}


def staged(target: Path) -> dict[str, str]:
    files = (file for file in target.rglob("*") if file.is_file())
    return {file.relative_to(target).as_posix(): file.read_text() for file in files}


def test_the_three_packages_are_staged_and_nothing_else(project: Path, tmp_path: Path) -> None:
    stage(packages(project), tmp_path / "build")

    assert sorted(staged(tmp_path / "build")) == [
        "connectors/wiki.py",
        "durable/schema.sql",
        "durable/sources/rest.py",
        "worker/__init__.py",
        "worker/entry.py",
    ]


def test_what_the_project_no_longer_has_goes_away(project: Path, tmp_path: Path) -> None:
    target = tmp_path / "build"
    stage(packages(project), target)
    (project / "durable/sources/rest.py").unlink()
    (target / "stray.py").write_text("")

    stage(packages(project), target)

    assert "durable/sources/rest.py" not in staged(target)
    assert "stray.py" not in staged(target)
    assert not (target / "durable/sources").exists()


def test_only_what_changed_is_written(project: Path, tmp_path: Path) -> None:
    target = tmp_path / "build"
    stage(packages(project), target)
    before = {path: (target / path).stat().st_ino for path in staged(target)}
    (project / "connectors/wiki.py").write_text("changed")

    stage(packages(project), target)

    after = {path: (target / path).stat().st_ino for path in staged(target)}
    assert staged(target)["connectors/wiki.py"] == "changed"
    assert {path for path in before if before[path] != after[path]} == {"connectors/wiki.py"}


def test_a_file_that_another_process_is_writing_is_left_to_it(
    project: Path, tmp_path: Path
) -> None:
    target = tmp_path / "build"
    stage(packages(project), target)
    partial = target / "worker/.entry.py.1.partial"
    partial.write_text("")

    stage(packages(project), target)

    assert partial.exists()


def test_a_package_can_be_taken_from_elsewhere(project: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/crm.py").write_text("crm")

    stage({**packages(project), "connectors": tmp_path / "mine"}, tmp_path / "build")

    assert staged(tmp_path / "build")["connectors/crm.py"] == "crm"
    assert "connectors/wiki.py" not in staged(tmp_path / "build")
