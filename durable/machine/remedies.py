"""What a person can do about something: a code and its parameters, without words. Pure.

Each surface has words of its own for a code: `durable/views/texts.py` has the table of them.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from durable.machine.job import Job, Mode
from durable.machine.states import TRAITS, Command, State


class RemedyCode(StrEnum):
    """What can be done. Stored as a text, so that earlier code can read what later code wrote."""

    DECIDE = "decide"  # whether what a held job would delete may go: job, deletions, list
    RETRY = "retry"  # a job: job
    CORRECT_RECORDS = "correct-records"  # too many were rejected: job
    REPEAT_REJECTS = "repeat-rejects"  # few were, and Glean has older versions: job
    READ_ALL = "read-all-again"  # likewise, and an INCREMENTAL job tries none again: connector
    CHECK_UPLOADS = "check-uploads"  # something else may upload to the datasource: job
    DELETE_OR_RESTORE = "delete-or-restore"  # Glean has paused the deletion of documents
    RESTORE = "restore"  # likewise, of what it cannot be asked to delete at once
    VERIFY_LONGER = "verify-longer"
    FIND_MISSING = "find-missing"  # Glean has fewer documents than were sent: datasource
    FIND_SURPLUS = "find-surplus"  # Glean has more
    SET_UP = "set-up"  # a datasource: connector
    CONFIRM_DELETIONS = "confirm-deletions"  # another list was named: job, deletions, list
    CONFIRM_DIFFERENCES = "confirm-differences"  # likewise: connector, differences
    WAIT_OR_CANCEL = "wait-or-cancel"  # another job is in the way: job
    USE_ANOTHER_KEY = "use-another-key"
    READ_LOG = "read-log"


class Remedy(Struct, frozen=True):
    """One thing to do. Persisted: add fields with defaults, never rename."""

    code: str  # a `RemedyCode`
    parameters: Mapping[str, str | int] = {}  # its words name all of them; none is a secret


def remedy_of(job: Job) -> Remedy | None:
    """What a person can do about a job as it stands; None if nothing is to be done."""
    if job.state is State.HELD:
        gone = job.crawl.gone
        parameters: dict[str, str | int] = {
            "job": job.id,
            "deletions": gone.count,
            "list": gone.digest,
        }
        return Remedy(RemedyCode.DECIDE.value, parameters)
    if Command.RETRY not in TRAITS[job.state].commands:
        return None
    return Remedy(job.remedy or RemedyCode.RETRY.value, {"job": job.id})


def degraded_reason(job: Job) -> str | None:
    """What a FULL job that has succeeded left as it was; None if nothing."""
    if job.mode is not Mode.FULL or not job.outdated_count:
        return None
    count = job.outdated_count
    return f"Glean has older versions of {count} documents, whose records were rejected"


def degraded_remedy(job: Job) -> Remedy:
    """What a person can do about that."""
    return Remedy(RemedyCode.REPEAT_REJECTS.value, {"job": job.id})
