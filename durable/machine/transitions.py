"""The turns that a job's life takes, whatever it is doing. Pure."""

from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import CONFIRMED, UPLOADED, Job, Mode, Plan, Stage, State
from durable.machine.notes import Kind, Note, WaitReason
from durable.machine.pacing import indexed, is_stalled, single_documents_max, soon
from durable.machine.page_progress import Landed
from durable.machine.safeguards import rejection_reason


def from_start(job: Job, plan: Plan, now_ms: int) -> Job:
    """At the start of the job's first stage; without any, there is nothing that it could repeat."""
    stages, shortfall = plan.stages.get(job.mode, (Stage.DOCUMENTS,)), ""
    if job.repeats:
        stages, gone = _repeatable(job, plan)
        told = f"the connector itself brings no {', '.join(gone)} any more: their rejects are left"
        shortfall = told if gone else ""
    job = replace(job, stages=stages, stage_index=0, done=(), is_delegated=plan.is_delegated)
    return anew(replace(job, ties=(), closed=(), shortfall=shortfall), now_ms)


def _repeatable(job: Job, plan: Plan) -> tuple[tuple[Stage, ...], list[Stage]]:
    """Of the stages whose rejects it is to repeat, those that the connector has, and the others.

    A backend that is asked for a page of documents, begins a crawl of all.
    """
    known = frozenset[Stage]().union(*plan.stages.values())
    theirs = {Stage.DOCUMENTS} if plan.is_delegated else set()
    gone = [stage for stage in job.stages if known and stage not in known - theirs]
    return tuple(stage for stage in job.stages if stage not in gone), gone


def anew(job: Job, now_ms: int) -> Job:
    """At the start of the stage, with a new upload; what an earlier crawl counted is void."""
    return replace(
        job,
        state=State.OPENING if job.is_upload else State.SENDING,
        # The next job reads what has changed since then, of every stage.
        started_at_ms=now_ms if job.stage_index == 0 else job.started_at_ms,
        crawl_count=job.crawl_count + 1,
        resumes=False,
        cursor=None,
        has_end=False,
        landmark_cursor=None,
        landmark_page=0,
        landmark_digest="",
        document_cursor=None,
        page_count=0,
        document_count=0,
        deletion_count=0,
        byte_count=0,
        record_count=0,
        reject_count=0,
        attempt=0,
        death_count=0,
        progress_at_ms=now_ms,
        approved_count=None,  # others may be missing now
        closing_index=None,
        is_close_answered=False,
        is_close_begun=False,
        unsettled_at_ms=None,
        landed=Landed(),
        pause_count=0,
        paused_ms=0,
        empty_count=0,
        repeated_count=0,
        total_count=None,
        # A later stage has nothing to do with what the documents told.
        clock_ms=0 if job.stage is Stage.DOCUMENTS else job.clock_ms,
    )


def finished(job: Job, now_ms: int, limits: Limits) -> Job:
    """The stage is over. The one after it has a turn of its own; without one, the job is done."""
    job = progressed(job, now_ms)
    if job.stage_index + 1 >= len(job.stages):
        state = State.FAILED if job.shortfall else State.SUCCEEDED
        return ended(job, state, now_ms, limits, job.shortfall)
    text = f"{job.stage}: {job.document_count} brought"
    job = replace(job, done=job.parts, stage_index=job.stage_index + 1)
    job = replace(grounded(anew(job, now_ms)), alarm_at_ms=soon(now_ms, now_ms))
    return noted(job, text, now_ms, limits, Kind.STAGE)


def promoted(job: Job, reason: str, now_ms: int, limits: Limits) -> Job:
    """An INCREMENTAL job queued again as a FULL one, since changes are not the way any more."""
    assert job.mode is Mode.INCREMENTAL, "a FULL job has nothing to become"
    job = replace(
        grounded(job),
        state=State.QUEUED,
        mode=Mode.FULL,
        asked_mode=job.mode,
        resumes=False,
        since_ms=None,
        cursor=None,
        attempt=0,
        retry_at_ms=None,
        alarm_at_ms=soon(now_ms, now_ms),
    )
    return noted(job, f"becomes a FULL sync: {reason}", now_ms, limits, Kind.PROMOTED)


def rewound(job: Job, reason: str, now_ms: int, limits: Limits) -> Job:
    """Begin the stage anew, since the source does not know the cursor any more."""
    if job.rewind_count >= limits.restarts_max:
        reason = (
            f"the source did not know its cursor any more {job.rewind_count + 1} times, at last: "
            f"{reason}; have it keep cursors for longer, or page by what lasts, as an id. A retry "
            "starts over"
        )
        return ended(replace(job, cursor=None), State.FAILED, now_ms, limits, reason)
    job = replace(
        grounded(anew(job, now_ms)),
        rewind_count=job.rewind_count + 1,
        ties=(),  # or what is sent anew would not count
        alarm_at_ms=soon(now_ms, now_ms),
    )
    return noted(job, f"begins anew: {reason}", now_ms, limits, Kind.RESTARTED)


def redefined(job: Job, plan: Plan, now_ms: int, limits: Limits) -> Job:
    """Begin anew, since the cursor and what was sent are of another connector's definition."""
    if job.redefined_count >= limits.redefinitions_max:
        reason = (
            f"the connector's definition has changed {job.redefined_count + 1} times while the job "
            "ran: if it was not deployed so often, something in it is another at each start, as an "
            "address or a time"
        )
        return ended(job, State.FAILED, now_ms, limits, reason)
    redefined_count = job.redefined_count + 1
    job = replace(from_start(job, plan, now_ms), redefined_count=redefined_count, page_bytes={})
    text = "the connector's definition has changed: begins anew"
    return noted(job, text, now_ms, limits, Kind.RESTARTED)


def taken_up(job: Job, now_ms: int, limits: Limits) -> Job:
    """A job that a person has queued again, where it was; from its start if that is of no use."""
    state = State.OPENING if job.is_upload else State.SENDING
    job = replace(job, state=state, cursor=job.queued_cursor, queued_cursor=None)
    is_unknown = job.is_upload and job.stage not in CONFIRMED  # whether its upload is still open
    is_over = job.is_stage_delegated  # a crawl that has failed does not go on
    if (
        is_misplaced(job)
        or is_unknown
        or is_over
        or (job.has_end and rejection_reason(job, limits) is not None)
    ):
        begun = anew(job, now_ms)
        if is_unknown:  # it is begun anew after each approval, which is that of the new crawl
            begun = replace(begun, approved_count=job.approved_count)
        return noted(begun, "begins anew", now_ms, limits, Kind.RESTARTED)
    return job


def is_misplaced(job: Job) -> bool:
    """Whether an ended job has no place to go on from: a page that names no next one is the last.

    So is one whose cursor the source does not know any more.
    """
    has_begun = job.page_count > 0 or job.rewind_count > 0
    return job.cursor is None and has_begun and not job.has_end


def grounded(job: Job) -> Job:
    """With nothing under way: between two turns, or at the end."""
    ended_turn = job.turn or job.ended_turn
    return replace(
        job, flights=(), is_fetching=False, is_refused=False, turn=None, ended_turn=ended_turn
    )


def paused(job: Job, until_ms: int, wait: WaitReason, reason: str, now_ms: int) -> Job:
    """Nothing is wrong, and nothing is done before then."""
    at_ms = soon(until_ms, now_ms)
    if wait is not WaitReason.MEMORY:  # which nobody asked for
        job = rested(job, at_ms - now_ms)
    return replace(
        grounded(job),
        retry_at_ms=at_ms,
        alarm_at_ms=at_ms,
        pause=reason,
        waits_for=wait.value,
        attempt=max(0, job.attempt - 1),  # the turn after a pause is no further try
    )


def rested(job: Job, pause_ms: int) -> Job:
    """With a rest counted that somebody asked for: it is no time without progress."""
    return replace(job, pause_count=job.pause_count + 1, paused_ms=job.paused_ms + pause_ms)


def progressed(job: Job, now_ms: int) -> Job:
    """Further than before: the turn is the first try to come beyond this."""
    is_failing = job.retry_at_ms is not None  # something else of this turn, and that still counts
    return replace(
        job,
        attempt=1,
        death_count=0,
        progress_at_ms=now_ms,
        unsettled_at_ms=None,
        pause_count=0,
        paused_ms=0,
        error=job.error if is_failing else "",
    )


def died(job: Job, now_ms: int, limits: Limits) -> Job:
    """After a death: that of the isolate, which other connectors share."""
    is_smallest = limits.turn_pages_max >> job.halving_count <= 1
    job = replace(
        job,
        death_count=job.death_count + 1,
        halving_count=min(job.halving_count + 1, limits.turn_pages_max.bit_length()),
    )
    if job.state is State.SENDING and not job.is_upload:
        # Of what it was sending, Glean may have heard, and less than a minute may have passed.
        job = indexed(job, single_documents_max(limits), now_ms, limits)
    text = f"the Worker was killed while {job.state} at page {job.page_count + 1}"
    job = noted(job, text, now_ms, limits, Kind.KILLED)
    if job.death_count < limits.deaths_max or not is_smallest:
        return job
    reason = (
        f"the Worker was killed {job.death_count} times while {job.state} at page "
        f"{job.page_count + 1} (cursor {job.cursor!r:.200}), and no page landed in between. Its "
        "isolate is that of other connectors too, and which of them ended it is not known: see "
        "whose jobs were killed at the same times, and the Worker's log. Retry this one while no "
        "other runs: if it is killed again, have the source send smaller pages"
    )
    return ended(job, State.FAILED, now_ms, limits, reason)


def beside(job: Job, now_ms: int, limits: Limits) -> Job:
    """After a death while the turn only waited: others' doing, but no reason to wait for ever."""
    if not is_stalled(job, now_ms, limits):
        return job
    since_s = (now_ms - job.progress_at_ms) // 1_000
    reason = (
        f"no progress for {since_s} s: the Worker was killed while the job only waited, each time; "
        "see whose jobs were killed at the same times, and retry this one while no other runs"
    )
    return ended(job, State.FAILED, now_ms, limits, reason)


def displaced(job: Job, reason: str, now_ms: int, limits: Limits) -> Job:
    """Begin anew, since Glean no longer has the upload, and nothing that was in it."""
    if job.restart_count >= limits.restarts_max:
        reason = (
            f"Glean no longer had the job's upload {job.restart_count + 1} times, at last: "
            f"{reason}; see whether something else uploads to this datasource"
        )
        job = replace(job, is_close_answered=False)
        return ended(job, State.FAILED, now_ms, limits, reason)
    job = replace(
        grounded(anew(job, now_ms)),
        restart_count=job.restart_count + 1,
        alarm_at_ms=soon(job.retry_at_ms or 0, now_ms),
    )
    return noted(job, f"begins anew: {reason}", now_ms, limits, Kind.RESTARTED)


def ended(job: Job, state: State, now_ms: int, limits: Limits, error: str = "") -> Job:
    job = replace(
        grounded(job),
        state=state,
        finished_at_ms=now_ms,
        retry_at_ms=None,
        alarm_at_ms=None,
        error=error,
        # Until it is queued again, others may have sent.
        ties=job.ties if state is State.SUCCEEDED else (),
        landed=Landed(),
    )
    text = f"{state}: {error}" if error else state.value
    return noted(job, text, now_ms, limits, Kind(state.value))


def noted(  # noqa: PLR0913 - a note's parts
    job: Job, text: str, now_ms: int, limits: Limits, kind: Kind = Kind.NOTE, *, cause: str = ""
) -> Job:
    """With a note of what happened; the same once more takes the place of the latest."""
    notes = job.notes
    if notes and notes[-1].text == text:
        notes = notes[:-1]
    kept = (*notes, Note(now_ms, text, kind.value, cause))[-limits.notes_kept_max :]
    return replace(job, notes=kept)


def brought(job: Job) -> dict[Stage, int]:
    """How much of each kind that is replaced as a whole, the job has brought."""
    elsewhere = {Stage.DOCUMENTS} if job.is_delegated else set()
    stages = UPLOADED - elsewhere
    return {part.stage: part.document_count for part in job.parts if part.stage in stages}
