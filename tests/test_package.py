"""What a deployment would send: made by wrangler itself, from the production configuration."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from pywrangler.sync import is_sync_needed

from dev.lock import LOCKS
from dev.package import Package, package
from dev.snapshot import FLAGS
from dev.staging import PACKAGES, ROOT, stage


GZIP_BYTES_MAX = 1024 * 1024  # a third of what the platform's free plan takes
VENDORED = "python_modules/"
CONFIGURATION = tomllib.loads((ROOT / "wrangler.toml").read_text())
LEFT_OUT = CONFIGURATION["python_modules"]["exclude"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("package")


@pytest.fixture(scope="module")
def made(folder: Path) -> Package:
    return package(folder)


def test_of_our_own_it_holds_the_deployed_packages_and_nothing_else(
    made: Package, tmp_path: Path
) -> None:
    stage(PACKAGES, tmp_path)
    files = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.*")}

    ours = {path for path in made.files if not path.startswith(VENDORED)}

    # wrangler puts the entry at the root.
    assert ours == files - {"worker/entry.py"} | {"entry.py"}


def test_of_others_it_holds_what_the_lock_names_and_nothing_else(made: Package) -> None:
    locked = re.findall(r"^([a-z0-9-]+)==(\S+)", (LOCKS / "worker.txt").read_text(), re.MULTILINE)
    distributions = {f"{name.replace('-', '_')}-{version}.dist-info" for name, version in locked}
    records = [(ROOT / VENDORED / name / "RECORD").read_text() for name in distributions]
    installed = {line.split(",")[0] for record in records for line in record.splitlines()}

    vendored = {path.removeprefix(VENDORED) for path in made.files if path.startswith(VENDORED)}

    assert vendored <= installed
    assert {path.split("/")[0] for path in vendored} >= {"httpx", "msgspec", *distributions}


def test_of_others_it_holds_the_very_modules_that_the_tests_run_with(
    made: Package, folder: Path
) -> None:
    tested = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / VENDORED).rglob("*")
        if path.is_file() and not any(path.match(pattern) for pattern in LEFT_OUT)
    }

    deployed = {
        path: (folder / "modules" / path).read_bytes()
        for path in made.files
        if path.startswith(VENDORED)
    }

    assert deployed == tested


@pytest.mark.usefixtures("made")
def test_pywrangler_has_nothing_to_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    assert not is_sync_needed()


def test_it_holds_no_caches_and_no_stubs(made: Package) -> None:
    assert [path for path in made.files if path.endswith((".pyc", ".pyi", ".stamp"))] == []


def test_no_development_flag_is_deployed() -> None:
    flags = CONFIGURATION["compatibility_flags"]

    assert flags == ["python_workers"]
    assert not set(FLAGS) & set(flags)


def test_it_stays_small(made: Package, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f" (package: {made.raw_bytes:,} bytes, {made.gzip_bytes:,} with gzip) ")

    assert made.gzip_bytes < GZIP_BYTES_MAX
