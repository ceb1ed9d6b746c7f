from datetime import timedelta

import pytest
from msgspec.structs import asdict, replace

from durable.limits import Limits
from durable.machine.gone import Gone
from durable.machine.index_status import ClosedUpload
from durable.machine.job import (
    Crawl,
    FinishedStage,
    Job,
    Mode,
    Pacing,
    Stage,
    TurnUsage,
    Upload,
    Way,
)
from durable.machine.notes import ErrorCode, EventKind, Note
from durable.machine.pacing import ALARM_MS_MIN
from durable.machine.page_progress import PageProgress
from durable.machine.pages import ChangeCounts, InFlightPage
from durable.machine.rate import Rate
from durable.machine.slowdown import Slowdown
from durable.machine.states import ENDED, State
from durable.machine.transitions import (
    add_note,
    clear_in_flight,
    end_job,
    record_death,
    record_progress,
    restart_lost_upload,
    restart_stage,
)
from tests.fakes.jobs import LIMITS, NOW_MS, a_job, a_page, alter


LATER_MS = NOW_MS + 9
# All that differs from a new job's, so that nothing is kept by being the default.
WORN = Job(
    id="job",
    connector="connector",
    mode=Mode.FULL,
    created_at_ms=1,
    state=State.CLOSING,
    started_at_ms=2,
    finished_at_ms=3,
    since_ms=4,
    reaches={Stage.DOCUMENTS: 58},
    retried_count=59,
    upload_count=5,
    turn_count=10,
    turn=a_job(State.SENDING).turn,
    ended_turn=TurnUsage(39),
    alarm_at_ms=15,
    error="trouble",
    error_code="glean-late",
    notes=(Note(16, "a note"),),
    fingerprint="f",
    crawl_count=17,
    restart_count=18,
    resumes=True,
    batch_bytes_max=22,
    known_count=24,
    way=Way.RECONCILE,
    is_replace_asked=True,
    outdated_count=57,
    known_upload_id="u-0",
    gone_at_ms=48,
    approved={Stage.DOCUMENTS: 49},
    queued_cursor="q",
    asked_mode=Mode.INCREMENTAL,
    stages=(Stage.USERS, Stage.DOCUMENTS),
    stage_index=1,
    done=(FinishedStage(Stage.USERS, 1, 2, 3, 4, 5),),
    is_delegated=True,
    rewind_count=29,
    redefined_count=46,
    repeats="job-0",
    repeated_mode=Mode.FULL,
    behind_ms_max=39,
    clock_ms=40,
    shortfall="a group was not taken",
    remedy="retry",
    begun_by="cron",
    page_bytes={"documents": 47},
    closed=(ClosedUpload("users", "u-1", 42),),
    upload=Upload(
        id="job-1",
        applied_count=25,
        is_closed=True,
        closing_index=26,
        is_close_answered=True,
        unsettled_at_ms=27,
        is_close_begun=True,
    ),
    crawl=Crawl(
        cursor="c",
        flights=(InFlightPage(a_page()),),
        is_fetching=True,
        is_refused=True,
        page_count=6,
        document_count=7,
        deletion_count=8,
        byte_count=9,
        has_end=True,
        landmark_cursor="b",
        landmark_page=19,
        document_cursor="b",
        record_count=20,
        reject_count=21,
        landmark_digest="1-00000000",
        pending_reject_count=28,
        landed=PageProgress(b"0" * 12, 1, 37),
        empty_count=44,
        repeated_count=45,
        total_count=38,
        begun_at_ms=50,
        is_history_read=True,
        changes=ChangeCounts(51, 52, 53, 54),
        gone=Gone(55, 56, "k", is_whole=True, digest="d"),
    ),
    pacing=Pacing(
        attempt=11,
        death_count=12,
        progress_at_ms=13,
        retry_at_ms=14,
        halving_count=23,
        rate=Rate(requests=30, per=timedelta(milliseconds=31)),
        asked_until_ms=32,
        asked_count=33,
        spans=((Rate(requests=1, per=timedelta(milliseconds=2)), 3, 4),),
        source_at_ms=34,
        source_pause="a wish",
        indexed_until_ms=35,
        slowdown=Slowdown(57, 58),
        pause="a pause",
        pause_count=42,
        paused_ms=43,
        waits_for="source",
    ),
)
FIRST = replace(WORN, stage_index=0, is_delegated=False)
PARTS = {"upload", "crawl", "pacing"}
# What is under way, for as long as the turn is.
FLYING = {"flights", "is_fetching", "is_refused", "turn", "ended_turn"}
# What beginning anew keeps: whose the job is, what was learnt, and what counts across crawls.
KEPT = {
    "turn",
    "ended_turn",
    "redefined_count",
    "id",
    "connector",
    "mode",
    "created_at_ms",
    "finished_at_ms",
    "since_ms",
    "reaches",
    "retried_count",
    "upload_count",
    "turn_count",
    "queued_cursor",
    "retry_at_ms",
    "alarm_at_ms",
    "error",
    "error_code",
    "notes",
    "fingerprint",
    "restart_count",
    "batch_bytes_max",
    "halving_count",
    "known_count",
    "way",
    "is_replace_asked",
    "outdated_count",
    "known_upload_id",
    "gone_at_ms",
    "approved",
    "asked_mode",
    "stages",
    "stage_index",
    "done",
    "is_delegated",
    "rewind_count",
    "rate",
    "asked_until_ms",
    "asked_count",
    "spans",
    "source_at_ms",
    "source_pause",
    "indexed_until_ms",
    "slowdown",
    "page_bytes",
    "pause",
    "waits_for",
    "repeats",
    "repeated_mode",
    "remedy",  # of a state that it is in no more
    "shortfall",  # of an earlier stage, and that still counts
    "closed",  # likewise
    "behind_ms_max",
    "clock_ms",  # but where the documents are begun anew
    "begun_by",
}


def values(job: Job) -> dict[str, object]:
    """Of all its fields and those of its parts."""
    upload = asdict(job.upload)
    upload["upload_id"] = upload.pop("id")
    own = {name: value for name, value in asdict(job).items() if name not in PARTS}
    return own | upload | asdict(job.crawl) | asdict(job.pacing)


def changed(before: Job, after: Job) -> set[str]:
    old, new = values(before), values(after)
    return {name for name in old if old[name] != new[name]}


def test_a_worn_job_has_no_default_left() -> None:
    new = Job(id="", connector="", mode=Mode.INCREMENTAL, created_at_ms=0)

    assert changed(new, WORN) == set(values(WORN))


def test_beginning_anew_voids_all_that_the_crawl_counted() -> None:
    new = Job(id="job", connector="connector", mode=Mode.FULL, created_at_ms=1)

    begun = restart_stage(FIRST, LATER_MS)

    assert changed(FIRST, begun) == set(values(WORN)) - KEPT
    crawl = set(values(WORN)) - KEPT - {"state", "started_at_ms", "crawl_count"}
    assert changed(new, begun) & crawl == {"progress_at_ms", "begun_at_ms"}
    assert begun.pacing.progress_at_ms == begun.crawl.begun_at_ms == LATER_MS
    assert (begun.started_at_ms, begun.crawl_count) == (LATER_MS, 18)


@pytest.mark.parametrize(
    "now_ms", [LATER_MS, LATER_MS - 9], ids=["it stands still", "it goes back"]
)
def test_each_crawl_has_a_name_of_its_own_whatever_the_clock_does(now_ms: int) -> None:
    """Else what a person approved of would be the list of a later crawl, too."""
    first = restart_stage(FIRST, LATER_MS)

    second = restart_stage(first, now_ms)

    assert second.crawl.begun_at_ms > first.crawl.begun_at_ms
    assert second.started_at_ms == now_ms


@pytest.mark.parametrize(
    ("stage", "clock_ms"), [(Stage.USERS, 40), (Stage.DOCUMENTS, 0), (Stage.DELETIONS, 40)]
)
def test_documents_that_are_begun_anew_tell_the_time_anew(stage: Stage, clock_ms: int) -> None:
    assert restart_stage(replace(FIRST, stages=(stage,)), LATER_MS).clock_ms == clock_ms


@pytest.mark.parametrize(
    ("mode", "state"), [(Mode.FULL, State.OPENING), (Mode.INCREMENTAL, State.SENDING)]
)
def test_beginning_anew_begins_where_the_mode_does(mode: Mode, state: State) -> None:
    assert restart_stage(replace(FIRST, mode=mode), LATER_MS).state is state


def test_nothing_is_under_way_between_two_turns() -> None:
    waiting = clear_in_flight(WORN)

    assert changed(WORN, waiting) == FLYING
    assert (waiting.crawl.flights, waiting.crawl.is_fetching, waiting.crawl.is_refused) == (
        (),
        False,
        False,
    )
    assert (waiting.turn, waiting.ended_turn) == (None, WORN.turn)


def test_progress_ends_the_trouble() -> None:
    moved = record_progress(alter(WORN, retry_at_ms=None), LATER_MS)

    assert changed(alter(WORN, retry_at_ms=None), moved) == {
        "attempt",
        "death_count",
        "progress_at_ms",
        "unsettled_at_ms",
        "pause_count",
        "paused_ms",
        "error",
        "error_code",
    }
    assert (moved.pacing.attempt, moved.pacing.death_count) == (1, 0)
    assert (moved.error, moved.error_code) == ("", "")
    assert moved.pacing.progress_at_ms == LATER_MS


def test_progress_beside_a_failure_does_not_end_its_error() -> None:
    moved = record_progress(WORN, LATER_MS)

    assert changed(WORN, moved) == {
        "attempt",
        "death_count",
        "progress_at_ms",
        "unsettled_at_ms",
        "pause_count",
        "paused_ms",
    }
    assert (moved.pacing.attempt, moved.error, moved.pacing.retry_at_ms) == (1, "trouble", 14)


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_ended_job_waits_for_nothing_and_keeps_what_it_did(state: State) -> None:
    job = end_job(WORN, state, LATER_MS, LIMITS, "why", code=ErrorCode.CANCELLED)

    assert changed(WORN, job) - {"state"} == FLYING | {
        "landed",
        "finished_at_ms",
        "retry_at_ms",
        "alarm_at_ms",
        "error",
        "error_code",
        "remedy",
        "notes",
    }
    assert (job.finished_at_ms, job.turn, job.pacing.retry_at_ms, job.alarm_at_ms) == (
        LATER_MS,
        None,
        None,
        None,
    )
    assert (job.error, job.error_code) == ("why", "cancelled")
    assert job.notes[-1] == Note(LATER_MS, f"{state}: why", state.value)


def test_an_end_without_a_reason_clears_the_last_error() -> None:
    job = end_job(WORN, State.SUCCEEDED, LATER_MS, LIMITS)

    assert (job.error, job.error_code, job.notes[-1].text) == ("", "", "succeeded")


def test_the_same_note_once_more_takes_the_place_of_the_latest() -> None:
    job = add_note(add_note(a_job(State.SENDING), "busy", 1, LIMITS), "busy", 2, LIMITS)
    job = add_note(add_note(job, "killed", 3, LIMITS), "busy", 4, LIMITS)

    assert job.notes == (Note(2, "busy"), Note(3, "killed"), Note(4, "busy"))


def test_the_latest_notes_are_kept() -> None:
    job = a_job(State.SENDING)
    for at_ms in range(5):
        job = add_note(job, f"note {at_ms}", at_ms, Limits(notes_kept_max=3))

    assert [note.at_ms for note in job.notes] == [2, 3, 4]


def test_fewer_notes_are_kept_once_the_limit_is_lowered() -> None:
    job = replace(WORN, notes=tuple(Note(n, f"note {n}") for n in range(9)))

    assert [note.at_ms for note in add_note(job, "a", 9, Limits(notes_kept_max=1)).notes] == [9]


def test_a_death_counts_and_halves() -> None:
    job = record_death(alter(a_job(State.SENDING), page_count=2), LATER_MS, LIMITS)

    assert (job.state, job.pacing.death_count, job.pacing.halving_count) == (State.SENDING, 1, 1)
    (note,) = job.notes
    assert note.kind == EventKind.KILLED
    assert (note.at_ms, note.kind) == (LATER_MS, EventKind.KILLED)


@pytest.mark.parametrize(
    ("death_count", "halving_count", "state"),
    [
        (7, 8, State.SENDING),
        (8, 7, State.SENDING),
        (8, 8, State.FAILED),
        (8, 9, State.FAILED),
        (99, 0, State.SENDING),
    ],
)
def test_a_death_ends_the_job_after_enough_of_them_at_the_smallest_turn(
    death_count: int, halving_count: int, state: State
) -> None:
    job = alter(a_job(State.SENDING), death_count=death_count, halving_count=halving_count)

    assert record_death(job, LATER_MS, LIMITS).state is state


def test_a_job_that_dies_of_its_page_quotes_the_beginning_of_the_cursor() -> None:
    job = alter(a_job(State.SENDING), death_count=8, halving_count=8, cursor="c" * 8_000)

    job = record_death(job, LATER_MS, LIMITS)

    assert "(cursor 'ccc" in job.error
    assert len(job.error) < 600


def test_a_displaced_job_begins_anew_with_the_next_alarm() -> None:
    job = restart_lost_upload(replace(FIRST, restart_count=0), "replaced", LATER_MS, LIMITS)

    assert (job.state, job.turn, job.restart_count) == (State.OPENING, None, 1)
    assert (job.crawl.flights, job.crawl.is_fetching) == ((), False)
    assert job.alarm_at_ms == LATER_MS + ALARM_MS_MIN
    assert job.notes[-1] == Note(LATER_MS, "begins anew: replaced", EventKind.RESTARTED.value)


@pytest.mark.parametrize(
    ("restart_count", "state"), [(2, State.OPENING), (3, State.FAILED), (4, State.FAILED)]
)
def test_restarts_are_bounded(restart_count: int, state: State) -> None:
    job = restart_lost_upload(
        replace(FIRST, restart_count=restart_count), "replaced", LATER_MS, LIMITS
    )

    assert job.state is state
