"""What is remembered of the past, beside the jobs: events and the tally."""

import httpx
import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.counters import TURN_MS, Counters, count
from durable.machine.job import Job, Mode, Stage, TurnUsage
from durable.machine.job_events import JobEvent, diff
from durable.machine.notes import EventKind, Note
from durable.machine.states import ENDED, Command, State
from tests.fakes.answers import BULK, LIST, STATUS, a_history, a_page, a_page_of, ok
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.jobs import a_job, alter


LATER_MS = NOW_MS + 1_200
SENDING = a_job(State.SENDING)
WORKED = TurnUsage(
    NOW_MS,
    page_count=3,
    byte_count=40,
    document_count=30,
    deletion_count=2,
    reject_count=1,
)


def kinds(bench: Bench, job: Job) -> list[str]:
    return [event.happening.kind for event in bench.views.events(job.id, 0, 100)]


def a_full_sync(bench: Bench) -> Job:
    """All goes well, but that the source is busy once."""
    upload = f"{bench.begun(Mode.FULL).id}-1"
    bench.network.on(LIST, a_page("a", next_cursor="2"), httpx.Response(429), a_page("b"))
    bench.network.on(BULK, ok(), ok(), ok(), ok())
    bench.network.on(STATUS, a_history((upload, "ACTIVE")), a_history((upload, "SUCCESSFUL")))
    job = bench.left()
    assert job.pacing.retry_at_ms is not None
    bench.now_ms = job.pacing.retry_at_ms
    return bench.left()


def test_a_jobs_events_tell_its_life_in_order() -> None:
    bench = Bench()

    job = a_full_sync(bench)

    assert job.state is State.SUCCEEDED
    assert kinds(bench, job) == [
        *("queued", "begun", "opened", "retry", "turn"),
        *("closing", "turn", "succeeded"),
    ]
    retry = bench.views.events(job.id, 3, 1)[0].happening
    assert (retry.text, retry.cause) == ("the source answered 429", "source-throttled")


def test_all_jobs_are_counted_together() -> None:
    bench = Bench()
    a_full_sync(bench)
    a_full_sync(bench)

    tally = bench.views.measures().tally

    # What the first one has brought, the second one finds unchanged.
    assert (tally.page_count, tally.document_count, tally.turn_count) == (4, 2, 4)
    assert tally.retry_counts == {"source-throttled": 2}
    assert tally.ended_counts == {"FULL succeeded": 2}
    assert tally.succeeded_at_ms == bench.now_ms
    assert sum(tally.turn_counts) == 4


def test_events_survive_the_object_and_go_with_the_job() -> None:
    bench = Bench(limits={"jobs_kept_max": 1})
    first = a_full_sync(bench)
    bench.restarted()
    assert len(kinds(bench, first)) == 8

    a_full_sync(bench)

    assert kinds(bench, first) == []
    assert bench.views.event_count(first.id) == 0


def test_what_people_do_to_a_job_is_an_event() -> None:
    bench = Bench()
    job = bench.begun(Mode.FULL)
    bench.commanded(job, Command.CANCEL)
    bench.commanded(job, Command.RETRY)

    assert kinds(bench, job) == ["queued", "cancelled", "retried"]
    assert bench.views.measures().tally.ended_counts == {"FULL cancelled": 1}


def test_of_very_many_events_the_first_and_the_latest_are_kept() -> None:
    bench = Bench()
    limits = Limits(events_kept_max=25)
    for number in range(1, 101):
        bench.store.chronicle.add("notes-1", JobEvent(number, EventKind.NOTE.value, ""), limits)

    numbers = [event.number for event in bench.store.chronicle.events("notes-1", 0, 1_000)]

    assert numbers == [*range(1, 21), *range(96, 101)]
    assert bench.store.chronicle.count("notes-1") == 100


def test_where_one_event_is_kept_it_is_the_latest() -> None:
    bench = Bench()
    for number in range(1, 4):
        happening = JobEvent(number, EventKind.NOTE.value, "")
        bench.store.chronicle.add("notes-1", happening, Limits(events_kept_max=1))

    assert [event.number for event in bench.store.chronicle.events("notes-1", 0, 9)] == [3]


def test_a_turn_that_a_kill_ended_counts_what_it_had_done_and_no_time() -> None:
    before = replace(SENDING, turn=WORKED)
    after = alter(before, turn=TurnUsage(LATER_MS), turn_count=2, death_count=1)

    (event,) = diff(before, after, LATER_MS)

    assert (event.kind, event.text) == ("turn", "turn 1 brought 3 pages of documents")
    assert event.worked is not None
    assert (event.worked.document_count, event.worked.duration_ms) == (30, None)
    tally = count(Counters(), before, after, LATER_MS)
    assert (tally.death_count, tally.document_count, sum(tally.turn_counts)) == (1, 30, 0)


def test_a_kill_that_ends_the_job_has_no_time_either() -> None:
    before = replace(SENDING, turn=WORKED)
    after = alter(before, turn=None, ended_turn=WORKED, death_count=1, state=State.FAILED)

    (event,) = diff(before, after, LATER_MS)

    assert event.worked is not None
    assert event.worked.duration_ms is None


def test_a_turn_that_brought_nothing_is_no_event_but_is_counted() -> None:
    before = replace(SENDING, turn=TurnUsage(NOW_MS))
    after = replace(before, turn=None, ended_turn=TurnUsage(NOW_MS))

    assert diff(before, after, LATER_MS) == []
    assert count(Counters(), before, after, LATER_MS).turn_count == 1


def test_a_turn_counts_with_its_last_page() -> None:
    """The last page lands in the step that ends the turn."""
    before = replace(SENDING, turn=TurnUsage(NOW_MS))
    after = replace(before, turn=None, ended_turn=WORKED)

    (event,) = diff(before, after, LATER_MS)

    assert event.worked is not None
    assert (event.worked.page_count, event.worked.duration_ms) == (3, 1_200)


@pytest.mark.parametrize(
    ("duration_ms", "place"),
    [(0, 0), (100, 0), (101, 1), (60_000, len(TURN_MS) - 1), (60_001, len(TURN_MS))],
)
def test_a_duration_is_of_the_first_class_that_holds_it(duration_ms: int, place: int) -> None:
    before = replace(SENDING, turn=WORKED)
    after = replace(before, turn=None, ended_turn=WORKED)

    counts = count(Counters(), before, after, NOW_MS + duration_ms).turn_counts

    assert [index for index, count in enumerate(counts) if count] == [place]
    assert len(counts) == len(TURN_MS) + 1


def test_the_same_note_once_more_is_another_event() -> None:
    before = replace(SENDING, notes=(Note(1, "busy", EventKind.RETRY.value, "glean-throttled"),))
    after = replace(before, notes=(Note(2, "busy", EventKind.RETRY.value, "glean-throttled"),))

    assert diff(before, after, LATER_MS) == [JobEvent(2, "retry", "busy", "glean-throttled")]
    assert count(Counters(), before, after, LATER_MS).retry_counts == {"glean-throttled": 1}


@pytest.mark.parametrize("state", sorted(ENDED))
def test_an_end_is_counted_once(state: State) -> None:
    done = replace(SENDING, state=state, started_at_ms=1, finished_at_ms=5, stages=())

    tally = count(Counters(), SENDING, done, LATER_MS)

    assert tally.ended_counts == {f"FULL {state}": 1}
    assert count(tally, done, replace(done, error="?"), LATER_MS) == tally


def test_what_is_repeated_is_no_success_of_the_connector() -> None:
    repeated = replace(SENDING, repeats="notes-0", mode=Mode.INCREMENTAL)
    done = replace(repeated, state=State.SUCCEEDED, started_at_ms=1, finished_at_ms=5)

    assert count(Counters(), repeated, done, LATER_MS).succeeded_at_ms is None


def test_records_that_were_rejected_are_counted() -> None:
    bench = Bench()
    bench.begun(Mode.INCREMENTAL)
    bench.network.on(LIST, a_page_of([{"id": 7}]))

    job = bench.left()

    assert (job.state, job.stage) == (State.SUCCEEDED, Stage.DOCUMENTS)
    assert bench.views.measures().tally.reject_count == 1
