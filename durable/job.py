"""A job as it is stored, and the bounds it works within.

Imports nothing of ours. Times are Unix milliseconds (`_at_ms`), durations
milliseconds (`_ms`): the units of the platform's alarms.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct


Positive = Annotated[int, Meta(ge=1)]


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
    SUCCEEDED = "succeeded"
    FAILED = "failed"


WORKING = frozenset({State.OPENING, State.SENDING, State.CLOSING})
ENDED = frozenset({State.SUCCEEDED, State.FAILED})


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bounds a job works within. Read anew at every turn, so a change helps a running job."""

    turn_pages_max: Positive = 50
    turn_bytes_max: Positive = 32 * 1024 * 1024
    turn_ms_max: Positive = 30_000  # an alarm may run for 15 minutes; a lost turn costs this much
    page_bytes_max: Positive = 8 * 1024 * 1024  # an isolate has 128 MB and holds a page thrice
    batch_documents_max: Positive = 1_000
    batch_bytes_max: Positive = 5 * 1024 * 1024  # a whole request, as encoded
    lease_ms: Positive = 60_000  # a dead isolate is woken again after this long
    backoff_ms_min: Positive = 1_000
    backoff_ms_max: Positive = 300_000
    stall_ms_max: Positive = 24 * 60 * 60 * 1_000  # without progress for so long, a job gives up
    deaths_max: Positive = 6  # of the isolate, at one and the same page


class Page(Struct, frozen=True, kw_only=True):
    """One page of the source as sizes; its documents stay with the processor."""

    next_cursor: str | None  # None: the source said that this is its last page
    batch_count: int
    document_count: int
    deletion_count: int
    byte_count: int


class Flight(Struct, frozen=True):
    """A page that was fetched and is not wholly acknowledged. A crash loses it."""

    page: Page
    sent_count: int = 0  # batches acknowledged


class Usage(Struct, frozen=True):
    """What the turn under way has used of its budget."""

    started_at_ms: int
    page_count: int = 0
    byte_count: int = 0


class Job(Struct, frozen=True, kw_only=True):
    """All that survives a crash. Persisted: add fields with defaults, never rename."""

    id: str
    connector: str
    mode: Mode
    created_at_ms: int
    state: State = State.QUEUED
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    since_ms: int | None = None  # INCREMENTAL reads what changed at or after this; None: all
    upload_id: str = ""  # Glean's name of the bulk upload
    upload_count: int = 0  # uploads asked for; each has an id of its own
    cursor: str | None = None  # low-water mark: moves only once all before it is in Glean
    flights: tuple[Flight, ...] = ()  # oldest first
    page_count: int = 0  # these five count what is acknowledged, so nothing is counted twice
    document_count: int = 0
    deletion_count: int = 0
    byte_count: int = 0
    turn_count: int = 0
    turn: Usage | None = None  # None between turns: a wake-up that finds one, follows a death
    attempt: int = 0  # tries begun since the last progress, counted when they begin
    death_count: int = 0  # of the isolate, since the last progress
    progress_at_ms: int = 0
    retry_at_ms: int | None = None  # nothing is done before this
    alarm_at_ms: int | None = None  # armed whenever the job is not ended
    error: str = ""  # the latest, kept until there is progress
