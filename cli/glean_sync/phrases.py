"""How jobs are told to a person. Pure."""

from datetime import datetime

import msgspec

from glean_sync.answers import (
    Check,
    Connector,
    Difference,
    Event,
    Line,
    MissingDocument,
    Progress,
    Reject,
    Status,
)
from glean_sync.output import count
from glean_sync.texts import say
from glean_sync.times import clock, duration, since


JOB_COLUMNS = (
    "job",
    "mode",
    "state",
    "begun by",
    "took",
    "documents",
    "deleted",
    "rejected",
    "error",
)
CONNECTOR_COLUMNS = (
    *("connector", "health", "last success", "next", "documents", "current job", "why"),
)
KIND_CHARACTERS = len("verification")
DIFFERENCE_COLUMNS = ("setting", "declared", "in Glean")
MISSING_COLUMNS = ("id", "type", "title", "url")
MEMBERSHIPS = "memberships"  # the stage in which groups are held that would lose members
WAYS = {
    "replace": "replace (all documents, as one upload)",
    "reconcile": "reconcile (the differences to what Glean has)",
}
REJECT_COLUMNS = ("page", "record", "key", "reason", "excerpt")


def counts(job: Status | Line) -> str:
    """What a job has brought."""
    told = [f"{job.documents:,} documents"]
    if job.deleted:
        told.append(f"{job.deleted:,} deleted")
    if job.rejected:
        told.append(f"{job.rejected:,} rejected")
    return ", ".join(told)


def change_words(status: Status) -> str | None:
    """What a job did to the documents in Glean; None where nobody compares them, or none came."""
    found = status.changes
    if found is None:
        return None
    numbers = (
        (found.added, "added"),
        (found.changed, "changed"),
        (found.access, "permissions alone"),
        (found.deleted, "deleted"),
        (found.unchanged, "unchanged"),
    )
    return ", ".join(f"{number:,} {what}" for number, what in numbers if number) or None


def lost(count: int, stage: str) -> str:
    """So many of what a list of a stage has: that of memberships has the groups that lose some."""
    return f"{count:,} {'groups' if stage == MEMBERSHIPS else stage}"


def missing_row(missing: MissingDocument) -> tuple[str, ...]:
    """Of the table whose columns are MISSING_COLUMNS."""
    return missing.id, missing.type or "", missing.title or "", missing.url or ""


def outcome_row(status: Status) -> tuple[str, str, str]:
    """The job, its state, and what has become of it."""
    told = change_words(status) or counts(status)
    why = status.waits_because if status.state == "held" else status.last_error
    told = f"{told}: {why}" if why else told
    return status.id, status.state, ". ".join(filter(None, (told, say(status.remedy))))


def job_row(line: Line) -> tuple[str, ...]:
    """Of the table whose columns are JOB_COLUMNS."""
    numbers = map(count, (line.documents, line.deleted, line.rejected))
    begun_by, took = line.begun_by or "", duration(line.seconds)
    return line.id, line.mode, line.state, begun_by, took, *numbers, line.error or ""


def connector_row(connector: Connector, now: datetime) -> tuple[str, ...]:
    """Of the table whose columns are CONNECTOR_COLUMNS."""
    current = connector.current
    return (
        connector.name,
        connector.health,
        since(connector.last_success_at, now),
        f"{connector.next_mode} {since(connector.next_at, now)}" if connector.next_at else "",
        count(connector.documents),
        "" if current is None else f"{current.id} {current.state}",
        " ".join(filter(None, (_why(connector), *map(say, connector.findings)))),
    )


def _why(connector: Connector) -> str:
    told = ". ".join(filter(None, (connector.why, say(connector.remedy))))
    return f"{told}." if told and connector.findings and not told.endswith(".") else told


def event_words(event: Event) -> tuple[str, ...]:
    """A line of what happened."""
    numbers = (
        (event.documents, "documents"),
        (event.deleted, "deleted"),
        (event.rejected, "rejected"),
    )
    told = [f"{number:,} {what}" for number, what in numbers if number]
    if event.seconds is not None:
        told.append(f"in {duration(event.seconds)}")
    counted = f"({', '.join(told)})" if told else ""
    return clock(event.at), f"{event.kind:{KIND_CHARACTERS}}", event.what, counted


def reject_row(reject: Reject) -> tuple[str, ...]:
    """Of the table whose columns are REJECT_COLUMNS."""
    place = str(reject.page), str(reject.record)
    return *place, reject.key or "", reject.reason, reject.excerpt


def check_row(check: Check) -> tuple[str, ...]:
    """What was checked, what came of it, and what can be done."""
    told = ". ".join(filter(None, (check.detail, say(check.remedy))))
    return check.name, check.outcome, told


def difference_row(difference: Difference) -> tuple[str, ...]:
    """Of the table whose columns are DIFFERENCE_COLUMNS."""
    values = (difference.declared, difference.actual)
    return difference.field, *(msgspec.json.encode(value).decode() for value in values)


def job_facts(status: Status) -> list[tuple[str, str | None]]:
    """All that a person looks for, in this order."""
    mode = f"{status.mode} (was asked for as INCREMENTAL)" if status.became_full else status.mode
    until = f" (until {clock(status.waits_until)})" if status.waits_until else ""
    takes = [f"glean-sync {command} {status.id}" for command in status.commands]
    return [
        ("job", status.id),
        ("connector", status.connector),
        ("mode", mode),
        ("way", WAYS.get(status.way or "", status.way)),
        ("state", status.state),
        ("begun by", status.begun_by),
        ("stage", status.stage),
        ("reads again", status.repeats and f"what {status.repeats} has rejected"),
        ("progress", None if status.is_resting else _progress(status.progress)),
        ("brought", f"{counts(status)}, in {status.pages:,} pages"),
        ("changes", change_words(status)),
        ("created", clock(status.created_at)),
        ("started", clock(status.started_at)),
        ("finished", clock(status.finished_at)),
        ("waits", status.waits_because and f"{status.waits_because}{until}"),
        ("next", say(status.remedy or status.next_step)),
        ("if killed", say(status.if_killed_now)),
        ("reads", say(status.since_because)),
        ("last error", None if status.last_error == status.waits_because else status.last_error),
        ("missing", _missing(status)),
        ("deletions", _deletions(status)),
        ("findings", " ".join(map(say, status.findings))),
        ("takes", ", or ".join(takes)),
    ]


def _progress(progress: Progress | None) -> str | None:
    if progress is None or not progress.of:
        return None
    share = "" if progress.share is None else f"{progress.share:.0%}, "
    eta = f", done at about {clock(progress.eta_at)}" if progress.eta_at else ""
    return f"{share}{progress.documents:,} of about {progress.of:,} ({progress.of_what}){eta}"


def _deletions(status: Status) -> str | None:
    """Only what is not done, and what nobody knows to be."""
    told = [
        f"{one.stage}: {'DELETION PAUSED by Glean' if one.state == 'paused' else one.state}"
        for one in status.deletions
        if one.state != "done"
    ]
    return ", ".join(told) or None


def _missing(status: Status) -> str | None:
    if not status.missing or status.state != "held":
        return None
    if status.unnamed:
        what = f"{status.missing:,} {status.stage} are in Glean that nobody here has brought"
        return f"{what}: `glean-sync missing {status.id}` tells their types"
    does = "would lose members" if status.stage == MEMBERSHIPS else "in Glean would be deleted"
    what = f"{lost(status.missing, status.stage)} {does}"
    return f"{what}: `glean-sync missing {status.id}` lists them"
