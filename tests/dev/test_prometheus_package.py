"""Where Prometheus comes from."""

from pathlib import Path

import pytest

from dev import prometheus


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs that there is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def write(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    return program


def test_a_program_on_path_comes_before_the_unpacked_one(programs: Path, tmp_path: Path) -> None:
    assert prometheus.find_program("promtool", tmp_path) is None

    unpacked = write(tmp_path / "usr/bin", "promtool", "")
    assert prometheus.find_program("promtool", tmp_path) == str(unpacked)

    installed = write(programs, "promtool", "")
    assert prometheus.find_program("promtool", tmp_path) == str(installed)


def test_the_package_is_unpacked_and_not_installed(programs: Path, tmp_path: Path) -> None:
    write(programs, "apt-get", 'echo "$@"; : > prometheus_2.deb')
    write(programs, "dpkg-deb", 'echo "$@"')

    prometheus.unpack(tmp_path / "folder", tmp_path / "log")

    download, extract = (tmp_path / "log").read_text().splitlines()
    assert download.endswith("download prometheus")
    assert extract == "--extract prometheus_2.deb ."
    assert list((tmp_path / "folder").iterdir()) == []


def test_what_is_known_of_the_packages_is_renewed_where_that_is_not_enough(
    programs: Path, tmp_path: Path
) -> None:
    write(programs, "apt-get", 'echo "$@"; exit 100')

    prometheus.unpack(tmp_path / "folder", tmp_path / "log")

    commands = [line.split()[-1] for line in (tmp_path / "log").read_text().splitlines()]
    assert commands == ["prometheus", "update", "prometheus"]
