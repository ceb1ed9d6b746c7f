"""Jobs and pages in the middle of their lives, and the machine that carries them on."""

from collections.abc import Sequence

from msgspec.structs import replace

from durable.events import (
    Ask,
    Asked,
    Close,
    Closed,
    CloseWithDocument,
    Effect,
    Event,
    Fetch,
    Fetched,
    Open,
    Opened,
    Send,
    Sent,
    Woke,
)
from durable.job import PENDING, WORKING, Job, Limits, Mode, Page, Standing, State, Usage
from durable.machine import Step, step


NOW_MS = 1_000_000_000
LIMITS = Limits()
WOKE = Woke()


def a_page(
    next_cursor: str | None = "next",
    batch_count: int = 1,
    byte_count: int = 10,
    reject_count: int = 0,
    total_count: int | None = None,
) -> Page:
    """Three documents and two deletions for each of its batches."""
    return Page(
        next_cursor=next_cursor,
        batch_count=batch_count,
        document_count=3 * batch_count,
        deletion_count=2 * batch_count,
        byte_count=byte_count,
        record_count=5 * batch_count + reject_count,
        reject_count=reject_count,
        total_count=total_count,
    )


def a_job(state: State, mode: Mode = Mode.FULL) -> Job:
    """In the middle of a turn, at its first attempt; or as it is where it has no turns."""
    job = Job(id="job", connector="connector", mode=mode, created_at_ms=NOW_MS, state=state)
    if state is State.QUEUED:
        return job
    job = replace(
        job,
        started_at_ms=NOW_MS,
        upload_id="job-1" if mode is Mode.FULL else "",
        upload_count=1 if mode is Mode.FULL else 0,
        crawl_count=1,
        turn_count=1,
        progress_at_ms=NOW_MS,
        has_end=state in {State.CLOSING, State.HELD, State.SUCCEEDED},
    )
    if state not in WORKING:
        return replace(job, finished_at_ms=None if state is State.HELD else NOW_MS)
    return replace(
        job,
        turn=Usage(started_at_ms=NOW_MS),
        attempt=1,
        alarm_at_ms=NOW_MS + LIMITS.lease_ms,
    )


def at(job: Job, event: Event, now_ms: int = NOW_MS, limits: Limits = LIMITS) -> Step:
    return step(job, event, now_ms, limits)


def after(job: Job, *events: Event, now_ms: int = NOW_MS, limits: Limits = LIMITS) -> Job:
    """The job after all of these, whatever it asks for."""
    for event in events:
        job, _ = step(job, event, now_ms, limits)
    return job


def played(
    job: Job, pages: Sequence[Page], limits: Limits = LIMITS, woke: Woke = WOKE
) -> tuple[Job, list[Effect]]:
    """The job after all has gone well, and what it asked for."""
    asked: list[Effect] = []
    standing = Standing.OPEN
    while job.state in PENDING:
        job, effects = at(job, woke, limits=limits)
        while effects:
            (effect,) = effects
            asked.append(effect)
            match effect:
                case Open():
                    event: Event = Opened()
                case Fetch(page_index):
                    event = Fetched(page_index, pages[page_index])
                case Send(page_index, batch_index):
                    event = Sent(page_index, batch_index)
                case Ask():
                    event = Asked(standing)
                case Close() | CloseWithDocument():
                    standing = Standing.CLOSED
                    event = Closed()
            job, effects = at(job, event, limits=limits)
    return job, asked
