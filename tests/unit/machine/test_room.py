import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, Mode, Stage, TurnUsage
from durable.machine.pages import InFlightPage
from durable.machine.room import SHARE, has_room, lease_bytes, width, with_page
from durable.machine.states import State
from tests.fakes.jobs import LIMITS, NOW_MS, a_job, a_page, alter


MOST = LIMITS.page_bytes_max
LEAST = MOST // SHARE
SENDING = alter(
    a_job(State.SENDING), flights=(), is_fetching=False, turn=TurnUsage(started_at_ms=NOW_MS)
)


def known(byte_count: int, **fields: int) -> Job:
    return alter(SENDING, page_bytes={"FULL documents": byte_count}, **fields)


def holding(job: Job, *sizes: int, is_fetching: bool = False) -> Job:
    flights = tuple(InFlightPage(replace(a_page("next"), byte_count=size)) for size in sizes)
    return alter(job, flights=flights, is_fetching=is_fetching)


@pytest.mark.parametrize(
    ("job", "byte_count"),
    [
        (SENDING, MOST),
        (known(1), LEAST),
        (known(LEAST), LEAST),
        (known(LEAST + 1), LEAST + 1),
        (known(LEAST, halving_count=1), 2 * LEAST),
        (known(LEAST, halving_count=3), 8 * LEAST),
        (known(LEAST, halving_count=9), MOST),
        (known(2 * MOST), 2 * MOST),
        (known(2 * MOST, halving_count=1), 2 * MOST),
        (replace(SENDING, page_bytes={"FULL users": 1}), MOST),
        (replace(SENDING, page_bytes={"INCREMENTAL documents": 1}), MOST),
        (holding(known(LEAST), 3 * LEAST, 2 * LEAST), 5 * LEAST),
    ],
    ids=[
        "nothing is known of its pages",
        "they are small, and may grow",
        "at the least",
        "they are larger",
        "killed once",
        "killed again",
        "as large as any",
        "larger than any is taken by now",
        "that, and killed",
        "those of another stage are known",
        "those of another mode are known",
        "it holds some",
    ],
)
def test_a_turn_holds_its_pages_or_what_the_next_one_may_take(job: Job, byte_count: int) -> None:
    assert lease_bytes(job, LIMITS) == (byte_count, byte_count)


def test_a_page_that_is_being_read_is_thought_of_as_large_as_the_largest() -> None:
    job = holding(known(LEAST), 2 * LEAST, LEAST, is_fetching=True)

    assert lease_bytes(job, LIMITS) == (3 * LEAST, 5 * LEAST)


def test_a_page_alone_is_counted_once() -> None:
    reading = alter(known(3 * LEAST), is_fetching=True)

    assert lease_bytes(reading, LIMITS) == (3 * LEAST, 3 * LEAST)


@pytest.mark.parametrize(
    ("halving_count", "sends"), [(0, 5), (1, 2), (2, 1), (3, 1), (9, 1)], ids=str
)
def test_each_death_halves_what_is_sent_side_by_side(halving_count: int, sends: int) -> None:
    job = alter(SENDING, mode=Mode.FULL, stages=(Stage.DOCUMENTS,), halving_count=halving_count)

    assert width(job, LIMITS) == sends


@pytest.mark.parametrize(
    ("halving_count", "is_room"), [(0, True), (1, True), (2, False), (3, False)], ids=str
)
def test_each_death_halves_what_is_read_ahead(*, halving_count: int, is_room: bool) -> None:
    limits = Limits(held_bytes_max=400, sends_max=40)
    job = holding(alter(SENDING, halving_count=halving_count), 100)

    assert has_room(job, limits) == is_room


@pytest.mark.parametrize("halving_count", [0, 1, 9])
def test_a_page_alone_is_always_read(halving_count: int) -> None:
    assert has_room(alter(SENDING, halving_count=halving_count), LIMITS)


def test_where_others_have_the_memory_nothing_is_read_ahead() -> None:
    crowded = replace(SENDING, turn=TurnUsage(started_at_ms=NOW_MS, is_crowded=True))

    assert has_room(holding(SENDING, 1), LIMITS)
    assert not has_room(holding(crowded, 1), LIMITS)


def test_the_largest_page_of_each_mode_and_stage_is_remembered() -> None:
    page = replace(a_page("next"), byte_count=7)

    assert with_page(SENDING, page) == {"FULL documents": 7}
    assert with_page(known(6), page) == {"FULL documents": 7}
    assert with_page(known(8), page) == {"FULL documents": 8}
    assert with_page(replace(SENDING, page_bytes={"FULL users": 9}), page) == {
        "FULL users": 9,
        "FULL documents": 7,
    }
    changes = replace(known(9), mode=Mode.INCREMENTAL)
    assert with_page(changes, page) == {"FULL documents": 9, "INCREMENTAL documents": 7}


def test_a_job_that_repeats_anothers_rejects_reads_pages_of_that_ones_kind() -> None:
    repeating = replace(known(3 * LEAST), mode=Mode.INCREMENTAL, repeated_mode=Mode.FULL)

    assert lease_bytes(repeating, LIMITS)[0] == 3 * LEAST
