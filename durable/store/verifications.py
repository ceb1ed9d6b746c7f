"""What the connector's object remembers of its verifications: a part of its store."""

from durable.machine.deletion_watch import DeletionWatch
from durable.machine.mismatch import Remembered
from durable.machine.verification import Verification
from durable.store.sql import Query, decode_rows, encode, read_summary, to_integer, write_summary


class Verifications:
    """At most one for each job that is remembered, and the calls that Glean takes seldom.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def load(self, job_id: str) -> Verification | None:
        rows = self._query("SELECT body FROM verification WHERE job_id = ?", job_id)
        return next(decode_rows(rows, Verification), None)

    def due(self) -> Verification | None:
        """The one of which there is still something to do."""
        rows = self._query("SELECT body FROM verification WHERE is_due ORDER BY job_id DESC")
        return next(decode_rows(rows, Verification), None)

    def put(self, verification: Verification) -> None:
        self._query(
            "INSERT OR REPLACE INTO verification (job_id, is_due, body) VALUES (?, ?, ?)",
            verification.job_id,
            int(verification.due_at_ms is not None),
            encode(verification),
        )

    def remembered(self) -> Remembered:
        return read_summary(self._query, "verifications", Remembered)

    def remember(self, remembered: Remembered) -> None:
        if remembered != self.remembered():
            write_summary(self._query, "verifications", remembered)

    def prune(self) -> None:
        """Forget those whose jobs are forgotten, also by code that knew of none."""
        self._query("DELETE FROM verification WHERE job_id NOT IN (SELECT id FROM job)")

    def called_at_ms(self, datasource: str) -> int | None:
        """When Glean was asked last, as far as known, to process all of its documents."""
        rows = self._query(
            "SELECT called_at_ms AS at_ms FROM processing WHERE datasource = ?", datasource
        )
        at_ms = rows[0]["at_ms"] if rows else None
        return None if at_ms is None else to_integer(at_ms)

    def called(self, datasource: str, at_ms: int | None) -> None:
        """Remember it; None: it was not asked after all, and not before."""
        self._query(
            "INSERT OR REPLACE INTO processing (datasource, called_at_ms) VALUES (?, ?)",
            datasource,
            at_ms,
        )

    def watch(self) -> DeletionWatch:
        """The latest uploads, and whether Glean deletes what was not in them."""
        return read_summary(self._query, "deletions", DeletionWatch)

    def put_watch(self, watch: DeletionWatch) -> None:
        write_summary(self._query, "deletions", watch)

    def watch_at_ms(self) -> int | None:
        """When it is to be asked about; not while a verification asks the very same."""
        due = self.due()
        is_asked = due is not None and due.ask_at_ms is not None
        return None if is_asked else self.watch().ask_at_ms
