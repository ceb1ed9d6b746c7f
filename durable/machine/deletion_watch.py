"""Whether Glean has deleted what its bulk uploads no longer had, or has paused that. Pure.

Glean pauses the deletion where it would be too much: a fifth of the documents, and of users and
groups what it does not tell. Until then whoever has left keeps what they had. So the latest
upload of each kind is asked about after its close, until Glean tells; and while the deletion is
paused, until it is over. Nothing is asked while a job is pending, and nothing waits for it.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.index_status import ClosedUpload, Deletions
from durable.machine.job import Stage
from durable.machine.pacing import not_before, verify_pause_ms
from durable.machine.remedies import Remedy, RemedyCode
from durable.timestamps import rfc3339


LASTS_MS_MAX = 8 * 24 * 60 * 60 * 1_000  # Glean pauses a deletion for seven days


class WatchedUpload(Struct, frozen=True, kw_only=True):
    """The latest upload of one kind of thing. Persisted: add fields with defaults, never rename."""

    job_id: str
    upload_id: str
    closed_at_ms: int
    deletions: str  # a `Deletions`; paused also where that is known of the one before it alone
    is_told: bool = False  # of this very upload
    paused_at_ms: int | None = None  # since when that is known

    @property
    def is_paused(self) -> bool:
        return self.deletions == Deletions.PAUSED.value

    @property
    def is_open(self) -> bool:
        """Whether there is still something to be asked."""
        is_over = self.deletions in {Deletions.DONE.value, Deletions.UNKNOWN.value}
        return not (is_over and self.is_told)


class DeletionWatch(Struct, frozen=True, kw_only=True):
    """Of one datasource. Persisted likewise."""

    datasource: str = ""
    uploads: Mapping[Stage, WatchedUpload] = {}
    ask_count: int = 0  # since the latest close; counted as they begin
    ask_at_ms: int | None = None  # the next time; None: no more
    error: str = ""  # of the latest question

    @property
    def paused(self) -> dict[Stage, WatchedUpload]:
        return {stage: upload for stage, upload in self.uploads.items() if upload.is_paused}


def watch_upload(
    watch: DeletionWatch, datasource: str, job_id: str, closed: ClosedUpload, limits: Limits
) -> DeletionWatch:
    """An upload was closed: it is asked about in the place of the one before it."""
    stage = Stage(closed.stage)
    before = watch.uploads.get(stage)
    is_told = closed.deletions != Deletions.PENDING.value
    # What was paused before, still is, as far as anybody knows.
    was_paused = before is not None and before.is_paused
    is_paused = closed.deletions == Deletions.PAUSED.value or (not is_told and was_paused)
    since_ms = before.paused_at_ms if before is not None and was_paused else closed.at_ms
    upload = WatchedUpload(
        job_id=job_id,
        upload_id=closed.upload_id,
        closed_at_ms=closed.at_ms,
        deletions=Deletions.PAUSED.value if is_paused else closed.deletions,
        is_told=is_told,
        paused_at_ms=since_ms if is_paused else None,
    )
    watch = replace(
        watch,
        datasource=datasource,
        uploads={**watch.uploads, stage: upload},
        ask_count=0,
        error="",
    )
    return _scheduled(watch, closed.at_ms, limits)


def next_upload(watch: DeletionWatch, now_ms: int, limits: Limits) -> DeletionWatch:
    """The question begins, and the next one's time is set along with it."""
    uploads = {stage: _outlived(upload, now_ms, limits) for stage, upload in watch.uploads.items()}
    watch = replace(watch, uploads=uploads, ask_count=watch.ask_count + 1)
    return _scheduled(watch, now_ms, limits)


def record_answer(
    watch: DeletionWatch, told: Mapping[str, Deletions], now_ms: int, limits: Limits
) -> DeletionWatch:
    """Glean has told how its uploads are.

    Args:
        watch: before.
        told: by the id of the upload; those that it does not list are not there.
        now_ms: the time.
        limits: of the deployment.
    """
    uploads = {
        stage: _told(upload, told.get(upload.upload_id, Deletions.PENDING), now_ms)
        for stage, upload in watch.uploads.items()
    }
    return _scheduled(replace(watch, uploads=uploads, error=""), now_ms, limits)


def record_silence(watch: DeletionWatch, reason: str, until_ms: int) -> DeletionWatch:
    """Nobody can tell; it is asked again at the time that is set, or once Glean wants to be."""
    ask_at_ms = watch.ask_at_ms
    return replace(watch, error=reason, ask_at_ms=ask_at_ms and max(ask_at_ms, until_ms))


def paused_reason(watch: DeletionWatch) -> str | None:
    """What is paused, and since when; None if nothing is."""
    paused = watch.paused
    if not paused:
        return None
    since_ms = min(upload.paused_at_ms or upload.closed_at_ms for upload in paused.values())
    names = " and ".join(paused)
    return (
        f"DELETION PAUSED: Glean has not deleted the {names} that the latest upload no longer had, "
        f"since {rfc3339(since_ms)}"
    )


def paused_remedy(watch: DeletionWatch) -> Remedy | None:
    """What can be done about what is paused; None if nothing is."""
    if not watch.paused:
        return None
    has_documents = Stage.DOCUMENTS in watch.paused  # those alone can be deleted at once
    code = RemedyCode.DELETE_OR_RESTORE if has_documents else RemedyCode.RESTORE
    return Remedy(code.value)


def _told(upload: WatchedUpload, deletions: Deletions, now_ms: int) -> WatchedUpload:
    match deletions:
        case Deletions.PAUSED:
            since_ms = upload.paused_at_ms or now_ms
            return replace(upload, deletions=deletions.value, is_told=True, paused_at_ms=since_ms)
        case Deletions.DONE:
            return replace(upload, deletions=deletions.value, is_told=True, paused_at_ms=None)
    return upload


def _outlived(upload: WatchedUpload, now_ms: int, limits: Limits) -> WatchedUpload:
    """Unknown, where it was asked about for long enough."""
    lasts_ms = LASTS_MS_MAX if upload.is_told else limits.verify_ms_max
    if not upload.is_open or now_ms < upload.closed_at_ms + lasts_ms:
        return upload
    return replace(upload, deletions=Deletions.UNKNOWN.value, is_told=True, paused_at_ms=None)


def _scheduled(watch: DeletionWatch, now_ms: int, limits: Limits) -> DeletionWatch:
    if not any(upload.is_open for upload in watch.uploads.values()):
        return replace(watch, ask_at_ms=None)
    at_ms = now_ms + verify_pause_ms(watch.ask_count, limits)
    return replace(watch, ask_at_ms=not_before(at_ms, now_ms))
