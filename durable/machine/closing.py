"""How an upload is closed, and what Glean's history of uploads says of it. Pure."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import Close, CloseWithDocument
from durable.machine.index_status import ClosedUpload, Deletions
from durable.machine.job import Job, Standing


def closing(job: Job) -> Close | CloseWithDocument:
    """An empty last page; where Glean refuses that, what Glean's own tools send besides."""
    if job.closing_index is None:
        return Close(job.upload_id)
    if not job.document_count:
        return Close(job.upload_id, is_only_page=True)
    return CloseWithDocument(job.upload_id, job.document_cursor, job.closing_index)


def closed(job: Job, deletions: Deletions, now_ms: int) -> Job:
    """Glean has closed the upload: whether it deletes what was not in it, is asked about on."""
    upload = ClosedUpload(job.stage.value, job.upload_id, now_ms, deletions.value)
    return replace(job, closed=(*job.closed, upload))


def is_gone(job: Job, standing: Standing) -> bool:
    """Whether what was sent is lost for certain, however late Glean's history may be."""
    if standing is Standing.UNLISTED:
        return job.is_close_answered  # it was listed before the close
    return standing is Standing.REPLACED


def gone_reason(job: Job, standing: Standing) -> str:
    return f"the upload {job.upload_id} is {standing}"


def has_settled(job: Job, now_ms: int, limits: Limits) -> bool:
    """Whether Glean's history has had its time to tell how the upload stands."""
    assert job.unsettled_at_ms is not None, "nobody waits for it"
    return now_ms - job.unsettled_at_ms >= limits.settle_ms_max


def untaken_reason(job: Job, reason: str) -> str:
    """Why the upload is held for gone, whatever Glean's history says."""
    return f"Glean no longer takes a page of the upload {job.upload_id}: {reason}"


def unsettled_reason(job: Job, limits: Limits) -> str:
    """Why a job whose close was answered cannot be held for done."""
    return (
        f"Glean took the close, and after {limits.settle_ms_max // 1_000} s still has the upload "
        f"{job.upload_id} as open: see whether something else uploads to this datasource; if "
        f"Glean's history is that late, raise settle_ms_max in LIMITS, and POST /retry/{job.id}"
    )
