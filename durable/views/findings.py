"""The findings of a verification, and what a person can do about them."""

from msgspec import Struct

from durable.machine.deletion_watch import DeletionWatch
from durable.machine.index_status import PAUSED
from durable.machine.job import Stage
from durable.machine.remedies import Remedy, RemedyCode
from durable.machine.verification import Verdict, Verification
from durable.timestamps import rfc3339, rfc3339_or_none
from durable.views.texts import Message, to_message


class Verified(Struct, frozen=True, kw_only=True):
    """Whether Glean holds the documents that a FULL job has sent."""

    state: Verdict
    sent: int  # documents; an id that the source lists twice is sent twice
    found: int | None  # documents in Glean's index, by its own count
    uploaded: int | None  # documents that Glean has taken; up to three hours late
    least: int  # that `found` may be, by what INCREMENTAL jobs have brought since
    most: int  # likewise
    upload_state: str | None  # in Glean's words
    asked_at: str | None
    next_at: str | None  # no earlier than that; None: the state is for good
    until: str
    last_error: str | None  # of the latest question
    remedy: Message | None


class Processed(Struct, frozen=True, kw_only=True):
    """Glean's processing of all documents at once."""

    asked_at: str | None  # the answer may have been lost: `events` tells
    next_at: str | None  # no earlier than that, once no job is pending


class Deleted(Struct, frozen=True, kw_only=True):
    """Whether Glean has deleted what an upload no longer had."""

    stage: Stage
    state: str  # pending, done, paused, or unknown: Glean has not told
    upload_id: str
    closed_at: str
    paused_since: str | None
    last_error: str | None  # of the latest question


def show_deletions(watch: DeletionWatch, job_id: str | None = None) -> tuple[Deleted, ...]:
    """Of the latest upload of each kind, or of those among them that a job has closed."""
    return tuple(
        Deleted(
            stage=stage,
            state=upload.deletions,
            upload_id=upload.upload_id,
            closed_at=rfc3339(upload.closed_at_ms),
            paused_since=rfc3339_or_none(upload.paused_at_ms),
            last_error=watch.error or None if upload.is_open else None,
        )
        for stage, upload in watch.uploads.items()
        if job_id in {None, upload.job_id}
    )


def show_verification(verification: Verification | None) -> Verified | None:
    """None: nobody has asked for a verification."""
    if verification is None or verification.verdict is None:
        return None
    return Verified(
        state=verification.verdict,
        sent=verification.sent_count,
        found=verification.found_count,
        uploaded=verification.uploaded_count,
        least=verification.least_count,
        most=verification.most_count,
        upload_state=verification.upload_state or None,
        asked_at=rfc3339_or_none(verification.asked_at_ms),
        next_at=rfc3339_or_none(verification.ask_at_ms),
        until=rfc3339(verification.until_ms),
        last_error=verification.error or None,
        remedy=to_message(remedy(verification)),
    )


def show_processing(verification: Verification | None) -> Processed | None:
    """None: nobody has asked for it."""
    if verification is None or not verification.processes:
        return None
    asked_at, next_at = verification.processed_at_ms, verification.process_at_ms
    return Processed(asked_at=rfc3339_or_none(asked_at), next_at=rfc3339_or_none(next_at))


def remedy(verification: Verification) -> Remedy | None:
    """What is to be done; None if nothing is, or only time will help."""
    is_pending = verification.verdict is Verdict.PENDING
    if verification.upload_state == PAUSED and (
        is_pending or verification.verdict is Verdict.MISMATCH
    ):  # until then the counts cannot agree
        return Remedy(RemedyCode.DELETE_OR_RESTORE.value)
    if verification.verdict is Verdict.UNKNOWN:
        return Remedy(RemedyCode.VERIFY_LONGER.value)
    if verification.verdict is not Verdict.MISMATCH or verification.found_count is None:
        return None
    if verification.found_count < verification.least_count:
        return Remedy(RemedyCode.FIND_MISSING.value, {"datasource": verification.datasource})
    return Remedy(RemedyCode.FIND_SURPLUS.value)
