"""An alarm that the platform lost, on the real runtime: taken out of its files while it is down."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dev.comparison import differences
from dev.stack import Stack


pytestmark = pytest.mark.workerd

RECORDS = 300
STATUSES = 20


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
    with Stack(tmp_path, {"turn_pages_max": 1}, ("--limit-records", str(RECORDS))) as stack:
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
