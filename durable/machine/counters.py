"""What a connector's jobs have done, all of them together, as counters that only grow. Pure."""

from bisect import bisect_left
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from durable.machine.job import Job, Mode
from durable.machine.job_events import TurnStats, ended_turn, new_notes
from durable.machine.notes import EventKind
from durable.machine.states import ENDED, State


# Upper bounds of the classes of a turn's duration, in milliseconds. Counts are stored in this
# order: never change it.
TURN_MS = (100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000)


class Counters(Struct, frozen=True, kw_only=True):
    """Since the connector's object was made. Persisted: add fields with defaults, never rename."""

    begun_at_ms: int | None = None  # when counting began
    page_count: int = 0
    document_count: int = 0
    deletion_count: int = 0
    reject_count: int = 0
    byte_count: int = 0
    turn_count: int = 0
    turn_ms: int = 0  # of those that were not killed, all together
    turn_counts: tuple[int, ...] = ()  # of these, by the class of their duration
    death_count: int = 0
    retry_counts: Mapping[str, int] = {}  # by who it was and what was wrong
    ended_counts: Mapping[str, int] = {}  # jobs, as in "FULL succeeded"
    succeeded_at_ms: int | None = None  # the end of the latest job that has
    full_succeeded_at_ms: int | None = None  # the end of the latest FULL one that has
    full_ms: int | None = None  # that the latest FULL job took which has succeeded


def count(tally: Counters, before: Job, after: Job, now_ms: int) -> Counters:
    """The tally with what happened between two states of a job."""
    if tally.begun_at_ms is None:
        tally = replace(tally, begun_at_ms=before.created_at_ms)
    if (worked := ended_turn(before, after, now_ms)) is not None:
        tally = _with_turn(tally, worked)
    retries = dict(tally.retry_counts)
    for note in new_notes(before.notes, after):
        if note.kind == EventKind.RETRY.value:
            retries[note.cause] = retries.get(note.cause, 0) + 1
    if retries != tally.retry_counts:
        tally = replace(tally, retry_counts=retries)
    if after.state in ENDED and before.state not in ENDED:
        tally = _with_end(tally, after)
    return tally


def _with_turn(tally: Counters, worked: TurnStats) -> Counters:
    is_killed = worked.duration_ms is None
    counts = [*tally.turn_counts, *[0] * (len(TURN_MS) + 1 - len(tally.turn_counts))]
    if worked.duration_ms is not None:
        counts[bisect_left(TURN_MS, worked.duration_ms)] += 1
    return replace(
        tally,
        page_count=tally.page_count + worked.page_count,
        document_count=tally.document_count + worked.document_count,
        deletion_count=tally.deletion_count + worked.deletion_count,
        reject_count=tally.reject_count + worked.reject_count,
        byte_count=tally.byte_count + worked.byte_count,
        turn_count=tally.turn_count + 1,
        turn_ms=tally.turn_ms + (worked.duration_ms or 0),
        turn_counts=tuple(counts),
        death_count=tally.death_count + is_killed,
    )


def _with_end(tally: Counters, job: Job) -> Counters:
    name = f"{job.mode} {job.state}"
    tally = replace(
        tally, ended_counts={**tally.ended_counts, name: tally.ended_counts.get(name, 0) + 1}
    )
    if job.state is not State.SUCCEEDED or job.repeats:
        return tally
    tally = replace(tally, succeeded_at_ms=job.finished_at_ms)
    if job.mode is not Mode.FULL:
        return tally
    assert job.started_at_ms is not None, "a job that succeeded was started"
    assert job.finished_at_ms is not None, "a job that succeeded is finished"
    return replace(
        tally,
        full_succeeded_at_ms=job.finished_at_ms,
        full_ms=job.finished_at_ms - job.started_at_ms,
    )
