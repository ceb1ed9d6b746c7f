"""Jobs and pages in the middle of their lives, and the machine that carries them on."""

from collections.abc import Callable, Iterator, Sequence
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import (
    ApplyPacks,
    Close,
    Closed,
    CloseWithDocument,
    CountDocuments,
    DocumentsCounted,
    Effect,
    Event,
    Fetch,
    Fetched,
    GoneListed,
    ListGone,
    Open,
    Opened,
    Pack,
    Packed,
    PacksApplied,
    QueryUpload,
    Send,
    Sent,
    UploadQueried,
    Woke,
)
from durable.machine.gone import Gone
from durable.machine.job import Job, Mode, TurnUsage, UploadStatus
from durable.machine.machine import step
from durable.machine.pages import Page
from durable.machine.states import PENDING, WORKING, State
from durable.machine.waiting import Step


NOW_MS = 1_000_000_000
LIMITS = Limits()
WOKE = Woke()
NOTHING_GONE = GoneListed(Gone(is_whole=True))
APPLIED = PacksApplied(None)
MOMENTS_MAX = 1_000  # of a whole life


def alter(job: Job, **changes: object) -> Job:
    """The job with other values, each where it belongs: in the job, its upload, crawl or pacing."""
    parts: dict[str, dict[str, object]] = {"upload": {}, "crawl": {}, "pacing": {}}
    own: dict[str, object] = {}
    for name, value in changes.items():
        field = "id" if name == "upload_id" else name
        owner = next(
            (one for one in parts if name != "id" and hasattr(getattr(job, one), field)), None
        )
        (own if owner is None else parts[owner])[field] = value
    altered = {one: replace(getattr(job, one), **inner) for one, inner in parts.items() if inner}
    return replace(job, **own, **altered)


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


def arrived(page_index: int, page: Page) -> tuple[Fetched, Packed]:
    """The page is read, and then cut into its batches."""
    counts = page.batch_count, page.document_count, page.deletion_count, page.reject_count
    read = replace(page, batch_count=0, document_count=0, deletion_count=0, reject_count=0)
    return Fetched(page_index, read), Packed(page_index, *counts)


def a_job(state: State, mode: Mode = Mode.FULL) -> Job:
    """In the middle of a turn, at its first attempt; or as it is where it has no turns.

    One that sends has nothing to send yet, and reads its next page.
    """
    job = Job(id="job", connector="connector", mode=mode, created_at_ms=NOW_MS, state=state)
    if state is State.QUEUED:
        return job
    job = alter(
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
    return alter(
        job,
        turn=TurnUsage(started_at_ms=NOW_MS),
        is_fetching=state is State.SENDING,
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


class Moment(Struct, frozen=True):
    """A job after one more event."""

    job: Job
    asked: tuple[Effect, ...]  # all that it asked for so far, in order
    under_way: tuple[Effect, ...]  # of these, what is not answered yet


def moments(
    job: Job,
    pages: Sequence[Page],
    limits: Limits = LIMITS,
    woke: Woke = WOKE,
    pick: Callable[[int], int] = lambda _count: 0,
) -> Iterator[Moment]:
    """The job's life where all goes well.

    Args:
        job: in any state.
        pages: of the source.
        limits: that it works within.
        woke: begins each of its turns.
        pick: of so many that are under way, which one is answered next; by default the first.
    """
    asked: list[Effect] = []
    under_way: list[Effect] = []
    closed, count = set[str](), 0
    while job.state in PENDING:
        event: Event = woke
        while True:
            job, effects = at(job, event, limits=limits)
            asked += effects
            under_way += effects
            count += 1
            assert count < MOMENTS_MAX, "it does not come to an end"
            yield Moment(job, tuple(asked), tuple(under_way))
            if not under_way:
                break
            effect = under_way.pop(pick(len(under_way)))
            if isinstance(effect, Close | CloseWithDocument):
                closed.add(effect.upload_id)
            is_closed = isinstance(effect, QueryUpload) and effect.upload_id in closed
            event = answer(effect, pages, UploadStatus.CLOSED if is_closed else UploadStatus.OPEN)
        assert job.turn is None, "nothing is under way, and the turn is not over"


def answer(  # noqa: PLR0911 - a return for each effect
    effect: Effect, pages: Sequence[Page], standing: UploadStatus = UploadStatus.OPEN
) -> Event:
    """That all has gone well."""
    match effect:
        case Open():
            return Opened()
        case Fetch(page_index):
            return arrived(page_index, pages[page_index])[0]
        case Pack(page_index):
            return arrived(page_index, pages[page_index])[1]
        case Send(page_index, batch_index):
            return Sent(page_index, batch_index)
        case CountDocuments():
            return DocumentsCounted({})
        case QueryUpload():
            return UploadQueried(standing)
        case Close() | CloseWithDocument():
            return Closed()
        case ListGone():
            return NOTHING_GONE
        case ApplyPacks():
            return APPLIED
        case _:
            assert_never(effect)


def played(
    job: Job, pages: Sequence[Page], limits: Limits = LIMITS, woke: Woke = WOKE
) -> tuple[Job, list[Effect]]:
    """The job after all has gone well, one after the other, and what it asked for."""
    *_, last = moments(job, pages, limits, woke)
    return last.job, list(last.asked)
