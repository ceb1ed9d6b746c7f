"""The Worker as Cloudflare starts it: from the memory that it had after its imports."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.comparison import differences
from dev.rehearsal import RefusedError, rehearse
from dev.site import DOCS
from dev.stack import Stack
from tests.workerd.conftest import LIMITS


pytestmark = pytest.mark.workerd

RECORDS = 900


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("deployed")
    image = rehearse(folder / "rehearsal", {"connectors": DOCS.connectors})
    arguments = ("--limit-records", str(RECORDS))
    with Stack(folder, LIMITS, arguments, image_folder=image.parent) as stack:
        yield stack


def test_a_job_that_is_killed_goes_on_and_loses_nothing(deployed: Stack) -> None:
    deployed.control_source("latency", ms=100)
    job = deployed.trigger("FULL")
    deployed.until(job["id"], lambda job: job["pages"] >= 2)
    deployed.crash()

    ended = deployed.ended(job["id"])

    assert ended["state"] == "succeeded", ended
    assert differences(deployed.source_records(), deployed.glean_documents()) == []


def test_changes_are_brought(deployed: Stack) -> None:
    assert deployed.ended(deployed.trigger("FULL")["id"])["state"] == "succeeded"
    deployed.control_source("change", change=9, remove=5, add=3, seed=2)

    assert deployed.ended(deployed.trigger("INCREMENTAL")["id"])["state"] == "succeeded"

    assert differences(deployed.source_records(), deployed.glean_documents()) == []


def test_what_is_drawn_and_the_time_are_not_those_of_the_image(deployed: Stack) -> None:
    drawn = set()
    for _ in range(2):
        drawn.add(deployed.ended(deployed.trigger("INCREMENTAL")["id"])["id"])
        deployed.crash()

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
        rehearse(tmp_path / "rehearsal", {"connectors": connectors})
