"""What began a job, what happened to it and what it waits for, in a word."""

from enum import StrEnum

from msgspec import Struct


class Occasion(StrEnum):
    """What began a job, or queued it again."""

    CRON = "cron"
    CATCH_UP = "catch-up"  # cron did not tick when it was due
    REQUEST = "request"  # of a person, or of what asks in their place
    RETRY = "retry"  # likewise, of a job or of its rejects
    VERIFICATION = "verification"  # Glean has another number of documents than it is to have


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


class Note(Struct, frozen=True, omit_defaults=True):
    """Something that happened to a job, for whoever reads its status."""

    at_ms: int
    text: str
    kind: str = EventKind.NOTE.value
    cause: str = ""  # of a retry, in a word or two, to be counted by
