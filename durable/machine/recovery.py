"""What becomes of a job whose source, or Glean, has failed. Pure."""

from msgspec.structs import replace

from durable.errors import Cause, Recourse
from durable.limits import Limits
from durable.machine import window
from durable.machine.closing import (
    has_settled,
    untaken_reason,
)
from durable.machine.effects import (
    Close,
    CloseWithDocument,
    Failed,
    Fetch,
    Send,
)
from durable.machine.job import Job, Mode, Stage, with_pacing, with_upload
from durable.machine.notes import ErrorCode, EventKind
from durable.machine.pacing import (
    asked_wait_ms,
    backoff_ms,
    count_requests,
    count_unheard,
    documents_per_minute,
    not_before,
    slow_down,
)
from durable.machine.states import State
from durable.machine.transfer import flow
from durable.machine.transitions import (
    add_note,
    promote_to_full,
    restart_expired_cursor,
    restart_lost_upload,
)
from durable.machine.waiting import (
    Step,
    count_rest,
    give_up,
    wait_for_retry,
)
from durable.machine.ways import replace_instead


def fail(job: Job, failure: Failed, now_ms: int, limits: Limits) -> Step:
    job, code = _given_up(job, failure, now_ms, limits), _code(failure)
    job = replace(job, error=failure.reason, error_code=code)
    match None if job.repeats else failure.recourse:
        case Recourse.FULL if job.mode is Mode.INCREMENTAL:
            return promote_to_full(job, failure.reason, now_ms, limits), ()
        case Recourse.RESTART:
            return restart_expired_cursor(job, failure.reason, now_ms, limits), ()
    if not failure.is_transient:
        return give_up(job, code, failure.reason, now_ms, limits)
    is_write = isinstance(failure.effect, Send | Close | CloseWithDocument)
    if is_write and failure.cause is Cause.CONFLICT and (job.is_upload or job.is_compared):
        job = with_upload(job, unsettled_at_ms=job.upload.unsettled_at_ms or now_ms)
        if has_settled(job, now_ms, limits):
            return _begin_other_upload(job, failure, now_ms, limits), ()
    asked_ms = asked_wait_ms(failure.retry_after_ms, limits)
    if asked_ms and job.pacing.retry_at_ms is None:
        job = count_rest(job, asked_ms)
    # Others that were under way may have failed before.
    retry_at_ms = max(now_ms + backoff_ms(job, failure, limits), job.pacing.retry_at_ms or 0)
    job = with_pacing(job, retry_at_ms=not_before(retry_at_ms, now_ms))
    job = add_note(job, failure.reason, now_ms, limits, EventKind.RETRY, cause=code)
    if job.state is State.SENDING:
        return flow(job, now_ms, limits)  # until all is heard of that is under way
    return wait_for_retry(job, now_ms, limits)


def _begin_other_upload(job: Job, failure: Failed, now_ms: int, limits: Limits) -> Job:
    """After conflicts that do not end: an upload that is open keeps Glean from single writes, too.

    To open another one ends it.
    """
    if job.is_upload:
        return restart_lost_upload(job, untaken_reason(job, failure.reason), now_ms, limits)
    return replace_instead(job, failure.reason, now_ms, limits)


def _given_up(job: Job, failure: Failed, now_ms: int, limits: Limits) -> Job:
    """With what was asked of the source and of Glean, and may have been heard."""
    job = window.drop_effect(job, failure.effect)
    if isinstance(failure.effect, Fetch | CloseWithDocument):
        job = count_requests(job, 1, now_ms)
    if isinstance(failure.effect, Close | CloseWithDocument) and not failure.may_be_done:
        job = with_upload(job, is_close_begun=False)  # refused, or never sent
    if isinstance(failure.effect, Send) and not job.is_upload:
        if failure.cause is Cause.THROTTLED and failure.document_count:
            job = _slowed(job, failure, now_ms, limits)
        job = count_unheard(job, now_ms, limits)
    return job


def _slowed(job: Job, failure: Failed, now_ms: int, limits: Limits) -> Job:
    """With fewer documents a minute: Glean's own rate is that of a token, which others may use."""
    if job.stage is not Stage.DOCUMENTS:
        return job
    before = documents_per_minute(job, now_ms, limits)
    job = slow_down(job, failure, now_ms, limits)
    per_minute = documents_per_minute(job, now_ms, limits)
    if per_minute == before:
        return job
    text = f"Glean finds {before} documents a minute too many: {per_minute} for now"
    return add_note(job, text, now_ms, limits)


def _code(failure: Failed) -> str:
    """Who it was, and what was wrong."""
    if failure.cause is Cause.MISCONFIGURED:
        return ErrorCode.MISCONFIGURED.value
    end = "source" if isinstance(failure.effect, Fetch) else "glean"
    return f"{end}-{failure.cause}"
