"""A job as it is stored.

Times are Unix milliseconds (`_at_ms`), durations milliseconds (`_ms`): the units of the
platform's alarms.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from durable.machine.gone import Gone
from durable.machine.index_status import ClosedUpload
from durable.machine.notes import Note
from durable.machine.page_progress import PageProgress
from durable.machine.pages import ChangeCounts, InFlightPage
from durable.machine.rate import Rate
from durable.machine.slowdown import Slowdown
from durable.machine.states import State


class Mode(StrEnum):
    """Which records a job reads, and how Glean takes them."""

    FULL = "FULL"  # all records: what is not among them is deleted
    INCREMENTAL = "INCREMENTAL"  # records changed since the watermark, as upserts and deletions


class Way(StrEnum):
    """How a FULL job brings documents."""

    REPLACE = "replace"  # all of them, as one bulk upload: Glean deletes what is not in it
    RECONCILE = "reconcile"  # what differs from the ledger alone, by single requests


class Stage(StrEnum):
    """What a part of a job brings, in the order in which Glean needs it."""

    USERS = "users"
    GROUPS = "groups"
    MEMBERSHIPS = "memberships"  # of one group after the other, each an upload of its own
    EMPLOYEES = "employees"
    TEAMS = "teams"
    DELETIONS = "deletions"  # what a source lists apart; of a FULL job, what the source lost
    DOCUMENTS = "documents"  # after them: what was deleted and restored since, is among the changes


# A FULL job brings each of these as one bulk upload; Glean then deletes what was not in it.
UPLOADED = frozenset({Stage.USERS, Stage.GROUPS, Stage.TEAMS, Stage.DOCUMENTS})
# Glean tells how these uploads stand. Teams are of no datasource that could be asked about.
CONFIRMED = UPLOADED - {Stage.TEAMS}


class UploadStatus(StrEnum):
    """What Glean says of a bulk upload."""

    OPEN = "open"
    CLOSED = "closed"
    REPLACED = "replaced"  # a later upload was opened in the datasource
    UNLISTED = "unlisted"  # expired, discarded, or not listed yet


class ReadContext(Struct, frozen=True):
    """What a page is read for."""

    id: str  # the same after a crash, another one where a job begins anew
    mode: Mode
    stage: Stage
    since_ms: int | None  # records changed at this time or later; None: all


class JobSpec(Struct, frozen=True, kw_only=True):
    """What is to be known of a connector to carry its jobs."""

    fingerprint: str = ""  # of its definition; empty if that is not to be had
    stages: Mapping[Mode, tuple[Stage, ...]] = {}
    rates: Mapping[Stage, Rate] = {}
    kept_ms: int | None = None  # for so long, the source can tell what has changed
    is_delegated: bool = False  # a backend brings the documents to Glean
    behind_ms_max: int | None = None  # the source's clock is; None: its records do not tell
    changing: tuple[Stage, ...] = ()  # of which INCREMENTAL jobs read changes alone


class FinishedStage(Struct, frozen=True):
    """What a stage of a job has come to; the job keeps those of the stages it has left behind."""

    stage: Stage
    page_count: int
    document_count: int  # of whatever it brings
    deletion_count: int
    reject_count: int
    byte_count: int
    changes: ChangeCounts = ChangeCounts()
    gone: Gone = Gone()


class TurnUsage(Struct, frozen=True):
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


class Upload(Struct, frozen=True, kw_only=True):
    """One bulk upload, from its opening to its close. Stored as a part of the job."""

    id: str = ""  # Glean's name of it
    closing_index: int | None = None  # of the document that the last page has, if one is needed
    is_close_begun: bool = False  # where Glean cannot be asked, a close is not repeated
    is_close_answered: bool = False  # Glean took the close
    unsettled_at_ms: int | None = None  # since when Glean tells nothing sure of it
    is_closed: bool = False  # Glean holds it for closed: what it brought goes into the ledger
    applied_count: int = 0  # packs that are in the ledger


class Crawl(Struct, frozen=True, kw_only=True):
    """One reading of a stage's source, from its start. Stored as a part of the job."""

    begun_at_ms: int = 0  # its name in the ledger
    cursor: str | None = None  # low-water mark: moves only once all before it is in Glean
    has_end: bool = False  # the source said that there is no more, and all of it was sent
    flights: tuple[InFlightPage, ...] = ()  # oldest first; not stored: the turn has the pages
    is_fetching: bool = False  # the page after these is under way; this and the next not stored
    is_refused: bool = False  # Glean failed in this turn, and nothing more is sent
    landed: PageProgress = PageProgress()  # of the page at `cursor`
    page_count: int = 0  # these five count what is acknowledged, so nothing is counted twice
    document_count: int = 0
    deletion_count: int = 0
    byte_count: int = 0
    changes: ChangeCounts = ChangeCounts()  # what that was to Glean
    reject_count: int = 0  # records rejected
    record_count: int = 0  # read from the source; the others count what came of them
    pending_reject_count: int = 0  # of the page that was one too many, and is not in Glean
    empty_count: int = 0  # pages in a row without a record
    repeated_count: int = 0  # pages that had the very records of an earlier one
    total_count: int | None = None  # records on all pages, if the source says so
    landmark_cursor: str | None = None  # of an earlier page: a cursor that leads back is found
    landmark_page: int = 0  # the page that gave it, a power of two
    landmark_digest: str = ""  # of that page's records: a source that begins again is found
    document_cursor: str | None = None  # of the latest page that brought documents
    gone: Gone = Gone()  # told at its end
    is_history_read: bool = False  # of Glean's uploads: another client may have been there


class Pacing(Struct, frozen=True, kw_only=True):
    """How a job works and waits: its rates, its rests, its tries. Stored as a part of the job."""

    attempt: int = 0  # turns begun since the last progress, that one's too; counted as they begin
    death_count: int = 0  # of the isolate, since the last progress
    progress_at_ms: int = 0
    retry_at_ms: int | None = None  # nothing is done before this
    pause: str = ""  # why nothing is done before retry_at_ms, if that is no error
    waits_for: str = ""  # likewise: a `WaitReason`, as a text
    pause_count: int = 0  # this and the next: since the last progress, rests that were asked for
    paused_ms: int = 0
    halving_count: int = 0  # of the turn's budget: one more with each death, one less with a turn
    rate: Rate | None = None  # of the source under way
    asked_until_ms: int = 0  # the end of the span in which the source's requests are counted
    asked_count: int = 0  # in that span
    spans: tuple[tuple[Rate, int, int], ...] = ()  # of other rates: until when, and how many
    source_at_ms: int = 0  # the source is asked for nothing before this
    source_pause: str = ""  # and why
    indexed_until_ms: int = 0  # Glean's rate then allows as much as if nothing had been sent
    slowdown: Slowdown | None = None  # of that rate, since Glean found it too high


class Job(Struct, frozen=True, kw_only=True):
    """All that survives a crash. Persisted: add fields with defaults, never rename."""

    id: str
    connector: str
    mode: Mode  # an INCREMENTAL job may become a FULL one
    created_at_ms: int
    begun_by: str = ""  # an `Occasion`, as a text: earlier code reads it; empty: not known
    asked_mode: Mode | None = None  # what was asked for, if it has become another
    repeats: str = ""  # the job whose rejects this one reads again
    repeated_mode: Mode | None = None  # of that job
    state: State = State.QUEUED
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    since_ms: int | None = None  # INCREMENTAL reads what changed at or after this; None: all
    reaches: Mapping[Stage, int] = {}  # these from earlier: rejects are tried again
    retried_count: int = 0  # so many
    fingerprint: str = ""  # of the connector's definition, which the cursor is bound to
    stages: tuple[Stage, ...] = ()  # of the mode; empty until the next turn tells
    stage_index: int = 0  # of the one under way, which the crawl and the upload are of
    done: tuple[FinishedStage, ...] = ()  # the stages before it
    is_delegated: bool = False  # a backend brings the documents to Glean
    upload: Upload = Upload()
    crawl: Crawl = Crawl()
    pacing: Pacing = Pacing()
    upload_count: int = 0  # uploads asked for; each has an id of its own
    crawl_count: int = 0  # begun from the start of the source
    restart_count: int = 0  # of these, since Glean no longer had the upload
    rewind_count: int = 0  # likewise, since the source did not know its cursor any more
    redefined_count: int = 0  # likewise, since the connector's definition had changed
    turn_count: int = 0
    turn: TurnUsage | None = None  # None between turns: a wake-up that finds one, follows a death
    ended_turn: TurnUsage | None = None  # the latest; not stored
    alarm_at_ms: int | None = None  # armed whenever the job is not ended
    error: str = ""  # the latest, kept until there is progress
    error_code: str = ""  # an `ErrorCode`, or whose error it is and its `Cause`
    remedy: str = ""  # a `RemedyCode`, of a job that has failed; "": it is tried again
    shortfall: str = ""  # why it fails at its end, though it goes on until then
    notes: tuple[Note, ...] = ()  # the latest last; the same again counts once
    resumes: bool = False  # queued again by a person: goes on where it was, if that can be
    queued_cursor: str | None = None  # where a job goes on that was queued again
    batch_bytes_max: int | None = None  # lowered where Glean found a request too large
    page_bytes: Mapping[str, int] = {}  # by kind, of the largest page, in earlier jobs too
    way: Way = Way.REPLACE  # of a FULL job's documents
    is_replace_asked: bool = False  # whatever the ledger has
    known_upload_id: str = ""  # that the ledger's documents came with
    gone_at_ms: int = 0  # when the crawl began whose list the deletions of a FULL job are
    outdated_count: int = 0  # documents whose records were rejected: Glean has older versions
    known_count: int | None = None  # FULL: what the ledger had of the stage as it began
    approved: Mapping[Stage, int] = {}  # the crawls whose lists of deletions a person approved of
    behind_ms_max: int | None = None  # the source's clock is; None: its records do not tell
    clock_ms: int = 0  # what that showed at the start, at the least, by what is in Glean
    closed: tuple[ClosedUpload, ...] = ()  # of this crawl's stages

    @property
    def stage(self) -> Stage:
        return self.stages[self.stage_index] if self.stages else Stage.DOCUMENTS

    @property
    def reads_from_ms(self) -> int | None:
        """Since when the changes are read of the stage under way; None: all of it is."""
        return self.reaches.get(self.stage, self.since_ms)

    @property
    def is_upload(self) -> bool:
        """Whether what is under way is one bulk upload, whose close deletes."""
        if self.mode is not Mode.FULL or self.stage not in UPLOADED:
            return False
        return not self.is_stage_delegated and not self.is_reconciling

    @property
    def is_reconciling(self) -> bool:
        """Whether what is under way is compared with the ledger, and differences alone are sent."""
        is_ours = self.mode is Mode.FULL and not self.is_delegated
        return is_ours and self.stage is Stage.DOCUMENTS and self.way is Way.RECONCILE

    @property
    def is_compared(self) -> bool:
        """Whether what is under way is a FULL job's, and differences to the ledger alone."""
        return self.is_reconciling or (self.mode, self.stage) == (Mode.FULL, Stage.DELETIONS)

    @property
    def is_stage_delegated(self) -> bool:
        """Whether a backend brings what is under way; users and groups are brought from here."""
        return self.is_delegated and self.stage is Stage.DOCUMENTS

    @property
    def parts(self) -> tuple[FinishedStage, ...]:
        """What each of its stages has come to, the one under way, or the last one, at the end."""
        crawl = self.crawl
        counts = crawl.page_count, crawl.document_count, crawl.deletion_count, crawl.reject_count
        part = FinishedStage(self.stage, *counts, crawl.byte_count, crawl.changes, crawl.gone)
        return (*self.done, part)

    @property
    def page_base(self) -> int:
        """Pages of the stages before: each page of a job has a number of its own."""
        return sum(done.page_count for done in self.done)


def with_upload(job: Job, **changes: object) -> Job:
    return replace(job, upload=replace(job.upload, **changes))


def with_crawl(job: Job, **changes: object) -> Job:
    return replace(job, crawl=replace(job.crawl, **changes))


def with_pacing(job: Job, **changes: object) -> Job:
    return replace(job, pacing=replace(job.pacing, **changes))


JOB_ID = re.compile(r"(?P<connector>[a-z0-9-]{1,40})-[0-9]{8}T[0-9]{9}Z-[0-9a-f]+")


def connector_name(job_id: str) -> str | None:
    """The connector that a job's id names; None if it is no job's id."""
    match = JOB_ID.fullmatch(job_id)
    return match["connector"] if match else None


def make_job_id(connector: str, now_ms: int, nonce: str) -> str:
    moment = datetime.fromtimestamp(now_ms / 1_000, UTC)
    return f"{connector}-{moment:%Y%m%dT%H%M%S}{now_ms % 1_000:03}Z-{nonce}"
