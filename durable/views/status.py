"""What a job looks like from outside."""

from msgspec import Struct

from durable.limits import Limits
from durable.machine.commands import LEGAL
from durable.machine.job import FinishedStage, Job, Mode, Stage, Way
from durable.machine.notes import Note, WaitReason
from durable.machine.remedies import remedy_of
from durable.machine.states import Command, State
from durable.machine.verification import Verification
from durable.timestamps import rfc3339, rfc3339_or_none
from durable.views.explanation import left_ms, waiting_reason, waits_for
from durable.views.findings import Deleted, Processed, Verified, show_processing, show_verification
from durable.views.job_summary import DocumentChanges, changes, missing_list, totals
from durable.views.progress import Progress, progress
from durable.views.steps import earlier_start, next_step, repeated_step
from durable.views.texts import Message, to_message


DEFAULTS = Limits()


class RecentNote(Struct, frozen=True):
    """One of the latest things that happened to a job."""

    at: str
    what: str
    kind: str  # as of `GET /events/<job>`
    cause: str | None  # of a retry, in a word or two


class Brought(Struct, frozen=True):
    """A stage of a job."""

    stage: Stage
    pages: int
    brought: int
    deleted: int
    rejected: int


class Status(Struct, frozen=True, kw_only=True):
    """A job as `GET /status/<job>` shows it. Times are RFC 3339 in UTC."""

    id: str
    connector: str
    mode: Mode
    state: State
    begun_by: str | None  # cron, catch-up, request or retry; None: by code that did not say
    way: Way | None  # of a FULL job's documents: replace or reconcile; None: not chosen
    became_full: bool  # it was asked for as INCREMENTAL: `events` says why
    repeats: str | None  # the job whose rejects this one reads again
    since: str | None  # INCREMENTAL: what has changed since then is read; None: all is
    since_because: Message | None  # it is earlier than the watermark; None: it is not
    stage: Stage  # under way, or the last one
    stages: tuple[Brought, ...]  # with all before it
    waits_for: WaitReason | None  # job, person, retry, rate, source, memory or alarm; None as below
    waits_because: str | None  # None: it works, or has ended
    waits_until: str | None  # None: no time is set
    next_step: Message | None  # what it does next by itself; None: nothing
    remedy: Message | None  # what a person can do, where the job waits for one, or has failed
    if_killed_now: Message | None  # what it would do again; None: nothing
    commands: tuple[Command, ...]  # that it takes now
    created_at: str
    started_at: str | None
    finished_at: str | None
    progress_at: str | None
    left_seconds: int | None  # INCREMENTAL: at the rate at which Glean takes documents
    pages: int  # this and the next four count what Glean has acknowledged, of all stages
    documents: int
    deleted: int
    rejected: int  # records rejected: GET /rejects/<job>
    bytes: int  # of the source's pages
    turns: int
    attempt: int  # of what is being done now; back to 1 with each progress
    next_attempt_at: str | None  # set while the job waits after an error
    last_error: str | None  # since the last progress
    last_error_code: str | None  # its kind, as in `source-throttled` or `too-many-rejects`
    progress: Progress | None  # an estimate
    changes: DocumentChanges | None  # what it did to the documents; None: nobody compares them
    outdated: (
        int  # FULL: documents whose records were rejected, and of which Glean keeps older ones
    )
    missing: int | None  # FULL: what Glean has of the stage, and the source has not
    missing_list: str | None  # a digest of `GET /missing/<job>`, by which an approval names it
    upload_id: str | None
    cursor: str | None  # every record before it is in Glean
    verification: Verified | None  # FULL, after the success; None: the connector wants none
    processing: Processed | None  # likewise
    deletions: tuple[Deleted, ...]  # of its uploads, where they are the latest
    findings: tuple[Message, ...]  # what is worth knowing, though it is no error
    events: tuple[RecentNote, ...]  # the latest last


def status(
    job: Job,
    ahead: Job | None = None,
    limits: Limits = DEFAULTS,
    verification: Verification | None = None,
    now_ms: int | None = None,
) -> Status:
    """A job for the outside.

    Args:
        job: what is shown.
        ahead: the job that this one waits for, if it is queued.
        limits: of the deployment.
        verification: of what the job has brought.
        now_ms: the time, for an estimate of how long it will take.
    """
    notes = (*job.notes, *(verification.notes if verification else ()))
    total, remaining_ms = totals(job), left_ms(job, now_ms or job.created_at_ms, limits)
    has_way = job.mode is Mode.FULL and not job.is_delegated and job.crawl.begun_at_ms > 0
    listed = missing_list(job)
    gone = listed[1] if listed else None
    return Status(
        id=job.id,
        connector=job.connector,
        mode=job.mode,
        state=job.state,
        repeats=job.repeats or None,
        since=rfc3339_or_none(min(job.reaches.values(), default=job.since_ms)),
        since_because=to_message(earlier_start(job)),
        begun_by=job.begun_by or None,
        way=job.way if has_way else None,
        became_full=job.asked_mode is Mode.INCREMENTAL,
        stage=job.stage,
        stages=tuple(_show_stage(part) for part in job.parts),
        waits_for=waits_for(job, ahead),
        waits_because=waiting_reason(job, ahead),
        waits_until=rfc3339_or_none(
            None if job.turn else job.pacing.retry_at_ms or job.alarm_at_ms
        ),
        next_step=to_message(next_step(job)),
        remedy=to_message(remedy_of(job)),
        if_killed_now=to_message(repeated_step(job)),
        commands=LEGAL[job.state],
        created_at=rfc3339(job.created_at_ms),
        started_at=rfc3339_or_none(job.started_at_ms),
        finished_at=rfc3339_or_none(job.finished_at_ms),
        progress_at=rfc3339_or_none(job.pacing.progress_at_ms or None),
        left_seconds=None if remaining_ms is None else remaining_ms // 1_000,
        pages=total.page_count,
        documents=total.document_count,
        deleted=total.deletion_count,
        rejected=total.reject_count,
        bytes=total.byte_count,
        turns=job.turn_count,
        attempt=job.pacing.attempt,
        next_attempt_at=rfc3339_or_none(job.pacing.retry_at_ms),
        last_error=job.error or None,
        last_error_code=job.error_code or None,
        progress=None if now_ms is None else progress(job, now_ms),
        changes=changes(job),
        outdated=job.outdated_count,
        missing=gone.count if gone else None,
        missing_list=gone.digest if gone else None,
        upload_id=job.upload.id or None,
        cursor=job.crawl.cursor,
        verification=show_verification(verification),
        processing=show_processing(verification),
        deletions=(),  # this and the next: known of all of the connector's jobs together
        findings=(),
        events=tuple(_show_note(note) for note in notes),
    )


def _show_note(note: Note) -> RecentNote:
    return RecentNote(rfc3339(note.at_ms), note.text, note.kind, note.cause or None)


def _show_stage(part: FinishedStage) -> Brought:
    counts = (part.page_count, part.document_count, part.deletion_count, part.reject_count)
    return Brought(part.stage, *counts)
