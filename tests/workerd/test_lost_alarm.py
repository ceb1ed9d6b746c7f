"""Alarms and ticks that the platform lost, on the real runtime."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dev.comparison import differences
from tests.fakes.deployed import deployed


pytestmark = pytest.mark.workerd

RECORDS = 300
STATUSES = 20


def test_a_full_job_whose_ticks_were_lost_is_begun_by_the_next_one_and_once(
    tmp_path: Path,
) -> None:
    with deployed(tmp_path, {}, 20) as stack:
        first = stack.ended(stack.trigger("FULL")["id"])
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        three = tomorrow.replace(hour=3, minute=0, second=0, microsecond=0)

        for hours in range(2):  # that of 02:00 did not come
            at_ms = int((three + timedelta(hours=hours)).timestamp() * 1_000)
            stack.tick("0 * * * *", at_ms)

        jobs = stack.request("GET", "/jobs").json()["jobs"]
        full = [job["id"] for job in jobs if job["mode"] == "FULL"]
        assert len(full) == 2, jobs
        assert full[-1] == first["id"]
        assert {stack.ended(job["id"])["state"] for job in jobs} == {"succeeded"}


def lose_alarms(folder: Path) -> int:
    """Take every alarm from the objects' own files and from the scheduler's."""
    count = 0
    for file in folder.rglob("glean-durable-sync-Runner/*.sqlite"):
        with closing(sqlite3.connect(file)) as connection, connection:
            if file.name == "metadata.sqlite":
                count += connection.execute("DELETE FROM _cf_ALARM").rowcount
            else:
                connection.execute("DELETE FROM _cf_METADATA WHERE key = 1")
    return count


def test_a_job_whose_alarm_was_lost_goes_on_with_the_next_tick_of_cron(tmp_path: Path) -> None:
    with deployed(tmp_path, {"turn_pages_max": 1}, RECORDS) as stack:
        stack.control_source("faults", path=None, skip=1, status=503, retry_after="1")
        job = stack.trigger("FULL")
        waiting = stack.until(job["id"], lambda now: now["last_error"] is not None)
        stack.runtime.kill()
        assert lose_alarms(tmp_path) == 1
        stack.runtime.start()  # takes longer than the wait

        for _ in range(STATUSES):
            assert stack.status(job["id"]) == waiting
        stack.tick("0 3 * * *", 1_795_489_200_000)  # of nobody's schedule
        ended = stack.ended(job["id"])

        assert ended["state"] == "succeeded", ended
        assert ended["pages"] == RECORDS // 100
        assert differences(stack.source_records(), stack.glean_documents()) == []
        log = stack.runtime.log.read_text(encoding="utf-8")
        assert log.count("a lost alarm was set again") == 1
