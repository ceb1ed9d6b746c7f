"""The pages under way: read ahead of what Glean has, sent side by side, landed in order. Pure.

The cursor is the low-water mark: it moves past a page once that page and all
before it are in Glean, whatever of the later ones is there already.
"""

from functools import reduce

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import Effect, Fetch, Pack, Packed, Send, Sent, Split
from durable.machine.job import Job, Mode, Stage, with_crawl
from durable.machine.pacing import add_usage
from durable.machine.page_progress import PageProgress
from durable.machine.pages import InFlightPage
from durable.machine.room import width, with_page
from durable.machine.safeguards import is_repeated, largest_total


def landed_pages(before: Job, after: Job) -> range:
    """The pages that have landed with a step, by their index."""
    first = before.crawl.page_count
    return range(first, after.page_base + after.crawl.page_count - before.page_base)


def commit_page(job: Job) -> Job:
    """With its oldest page in Glean."""
    before, turn = job.crawl, job.turn
    flight, *others = before.flights
    page, page_count = flight.page, before.page_count + 1
    assert turn is not None, "pages land within a turn"
    crawl = replace(
        before,
        flights=tuple(others),
        cursor=page.next_cursor,
        has_end=page.next_cursor is None,
        document_cursor=before.cursor if flight.document_count else before.document_cursor,
        page_count=page_count,
        document_count=before.document_count + flight.document_count,
        deletion_count=before.deletion_count + flight.deletion_count,
        byte_count=before.byte_count + page.byte_count,
        changes=before.changes + page.changes,
        record_count=before.record_count + page.record_count,
        reject_count=before.reject_count + flight.reject_count,
        total_count=largest_total(job, page),
        landed=PageProgress(),
        empty_count=0 if page.record_count or page.is_bounded else before.empty_count + 1,
        repeated_count=before.repeated_count + is_repeated(job, page),
        lost_member_count=before.lost_member_count + page.lost_member_count,
    )
    job = replace(
        job,
        crawl=crawl,
        turn=add_usage(turn, flight),
        shortfall=job.shortfall or page.shortfall,
        clock_ms=max(job.clock_ms, flight.clock_ms),
        page_bytes=with_page(job, page),
    )
    if page_count.bit_count() > 1:
        return job
    # A power of two, so that a circle of any length is found in time.
    return with_crawl(
        job, landmark_cursor=page.next_cursor, landmark_page=page_count, landmark_digest=page.digest
    )


def after_in_flight(job: Job) -> Job:
    """The job as it is once all pages that were fetched have landed."""
    while job.crawl.flights:
        job = commit_page(job)
    return job


def reach(job: Job) -> Job:
    """The same, but only what tells whether another page is read, and where: it is asked often."""
    flights = job.crawl.flights
    if not flights:
        return job
    assert job.turn is not None, "pages are read within a turn"
    cursor, page_count = flights[-1].page.next_cursor, job.crawl.page_count + len(flights)
    job = replace(job, turn=reduce(add_usage, flights, job.turn))
    return with_crawl(job, cursor=cursor, has_end=cursor is None, page_count=page_count)


def is_idle(job: Job) -> bool:
    """Whether no answer is waited for."""
    is_sending = any(flight.sending or not flight.is_packed for flight in job.crawl.flights)
    return not job.crawl.is_fetching and not is_sending


def take_packed(job: Job, event: Packed) -> Job:
    flight = _flight(job, event.page_index)
    assert not flight.is_packed, f"{event} for the second time"
    page = replace(
        flight.page,
        batch_count=event.batch_count,
        document_count=event.document_count,
        deletion_count=event.deletion_count,
        reject_count=event.reject_count,
        changes=event.changes,
        shortfall=event.shortfall,
        lost_member_count=event.lost_member_count,
    )
    job = _with(job, event.page_index, replace(flight, page=page, is_packed=True))
    if event.page_index == job.crawl.page_count:
        job = with_crawl(job, landed=job.crawl.landed.doubted(event.doubts))
    return job


def acknowledge(job: Job, sent: Sent) -> Job:
    """One more batch is in Glean, or rejected."""
    flight = _flight(job, sent.page_index)
    flight = replace(
        flight,
        sending=_without(flight.sending, sent.batch_index),
        sent_count=flight.sent_count + 1,
        rejected_document_count=flight.rejected_document_count + sent.rejected_document_count,
        rejected_deletion_count=flight.rejected_deletion_count + sent.rejected_deletion_count,
        refused_record_count=flight.refused_record_count + sent.refused_record_count,
        withdrawn_count=flight.withdrawn_count + sent.withdrawn_count,
    )
    job = _with(job, sent.page_index, flight)
    is_front = sent.page_index == job.crawl.page_count
    if flight.is_whole or not is_front or not remembers(job):
        return job
    return with_crawl(job, landed=job.crawl.landed.acknowledged(sent.entries))


def remembers(job: Job) -> bool:
    """Whether each change of the oldest page is remembered, as the next try may have to know.

    A page of an upload mostly lands with its only request, and costs nothing more than that.
    """
    is_troubled = bool(job.error) or job.pacing.death_count > 0
    return not job.is_upload or is_troubled or job.crawl.landed != PageProgress()


def split_batch(job: Job, split: Split) -> Job:
    """What takes a batch's place is sent before whatever follows, so that changes keep order."""
    flight = _flight(job, split.page_index)
    halves = () if split.half_index is None else (split.half_index,)
    assert set(halves) <= {flight.batch_count}, f"{split} of {flight.batch_count} batches"
    flight = replace(
        flight,
        sending=_without(flight.sending, split.batch_index),
        halves=(split.batch_index, *halves, *flight.halves),
        half_count=flight.half_count + len(halves),
    )
    job = _with(job, split.page_index, flight)
    if split.page_index != job.crawl.page_count or not remembers(job):
        return job
    # The next try begins with as few, and does not find out again what is refused together.
    landed = replace(job.crawl.landed, batch_changes_max=split.batch_changes_max)
    return with_crawl(job, landed=landed)


def drop_effect(job: Job, effect: Effect | None) -> Job:
    """No answer to this is waited for any more."""
    match effect:
        case Fetch():
            return with_crawl(job, is_fetching=False)
        case Send(page_index, batch_index):
            flight = _flight(job, page_index)
            flight = replace(flight, sending=_without(flight.sending, batch_index))
            return _with(with_crawl(job, is_refused=True), page_index, flight)
    return job


def begin_sends(job: Job, limits: Limits) -> tuple[Job, list[Send]]:
    """As many batches as may be under way, the oldest first.

    An upload takes its pages side by side and in any order. Changes of single
    documents may be two of one document, so each waits for the one before it.
    """
    if job.crawl.is_refused:
        return job, []
    room = width(job, limits) - sum(len(flight.sending) for flight in job.crawl.flights)
    begun: list[Send] = []
    for page_index, flight in enumerate(job.crawl.flights, start=job.crawl.page_count):
        while room > 0 and (index := _next_batch(flight)) is not None:
            flight = _begun(flight, index)  # noqa: PLW2901 - the same flight, further on
            job = _with(job, page_index, flight)
            begun.append(Send(page_index, index))
            room -= 1
        if room <= 0 or not job.is_upload:
            break
    return job, begun


def begin_fetch(job: Job, ahead: Job) -> tuple[Job, Fetch]:
    """The page after those that were fetched."""
    fetch = Fetch(ahead.crawl.page_count, ahead.crawl.cursor)
    return with_crawl(job, is_fetching=True), fetch


def pack_latest(job: Job) -> Pack | None:
    """The page that was fetched last, unless it has to wait for one before it.

    What that sends, the ledger does not have yet: pages are compared in their order.
    """
    *before, _ = job.crawl.flights
    is_waiting = not all(flight.is_packed for flight in before)
    return None if is_waiting else _pack(job, len(before))


def pack_next(job: Job) -> Pack | None:
    """The page that has waited for the one that is packed now."""
    waiting = [place for place, flight in enumerate(job.crawl.flights) if not flight.is_packed]
    return _pack(job, waiting[0]) if waiting else None


def _pack(job: Job, place: int) -> Pack:
    page_index = job.crawl.page_count + place
    landed = (PageProgress() if place else job.crawl.landed) if remembers(job) else None
    upload_id = job.upload.id if job.is_upload else ""
    if job.stage is Stage.MEMBERSHIPS:
        # Each group's is an upload, and each try another one.
        upload_id = f"{job.id}-{job.turn_count}-{page_index + 1}"
    return Pack(
        page_index,
        upload_id,
        job.batch_bytes_max,
        landed,
        is_all_sent=job.is_upload,
        lists_all=job.mode is Mode.FULL and job.stage is not Stage.DELETIONS,
    )


def _next_batch(flight: InFlightPage) -> int | None:
    if flight.halves:
        return flight.halves[0]
    is_over = flight.begun_count == flight.page.batch_count
    return None if is_over else flight.begun_count


def _begun(flight: InFlightPage, index: int) -> InFlightPage:
    sending = (*flight.sending, index)
    if flight.halves:
        return replace(flight, sending=sending, halves=flight.halves[1:])
    return replace(flight, sending=sending, begun_count=flight.begun_count + 1)


def _flight(job: Job, page_index: int) -> InFlightPage:
    place = page_index - job.crawl.page_count
    assert 0 <= place < len(job.crawl.flights), f"page {page_index} is not under way"
    return job.crawl.flights[place]


def _with(job: Job, page_index: int, flight: InFlightPage) -> Job:
    place, flights = page_index - job.crawl.page_count, job.crawl.flights
    return with_crawl(job, flights=(*flights[:place], flight, *flights[place + 1 :]))


def _without(sending: tuple[int, ...], index: int) -> tuple[int, ...]:
    assert index in sending, f"batch {index} is not under way"
    return tuple(other for other in sending if other != index)
