"""Pages from the source to Glean, and what stops them: pauses, the end of a turn. Pure."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine import window
from durable.machine.effects import (
    Effect,
    Fetched,
    NoRoom,
    Pack,
    Packed,
    Send,
    Sent,
    Split,
)
from durable.machine.ending import arrive, reject_too_many
from durable.machine.job import Job, Mode, Stage, with_crawl, with_upload
from durable.machine.members import withhold
from durable.machine.notes import ErrorCode, WaitReason
from durable.machine.pacing import (
    count_documents,
    count_requests,
    documents_per_minute,
    honour_wait,
    is_saturated,
    is_spent,
    renew_lease,
    room_wait_ms,
    saturated_reason,
)
from durable.machine.pages import InFlightPage
from durable.machine.room import has_room
from durable.machine.safeguards import paging_fault, rejection_reason
from durable.machine.transitions import (
    add_note,
    fail_job,
    promote_to_full,
    record_progress,
)
from durable.machine.waiting import (
    Step,
    pause,
    spare_source,
    wait_for_retry,
    yield_turn,
)
from durable.machine.watermark import clock_ms
from durable.machine.ways import promoting_reason, replace_instead


def take(job: Job, fetched: Fetched, now_ms: int, limits: Limits) -> Step:
    """Have a page packed, and meanwhile read the one after it."""
    page = fetched.page
    job = add_note(job, page.note, now_ms, limits) if page.note else job
    ahead = window.after_in_flight(job)
    page_count = ahead.crawl.page_count
    assert fetched.page_index == page_count, f"{fetched} at page {page_count}"
    if (fault := paging_fault(ahead, page, limits)) is not None:
        return fail_job(job, f"source-{fault.cause}", fault.reason, now_ms, limits), ()
    job = honour_wait(count_requests(job, page.request_count, now_ms), page, now_ms, limits)
    flight = InFlightPage(page, is_packed=False, clock_ms=clock_ms(job, page.latest_ms, now_ms))
    job = with_crawl(job, flights=(*job.crawl.flights, flight))
    return _flow(job, window.pack_latest(job), now_ms, limits)


def crowd(job: Job, no_room: NoRoom, now_ms: int, limits: Limits) -> Step:
    """Go on with the pages that are there; without one, give up the turn for now."""
    assert job.turn is not None, "pages are asked for within a turn"
    turn = replace(job.turn, is_crowded=True)
    job = with_crawl(with_upload(job, is_close_begun=False), is_fetching=False)
    job = replace(job, turn=turn)
    if job.crawl.flights:
        return flow(job, now_ms, limits)
    until_ms = now_ms + room_wait_ms(job, no_room.place, no_room.jitter, now_ms)
    reason = "the pages of other connectors take up the isolate's memory"
    return pause(job, WaitReason.MEMORY, reason, now_ms, limits, until_ms=until_ms)


def cut(job: Job, packed: Packed, now_ms: int, limits: Limits) -> Step:
    """A page is ready to be sent."""
    job = withhold(window.take_packed(job, packed), packed.page_index, limits)
    if packed.left_count:
        text = (
            f"{packed.left_count} changes of page {packed.page_index + 1} are others each time "
            "that it is read: they stay as they were sent, until the next job"
        )
        job = add_note(job, text, now_ms, limits)
    return _flow(job, window.pack_next(job), now_ms, limits)


def _flow(job: Job, pack: Pack | None, now_ms: int, limits: Limits) -> Step:
    job, effects = flow(job, now_ms, limits)
    if pack is None or job.turn is None:
        return job, effects
    if job.pacing.slowdown is not None:
        pack = replace(pack, documents_per_minute=documents_per_minute(job, now_ms, limits))
    return job, (*effects, pack)  # last, since nothing else goes on meanwhile


def flow(job: Job, now_ms: int, limits: Limits) -> Step:
    """Move the cursor past what is in Glean, and begin what there is room for."""
    pending_count = sum(flight.reject_count for flight in job.crawl.flights)
    if (reason := rejection_reason(job, limits, pending_count)) is not None:
        job = with_crawl(job, pending_reject_count=pending_count)
        return reject_too_many(job, reason, now_ms, limits)
    while job.crawl.flights and job.crawl.flights[0].is_whole:
        job = record_progress(window.commit_page(job), now_ms)
    if (promoted := _promoted(job, now_ms, limits)) is not None:
        return promoted, ()
    if job.crawl.has_end:
        return arrive(job, now_ms, limits)
    is_full = is_saturated(job, now_ms, limits)
    effects: list[Effect] = []
    if job.pacing.retry_at_ms is None and not is_full and has_room(job, limits):
        ahead = window.reach(job)
        assert ahead.turn is not None, "pages are sent within a turn"
        if (
            now_ms >= ahead.pacing.source_at_ms
            and not ahead.crawl.has_end
            and ahead.crawl.page_count < limits.pages_max
            and not is_spent(ahead, ahead.turn, now_ms, limits)
        ):
            job, fetch = window.begin_fetch(job, ahead)
            effects.append(fetch)
    sends: list[Send] = []
    if not is_full:
        job, sends = window.begin_sends(job, limits)
    if not window.is_idle(job):
        return renew_lease(job, now_ms, limits), (*effects, *sends)
    if job.pacing.retry_at_ms is not None:
        return wait_for_retry(job, now_ms, limits)
    return _rest(job, now_ms, limits)


def _promoted(job: Job, now_ms: int, limits: Limits) -> Job | None:
    """The job on another way, where it has too many changes for single requests."""
    if job.repeats or job.is_upload:
        return None
    count = _change_count(job)
    if job.is_reconciling:
        reason = promoting_reason(job, count, now_ms, limits)
        return None if reason is None else replace_instead(job, reason, now_ms, limits)
    # A group's members go together, however many they are.
    is_counted = job.mode is Mode.INCREMENTAL and job.stage is not Stage.MEMBERSHIPS
    if not is_counted or count <= limits.changes_max:
        return None
    reason = f"{count} changes are more than changes_max ({limits.changes_max}) in LIMITS"
    return promote_to_full(job, reason, now_ms, limits)


def _change_count(job: Job) -> int:
    """Changes that are in Glean, and those of the page that is to follow."""
    pages = [flight.page for flight in job.crawl.flights if flight.is_packed]
    coming = sum(page.document_count + page.deletion_count for page in pages)
    return job.crawl.document_count + job.crawl.deletion_count + max(coming, job.crawl.landed.count)


def land(job: Job, sent: Sent, now_ms: int, limits: Limits) -> Step:
    """One more batch is in Glean, or rejected."""
    if not job.is_upload:
        job = count_documents(job, sent.document_count, now_ms, limits)
    job = replace(job, shortfall=job.shortfall or sent.shortfall)
    before, job = job, window.acknowledge(job, sent)
    known = before.crawl.landed
    if job.crawl.landed.count > known.count and known.lacks(sent.entries):
        job = record_progress(job, now_ms)
    return flow(job, now_ms, limits)


def split(job: Job, split: Split, now_ms: int, limits: Limits) -> Step:
    job = window.split_batch(job, split)
    flight = job.crawl.flights[split.page_index - job.crawl.page_count]
    if flight.batch_count > limits.page_batches_max:
        reason = (
            f"Glean refuses so many documents of page {split.page_index + 1} that it would take "
            f"more than {limits.page_batches_max} requests to find them: mend the connector's "
            "mapping, or have the source send smaller pages"
        )
        return fail_job(job, ErrorCode.PAGE_REFUSED, reason, now_ms, limits), ()
    if split.batch_bytes_max is not None:
        # What was cut before the size was known, may still be larger.
        known = job.batch_bytes_max or split.batch_bytes_max
        job = replace(job, batch_bytes_max=min(known, split.batch_bytes_max))
    return flow(job, now_ms, limits)


def _rest(job: Job, now_ms: int, limits: Limits) -> Step:
    """Nothing is under way, and nothing can be begun for now."""
    if is_saturated(job, now_ms, limits):
        reason = saturated_reason(job, now_ms, limits)
        if job.crawl.landed.is_full:
            return _too_large(job, now_ms, limits), ()
        until_ms = job.pacing.indexed_until_ms
        return pause(job, WaitReason.RATE, reason, now_ms, limits, until_ms=until_ms)
    if not job.crawl.flights and now_ms < job.pacing.source_at_ms:
        return spare_source(job, now_ms, limits)
    assert not job.crawl.flights, "pages that are not sent though there is room"
    if job.crawl.page_count < limits.pages_max:
        return yield_turn(job, now_ms)
    reason = (
        f"the source has not come to its end in {job.crawl.page_count} pages: if it is right, "
        "raise pages_max in LIMITS"
    )
    return fail_job(job, ErrorCode.TOO_MANY_PAGES, reason, now_ms, limits), ()


def _too_large(job: Job, now_ms: int, limits: Limits) -> Job:
    """A page that Glean's minute is too short for, and nobody remembers what is in Glean of it."""
    reason = (
        f"page {job.crawl.page_count + 1} has more than {job.crawl.landed.count} changes: have "
        "the source send smaller pages"
    )
    if job.repeats:
        return fail_job(job, ErrorCode.PAGE_TOO_LARGE, reason, now_ms, limits)
    if job.is_reconciling:
        return replace_instead(job, reason, now_ms, limits)
    return promote_to_full(job, reason, now_ms, limits)
