"""The jobs that the connector's object remembers, looked through: a part of its store."""

from collections.abc import Iterable

from durable.job import Job, State
from durable.rows import Query, decoded, integer, listed


class Archive:
    """Reads the jobs, and changes none.

    Args:
        query: the store's.
    """

    def __init__(self, query: Query) -> None:
        self._query = query

    def jobs(self, before_id: str, states: Iterable[State], count: int) -> list[Job]:
        """So many, the newest first.

        Args:
            before_id: theirs come before this one, in the order of texts.
            states: that are wanted.
            count: at most so many.
        """
        rows = self._query(
            "SELECT body FROM job WHERE id < ? AND state IN (SELECT value FROM json_each(?))"
            "  ORDER BY id DESC LIMIT ?",
            before_id,
            listed(states),
            count,
        )
        return list(decoded(rows, Job))

    def counts(self) -> dict[State, int]:
        """How many there are in each state."""
        rows = self._query("SELECT state, count(*) AS job_count FROM job GROUP BY state")
        found = {str(row["state"]): integer(row["job_count"]) for row in rows}
        return {state: found.get(state.value, 0) for state in State}
