"""Several connectors on the real runtime, which has them all in one isolate."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from dev.comparison import differences
from dev.site import DOCS
from dev.stack import Stack
from tests.fakes.deployed import LightStack


pytestmark = pytest.mark.workerd

NAMES = ("first", "second", "third")
RECORDS = 600
LATENCY_MS = 3_000  # of each page, so that there is a time in which the first has the memory
MODULE = """\
from msgspec.structs import replace

from connectors._python_docs import connector as docs
from durable.glean import Datasource


connector = replace(docs, name="{name}", datasource=Datasource("{name}"))
"""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """There is room for one page."""
    connectors = tmp_path / "connectors"
    connectors.mkdir()
    (connectors / "__init__.py").touch()
    text = (DOCS.connectors / "python_docs.py").read_text(encoding="utf-8")
    (connectors / "_python_docs.py").write_text(text, encoding="utf-8")
    for name in NAMES:
        (connectors / f"{name}.py").write_text(MODULE.format(name=name), encoding="utf-8")
    site = replace(
        DOCS,
        connectors=connectors,
        datasources=[{**DOCS.datasources[0], "name": name} for name in NAMES],
    )
    limits, arguments = {"isolate_bytes_max": 1}, ("--limit-records", str(RECORDS))
    with LightStack(tmp_path, limits, arguments, site=site) as started:
        yield started


def test_who_finds_no_memory_waits_and_says_so_and_all_end(stack: Stack) -> None:
    stack.control_source("latency", ms=LATENCY_MS)
    first = stack.trigger("FULL", NAMES[0])
    stack.until(first["id"], lambda job: job["state"] == "sending")
    others = [stack.trigger("FULL", name) for name in NAMES[1:]]

    waiting = [stack.until(job["id"], lambda job: job["waits_for"] == "memory") for job in others]
    stack.clear_faults()
    ended = [stack.ended(job["id"]) for job in (first, *others)]

    assert [job["waits_until"] is not None for job in waiting] == [True, True]
    assert [job["last_error"] for job in waiting] == [None, None]
    assert [job["state"] for job in ended] == ["succeeded"] * 3, ended
    for name in NAMES:
        assert differences(stack.source_records(), stack.glean_documents(name)) == []
