"""How an upload is closed, and what Glean's history of uploads says of it. Pure."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import ApplyPacks, Close, CloseWithDocument
from durable.machine.index_status import ClosedUpload, Deletions
from durable.machine.job import Job, UploadStatus, with_pacing, with_upload
from durable.machine.pacing import renew_lease
from durable.machine.states import State


def close_effect(job: Job) -> Close | CloseWithDocument:
    """An empty last page; where Glean refuses that, what Glean's own tools send besides.

    What it deletes was named and allowed: Glean is not to think it over. Where the ledger does not
    know all that Glean has, nobody has named it.
    """
    is_checked = not job.crawl.gone.is_whole or job.known_count is None
    if job.upload.closing_index is None:
        return Close(job.upload.id, is_deletion_checked=is_checked)
    if not job.crawl.document_count:
        return Close(job.upload.id, is_only_page=True, is_deletion_checked=is_checked)
    return CloseWithDocument(
        job.upload.id, job.crawl.document_cursor, job.upload.closing_index, is_checked
    )


def record_close(job: Job, deletions: Deletions, now_ms: int) -> Job:
    """Glean has closed the upload: whether it deletes what was not in it, is asked about on."""
    upload = ClosedUpload(job.stage.value, job.upload.id, now_ms, deletions.value)
    return replace(job, closed=(*job.closed, upload))


def apply_upload(job: Job, now_ms: int, limits: Limits) -> tuple[Job, tuple[ApplyPacks]]:
    """Glean has closed the upload: what it brought goes into the ledger, a part at a time."""
    job = replace(with_upload(job, is_closed=True), state=State.CLOSING, resumes=False)
    job = renew_lease(job, now_ms, limits)
    return with_pacing(job, retry_at_ms=None), (ApplyPacks(job.upload.applied_count),)


def is_gone(job: Job, standing: UploadStatus) -> bool:
    """Whether what was sent is lost for certain, however late Glean's history may be."""
    if standing is UploadStatus.UNLISTED:
        return job.upload.is_close_answered  # it was listed before the close
    return standing is UploadStatus.REPLACED


def gone_reason(job: Job, standing: UploadStatus) -> str:
    return f"the upload {job.upload.id} is {standing}"


def has_settled(job: Job, now_ms: int, limits: Limits) -> bool:
    """Whether Glean's history has had its time to tell how the upload stands."""
    assert job.upload.unsettled_at_ms is not None, "nobody waits for it"
    return now_ms - job.upload.unsettled_at_ms >= limits.settle_ms_max


def untaken_reason(job: Job, reason: str) -> str:
    """Why the upload is held for gone, whatever Glean's history says."""
    return f"Glean no longer takes a page of the upload {job.upload.id}: {reason}"


def unsettled_reason(job: Job, limits: Limits) -> str:
    """Why a job whose close was answered cannot be held for done."""
    return (
        f"Glean took the close, and after {limits.settle_ms_max // 1_000} s still has the upload "
        f"{job.upload.id} as open"
    )
