"""What began a job, what happened to it, what it waits for and why it failed, in a word."""

from enum import StrEnum

from msgspec import Struct


class Occasion(StrEnum):
    """What began a job, or queued it again."""

    CRON = "cron"
    CATCH_UP = "catch-up"  # cron did not tick when it was due
    REQUEST = "request"  # of a person, or of what asks in their place
    RETRY = "retry"  # likewise, of a job or of its rejects


class EventKind(StrEnum):
    """What it was; where a job has come to a state, that is it.

    Stored as a text, so that earlier code can read what later code wrote.
    """

    BEGUN = "begun"
    OPENED = "opened"
    TURN = "turn"  # is over, and has brought something
    RETRY = "retry"  # what was tried has failed, and is tried again
    KILLED = "killed"
    RESTARTED = "restarted"  # from the start of the stage, or of all of it
    PROMOTED = "promoted"  # INCREMENTAL became FULL
    STAGE = "stage"  # is over, and another one comes
    APPROVED = "approved"
    RETRIED = "retried"  # by a person
    VERIFICATION = "verification"
    DELETIONS = "deletions"  # that follow an upload: done, paused by Glean, or unknown
    NOTE = "note"


class WaitReason(StrEnum):
    """What a job waits for. Stored as a text, as above."""

    JOB = "job"  # of the same connector
    PERSON = "person"
    RETRY = "retry"  # of what has failed
    RATE = "rate"  # Glean's, of single documents
    SOURCE = "source"  # which is not to be asked more often
    MEMORY = "memory"  # of the isolate, which other connectors have
    ALARM = "alarm"  # of its next turn


class ErrorCode(StrEnum):
    """What a job's error is, where it is none of the source or Glean.

    Of theirs, it is whose it is, and the cause: `source-throttled`. Stored as a text, as above.
    """

    MISCONFIGURED = "misconfigured"  # a variable, a secret, or what the connector declares
    DELETIONS = "deletions-to-approve"  # more than usual: the job is held
    REJECTS = "too-many-rejects"
    SHORTFALL = "shortfall"  # the job is at its end, without what it could not bring
    NOTHING_TO_REPEAT = "nothing-to-repeat"  # the connector brings nothing of what was rejected
    STALLED = "stalled"  # no progress for too long
    KILLED = "killed"  # too often, or for too long
    REDEFINED = "redefined"  # the connector, too often
    CURSOR_EXPIRED = "cursor-expired"  # too often
    UPLOAD_LOST = "upload-lost"  # too often
    UPLOAD_UNSETTLED = "upload-unsettled"  # Glean took the close, and still has it as open
    PAGE_REFUSED = "page-refused"  # Glean refuses too many of its documents
    PAGE_TOO_LARGE = "page-too-large"  # it has more changes than Glean takes in a minute
    TOO_MANY_PAGES = "too-many-pages"
    CLOSE_REFUSED = "close-refused"  # in whatever way it was tried
    CANCELLED = "cancelled"
    REPLACED = "replaced"  # by another job


class Note(Struct, frozen=True, omit_defaults=True):
    """Something that happened to a job, for whoever reads its status."""

    at_ms: int
    text: str
    kind: str = EventKind.NOTE.value
    cause: str = ""  # of a retry, in a word or two, to be counted by
