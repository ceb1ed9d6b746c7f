from collections.abc import Sequence

import msgspec
import pytest
from msgspec.structs import replace

from durable.machine.drift import Drift
from durable.machine.index_status import STATES, Holdings
from durable.machine.job import Job, Mode, Way
from durable.machine.pacing import ALARM_MS_MIN
from durable.machine.states import State
from durable.machine.verification import (
    LATE_MS,
    NOTES_MAX,
    PROCESSING_MS,
    Aims,
    Trouble,
    Verdict,
    Verification,
    VerificationQuestion,
    begin_verification,
    event_of_verification,
    record_counts,
    record_failed_count,
    supersede_verification,
    wake_verification,
)
from tests.fakes.jobs import alter
from tests.fakes.verifications import (
    BOTH,
    FULL,
    HOUR_MS,
    INCREMENTAL,
    LIMITS,
    MINUTE_MS,
    NOW_MS,
    PROCESSES,
    VERIFIES,
    a_verification,
    of,
)


UNTIL_MS = NOW_MS + LIMITS.verify_ms_max
BUSY = Trouble("Glean answered 503: busy", is_transient=True)
CHANGED = alter(INCREMENTAL, document_count=3, deletion_count=2)
BEFORE_THE_END = NOW_MS + HOUR_MS
KNOWN_COUNT = 10  # documents that the ledger has


def asked(
    verification: Verification, now_ms: int | None = None, jobs: Sequence[Job] = ()
) -> Verification:
    """The question what Glean holds has been asked, when it was time."""
    at_ms = verification.ask_at_ms if now_ms is None else now_ms
    assert at_ms is not None
    after, question = wake_verification(verification, jobs, at_ms, LIMITS)
    assert question is VerificationQuestion.COUNT
    return after


def answered(
    holdings: Holdings, now_ms: int = BEFORE_THE_END, jobs: Sequence[Job] = ()
) -> Verification:
    """The first question, and this answer."""
    return record_counts(asked(a_verification(), now_ms, jobs), holdings, now_ms)


def texts(verification: Verification) -> list[str]:
    return [note.text for note in verification.notes]


def test_it_survives_being_written_and_read() -> None:
    verification = event_of_verification(asked(a_verification()), "a note", NOW_MS)
    verification = replace(verification, drift=Drift(1, 2), error="busy", processes=True)

    assert msgspec.json.decode(msgspec.json.encode(verification), type=Verification) == verification


def test_a_body_of_the_first_fields_loads() -> None:
    """Earlier code wrote no more than these, and never will."""
    body = b"""{"job_id": "notes-1", "datasource": "notes", "upload_id": "u", "closed_at_ms": 1,
        "until_ms": 2}"""

    assert msgspec.json.decode(body, type=Verification).due_at_ms is None


def test_after_the_close_glean_is_left_alone_for_a_while() -> None:
    verification = a_verification()

    assert verification.verdict is Verdict.PENDING
    assert (verification.sent_count, verification.found_count) == (10, None)
    assert verification.due_at_ms == NOW_MS + 5 * MINUTE_MS
    assert verification.until_ms == NOW_MS + 12 * HOUR_MS


def test_the_processing_is_asked_for_at_once() -> None:
    verification = a_verification(PROCESSES)

    assert verification.verdict is None
    assert verification.due_at_ms == NOW_MS + ALARM_MS_MIN


@pytest.mark.parametrize(
    ("called_at_ms", "at_ms"),
    [
        (NOW_MS - PROCESSING_MS - 1, NOW_MS + ALARM_MS_MIN),
        (NOW_MS - HOUR_MS, NOW_MS + 2 * HOUR_MS),
        (NOW_MS, NOW_MS + 3 * HOUR_MS),
    ],
    ids=["long ago", "an hour ago", "just now"],
)
def test_the_processing_is_asked_for_once_in_three_hours_whatever_job_it_was(
    called_at_ms: int, at_ms: int
) -> None:
    verification = begin_verification(FULL, PROCESSES, called_at_ms, KNOWN_COUNT, LIMITS)

    assert verification is not None
    assert verification.due_at_ms == at_ms


@pytest.mark.parametrize("aims", [VERIFIES, PROCESSES, BOTH])
def test_after_an_incremental_job_there_is_nothing_to_do(aims: Aims) -> None:
    assert begin_verification(INCREMENTAL, aims, None, KNOWN_COUNT, LIMITS) is None


def test_a_connector_that_declares_nothing_has_nothing_done() -> None:
    assert (
        begin_verification(
            FULL, replace(BOTH, verifies=False, processes=False), None, KNOWN_COUNT, LIMITS
        )
        is None
    )


def test_what_a_backend_has_brought_is_processed_and_not_counted() -> None:
    delegated = replace(FULL, is_delegated=True)

    assert begin_verification(delegated, VERIFIES, None, KNOWN_COUNT, LIMITS) is None
    verification = a_verification(BOTH, delegated)
    assert (verification.verdict, verification.ask_at_ms) == (None, None)


def test_what_the_ledger_has_is_counted_however_little_the_job_had_to_send() -> None:
    job = alter(FULL, way=Way.RECONCILE, document_count=0)

    assert a_verification(job=job).sent_count == KNOWN_COUNT


def test_questions_come_with_growing_pauses_and_the_last_one_at_the_deadline() -> None:
    verification, minutes = a_verification(), list[int]()
    for _ in range(15):
        assert verification.ask_at_ms is not None
        minutes.append((verification.ask_at_ms - NOW_MS) // MINUTE_MS)
        verification = asked(verification)

    assert minutes == [5, 15, 35, *range(75, 720, 60), 720]
    assert verification.ask_count == len(minutes)


def test_an_alarm_that_fires_early_asks_nothing() -> None:
    verification = a_verification()

    assert wake_verification(verification, (), NOW_MS + 5 * MINUTE_MS - 1, LIMITS) == (
        verification,
        None,
    )


def test_a_question_sets_the_time_of_the_next_before_it_is_asked() -> None:
    verification = asked(a_verification())

    assert verification.asked_at_ms == NOW_MS + 5 * MINUTE_MS
    assert verification.due_at_ms == NOW_MS + 15 * MINUTE_MS


def test_both_numbers_agree_and_that_is_all() -> None:
    verification = answered(of(10))

    assert (verification.verdict, verification.due_at_ms) == (Verdict.VERIFIED, None)
    assert (verification.sent_count, verification.found_count) == (10, 10)
    assert texts(verification) == ["verified: 10 documents were sent, Glean has 10"]


@pytest.mark.parametrize("found", [0, 9, 11])
def test_other_numbers_are_asked_about_again(found: int) -> None:
    verification = answered(of(found))

    assert verification.verdict is Verdict.PENDING
    assert verification.found_count == found
    assert verification.due_at_ms is not None
    assert verification.notes == ()


@pytest.mark.parametrize("found", [9, 11])
def test_other_numbers_at_the_deadline_are_a_mismatch(found: int) -> None:
    verification = answered(of(found), UNTIL_MS)

    assert (verification.verdict, verification.due_at_ms) == (Verdict.MISMATCH, None)
    assert texts(verification) == [f"mismatch: 10 documents were sent, Glean has {found}"]


@pytest.mark.parametrize("state", [*sorted(STATES - {"INDEXING COMPLETED"}), ""])
def test_numbers_that_may_be_of_before_the_close_verify_nothing(state: str) -> None:
    """A sync of as many documents as before it finds its own number at once."""
    assert answered(of(10, state), NOW_MS + LATE_MS - 1).verdict is Verdict.PENDING


@pytest.mark.parametrize("state", [*sorted(STATES), ""])
def test_numbers_that_are_too_young_to_be_of_before_the_close_verify(state: str) -> None:
    assert answered(of(10, state), NOW_MS + LATE_MS).verdict is Verdict.VERIFIED


def test_an_upload_that_is_indexed_says_nothing_of_what_was_counted_before() -> None:
    counts_alone = Holdings(None, 10, "INDEXING COMPLETED", is_indexed=True)

    assert answered(counts_alone, NOW_MS + LATE_MS - 1).verdict is Verdict.PENDING
    assert answered(counts_alone, NOW_MS + LATE_MS).verdict is Verdict.VERIFIED


def test_numbers_that_agree_and_may_be_old_at_the_deadline_leave_it_open() -> None:
    limits = replace(LIMITS, verify_ms_max=HOUR_MS)
    verification = begin_verification(FULL, VERIFIES, None, KNOWN_COUNT, limits)
    assert verification is not None
    verification, _ = wake_verification(verification, (), NOW_MS + HOUR_MS, limits)

    after = record_counts(verification, of(10, "UPLOAD COMPLETED"), NOW_MS + HOUR_MS)

    assert after.verdict is Verdict.UNKNOWN


def test_where_glean_does_not_count_there_is_no_verdict() -> None:
    nothing = Holdings(None, None)

    assert answered(nothing).verdict is Verdict.PENDING
    assert answered(nothing, UNTIL_MS).verdict is Verdict.UNKNOWN


def test_a_deletion_that_is_paused_is_noted_once() -> None:
    verification = answered(of(14, "DELETION PAUSED"))
    verification = record_counts(asked(verification), of(14, "DELETION PAUSED"), BEFORE_THE_END)

    assert verification.verdict is Verdict.PENDING
    assert len(texts(verification)) == 1


@pytest.mark.parametrize("found", [11, 13])
def test_what_is_more_while_a_deletion_is_paused_is_not_taken_for_changes(found: int) -> None:
    at_ms = NOW_MS + LATE_MS

    assert answered(of(found), at_ms, [CHANGED]).verdict is Verdict.VERIFIED
    paused = answered(of(found, "DELETION PAUSED"), at_ms, [CHANGED])
    assert paused.verdict is Verdict.PENDING


@pytest.mark.parametrize("found", range(7, 15))
def test_changes_since_then_widen_what_may_be_found(found: int) -> None:
    """Three upserts may be of new documents or of old ones, and two deletions of none."""
    verification = answered(of(found), UNTIL_MS, [CHANGED])

    is_possible = 8 <= found <= 13
    assert verification.verdict is (Verdict.VERIFIED if is_possible else Verdict.MISMATCH)
    assert "since then 3 changed and 2 deleted" in texts(verification)[-1]


@pytest.mark.parametrize(
    "job",
    [
        replace(FULL, id="notes-2"),
        replace(INCREMENTAL, state=State.FAILED),
        replace(INCREMENTAL, state=State.CANCELLED),
    ],
    ids=["a later FULL job", "a failed job", "a cancelled job"],
)
def test_where_nobody_can_tell_what_is_to_be_found_nothing_is_asked(job: Job) -> None:
    verification, question = wake_verification(a_verification(), [job], BEFORE_THE_END, LIMITS)

    assert question is None
    assert (verification.verdict, verification.due_at_ms) == (Verdict.SUPERSEDED, None)
    assert texts(verification)[0].startswith(f"superseded: {job.id} ")


def test_a_processing_that_was_never_asked_for_outlives_the_verification() -> None:
    failed = replace(INCREMENTAL, state=State.FAILED)
    waiting = begin_verification(FULL, BOTH, NOW_MS, KNOWN_COUNT, LIMITS)
    assert waiting is not None

    verification, _ = wake_verification(waiting, [failed], BEFORE_THE_END, LIMITS)
    assert verification.verdict is Verdict.SUPERSEDED
    assert verification.due_at_ms == NOW_MS + PROCESSING_MS

    _, question = wake_verification(verification, [failed], NOW_MS + PROCESSING_MS, LIMITS)
    assert question is VerificationQuestion.PROCESS


def test_a_processing_that_was_asked_for_is_not_repeated_after_the_verification() -> None:
    failed = replace(INCREMENTAL, state=State.FAILED)
    verification, question = wake_verification(
        a_verification(BOTH), (), NOW_MS + ALARM_MS_MIN, LIMITS
    )
    assert question is VerificationQuestion.PROCESS

    verification, question = wake_verification(verification, [failed], BEFORE_THE_END, LIMITS)

    assert (question, verification.due_at_ms) == (None, None)


def test_a_later_upload_takes_over_all_there_is_to_do() -> None:
    verification = supersede_verification(a_verification(BOTH), "because", NOW_MS, is_replaced=True)

    assert (verification.verdict, verification.due_at_ms) == (Verdict.SUPERSEDED, None)


def test_what_was_never_verified_is_not_superseded() -> None:
    assert supersede_verification(a_verification(PROCESSES), "because", NOW_MS).verdict is None


@pytest.mark.parametrize(("jitter", "minutes"), [(0.0, 5), (1.0, 10)])
def test_an_error_is_waited_out_with_a_pause_that_is_drawn(jitter: float, minutes: int) -> None:
    now_ms = NOW_MS + 6 * MINUTE_MS
    verification = record_failed_count(
        asked(a_verification()), replace(BUSY, jitter=jitter), now_ms, LIMITS
    )

    assert verification.verdict is Verdict.PENDING
    assert verification.error == "Glean answered 503: busy"
    assert verification.due_at_ms == now_ms + minutes * MINUTE_MS


def test_glean_may_ask_for_a_longer_pause_even_beyond_the_deadline() -> None:
    now_ms = UNTIL_MS - 1_000
    busy = replace(BUSY, retry_after_ms=2 * HOUR_MS, jitter=0.0)

    verification = record_failed_count(asked(a_verification(), now_ms), busy, now_ms, LIMITS)

    assert verification.due_at_ms == now_ms + LIMITS.retry_after_ms_max


def test_an_error_is_asked_about_at_the_deadline_at_the_latest() -> None:
    now_ms = UNTIL_MS - 1_000

    verification = record_failed_count(asked(a_verification(), now_ms), BUSY, now_ms, LIMITS)

    assert verification.due_at_ms == UNTIL_MS


def test_no_alarm_is_set_for_this_very_moment() -> None:
    limits = replace(LIMITS, verify_pause_ms_min=1, verify_pause_ms_max=1)
    verification, _ = wake_verification(a_verification(), (), BEFORE_THE_END, limits)
    assert verification.due_at_ms == BEFORE_THE_END + ALARM_MS_MIN

    verification = record_failed_count(
        verification, replace(BUSY, jitter=0.0), BEFORE_THE_END, limits
    )
    assert verification.due_at_ms == BEFORE_THE_END + ALARM_MS_MIN


def test_an_answer_after_an_error_clears_it() -> None:
    verification = record_failed_count(asked(a_verification()), BUSY, NOW_MS, LIMITS)

    assert record_counts(asked(verification), of(9), NOW_MS).error == ""


@pytest.mark.parametrize(
    ("found", "verdict"),
    [(None, Verdict.UNKNOWN), (9, Verdict.MISMATCH), (10, Verdict.UNKNOWN)],
)
@pytest.mark.parametrize("is_death", [False, True], ids=["an error", "a death"])
def test_where_the_last_question_is_not_answered_what_is_known_decides(
    found: int | None, verdict: Verdict, *, is_death: bool
) -> None:
    verification = replace(a_verification(), found_count=found)
    verification = asked(verification, UNTIL_MS)

    if is_death:
        assert verification.ask_at_ms is not None
        verification, question = wake_verification(verification, (), verification.ask_at_ms, LIMITS)
        assert question is None
    else:
        verification = record_failed_count(verification, BUSY, UNTIL_MS, LIMITS)

    assert (verification.verdict, verification.due_at_ms) == (verdict, None)


def test_a_job_that_took_long_does_not_cost_the_last_question() -> None:
    """Nothing was asked while it was pending, and the deadline has passed."""
    verification = asked(a_verification(), UNTIL_MS + HOUR_MS)

    assert record_counts(verification, of(10), UNTIL_MS + HOUR_MS).verdict is Verdict.VERIFIED


def test_the_processing_comes_before_the_question_and_each_has_an_alarm_of_its_own() -> None:
    verification, first = wake_verification(a_verification(BOTH), (), BEFORE_THE_END, LIMITS)
    _, second = wake_verification(verification, (), BEFORE_THE_END, LIMITS)

    assert (first, second) == (VerificationQuestion.PROCESS, VerificationQuestion.COUNT)


def test_a_verdict_makes_the_processing_needless() -> None:
    verification = replace(asked(a_verification()), process_at_ms=UNTIL_MS)

    assert record_counts(verification, of(10), BEFORE_THE_END).due_at_ms is None


@pytest.mark.parametrize("mode", list(Mode))
def test_only_the_latest_notes_are_kept_and_the_same_again_counts_once(mode: Mode) -> None:
    verification = a_verification()
    for number in range(NOTES_MAX + 3):
        verification = event_of_verification(verification, f"{mode} {number // 2}", number)

    assert len(verification.notes) == (NOTES_MAX + 4) // 2
    for number in range(NOTES_MAX + 3):
        verification = event_of_verification(verification, f"{mode} {number}", number)
    assert len(verification.notes) == NOTES_MAX
