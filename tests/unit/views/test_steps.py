import pytest
from msgspec.structs import replace

from durable.machine.job import Crawl, Job, Mode, Stage, Way
from durable.machine.pages import InFlightPage, Page
from durable.machine.states import PENDING, WORKING, State
from durable.views.steps import Phrase, RepeatCode, StepCode, next_step, repeated_step
from tests.fakes.jobs import a_job, a_page, alter


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


OPENS = Phrase(StepCode.OPEN_UPLOAD, {"stage": "documents"})
READS = Phrase(StepCode.READ_ALL, {"stage": "documents"})


# What comes next


@pytest.mark.parametrize(
    ("job", "step"),
    [
        (a_job(State.QUEUED), READS),
        (a_job(State.QUEUED, Mode.INCREMENTAL), Phrase(StepCode.READ_CHANGES)),
        (
            alter(a_job(State.QUEUED), resumes=True, page_count=4),
            Phrase(StepCode.RESUME_UPLOAD, {"page": 5}),
        ),
        (
            alter(a_job(State.OPENING), resumes=True, page_count=4),
            Phrase(StepCode.RESUME_UPLOAD, {"page": 5}),
        ),
        (
            alter(a_job(State.QUEUED), resumes=True, has_end=True, page_count=4),
            Phrase(StepCode.CLOSE_IF_OPEN),
        ),
        (
            alter(a_job(State.QUEUED, Mode.INCREMENTAL), resumes=True, page_count=4),
            Phrase(StepCode.RESUME, {"page": 5}),
        ),
        (replace(a_job(State.QUEUED), resumes=True), READS),
        (a_job(State.OPENING), OPENS),
        (
            replace(a_job(State.OPENING), stages=(Stage.USERS, Stage.DOCUMENTS)),
            Phrase(StepCode.OPEN_UPLOAD, {"stage": "users"}),
        ),
        (a_job(State.SENDING), Phrase(StepCode.READ_PAGE, {"page": 1})),
        (alter(a_job(State.SENDING), page_count=4), Phrase(StepCode.READ_PAGE, {"page": 5})),
        (
            flying(THREE),
            Phrase(
                StepCode.SEND_PAGES,
                {"page": 5, "page_count": 1, "batch_count": 3, "sent_count": 1},
            ),
        ),
        (
            flying(CUT),
            Phrase(
                StepCode.SEND_PAGES,
                {"page": 5, "page_count": 1, "batch_count": 3, "sent_count": 1},
            ),
        ),
        (
            flying(ONE, is_fetching=True),
            Phrase(
                StepCode.SEND_AND_READ,
                {"page": 5, "page_count": 1, "batch_count": 1, "sent_count": 0, "next_page": 6},
            ),
        ),
        (
            flying(THREE, TWO, is_fetching=True),
            Phrase(
                StepCode.SEND_AND_READ,
                {"page": 5, "page_count": 2, "batch_count": 5, "sent_count": 1, "next_page": 7},
            ),
        ),
        (a_job(State.CLOSING), Phrase(StepCode.CLOSE_UPLOAD)),
        (alter(a_job(State.CLOSING), is_closed=True), Phrase(StepCode.RECORD_UPLOAD)),
        (alter(a_job(State.SENDING), has_end=True), Phrase(StepCode.LIST_MISSING)),
        (
            alter(a_job(State.QUEUED), resumes=True, page_count=4, way=Way.RECONCILE),
            Phrase(StepCode.RESUME, {"page": 5}),
        ),
    ],
)
def test_a_job_says_what_comes_next(job: Job, step: Phrase) -> None:
    assert next_step(job) == step


@pytest.mark.parametrize("state", State)
def test_a_job_does_something_next_unless_it_has_ended_or_waits_for_a_person(state: State) -> None:
    assert (next_step(a_job(state)) is not None) is (state in PENDING)


# What a death would cost


@pytest.mark.parametrize(
    ("job", "repeated"),
    [
        (a_job(State.OPENING), Phrase(RepeatCode.OPEN_UPLOAD)),
        (
            alter(a_job(State.OPENING), resumes=True, page_count=4),
            Phrase(RepeatCode.QUERY_UPLOAD),
        ),
        (alter(a_job(State.SENDING), page_count=4), Phrase(RepeatCode.READ_PAGE, {"page": 5})),
        *(
            (
                job,
                Phrase(
                    RepeatCode.SEND_PAGES,
                    {
                        "page": 5,
                        "page_count": page_count,
                        "batch_count": batch_count,
                        "begun_count": begun_count,
                    },
                ),
            )
            for job, page_count, batch_count, begun_count in (
                (flying(THREE), 1, 3, 2),
                (flying(CUT), 1, 3, 3),
                (flying(ONE), 1, 1, 1),
                (flying(THREE, TWO, is_fetching=True), 2, 5, 2),
            )
        ),
        (a_job(State.CLOSING), Phrase(RepeatCode.QUERY_BEFORE_CLOSE)),
    ],
)
def test_a_job_says_what_a_death_would_repeat(job: Job, repeated: Phrase) -> None:
    assert repeated_step(job) == repeated


@pytest.mark.parametrize("state", State)
def test_a_death_between_turns_repeats_nothing(state: State) -> None:
    assert repeated_step(replace(a_job(state), turn=None)) is None


@pytest.mark.parametrize("state", sorted({*State} - WORKING))
def test_a_death_repeats_nothing_of_a_job_that_does_nothing(state: State) -> None:
    assert repeated_step(a_job(state)) is None


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

    assert (next_step(job) is None) is (state not in PENDING)
    assert repeated_step(job) is None
