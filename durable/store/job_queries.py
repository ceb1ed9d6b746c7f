"""The jobs that the connector's object remembers, and its ticks: a part of its store."""

from collections.abc import Iterable

from durable import cron
from durable.machine.job import Job, Mode
from durable.machine.states import ENDED, PENDING, State
from durable.machine.ticks import Ticks
from durable.store.sql import (
    Query,
    decode_rows,
    encode_states,
    read_summary,
    to_integer,
    write_summary,
)


class JobQueries:
    """Reads the jobs, and changes none; keeps account of cron's ticks.

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
        wanted, is_more = encode_states(states), True
        while is_more and len(found) < count:
            rows = self._query(query, before_id, wanted, count)
            # Those of newer code that are not understood here, end no list.
            found += decode_rows(rows, Job)
            is_more = len(rows) == count
            before_id = str(rows[-1]["id"]) if rows else before_id
        return found[:count]

    def last_end(self, mode: Mode) -> Job | None:
        """The job of this mode that has ended last; repeats of what was rejected are none."""
        rows = self._query(
            "SELECT body FROM job WHERE state IN (SELECT value FROM json_each(?))"
            "  AND json_extract(body, '$.mode') = ?"
            "  AND coalesce(json_extract(body, '$.repeats'), '') = ''"
            "  ORDER BY json_extract(body, '$.finished_at_ms') DESC LIMIT 1",
            encode_states(ENDED),
            mode.value,
        )
        return next(decode_rows(rows, Job), None)

    def worked_at_ms(self, mode: Mode, now_ms: int) -> int | None:
        """When a job of the mode was asked for last, or at work; None: there is none."""
        rows = self._query(
            "SELECT max(CASE WHEN state IN (SELECT value FROM json_each(?)) THEN ? ELSE"
            "    max(json_extract(body, '$.created_at_ms'),"
            "      coalesce(json_extract(body, '$.finished_at_ms'), 0)) END) AS at_ms"
            "  FROM job WHERE json_extract(body, '$.mode') = ?"
            "  AND coalesce(json_extract(body, '$.repeats'), '') = ''",
            encode_states(PENDING),
            now_ms,
            mode.value,
        )
        at_ms = rows[0]["at_ms"]
        return None if at_ms is None else to_integer(at_ms)

    def ticks(self) -> Ticks:
        """What the connector has had of cron."""
        return read_summary(self._query, "ticks", Ticks)

    def put_ticks(self, ticks: Ticks) -> None:
        write_summary(self._query, "ticks", ticks)

    def ticked_at_ms(self) -> int | None:
        """The last minute for which cron has asked for a job; None: it has not yet."""
        end = chr(ord(cron.KEY[-1]) + 1)
        rows = self._query(
            "SELECT max(key) AS key FROM trigger_key WHERE key >= ? AND key < ?",
            cron.KEY,
            cron.KEY[:-1] + end,
        )
        key = rows[0]["key"]
        return None if key is None else cron.key_ms(str(key))

    def counts(self) -> dict[State, int]:
        """How many there are in each state."""
        rows = self._query("SELECT state, count(*) AS job_count FROM job GROUP BY state")
        found = {str(row["state"]): to_integer(row["job_count"]) for row in rows}
        return {state: found.get(state.value, 0) for state in State}
