from hypothesis import given
from hypothesis import strategies as st

from durable.machine.memory import (
    LATE_MS,
    NEAR_MS_MIN,
    NEAR_SHARE,
    SILENT_MS_MAX,
    Lease,
    MemoryBudget,
)


NOW_MS = 1_000_000
BOUND = 100


def asked(memory: MemoryBudget, lease: Lease, byte_count: int, now_ms: int = NOW_MS) -> int:
    return memory.ask(lease, byte_count, BOUND, now_ms)


def test_as_much_is_given_as_there_is() -> None:
    memory, one, two, three = MemoryBudget(), Lease("one"), Lease("two"), Lease("three")

    places = [asked(memory, one, 60), asked(memory, two, 40), asked(memory, three, 1)]

    assert places == [0, 0, 1]
    assert memory.held_bytes(NOW_MS) == BOUND


def test_what_is_given_back_another_one_gets() -> None:
    memory, one, two = MemoryBudget(), Lease("one"), Lease("two")
    asked(memory, one, 60)
    assert asked(memory, two, 60) == 1

    memory.give_back(one)
    memory.give_back(one)

    assert asked(memory, two, 60) == 0
    assert memory.held_bytes(NOW_MS) == 60


def test_what_alone_is_more_than_there_is_is_given_where_nobody_holds_anything() -> None:
    memory, large, small = MemoryBudget(), Lease("large"), Lease("small")
    asked(memory, small, 1)
    assert asked(memory, large, 10 * BOUND) == 1

    memory.give_back(small)

    assert asked(memory, large, 10 * BOUND) == 0
    assert asked(memory, small, 1) == 1


def test_a_lease_grows_where_there_is_room_and_loses_nothing_where_there_is_none() -> None:
    memory, one, two = MemoryBudget(), Lease("one"), Lease("two")
    asked(memory, one, 50)
    asked(memory, two, 20)

    assert asked(memory, one, 90) != 0
    assert (one.byte_count, memory.held_bytes(NOW_MS)) == (50, 70)
    assert asked(memory, one, 80) == 0
    assert memory.held_bytes(NOW_MS) == BOUND


def test_a_lease_does_not_grow_beyond_the_bound_though_it_is_alone() -> None:
    memory, one = MemoryBudget(), Lease("one")
    asked(memory, one, 2 * BOUND)

    assert asked(memory, one, 2 * BOUND + 1) != 0
    assert asked(memory, one, 2 * BOUND) == 0


def test_what_turned_out_larger_is_counted_and_what_is_not_needed_is_given_back() -> None:
    memory, one = MemoryBudget(), Lease("one")
    asked(memory, one, 50)

    memory.keep(one, 150, 200, NOW_MS)
    assert memory.held_bytes(NOW_MS) == 150

    memory.keep(one, 10, 30, NOW_MS)
    assert memory.held_bytes(NOW_MS) == 30


def test_keeping_gives_nothing_to_whoever_has_no_lease() -> None:
    memory = MemoryBudget()

    memory.keep(Lease("one"), 10, 30, NOW_MS)

    assert memory.held_bytes(NOW_MS) == 0


def test_who_has_waited_longest_comes_first_though_others_ask_before() -> None:
    memory, one, two, three = MemoryBudget(), Lease("one"), Lease("two"), Lease("three")
    asked(memory, one, BOUND)
    assert asked(memory, two, BOUND) == 1
    assert asked(memory, three, 1) == 2
    memory.expect(two, NOW_MS + NEAR_MS_MIN)
    memory.expect(three, NOW_MS)
    memory.give_back(one)

    assert asked(memory, three, 1) == 2
    assert asked(memory, one, 1) == 3
    assert asked(memory, two, BOUND) == 0
    assert asked(memory, three, 1) == 1


def test_room_is_not_kept_for_whoever_comes_back_much_later() -> None:
    memory, one, two = MemoryBudget(), Lease("one"), Lease("two")
    asked(memory, one, BOUND)
    asked(memory, two, BOUND)
    memory.expect(two, NOW_MS + NEAR_MS_MIN + 1)
    memory.give_back(one)

    assert asked(memory, one, BOUND) == 0


def test_the_longer_somebody_has_waited_the_sooner_room_is_kept() -> None:
    memory, one, two = MemoryBudget(), Lease("one"), Lease("two")
    asked(memory, one, BOUND)
    asked(memory, two, BOUND)
    late_ms = NOW_MS + NEAR_SHARE * 1_000
    memory.expect(two, late_ms + 1_000)
    memory.give_back(one)

    assert asked(memory, Lease("three"), 1, late_ms) == 2
    assert asked(memory, Lease("four"), 1, late_ms - NEAR_SHARE) == 0


def test_who_does_not_come_back_loses_its_place() -> None:
    memory, one, two, three = MemoryBudget(), Lease("one"), Lease("two"), Lease("three")
    asked(memory, one, BOUND)
    asked(memory, two, BOUND)
    memory.expect(two, NOW_MS)
    asked(memory, three, BOUND)
    memory.give_back(one)

    assert asked(memory, three, BOUND, NOW_MS + LATE_MS - 1) == 2
    assert asked(memory, three, BOUND, NOW_MS + LATE_MS) == 0


def test_who_did_not_ask_is_not_expected() -> None:
    memory, one, two = MemoryBudget(), Lease("one"), Lease("two")

    memory.expect(one, NOW_MS)

    assert asked(memory, two, BOUND) == 0


def test_a_turn_that_broke_off_without_a_word_is_followed_by_its_holders_next() -> None:
    memory, broken_off, other = MemoryBudget(), Lease("one"), Lease("two")
    asked(memory, broken_off, 60)
    asked(memory, other, 40)
    next_one = Lease("one")

    assert asked(memory, next_one, 60) == 0
    assert memory.held_bytes(NOW_MS) == BOUND

    memory.keep(broken_off, 500, 500, NOW_MS)
    memory.give_back(broken_off)
    assert memory.held_bytes(NOW_MS) == BOUND


def test_a_turn_that_is_not_heard_of_any_more_holds_nothing_at_last() -> None:
    memory, broken_off, other = MemoryBudget(), Lease("one"), Lease("two")
    asked(memory, broken_off, BOUND)
    memory.keep(broken_off, BOUND, BOUND, NOW_MS + 1)

    assert asked(memory, other, BOUND, NOW_MS + SILENT_MS_MAX) == 1
    assert asked(memory, other, BOUND, NOW_MS + SILENT_MS_MAX + 1) == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "give back", "anew"]),
            st.integers(0, 4),
            st.integers(1, 2 * BOUND),
            st.integers(0, 3_000),
        ),
        max_size=40,
    )
)
def test_no_more_is_given_than_there_is_but_to_one_alone_and_somebody_always_gets_some(
    steps: list[tuple[str, int, int, int]],
) -> None:
    memory, now_ms = MemoryBudget(), NOW_MS
    leases = [Lease(f"holder {number}") for number in range(5)]
    held: set[Lease] = set()
    for act, number, byte_count, passed_ms in steps:
        now_ms += passed_ms
        lease = leases[number]
        match act:
            case "ask":
                if asked(memory, lease, byte_count, now_ms) == 0:
                    held.add(lease)
                else:
                    memory.expect(lease, now_ms)
            case "give back":
                memory.give_back(lease)
                held.discard(lease)
            case _:
                held.discard(lease)  # what it had, its next turn has instead, or nobody
                leases[number] = Lease(lease.holder)
                if asked(memory, leases[number], byte_count, now_ms) == 0:
                    held.add(leases[number])
        total = memory.held_bytes(now_ms)
        assert total <= BOUND or len(held) <= 1

    for lease in held:
        memory.give_back(lease)
    late_ms = now_ms + SILENT_MS_MAX
    assert memory.held_bytes(late_ms) == 0
    assert asked(memory, Lease("another"), 5 * BOUND, late_ms) == 0
