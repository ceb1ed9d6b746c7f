"""What a job does next, and nothing about how.

Pure: no storage, no clock, no network, no `await`. The turn performs the
effects and reports each answer, failures too, as the next event. After a crash
it goes on from the last saved `Job`, so an effect may be performed twice.
"""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import (
    Closed,
    CloseRefused,
    CountDocuments,
    Displaced,
    DocumentsCounted,
    Event,
    Failed,
    Fetched,
    GoneListed,
    NoRoom,
    Open,
    Opened,
    Packed,
    PacksApplied,
    QueryUpload,
    Sent,
    Split,
    UploadQueried,
    Woke,
)
from durable.machine.ending import advance_ledger, close, weigh
from durable.machine.first_contact import count_documents, is_to_be_counted
from durable.machine.job import (
    Job,
    Mode,
    TurnUsage,
    UploadStatus,
    Way,
    with_crawl,
    with_pacing,
    with_upload,
)
from durable.machine.notes import ErrorCode, EventKind
from durable.machine.open_rejects import reach_back
from durable.machine.pacing import (
    count_requests,
    inherit_usage,
    is_spent,
    not_before,
    renew_lease,
    switch_rate,
)
from durable.machine.recovery import fail
from durable.machine.settling import record_closed, settle
from durable.machine.states import PENDING, WORKING, State
from durable.machine.transfer import (
    crowd,
    cut,
    flow,
    land,
    split,
    take,
)
from durable.machine.transitions import (
    add_note,
    begin_crawls,
    clear_in_flight,
    fail_job,
    promote_to_full,
    record_death,
    record_idle_death,
    record_progress,
    restart_lost_upload,
    restart_redefined,
    restart_stage,
    take_up,
)
from durable.machine.waiting import Step, spare_source, yield_turn
from durable.machine.ways import replace_instead, replacing_reason
from durable.timestamps import rfc3339


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
            return restart_lost_upload(job, reason, now_ms, limits), ()
        case State.OPENING, UploadQueried() if job.resumes:
            return _resume(job, event, now_ms, limits)
        case State.SENDING, UploadQueried() if job.is_reconciling:
            return _read_history(job, event, now_ms, limits)
        case State.OPENING, DocumentsCounted(counts):
            job = count_documents(job, counts, now_ms, limits)
            if job.state is State.HELD:
                return job, ()
            return _begin(record_progress(job, now_ms), now_ms, limits)
        case State.OPENING, Opened():
            text = f"opened the upload {job.upload.id}"
            job = add_note(job, text, now_ms, limits, EventKind.OPENED)
            return _begin(
                record_progress(replace(job, state=State.SENDING), now_ms), now_ms, limits
            )
        case State.SENDING, Fetched() if job.crawl.is_fetching:
            return take(with_crawl(job, is_fetching=False), event, now_ms, limits)
        case ((State.SENDING | State.CLOSING), NoRoom()):
            return crowd(job, event, now_ms, limits)
        case State.SENDING, Packed():
            return cut(job, event, now_ms, limits)
        case State.SENDING, Sent():
            return land(job, event, now_ms, limits)
        case State.SENDING, Split():
            return split(job, event, now_ms, limits)
        case State.SENDING, GoneListed():
            return weigh(job, event, now_ms, limits)
        case State.CLOSING, UploadQueried():
            return settle(job, event, now_ms, limits)
        case State.CLOSING, CloseRefused(reason):
            return _refused(job, reason, now_ms, limits)
        case State.CLOSING, Closed():
            job = with_upload(job, is_close_answered=True, unsettled_at_ms=None)
            return close(job, now_ms, limits)
        case State.CLOSING, PacksApplied():
            return advance_ledger(job, event, now_ms, limits)
    raise AssertionError(f"{event} while {job.state} at page {job.crawl.page_count}")


def _wake(job: Job, woke: Woke, now_ms: int, limits: Limits) -> Step:
    retry_at_ms, spec = job.pacing.retry_at_ms, woke.spec
    if retry_at_ms is not None and now_ms < retry_at_ms:
        return replace(
            job, alarm_at_ms=not_before(retry_at_ms, now_ms)
        ), ()  # alarms fire early too
    is_known = bool(job.fingerprint and spec.fingerprint) and job.state is not State.CLOSING
    is_redefined = is_known and job.fingerprint != spec.fingerprint
    if job.turn is not None and not is_redefined:
        job = (record_idle_death if job.turn.is_apart else record_death)(job, now_ms, limits)
        if job.state is State.FAILED:
            return job, ()
    is_queued = job.state is State.QUEUED
    if is_queued:
        job = with_pacing(job, progress_at_ms=now_ms, pause_count=0, paused_ms=0)
        job = inherit_usage(job, woke.last, spec.fingerprint)
        # Whatever was counted, or approved of, was so in an earlier life.
        job = replace(job, named_count=woke.documents.named_count, is_counted=False)
        if not job.resumes or job.started_at_ms is None or job.shortfall:
            job = _begun(job, woke, now_ms, limits)
        else:
            job = take_up(job, now_ms, limits, has_packs=woke.has_packs)
    if is_redefined:
        job = restart_redefined(job, spec, now_ms, limits)
        if job.state is State.FAILED:
            return job, ()
    if job.repeats and not job.stages:
        reason = f"the connector brings nothing any more of what {job.repeats} has rejected"
        return fail_job(job, ErrorCode.NOTHING_TO_REPEAT, reason, now_ms, limits), ()
    if is_queued or job.state is State.OPENING or woke.known_counts:
        job = replace(job, known_count=woke.known_counts.get(job.stage))
    job = switch_rate(job, spec.rates.get(job.stage), now_ms)
    job = with_pacing(
        clear_in_flight(job),  # what was under way, was in the memory of an earlier turn
        attempt=job.pacing.attempt + 1,
        retry_at_ms=None,
        pause="",
        waits_for="",
    )
    job = replace(
        job,
        fingerprint=spec.fingerprint or job.fingerprint,
        behind_ms_max=spec.behind_ms_max,
        turn=TurnUsage(started_at_ms=now_ms),
        turn_count=job.turn_count + 1,
        alarm_at_ms=_lease_at_ms(woke, now_ms, limits),
    )
    return _begin(job, now_ms, limits)


def _lease_at_ms(woke: Woke, now_ms: int, limits: Limits) -> int | None:
    """The end of the lease that there is: each alarm that is set costs a row written."""
    at_ms = woke.armed_at_ms
    return at_ms if at_ms is not None and at_ms - now_ms <= limits.lease_ms else None


def _begun(job: Job, woke: Woke, now_ms: int, limits: Limits) -> Job:
    """A job at its very start. Changes that the source does not know any more, it cannot bring."""
    kept_ms, watermark_ms = woke.spec.kept_ms, woke.watermark_ms
    if job.repeats:
        text = f"repeats {job.repeats}"
        return add_note(begin_crawls(job, woke.spec, now_ms), text, now_ms, limits, EventKind.BEGUN)
    is_incremental = job.mode is Mode.INCREMENTAL
    if is_incremental and kept_ms is not None and (watermark_ms or 0) < now_ms - kept_ms:
        days = kept_ms / DAY_MS
        job = promote_to_full(
            job, f"the source keeps its changes for {days:g} days", now_ms, limits
        )
    job = replace(job, since_ms=None if job.mode is Mode.FULL else watermark_ms)
    job = reach_back(job, woke.rejects, woke.spec, now_ms, limits)
    reason = replacing_reason(job, woke.documents, woke.spec.fingerprint, now_ms, limits)
    way = Way.RECONCILE if reason is None else Way.REPLACE
    job = replace(job, way=way, known_upload_id=woke.documents.upload_id)
    job = begin_crawls(job, woke.spec, now_ms)
    job = add_note(job, "begun", now_ms, limits, EventKind.BEGUN)
    return _told_reaches(job, now_ms, limits)


def _told_reaches(job: Job, now_ms: int, limits: Limits) -> Job:
    for stage, from_ms in job.reaches.items():
        text = f"reads {stage} since {rfc3339(from_ms)}: rejected records are tried again"
        job = add_note(job, text, now_ms, limits)
    return job


def _begin(job: Job, now_ms: int, limits: Limits) -> Step:
    """Open, send or close, whichever it is time for."""
    job = renew_lease(job, now_ms, limits)
    match job.state:
        case State.OPENING if is_to_be_counted(job):  # an upload that is open, too: it may close
            return job, (CountDocuments(),)
        case State.OPENING if job.resumes and job.upload.id:
            return job, (QueryUpload(job.upload.id),)
        case State.OPENING:
            # A late request of an earlier try must not be taken for this upload's opening.
            upload_count = job.upload_count + 1
            upload_id = f"{job.id}-{upload_count}"
            job = replace(job, upload_count=upload_count, resumes=False)
            return with_upload(job, id=upload_id), (Open(upload_id),)
        case State.SENDING if job.is_reconciling and not job.crawl.is_history_read:
            return job, (QueryUpload(job.known_upload_id),)
        case State.SENDING:
            return flow(job, now_ms, limits)
        case _:
            return close(job, now_ms, limits)


def _resume(job: Job, asked: UploadQueried, now_ms: int, limits: Limits) -> Step:
    """Go on from the stored cursor, if its upload is still the one that Glean has open."""
    standing = asked.standing
    if standing is UploadStatus.OPEN:
        job = record_progress(replace(job, state=State.SENDING, resumes=False), now_ms)
    elif standing is UploadStatus.CLOSED and job.crawl.has_end:
        return record_closed(job, asked.deletions, now_ms, limits)
    else:
        text = f"the upload {job.upload.id} is {standing}: begins anew"
        job = with_pacing(restart_stage(job, now_ms), attempt=1)
        job = add_note(job, text, now_ms, limits, EventKind.RESTARTED)
    return _begin(job, now_ms, limits)


def _read_history(job: Job, asked: UploadQueried, now_ms: int, limits: Limits) -> Step:
    """Compare with the ledger what nobody else has changed; where somebody has, bring all anew."""
    if asked.foreign_id:
        reason = f"the upload {asked.foreign_id} is none of this connector's"
        return replace_instead(job, reason, now_ms, limits), ()
    job = with_crawl(record_progress(job, now_ms), is_history_read=True)
    return _begin(job, now_ms, limits)


def _refused(job: Job, reason: str, now_ms: int, limits: Limits) -> Step:
    """Try the close in another way, if there is one left."""
    index = job.upload.closing_index
    if index is not None and not job.crawl.document_count:
        return fail_job(job, ErrorCode.CLOSE_REFUSED, reason, now_ms, limits), ()
    if index is not None:
        job = count_requests(job, 1, now_ms)  # for the page that the document was on
    assert job.turn is not None, "an upload is closed within a turn"
    turn = replace(job.turn, request_count=job.turn.request_count + REQUESTS_PER_CLOSE)
    index = 0 if index is None else index + 1
    job = with_upload(replace(job, turn=turn), closing_index=index, is_close_begun=False)
    # The last page may have as many documents as there are ways to close.
    if is_spent(job, turn, now_ms, limits):
        return yield_turn(job, now_ms)
    if job.crawl.document_count and now_ms < job.pacing.source_at_ms:
        return spare_source(job, now_ms, limits)
    return close(job, now_ms, limits)
