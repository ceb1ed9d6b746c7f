"""The real runtime killed with SIGKILL, its whole process group, in the middle of a job."""

import random
import time
from pathlib import Path

import pytest

from dev.comparison import differences
from dev.stack import Stack
from tests.fakes.deployed import deployed


pytestmark = pytest.mark.workerd

RECORDS = 2_000
PAGES = RECORDS // 100
KILLS = 3
TURN_PAGES = 5  # no more than these are under way
LATENCY_MS = 60  # of the source, so that there is a middle to kill it in


def test_a_killed_full_sync_goes_on_by_itself_and_repeats_the_pages_under_way(
    tmp_path: Path,
) -> None:
    generator = random.Random(20261124)
    limits = {"turn_pages_max": TURN_PAGES}
    with deployed(tmp_path, limits, RECORDS) as stack:
        stack.control_source("latency", ms=LATENCY_MS)
        job = stack.trigger("FULL")
        for share in (1, 2, 3):
            page = share * PAGES // (KILLS + 1)
            _until_page(stack, job["id"], page)
            time.sleep(generator.uniform(0, 2 * LATENCY_MS / 1_000))
            stack.crash()

        ended = stack.ended(job["id"])

        assert ended["state"] == "succeeded", ended
        assert ended["documents"] == RECORDS
        assert differences(stack.source_records(), stack.glean_documents()) == []
        fetches = len(stack.source_requests())
        assert PAGES <= fetches <= PAGES + KILLS * TURN_PAGES
        assert "never awaited" not in stack.runtime.log.read_text(encoding="utf-8")


def _until_page(stack: Stack, job_id: str, page: int) -> None:
    stack.until(job_id, lambda job: job["pages"] >= page or job["state"] == "failed")
