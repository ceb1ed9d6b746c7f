"""Trials keep away from the real deployment."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dev import wrangler
from dev.environments import faults
from dev.staging import ROOT
from tests.fakes.project import a_project


CONFIG = (ROOT / "wrangler.toml").read_text(encoding="utf-8")


def config() -> dict[str, Any]:
    return tomllib.loads(CONFIG)


def deployed(project: Path) -> subprocess.CompletedProcess[str]:
    """As far as it goes without sending."""
    words = ("deploy", "--dry-run", "--env", "staging", "--outdir", "out")
    return subprocess.run(
        wrangler.command(*words),
        cwd=project,
        env=wrangler.environment(project / "home"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_environment_that_is_there_is_right() -> None:
    assert list(faults(config())) == []


def test_its_bindings_are_those_of_the_real_one() -> None:
    real, staging = config(), config()["env"]["staging"]

    for field in ("durable_objects", "version_metadata"):
        assert staging[field] == real[field]
    assert staging["triggers"] == {"crons": []}
    assert staging["name"] != real["name"]


def test_wrangler_takes_it(tmp_path: Path) -> None:
    ended = deployed(a_project(tmp_path))

    assert ended.returncode == 0, ended.stderr
    assert 'env.DATASOURCE_SUFFIX ("staging")' in ended.stdout
    assert "env.RUNNER (Runner)" in ended.stdout


def test_wrangler_itself_deploys_none_that_lacks_its_suffix(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    lines = CONFIG.replace('DATASOURCE_SUFFIX = "staging"\n', "")
    (project / "wrangler.toml").write_text(lines)

    ended = deployed(project)

    assert ended.returncode != 0
    assert "[env.staging.vars]: DATASOURCE_SUFFIX is not set" in ended.stdout + ended.stderr
    assert not (project / "out").exists()


LINES = re.findall(r"^(?:\w+ = .*|\[+env\..*\])$", CONFIG.split("[env.staging]\n")[1], re.MULTILINE)


@pytest.mark.parametrize("index", range(len(LINES)), ids=LINES)
def test_no_line_that_is_forgotten_has_it_write_where_the_real_one_does(index: int) -> None:
    """What is deployed without it, has a suffix of its own all the same."""
    before, after = CONFIG.split("[env.staging]\n")
    lines, seen = [], 0
    for line in after.splitlines():
        is_of_these = seen < len(LINES) and line == LINES[seen]
        if not is_of_these or seen != index:
            lines.append(line)
        seen += is_of_these
    try:
        shortened = tomllib.loads(f"{before}[env.staging]\n" + "\n".join(lines))
    except tomllib.TOMLDecodeError:
        return  # nor does wrangler read it

    told = list(faults(shortened))

    staging = shortened["env"]["staging"]
    is_apart = staging.get("vars", {}).get("DATASOURCE_SUFFIX") == "staging"
    assert told or is_apart
    assert told or staging.get("name") != shortened["name"]


@pytest.mark.parametrize(
    ("real", "staging", "fault"),
    [
        ({}, {"vars": {"DATASOURCE_SUFFIX": ""}}, "[env.staging.vars]: DATASOURCE_SUFFIX"),
        ({}, {"name": "glean-durable-sync"}, "[env.staging]: name is that of the real Worker"),
        ({}, {"triggers": {}}, "[env.staging.triggers]: it would have the real one's crons"),
        ({"routes": ["a.example/*"]}, {}, "[env.staging]: it would take the real one's routes"),
        ({"route": "a.example/*"}, {}, "[env.staging]: it would take the real one's route"),
        (
            {},
            {"durable_objects": {"bindings": [{"name": "RUNNER", "script_name": "real"}]}},
            "[env.staging.durable_objects]: RUNNER has the objects of another Worker",
        ),
    ],
)
def test_what_it_would_share_with_the_real_one_is_a_fault(
    real: dict[str, Any], staging: dict[str, Any], fault: str
) -> None:
    made = config() | real
    made["env"]["staging"] |= staging
    if "routes" in real:
        del made["env"]["staging"]["routes"]

    (told,) = faults(made)

    assert told.startswith(fault)


def test_a_route_of_its_own_is_no_fault() -> None:
    made = config() | {"routes": ["a.example/*"]}
    made["env"]["staging"] |= {"routes": []}

    assert list(faults(made)) == []
