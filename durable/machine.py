"""What a job does next, and nothing about how.

Pure: no storage, no clock, no network, no `await`. The turn performs the
effects and reports each answer, failures too, as the next event. After a crash
it goes on from the last saved `Job`, so an effect may be performed twice.
"""

from msgspec.structs import replace

from durable.closing import closing, gone_reason, is_gone, unsettled_reason
from durable.events import (
    Ask,
    Asked,
    Closed,
    CloseRefused,
    Displaced,
    Effect,
    Event,
    Failed,
    Fetch,
    Fetched,
    Open,
    Opened,
    Send,
    Sent,
    Split,
    Woke,
)
from durable.guard import holding_reason, paging_fault, rejection_reason
from durable.job import PENDING, WORKING, Flight, Job, Limits, Mode, Standing, State, Usage
from durable.lifecycle import (
    acknowledged,
    anew,
    died,
    displaced,
    ended,
    noted,
    progressed,
    taken_up,
)
from durable.pace import is_spent, leased, soon, spent, wait_ms


Step = tuple[Job, tuple[Effect, ...]]


def step(  # noqa: C901, PLR0911, PLR0912 - a return for each arrow of the diagram
    job: Job, event: Event, now_ms: int, limits: Limits
) -> Step:
    """The next state, and what to begin now; the turn is over when nothing is under way.

    Raises:
        AssertionError: the event cannot happen in this state, which is our bug.
    """
    if job.state not in PENDING:
        return job, ()  # a late answer finds a job that somebody ended
    match job.state, event:
        case _, Woke():
            return _wake(job, event, now_ms, limits)
        case _, Failed() if job.state in WORKING:
            return _fail(job, event, now_ms, limits)
        case State.SENDING, Displaced(reason):
            return displaced(job, reason, now_ms, limits), ()
        case State.OPENING, Asked(standing) if job.resumes:
            return _resume(job, standing, now_ms, limits)
        case State.OPENING, Opened():
            job = noted(job, f"opened the upload {job.upload_id}", now_ms, limits)
            return _begin(progressed(replace(job, state=State.SENDING), now_ms), now_ms, limits)
        case State.SENDING, Fetched(page_index, page) if page_index == _page_index_next(job):
            if (fault := paging_fault(job, page)) is not None:
                return ended(job, State.FAILED, now_ms, limits, fault), ()
            job = replace(job, flights=(*job.flights, Flight(page)))
            return _land(job, now_ms, limits)
        case State.SENDING, Sent() if _is_next(job, event):
            return _land(acknowledged(job, event), now_ms, limits)
        case State.SENDING, Split() if _is_next(job, event):
            return _split(job, event, now_ms, limits)
        case State.CLOSING, Asked(standing):
            return _settle(job, standing, now_ms, limits)
        case State.CLOSING, CloseRefused(reason):
            return _refused(job, reason, now_ms, limits)
        case State.CLOSING, Closed():
            return _begin(replace(job, is_close_answered=True), now_ms, limits)
    raise AssertionError(f"{event} while {job.state} at page {job.page_count}")


def _wake(job: Job, woke: Woke, now_ms: int, limits: Limits) -> Step:
    if job.retry_at_ms is not None and now_ms < job.retry_at_ms:
        return replace(job, alarm_at_ms=soon(job.retry_at_ms, now_ms)), ()  # alarms fire early too
    is_known = bool(job.fingerprint and woke.fingerprint) and job.state is not State.CLOSING
    is_redefined = is_known and job.fingerprint != woke.fingerprint
    if job.turn is not None and not is_redefined:
        job = died(job, now_ms, limits)
        if job.state is State.FAILED:
            return job, ()
    if job.state is State.QUEUED:
        job = replace(job, expected_count=woke.full_count, progress_at_ms=now_ms)
        if not job.resumes or job.started_at_ms is None:
            since_ms = None if job.mode is Mode.FULL else woke.watermark_ms
            job = noted(anew(replace(job, since_ms=since_ms), now_ms), "begun", now_ms, limits)
        else:
            job = taken_up(job, now_ms, limits)
    if is_redefined:
        text = "the connector's definition has changed: begins anew"
        job = noted(anew(job, now_ms), text, now_ms, limits)
    job = replace(
        job,
        fingerprint=woke.fingerprint or job.fingerprint,
        turn=Usage(started_at_ms=now_ms),
        turn_count=job.turn_count + 1,
        flights=(),  # they were in the memory of an earlier turn
        retry_at_ms=None,
        alarm_at_ms=None,
    )
    return _begin(job, now_ms, limits)


def _begin(job: Job, now_ms: int, limits: Limits) -> Step:
    """Start on the next page, or on opening or closing, as a new attempt."""
    if job.state is State.SENDING and job.has_end:
        return _arrive(job, now_ms, limits)
    if job.state is State.SENDING and job.page_count >= limits.pages_max:
        reason = (
            f"the source has not come to its end in {job.page_count} pages: if it is right, "
            "raise pages_max in LIMITS"
        )
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    job = leased(replace(job, attempt=job.attempt + 1), now_ms, limits)
    match job.state:
        case State.OPENING if job.resumes and job.upload_id:
            return job, (Ask(job.upload_id),)
        case State.OPENING:
            # A late request of an earlier try must not be taken for this upload's opening.
            upload_count = job.upload_count + 1
            upload_id = f"{job.id}-{upload_count}"
            job = replace(job, upload_id=upload_id, upload_count=upload_count, resumes=False)
            return job, (Open(upload_id),)
        case State.SENDING:
            index = _page_index_next(job)
            fetch = Fetch(index, job.cursor, job.since_ms, job.upload_id, job.batch_bytes_max)
            return job, (fetch,)
        case _:
            return job, (Ask(job.upload_id),)


def _resume(job: Job, standing: Standing, now_ms: int, limits: Limits) -> Step:
    """Go on from the stored cursor, if its upload is still the one that Glean has open."""
    if standing is Standing.OPEN:
        job = progressed(replace(job, state=State.SENDING, resumes=False), now_ms)
    elif standing is Standing.CLOSED and job.has_end:
        return ended(job, State.SUCCEEDED, now_ms, limits), ()
    else:
        text = f"the upload {job.upload_id} is {standing}: begins anew"
        job = noted(anew(job, now_ms), text, now_ms, limits)
    return _begin(job, now_ms, limits)


def _land(job: Job, now_ms: int, limits: Limits) -> Step:
    """Send what is left of the oldest page, or move the cursor past it."""
    head = job.flights[0]
    page, turn = head.page, job.turn
    rejected_count = head.rejected_document_count + head.rejected_deletion_count
    reason = rejection_reason(job, limits, page.reject_count + rejected_count)
    if reason is not None:
        job = replace(job, pending_reject_count=page.reject_count + rejected_count)
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    if head.sent_count < page.batch_count:
        return leased(job, now_ms, limits), (Send(job.page_count, head.sent_count),)
    assert turn is not None, "pages land within a turn"
    document_count = page.document_count - head.rejected_document_count
    job = replace(
        progressed(job, now_ms),
        flights=job.flights[1:],
        cursor=page.next_cursor,
        has_end=page.next_cursor is None,
        document_cursor=job.cursor if document_count else job.document_cursor,
        page_count=job.page_count + 1,
        document_count=job.document_count + document_count,
        deletion_count=job.deletion_count + page.deletion_count - head.rejected_deletion_count,
        byte_count=job.byte_count + page.byte_count,
        record_count=job.record_count + page.record_count,
        reject_count=job.reject_count + page.reject_count + rejected_count,
        turn=spent(turn, page.byte_count, page.batch_count),
    )
    if job.has_end:
        return _arrive(job, now_ms, limits)
    if job.page_count.bit_count() == 1:  # so that a circle of any length is found in time
        job = replace(
            job,
            landmark_cursor=job.cursor,
            landmark_page=job.page_count,
            landmark_digest=page.digest,
        )
    return _yield_or_begin(job, now_ms, limits)


def _arrive(job: Job, now_ms: int, limits: Limits) -> Step:
    """At the end of the source: what was read becomes what Glean has, if it may."""
    if (reason := rejection_reason(job, limits)) is not None:
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    if job.mode is Mode.INCREMENTAL:
        return ended(job, State.SUCCEEDED, now_ms, limits), ()
    if (reason := holding_reason(job, limits)) is not None:
        job = replace(job, state=State.HELD, error=reason, turn=None, alarm_at_ms=None)
        return noted(job, "held: waits for a person", now_ms, limits), ()
    job = noted(replace(job, state=State.CLOSING), "at the end of the source", now_ms, limits)
    return _yield_or_begin(job, now_ms, limits)


def _split(job: Job, split: Split, now_ms: int, limits: Limits) -> Step:
    head, *others = job.flights
    page = replace(head.page, batch_count=head.page.batch_count + 1)
    if page.batch_count > limits.page_batches_max:
        reason = (
            f"Glean refuses so many documents of page {job.page_count + 1} that it would take "
            f"more than {limits.page_batches_max} requests to find them: mend the connector's "
            "mapping, or have the source send smaller pages"
        )
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    job = replace(job, flights=(replace(head, page=page), *others))
    if split.batch_bytes_max is not None:
        # What was cut before the size was known, may still be larger.
        known = job.batch_bytes_max or split.batch_bytes_max
        job = replace(job, batch_bytes_max=min(known, split.batch_bytes_max))
    return _land(job, now_ms, limits)


def _settle(job: Job, standing: Standing, now_ms: int, limits: Limits) -> Step:
    """Close an upload that is open, and succeed once Glean holds it for closed."""
    match standing:
        case Standing.CLOSED:
            return ended(progressed(job, now_ms), State.SUCCEEDED, now_ms, limits), ()
        case Standing.OPEN if not job.is_close_answered:
            job = replace(job, unsettled_at_ms=None)
            return leased(job, now_ms, limits), (closing(job),)
        case Standing.OPEN | Standing.UNLISTED if not is_gone(job, standing):
            return _wait_for_history(job, standing, now_ms, limits)
    return displaced(job, gone_reason(job, standing), now_ms, limits), ()


def _wait_for_history(job: Job, standing: Standing, now_ms: int, limits: Limits) -> Step:
    """Glean's history may be late: what it does not list may be open, what is open closed."""
    job = replace(job, unsettled_at_ms=job.unsettled_at_ms or now_ms)
    assert job.unsettled_at_ms is not None, "set above"
    if now_ms - job.unsettled_at_ms < limits.settle_ms_max:
        reason = f"Glean's history still has the upload {job.upload_id} as {standing}"
        return _fail(job, Failed(reason, is_transient=True), now_ms, limits)
    if not job.is_close_answered:
        return displaced(job, gone_reason(job, standing), now_ms, limits), ()
    return ended(job, State.FAILED, now_ms, limits, unsettled_reason(job, limits)), ()


def _refused(job: Job, reason: str, now_ms: int, limits: Limits) -> Step:
    """Try the close in another way, if there is one left."""
    if job.closing_index is not None and not job.document_count:
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    index = 0 if job.closing_index is None else job.closing_index + 1
    return _begin(replace(job, closing_index=index), now_ms, limits)


def _fail(job: Job, failure: Failed, now_ms: int, limits: Limits) -> Step:
    job = replace(job, error=failure.reason, flights=(), turn=None)
    has_stalled = now_ms - job.progress_at_ms >= limits.stall_ms_max
    if job.is_close_answered and (has_stalled or not failure.is_transient):
        text = f"Glean took the close, and cannot be asked about it: {failure.reason}"
        return ended(noted(job, text, now_ms, limits), State.SUCCEEDED, now_ms, limits), ()
    if not failure.is_transient:
        return ended(job, State.FAILED, now_ms, limits, failure.reason), ()
    if has_stalled:
        reason = f"no progress for {limits.stall_ms_max // 1_000} s; the last error: {job.error}"
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    retry_at_ms = soon(now_ms + wait_ms(job, failure, limits), now_ms)
    job = noted(job, failure.reason, now_ms, limits)
    return replace(job, retry_at_ms=retry_at_ms, alarm_at_ms=retry_at_ms), ()


def _yield_or_begin(job: Job, now_ms: int, limits: Limits) -> Step:
    if job.turn is not None and not is_spent(job, job.turn, now_ms, limits):
        return _begin(job, now_ms, limits)
    job = replace(job, turn=None, halving_count=max(0, job.halving_count - 1))
    return replace(job, alarm_at_ms=soon(now_ms, now_ms)), ()


def _is_next(job: Job, event: Sent | Split) -> bool:
    """Whether it is about the batch that was sent last."""
    return (
        bool(job.flights)
        and event.page_index == job.page_count
        and event.batch_index == job.flights[0].sent_count
    )


def _page_index_next(job: Job) -> int:
    return job.page_count + len(job.flights)
