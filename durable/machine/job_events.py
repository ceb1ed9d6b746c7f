"""What happens to a job, found by comparing it with what it was before. Pure."""

from collections.abc import Iterator

from msgspec import Struct

from durable.machine.job import Job, Usage
from durable.machine.notes import Kind, Note


class Transition(Struct, frozen=True):
    """A job before and after something happened to it."""

    before: Job
    after: Job
    at_ms: int


class Worked(Struct, frozen=True):
    """What a turn has done."""

    page_count: int
    document_count: int
    deletion_count: int
    reject_count: int
    byte_count: int
    duration_ms: int | None  # None: it was killed, nobody knows when


class Happening(Struct, frozen=True, omit_defaults=True):
    """One thing that happened. Persisted: add fields with defaults, never rename."""

    at_ms: int
    kind: str  # a `Kind`
    text: str
    cause: str = ""  # of a retry
    worked: Worked | None = None  # of a turn


def happened(before: Job | None, after: Job, now_ms: int) -> list[Happening]:
    """All that happened between two states of a job, in order.

    Args:
        before: as it was saved last; None: the job is new.
        after: as it is to be saved.
        now_ms: the time.
    """
    if before is None:
        by = f" by {after.begun_by}" if after.begun_by else ""
        return [Happening(now_ms, Kind.QUEUED.value, f"{after.mode} job queued{by}")]
    return [*_turn(before, after, now_ms), *(noted(note) for note in fresh(before.notes, after))]


def fresh(known: tuple[Note, ...], after: Job) -> list[Note]:
    """The notes that were not there before."""
    return [note for note in after.notes if note not in known]


def ended_turn(before: Job, after: Job, now_ms: int) -> Worked | None:
    """The turn that has ended between the two, if one has."""
    if before.turn is None:
        return None
    is_replaced = after.turn is not None and after.turn_count != before.turn_count
    is_killed = is_replaced or after.death_count > before.death_count
    if after.turn is not None and not is_replaced:
        return None
    usage: Usage | None = before.turn if is_killed else after.ended_turn
    assert usage is not None, "a turn that has ended was one"
    return Worked(
        usage.page_count,
        usage.document_count,
        usage.deletion_count,
        usage.reject_count,
        usage.byte_count,
        None if is_killed else now_ms - usage.started_at_ms,
    )


def _turn(before: Job, after: Job, now_ms: int) -> Iterator[Happening]:
    worked = ended_turn(before, after, now_ms)
    if worked is None or not worked.page_count:
        return  # what it met with, is noted
    pages = "1 page" if worked.page_count == 1 else f"{worked.page_count:,} pages"
    text = f"turn {before.turn_count} brought {pages} of {before.stage}"
    yield Happening(now_ms, Kind.TURN.value, text, worked=worked)


def noted(note: Note) -> Happening:
    """What a note tells."""
    return Happening(note.at_ms, note.kind, note.text, note.cause)
