"""What a job does next, and nothing about how.

Pure: no storage, no clock, no network, no `await`. The turn performs the
effects and reports each answer, failures too, as the next event. After a crash
it goes on from the last saved `Job`, so an effect may be performed twice.
"""

from msgspec.structs import replace

from durable.errors import Cause
from durable.limits import Limits
from durable.machine.closing import (
    closed,
    closing,
    gone_reason,
    has_settled,
    is_gone,
    unsettled_reason,
)
from durable.machine.effects import (
    Ask,
    Asked,
    Closed,
    CloseRefused,
    Displaced,
    Event,
    Failed,
    Fetched,
    NoRoom,
    Open,
    Opened,
    Packed,
    Sent,
    Split,
    Woke,
)
from durable.machine.index_status import Deletions
from durable.machine.job import PENDING, WORKING, Job, Mode, Standing, State, Usage
from durable.machine.notes import Kind
from durable.machine.pacing import asked, is_spent, leased, paced, soon, taken_over
from durable.machine.transfer import close, crowd, cut, fail, flow, land, split, take, yield_turn
from durable.machine.transitions import (
    anew,
    beside,
    died,
    displaced,
    ended,
    finished,
    from_start,
    grounded,
    noted,
    progressed,
    promoted,
    redefined,
    taken_up,
)
from durable.machine.waiting import Step, spare


DAY_MS = 24 * 60 * 60 * 1_000
REQUESTS_PER_CLOSE = 3  # the source's page, the question, and the close


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
            return fail(job, event, now_ms, limits)
        case State.SENDING, Displaced(reason):
            return displaced(job, reason, now_ms, limits), ()
        case State.OPENING, Asked() if job.resumes:
            return _resume(job, event, now_ms, limits)
        case State.OPENING, Opened():
            text = f"opened the upload {job.upload_id}"
            job = noted(job, text, now_ms, limits, Kind.OPENED)
            return _begin(progressed(replace(job, state=State.SENDING), now_ms), now_ms, limits)
        case State.SENDING, Fetched() if job.is_fetching:
            return take(replace(job, is_fetching=False), event, now_ms, limits)
        case ((State.SENDING | State.CLOSING), NoRoom()):
            return crowd(job, event, now_ms, limits)
        case State.SENDING, Packed():
            return cut(job, event, now_ms, limits)
        case State.SENDING, Sent():
            return land(job, event, now_ms, limits)
        case State.SENDING, Split():
            return split(job, event, now_ms, limits)
        case State.CLOSING, Asked():
            return _settle(job, event, now_ms, limits)
        case State.CLOSING, CloseRefused(reason):
            return _refused(job, reason, now_ms, limits)
        case State.CLOSING, Closed():
            job = replace(job, is_close_answered=True, unsettled_at_ms=None)
            return close(job, now_ms, limits)
    raise AssertionError(f"{event} while {job.state} at page {job.page_count}")


def _wake(job: Job, woke: Woke, now_ms: int, limits: Limits) -> Step:
    if job.retry_at_ms is not None and now_ms < job.retry_at_ms:
        return replace(job, alarm_at_ms=soon(job.retry_at_ms, now_ms)), ()  # alarms fire early too
    plan = woke.plan
    is_known = bool(job.fingerprint and plan.fingerprint) and job.state is not State.CLOSING
    is_redefined = is_known and job.fingerprint != plan.fingerprint
    if job.turn is not None and not is_redefined:
        job = (beside if job.turn.is_apart else died)(job, now_ms, limits)
        if job.state is State.FAILED:
            return job, ()
    is_queued = job.state is State.QUEUED
    if is_queued:
        job = replace(job, progress_at_ms=now_ms, pause_count=0, paused_ms=0)
        job = taken_over(job, woke.last, plan.fingerprint)
        is_retry = job.approved_count is None
        if not job.resumes or job.started_at_ms is None or (job.shortfall and is_retry):
            job = _begun(job, woke, now_ms, limits)
        else:
            job = taken_up(job, now_ms, limits)
    if is_redefined:
        job = redefined(job, plan, now_ms, limits)
        if job.state is State.FAILED:
            return job, ()
    if job.repeats and not job.stages:
        reason = f"the connector brings nothing any more of what {job.repeats} has set aside"
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    if is_queued or job.state is State.OPENING:
        job = replace(job, expected_count=woke.full_counts.get(job.stage))
    job = paced(job, plan.rates.get(job.stage), now_ms)
    job = replace(
        grounded(job),  # what was under way, was in the memory of an earlier turn
        fingerprint=plan.fingerprint or job.fingerprint,
        behind_ms_max=plan.behind_ms_max,
        turn=Usage(started_at_ms=now_ms),
        turn_count=job.turn_count + 1,
        attempt=job.attempt + 1,
        retry_at_ms=None,
        alarm_at_ms=_lease_at_ms(woke, now_ms, limits),
        pause="",
        waits_for="",
    )
    return _begin(job, now_ms, limits)


def _lease_at_ms(woke: Woke, now_ms: int, limits: Limits) -> int | None:
    """The end of the lease that there is: each alarm that is set costs a row written."""
    at_ms = woke.armed_at_ms
    return at_ms if at_ms is not None and at_ms - now_ms <= limits.lease_ms else None


def _begun(job: Job, woke: Woke, now_ms: int, limits: Limits) -> Job:
    """A job at its very start. Changes that the source does not know any more, it cannot bring."""
    kept_ms, watermark_ms = woke.plan.kept_ms, woke.watermark_ms
    if job.repeats:
        text = f"repeats {job.repeats}"
        return noted(from_start(job, woke.plan, now_ms), text, now_ms, limits, Kind.BEGUN)
    is_incremental = job.mode is Mode.INCREMENTAL
    if is_incremental and kept_ms is not None and (watermark_ms or 0) < now_ms - kept_ms:
        days = kept_ms / DAY_MS
        job = promoted(job, f"the source keeps its changes for {days:g} days", now_ms, limits)
    is_full = job.mode is Mode.FULL
    job = replace(job, since_ms=None if is_full else watermark_ms)
    # An upload takes its pages in any order: of a document that is on two, either may be in Glean.
    job = replace(from_start(job, woke.plan, now_ms), ties=() if is_full else woke.ties)
    return noted(job, "begun", now_ms, limits, Kind.BEGUN)


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
            return flow(job, now_ms, limits)
        case _:
            return close(job, now_ms, limits)


def _resume(job: Job, asked: Asked, now_ms: int, limits: Limits) -> Step:
    """Go on from the stored cursor, if its upload is still the one that Glean has open."""
    standing = asked.standing
    if standing is Standing.OPEN:
        job = progressed(replace(job, state=State.SENDING, resumes=False), now_ms)
    elif standing is Standing.CLOSED and job.has_end:
        return _closed(job, asked.deletions, now_ms, limits)
    else:
        text = f"the upload {job.upload_id} is {standing}: begins anew"
        job = replace(anew(job, now_ms), attempt=1)
        job = noted(job, text, now_ms, limits, Kind.RESTARTED)
    return _begin(job, now_ms, limits)


def _closed(job: Job, deletions: Deletions, now_ms: int, limits: Limits) -> Step:
    """The stage is over; where Glean says already that it does not delete, that is told."""
    if deletions is Deletions.PAUSED:
        text = f"DELETION PAUSED: Glean has not deleted the {job.stage} that were not in the upload"
        job = noted(job, text, now_ms, limits, Kind.DELETIONS)
    return finished(closed(job, deletions, now_ms), now_ms, limits), ()


def _settle(job: Job, asked: Asked, now_ms: int, limits: Limits) -> Step:
    """Close an upload that is open, and succeed once Glean holds it for closed."""
    match standing := asked.standing:
        case Standing.CLOSED:
            return _closed(job, asked.deletions, now_ms, limits)
        case Standing.OPEN if not job.is_close_answered:
            return leased(job, now_ms, limits), (closing(job),)
        case Standing.OPEN | Standing.UNLISTED if not is_gone(job, standing):
            return _wait_for_history(job, standing, now_ms, limits)
    return displaced(job, gone_reason(job, standing), now_ms, limits), ()


def _wait_for_history(job: Job, standing: Standing, now_ms: int, limits: Limits) -> Step:
    """Glean's history may be late: what it does not list may be open, what is open closed."""
    job = replace(job, unsettled_at_ms=job.unsettled_at_ms or now_ms)
    if not has_settled(job, now_ms, limits):
        reason = f"Glean's history still has the upload {job.upload_id} as {standing}"
        return fail(job, Failed(reason, is_transient=True, cause=Cause.LATE), now_ms, limits)
    if not job.is_close_answered:
        return displaced(job, gone_reason(job, standing), now_ms, limits), ()
    return ended(job, State.FAILED, now_ms, limits, unsettled_reason(job, limits)), ()


def _refused(job: Job, reason: str, now_ms: int, limits: Limits) -> Step:
    """Try the close in another way, if there is one left."""
    if job.closing_index is not None and not job.document_count:
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    index = 0 if job.closing_index is None else job.closing_index + 1
    if job.closing_index is not None:
        job = asked(job, 1, now_ms)  # for the page that the document was on
    assert job.turn is not None, "an upload is closed within a turn"
    turn = replace(job.turn, request_count=job.turn.request_count + REQUESTS_PER_CLOSE)
    job = replace(job, closing_index=index, is_close_begun=False, turn=turn)
    # The last page may have as many documents as there are ways to close.
    if is_spent(job, turn, now_ms, limits):
        return yield_turn(job, now_ms)
    if job.document_count and now_ms < job.source_at_ms:
        return spare(job, now_ms, limits)
    return close(job, now_ms, limits)
