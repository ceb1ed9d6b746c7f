"""The turns that a job's life takes, whatever it is doing. Pure."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import (
    CONFIRMED,
    Crawl,
    Job,
    JobSpec,
    Mode,
    Stage,
    Upload,
    Way,
    with_crawl,
    with_pacing,
    with_upload,
)
from durable.machine.notes import ErrorCode, EventKind, Note
from durable.machine.pacing import count_unheard, is_stalled, not_before
from durable.machine.page_progress import PageProgress
from durable.machine.safeguards import rejection_reason
from durable.machine.states import State


def begin_crawls(job: Job, spec: JobSpec, now_ms: int) -> Job:
    """At the start of the job's first stage; without any, there is nothing that it could repeat."""
    stages, shortfall = spec.stages.get(job.mode, (Stage.DOCUMENTS,)), ""
    if job.repeats:
        stages, gone = _repeatable(job, spec)
        told = f"the connector itself brings no {', '.join(gone)} any more: their rejects are left"
        shortfall = told if gone else ""
    job = replace(job, stages=stages, stage_index=0, done=(), is_delegated=spec.is_delegated)
    job = replace(job, closed=(), shortfall=shortfall, gone_at_ms=0)
    return restart_stage(job, now_ms)


def _repeatable(job: Job, spec: JobSpec) -> tuple[tuple[Stage, ...], list[Stage]]:
    """Of the stages whose rejects it is to repeat, those that the connector has, and the others.

    A backend that is asked for a page of documents, begins a crawl of all.
    """
    known = frozenset[Stage]().union(*spec.stages.values())
    theirs = {Stage.DOCUMENTS} if spec.is_delegated else set()
    gone = [stage for stage in job.stages if known and stage not in known - theirs]
    return tuple(stage for stage in job.stages if stage not in gone), gone


def restart_stage(job: Job, now_ms: int) -> Job:
    """At the start of the stage, with a new upload; what an earlier crawl counted is void."""
    return replace(
        _made_progress(job, now_ms, attempt=0),
        state=State.OPENING if job.is_upload else State.SENDING,
        # The next job reads what has changed since then, of every stage.
        started_at_ms=now_ms if job.stage_index == 0 else job.started_at_ms,
        crawl_count=job.crawl_count + 1,
        resumes=False,
        # A name of its own, though the clock stands still or goes back.
        crawl=Crawl(begun_at_ms=max(now_ms, job.crawl.begun_at_ms + 1)),
        upload=Upload(),  # an approval is of what was missing then
        # A later stage has nothing to do with what the documents told.
        clock_ms=0 if job.stage is Stage.DOCUMENTS else job.clock_ms,
    )


def finish_stage(job: Job, now_ms: int, limits: Limits) -> Job:
    """The stage is over. The one after it has a turn of its own; without one, the job is done."""
    job = record_progress(job, now_ms)
    if job.stage_index + 1 >= len(job.stages):
        state = State.FAILED if job.shortfall else State.SUCCEEDED
        code = ErrorCode.SHORTFALL if job.shortfall else ""
        return end_job(job, state, now_ms, limits, job.shortfall, code=code)
    text = f"{job.stage}: {job.crawl.document_count} brought"
    job = replace(job, done=job.parts, stage_index=job.stage_index + 1)
    job = replace(
        clear_in_flight(restart_stage(job, now_ms)), alarm_at_ms=not_before(now_ms, now_ms)
    )
    return add_note(job, text, now_ms, limits, EventKind.STAGE)


def promote_to_full(job: Job, reason: str, now_ms: int, limits: Limits) -> Job:
    """An INCREMENTAL job queued again as a FULL one, since changes are not the way any more."""
    assert job.mode is Mode.INCREMENTAL, "a FULL job has nothing to become"
    job = with_crawl(clear_in_flight(job), cursor=None)
    job = replace(
        with_pacing(job, attempt=0, retry_at_ms=None),
        state=State.QUEUED,
        mode=Mode.FULL,
        asked_mode=job.mode,
        resumes=False,
        since_ms=None,
        reaches={},
        alarm_at_ms=not_before(now_ms, now_ms),
    )
    return add_note(job, f"becomes a FULL sync: {reason}", now_ms, limits, EventKind.PROMOTED)


def restart_expired_cursor(job: Job, reason: str, now_ms: int, limits: Limits) -> Job:
    """Begin the stage anew, since the source does not know the cursor any more."""
    if job.rewind_count >= limits.restarts_max:
        reason = (
            f"the source did not know its cursor any more {job.rewind_count + 1} times, at last: "
            f"{reason}; have it keep cursors for longer, or page by what lasts, as an id. A retry "
            "starts over"
        )
        job = with_crawl(job, cursor=None)
        return fail_job(job, ErrorCode.CURSOR_EXPIRED, reason, now_ms, limits)
    job = replace(
        clear_in_flight(restart_stage(job, now_ms)),
        rewind_count=job.rewind_count + 1,
        alarm_at_ms=not_before(now_ms, now_ms),
    )
    return add_note(job, f"begins anew: {reason}", now_ms, limits, EventKind.RESTARTED)


def restart_redefined(job: Job, spec: JobSpec, now_ms: int, limits: Limits) -> Job:
    """Begin anew, since the cursor and what was sent are of another connector's definition."""
    if job.redefined_count >= limits.redefinitions_max:
        reason = (
            f"the connector's definition has changed {job.redefined_count + 1} times while the job "
            "ran: if it was not deployed so often, something in it is another at each start, as an "
            "address or a time"
        )
        return fail_job(job, ErrorCode.REDEFINED, reason, now_ms, limits)
    redefined_count = job.redefined_count + 1
    job = begin_crawls(replace(job, way=Way.REPLACE), spec, now_ms)
    job = replace(job, redefined_count=redefined_count, page_bytes={})
    text = "the connector's definition has changed: begins anew"
    return add_note(job, text, now_ms, limits, EventKind.RESTARTED)


def take_up(job: Job, now_ms: int, limits: Limits, *, has_packs: bool) -> Job:
    """A job that a person has queued again, where it was; from its start if that is of no use.

    Without its packs nobody knows what a FULL crawl has seen: another job has worked meanwhile.
    """
    is_lost = job.mode is Mode.FULL and not has_packs
    job = without_deletions(job) if is_lost else job
    state = State.OPENING if job.is_upload else State.SENDING
    job = with_crawl(replace(job, state=state, queued_cursor=None), cursor=job.queued_cursor)
    is_unknown = job.is_upload and job.stage not in CONFIRMED  # whether its upload is still open
    is_over = job.is_stage_delegated  # a crawl that has failed does not go on
    if (
        is_misplaced(job)
        or is_unknown
        or is_over
        or is_lost
        or (job.crawl.has_end and rejection_reason(job, limits) is not None)
    ):
        begun = restart_stage(job, now_ms)
        return add_note(begun, "begins anew", now_ms, limits, EventKind.RESTARTED)
    return job


def without_deletions(job: Job) -> Job:
    """A FULL job before its deletions: their list is gone, and the documents tell a new one."""
    stages = tuple(stage for stage in job.stages if stage is not Stage.DELETIONS)
    if job.stage is not Stage.DELETIONS:
        return replace(job, stages=stages)
    index = stages.index(Stage.DOCUMENTS)
    return replace(job, stages=stages, stage_index=index, done=job.done[:index])


def is_misplaced(job: Job) -> bool:
    """Whether an ended job has no place to go on from: a page that names no next one is the last.

    So is one whose cursor the source does not know any more.
    """
    has_begun = job.crawl.page_count > 0 or job.rewind_count > 0
    return job.crawl.cursor is None and has_begun and not job.crawl.has_end


def clear_in_flight(job: Job) -> Job:
    """With nothing under way: between two turns, or at the end."""
    job = replace(job, turn=None, ended_turn=job.turn or job.ended_turn)
    return with_crawl(job, flights=(), is_fetching=False, is_refused=False)


def record_progress(job: Job, now_ms: int) -> Job:
    """Further than before: the turn is the first try to come beyond this."""
    # Something else of this turn may have failed, and that still counts.
    if job.pacing.retry_at_ms is None:
        job = replace(job, error="", error_code="")
    if job.upload.unsettled_at_ms is not None:
        job = with_upload(job, unsettled_at_ms=None)
    return _made_progress(job, now_ms, attempt=1)


def _made_progress(job: Job, now_ms: int, attempt: int) -> Job:
    return with_pacing(
        job, attempt=attempt, death_count=0, progress_at_ms=now_ms, pause_count=0, paused_ms=0
    )


def record_death(job: Job, now_ms: int, limits: Limits) -> Job:
    """After a death: that of the isolate, which other connectors share."""
    halving_count, death_count = job.pacing.halving_count, job.pacing.death_count + 1
    is_smallest = limits.turn_pages_max >> halving_count <= 1
    halving_count = min(halving_count + 1, limits.turn_pages_max.bit_length())
    job = with_pacing(job, death_count=death_count, halving_count=halving_count)
    if job.state is State.SENDING and not job.is_upload:
        # Of what it was sending, Glean may have heard, and less than a minute may have passed.
        job = count_unheard(job, now_ms, limits)
    page, cursor = job.crawl.page_count + 1, job.crawl.cursor
    text = f"the Worker was killed while {job.state} at page {page}"
    job = add_note(job, text, now_ms, limits, EventKind.KILLED)
    if death_count < limits.deaths_max or not is_smallest:
        return job
    reason = (
        f"the Worker was killed {death_count} times while {job.state} at page {page} (cursor "
        f"{cursor!r:.200}), and no page landed in between. Its "
        "isolate is that of other connectors too, and which of them ended it is not known: see "
        "whose jobs were killed at the same times, and the Worker's log. Retry this one while no "
        "other runs: if it is killed again, have the source send smaller pages"
    )
    return fail_job(job, ErrorCode.KILLED, reason, now_ms, limits)


def record_idle_death(job: Job, now_ms: int, limits: Limits) -> Job:
    """After a death while the turn only waited: others' doing, but no reason to wait for ever."""
    if not is_stalled(job, now_ms, limits):
        return job
    since_s = (now_ms - job.pacing.progress_at_ms) // 1_000
    reason = (
        f"no progress for {since_s} s: the Worker was killed while the job only waited, each time; "
        "see whose jobs were killed at the same times, and retry this one while no other runs"
    )
    return fail_job(job, ErrorCode.KILLED, reason, now_ms, limits)


def restart_lost_upload(job: Job, reason: str, now_ms: int, limits: Limits) -> Job:
    """Begin anew, since Glean no longer has the upload, and nothing that was in it."""
    if job.restart_count >= limits.restarts_max:
        reason = (
            f"Glean no longer had the job's upload {job.restart_count + 1} times, at last: "
            f"{reason}; see whether something else uploads to this datasource"
        )
        job = with_upload(job, is_close_answered=False)
        return fail_job(job, ErrorCode.UPLOAD_LOST, reason, now_ms, limits)
    job = replace(
        clear_in_flight(restart_stage(job, now_ms)),
        restart_count=job.restart_count + 1,
        alarm_at_ms=not_before(job.pacing.retry_at_ms or 0, now_ms),
    )
    return add_note(job, f"begins anew: {reason}", now_ms, limits, EventKind.RESTARTED)


def hold_job(job: Job, code: str, reason: str, now_ms: int, limits: Limits) -> Job:
    """It waits for a person, with nothing under way and no alarm."""
    job = replace(clear_in_flight(job), state=State.HELD, alarm_at_ms=None)
    job = replace(job, error=reason, error_code=str(code))
    return add_note(job, "held: waits for a person", now_ms, limits, State.HELD)


def fail_job(  # noqa: PLR0913 - an end's parts
    job: Job, code: str, error: str, now_ms: int, limits: Limits, *, remedy: str = ""
) -> Job:
    """It has failed for good, with an `ErrorCode`, or a code of the source's or Glean's error."""
    return end_job(job, State.FAILED, now_ms, limits, error, code=code, remedy=remedy)


def end_job(  # noqa: PLR0913 - an end's parts
    job: Job,
    state: State,
    now_ms: int,
    limits: Limits,
    error: str = "",
    *,
    code: str = "",
    remedy: str = "",
) -> Job:
    job = with_crawl(clear_in_flight(job), landed=PageProgress())
    job = replace(
        with_pacing(job, retry_at_ms=None),
        state=state,
        finished_at_ms=now_ms,
        alarm_at_ms=None,
        error=error,
        error_code=str(code),
        remedy=str(remedy),
    )
    text = f"{state}: {error}" if error else state.value
    return add_note(job, text, now_ms, limits, state)


def add_note(  # noqa: PLR0913 - a note's parts
    job: Job, text: str, now_ms: int, limits: Limits, kind: str = EventKind.NOTE, *, cause: str = ""
) -> Job:
    """Note what happened, an `EventKind` or a `State`; the same again replaces the latest."""
    notes = job.notes
    if notes and notes[-1].text == text:
        notes = notes[:-1]
    kept = (*notes, Note(now_ms, text, str(kind), cause))[-limits.notes_kept_max :]
    return replace(job, notes=kept)
