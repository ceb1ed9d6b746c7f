"""What Glean says of a bulk upload after its close, and of what it holds. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


PAUSED = "DELETION PAUSED"
INDEXED = "INDEXING COMPLETED"
STATES = frozenset(
    {"UNAVAILABLE", "UPLOAD STARTED", "UPLOAD IN PROGRESS", "UPLOAD COMPLETED", PAUSED, INDEXED}
)


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


class Holdings(Struct, frozen=True):
    """Documents of all types together; None where Glean does not tell."""

    indexed_count: int | None
    uploaded_count: int | None
    upload_state: str = ""  # one of STATES; empty where Glean does not tell
    is_indexed: bool = False  # the index is not older than the upload
    deletions: Mapping[str, Deletions] = {}  # that follow the uploads, by their ids

    @property
    def found_count(self) -> int | None:
        return self.uploaded_count if self.indexed_count is None else self.indexed_count

    @property
    def is_paused(self) -> bool:
        """Glean has not deleted what the upload no longer had, as that was too much."""
        return self.upload_state == PAUSED
