"""Failures and deaths: waiting, giving up, and smaller turns."""

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.effects import Effect, Failed, Fetch, Open, Opened, QueryUpload, Send, Sent
from durable.machine.job import Job, JobSpec
from durable.machine.notes import ErrorCode, EventKind
from durable.machine.pacing import ALARM_MS_MIN
from durable.machine.states import WORKING, State
from tests.fakes.jobs import LIMITS, NOW_MS, WOKE, a_job, a_page, after, alter, arrived, at


# What a job of each state waits for.
EFFECTS: dict[State, Effect] = {
    State.OPENING: Open("job-1"),
    State.SENDING: Fetch(0, None),
    State.CLOSING: QueryUpload("job-1"),
}
EMPTY = arrived(0, a_page(batch_count=0))


def passing(state: State = State.SENDING) -> Failed:
    return Failed("it may pass", is_transient=True, effect=EFFECTS[state])


def waited_ms(attempt: int = 1, retry_after_ms: int = 0, jitter: float = 1.0) -> int:
    failure = Failed("", True, retry_after_ms, jitter, EFFECTS[State.SENDING])
    job = after(alter(a_job(State.SENDING), attempt=attempt), failure)
    assert job.pacing.retry_at_ms is not None
    assert job.pacing.retry_at_ms == job.alarm_at_ms
    return job.pacing.retry_at_ms - NOW_MS


@pytest.mark.parametrize(
    ("attempt", "wait_ms"),
    [(1, 1_000), (2, 2_000), (3, 4_000), (9, 256_000), (10, 300_000), (10_000, 300_000)],
)
def test_the_back_off_doubles_up_to_its_cap(attempt: int, wait_ms: int) -> None:
    assert waited_ms(attempt) == wait_ms


@pytest.mark.parametrize(
    ("jitter", "wait_ms"), [(0.0, ALARM_MS_MIN), (0.25, 1_000), (0.5, 2_000), (1.0, 4_000)]
)
def test_any_part_of_the_back_off_may_be_waited(jitter: float, wait_ms: int) -> None:
    assert waited_ms(attempt=3, jitter=jitter) == wait_ms


@pytest.mark.parametrize(
    ("asked_ms", "wait_ms"),
    [(500, 1_500), (90_000, 91_000), (10**15, LIMITS.retry_after_ms_max + 1_000)],
    ids=["shorter than the back-off", "longer", "absurd"],
)
def test_a_retry_after_is_waited_beside_the_back_off_up_to_its_cap(
    asked_ms: int, wait_ms: int
) -> None:
    assert waited_ms(retry_after_ms=asked_ms) == wait_ms


def test_nobody_comes_back_before_what_was_asked_for() -> None:
    assert waited_ms(retry_after_ms=90_000, jitter=0) == 90_000


@pytest.mark.parametrize("state", sorted(WORKING))
def test_a_failure_ends_the_turn_and_says_why(state: State) -> None:
    job, effects = at(a_job(state), passing(state))

    assert (job.state, effects) == (state, ())
    assert (job.turn, job.crawl.flights, job.crawl.is_fetching) == (None, (), False)
    assert (job.error, job.notes[-1].text) == ("it may pass", "it may pass")


def test_a_failure_forgets_the_page_that_was_under_way() -> None:
    job = after(a_job(State.SENDING), *arrived(0, a_page(None, batch_count=2)), Sent(0, 0))

    failed = after(job, Failed("busy", is_transient=True, effect=Send(0, 1)))

    assert (failed.turn, failed.crawl.flights) == (None, ())
    assert (failed.crawl.cursor, failed.crawl.page_count) == (None, 0)


@pytest.mark.parametrize("state", sorted(WORKING))
def test_an_error_that_will_not_pass_fails_the_job(state: State) -> None:
    job, effects = at(a_job(state), Failed("no such thing", False, effect=EFFECTS[state]))

    assert job.state is State.FAILED
    assert job.error == "no such thing"
    assert (job.alarm_at_ms, job.finished_at_ms, effects) == (None, NOW_MS, ())
    assert job.notes[-1].kind == State.FAILED


@pytest.mark.parametrize("state", sorted(WORKING))
def test_a_job_without_progress_for_a_day_gives_up(state: State) -> None:
    last_ms = NOW_MS + LIMITS.stall_ms_max

    waiting = after(a_job(state), passing(state), now_ms=last_ms - 1)
    given_up = after(a_job(state), passing(state), now_ms=last_ms)

    assert waiting.state is state
    assert given_up.state is State.FAILED
    assert given_up.error_code == ErrorCode.STALLED


def test_progress_gives_a_job_another_day() -> None:
    day_ms = LIMITS.stall_ms_max
    moved = after(a_job(State.SENDING), *EMPTY, now_ms=NOW_MS + day_ms - 1)

    waiting = after(moved, WOKE, passing(), now_ms=NOW_MS + day_ms)

    assert waiting.state is State.SENDING


def test_an_early_alarm_does_nothing_and_is_set_again() -> None:
    failed = after(a_job(State.SENDING), passing())
    assert failed.pacing.retry_at_ms is not None

    woken, effects = at(failed, WOKE, failed.pacing.retry_at_ms - 1)

    assert effects == ()
    assert woken == replace(failed, alarm_at_ms=failed.pacing.retry_at_ms - 1 + ALARM_MS_MIN)


def test_a_waking_on_time_is_the_next_attempt() -> None:
    failed = after(a_job(State.SENDING), passing())
    assert failed.pacing.retry_at_ms is not None

    woken, effects = at(failed, WOKE, failed.pacing.retry_at_ms)

    assert effects == (Fetch(0, None),)
    assert (woken.pacing.attempt, woken.pacing.death_count, woken.pacing.retry_at_ms) == (
        2,
        0,
        None,
    )
    assert woken.error == "it may pass"  # until there is progress


# Deaths


def test_a_death_is_noted_with_what_was_under_way() -> None:
    job = after(alter(a_job(State.SENDING), page_count=4), WOKE)

    assert [note.kind for note in job.notes] == [EventKind.KILLED]


@pytest.mark.parametrize("state", sorted(WORKING))
def test_what_kills_the_isolate_again_and_again_fails_the_job(state: State) -> None:
    job = a_job(state)
    for death_count in range(1, LIMITS.deaths_max):
        job = after(job, WOKE)
        assert (job.state, job.pacing.death_count) == (state, death_count)
        assert job.pacing.attempt == death_count + 1

    job, effects = at(job, WOKE)

    assert (job.state, job.alarm_at_ms, effects) == (State.FAILED, None, ())
    assert job.error_code == ErrorCode.KILLED


def test_a_death_while_a_turn_waits_for_others_is_not_the_jobs_own() -> None:
    job = alter(a_job(State.SENDING), death_count=3)
    assert job.turn is not None

    job = after(replace(job, turn=replace(job.turn, is_apart=True)), WOKE)

    assert (job.state, job.pacing.death_count, job.notes) == (State.SENDING, 3, ())
    assert job.turn is not None
    assert not job.turn.is_apart


def test_a_job_whose_turns_all_end_while_they_wait_for_others_ends_too() -> None:
    job, now_ms = alter(a_job(State.SENDING), death_count=3), NOW_MS
    while job.state is State.SENDING and now_ms < NOW_MS + 2 * LIMITS.stall_ms_max:
        assert job.turn is not None
        now_ms += LIMITS.lease_ms
        job = after(replace(job, turn=replace(job.turn, is_apart=True)), WOKE, now_ms=now_ms)

    assert (job.state, job.pacing.death_count) == (State.FAILED, 3)
    assert now_ms == NOW_MS + LIMITS.stall_ms_max
    assert job.error_code == ErrorCode.KILLED


def test_a_failure_in_between_does_not_forgive_deaths() -> None:
    job = after(alter(a_job(State.SENDING), death_count=LIMITS.deaths_max - 1), passing())
    assert job.pacing.retry_at_ms is not None

    job = after(job, WOKE, now_ms=job.pacing.retry_at_ms)

    assert job.pacing.death_count == LIMITS.deaths_max - 1


def test_progress_forgives_deaths_and_leaves_the_budget_as_it_is() -> None:
    job = after(alter(a_job(State.SENDING), death_count=3, halving_count=3), *EMPTY)

    assert (job.pacing.death_count, job.pacing.halving_count) == (0, 3)


def a_turn_of(job: Job) -> Job:
    """After as many pages as one turn takes, of which nothing is sent."""
    job = after(job, WOKE)
    while job.turn is not None:
        page = replace(a_page(str(job.crawl.page_count), batch_count=0), record_count=1)
        job = after(job, *arrived(job.crawl.page_count, page))
    return job


@pytest.mark.parametrize(
    ("halving_count", "page_count"),
    [(0, 500), (1, 250), (2, 125), (3, 62), (4, 31), (5, 15), (6, 7), (7, 3), (8, 1), (9, 1)],
)
def test_each_death_halves_the_pages_of_a_turn(halving_count: int, page_count: int) -> None:
    job = alter(a_job(State.SENDING), turn=None, halving_count=halving_count)

    assert a_turn_of(job).crawl.page_count == page_count


def test_each_death_halves_the_bytes_of_a_turn() -> None:
    limits = Limits(turn_bytes_max=100)
    halved = alter(a_job(State.SENDING), halving_count=2)

    pages = (arrived(0, a_page(batch_count=0, byte_count=count)) for count in (24, 25))
    going_on, yielding = (after(halved, *events, limits=limits) for events in pages)

    assert going_on.turn is not None
    assert yielding.turn is None


def test_a_job_takes_its_deaths_to_the_smallest_turn() -> None:
    job, halvings = a_job(State.SENDING), []
    for _ in range(LIMITS.deaths_max - 1):
        job = after(job, WOKE)
        halvings.append(job.pacing.halving_count)

    assert halvings == [1, 2, 3, 4, 5, 6, 7, 8]


def test_the_budget_is_halved_no_further_than_to_the_smallest_turn() -> None:
    limits = Limits(turn_pages_max=4, deaths_max=100)
    job = a_job(State.SENDING)
    for _ in range(50):
        job = after(job, WOKE, limits=limits)

    assert job.pacing.halving_count == 3  # 4 >> 3 is none, which counts as one


def test_the_budget_grows_back_with_each_turn_that_ends_well() -> None:
    job, sizes = alter(a_job(State.SENDING), turn=None, halving_count=4), []
    for _ in range(6):
        before, job = job.crawl.page_count, a_turn_of(job)
        sizes.append(job.crawl.page_count - before)

    assert sizes == [31, 62, 125, 250, 500, 500]


def test_a_turn_that_fails_gives_no_budget_back() -> None:
    job = after(alter(a_job(State.SENDING), halving_count=4), passing())

    assert job.pacing.halving_count == 4


def test_a_job_is_not_given_up_before_its_turns_are_the_smallest() -> None:
    limits = Limits(turn_pages_max=1_000)
    job, death_count = a_job(State.SENDING), 0
    while job.state is State.SENDING:
        job, death_count = after(job, WOKE, limits=limits), death_count + 1

    assert death_count == 10
    assert limits.turn_pages_max >> (job.pacing.halving_count - 1) == 1  # that of the last turn


@pytest.mark.parametrize("limits", [Limits(deaths_max=1), Limits(turn_pages_max=64)])
def test_the_smallest_turn_is_tried_before_a_job_is_given_up(limits: Limits) -> None:
    job, tried = a_job(State.SENDING), []
    while job.state is State.SENDING:
        tried.append(max(1, limits.turn_pages_max >> job.pacing.halving_count))
        job = after(job, WOKE, limits=limits)

    assert tried[-1] == 1


def test_a_redefined_connector_does_not_answer_for_the_deaths_of_the_one_before() -> None:
    job = alter(
        a_job(State.SENDING), death_count=LIMITS.deaths_max - 1, halving_count=5, fingerprint="one"
    )

    job = after(job, replace(WOKE, spec=JobSpec(fingerprint="two")))

    assert job.state is State.OPENING


def test_a_redefined_connector_has_a_day_of_its_own() -> None:
    day_ms = LIMITS.stall_ms_max
    job = replace(a_job(State.SENDING), turn=None, fingerprint="one")
    job = after(job, replace(WOKE, spec=JobSpec(fingerprint="two")), now_ms=NOW_MS + day_ms - 1)

    job = after(job, passing(State.OPENING), now_ms=NOW_MS + day_ms)

    assert job.state is State.OPENING


def test_an_opening_that_succeeds_is_progress() -> None:
    job = after(alter(a_job(State.OPENING), death_count=3, attempt=4), Opened())

    assert (job.pacing.death_count, job.pacing.attempt) == (0, 1)
