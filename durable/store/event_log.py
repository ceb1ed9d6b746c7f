"""What the connector's object remembers of what has happened: a part of its store."""

from msgspec import Struct

from durable.decoding import decode
from durable.limits import Limits
from durable.machine.counters import Counters, count
from durable.machine.job import Job
from durable.machine.job_events import JobEvent, Transition, diff
from durable.store.sql import Query, encode, read_summary, to_integer, write_summary


FIRST_KEPT = 20  # of a job's events: how it began


class Event(Struct, frozen=True):
    """A happening with its number: those of a job are counted from 1."""

    number: int
    happening: JobEvent


class EventLog:
    """The events of each job, and the tally of all jobs.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self._transitions: list[Transition] = []

    def record(self, before: Job | None, after: Job, now_ms: int, limits: Limits) -> None:
        """Remember what happened to a job between two of its states. Most steps are no news."""
        if before is not None and _is_alike(before, after):
            return
        for happening in diff(before, after, now_ms):
            self.add(after.id, happening, limits)
        if before is None:
            return
        self._transitions.append(Transition(before, after, now_ms))
        known = self.tally()
        if (tally := count(known, before, after, now_ms)) != known:
            write_summary(self._query, "tally", tally)

    def add(self, job_id: str, happening: JobEvent, limits: Limits) -> None:
        """Of very many, the first ones and the latest are kept."""
        number = self.count(job_id) + 1
        query = "INSERT INTO event (job_id, number, body) VALUES (?, ?, ?)"
        self._query(query, job_id, number, encode(happening))
        if number <= limits.events_kept_max:
            return
        first = min(FIRST_KEPT, limits.events_kept_max - 1)
        last = number - limits.events_kept_max + first
        query = "DELETE FROM event WHERE job_id = ? AND number > ? AND number <= ?"
        self._query(query, job_id, first, last)

    def count(self, job_id: str) -> int:
        """All that there were."""
        rows = self._query("SELECT max(number) AS number FROM event WHERE job_id = ?", job_id)
        return to_integer(rows[0]["number"] or 0)

    def events(self, job_id: str, after: int, count: int) -> list[Event]:
        """So many of a job, in order, that come after a number."""
        rows = self._query(
            "SELECT number, body FROM event WHERE job_id = ? AND number > ?"
            "  ORDER BY number LIMIT ?",
            job_id,
            after,
            count,
        )
        return [
            Event(to_integer(row["number"]), decode(str(row["body"]), JobEvent)) for row in rows
        ]

    def taken(self) -> list[Transition]:
        """What was recorded since this was asked last. They are not stored: a kill loses them."""
        taken, self._transitions = self._transitions, []
        return taken

    def forget(self, job_id: str) -> None:
        self._query("DELETE FROM event WHERE job_id = ?", job_id)

    def tally(self) -> Counters:
        return read_summary(self._query, "tally", Counters)


def _is_alike(before: Job, after: Job) -> bool:
    """Whether no turn has ended and nothing was noted, as it is with each change of the state."""
    return (
        before.notes == after.notes
        and before.turn_count == after.turn_count
        and (before.turn is None) is (after.turn is None)
    )
