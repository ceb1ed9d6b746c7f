from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from durable.machine.commands import LEGAL
from durable.machine.gone import Gone
from durable.machine.job import FinishedStage, Job, Mode, Stage, TurnUsage, Way
from durable.machine.notes import Note
from durable.machine.pages import ChangeCounts, InFlightPage, Page
from durable.machine.remedies import RemedyCode
from durable.machine.states import State
from durable.timestamps import rfc3339
from durable.views.job_summary import DocumentChanges, changes, missing_list
from durable.views.status import status
from durable.views.steps import Phrase, StepCode, next_step, repeated_step
from durable.views.texts import Message, Surface, say, to_message
from tests.fakes.jobs import alter


QUEUED = Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=1_764_000_000_123)
LISTED = Gone(count=40, new_count=40, is_whole=True, digest="8c1f")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE = Page(next_cursor="c", batch_count=3, document_count=9, deletion_count=0, byte_count=5)


def test_a_job_that_reads_from_earlier_says_why() -> None:
    job = replace(QUEUED, mode=Mode.INCREMENTAL, since_ms=7_200_000)
    assert (status(job).since, status(job).since_because) == ("1970-01-01T02:00:00.000Z", None)
    job = replace(job, reaches={Stage.DOCUMENTS: 3_600_000, Stage.USERS: 5}, retried_count=3)

    shown = status(job)

    assert shown.since == "1970-01-01T00:00:00.005Z"
    assert shown.since_because is not None
    assert (shown.since_because.code, shown.since_because.parameters) == (
        "retry-rejects",
        {"stage": "users", "since": shown.since, "count": 3},
    )


def test_a_queued_job_has_nothing_to_show_yet() -> None:
    assert msgspec.to_builtins(status(QUEUED)) == {
        "id": "notes-1",
        "connector": "notes",
        "mode": "FULL",
        "state": "queued",
        "begun_by": None,
        "way": None,
        "became_full": False,
        "repeats": None,
        "since": None,
        "since_because": None,
        "stage": "documents",
        "stages": ({"stage": "documents", "pages": 0, "brought": 0, "deleted": 0, "rejected": 0},),
        "waits_for": "alarm",
        "waits_because": "its next turn begins with the next alarm",
        "waits_until": None,
        "next_step": {
            "code": "read-all",
            "parameters": {"stage": "documents"},
            "text": say(Phrase(StepCode.READ_ALL, {"stage": "documents"}), Surface.API),
        },
        "remedy": None,
        "if_killed_now": None,
        "commands": ("cancel",),
        "created_at": "2025-11-24T16:00:00.123Z",
        "started_at": None,
        "finished_at": None,
        "progress_at": None,
        "left_seconds": None,
        "pages": 0,
        "documents": 0,
        "deleted": 0,
        "rejected": 0,
        "bytes": 0,
        "turns": 0,
        "attempt": 0,
        "next_attempt_at": None,
        "last_error": None,
        "last_error_code": None,
        "progress": None,
        "changes": {"added": 0, "changed": 0, "access": 0, "deleted": 0, "unchanged": 0},
        "outdated": 0,
        "missing": None,
        "missing_list": None,
        "upload_id": None,
        "cursor": None,
        "verification": None,
        "processing": None,
        "deletions": (),
        "findings": (),
        "events": (),
    }


def test_a_job_that_waits_shows_why_and_until_when_and_what_comes_next() -> None:
    waiting = alter(
        QUEUED,
        state=State.SENDING,
        started_at_ms=QUEUED.created_at_ms + 1,
        progress_at_ms=QUEUED.created_at_ms + 2,
        page_count=2,
        document_count=3,
        deletion_count=4,
        byte_count=5,
        reject_count=8,
        turn_count=6,
        attempt=7,
        retry_at_ms=QUEUED.created_at_ms + 60_000,
        error="Glean answered 503: busy",
        error_code="glean-unavailable",
        notes=(Note(2, "else"),),
        upload_id="notes-1-1",
        cursor="b",
    )

    shown = status(waiting)

    assert (shown.pages, shown.documents, shown.deleted, shown.bytes) == (2, 3, 4, 5)
    assert (shown.turns, shown.attempt, shown.rejected) == (6, 7, 8)
    assert shown.started_at == "2025-11-24T16:00:00.124Z"
    assert shown.progress_at == "2025-11-24T16:00:00.125Z"
    assert shown.waits_until == shown.next_attempt_at == "2025-11-24T16:01:00.123Z"
    assert shown.waits_because == "attempt 7 failed: Glean answered 503: busy"
    assert shown.last_error == "Glean answered 503: busy"
    assert shown.last_error_code == "glean-unavailable"
    assert shown.next_step == to_message(Phrase(StepCode.READ_PAGE, {"page": 3}))
    assert shown.if_killed_now is None
    assert (shown.upload_id, shown.cursor) == ("notes-1-1", "b")


def test_a_job_that_works_shows_what_a_kill_would_repeat() -> None:
    flight = InFlightPage(PAGE, sent_count=1, begun_count=2, sending=(1,))
    working = alter(QUEUED, state=State.SENDING, turn=TurnUsage(started_at_ms=1), flights=(flight,))

    shown = status(working)

    assert (shown.waits_because, shown.waits_until) == (None, None)
    assert (shown.next_step, shown.if_killed_now) == (
        to_message(next_step(working)),
        to_message(repeated_step(working)),
    )


def test_a_job_behind_another_names_it() -> None:
    ahead = replace(QUEUED, id="notes-0", state=State.CLOSING)

    assert status(QUEUED, ahead).waits_because == (
        "one job of a connector runs at a time, and notes-0 is closing"
    )


def test_a_held_job_shows_how_many_are_missing_and_what_can_be_done() -> None:
    gone = Gone(count=40, new_count=40, is_whole=True, digest="8c1f")
    held = alter(QUEUED, state=State.HELD, document_count=60, gone=gone, error="would delete 40")

    shown = status(held)

    assert (shown.missing, shown.missing_list) == (40, "8c1f")
    assert shown.waits_because == "would delete 40"
    assert shown.remedy is not None
    assert shown.remedy.code == RemedyCode.DECIDE
    assert shown.remedy.parameters == {"job": "notes-1", "deletions": 40, "list": "8c1f"}
    assert shown.commands == ("approve", "cancel")


def test_an_ended_job_shows_when_it_ended() -> None:
    ended = replace(QUEUED, state=State.SUCCEEDED, finished_at_ms=0)

    assert status(ended).finished_at == "1970-01-01T00:00:00.000Z"


def test_what_happened_is_shown_with_its_time() -> None:
    job = replace(QUEUED, notes=(Note(0, "opened"), Note(1, "busy", "retry", "429")))

    assert msgspec.to_builtins(status(job).events) == (
        {"at": "1970-01-01T00:00:00.000Z", "what": "opened", "kind": "note", "cause": None},
        {"at": "1970-01-01T00:00:00.001Z", "what": "busy", "kind": "retry", "cause": "429"},
    )


@pytest.mark.parametrize("state", State)
def test_the_commands_that_are_shown_are_taken(state: State) -> None:
    assert status(replace(QUEUED, state=state)).commands == LEGAL[state]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("state", State)
def test_every_state_explains_itself(state: State, mode: Mode) -> None:
    shown = status(replace(QUEUED, state=state, mode=mode))

    assert shown.next_step or shown.remedy or state is State.SUCCEEDED
    assert msgspec.json.decode(msgspec.json.encode(shown))["state"] == state


def test_no_state_explains_itself_as_another_does() -> None:
    jobs = [replace(QUEUED, state=state, error="why") for state in State]
    shown = {
        (status(job).waits_because, _code(status(job).next_step or status(job).remedy), job.state)
        for job in jobs
    }
    told = {(why, following) for why, following, _ in shown}

    assert len(told) == len(State) - 1  # cancelled is as failed


def test_an_incremental_job_misses_nothing() -> None:
    job = alter(QUEUED, mode=Mode.INCREMENTAL, gone=LISTED, document_count=3)

    assert (status(job).missing, status(job).missing_list, status(job).way) == (None, None, None)


def test_a_list_that_is_not_known_to_its_end_is_not_shown() -> None:
    job = alter(QUEUED, state=State.SENDING, gone=replace(LISTED, is_whole=False))

    assert (status(job).missing, status(job).missing_list) == (None, None)


@pytest.mark.parametrize("way", Way)
def test_a_full_job_says_whether_it_replaces_or_reconciles_once_that_is_chosen(way: Way) -> None:
    job = replace(QUEUED, way=way)

    assert status(job).way is None
    assert status(alter(job, state=State.SENDING, begun_at_ms=1)).way is way
    assert status(alter(job, state=State.SENDING, begun_at_ms=1, is_delegated=True)).way is None


# What it changed


COUNTS = ChangeCounts(added=12, changed=3, access=1, unchanged=8_088)


def test_a_job_that_replaces_has_deleted_what_was_not_in_its_upload_once_that_is_closed() -> None:
    open_ = alter(QUEUED, state=State.CLOSING, begun_at_ms=1, changes=COUNTS, gone=LISTED)

    assert changes(open_) == DocumentChanges(
        added=12, changed=3, access=1, deleted=0, unchanged=8_088
    )
    closed = changes(alter(open_, is_closed=True))
    assert closed is not None
    assert closed.deleted == LISTED.count


def test_a_job_that_reconciles_has_deleted_what_is_acknowledged_of_its_list() -> None:
    """Not what goes under its former type, and stays."""
    documents = FinishedStage(Stage.DOCUMENTS, 9, 16, 5, 0, 9, COUNTS, LISTED)
    stages = (Stage.DOCUMENTS, Stage.DELETIONS)
    job = replace(QUEUED, way=Way.RECONCILE, stages=stages, stage_index=1, done=(documents,))

    assert changes(alter(job, deletion_count=2)) == DocumentChanges(
        added=12, changed=3, access=1, deleted=2, unchanged=8_088
    )


def test_an_incremental_job_has_deleted_what_glean_acknowledged() -> None:
    job = alter(QUEUED, mode=Mode.INCREMENTAL, changes=COUNTS, deletion_count=7)

    found = changes(job)

    assert found is not None
    assert (found.deleted, found.unchanged) == (7, 8_088)


def test_of_a_job_before_its_documents_and_of_a_backends_nothing_is_told() -> None:
    assert changes(replace(QUEUED, stages=(Stage.USERS, Stage.DOCUMENTS))) is None
    assert changes(replace(QUEUED, is_delegated=True)) is None


# Which list is its own


def test_a_job_that_deletes_has_the_list_of_the_crawl_before() -> None:
    documents = FinishedStage(Stage.DOCUMENTS, 9, 16, 0, 0, 9, COUNTS, LISTED)
    stages = (Stage.DOCUMENTS, Stage.DELETIONS)
    job = replace(QUEUED, way=Way.RECONCILE, stages=stages, stage_index=1, done=(documents,))
    job = alter(job, gone_at_ms=5, begun_at_ms=9)

    assert missing_list(job) == (5, LISTED)
    assert status(job).missing_list == LISTED.digest


def test_a_job_before_that_has_the_list_of_its_own_crawl() -> None:
    assert missing_list(alter(QUEUED, begun_at_ms=9, gone=LISTED)) == (9, LISTED)
    assert missing_list(alter(QUEUED, begun_at_ms=9)) is None


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING])
def test_a_job_that_waits_for_an_alarm_says_until_when(state: State) -> None:
    job = replace(QUEUED, state=state, alarm_at_ms=1_764_000_000_173)

    assert status(job).waits_until == "2025-11-24T16:00:00.173Z"


@given(st.integers(0, 4_102_444_800_000))
def test_an_instant_is_exact_to_the_millisecond(at_ms: int) -> None:
    moment = datetime.fromisoformat(rfc3339(at_ms))

    assert (moment - EPOCH) / timedelta(milliseconds=1) == at_ms


def _code(message: Message | None) -> str:
    return "" if message is None else message.code
