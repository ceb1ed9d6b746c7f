"""What a job does next, and nothing about how.

Pure: no storage, no clock, no network, no `await`. The processor performs the
effects and reports each answer, failures too, as the next event. After a crash
it goes on from the last saved `Job`, so an effect may be performed twice.
"""

from msgspec import Struct
from msgspec.structs import replace

from durable.job import ENDED, WORKING, Flight, Job, Limits, Mode, Page, State, Usage


ALARM_MS_MIN = 50  # the platform may lose an alarm that is set for this very moment


class Open(Struct, frozen=True):
    """Open a bulk upload, discarding any that an earlier job left open."""

    upload_id: str


class Fetch(Struct, frozen=True):
    """Read the page at `cursor` and keep its batches in memory under `page_index`."""

    page_index: int
    cursor: str | None
    since_ms: int | None  # None: all records
    upload_id: str  # the bulk upload that the batches are pages of; empty for none


class Send(Struct, frozen=True):
    """Send one batch of a page held in memory."""

    page_index: int
    batch_index: int


class Close(Struct, frozen=True):
    """Close the upload. Not repeatable: `ask_first` if an earlier try may have closed it."""

    upload_id: str
    ask_first: bool


class Woke(Struct, frozen=True):
    """The alarm fired: a turn begins."""

    watermark_ms: int | None  # the start of the connector's last job that succeeded


class Opened(Struct, frozen=True):
    pass


class Fetched(Struct, frozen=True):
    page_index: int
    page: Page


class Sent(Struct, frozen=True):
    page_index: int
    batch_index: int


class Closed(Struct, frozen=True):
    pass


class Failed(Struct, frozen=True):
    """What was asked for did not come about, or its answer was lost."""

    reason: str
    is_transient: bool  # trying again may help
    retry_after_ms: int = 0  # asked for by the other side


Effect = Open | Fetch | Send | Close
Event = Woke | Opened | Fetched | Sent | Closed | Failed
Step = tuple[Job, tuple[Effect, ...]]


def step(  # noqa: PLR0911 - a return for each arrow of the diagram
    job: Job, event: Event, now_ms: int, limits: Limits
) -> Step:
    """The next state, and what to begin now; the turn is over when nothing is under way.

    Raises:
        AssertionError: the event cannot happen in this state, which is our bug.
    """
    if job.state in ENDED:
        return job, ()  # a late answer finds a job that somebody ended
    match job.state, event:
        case _, Woke(watermark_ms):
            return _wake(job, watermark_ms, now_ms, limits)
        case _, Failed() if job.state in WORKING:
            return _fail(job, event, now_ms, limits)
        case State.OPENING, Opened():
            return _begin(_progress(replace(job, state=State.SENDING), now_ms), now_ms, limits)
        case State.SENDING, Fetched(page_index, page) if page_index == _page_index_next(job):
            job = replace(job, flights=(*job.flights, Flight(page)))
            return _land(job, now_ms, limits)
        case State.SENDING, Sent(page_index, batch_index) if (
            job.flights
            and page_index == job.page_count
            and batch_index == job.flights[0].sent_count
        ):
            head, *others = job.flights
            head = replace(head, sent_count=head.sent_count + 1)
            return _land(replace(job, flights=(head, *others)), now_ms, limits)
        case State.CLOSING, Closed():
            return _end(_progress(job, now_ms), State.SUCCEEDED, now_ms), ()
    raise AssertionError(f"{event} while {job.state} at page {job.page_count}")


def watermark_ms(job: Job) -> int | None:
    """Where the next INCREMENTAL job reads from once this job has succeeded, else None.

    It is this job's start, not its end: what changed while it ran is read again.
    """
    return job.started_at_ms if job.state is State.SUCCEEDED else None


def _wake(job: Job, watermark_ms: int | None, now_ms: int, limits: Limits) -> Step:
    if job.retry_at_ms is not None and now_ms < job.retry_at_ms:
        return replace(job, alarm_at_ms=_soon(job.retry_at_ms, now_ms)), ()  # alarms fire early too
    if job.turn is not None:
        job = replace(job, death_count=job.death_count + 1)
        if job.death_count >= limits.deaths_max:
            reason = (
                f"the Worker was killed {job.death_count} times while {job.state} at page "
                f"{job.page_count + 1}, most likely by its memory or CPU limit: have the source "
                "send smaller pages; if the Worker's log shows an error, it is a bug"
            )
            return _end(replace(job, error=reason), State.FAILED, now_ms), ()
    if job.state is State.QUEUED:
        is_full = job.mode is Mode.FULL
        job = replace(
            job,
            state=State.OPENING if is_full else State.SENDING,
            started_at_ms=now_ms,
            since_ms=None if is_full else watermark_ms,
            progress_at_ms=now_ms,
        )
    job = replace(
        job,
        turn=Usage(started_at_ms=now_ms),
        turn_count=job.turn_count + 1,
        flights=(),  # they were in the memory of an earlier turn
        retry_at_ms=None,
        alarm_at_ms=None,
    )
    return _begin(job, now_ms, limits)


def _begin(job: Job, now_ms: int, limits: Limits) -> Step:
    """Start on the next page, or on opening or closing, as a new attempt."""
    job = _leased(replace(job, attempt=job.attempt + 1), now_ms, limits)
    match job.state:
        case State.OPENING:
            # A late request of an earlier try must not be taken for this upload's opening.
            upload_count = job.upload_count + 1
            upload_id = f"{job.id}-{upload_count}"
            return replace(job, upload_id=upload_id, upload_count=upload_count), (Open(upload_id),)
        case State.SENDING:
            return job, (Fetch(_page_index_next(job), job.cursor, job.since_ms, job.upload_id),)
        case _:
            return job, (Close(job.upload_id, ask_first=job.attempt > 1),)


def _land(job: Job, now_ms: int, limits: Limits) -> Step:
    """Send what is left of the oldest page, or move the cursor past it."""
    head = job.flights[0]
    if head.sent_count < head.page.batch_count:
        return _leased(job, now_ms, limits), (Send(job.page_count, head.sent_count),)
    page, turn = head.page, job.turn
    assert turn is not None, "pages land within a turn"
    turn = replace(
        turn, page_count=turn.page_count + 1, byte_count=turn.byte_count + page.byte_count
    )
    job = replace(
        _progress(job, now_ms),
        flights=job.flights[1:],
        cursor=page.next_cursor,
        page_count=job.page_count + 1,
        document_count=job.document_count + page.document_count,
        deletion_count=job.deletion_count + page.deletion_count,
        byte_count=job.byte_count + page.byte_count,
        turn=turn,
    )
    if page.next_cursor is None and job.mode is Mode.INCREMENTAL:
        return _end(job, State.SUCCEEDED, now_ms), ()
    if page.next_cursor is None:
        job = replace(job, state=State.CLOSING)
    if _is_spent(turn, now_ms, limits):
        return replace(job, turn=None, alarm_at_ms=_soon(now_ms, now_ms)), ()
    return _begin(job, now_ms, limits)


def _fail(job: Job, failure: Failed, now_ms: int, limits: Limits) -> Step:
    job = replace(job, error=failure.reason, flights=(), turn=None)
    if not failure.is_transient:
        return _end(job, State.FAILED, now_ms), ()
    if now_ms - job.progress_at_ms >= limits.stall_ms_max:
        reason = f"no progress for {limits.stall_ms_max // 1_000} s; the last error: {job.error}"
        return _end(replace(job, error=reason), State.FAILED, now_ms), ()
    doublings = min(job.attempt - 1, limits.backoff_ms_max.bit_length())
    backoff_ms = min(limits.backoff_ms_min << doublings, limits.backoff_ms_max)
    wait_ms = max(backoff_ms, min(failure.retry_after_ms, limits.stall_ms_max))
    retry_at_ms = _soon(now_ms + wait_ms, now_ms)
    return replace(job, retry_at_ms=retry_at_ms, alarm_at_ms=retry_at_ms), ()


def _end(job: Job, state: State, now_ms: int) -> Job:
    return replace(
        job, state=state, finished_at_ms=now_ms, turn=None, retry_at_ms=None, alarm_at_ms=None
    )


def _progress(job: Job, now_ms: int) -> Job:
    return replace(job, attempt=0, death_count=0, progress_at_ms=now_ms, error="")


def _leased(job: Job, now_ms: int, limits: Limits) -> Job:
    """Renew the lease when half of it is gone: each renewal costs a row written."""
    if job.alarm_at_ms is not None and job.alarm_at_ms - now_ms >= limits.lease_ms // 2:
        return job
    return replace(job, alarm_at_ms=_soon(now_ms + limits.lease_ms, now_ms))


def _is_spent(turn: Usage, now_ms: int, limits: Limits) -> bool:
    return (
        turn.page_count >= limits.turn_pages_max
        or turn.byte_count >= limits.turn_bytes_max
        or now_ms - turn.started_at_ms >= limits.turn_ms_max
    )


def _page_index_next(job: Job) -> int:
    return job.page_count + len(job.flights)


def _soon(at_ms: int, now_ms: int) -> int:
    return max(at_ms, now_ms + ALARM_MS_MIN)
