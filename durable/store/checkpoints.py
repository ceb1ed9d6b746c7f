"""What jobs that succeeded leave to those that come after: a part of the connector's store."""

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.machine.job import UPLOADED, Job, Mode, Stage
from durable.machine.ties import Tie
from durable.machine.transitions import uploaded_counts
from durable.machine.watermark import watermark_ms
from durable.store.sql import Query, to_integer


class StoredTies(Struct, frozen=True):
    """The ties that a job left. Persisted: add fields with defaults, never rename."""

    fingerprint: str  # of the connector: by another one, the same record is another document
    ties: tuple[Tie, ...]


class Checkpoints:
    """The watermark, the ties on it, and what the last FULL job has brought.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def watermark_ms(self) -> int | None:
        rows = self._query("SELECT at_ms FROM watermark WHERE name = 'succeeded'")
        return to_integer(rows[0]["at_ms"]) if rows else None

    def full_counts(self) -> dict[Stage, int]:
        """What the last FULL job that succeeded has brought; empty if there was none."""
        rows = self._query("SELECT name, document_count FROM full_count")
        counts = {str(row["name"]): to_integer(row["document_count"]) for row in rows}
        return {stage: counts[stage] for stage in UPLOADED if stage in counts}

    def ties(self, fingerprint: str) -> tuple[Tie, ...]:
        """Those that a connector's last job left, if none has begun since."""
        # Code that knew of none has moved the watermark on.
        rows = self._query(
            "SELECT body FROM tied JOIN watermark USING (name, at_ms) WHERE name = 'succeeded'"
        )
        for row in rows:
            tied = decode(str(row["body"]), StoredTies)
            if tied.fingerprint == fingerprint:
                return tied.ties
        return ()

    def begun(self) -> None:
        """The ties are those of the job that has begun: what Glean has then, it alone can tell."""
        self._query("DELETE FROM tied")

    def add(self, job: Job) -> None:
        """Remember a job that has just succeeded."""
        at_ms, before_ms = watermark_ms(job), self.watermark_ms()
        assert at_ms is not None, "a job that succeeded was started"
        if job.mode is Mode.FULL:
            for stage, count in uploaded_counts(job).items():
                self._query(
                    "INSERT OR REPLACE INTO full_count (name, document_count) VALUES (?, ?)",
                    stage.value,
                    count,
                )
        elif before_ms is not None:
            # An old job that was retried does not take back what later ones have read. But a
            # FULL one does: its close takes back what they have written.
            at_ms = max(at_ms, before_ms)
        self._query("INSERT OR REPLACE INTO watermark (name, at_ms) VALUES ('succeeded', ?)", at_ms)
        if job.ties:
            body = msgspec.json.encode(StoredTies(job.fingerprint, job.ties)).decode()
            self._query(
                "INSERT OR REPLACE INTO tied (name, at_ms, body) VALUES ('succeeded', ?, ?)",
                at_ms,
                body,
            )
