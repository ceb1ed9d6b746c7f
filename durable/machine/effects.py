"""What a job asks to have done, and what can become of it. Pure data."""

from collections.abc import Mapping

from msgspec import Struct

from durable.errors import Cause, Recourse
from durable.machine.gone import Gone
from durable.machine.index_status import Deletions
from durable.machine.job import Job, JobSpec, Stage, UploadStatus
from durable.machine.ledger_head import LedgerFacts
from durable.machine.open_rejects import OpenRejects
from durable.machine.page_progress import PageProgress
from durable.machine.pages import ChangeCounts, Page


class Open(Struct, frozen=True):
    """Open a bulk upload, discarding any that an earlier job left open."""

    upload_id: str


class QueryUpload(Struct, frozen=True):
    """Ask Glean how the upload stands."""

    upload_id: str


class CountDocuments(Struct, frozen=True):
    """Ask Glean how many documents it has, of each type."""


class Fetch(Struct, frozen=True):
    """Read the page at `cursor` and keep its records in memory under `page_index`."""

    page_index: int
    cursor: str | None


class Pack(Struct, frozen=True):
    """Map the records of a page, and cut what comes of them into batches."""

    page_index: int
    upload_id: str  # the bulk upload that the batches are pages of; empty for none
    batch_bytes_max: int | None  # of several documents together; None: as the limits say
    landed: PageProgress | None = (
        None  # of the page as it was read before; None: nothing is remembered
    )
    is_all_sent: bool = True  # whether it differs from what Glean has or not
    lists_all: bool = True  # what is not on any of the pages, the source does not have
    documents_per_minute: int | None = None  # outside of uploads; None: as the limits say


class Send(Struct, frozen=True):
    """Send one batch of a page held in memory."""

    page_index: int
    batch_index: int


class Close(Struct, frozen=True):
    """Close the upload. Not repeatable: Glean is asked before how it stands."""

    upload_id: str
    is_only_page: bool = False  # begins it again and closes it, with nothing in it
    is_deletion_checked: bool = True  # by Glean, which may pause what is too much


class CloseWithDocument(Struct, frozen=True):
    """Close the upload with a document of the page at `cursor`, sent once more."""

    upload_id: str
    cursor: str | None
    index: int  # of the document in the page
    is_deletion_checked: bool = True  # as above


class ListGone(Struct, frozen=True):
    """Compare some of the ledger with what the crawl has seen."""

    gone: Gone  # as far as it is told


class ApplyPacks(Struct, frozen=True):
    """Make some of what a closed upload brought rows of the ledger."""

    after: int  # what was applied before


RequestEffect = (
    Open | QueryUpload | CountDocuments | Fetch | Pack | Send | Close | CloseWithDocument
)
LedgerEffect = ListGone | ApplyPacks  # the turn performs these; no other end has a part in it
Effect = RequestEffect | LedgerEffect


class Woke(Struct, frozen=True):
    """The alarm fired: a turn begins."""

    watermark_ms: int | None = None  # where an INCREMENTAL job of the connector reads from
    known_counts: Mapping[Stage, int] = {}  # what the ledger has of each stage, for a FULL job
    spec: JobSpec = JobSpec()
    last: Job | None = None  # that had a turn; of a job that is queued, else not needed
    has_packs: bool = True  # the ledger has those of the job's crawl
    documents: LedgerFacts = LedgerFacts()  # what the ledger knows of them
    armed_at_ms: int | None = None  # the alarm that is set already, to be the turn's lease
    rejects: OpenRejects = OpenRejects()  # that INCREMENTAL jobs try again


class Opened(Struct, frozen=True):
    pass


class UploadQueried(Struct, frozen=True):
    standing: UploadStatus
    deletions: Deletions = Deletions.PENDING  # of what the upload no longer had
    foreign_id: str = ""  # of a later upload that no job of the connector has begun


class DocumentsCounted(Struct, frozen=True):
    counts: Mapping[str, int]  # by type, without types that have none; NOT_TOLD


class Fetched(Struct, frozen=True):
    page_index: int
    page: Page


class NoRoom(Struct, frozen=True):
    """Other connectors have the isolate's memory: the page was not asked for."""

    place: int  # among those who wait for room, from 1
    jitter: float  # drawn from 0 to 1


class Packed(Struct, frozen=True):
    page_index: int
    batch_count: int
    document_count: int
    deletion_count: int
    reject_count: int = 0
    changes: ChangeCounts = ChangeCounts()
    doubts: bytes = b""  # what is not certain any more of what has landed
    left_count: int = 0  # changes that are sent no more, since they change each time
    shortfall: str = ""  # why the job cannot count as a success, once the page has landed
    lost_member_count: int = 0  # that its groups have had, and nobody approved of


class Sent(Struct, frozen=True):
    """A batch was taken, or its only document was refused and rejected."""

    page_index: int
    batch_index: int
    rejected_document_count: int = 0
    rejected_deletion_count: int = 0
    document_count: int = 0  # that were sent, whatever became of them
    entries: bytes = b""  # of its changes, to be remembered until the page has landed
    refused_record_count: int = 0  # of which there was no document to be counted
    withdrawn_count: int = 0  # older versions that were deleted, as others might see them
    shortfall: str = ""  # why the job cannot count as a success any more

    @property
    def is_refusal(self) -> bool:
        return self.rejected_document_count > 0 or self.refused_record_count > 0


class Split(Struct, frozen=True):
    """A batch was refused; in its place stands its first half, or what is sent instead of it."""

    page_index: int
    batch_index: int
    half_index: int | None  # of the second half: one more than the page's last batch; None: no half
    batch_bytes_max: int | None = None  # what Glean may take, if it was too large
    batch_changes_max: int | None = None  # of the first half


class Displaced(Struct, frozen=True):
    """Glean no longer has the upload open."""

    reason: str


class CloseRefused(Struct, frozen=True):
    """Glean does not take such a last page: one without documents, or with this one."""

    reason: str


class Closed(Struct, frozen=True):
    pass


class GoneListed(Struct, frozen=True):
    gone: Gone


class PacksApplied(Struct, frozen=True):
    after: int | None  # where the rest begins; None: the ledger has all of it


class Failed(Struct, frozen=True):
    """What was asked for did not come about, or its answer was lost."""

    reason: str
    is_transient: bool  # trying again may help
    retry_after_ms: int = 0  # asked for by the other side
    jitter: float = 1.0  # how much of the back-off is waited, drawn from 0 to 1
    effect: Effect | None = None  # what was asked for
    recourse: Recourse | None = None  # what helps instead
    cause: Cause = Cause.UNANSWERED
    may_be_done: bool = False  # and only its answer lost
    document_count: int = 0  # that were to be sent


Event = (
    Woke
    | Opened
    | UploadQueried
    | DocumentsCounted
    | Fetched
    | NoRoom
    | Packed
    | Sent
    | Split
    | Displaced
    | CloseRefused
    | Closed
    | GoneListed
    | PacksApplied
    | Failed
)
