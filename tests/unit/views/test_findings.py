import msgspec
import pytest
from msgspec.structs import replace

from durable.machine.remedies import RemedyCode
from durable.machine.verification import (
    Verdict,
    Verification,
    VerificationQuestion,
    record_counts,
    wake_verification,
)
from durable.views.findings import Processed, remedy, show_processing, show_verification
from durable.views.status import status
from tests.fakes.verifications import (
    BOTH,
    FULL,
    HOUR_MS,
    LIMITS,
    NOW_MS,
    PROCESSES,
    TEN,
    a_verification,
    of,
)


PAUSED = "DELETION PAUSED"


def judged(verdict: Verdict, found: int | None, state: str = "") -> Verification:
    return replace(a_verification(), verdict=verdict, found_count=found, upload_state=state)


def test_a_verification_to_come_shows_when() -> None:
    shown = msgspec.to_builtins(show_verification(a_verification()))

    assert shown == {
        "state": "pending",
        "sent": 10,
        "found": None,
        "uploaded": None,
        "least": 10,
        "most": 10,
        "upload_state": None,
        "asked_at": None,
        "next_at": "1970-01-12T13:51:40.000Z",
        "until": "1970-01-13T01:46:40.000Z",
        "last_error": None,
        "remedy": None,
    }


def test_a_verdict_shows_both_numbers_and_what_has_changed_since() -> None:
    now_ms = NOW_MS + HOUR_MS
    verification, _ = wake_verification(a_verification(), TEN, now_ms, LIMITS)
    verification = record_counts(replace(verification, least_count=8, most_count=11), of(9), now_ms)

    shown = show_verification(verification)

    assert shown is not None
    assert (shown.state, shown.sent, shown.found, shown.uploaded) == (Verdict.VERIFIED, 10, 9, 99)
    assert (shown.least, shown.most) == (8, 11)
    assert shown.upload_state == "INDEXING COMPLETED"
    assert (shown.asked_at, shown.next_at) == ("1970-01-12T14:46:40.000Z", None)


def test_who_asked_for_neither_is_shown_neither() -> None:
    assert (show_verification(None), show_processing(None)) == (None, None)
    assert show_verification(a_verification(PROCESSES)) is None
    assert show_processing(a_verification()) is None


def test_a_processing_shows_when_it_was_asked_for() -> None:
    waiting = a_verification(BOTH)
    assert show_processing(waiting) == Processed(asked_at=None, next_at="1970-01-12T13:46:40.050Z")

    asked, question = wake_verification(waiting, TEN, NOW_MS + HOUR_MS, LIMITS)
    assert question is VerificationQuestion.PROCESS
    assert show_processing(asked) == Processed(
        asked_at="1970-01-12T14:46:40.000Z", next_at="1970-01-12T17:46:40.000Z"
    )


@pytest.mark.parametrize(
    ("verification", "code"),
    [
        (judged(Verdict.PENDING, None), None),
        (judged(Verdict.PENDING, 9), None),
        (judged(Verdict.PENDING, 14, PAUSED), RemedyCode.DELETE_OR_RESTORE),
        (judged(Verdict.VERIFIED, 10), None),
        (judged(Verdict.MISMATCH, 9), RemedyCode.FIND_MISSING),
        (judged(Verdict.MISMATCH, 11), RemedyCode.FIND_SURPLUS),
        (judged(Verdict.MISMATCH, 14, PAUSED), RemedyCode.DELETE_OR_RESTORE),
        (judged(Verdict.UNKNOWN, None), RemedyCode.VERIFY_LONGER),
        (judged(Verdict.UNKNOWN, 10), RemedyCode.VERIFY_LONGER),
        (judged(Verdict.SUPERSEDED, 14, PAUSED), None),
        (a_verification(PROCESSES), None),
    ],
)
def test_a_person_is_told_what_to_do(verification: Verification, code: RemedyCode | None) -> None:
    told = remedy(verification)

    assert (told and told.code) == code


def test_what_happened_after_the_close_is_among_the_jobs_events() -> None:
    verification, _ = wake_verification(a_verification(), TEN, NOW_MS + HOUR_MS, LIMITS)
    verification = record_counts(verification, of(10), NOW_MS + HOUR_MS)

    shown = status(FULL, verification=verification)

    assert shown.verification == show_verification(verification)
    assert [event.what for event in shown.events] == [
        "verified: 10 documents were sent, Glean has 10"
    ]
