"""A connector at a glance: when it is due, what it does, and whether somebody has to look. Pure."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from durable import cron
from durable.connector.definition import AnyConnector
from durable.machine.counters import Counters
from durable.machine.deletion_watch import DeletionWatch, paused_reason, paused_remedy
from durable.machine.job import Job, Mode, Stage
from durable.machine.remedies import (
    Remedy,
    RemedyCode,
    degraded_reason,
    degraded_remedy,
    remedy_of,
)
from durable.machine.states import ENDED, State
from durable.machine.ticks import Ticks, overdue_since_ms
from durable.machine.timeliness import Freshness, find_stale, stale_after_ms, stale_reason
from durable.timestamps import rfc3339, rfc3339_or_none
from durable.views.findings import Deleted, show_deletions
from durable.views.job_summary import JobSummary, summarize
from durable.views.steps import Phrase
from durable.views.texts import Message, to_message, to_messages


class Condition(StrEnum):
    """The health of a connector: the first of these that applies."""

    UNREACHABLE = "unreachable"  # its object does not answer
    HELD = "held"  # a job waits for a person
    OVERDUE = "overdue"  # cron has not ticked when it was due
    STALE = "stale"  # no success, or no FULL one, for too long
    FAILING = "failing"  # of a mode that is not at work, the latest job that has ended, has failed
    PAUSED = "paused"  # Glean does not delete what the latest upload no longer had
    DEGRADED = "degraded"  # Glean has older versions of documents whose records were rejected
    WAITING = "waiting"  # a job met with an error, and tries again
    WORKING = "working"
    NEW = "new"  # there was no job yet
    OK = "ok"


class Scheduled(Struct, frozen=True):
    """A cron expression of the connector's."""

    cron: str
    mode: Mode
    next_at: str | None  # None: it never comes


class Overview(Struct, frozen=True, kw_only=True):
    """A connector, as `GET /connectors` shows it. Times are RFC 3339 in UTC."""

    name: str
    datasource: str
    schedule: list[Scheduled]
    next_at: str | None
    next_mode: Mode | None
    health: Condition
    why: str | None
    remedy: Message | None  # what a person can do about it
    last_success_at: str | None
    last_full_success_at: str | None
    watermark: str | None  # INCREMENTAL reads what has changed since then
    documents: int | None  # in Glean, as the last FULL job that succeeded has left them
    outdated: int | None  # of which Glean has older versions, or none: records were rejected
    unconfirmed: int  # that were sent, and are not known to be in Glean: they are sent again
    foreign_uploads: int  # to the datasource, by another client: as many as FULL jobs have seen
    stale_after_seconds: int | None
    current: JobSummary | None  # the job that is pending, or held
    jobs: list[JobSummary]  # the latest, newest first
    deletions: tuple[Deleted, ...]  # that follow the latest upload of each kind
    findings: tuple[Message, ...]  # what is worth knowing, though it is no error


class Known(Struct, frozen=True, kw_only=True):
    """What the connector's object remembers."""

    jobs: Sequence[Job] = ()  # the latest, newest first
    current: Job | None = None
    ended: Sequence[Job] = ()  # of each mode the one that has ended last, if there is one
    ticked_at_ms: int | None = None  # the last minute for which cron has asked for a job
    ticks: Ticks = Ticks()
    tally: Counters = Counters()
    watermark_ms: int | None = None
    document_count: int | None = None
    unconfirmed_count: int = 0
    let_go_count: int = 0  # rejects of INCREMENTAL jobs that are tried no more
    foreign_upload_count: int = 0
    watch: DeletionWatch = DeletionWatch()
    findings: Sequence[Phrase] = ()


class ConnectorMetrics(Struct, frozen=True, kw_only=True):
    """What the metrics of one connector are made of."""

    tally: Counters
    job_counts: Mapping[State, int]  # that are remembered
    ticked_at_ms: int | None  # the last minute for which cron has asked for a job
    watermark_ms: int | None
    document_count: int | None  # in Glean, as the last FULL job that succeeded has left them
    outdated_count: int | None = None  # of which Glean has older versions
    unconfirmed_count: int = 0  # that were sent, and are not known to be in Glean
    foreign_upload_count: int = 0  # by another client, as many as were seen
    deletions: Mapping[Stage, str] = {}  # that follow the latest upload of each kind


def overview(
    connector: AnyConnector, known: Known, clean: Callable[[str], str], now_ms: int
) -> Overview:
    """A connector at a glance.

    Args:
        connector: as it is declared.
        known: by its object.
        clean: takes secrets out of a text.
        now_ms: the time.
    """
    health, why, remedy = _health(connector, known, now_ms)
    schedule = _schedule(connector, now_ms)
    soonest = min(schedule, key=_order, default=None)
    after_ms, current = stale_after_ms(connector), known.current
    return Overview(
        name=connector.name,
        datasource=connector.datasource.name,
        schedule=schedule,
        next_at=soonest.next_at if soonest else None,
        next_mode=soonest.mode if soonest and soonest.next_at else None,
        health=health,
        why=why and clean(why),
        remedy=to_message(remedy),
        last_success_at=rfc3339_or_none(known.tally.succeeded_at_ms),
        last_full_success_at=rfc3339_or_none(known.tally.full_succeeded_at_ms),
        watermark=rfc3339_or_none(known.watermark_ms),
        documents=known.document_count,
        outdated=_outdated_count(known),
        unconfirmed=known.unconfirmed_count,
        foreign_uploads=known.foreign_upload_count,
        stale_after_seconds=None if after_ms is None else after_ms // 1_000,
        current=None if current is None else summarize(current, clean, now_ms),
        jobs=[summarize(job, clean, now_ms) for job in known.jobs],
        deletions=show_deletions(replace(known.watch, error=clean(known.watch.error))),
        findings=to_messages(known.findings),
    )


def unreachable(connector: AnyConnector, now_ms: int) -> Overview:
    """The overview of a connector whose object does not answer."""
    return replace(
        overview(connector, Known(), str, now_ms),
        health=Condition.UNREACHABLE,
        why="its object does not answer",
        remedy=to_message(Remedy(RemedyCode.READ_LOG.value)),
    )


def connector_metrics(known: Known, job_counts: Mapping[State, int]) -> ConnectorMetrics:
    """The metrics of what the connector's object remembers."""
    return ConnectorMetrics(
        tally=known.tally,
        job_counts=job_counts,
        ticked_at_ms=known.ticked_at_ms,
        watermark_ms=known.watermark_ms,
        document_count=known.document_count,
        outdated_count=_outdated_count(known),
        unconfirmed_count=known.unconfirmed_count,
        foreign_upload_count=known.foreign_upload_count,
        deletions={stage: upload.deletions for stage, upload in known.watch.uploads.items()},
    )


Health = tuple[Condition, str | None, Remedy | None]


def _health(connector: AnyConnector, known: Known, now_ms: int) -> Health:
    trouble = _trouble(connector, known, now_ms)
    if trouble is not None:
        return trouble
    if (current := known.current) is not None:
        is_waiting = current.pacing.retry_at_ms is not None and bool(current.error)
        error = current.error if is_waiting else None
        return Condition.WAITING if is_waiting else Condition.WORKING, error, None
    is_new = not any(job.state in ENDED for job in [*known.jobs, *known.ended])
    return (Condition.NEW if is_new else Condition.OK), None, None


def _trouble(connector: AnyConnector, known: Known, now_ms: int) -> Health | None:
    """What a job that is at work does not end."""
    current = known.current
    if current is not None and current.state is State.HELD:
        return Condition.HELD, current.error, remedy_of(current)
    due_ms = overdue_since_ms(known.ticks, connector.schedule, known.ticked_at_ms, now_ms)
    if due_ms is not None:
        why = f"cron was due at {rfc3339(due_ms)}, and has not ticked since"
        return Condition.OVERDUE, why, None
    tally = known.tally
    fresh = Freshness(tally.begun_at_ms, tally.succeeded_at_ms, tally.full_succeeded_at_ms)
    if (found := find_stale(connector, fresh, now_ms)) is not None:
        return Condition.STALE, stale_reason(found), None
    if (failed := _failed_job(connector, known)) is not None:
        return Condition.FAILING, failed.error, remedy_of(failed)
    if (reason := paused_reason(known.watch)) is not None:
        return Condition.PAUSED, reason, paused_remedy(known.watch)
    return _degraded(connector, known)


def _degraded(connector: AnyConnector, known: Known) -> Health | None:
    """What the latest FULL job that succeeded has left as it was, or INCREMENTAL ones since."""
    latest, count = _latest_full(known), known.let_go_count
    why = None if latest is None else degraded_reason(latest)
    if latest is not None and why is not None:
        return Condition.DEGRADED, why, degraded_remedy(latest)
    if not count:
        return None
    why = f"{count} changed records were rejected, and are not tried again any more"
    remedy = Remedy(RemedyCode.READ_ALL.value, {"connector": connector.name})
    return Condition.DEGRADED, why, remedy


def _latest_full(known: Known) -> Job | None:
    """The latest FULL job that succeeded, as far as it is remembered."""
    ended = [job for job in (*known.ended, *known.jobs) if job.mode is Mode.FULL]
    done = [job for job in ended if job.state is State.SUCCEEDED and not job.repeats]
    return max(done, key=_ended_at, default=None)


def _outdated_count(known: Known) -> int | None:
    latest, count = _latest_full(known), known.let_go_count
    return (count or None) if latest is None else latest.outdated_count + count


def _failed_job(connector: AnyConnector, known: Known) -> Job | None:
    """A job that has failed, if neither its mode nor what covers it came to another end since.

    A FULL job brings all that an INCREMENTAL one would have. What no schedule asks for, counts
    until anything else has ended.
    """
    modes = set(connector.schedule.values()) or set(Mode)
    latest: Job | None = None
    ends: dict[Mode, Job] = {}
    for job in sorted([*known.ended, *known.jobs], key=_ended_at):
        if job.state not in ENDED:
            continue
        latest = job
        if not job.repeats:
            ends = {} if job.mode is Mode.FULL and job.state is State.SUCCEEDED else ends
            ends[job.mode] = job
    failed = [] if latest is None else [latest]
    failed += [job for mode, job in ends.items() if mode in modes]
    at_work = known.current
    return next(
        (job for job in failed if job.state is State.FAILED and not _is_redone(job, at_work)), None
    )


def _is_redone(job: Job, at_work: Job | None) -> bool:
    """A job that reads again what another one has rejected, does nothing for any other."""
    if at_work is None or at_work.repeats:
        return False
    return at_work.mode in {job.mode, Mode.FULL}


def _ended_at(job: Job) -> tuple[int, str]:
    return job.finished_at_ms or job.created_at_ms, job.id


def _schedule(connector: AnyConnector, now_ms: int) -> list[Scheduled]:
    found = []
    for expression, mode in connector.schedule.items():
        next_ms = cron.next_ms(expression, now_ms)
        found.append(Scheduled(expression, mode, rfc3339_or_none(next_ms)))
    return found


def _order(scheduled: Scheduled) -> tuple[bool, str, bool]:
    """The soonest first; of those that are due in one minute FULL, which wins."""
    return scheduled.next_at is None, scheduled.next_at or "", scheduled.mode is not Mode.FULL
