"""How many members groups have, as it is remembered."""

import pytest

from durable.machine.members import GroupSize
from durable.store.group_sizes import TOGETHER, GroupSizes
from durable.store.store import Store
from tests.fakes.storage import Storage


@pytest.fixture
def sizes() -> GroupSizes:
    return Store(Storage()).group_sizes


def of(**counts: int) -> dict[str, GroupSize]:
    return {name: GroupSize(name.upper(), count) for name, count in counts.items()}


def test_before_a_crawl_has_come_to_its_end_nothing_is_known(sizes: GroupSizes) -> None:
    sizes.add(5, 1, of(a=3))

    assert (sizes.known(), sizes.head().count) == ({}, 0)
    sizes.keep(5, {})
    assert (sizes.known(), sizes.head().count) == (of(a=3), 3)


def test_a_page_that_is_read_again_takes_the_place_of_its_first_reading(sizes: GroupSizes) -> None:
    sizes.add(5, 1, of(a=3))
    sizes.add(5, 1, of(a=2))
    sizes.add(5, 2, of(b=4))
    sizes.keep(5, {})

    assert (sizes.known(), sizes.head().count) == (of(a=2, b=4), 6)


def test_groups_that_a_crawl_has_not_brought_are_as_they_were(sizes: GroupSizes) -> None:
    sizes.add(5, 1, of(a=3, b=4))
    sizes.keep(5, {})
    sizes.add(6, 1, of(a=1))

    sizes.keep(6, of(b=4))

    assert (sizes.known(), sizes.head().count) == (of(a=1, b=4), 5)


def test_changes_hold_until_the_next_crawl_does(sizes: GroupSizes) -> None:
    sizes.add(5, 1, of(a=3, b=4))
    sizes.keep(5, {})

    sizes.change(of(a=1))
    sizes.change(of(a=2))
    assert sizes.known() == of(a=2, b=4)

    sizes.add(6, 1, of(a=7))
    sizes.keep(6, {})
    assert sizes.known() == of(a=7)


def test_what_came_to_no_end_is_forgotten_and_what_holds_is_not(sizes: GroupSizes) -> None:
    for at_ms in (5, 6, 7):
        sizes.add(at_ms, 1, of(a=at_ms))
        if at_ms == 5:
            sizes.keep(at_ms, {})
    sizes.prune(7)

    assert [len(sizes.of(at_ms)) for at_ms in (5, 6, 7)] == [1, 0, 1]


def test_very_many_groups_of_a_page_are_all_remembered(sizes: GroupSizes) -> None:
    many = of(**{f"g{number}": number for number in range(2 * TOGETHER + 1)})
    sizes.add(5, 1, many)
    sizes.keep(5, {})

    assert sizes.known() == many
