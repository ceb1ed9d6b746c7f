"""What jobs that succeeded leave to those that come after: a part of the connector's store."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from durable.limits import Limits
from durable.machine.job import Job, Mode
from durable.machine.open_rejects import OpenRejects, accept, rejected_names, settle_rejects
from durable.machine.watermark import watermark_ms
from durable.store.sql import Query, read_summary, to_integer, write_summary


REJECTS = "open rejects"
REJECTED = """
SELECT json_extract(body, '$.stage') AS stage, json_extract(body, '$.key') AS key
FROM reject WHERE job_id = ?
"""


class Checkpoints:
    """The watermark, and the rejects that INCREMENTAL jobs try again.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self._rejects: OpenRejects | None = None

    def watermark_ms(self) -> int | None:
        rows = self._query("SELECT at_ms FROM watermark WHERE name = 'succeeded'")
        return to_integer(rows[0]["at_ms"]) if rows else None

    def rejects(self) -> OpenRejects:
        if self._rejects is None:
            self._rejects = read_summary(self._query, REJECTS, OpenRejects)
        return self._rejects

    def accept(self, stage: str, names: AbstractSet[str]) -> None:
        """These have come, that were tried no more."""
        self._put_rejects(accept(self.rejects(), stage, names))

    def add(self, job: Job, limits: Limits) -> None:
        """Remember a job that has just succeeded."""
        at_ms, before_ms = watermark_ms(job), self.watermark_ms()
        rejected = rejected_names(job, self._rejected_by(job))
        self._put_rejects(settle_rejects(self.rejects(), job, rejected, before_ms, limits))
        assert at_ms is not None, "a job that succeeded was started"
        if job.mode is not Mode.FULL and before_ms is not None:
            # An old job that was retried does not take back what later ones have read. But a
            # FULL one does: its close takes back what they have written.
            at_ms = max(at_ms, before_ms)
        self._query("INSERT OR REPLACE INTO watermark (name, at_ms) VALUES ('succeeded', ?)", at_ms)

    def _rejected_by(self, job: Job) -> Iterator[tuple[str, str]]:
        """Of a job's rejects, the stage and the key, whatever else newer code has written."""
        for row in self._query(REJECTED, job.id):
            yield str(row["stage"]), str(row["key"])

    def _put_rejects(self, rejects: OpenRejects) -> None:
        if rejects != self.rejects():
            self._rejects = rejects
            write_summary(self._query, REJECTS, rejects)
