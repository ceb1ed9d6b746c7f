"""A turn and the isolate's memory: leased before a page is read, and given back on every path."""

import asyncio
from contextlib import suppress

import httpx
import pytest
from msgspec.structs import replace

from durable import HttpSource, OnePage, SubList
from durable.engine.checks import Checks
from durable.limits import Limits
from durable.machine.commands import Instruction
from durable.machine.effects import (
    CloseRefused,
    CloseWithDocument,
    Fetch,
    NoRoom,
    Sent,
    UploadQueried,
)
from durable.machine.job import Job, Mode, UploadStatus
from durable.machine.memory import LATE_MS, SILENT_MS_MAX, Lease
from durable.machine.notes import WaitReason
from durable.machine.pacing import (
    KILLED_AGAIN,
    PATIENT_PLACE_MS,
    PLACE_MS,
    PLACES_MAX,
    room_wait_ms,
)
from durable.machine.pages import InFlightPage
from durable.machine.states import Command, State
from durable.views.explanation import waits_for
from tests.fakes.answers import INDEX, LIST, a_page, ok
from tests.fakes.bench import NOW_MS, SET, Bench
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.jobs import NOW_MS as AT_MS
from tests.fakes.jobs import WOKE, a_job, after, alter, at
from tests.fakes.jobs import a_page as a_read_page


BOUND = Limits().isolate_bytes_max
NO_ROOM = NoRoom(1, 0.5)
OTHER = Lease("another connector")


def crowded(*answers: httpx.Response | Exception) -> Bench:
    """Another connector has all of the memory."""
    bench = Bench(*answers)
    assert bench.host.memory.ask(OTHER, BOUND, BOUND, bench.now_ms) == 0
    return bench


def held_bytes(bench: Bench) -> int:
    return bench.host.memory.held_bytes(bench.now_ms)


# The turn


def test_while_a_page_is_read_and_sent_its_bytes_are_leased() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page("a", next_cursor="2"), a_page("b"))
    bench.network.on(INDEX, ok(), ok())
    seen: list[int] = []

    async def look() -> None:
        seen.append(held_bytes(bench))

    for number in (1, 2, 3, 4):
        bench.network.meanwhile(number, look)
    bench.begun(Mode.INCREMENTAL)

    assert bench.left().state is State.SUCCEEDED
    assert seen[0] == Limits().page_bytes_max  # of a first page nothing is known
    assert all(0 < byte_count < seen[0] for byte_count in seen[2:])
    assert held_bytes(bench) == 0


PARTS = HttpSource(records="items", url="${NOTES_URL}/${id}", paging=OnePage())
MANY = replace(
    NOTES,
    documents=replace(
        NOTES.documents,
        source=HttpSource(
            records="items",
            url="https://notes.example/list",
            paging=OnePage(),
            sub_lists=(SubList(source=PARTS, into="parts"),),
        ),
    ),
)
SLOW_MS = SILENT_MS_MAX * 2 // 3


@pytest.mark.parametrize("is_check", [False, True])
def test_a_page_that_takes_many_slow_requests_keeps_its_memory(*, is_check: bool) -> None:
    environment = an_environment(NOTES_URL="https://notes.example", **SET)
    bench = Bench(connector=MANY, environment=environment)
    bench.network.add(a_page("a", "b", "c"), *(a_page() for _ in range(3)), httpx.Response(404))
    seen: list[int] = []

    async def look() -> None:
        bench.now_ms += SLOW_MS
        seen.append(held_bytes(bench))

    for number in (1, 2, 3, 4):
        bench.network.meanwhile(number, look)
    if is_check:
        asyncio.run(Checks(MANY, environment, bench.host).run())
    else:
        bench.begun(Mode.INCREMENTAL)
        bench.turned()

    assert seen == [Limits().page_bytes_max] * 4
    assert held_bytes(bench) == 0


def test_a_turn_that_finds_no_room_asks_for_nothing_and_says_so() -> None:
    bench = crowded()
    bench.begun(Mode.INCREMENTAL)

    waiting = bench.left()

    shown = bench.views.show(waiting)
    assert (waiting.state, waiting.turn, waiting.error) == (State.SENDING, None, "")
    assert shown.waits_for is WaitReason.MEMORY
    assert shown.waits_until is not None
    assert bench.network.requests == []
    assert NOW_MS < (bench.storage.alarm_at_ms or 0) == waiting.alarm_at_ms
    assert held_bytes(bench) == BOUND  # the other's


def test_it_goes_on_once_there_is_room() -> None:
    bench = crowded(a_page("a"), ok())
    bench.begun(Mode.INCREMENTAL)
    waiting = bench.left()
    bench.host.memory.give_back(OTHER)
    bench.now_ms = waiting.alarm_at_ms or 0

    ended = bench.left()

    assert (ended.state, ended.crawl.document_count) == (State.SUCCEEDED, 1)
    assert bench.network.lines == [LIST, INDEX]
    assert bench.views.show(ended).waits_for is None


def test_waiting_is_no_attempt_that_failed() -> None:
    bench = crowded()
    bench.begun(Mode.INCREMENTAL)
    attempts = []
    for _ in range(5):
        waiting = bench.left()
        attempts.append(waiting.pacing.attempt)
        bench.host.memory.keep(OTHER, BOUND, BOUND, waiting.alarm_at_ms or 0)
        bench.now_ms = waiting.alarm_at_ms or 0

    assert attempts == [0] * 5
    assert waiting.pacing.death_count == waiting.pacing.halving_count == 0


@pytest.mark.parametrize(("late_ms", "wait_count"), [(0, 1), (LATE_MS - 1, 1), (LATE_MS, 2)])
def test_who_was_killed_keeps_apart_but_not_while_room_is_kept_for_it(
    late_ms: int, wait_count: int
) -> None:
    bench = crowded(a_page("a"), ok())
    waits: list[int] = []

    async def wait(duration_ms: int) -> None:
        waits.append(duration_ms)
        bench.now_ms += duration_ms

    bench.host = replace(bench.host, wait=wait)
    bench.restarted()
    job = bench.begun(Mode.INCREMENTAL)
    begun = alter(job, state=State.SENDING, started_at_ms=NOW_MS, progress_at_ms=NOW_MS)
    bench.store.put(alter(begun, death_count=KILLED_AGAIN), Limits())
    waiting = bench.left()
    assert (waiting.pacing.waits_for, len(waits)) == (WaitReason.MEMORY, 1)
    bench.host.memory.give_back(OTHER)
    bench.now_ms = (waiting.alarm_at_ms or 0) + late_ms

    ended = bench.left()

    assert (ended.state, len(waits)) == (State.SUCCEEDED, wait_count)


@pytest.mark.parametrize(
    "answers",
    [
        (a_page("a"), httpx.Response(500)),
        (httpx.Response(500),),
        (httpx.Response(403),),
        (httpx.ReadError("cut"),),
        (httpx.Response(200, text="no page"),),
    ],
    ids=["Glean fails", "the source fails", "it refuses", "it breaks off", "it is no page"],
)
def test_a_turn_that_fails_gives_back_what_it_had(answers: tuple[httpx.Response, ...]) -> None:
    bench = Bench(*answers)
    bench.begun(Mode.INCREMENTAL)
    bench.left()

    assert held_bytes(bench) == 0


def test_a_bug_of_ours_gives_back_what_the_turn_had() -> None:
    bench = Bench(a_page("a"))  # the network is not prepared for what comes then
    bench.begun(Mode.INCREMENTAL)

    with pytest.RaisesGroup(pytest.RaisesExc(AssertionError)):
        bench.turned()

    assert held_bytes(bench) == 0


@pytest.mark.parametrize("number", [1, 2])
def test_a_job_that_is_cancelled_under_its_turn_gives_back_what_it_had(number: int) -> None:
    bench = Bench(a_page("a", next_cursor="2"), ok(), a_page("b"))
    job = bench.begun(Mode.INCREMENTAL)
    seen: list[int] = []

    async def cancel() -> None:
        seen.append(held_bytes(bench))
        await bench.processor.obey(job.id, Instruction(Command.CANCEL))

    bench.network.meanwhile(number, cancel)
    bench.turned()

    assert bench.job(job.id).state is State.CANCELLED
    assert seen > [0]
    assert held_bytes(bench) == 0


def test_a_task_that_is_cancelled_gives_back_what_its_turn_had() -> None:
    bench = Bench(a_page("a"))
    bench.begun(Mode.INCREMENTAL)
    seen: list[int] = []

    async def turned() -> None:
        turn = asyncio.create_task(bench.processor.turn())

        async def cancel() -> None:
            seen.append(held_bytes(bench))
            turn.cancel()
            await asyncio.Event().wait()

        bench.network.meanwhile(1, cancel)
        with suppress(asyncio.CancelledError):
            await turn

    bench.storage.fire()
    asyncio.run(turned())

    assert seen > [0]
    assert held_bytes(bench) == 0


def test_an_object_that_is_made_anew_takes_the_place_of_the_one_before() -> None:
    bench = Bench(a_page("a"), ok())
    before = Lease(bench.connector.name)
    assert bench.host.memory.ask(before, BOUND, BOUND, bench.now_ms) == 0
    bench.begun(Mode.INCREMENTAL)

    assert bench.left().state is State.SUCCEEDED
    assert held_bytes(bench) == 0


def test_the_sizes_of_pages_are_taken_over_from_the_connectors_last_job() -> None:
    bench = Bench(a_page("a"), ok(), a_page("b"), ok())
    bench.begun(Mode.INCREMENTAL)
    first = bench.left()
    bench.begun(Mode.INCREMENTAL)
    bench.now_ms += 1

    (kind,) = first.page_bytes
    assert bench.left().page_bytes[kind] >= first.page_bytes[kind] > 0


# The machine


def reading(*flights: InFlightPage) -> Job:
    return alter(a_job(State.SENDING), flights=flights)


def test_without_a_page_the_turn_is_over() -> None:
    job, effects = at(reading(), NO_ROOM)

    assert effects == ()
    assert (job.state, job.turn, job.pacing.attempt) == (State.SENDING, None, 0)
    assert job.alarm_at_ms == job.pacing.retry_at_ms == AT_MS + PLACE_MS
    assert waits_for(job, None) is WaitReason.MEMORY


def test_with_pages_at_hand_the_turn_goes_on_and_reads_once_one_has_landed() -> None:
    flights = tuple(InFlightPage(a_read_page(), begun_count=1, sending=(0,)) for _ in range(2))

    job, effects = at(reading(*flights), NO_ROOM)
    assert (job.turn is not None, job.crawl.is_fetching, effects) == (True, False, ())

    job, effects = at(job, Sent(1, 0))
    assert effects == ()

    job, effects = at(job, Sent(0, 0))
    assert effects == (Fetch(2, "next"),)


def test_a_close_that_needs_a_page_waits_for_room_and_is_tried_again() -> None:
    closing = alter(a_job(State.CLOSING), document_count=1)
    refused, effects = at(
        after(closing, CloseRefused("no empty page")), UploadQueried(UploadStatus.OPEN)
    )
    assert [type(effect) for effect in effects] == [CloseWithDocument]

    waiting, effects = at(alter(refused, is_close_begun=True), NO_ROOM)

    assert effects == ()
    assert (waiting.state, waiting.upload.is_close_begun) == (State.CLOSING, False)
    assert waits_for(waiting, None) is WaitReason.MEMORY
    again, effects = at(waiting, WOKE, waiting.alarm_at_ms or 0)
    assert (again.state, len(effects)) == (State.CLOSING, 1)


def test_who_has_waited_longer_looks_sooner_and_all_look_more_rarely() -> None:
    job = a_job(State.SENDING)

    places = (1, 2, PLACES_MAX, PLACES_MAX + 1)
    waits = [room_wait_ms(job, place, 0.5, AT_MS) for place in places]
    assert waits == [PLACE_MS, 2 * PLACE_MS, PLACES_MAX * PLACE_MS, PLACES_MAX * PLACE_MS]

    times_ms = (AT_MS + 1_000 * passed_s for passed_s in (-9, 0, 1, 2, 90))
    patient = [room_wait_ms(job, 1, 0.5, time_ms) for time_ms in times_ms]
    assert patient == [PLACE_MS, PLACE_MS, 2 * PLACE_MS, 4 * PLACE_MS, PATIENT_PLACE_MS]

    assert room_wait_ms(job, 1, 0, AT_MS) < room_wait_ms(job, 1, 1, AT_MS)


def test_looking_for_room_is_no_rest_that_somebody_asked_for() -> None:
    """Or a few looks would use up those that a source is waited for with, a day each."""
    rests, rested_ms = Limits().pauses_max - 1, 2 * Limits().stall_ms_max
    job = alter(a_job(State.SENDING), pause_count=rests, paused_ms=rested_ms)

    now_ms = AT_MS + rested_ms
    for _ in range(3):
        job = after(job, NO_ROOM, now_ms=now_ms)
        assert (job.state, job.pacing.pause_count, job.pacing.paused_ms) == (
            State.SENDING,
            rests,
            rested_ms,
        )
        now_ms = job.alarm_at_ms or 0
        job = after(job, WOKE, now_ms=now_ms)


@pytest.mark.parametrize("mode", Mode)
def test_a_job_that_waits_for_room_for_a_day_gives_up(mode: Mode) -> None:
    job = a_job(State.SENDING, mode)

    ended = after(job, NO_ROOM, now_ms=AT_MS + Limits().stall_ms_max)

    assert ended.state is State.FAILED
