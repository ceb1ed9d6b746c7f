from pathlib import Path

import pytest

from dev import chromium


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs that there is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write(folder: Path, name: str, script: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return program


def test_a_chromium_of_any_name_is_found(programs: Path) -> None:
    assert chromium.find_program() is None

    program = write(programs, "google-chrome", "")

    assert chromium.find_program() == str(program)


def test_what_needs_the_network_comes_before_anything_is_installed(
    programs: Path, tmp_path: Path
) -> None:
    write(programs, "apt-get", 'echo "$@"')

    chromium.install(tmp_path / "log")

    update, download, install = (tmp_path / "log").read_text().splitlines()
    assert update.endswith("update")
    assert "--download-only chromium" in download
    assert "--no-download chromium" in install


def test_nothing_is_installed_where_the_packages_cannot_be_had(
    programs: Path, tmp_path: Path
) -> None:
    write(programs, "apt-get", 'echo "$@"; exit 100')

    chromium.install(tmp_path / "log")

    assert len((tmp_path / "log").read_text().splitlines()) == 1
