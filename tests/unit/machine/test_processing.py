import pytest
from msgspec.structs import replace

from durable.machine.pacing import ALARM_MS_MIN
from durable.machine.processing import record_failed_processing, record_processing
from durable.machine.verification import (
    PROCESSING_MS,
    Trouble,
    Verdict,
    Verification,
    VerificationQuestion,
    wake_verification,
)
from tests.fakes.verifications import (
    BOTH,
    HOUR_MS,
    LIMITS,
    MINUTE_MS,
    NOW_MS,
    PROCESSES,
    a_verification,
)


ASKED_MS = NOW_MS + ALARM_MS_MIN
BUSY = Trouble("Glean answered 503: busy", is_transient=True)
TOO_OFTEN = Trouble("Glean answered 429", is_transient=True, is_too_often=True)
LOST = Trouble("Glean did not answer", is_transient=True, may_be_taken=True)
REFUSED = Trouble("Glean answered 400: Invalid datasource")


def asked(verification: Verification, now_ms: int = ASKED_MS) -> Verification:
    verification, question = wake_verification(verification, (), now_ms, LIMITS)
    assert question is VerificationQuestion.PROCESS
    return verification


def texts(verification: Verification) -> list[str]:
    return [note.text for note in verification.notes]


def test_what_is_asked_for_counts_before_there_is_an_answer() -> None:
    """A death leaves it asked for: Glean takes no other for three hours, if it has heard it."""
    verification = asked(a_verification(PROCESSES))

    assert verification.processed_at_ms == ASKED_MS
    assert verification.due_at_ms == ASKED_MS + PROCESSING_MS


def test_it_is_asked_for_once() -> None:
    verification = record_processing(asked(a_verification(PROCESSES)), ASKED_MS)

    assert (verification.processed_at_ms, verification.process_at_ms) == (ASKED_MS, None)
    assert verification.due_at_ms is None
    assert len(texts(verification)) == 1


def test_glean_is_asked_again_once_somebody_elses_three_hours_are_over() -> None:
    now_ms = ASKED_MS + 1_000
    verification = record_failed_processing(asked(a_verification(BOTH)), TOO_OFTEN, now_ms, LIMITS)

    assert verification.processed_at_ms is None
    assert verification.process_at_ms == now_ms + PROCESSING_MS
    assert len(texts(verification)) == 1
    again = asked(verification, now_ms + PROCESSING_MS)
    assert again.process_count == 2


def test_an_answer_that_is_lost_counts_as_given() -> None:
    verification = record_failed_processing(
        asked(a_verification(BOTH)), LOST, ASKED_MS + 1_000, LIMITS
    )

    assert verification.processed_at_ms == ASKED_MS
    assert verification.process_at_ms == ASKED_MS + PROCESSING_MS
    assert len(texts(verification)) == 1


@pytest.mark.parametrize(("jitter", "minutes"), [(0.0, 5), (1.0, 10)])
def test_an_error_is_waited_out_with_a_pause_that_is_drawn(jitter: float, minutes: int) -> None:
    trouble = replace(BUSY, jitter=jitter, retry_after_ms=MINUTE_MS)
    verification = record_failed_processing(asked(a_verification(BOTH)), trouble, ASKED_MS, LIMITS)

    assert verification.processed_at_ms is None
    assert verification.process_at_ms == ASKED_MS + (1 + minutes) * MINUTE_MS
    assert verification.error == BUSY.reason


def test_pauses_grow() -> None:
    verification, pauses = a_verification(PROCESSES), list[int]()
    for _ in range(6):
        assert verification.process_at_ms is not None
        now_ms = verification.process_at_ms
        verification = record_failed_processing(asked(verification, now_ms), BUSY, now_ms, LIMITS)
        assert verification.process_at_ms is not None
        pauses.append((verification.process_at_ms - now_ms) // MINUTE_MS)

    assert pauses == [10, 20, 40, 60, 60, 60]


def test_no_alarm_is_set_for_this_very_moment() -> None:
    limits = replace(LIMITS, verify_pause_ms_min=1, verify_pause_ms_max=1)

    verification = record_failed_processing(
        asked(a_verification(PROCESSES)), BUSY, ASKED_MS, limits
    )

    assert verification.due_at_ms == ASKED_MS + ALARM_MS_MIN


def test_what_glean_refuses_for_good_is_not_asked_for_again() -> None:
    verification = record_failed_processing(asked(a_verification(BOTH)), REFUSED, ASKED_MS, LIMITS)

    assert (verification.processed_at_ms, verification.process_at_ms) == (None, None)
    assert verification.verdict is Verdict.PENDING
    assert verification.ask_at_ms is not None
    assert REFUSED.reason in texts(verification)[0]


def test_after_the_deadline_it_is_given_up() -> None:
    waiting = replace(a_verification(PROCESSES), process_at_ms=NOW_MS + 13 * HOUR_MS)

    verification, question = wake_verification(waiting, (), NOW_MS + 13 * HOUR_MS, LIMITS)

    assert (question, verification.due_at_ms) == (None, None)
    assert len(texts(verification)) == 1
