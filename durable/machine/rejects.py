"""Records that were rejected, as they are kept, and the pages that have some. Pure."""

from enum import StrEnum

from msgspec import Struct

from durable.machine.job import Stage


PARTS_MAX = 1_000_000  # of a record; later ones take the place of the last in the list of rejects


class RejectCode(StrEnum):
    """Why a record was rejected. Stored as a text, so that earlier code can read later code's."""

    NOT_GIVEN = "not-given"  # the source could not give it whole
    NOT_DECODED = "not-decoded"  # it is not of the declared type
    MAPPING_RAISED = "mapping-raised"
    BAD_RESULT = "bad-result"  # the mapping gave something else than it is for
    BAD_FIELD = "bad-field"  # Glean would refuse or misread a field of what the mapping gave
    NOT_JSON = "not-json"  # what the mapping gave cannot be written so
    TOO_LARGE = "too-large"  # for a request to Glean
    BAD_ID = "bad-id"  # that of another thing in other letters, or a secret is in it
    REFUSED = "refused"  # by Glean


class Reject(Struct, frozen=True):
    """A record that was rejected, and why."""

    place: int  # in its page, from 1
    key: str  # the document's id, or its record's own; empty where that cannot be told
    reason: str
    excerpt: str = ""  # the beginning of the record
    stage: str = Stage.DOCUMENTS.value  # as a text: earlier code reads what later code wrote
    cursor: str | None = None  # of its page
    digest: str = ""  # of that page's records
    is_list: bool = False  # it hides records whose keys nobody knows: a parent's
    part: int = 0  # of the record, from 1, where the others of it are brought: a group's member
    code: str = ""  # a `RejectCode`; "": earlier code knew none
    field: str = ""  # BAD_FIELD: its name, as in "comments[0].id"; "": no single one

    @property
    def order(self) -> int:
        """Among the rejects of its page; each has its own."""
        return self.place * PARTS_MAX + min(self.part, PARTS_MAX - 1)


class RejectedPage(Struct, frozen=True):
    """A page of which records were rejected."""

    cursor: str | None
    digest: str  # of its records at that time
    places: frozenset[int]  # of those records
