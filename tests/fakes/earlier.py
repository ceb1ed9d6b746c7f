"""A job as version 0.1.0 stored it, for upgrades and rollbacks. Copied, and not to be changed."""

from enum import StrEnum

from msgspec import Struct


class Mode(StrEnum):
    FULL = "FULL"
    INCREMENTAL = "INCREMENTAL"


class State(StrEnum):
    QUEUED = "queued"
    OPENING = "opening"
    SENDING = "sending"
    CLOSING = "closing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Page(Struct, frozen=True, kw_only=True):
    next_cursor: str | None
    batch_count: int
    document_count: int
    deletion_count: int
    byte_count: int


class Flight(Struct, frozen=True):
    page: Page
    sent_count: int = 0


class Usage(Struct, frozen=True):
    started_at_ms: int
    page_count: int = 0
    byte_count: int = 0


class Job(Struct, frozen=True, kw_only=True):
    id: str
    connector: str
    mode: Mode
    created_at_ms: int
    state: State = State.QUEUED
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    since_ms: int | None = None
    upload_id: str = ""
    upload_count: int = 0
    cursor: str | None = None
    flights: tuple[Flight, ...] = ()
    page_count: int = 0
    document_count: int = 0
    deletion_count: int = 0
    byte_count: int = 0
    turn_count: int = 0
    turn: Usage | None = None
    attempt: int = 0
    death_count: int = 0
    progress_at_ms: int = 0
    retry_at_ms: int | None = None
    alarm_at_ms: int | None = None
    error: str = ""


# In the middle of sending a page, as it was written.
BODY = b"""{
  "id": "notes-20251124T160000123Z-0a1b2c", "connector": "notes", "mode": "FULL",
  "created_at_ms": 1764000000123, "state": "sending", "started_at_ms": 1764000000200,
  "finished_at_ms": null, "since_ms": null, "upload_id": "notes-20251124T160000123Z-0a1b2c-1",
  "upload_count": 1, "cursor": "c",
  "flights": [
    {
      "page": {
        "next_cursor": "d", "batch_count": 2, "document_count": 9, "deletion_count": 0,
        "byte_count": 100
      },
      "sent_count": 1
    }
  ],
  "page_count": 2, "document_count": 18, "deletion_count": 1, "byte_count": 200, "turn_count": 3,
  "turn": {"started_at_ms": 1764000000300, "page_count": 1, "byte_count": 100}, "attempt": 2,
  "death_count": 1, "progress_at_ms": 1764000000400, "retry_at_ms": null,
  "alarm_at_ms": 1764000060300, "error": "Glean answered 503: busy"
}"""
