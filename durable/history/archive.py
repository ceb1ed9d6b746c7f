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
        query = (
            "SELECT id, body FROM job WHERE id < ? AND state IN (SELECT value FROM json_each(?))"
            "  ORDER BY id DESC LIMIT ?"
        )
        found: list[Job] = []
        wanted, is_more = listed(states), True
        while is_more and len(found) < count:
            rows = self._query(query, before_id, wanted, count)
            # Those of newer code that are not understood here, end no list.
            found += decoded(rows, Job)
            is_more = len(rows) == count
            before_id = str(rows[-1]["id"]) if rows else before_id
        return found[:count]

    def counts(self) -> dict[State, int]:
        """How many there are in each state."""
        rows = self._query("SELECT state, count(*) AS job_count FROM job GROUP BY state")
        found = {str(row["state"]): integer(row["job_count"]) for row in rows}
        return {state: found.get(state.value, 0) for state in State}
