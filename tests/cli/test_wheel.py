"""What `pipx install ./cli` installs; built and installed here without a network."""

import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from dev.staging import ROOT
from glean_sync import __version__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT / "cli", check=True, capture_output=True)
    (made,) = folder.iterdir()
    return made


def test_it_holds_the_whole_package_and_says_what_it_needs(wheel: Path) -> None:
    modules = {file.relative_to(ROOT / "cli").as_posix() for file in modules_of("cli/glean_sync")}
    with zipfile.ZipFile(wheel) as archive:
        files = set(archive.namelist())
        (name,) = [file for file in files if file.endswith("/METADATA")]
        metadata = message_from_bytes(archive.read(name))

    assert {file for file in files if ".dist-info/" not in file} == modules
    assert (metadata["Name"], metadata["Version"]) == ("glean-sync", __version__)
    assert metadata["Requires-Python"] == ">=3.11"
    assert "glean-sync login" in str(metadata.get_payload())


def test_it_installs_a_program_that_runs(wheel: Path, tmp_path: Path) -> None:
    offline = ("--no-index", "--no-deps", "--disable-pip-version-check")
    pip = [sys.executable, "-m", "pip", "install", *offline, "--target", str(tmp_path)]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)

    told = subprocess.run(
        [str(tmp_path / "bin/glean-sync"), "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout == f"glean-sync {__version__}\n"


def modules_of(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))
