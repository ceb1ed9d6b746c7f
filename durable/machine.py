"""What a job does next, and nothing about how.

Pure: no storage, no clock, no network, no `await`. The turn performs the
effects and reports each answer, failures too, as the next event. After a crash
it goes on from the last saved `Job`, so an effect may be performed twice.
"""

from msgspec.structs import replace

from durable import window
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
    Fetched,
    Open,
    Opened,
    Packed,
    Sent,
    Split,
    Woke,
)
from durable.guard import holding_reason, paging_fault, rejection_reason
from durable.job import PENDING, WORKING, Flight, Job, Limits, Mode, Standing, State, Usage
from durable.lifecycle import (
    anew,
    died,
    displaced,
    ended,
    grounded,
    noted,
    progressed,
    taken_up,
)
from durable.pace import is_spent, leased, soon, wait_ms


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
        case State.SENDING, Fetched() if job.is_fetching:
            return _take(replace(job, is_fetching=False), event, now_ms, limits)
        case State.SENDING, Packed():
            return _flow(window.packed(job, event), now_ms, limits)
        case State.SENDING, Sent():
            return _flow(window.acknowledged(job, event), now_ms, limits)
        case State.SENDING, Split():
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
        grounded(job),  # what was under way, was in the memory of an earlier turn
        fingerprint=woke.fingerprint or job.fingerprint,
        turn=Usage(started_at_ms=now_ms),
        turn_count=job.turn_count + 1,
        attempt=job.attempt + 1,
        retry_at_ms=None,
        alarm_at_ms=None,
    )
    return _begin(job, now_ms, limits)


def _begin(job: Job, now_ms: int, limits: Limits) -> Step:
    """Open, send or close, whichever it is time for."""
    job = leased(job, now_ms, limits)
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
            return _flow(job, now_ms, limits)
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
        job = noted(replace(anew(job, now_ms), attempt=1), text, now_ms, limits)
    return _begin(job, now_ms, limits)


def _take(job: Job, fetched: Fetched, now_ms: int, limits: Limits) -> Step:
    """Have a page packed, and meanwhile read the one after it."""
    ahead, page = window.front(job), fetched.page
    assert fetched.page_index == ahead.page_count, f"{fetched} at page {ahead.page_count}"
    if (fault := paging_fault(ahead, page)) is not None:
        return ended(job, State.FAILED, now_ms, limits, fault), ()
    job = replace(job, flights=(*job.flights, Flight(page, is_packed=False)))
    pack = window.pack(job)
    job, effects = _flow(job, now_ms, limits)
    return job, (*effects, pack)  # last, since nothing else goes on meanwhile


def _flow(job: Job, now_ms: int, limits: Limits) -> Step:
    """Move the cursor past what is in Glean, and begin what there is room for."""
    pending_count = sum(flight.reject_count for flight in job.flights)
    if (reason := rejection_reason(job, limits, pending_count)) is not None:
        job = replace(job, pending_reject_count=pending_count)
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    while job.flights and job.flights[0].is_whole:
        job = progressed(window.landed(job), now_ms)
    if job.has_end:
        return _arrive(job, now_ms, limits)
    ahead = window.front(job)
    assert ahead.turn is not None, "pages are sent within a turn"
    may_fetch = (
        job.retry_at_ms is None
        and not ahead.has_end
        and ahead.page_count < limits.pages_max
        and not is_spent(ahead, ahead.turn, now_ms, limits)
    )
    effects: list[Effect] = []
    if may_fetch and window.has_room(job, limits):
        job, fetch = window.fetch(job, ahead)
        effects.append(fetch)
    job, sends = window.sends(job, limits)
    if not window.is_idle(job):
        return leased(job, now_ms, limits), (*effects, *sends)
    if job.retry_at_ms is not None:
        return _wait(job, now_ms, limits)
    return _yield_or_give_up(job, now_ms, limits)


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
    assert job.turn is not None, "the end is reached within a turn"
    if is_spent(job, job.turn, now_ms, limits):
        return _yield(job, now_ms)
    return _begin(job, now_ms, limits)


def _split(job: Job, split: Split, now_ms: int, limits: Limits) -> Step:
    job = window.halved(job, split)
    if job.flights[split.page_index - job.page_count].batch_count > limits.page_batches_max:
        reason = (
            f"Glean refuses so many documents of page {split.page_index + 1} that it would take "
            f"more than {limits.page_batches_max} requests to find them: mend the connector's "
            "mapping, or have the source send smaller pages"
        )
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    if split.batch_bytes_max is not None:
        # What was cut before the size was known, may still be larger.
        known = job.batch_bytes_max or split.batch_bytes_max
        job = replace(job, batch_bytes_max=min(known, split.batch_bytes_max))
    return _flow(job, now_ms, limits)


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
    job = replace(window.given_up(job, failure.effect), error=failure.reason)
    if not failure.is_transient:
        return _give_up(job, failure.reason, now_ms, limits), ()
    # Others that were under way may have failed before.
    retry_at_ms = max(now_ms + wait_ms(job, failure, limits), job.retry_at_ms or 0)
    job = replace(job, retry_at_ms=soon(retry_at_ms, now_ms))
    job = noted(job, failure.reason, now_ms, limits)
    if job.state is State.SENDING:
        return _flow(job, now_ms, limits)  # until all is heard of that is under way
    return _wait(job, now_ms, limits)


def _wait(job: Job, now_ms: int, limits: Limits) -> Step:
    assert job.retry_at_ms is not None, "an error says when to try again"
    if now_ms - job.progress_at_ms >= limits.stall_ms_max:
        reason = f"no progress for {limits.stall_ms_max // 1_000} s; the last error: {job.error}"
        return _give_up(job, reason, now_ms, limits), ()
    return replace(grounded(job), alarm_at_ms=soon(job.retry_at_ms, now_ms)), ()


def _give_up(job: Job, reason: str, now_ms: int, limits: Limits) -> Job:
    if not job.is_close_answered:
        return ended(job, State.FAILED, now_ms, limits, reason)
    text = f"Glean took the close, and cannot be asked about it: {job.error}"
    return ended(noted(job, text, now_ms, limits), State.SUCCEEDED, now_ms, limits)


def _yield_or_give_up(job: Job, now_ms: int, limits: Limits) -> Step:
    assert not job.flights, "pages that are not sent though there is room"
    if job.page_count < limits.pages_max:
        return _yield(job, now_ms)
    reason = (
        f"the source has not come to its end in {job.page_count} pages: if it is right, "
        "raise pages_max in LIMITS"
    )
    return ended(job, State.FAILED, now_ms, limits, reason), ()


def _yield(job: Job, now_ms: int) -> Step:
    """The turn is spent: the rest is for the next one."""
    job = replace(grounded(job), halving_count=max(0, job.halving_count - 1))
    return replace(job, alarm_at_ms=soon(now_ms, now_ms)), ()
