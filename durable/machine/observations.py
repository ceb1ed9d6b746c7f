"""What was noticed of a connector over several jobs, though none failed of it. Pure."""

from msgspec import Struct
from msgspec.structs import replace

from durable.machine.job import Job, Mode, Stage
from durable.machine.pages import ChangeCounts


NOTHING = ChangeCounts()
UPLOAD_ID_CHARACTERS_MAX = 200
UNSTEADY_CRAWLS = 2  # in a row: once, the source may have been reworked


class Steadiness(Struct, frozen=True):
    """Whether documents come as they came before. Persisted: add fields with defaults."""

    fingerprint: str = ""  # of the connector, as the latest FULL job that succeeded had it
    job_id: str = ""  # of that job
    unsteady_count: int = 0  # FULL crawls in a row that had most documents other than before
    rewritten_count: int = 0  # documents of the latest one that had other content
    known_count: int = 0  # of so many whose content was known

    @property
    def is_unstable(self) -> bool:
        return self.unsteady_count >= UNSTEADY_CRAWLS


def observe_crawl(before: Steadiness, job: Job) -> Steadiness:
    """With what a job has come by that has succeeded.

    What another definition makes of the same records says nothing, and neither does a crawl that
    had nothing to compare with.
    """
    is_compared = job.mode is Mode.FULL and not job.repeats and not job.is_delegated
    if not is_compared or not job.fingerprint or job.id == before.job_id:
        return before
    if job.fingerprint != before.fingerprint:
        return Steadiness(job.fingerprint, job.id)
    changes = sum((part.changes for part in job.parts if part.stage is Stage.DOCUMENTS), NOTHING)
    known_count = changes.rewritten + changes.access + changes.unchanged
    if not known_count:
        return replace(before, job_id=job.id)
    is_unsteady = 2 * changes.rewritten > known_count
    return Steadiness(
        job.fingerprint,
        job.id,
        before.unsteady_count + 1 if is_unsteady else 0,
        changes.rewritten,
        known_count,
    )


class ForeignUploads(Struct, frozen=True):
    """Uploads to the datasource that no job of the connector began. Persisted likewise."""

    count: int = 0  # that were ever seen
    upload_id: str = ""  # of the latest
    job_id: str = ""  # that has seen it


def observe_upload(before: ForeignUploads, upload_id: str, job: Job) -> ForeignUploads:
    """With one that Glean's history has; "": it has none."""
    upload_id = upload_id[:UPLOAD_ID_CHARACTERS_MAX]
    if not upload_id or upload_id == before.upload_id:
        return before
    return ForeignUploads(before.count + 1, upload_id, job.id)
