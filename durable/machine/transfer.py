"""Pages from the source to Glean, and what stops them: errors, pauses, the end of a turn. Pure."""

from msgspec.structs import replace

from durable.errors import Cause, Recourse
from durable.limits import Limits
from durable.machine import window
from durable.machine.closing import closing, has_settled, untaken_reason
from durable.machine.effects import (
    Ask,
    Close,
    CloseWithDocument,
    Effect,
    Failed,
    Fetch,
    Fetched,
    NoRoom,
    Pack,
    Packed,
    Send,
    Sent,
    Split,
)
from durable.machine.job import CONFIRMED, Flight, Job, Mode, Stage, State
from durable.machine.notes import Kind, WaitReason
from durable.machine.pacing import (
    asked,
    indexed,
    is_saturated,
    is_spent,
    leased,
    left_alone,
    room_wait_ms,
    single_documents_max,
    soon,
    told_ms,
    wait_ms,
)
from durable.machine.room import has_room
from durable.machine.safeguards import holding_reason, paging_fault, rejection_reason
from durable.machine.transitions import (
    displaced,
    ended,
    finished,
    grounded,
    noted,
    progressed,
    promoted,
    rested,
    rewound,
)
from durable.machine.waiting import Step, give_up, pause, spare, wait
from durable.machine.watermark import clock_ms


def take(job: Job, fetched: Fetched, now_ms: int, limits: Limits) -> Step:
    """Have a page packed, and meanwhile read the one after it."""
    page = fetched.page
    job = noted(job, page.note, now_ms, limits) if page.note else job
    ahead = window.front(job)
    assert fetched.page_index == ahead.page_count, f"{fetched} at page {ahead.page_count}"
    if (fault := paging_fault(ahead, page, limits)) is not None:
        return ended(job, State.FAILED, now_ms, limits, fault), ()
    job = left_alone(asked(job, page.request_count, now_ms), page, now_ms, limits)
    flight = Flight(page, is_packed=False, clock_ms=clock_ms(job, page.latest_ms, now_ms))
    job = replace(job, flights=(*job.flights, flight))
    return _flow(job, window.pack(job), now_ms, limits)


def crowd(job: Job, no_room: NoRoom, now_ms: int, limits: Limits) -> Step:
    """Go on with the pages that are there; without one, give up the turn for now."""
    assert job.turn is not None, "pages are asked for within a turn"
    turn = replace(job.turn, is_crowded=True)
    job = replace(job, is_fetching=False, is_close_begun=False, turn=turn)
    if job.flights:
        return flow(job, now_ms, limits)
    until_ms = now_ms + room_wait_ms(job, no_room.place, no_room.jitter, now_ms)
    reason = "the pages of other connectors take up the isolate's memory"
    return pause(job, WaitReason.MEMORY, reason, now_ms, limits, until_ms=until_ms)


def cut(job: Job, packed: Packed, now_ms: int, limits: Limits) -> Step:
    """A page is ready to be sent."""
    job = window.packed(job, packed)
    if packed.left_count:
        text = (
            f"{packed.left_count} changes of page {packed.page_index + 1} are others each time "
            "that it is read: they stay as they were sent, until the next job"
        )
        job = noted(job, text, now_ms, limits)
    return _flow(job, window.pack_next(job), now_ms, limits)


def _flow(job: Job, pack: Pack | None, now_ms: int, limits: Limits) -> Step:
    job, effects = flow(job, now_ms, limits)
    if pack is None or job.turn is None:
        return job, effects
    return job, (*effects, pack)  # last, since nothing else goes on meanwhile


def flow(job: Job, now_ms: int, limits: Limits) -> Step:
    """Move the cursor past what is in Glean, and begin what there is room for."""
    pending_count = sum(flight.reject_count for flight in job.flights)
    if (reason := rejection_reason(job, limits, pending_count)) is not None:
        job = replace(job, pending_reject_count=pending_count)
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    while job.flights and job.flights[0].is_whole:
        job = progressed(window.landed(job), now_ms)
    # A group's members go together, however many they are.
    is_one_by_one = job.mode is Mode.INCREMENTAL and job.stage is not Stage.MEMBERSHIPS
    if is_one_by_one and not job.repeats and (count := _change_count(job)) > limits.changes_max:
        reason = f"{count} changes are more than changes_max ({limits.changes_max}) in LIMITS"
        return promoted(job, reason, now_ms, limits), ()
    if job.has_end:
        return _arrive(job, now_ms, limits)
    ahead = window.front(job)
    assert ahead.turn is not None, "pages are sent within a turn"
    is_full = is_saturated(job, now_ms, limits)
    may_fetch = (
        job.retry_at_ms is None
        and not is_full
        and now_ms >= ahead.source_at_ms
        and not ahead.has_end
        and ahead.page_count < limits.pages_max
        and not is_spent(ahead, ahead.turn, now_ms, limits)
    )
    effects: list[Effect] = []
    if may_fetch and has_room(job, limits):
        job, fetch = window.fetch(job, ahead)
        effects.append(fetch)
    sends: list[Send] = []
    if not is_full:
        job, sends = window.sends(job, limits)
    if not window.is_idle(job):
        return leased(job, now_ms, limits), (*effects, *sends)
    if job.retry_at_ms is not None:
        return wait(job, now_ms, limits)
    return _rest(job, now_ms, limits)


def _change_count(job: Job) -> int:
    """Changes that are in Glean, and those of the page that is to follow."""
    pages = [flight.page for flight in job.flights if flight.is_packed]
    coming = sum(page.document_count + page.deletion_count for page in pages)
    return job.document_count + job.deletion_count + max(coming, job.landed.count)


def _arrive(job: Job, now_ms: int, limits: Limits) -> Step:
    """At the end of the source: what was read becomes what Glean has, if it may."""
    if (reason := rejection_reason(job, limits)) is not None:
        return ended(job, State.FAILED, now_ms, limits, reason), ()
    if not job.is_upload:
        return finished(job, now_ms, limits), ()
    if (reason := holding_reason(job, limits)) is not None:
        job = replace(grounded(job), state=State.HELD, error=reason, alarm_at_ms=None)
        return noted(job, "held: waits for a person", now_ms, limits, Kind.HELD), ()
    text = "at the end of the source"
    job = noted(replace(job, state=State.CLOSING), text, now_ms, limits, Kind.CLOSING)
    assert job.turn is not None, "the end is reached within a turn"
    if is_spent(job, job.turn, now_ms, limits):
        return yield_turn(job, now_ms)
    return close(job, now_ms, limits)


def close(job: Job, now_ms: int, limits: Limits) -> Step:
    """Ask how the upload stands before it is closed; where Glean cannot be asked, close it once."""
    if job.stage in CONFIRMED:
        return leased(job, now_ms, limits), (Ask(job.upload_id),)
    if job.is_close_answered:
        return finished(job, now_ms, limits), ()
    if job.is_close_begun:
        reason = f"the answer to the close of {job.upload_id} was lost, and Glean does not tell"
        return displaced(job, reason, now_ms, limits), ()
    return leased(replace(job, is_close_begun=True), now_ms, limits), (closing(job),)


def land(job: Job, sent: Sent, now_ms: int, limits: Limits) -> Step:
    """One more batch is in Glean, or set aside."""
    if not job.is_upload:
        job = indexed(job, sent.document_count, now_ms, limits)
    job = replace(job, shortfall=job.shortfall or sent.shortfall)
    before, job = job, window.acknowledged(job, sent)
    if job.landed.count > before.landed.count:
        job = progressed(job, now_ms)
    return flow(job, now_ms, limits)


def split(job: Job, split: Split, now_ms: int, limits: Limits) -> Step:
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
    return flow(job, now_ms, limits)


def fail(job: Job, failure: Failed, now_ms: int, limits: Limits) -> Step:
    job = replace(_given_up(job, failure, now_ms, limits), error=failure.reason)
    match None if job.repeats else failure.recourse:
        case Recourse.FULL if job.mode is Mode.INCREMENTAL:
            return promoted(job, failure.reason, now_ms, limits), ()
        case Recourse.RESTART:
            return rewound(job, failure.reason, now_ms, limits), ()
    if not failure.is_transient:
        return give_up(job, failure.reason, now_ms, limits), ()
    is_of_upload = job.is_upload and isinstance(failure.effect, Send | Close | CloseWithDocument)
    if is_of_upload and failure.cause is Cause.CONFLICT:
        job = replace(job, unsettled_at_ms=job.unsettled_at_ms or now_ms)
        if has_settled(job, now_ms, limits):
            return displaced(job, untaken_reason(job, failure.reason), now_ms, limits), ()
    if (asked_ms := told_ms(failure, limits)) and job.retry_at_ms is None:
        job = rested(job, asked_ms)
    # Others that were under way may have failed before.
    retry_at_ms = max(now_ms + wait_ms(job, failure, limits), job.retry_at_ms or 0)
    job = replace(job, retry_at_ms=soon(retry_at_ms, now_ms))
    job = noted(job, failure.reason, now_ms, limits, Kind.RETRY, cause=_cause(failure))
    if job.state is State.SENDING:
        return flow(job, now_ms, limits)  # until all is heard of that is under way
    return wait(job, now_ms, limits)


def _given_up(job: Job, failure: Failed, now_ms: int, limits: Limits) -> Job:
    """With what was asked of the source and of Glean, and may have been heard."""
    job = window.given_up(job, failure.effect)
    if isinstance(failure.effect, Fetch | CloseWithDocument):
        job = asked(job, 1, now_ms)
    if isinstance(failure.effect, Close | CloseWithDocument) and not failure.may_be_done:
        job = replace(job, is_close_begun=False)  # refused, or never sent
    if isinstance(failure.effect, Send) and not job.is_upload:
        job = indexed(job, single_documents_max(limits), now_ms, limits)
    return job


def _cause(failure: Failed) -> str:
    """Who it was, and what was wrong."""
    end = "source" if isinstance(failure.effect, Fetch) else "glean"
    return f"{end}_{failure.cause}"


def _rest(job: Job, now_ms: int, limits: Limits) -> Step:
    """Nothing is under way, and nothing can be begun for now."""
    if is_saturated(job, now_ms, limits):
        reason = f"Glean takes {limits.documents_per_minute_max} documents a minute one by one"
        if job.landed.is_full:
            return _too_large(job, now_ms, limits), ()
        return pause(job, WaitReason.RATE, reason, now_ms, limits, until_ms=job.indexed_until_ms)
    if not job.flights and now_ms < job.source_at_ms:
        return spare(job, now_ms, limits)
    assert not job.flights, "pages that are not sent though there is room"
    if job.page_count < limits.pages_max:
        return yield_turn(job, now_ms)
    reason = (
        f"the source has not come to its end in {job.page_count} pages: if it is right, "
        "raise pages_max in LIMITS"
    )
    return ended(job, State.FAILED, now_ms, limits, reason), ()


def _too_large(job: Job, now_ms: int, limits: Limits) -> Job:
    """A page that Glean's minute is too short for, and nobody remembers what is in Glean of it."""
    reason = (
        f"page {job.page_count + 1} has more than {job.landed.count} changes: have the source send "
        "smaller pages"
    )
    if job.repeats:
        return ended(job, State.FAILED, now_ms, limits, reason)
    return promoted(job, reason, now_ms, limits)


def yield_turn(job: Job, now_ms: int) -> Step:
    """The turn is spent: the rest is for the next one."""
    job = replace(grounded(job), halving_count=max(0, job.halving_count - 1))
    return replace(job, alarm_at_ms=soon(now_ms, now_ms)), ()
