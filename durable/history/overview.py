"""A connector at a glance: when it is due, what it does, and whether somebody has to look. Pure."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from durable import cron
from durable.connector import AnyConnector
from durable.history.lines import Line, line
from durable.history.tally import Tally
from durable.instant import rfc3339, span
from durable.job import ENDED, Job, Mode, State
from durable.verifying.deletion_watch import DeletionWatch, paused_reason
from durable.verifying.findings import Deleted, deleted


class Condition(StrEnum):
    """How a connector is. The first of these that is so."""

    UNREACHABLE = "unreachable"  # its object does not answer
    HELD = "held"  # a job waits for a person
    STALE = "stale"  # no success for longer than is declared
    WAITING = "waiting"  # a job met with an error, and tries again
    WORKING = "working"
    FAILING = "failing"  # the latest job that has ended, has failed
    PAUSED = "paused"  # Glean does not delete what the latest upload no longer had
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
    last_success_at: str | None
    watermark: str | None  # INCREMENTAL reads what has changed since then
    documents: int | None  # that the last FULL job has brought which succeeded
    stale_after_seconds: int | None
    current: Line | None  # the job that is pending, or held
    jobs: list[Line]  # the latest, newest first
    deletions: tuple[Deleted, ...]  # that follow the latest upload of each kind


class Known(Struct, frozen=True, kw_only=True):
    """What the connector's object knows."""

    jobs: Sequence[Job] = ()  # the latest, newest first
    current: Job | None = None
    tally: Tally = Tally()
    watermark_ms: int | None = None
    document_count: int | None = None
    watch: DeletionWatch = DeletionWatch()


def overview(
    connector: AnyConnector, known: Known, clean: Callable[[str], str], now_ms: int
) -> Overview:
    """The whole of it.

    Args:
        connector: as it is declared.
        known: by its object.
        clean: takes secrets out of a text.
        now_ms: the time.
    """
    health, why = _health(connector, known, now_ms)
    success_ms, watermark_ms = succeeded_ms(known), known.watermark_ms
    schedule = _schedule(connector, now_ms)
    soonest = min(schedule, key=_order, default=None)
    stale_after_ms, current = connector.stale_after_ms, known.current
    return Overview(
        name=connector.name,
        datasource=connector.datasource.name,
        schedule=schedule,
        next_at=soonest.next_at if soonest else None,
        next_mode=soonest.mode if soonest and soonest.next_at else None,
        health=health,
        why=why and clean(why),
        last_success_at=None if success_ms is None else rfc3339(success_ms),
        watermark=None if watermark_ms is None else rfc3339(watermark_ms),
        documents=known.document_count,
        stale_after_seconds=None if stale_after_ms is None else stale_after_ms // 1_000,
        current=None if current is None else line(current, clean, now_ms),
        jobs=[line(job, clean, now_ms) for job in known.jobs],
        deletions=deleted(replace(known.watch, error=clean(known.watch.error))),
    )


def unreachable(connector: AnyConnector, now_ms: int) -> Overview:
    """Of a connector whose object does not answer."""
    return replace(
        overview(connector, Known(), str, now_ms),
        health=Condition.UNREACHABLE,
        why="its object does not answer: npx wrangler tail shows why",
    )


def succeeded_ms(known: Known) -> int | None:
    """When the latest job that succeeded ended; or began, where earlier code ran it."""
    return known.tally.succeeded_at_ms or known.watermark_ms


def stale_ms(connector: AnyConnector, known: Known, now_ms: int) -> int | None:
    """For how long there was no success, if that is longer than declared."""
    since_ms = succeeded_ms(known) or known.tally.begun_at_ms
    if connector.stale_after_ms is None or since_ms is None:
        return None
    return now_ms - since_ms if now_ms - since_ms > connector.stale_after_ms else None


def _health(connector: AnyConnector, known: Known, now_ms: int) -> tuple[Condition, str | None]:
    current = known.current
    if current is not None and current.state is State.HELD:
        return Condition.HELD, current.error
    if (silent_ms := stale_ms(connector, known, now_ms)) is not None:
        return Condition.STALE, f"no success for {span(silent_ms)}"
    if current is not None:
        is_waiting = current.retry_at_ms is not None and bool(current.error)
        return (Condition.WAITING, current.error) if is_waiting else (Condition.WORKING, None)
    latest = next((job for job in known.jobs if job.state in ENDED), None)
    if latest is None:
        return Condition.NEW, None
    if latest.state is State.FAILED:
        return Condition.FAILING, latest.error
    reason = paused_reason(known.watch)
    return Condition.OK if reason is None else Condition.PAUSED, reason


def _schedule(connector: AnyConnector, now_ms: int) -> list[Scheduled]:
    found = []
    for expression, mode in connector.schedule.items():
        next_ms = cron.next_ms(expression, now_ms)
        found.append(Scheduled(expression, mode, None if next_ms is None else rfc3339(next_ms)))
    return found


def _order(scheduled: Scheduled) -> tuple[bool, str, bool]:
    """The soonest first; of those that are due in one minute FULL, which wins."""
    return scheduled.next_at is None, scheduled.next_at or "", scheduled.mode is not Mode.FULL
