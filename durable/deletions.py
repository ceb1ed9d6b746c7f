"""What Glean says of the deletions that follow a bulk upload's close. Imports nothing of ours."""

from enum import StrEnum

from msgspec import Struct


class Deletions(StrEnum):
    """Whether what an upload no longer had is gone. Stored as a text."""

    PENDING = "pending"  # Glean has not told yet
    DONE = "done"
    PAUSED = "paused"  # it would be too much: Glean deletes it seven days later
    UNKNOWN = "unknown"  # Glean has not told for as long as it was asked


def deletions_of(processing_state: object) -> Deletions:
    """By Glean's word for how it stands with an upload."""
    match processing_state:
        case "DELETION PAUSED":
            return Deletions.PAUSED
        case "INDEXING COMPLETED":
            return Deletions.DONE
    return Deletions.PENDING


class ClosedUpload(Struct, frozen=True):
    """A bulk upload that a job has closed. Persisted: add fields with defaults, never rename."""

    stage: str
    upload_id: str
    at_ms: int
    deletions: str = Deletions.PENDING.value  # as Glean has told right after the close
