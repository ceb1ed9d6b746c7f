"""What a person is told, and how often. Pure.

One thing that is wrong is told once, and again each day for as long as it lasts; when it is
over, that is told too.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from durable.machine.job import Job, Mode
from durable.machine.notes import ErrorCode
from durable.machine.remedies import Remedy, degraded_reason, degraded_remedy, remedy_of
from durable.machine.states import ENDED, TRAITS, State


# A day, but for what a nightly job may end earlier than the night before.
REMINDER_MS = 20 * 60 * 60 * 1_000


class AlertKind(StrEnum):
    """What it is about, where that is not the state that a job has come to.

    Stored as a text, so that earlier code can read what later code wrote.
    """

    STALE = "stale"  # there was no success for too long
    OVERDUE = "overdue"  # cron has not ticked when it was due
    PAUSED = "paused"  # Glean does not delete what it was to delete
    DEGRADED = "degraded"  # Glean has older documents than the source, though the job succeeded
    RECOVERED = "recovered"  # from any of these, or a job's failure


DEGRADED = f"{AlertKind.DEGRADED} {Mode.FULL}"  # among what people were told


class Alert(Struct, frozen=True, kw_only=True):
    """One thing to tell. Persisted: add fields with defaults, never rename."""

    id: str  # the same however often it is sent
    kind: str  # an `AlertKind`, or a `State`
    connector: str  # "": it is about all of them
    at_ms: int
    text: str
    job_id: str = ""
    remedy: Remedy | None = None


class AlertHistory(Struct, frozen=True):
    """What is wrong, as far as it was told. Persisted likewise."""

    at_ms: Mapping[str, int] = {}  # by what it is, as in "failed FULL"
    texts: Mapping[str, str] = {}  # of the alert that was told last, likewise
    job_ids: Mapping[str, str] = {}
    remedies: Mapping[str, Remedy] = {}


def alerts_of_job(
    told: AlertHistory, before: Job, after: Job, now_ms: int
) -> tuple[AlertHistory, Alert | None]:
    """What is to be told of a job's change, and what is then known to have been told.

    Args:
        told: before.
        before: the job as it was.
        after: as it is now.
        now_ms: the time.
    """
    if before.state is after.state:
        return told, None
    state, waited = after.state, f"{State.HELD} {after.mode}"
    if verb := TRAITS[state].alert:
        if state in ENDED and told.job_ids.get(waited, after.id) == after.id:
            told, _ = settle(told, {waited})  # it waits no longer
        name = f"{state} {after.mode}"
        told, is_due = remind(told, name, now_ms)
        text = f"the {after.mode} job {after.id} {verb}: {after.error}"
        alert = make_alert(state, after.connector, text, now_ms, after.id, remedy=remedy_of(after))
        return _remembered(told, name, alert), alert if is_due else None
    if state is State.SUCCEEDED and not after.repeats:
        # A FULL job brings all that an INCREMENTAL one would have.
        modes = set(Mode) if after.mode is Mode.FULL else {after.mode}
        over = {f"{one} {mode}" for one in State for mode in modes}
        is_whole = after.mode is Mode.FULL and degraded_reason(after) is None
        told, was_wrong = settle(told, over | {DEGRADED} if is_whole else over)
        text = f"the {after.mode} job {after.id} has succeeded"
        found = make_alert(AlertKind.RECOVERED, after.connector, text, now_ms, after.id)
        return told, found if was_wrong else None
    if before.state is State.HELD and after.error_code != ErrorCode.REPLACED:
        told, _ = settle(told, {waited})  # somebody has looked
    return told, None


def alert_of_outcome(
    told: AlertHistory, before: Job, after: Job, now_ms: int
) -> tuple[AlertHistory, Alert | None]:
    """What is to be told of what a job that has succeeded left undone; arguments as above.

    It is one thing until a FULL job leaves nothing, however many jobs come by it.
    """
    is_news = before.state is not after.state and after.state is State.SUCCEEDED
    reason = degraded_reason(after) if is_news and not after.repeats else None
    if reason is None:
        return told, None
    told, is_due = remind(told, DEGRADED, now_ms)
    remedy = degraded_remedy(after)
    alert = make_alert(AlertKind.DEGRADED, after.connector, reason, now_ms, after.id, remedy=remedy)
    return _remembered(told, DEGRADED, alert), alert if is_due else None


def reminders(
    told: AlertHistory, connector: str, modes: Collection[Mode], now_ms: int
) -> tuple[AlertHistory, list[Alert]]:
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
        if kind != State.HELD.value and mode not in modes:
            continue
        told, is_due = remind(told, name, now_ms)
        if is_due:
            job_id = told.job_ids[name]
            remedy = told.remedies.get(name)
            still = make_alert(kind, connector, f"still: {text}", now_ms, job_id, remedy=remedy)
            alerts.append(still)
    return told, alerts


def _remembered(told: AlertHistory, name: str, alert: Alert) -> AlertHistory:
    texts, job_ids = {**told.texts, name: alert.text}, {**told.job_ids, name: alert.job_id}
    remedies = {**told.remedies, name: alert.remedy} if alert.remedy else told.remedies
    return replace(told, texts=texts, job_ids=job_ids, remedies=remedies)


def make_alert(  # noqa: PLR0913 - an alert's parts
    kind: str,
    connector: str,
    text: str,
    now_ms: int,
    job_id: str = "",
    *,
    remedy: Remedy | None = None,
) -> Alert:
    return Alert(
        id=f"{connector or 'cron'}-{kind}-{now_ms}",
        kind=str(kind),
        connector=connector,
        at_ms=now_ms,
        text=text,
        job_id=job_id,
        remedy=remedy,
    )


def remind(told: AlertHistory, name: str, now_ms: int) -> tuple[AlertHistory, bool]:
    """Whether something that is wrong is to be told now; if so, it counts as told."""
    told_at_ms = told.at_ms.get(name)
    if told_at_ms is not None and now_ms - told_at_ms < REMINDER_MS:
        return told, False
    return replace(told, at_ms={**told.at_ms, name: now_ms}), True


def settle(told: AlertHistory, names: set[str]) -> tuple[AlertHistory, bool]:
    """Without these, and whether one of them was told."""
    kept = {name: at_ms for name, at_ms in told.at_ms.items() if name not in names}
    texts = {name: text for name, text in told.texts.items() if name in kept}
    job_ids = {name: job_id for name, job_id in told.job_ids.items() if name in kept}
    remedies = {name: remedy for name, remedy in told.remedies.items() if name in kept}
    return AlertHistory(kept, texts, job_ids, remedies), len(kept) < len(told.at_ms)
