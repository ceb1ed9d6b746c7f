"""How an upload that is being closed stands by Glean's history, and what follows. Pure."""

from durable.errors import Cause
from durable.limits import Limits
from durable.machine.closing import (
    apply_upload,
    close_effect,
    gone_reason,
    has_settled,
    is_gone,
    record_close,
    unsettled_reason,
)
from durable.machine.effects import Failed, UploadQueried
from durable.machine.index_status import Deletions
from durable.machine.job import Job, UploadStatus, with_upload
from durable.machine.notes import ErrorCode, EventKind
from durable.machine.pacing import renew_lease
from durable.machine.recovery import fail
from durable.machine.remedies import RemedyCode
from durable.machine.transitions import add_note, fail_job, restart_lost_upload
from durable.machine.waiting import Step


def record_closed(job: Job, deletions: Deletions, now_ms: int, limits: Limits) -> Step:
    """The stage is over; where Glean says already that it does not delete, that is told."""
    if deletions is Deletions.PAUSED:
        text = f"DELETION PAUSED: Glean has not deleted the {job.stage} that were not in the upload"
        job = add_note(job, text, now_ms, limits, EventKind.DELETIONS)
    return apply_upload(record_close(job, deletions, now_ms), now_ms, limits)


def settle(job: Job, asked: UploadQueried, now_ms: int, limits: Limits) -> Step:
    """Close an upload that is open, and succeed once Glean holds it for closed."""
    match standing := asked.standing:
        case UploadStatus.CLOSED:
            return record_closed(job, asked.deletions, now_ms, limits)
        case UploadStatus.OPEN if not job.upload.is_close_answered:
            return renew_lease(job, now_ms, limits), (close_effect(job),)
        case UploadStatus.OPEN | UploadStatus.UNLISTED if not is_gone(job, standing):
            return _wait_for_history(job, standing, now_ms, limits)
    return restart_lost_upload(job, gone_reason(job, standing), now_ms, limits), ()


def _wait_for_history(job: Job, standing: UploadStatus, now_ms: int, limits: Limits) -> Step:
    """Glean's history may be late: what it does not list may be open, what is open closed."""
    job = with_upload(job, unsettled_at_ms=job.upload.unsettled_at_ms or now_ms)
    if not has_settled(job, now_ms, limits):
        reason = f"Glean's history still has the upload {job.upload.id} as {standing}"
        return fail(job, Failed(reason, is_transient=True, cause=Cause.LATE), now_ms, limits)
    if not job.upload.is_close_answered:
        return restart_lost_upload(job, gone_reason(job, standing), now_ms, limits), ()
    reason = unsettled_reason(job, limits)
    code, remedy = ErrorCode.UPLOAD_UNSETTLED, RemedyCode.CHECK_UPLOADS
    return fail_job(job, code, reason, now_ms, limits, remedy=remedy), ()
