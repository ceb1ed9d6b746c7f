import json
import re
import tomllib
from typing import Any

import pytest

import glean_sync
from dev.lock import LEFT_OUT, LOCKS, missing_platforms
from dev.staging import ROOT
from durable import __version__


LOCKED = ["host.txt", "worker.txt", "sdk.txt", "stock.txt", "plot.txt"]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
REQUIREMENT = re.compile(r"^([a-z0-9-]+)==([^ ;]+)", re.MULTILINE)


def pins(lock: str) -> dict[str, set[str]]:
    """The versions in a lock: more than one where they differ between Pythons."""
    found: dict[str, set[str]] = {}
    for name, version in REQUIREMENT.findall((LOCKS / lock).read_text()):
        found.setdefault(name, set()).add(version)
    return found


def declared(requirements: list[str]) -> dict[str, set[str]]:
    return {name: {version} for name, version in (one.split("==") for one in requirements)}


DIRECT = declared(PYPROJECT["project"]["dependencies"])
CONSTRAINTS = declared(PYPROJECT["tool"]["uv"]["constraint-dependencies"])


def npm_packages() -> dict[str, Any]:
    packages: dict[str, Any] = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return packages


def test_pywrangler_and_the_workers_lock_give_the_same_versions() -> None:
    locked = pins("worker.txt")

    assert DIRECT.items() <= locked.items()
    assert locked.items() <= {**DIRECT, **CONSTRAINTS}.items()


def test_the_runtime_and_the_cli_have_the_version_of_the_project() -> None:
    assert {__version__, glean_sync.__version__} == {PYPROJECT["project"]["version"]}


def test_the_bench_runs_stock_httpx_in_the_versions_that_are_deployed() -> None:
    assert pins("stock.txt") == {
        **pins("worker.txt"),
        **{name: CONSTRAINTS[name] for name in LEFT_OUT},
    }


def test_what_the_workers_lock_leaves_out_is_pinned_too() -> None:
    assert set(LEFT_OUT) <= set(CONSTRAINTS)
    assert not set(LEFT_OUT) & set(pins("worker.txt"))


def test_tests_run_with_the_versions_that_are_deployed() -> None:
    host = pins("host.txt")

    assert {name: host[name] for name in {**DIRECT, **CONSTRAINTS}} == {**DIRECT, **CONSTRAINTS}


def test_all_tools_that_are_declared_are_locked() -> None:
    tools = {re.split(r"[<>=]", tool)[0] for tool in PYPROJECT["dependency-groups"]["dev"]}

    assert tools <= set(pins("host.txt"))


@pytest.mark.parametrize("lock", LOCKED)
def test_each_python_package_has_a_hash(lock: str) -> None:
    requirements = re.split(r"\n(?=[a-z])", (LOCKS / lock).read_text())

    assert [one for one in requirements if "--hash=sha256:" not in one] == []


@pytest.mark.parametrize("lock", LOCKED)
def test_a_python_lock_names_no_registry(lock: str) -> None:
    assert "://" not in (LOCKS / lock).read_text()
    assert "--index" not in (LOCKS / lock).read_text()


def test_the_npm_lock_names_no_registry() -> None:
    assert [path for path, package in npm_packages().items() if "resolved" in package] == []


def test_the_npm_lock_has_what_is_declared() -> None:
    declared = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    packages = npm_packages()

    assert {name: packages[f"node_modules/{name}"]["version"] for name in declared} == declared


def test_an_npm_package_without_a_hash_is_a_workerd_for_another_system() -> None:
    without = [path for path, one in npm_packages().items() if path and "integrity" not in one]

    assert [path for path in without if "/workerd-linux-" in path or "/workerd-" not in path] == []


def test_the_npm_lock_has_all_systems() -> None:
    assert missing_platforms(npm_packages()) == {}


def test_a_system_that_the_registry_did_not_have_is_added_with_its_version() -> None:
    packages = {
        "node_modules/workerd": {
            "optionalDependencies": {
                "@cloudflare/workerd-linux-arm64": "1.2.3",
                "@cloudflare/workerd-windows-64": "1.2.3",
            }
        },
        "node_modules/@cloudflare/workerd-linux-arm64": {},
    }

    assert missing_platforms(packages) == {
        "node_modules/@cloudflare/workerd-windows-64": {
            "version": "1.2.3",
            "cpu": ["x64"],
            "dev": True,
            "optional": True,
            "os": ["win32"],
        }
    }
