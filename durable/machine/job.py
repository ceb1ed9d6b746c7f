"""A job as it is stored.

Times are Unix milliseconds (`_at_ms`), durations milliseconds (`_ms`): the units of the
platform's alarms.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from durable.machine.index_status import ClosedUpload
from durable.machine.notes import Note
from durable.machine.page_progress import Landed
from durable.machine.rate import Rate
from durable.machine.ties import Tie


class Mode(StrEnum):
    """Which records a job reads, and how Glean takes them."""

    FULL = "FULL"  # all records, as one bulk upload: Glean then deletes what was not in it
    INCREMENTAL = "INCREMENTAL"  # records changed since the watermark, as upserts and deletions


class State(StrEnum):
    """Where a job is."""

    QUEUED = "queued"  # waits for the connector's earlier jobs
    OPENING = "opening"  # FULL only: no page of the upload is in Glean yet
    SENDING = "sending"  # every page before `cursor` is in Glean
    CLOSING = "closing"  # FULL only: all pages are in Glean, the upload is still open
    HELD = "held"  # FULL only: its close would delete too much, a person is to decide
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """What a part of a job brings, in the order in which Glean needs it."""

    USERS = "users"
    GROUPS = "groups"
    MEMBERSHIPS = "memberships"  # of one group after the other, each an upload of its own
    EMPLOYEES = "employees"
    TEAMS = "teams"
    DELETIONS = "deletions"  # what a source lists apart, of an INCREMENTAL job
    DOCUMENTS = "documents"  # last: what was deleted and restored since, is among the changes


# A FULL job brings each of these as one bulk upload; Glean then deletes what was not in it.
UPLOADED = frozenset({Stage.USERS, Stage.GROUPS, Stage.TEAMS, Stage.DOCUMENTS})
# Glean tells how these uploads stand. Teams are of no datasource that could be asked about.
CONFIRMED = UPLOADED - {Stage.TEAMS}


WORKING = frozenset({State.OPENING, State.SENDING, State.CLOSING})
PENDING = WORKING | {State.QUEUED}  # these have an alarm
ENDED = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})


class Standing(StrEnum):
    """What Glean says of a bulk upload."""

    OPEN = "open"
    CLOSED = "closed"
    REPLACED = "replaced"  # a later upload was opened in the datasource
    UNLISTED = "unlisted"  # expired, discarded, or not listed yet


class Crawl(Struct, frozen=True):
    """What a page is read for."""

    id: str  # the same after a crash, another one where a job begins anew
    mode: Mode
    stage: Stage
    since_ms: int | None  # records changed at this time or later; None: all


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be known of a connector to carry its jobs."""

    fingerprint: str = ""  # of its definition; empty if that is not to be had
    stages: Mapping[Mode, tuple[Stage, ...]] = {}
    rates: Mapping[Stage, Rate] = {}
    kept_ms: int | None = None  # for so long, the source can tell what has changed
    is_delegated: bool = False  # a backend brings the documents to Glean
    behind_ms_max: int | None = None  # the source's clock is; None: its records do not tell


class Done(Struct, frozen=True):
    """What a stage of a job has come to; the job keeps those of the stages it has left behind."""

    stage: Stage
    page_count: int
    document_count: int  # of whatever it brings
    deletion_count: int
    reject_count: int
    byte_count: int


class Page(Struct, frozen=True, kw_only=True):
    """One page of the source as sizes; its documents stay with the processor."""

    next_cursor: str | None  # None: the source said that this is its last page
    batch_count: int = 0  # this and the next three are known once the page is packed
    document_count: int = 0
    deletion_count: int = 0
    reject_count: int = 0  # records that were set aside before anything was sent
    byte_count: int
    record_count: int = 0
    total_count: int | None = None  # records on all pages, if the source says so
    digest: str = ""  # of the records; empty if there are none
    request_count: int = 1  # that it took
    wait_ms: int = 0  # before the source is asked for anything more
    wait_reason: str = ""  # why, if there is a wait
    note: str = ""  # of what happened on the way, for whoever reads the job's status
    is_bounded: bool = False  # its reader knows that it is nearer to an end, without records too
    latest_ms: int = 0  # of its changes, by the source's clock; 0: none is told
    ties: tuple[Tie, ...] | None = None  # once all of it is sent; None: they stay as they are
    shortfall: str = ""  # why the job cannot count as a success, once the page has landed


class Flight(Struct, frozen=True):
    """A page that was fetched and is not wholly acknowledged. A crash loses it."""

    page: Page
    sent_count: int = 0  # batches acknowledged, in whatever order
    rejected_document_count: int = 0  # refused by Glean and set aside
    rejected_deletion_count: int = 0
    is_packed: bool = True  # its batches are made
    begun_count: int = 0  # of the batches it was packed into, in order, sent at least once
    halves: tuple[int, ...] = ()  # batches that came of cutting others, to be sent before the next
    half_count: int = 0  # of the second ones; the first take the place of what was cut
    sending: tuple[int, ...] = ()  # batches under way
    clock_ms: int = 0  # what the source's showed at the job's start, at the least
    refused_record_count: int = 0  # of which there was no document to be counted

    @property
    def batch_count(self) -> int:
        return self.page.batch_count + self.half_count

    @property
    def is_whole(self) -> bool:
        """Whether all of it is in Glean, or set aside."""
        return self.is_packed and self.sent_count == self.batch_count

    @property
    def document_count(self) -> int:
        """That come into Glean, once all of it has."""
        return self.page.document_count - self.rejected_document_count

    @property
    def deletion_count(self) -> int:
        return self.page.deletion_count - self.rejected_deletion_count

    @property
    def reject_count(self) -> int:
        return self.page.reject_count + self.refused_count

    @property
    def refused_count(self) -> int:
        """By Glean."""
        refused_count = self.rejected_document_count + self.rejected_deletion_count
        return refused_count + self.refused_record_count


class Usage(Struct, frozen=True):
    """What a turn has used of its budget, and done with it."""

    started_at_ms: int
    page_count: int = 0
    byte_count: int = 0
    request_count: int = 0  # at most so many
    document_count: int = 0  # this and the next two are of the same pages
    deletion_count: int = 0
    reject_count: int = 0
    is_apart: bool = False  # it waits before its work: a death meanwhile is of others' doing
    is_crowded: bool = False  # there is no room for another page until one of its own has landed


class Job(Struct, frozen=True, kw_only=True):
    """All that survives a crash. Persisted: add fields with defaults, never rename."""

    id: str
    connector: str
    mode: Mode  # an INCREMENTAL job may become a FULL one
    created_at_ms: int
    state: State = State.QUEUED
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    since_ms: int | None = None  # INCREMENTAL reads what changed at or after this; None: all
    upload_id: str = ""  # Glean's name of the bulk upload
    upload_count: int = 0  # uploads asked for; each has an id of its own
    cursor: str | None = None  # low-water mark: moves only once all before it is in Glean
    flights: tuple[Flight, ...] = ()  # oldest first; not stored, as only the turn has the pages
    is_fetching: bool = False  # the page after these is under way; this and the next not stored
    is_refused: bool = False  # Glean failed in this turn, and nothing more is sent
    page_count: int = 0  # these five count what is acknowledged, so nothing is counted twice
    document_count: int = 0
    deletion_count: int = 0
    byte_count: int = 0
    turn_count: int = 0
    turn: Usage | None = None  # None between turns: a wake-up that finds one, follows a death
    ended_turn: Usage | None = None  # the latest; not stored
    attempt: int = 0  # turns begun since the last progress, that one's too; counted as they begin
    death_count: int = 0  # of the isolate, since the last progress
    progress_at_ms: int = 0
    retry_at_ms: int | None = None  # nothing is done before this
    alarm_at_ms: int | None = None  # armed whenever the job is not ended
    error: str = ""  # the latest, kept until there is progress
    notes: tuple[Note, ...] = ()  # the latest last; the same again counts once
    fingerprint: str = ""  # of the connector's definition, which the cursor is bound to
    crawl_count: int = 0  # begun from the start of the source
    restart_count: int = 0  # of these, since Glean no longer had the upload
    resumes: bool = False  # queued again by a person: goes on where it was, if that can be
    queued_cursor: str | None = None  # where a job goes on that was queued again
    has_end: bool = False  # the source said that there is no more, and all of it was sent
    landmark_cursor: str | None = None  # of an earlier page: a cursor that leads back is found
    landmark_page: int = 0  # the page that gave it, a power of two
    landmark_digest: str = ""  # of that page's records: a source that begins again is found
    document_cursor: str | None = None  # of the latest page that brought documents
    record_count: int = 0  # read from the source; the others count what came of them
    reject_count: int = 0  # records set aside
    pending_reject_count: int = 0  # of the page that was one too many, and is not in Glean
    batch_bytes_max: int | None = None  # lowered where Glean found a request too large
    halving_count: int = 0  # of the turn's budget: one more with each death, one less with a turn
    expected_count: int | None = None  # documents of the connector's last FULL job that succeeded
    approved_count: int | None = None  # documents that a person lets the close delete
    closing_index: int | None = None  # of the document that the last page has, if one is needed
    is_close_answered: bool = False  # Glean took the close
    unsettled_at_ms: int | None = None  # since when Glean tells nothing sure of it
    asked_mode: Mode | None = None  # what was asked for, if it has become another
    stages: tuple[Stage, ...] = ()  # of the mode; empty until the next turn tells
    stage_index: int = 0  # of the one under way; the counts above are its own
    done: tuple[Done, ...] = ()  # the stages before it
    is_delegated: bool = False  # a backend brings the documents to Glean
    is_close_begun: bool = False  # where Glean cannot be asked, a close is not repeated
    rewind_count: int = 0  # crawls begun anew, since the source did not know its cursor any more
    rate: Rate | None = None  # of the source under way
    asked_until_ms: int = 0  # the end of the span in which the source's requests are counted
    asked_count: int = 0  # in that span
    spans: tuple[tuple[Rate, int, int], ...] = ()  # of other rates: until when, and how many
    source_at_ms: int = 0  # the source is asked for nothing before this
    source_pause: str = ""  # and why
    indexed_until_ms: int = 0  # Glean's rate then allows as much as if nothing had been sent
    pause: str = ""  # why nothing is done before retry_at_ms, if that is no error
    waits_for: str = ""  # likewise: a `WaitReason`, as a text
    page_bytes: Mapping[str, int] = {}  # by kind, of the largest page, in earlier jobs too
    landed: Landed = Landed()  # of the page at `cursor`
    pause_count: int = 0  # this and the next: since the last progress, rests that were asked for
    paused_ms: int = 0
    empty_count: int = 0  # pages in a row without a record
    repeated_count: int = 0  # pages that had the very records of an earlier one
    redefined_count: int = 0  # crawls begun anew, since the connector's definition had changed
    total_count: int | None = None  # records on all pages, if the source says so
    repeats: str = ""  # the job whose rejects this one reads again
    repeated_mode: Mode | None = None  # of that job
    behind_ms_max: int | None = None  # the source's clock is; None: its records do not tell
    clock_ms: int = 0  # what that showed at the start, at the least, by what is in Glean
    ties: tuple[Tie, ...] = ()  # INCREMENTAL: what is sent no more if it is read again
    closed: tuple[ClosedUpload, ...] = ()  # of this crawl's stages
    shortfall: str = ""  # why it fails at its end, though it goes on until then
    begun_by: str = ""  # an `Occasion`, as a text: earlier code reads it; empty: not known

    @property
    def stage(self) -> Stage:
        return self.stages[self.stage_index] if self.stages else Stage.DOCUMENTS

    @property
    def is_upload(self) -> bool:
        """Whether what is under way is one bulk upload, whose close deletes."""
        is_ours = not self.is_stage_delegated
        return self.mode is Mode.FULL and self.stage in UPLOADED and is_ours

    @property
    def is_stage_delegated(self) -> bool:
        """Whether a backend brings what is under way; users and groups are brought from here."""
        return self.is_delegated and self.stage is Stage.DOCUMENTS

    @property
    def parts(self) -> tuple[Done, ...]:
        """What each of its stages has come to, the one under way, or the last one, at the end."""
        counts = (self.page_count, self.document_count, self.deletion_count, self.reject_count)
        return (*self.done, Done(self.stage, *counts, self.byte_count))

    @property
    def page_base(self) -> int:
        """Pages of the stages before: each page of a job has a number of its own."""
        return sum(done.page_count for done in self.done)
