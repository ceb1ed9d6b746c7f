"""What jobs that succeeded leave to those that come after: a part of the connector's store."""

from durable.machine.job import Job, Mode
from durable.machine.watermark import watermark_ms
from durable.store.sql import Query, to_integer


class Checkpoints:
    """The watermark.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def watermark_ms(self) -> int | None:
        rows = self._query("SELECT at_ms FROM watermark WHERE name = 'succeeded'")
        return to_integer(rows[0]["at_ms"]) if rows else None

    def add(self, job: Job) -> None:
        """Remember a job that has just succeeded."""
        at_ms, before_ms = watermark_ms(job), self.watermark_ms()
        assert at_ms is not None, "a job that succeeded was started"
        if job.mode is not Mode.FULL and before_ms is not None:
            # An old job that was retried does not take back what later ones have read. But a
            # FULL one does: its close takes back what they have written.
            at_ms = max(at_ms, before_ms)
        self._query("INSERT OR REPLACE INTO watermark (name, at_ms) VALUES ('succeeded', ?)", at_ms)
