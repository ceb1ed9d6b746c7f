import pytest
from msgspec.structs import replace

from durable.machine.commands import LEGAL
from durable.machine.job import Crawl, Job, Mode
from durable.machine.notes import WaitReason
from durable.machine.pages import InFlightPage, Page
from durable.machine.remedies import Remedy, RemedyCode
from durable.machine.states import ENDED, PENDING, WORKING, State
from durable.views.explanation import if_killed, next_step, waiting_reason, waits_for
from durable.views.texts import Surface, say
from tests.fakes.jobs import NOW_MS, a_job, a_page, alter


AHEAD = replace(a_job(State.SENDING), id="ahead")
ANY_OTHER_ALARM = "its next turn begins with the next alarm"


def flying(*flights: InFlightPage, is_fetching: bool = False) -> Job:
    """Four pages are in Glean, and these are on their way."""
    job = alter(a_job(State.SENDING), page_count=4, is_fetching=is_fetching)
    return alter(job, flights=flights)


# One batch is in Glean, another on its way, and none of the next page.
THREE = InFlightPage(a_page(batch_count=3), sent_count=1, begun_count=2, sending=(1,))
TWO = InFlightPage(a_page(batch_count=2))
ONE = InFlightPage(a_page(batch_count=1), begun_count=1, sending=(0,))
# One of two batches was cut: a half is in Glean, the other and the second batch on their way.
CUT = InFlightPage(a_page(batch_count=2), sent_count=1, begun_count=2, half_count=1, sending=(1, 2))


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


# What comes next


@pytest.mark.parametrize(
    ("job", "step"),
    [
        (a_job(State.QUEUED), "opens a bulk upload and reads the source from its start"),
        (
            a_job(State.QUEUED, Mode.INCREMENTAL),
            "reads what changed in the source since the last success began",
        ),
        (
            alter(a_job(State.QUEUED), resumes=True, page_count=4),
            "goes on at page 5, if Glean still has it open; else begins anew",
        ),
        (
            replace(a_job(State.QUEUED), resumes=True),
            "opens a bulk upload and reads the source from its start",
        ),
        (a_job(State.OPENING), "opens a bulk upload and reads the source from its start"),
        (a_job(State.SENDING), "reads page 1 of the source"),
        (alter(a_job(State.SENDING), page_count=4), "reads page 5 of the source"),
        (flying(THREE), "sends page 5, 1 of 3 batches in Glean"),
        (flying(CUT), "sends page 5, 1 of 3 batches in Glean"),
        (flying(ONE, is_fetching=True), "sends page 5, 0 of 1 batch in Glean; reads page 6"),
        (
            flying(THREE, TWO, is_fetching=True),
            "sends pages 5 to 6, 1 of 5 batches in Glean; reads page 7",
        ),
        (
            a_job(State.CLOSING),
            "asks Glean how the upload stands, and closes it unless that is done",
        ),
        (
            alter(a_job(State.HELD), expected_count=100, document_count=60),
            say(Remedy(RemedyCode.DECIDE, {"job": "job", "deletions": 40}), Surface.API),
        ),
        (a_job(State.SUCCEEDED), "nothing"),
        (a_job(State.FAILED), "POST /retry/job queues it again."),
        (a_job(State.CANCELLED), "POST /retry/job queues it again."),
    ],
)
def test_a_job_says_what_comes_next(job: Job, step: str) -> None:
    assert next_step(job) == step


@pytest.mark.parametrize("state", State)
def test_what_a_person_may_do_next_is_legal(state: State) -> None:
    said = next_step(a_job(state))

    assert state in {*PENDING, State.SUCCEEDED} or all(
        f"POST /{command}/job" in said for command in LEGAL[state]
    )
    assert said.count("POST") == (0 if state in PENDING else len(LEGAL[state]))


def test_an_approved_job_closes_its_upload_next() -> None:
    job = alter(a_job(State.QUEUED), resumes=True, has_end=True, page_count=4)

    assert "page 5" not in next_step(job)


def test_an_incremental_job_queued_again_goes_on_whatever_glean_has() -> None:
    job = alter(a_job(State.QUEUED, Mode.INCREMENTAL), resumes=True, page_count=4)

    assert "Glean" not in next_step(job)


def test_a_job_that_asks_after_its_upload_says_so() -> None:
    job = alter(a_job(State.OPENING), resumes=True, page_count=4)

    assert "from its start" not in next_step(job)


# What a death would cost


@pytest.mark.parametrize(
    ("job", "repeated"),
    [
        (a_job(State.QUEUED), "nothing"),
        (a_job(State.OPENING), "the opening of the upload, which is still empty"),
        (alter(a_job(State.SENDING), page_count=4), "page 5 would be read again"),
        (flying(THREE), "page 5 would be read again, and 3 batches sent, 2 of them once more"),
        (flying(CUT), "page 5 would be read again, and 3 batches sent, 3 of them once more"),
        (flying(ONE), "page 5 would be read again, and 1 batch sent, 1 of them once more"),
        (
            flying(THREE, TWO, is_fetching=True),
            "pages 5 to 6 would be read again, and 5 batches sent, 2 of them once more",
        ),
        (alter(between_turns(State.SENDING), page_count=4), "nothing"),
        (
            a_job(State.CLOSING),
            "the question how the upload stands; a close is never repeated blindly",
        ),
        *[(a_job(state), "nothing") for state in (State.HELD, *sorted(ENDED))],
    ],
)
def test_a_job_says_what_a_death_would_repeat(job: Job, repeated: str) -> None:
    assert if_killed(job) == repeated


def test_a_death_while_a_resumed_job_asks_repeats_the_question() -> None:
    job = alter(a_job(State.OPENING), resumes=True, page_count=4)

    assert "empty" not in if_killed(job)


@pytest.mark.parametrize("state", [State.OPENING, State.CLOSING])
def test_a_death_between_turns_repeats_nothing(state: State) -> None:
    assert if_killed(between_turns(state)) == "nothing"


@pytest.mark.parametrize("state", State)
def test_a_job_that_earlier_code_stored_explains_itself_too(state: State) -> None:
    page = Page(next_cursor=None, batch_count=1, document_count=0, deletion_count=0, byte_count=0)
    job = Job(
        id="job",
        connector="connector",
        mode=Mode.FULL,
        created_at_ms=1,
        state=state,
        crawl=Crawl(flights=(InFlightPage(page),)),
    )

    assert next_step(job)
    assert if_killed(job)
