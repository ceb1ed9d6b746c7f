from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from durable.instant import rfc3339
from durable.job import Job, Mode, State
from durable.status import status


QUEUED = Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=1_764_000_000_123)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_a_queued_job_has_nothing_to_show_yet() -> None:
    assert msgspec.to_builtins(status(QUEUED)) == {
        "id": "notes-1",
        "connector": "notes",
        "mode": "FULL",
        "state": "queued",
        "created_at": "2025-11-24T16:00:00.123Z",
        "started_at": None,
        "finished_at": None,
        "pages": 0,
        "documents": 0,
        "deleted": 0,
        "bytes": 0,
        "turns": 0,
        "attempt": 0,
        "next_attempt_at": None,
        "last_error": None,
        "upload_id": None,
        "cursor": None,
    }


def test_a_job_that_waits_shows_why_and_until_when() -> None:
    waiting = replace(
        QUEUED,
        state=State.SENDING,
        started_at_ms=QUEUED.created_at_ms + 1,
        page_count=2,
        document_count=3,
        deletion_count=4,
        byte_count=5,
        turn_count=6,
        attempt=7,
        retry_at_ms=QUEUED.created_at_ms + 60_000,
        error="Glean answered 503: busy",
        upload_id="notes-1-1",
        cursor="b",
    )

    shown = status(waiting)

    assert (shown.pages, shown.documents, shown.deleted, shown.bytes) == (2, 3, 4, 5)
    assert (shown.turns, shown.attempt) == (6, 7)
    assert shown.started_at == "2025-11-24T16:00:00.124Z"
    assert shown.next_attempt_at == "2025-11-24T16:01:00.123Z"
    assert shown.last_error == "Glean answered 503: busy"
    assert (shown.upload_id, shown.cursor) == ("notes-1-1", "b")


def test_an_ended_job_shows_when_it_ended() -> None:
    ended = replace(QUEUED, state=State.SUCCEEDED, finished_at_ms=0)

    assert status(ended).finished_at == "1970-01-01T00:00:00.000Z"


@given(st.integers(0, 4_102_444_800_000))
def test_an_instant_is_exact_to_the_millisecond(at_ms: int) -> None:
    moment = datetime.fromisoformat(rfc3339(at_ms))

    assert (moment - EPOCH) / timedelta(milliseconds=1) == at_ms
