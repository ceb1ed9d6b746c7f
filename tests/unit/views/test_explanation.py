import pytest
from msgspec.structs import replace

from durable.machine.job import Job, Mode
from durable.machine.notes import WaitReason
from durable.machine.states import ENDED, PENDING, WORKING, State
from durable.views.explanation import waiting_reason, waits_for
from tests.fakes.jobs import NOW_MS, a_job, alter


AHEAD = replace(a_job(State.SENDING), id="ahead")
ANY_OTHER_ALARM = "its next turn begins with the next alarm"


def between_turns(state: State, mode: Mode = Mode.FULL) -> Job:
    return replace(a_job(state, mode), turn=None)


# Why it waits


@pytest.mark.parametrize("state", sorted(WORKING))
def test_a_job_in_its_turn_does_not_wait(state: State) -> None:
    assert waiting_reason(a_job(state), None) is None


@pytest.mark.parametrize("state", sorted(PENDING))
def test_a_job_between_its_turns_waits_for_its_alarm(state: State) -> None:
    assert waiting_reason(between_turns(state), None) == ANY_OTHER_ALARM


@pytest.mark.parametrize("state", sorted(WORKING))
def test_a_job_that_failed_waits_because_of_it(state: State) -> None:
    job = alter(between_turns(state), attempt=3, retry_at_ms=NOW_MS, error="Glean answered 503")

    assert waiting_reason(job, None) == "attempt 3 failed: Glean answered 503"


def test_a_job_that_failed_and_then_lost_its_upload_waits_because_of_the_first_try() -> None:
    job = alter(between_turns(State.OPENING), attempt=0, retry_at_ms=NOW_MS, error="busy")

    assert waiting_reason(job, None) == "attempt 1 failed: busy"


@pytest.mark.parametrize("state", sorted(WORKING))
def test_a_job_that_has_failed_and_hears_the_rest_says_so_already(state: State) -> None:
    job = alter(a_job(state), retry_at_ms=NOW_MS, error="busy")

    assert waiting_reason(job, None) == "attempt 1 failed: busy"


@pytest.mark.parametrize("state", sorted(WORKING))
def test_a_queued_job_waits_for_the_one_ahead(state: State) -> None:
    reason = waiting_reason(a_job(State.QUEUED), replace(AHEAD, state=state))

    assert reason == f"one job of a connector runs at a time, and ahead is {state}"


def test_a_held_job_waits_for_the_reason_it_is_held_for() -> None:
    job = replace(a_job(State.HELD), error="the close would delete 40 documents")

    assert waiting_reason(job, AHEAD) == "the close would delete 40 documents"


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_ended_job_waits_for_nothing(state: State) -> None:
    assert waiting_reason(replace(a_job(state), error="no such thing"), AHEAD) is None


@pytest.mark.parametrize(
    ("job", "ahead", "reason"),
    [
        (a_job(State.QUEUED), AHEAD, WaitReason.JOB),
        (a_job(State.QUEUED), None, WaitReason.ALARM),
        (replace(a_job(State.SENDING), turn=None), None, WaitReason.ALARM),
        (a_job(State.SENDING), None, None),
        (a_job(State.HELD), None, WaitReason.PERSON),
        (alter(a_job(State.SENDING), retry_at_ms=NOW_MS, error="busy"), None, WaitReason.RETRY),
        *(
            (alter(a_job(State.SENDING), retry_at_ms=NOW_MS, waits_for=one.value), None, one)
            for one in WaitReason
        ),
        (
            alter(a_job(State.SENDING), retry_at_ms=NOW_MS, waits_for="what newer code knows"),
            None,
            WaitReason.RETRY,
        ),
        (alter(a_job(State.FAILED), waits_for="memory"), None, None),
    ],
)
def test_what_a_job_waits_for_is_told_in_a_word(
    job: Job, ahead: Job | None, reason: WaitReason | None
) -> None:
    assert waits_for(job, ahead) is reason
