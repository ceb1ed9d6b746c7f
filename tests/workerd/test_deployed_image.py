"""The Worker as Cloudflare starts it: from the memory that it had after its imports."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.comparison import differences
from dev.rehearsal import RefusedError, rehearse
from dev.site import DOCS
from dev.stack import Stack
from tests.fakes.deployed import IS_BARE, deployed
from tests.workerd.conftest import LIMITS


pytestmark = pytest.mark.workerd

RECORDS = 900


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with deployed(tmp_path_factory.mktemp("deployed"), LIMITS, RECORDS) as started:
        yield started


def test_a_job_that_is_killed_goes_on_and_loses_nothing(stack: Stack) -> None:
    stack.control_source("latency", ms=100)
    job = stack.trigger("FULL")
    stack.until(job["id"], lambda job: job["pages"] >= 2)
    stack.crash()

    ended = stack.ended(job["id"])

    assert ended["state"] == "succeeded", ended
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_changes_are_brought(stack: Stack) -> None:
    assert stack.ended(stack.trigger("FULL")["id"])["state"] == "succeeded"
    stack.control_source("change", change=9, remove=5, add=3, seed=2)

    assert stack.ended(stack.trigger("INCREMENTAL")["id"])["state"] == "succeeded"

    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_what_is_drawn_and_the_time_are_not_those_of_the_image(stack: Stack) -> None:
    drawn = set()
    for _ in range(2):
        drawn.add(stack.ended(stack.trigger("INCREMENTAL")["id"])["id"])
        stack.crash()

    assert len({job_id.rpartition("-")[2] for job_id in drawn}) == 2
    assert len({job_id.split("-")[-2] for job_id in drawn}) == 2


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("from js import URL\nBASE = URL.new('https://a.example')\n", "an object of JavaScript's"),
        ("import random\nDRAWN = random.random()\n", "connectors/python_docs.py, line "),
    ],
    ids=["JavaScript", "randomness"],
)
def test_a_connector_that_no_deployment_takes_is_an_error(
    tmp_path: Path, lines: str, told: str
) -> None:
    connectors = tmp_path / "connectors"
    shutil.copytree(DOCS.connectors, connectors)
    file = connectors / "python_docs.py"
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{lines}", encoding="utf-8")

    with pytest.raises(RefusedError, match=told):
        rehearse(tmp_path / "rehearsal", {"connectors": connectors}, is_bare=IS_BARE)
