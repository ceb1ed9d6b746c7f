"""What a person is told, and how often. Pure.

One thing that is wrong is told once, and again each day for as long as it lasts; when it is
over, that is told too.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from durable.machine.job import Job, Mode, State


# A day, but for what a nightly job may end earlier than the night before.
REMINDER_MS = 20 * 60 * 60 * 1_000


class Kind(StrEnum):
    """What it is about. Stored as a text, so that earlier code can read what later code wrote."""

    FAILED = "failed"
    HELD = "held"  # a job waits for a person
    STALE = "stale"  # there was no success for too long
    OVERDUE = "overdue"  # cron has not ticked when it was due
    PAUSED = "paused"  # Glean does not delete what it was to delete
    RECOVERED = "recovered"  # from any of these


class Alert(Struct, frozen=True, kw_only=True):
    """One thing to tell. Persisted: add fields with defaults, never rename."""

    id: str  # the same however often it is sent
    kind: str
    connector: str  # "": it is about all of them
    at_ms: int
    text: str
    job_id: str = ""


class Told(Struct, frozen=True):
    """What is wrong, as far as it was told. Persisted likewise."""

    at_ms: Mapping[str, int] = {}  # by what it is, as in "failed FULL"
    texts: Mapping[str, str] = {}  # of the alert that was told last, likewise
    job_ids: Mapping[str, str] = {}


def of_job(told: Told, before: Job, after: Job, now_ms: int) -> tuple[Told, Alert | None]:
    """What is to be told of a job's change, and what is then known to have been told.

    Args:
        told: before.
        before: the job as it was.
        after: as it is now.
        now_ms: the time.
    """
    if before.state is after.state:
        return told, None
    match after.state:
        case State.HELD | State.FAILED:
            kind = Kind.HELD if after.state is State.HELD else Kind.FAILED
            name = f"{kind} {after.mode}"
            if kind is Kind.FAILED:
                told, _ = settled(told, {f"{Kind.HELD} {after.mode}"})  # it waits no longer
            told, is_due = due(told, name, now_ms)
            text = f"the {after.mode} job {after.id} {_verb(kind)}: {after.error}"
            told = _remembered(told, name, text, after.id)
            return told, alert(kind, after.connector, text, now_ms, after.id) if is_due else None
        case State.SUCCEEDED if not after.repeats:
            # A FULL job brings all that an INCREMENTAL one would have.
            modes = set(Mode) if after.mode is Mode.FULL else {after.mode}
            names = {f"{kind} {mode}" for kind in Kind for mode in modes}
            told, was_wrong = settled(told, names)
            text = f"the {after.mode} job {after.id} has succeeded"
            found = alert(Kind.RECOVERED, after.connector, text, now_ms, after.id)
            return told, found if was_wrong else None
        case _ if before.state is State.HELD:
            return settled(told, {f"{Kind.HELD} {after.mode}"})[0], None  # somebody has looked
    return told, None


def reminders(
    told: Told, connector: str, modes: Collection[Mode], now_ms: int
) -> tuple[Told, list[Alert]]:
    """What is still wrong with a connector's jobs, where it was not told for a day.

    Nothing may happen for days: a job that is held waits, and the next FULL one may be next week.

    Args:
        told: before.
        connector: its name.
        modes: that its schedule asks for. Of another's failure, its one message is enough.
        now_ms: the time.
    """
    alerts: list[Alert] = []
    for name, text in told.texts.items():
        kind, mode = name.split(" ")
        if kind != Kind.HELD.value and mode not in modes:
            continue
        told, is_due = due(told, name, now_ms)
        if is_due:
            job_id = told.job_ids[name]
            alerts.append(alert(Kind(kind), connector, f"still: {text}", now_ms, job_id))
    return told, alerts


def _remembered(told: Told, name: str, text: str, job_id: str) -> Told:
    texts, job_ids = {**told.texts, name: text}, {**told.job_ids, name: job_id}
    return replace(told, texts=texts, job_ids=job_ids)


def alert(kind: Kind, connector: str, text: str, now_ms: int, job_id: str = "") -> Alert:
    return Alert(
        id=f"{connector or 'cron'}-{kind}-{now_ms}",
        kind=kind.value,
        connector=connector,
        at_ms=now_ms,
        text=text,
        job_id=job_id,
    )


def due(told: Told, name: str, now_ms: int) -> tuple[Told, bool]:
    """Whether something that is wrong is to be told now; if so, it counts as told."""
    told_at_ms = told.at_ms.get(name)
    if told_at_ms is not None and now_ms - told_at_ms < REMINDER_MS:
        return told, False
    return replace(told, at_ms={**told.at_ms, name: now_ms}), True


def settled(told: Told, names: set[str]) -> tuple[Told, bool]:
    """Without these, and whether one of them was told."""
    kept = {name: at_ms for name, at_ms in told.at_ms.items() if name not in names}
    texts = {name: text for name, text in told.texts.items() if name in kept}
    job_ids = {name: job_id for name, job_id in told.job_ids.items() if name in kept}
    return Told(kept, texts, job_ids), len(kept) < len(told.at_ms)


def _verb(kind: Kind) -> str:
    return "waits for a person" if kind is Kind.HELD else "has failed"
