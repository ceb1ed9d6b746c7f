"""The end of a stage: what the source has is weighed, and becomes what Glean has. Pure."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.closing import apply_upload, close_effect
from durable.machine.effects import GoneListed, ListGone, PacksApplied, QueryUpload
from durable.machine.job import CONFIRMED, Job, Mode, Stage, with_crawl, with_upload
from durable.machine.members import withheld_reason
from durable.machine.notes import ErrorCode
from durable.machine.pacing import is_spent, renew_lease
from durable.machine.remedies import RemedyCode
from durable.machine.safeguards import holding_reason, rejection_reason
from durable.machine.states import State
from durable.machine.transitions import (
    add_note,
    fail_job,
    finish_stage,
    hold_job,
    record_progress,
    restart_lost_upload,
)
from durable.machine.waiting import Step, yield_turn
from durable.machine.ways import with_deletions


def arrive(job: Job, now_ms: int, limits: Limits) -> Step:
    """At the end of the source: what was read becomes what Glean has, if it may."""
    if (reason := rejection_reason(job, limits)) is not None:
        return reject_too_many(job, reason, now_ms, limits)
    is_withheld = job.crawl.is_withheld and job.mode is Mode.FULL
    if not job.is_upload and not job.is_reconciling and not is_withheld:
        return finish_stage(job, now_ms, limits), ()
    if not job.crawl.gone.is_whole:
        return renew_lease(job, now_ms, limits), (ListGone(job.crawl.gone),)
    if (reason := withheld_reason(job) if is_withheld else holding_reason(job, limits)) is not None:
        return hold_job(job, ErrorCode.DELETIONS, reason, now_ms, limits), ()
    if job.is_reconciling:
        return finish_stage(with_deletions(job), now_ms, limits), ()
    return _begin_close(job, now_ms, limits)


def _begin_close(job: Job, now_ms: int, limits: Limits) -> Step:
    text = "at the end of the source"
    job = add_note(replace(job, state=State.CLOSING), text, now_ms, limits, State.CLOSING)
    assert job.turn is not None, "the end is reached within a turn"
    if is_spent(job, job.turn, now_ms, limits):
        return yield_turn(job, now_ms)
    return close(job, now_ms, limits)


def weigh(job: Job, listed: GoneListed, now_ms: int, limits: Limits) -> Step:
    """Some more is known of what the crawl has not seen; with all of it, the end is decided on."""
    job = record_progress(with_crawl(job, gone=listed.gone), now_ms)
    if job.stage is Stage.DOCUMENTS:
        job = replace(job, outdated_count=listed.gone.outdated_count)
    assert job.turn is not None, "the ledger is compared within a turn"
    if not listed.gone.is_whole and is_spent(job, job.turn, now_ms, limits):
        return yield_turn(job, now_ms)
    return arrive(job, now_ms, limits)


def close(job: Job, now_ms: int, limits: Limits) -> Step:
    """Ask how the upload stands before it is closed; where Glean cannot be asked, close it once."""
    if job.upload.is_closed:
        return apply_upload(job, now_ms, limits)
    if job.stage in CONFIRMED:
        return renew_lease(job, now_ms, limits), (QueryUpload(job.upload.id),)
    if job.upload.is_close_answered:
        return apply_upload(job, now_ms, limits)
    if job.upload.is_close_begun:
        reason = f"the answer to the close of {job.upload.id} was lost, and Glean does not tell"
        return restart_lost_upload(job, reason, now_ms, limits), ()
    return renew_lease(with_upload(job, is_close_begun=True), now_ms, limits), (close_effect(job),)


def advance_ledger(job: Job, applied: PacksApplied, now_ms: int, limits: Limits) -> Step:
    """One more part of the upload is in the ledger."""
    if applied.after is None:
        return finish_stage(job, now_ms, limits), ()
    job = record_progress(with_upload(job, applied_count=applied.after), now_ms)
    assert job.turn is not None, "an upload is applied within a turn"
    if is_spent(job, job.turn, now_ms, limits):
        return yield_turn(job, now_ms)
    return apply_upload(job, now_ms, limits)


def reject_too_many(job: Job, reason: str, now_ms: int, limits: Limits) -> Step:
    remedy = RemedyCode.CORRECT_RECORDS
    return fail_job(job, ErrorCode.REJECTS, reason, now_ms, limits, remedy=remedy), ()
