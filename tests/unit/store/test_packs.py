"""The tries of pages, as they are stored before anything of them is sent."""

import pytest
from msgspec.structs import replace

from durable.machine.ledger import PagePack
from durable.store.packs import PUTS_CHARACTERS_MAX, Packs
from durable.store.store import Store
from tests.fakes.ledgers import a_put
from tests.fakes.storage import Storage


@pytest.fixture
def storage() -> Storage:
    made = Storage()
    Store(made)  # makes the tables
    return made


@pytest.fixture
def packs(storage: Storage) -> Packs:
    return Packs(lambda query, *bindings: storage.exec(query, *bindings).toArray())


def a_pack(*numbers: int, key: str = "a") -> PagePack:
    return PagePack(numbers, (a_put(key, numbers[0]),), number_next=max(numbers) + 1)


def test_a_pack_is_read_as_it_was_written(packs: Packs) -> None:
    put = replace(a_put("a", 7), id="A", record_key="r", title="t", url="u", former_types=("b",))
    pack = PagePack((7, 2**32 - 1), (put,), ("gone",), ("reject",), 8)

    packs.add(1, pack)

    assert list(packs.all()) == [pack]


def test_texts_that_sql_or_json_might_mangle_survive(packs: Packs) -> None:
    names = ["it's", '"quoted"', "\\", "a\x00b", "é\u2028", "😀", "x" * 200, "';--", "\x7f\x1b"]
    puts = tuple(a_put(name, number) for number, name in enumerate(names))
    pack = PagePack((), puts, tuple(names), tuple(names), 9)

    packs.add(1, pack)

    assert list(packs.all()) == [pack]


def test_a_page_that_has_nothing_new_writes_one_row(storage: Storage, packs: Packs) -> None:
    before = storage.row_count

    packs.add(1, PagePack((1, 2, 3), number_next=4))

    assert storage.row_count - before == 1
    assert list(packs.all()) == [PagePack((1, 2, 3), number_next=4)]


def test_a_page_of_ten_thousand_things_is_cut_into_values_that_fit(packs: Packs) -> None:
    """A value may have 2 MB: the storage of these tests refuses a larger one."""
    puts = tuple(replace(a_put("k" * 190 + str(n), n), title="t" * 200) for n in range(10_000))
    pack = PagePack(tuple(range(10_000)), puts, number_next=10_000)

    packs.add(1, pack)
    packs.add(2, a_pack(10_000))

    assert list(packs.all()) == [pack, a_pack(10_000)]
    assert [one for _, one in packs.landed(1, 0)] == [pack]


@pytest.mark.parametrize("count", [999, 1_000, 1_001, 2_000])
def test_puts_at_the_edges_of_the_parts_are_all_there(packs: Packs, count: int) -> None:
    title = "t" * (PUTS_CHARACTERS_MAX // 900)
    puts = tuple(replace(a_put(f"k{n}", n), title=title) for n in range(count))

    packs.add(1, PagePack((), puts, number_next=count))

    assert [pack.puts for pack in packs.all()] == [puts]


def test_of_a_page_that_was_tried_twice_the_later_try_has_landed(packs: Packs) -> None:
    packs.add(1, a_pack(0))
    packs.add(2, a_pack(1))
    packs.add(1, a_pack(2))

    assert [pack.seen for _, pack in packs.landed(2, 0)] == [(1,), (2,)]
    assert [pack.seen for pack in packs.lost(2)] == [(0,)]
    assert [pack.seen for pack in packs.seen(2)] == [(1,), (2,)]


def test_tries_of_pages_that_have_not_landed_are_lost(packs: Packs) -> None:
    for page in (1, 2, 3):
        packs.add(page, a_pack(page))

    assert [pack.seen for pack in packs.lost(1)] == [(2,), (3,)]
    assert [pack.seen for pack in packs.after_page(1)] == [(2,), (3,)]

    packs.forget_after_page(1)

    assert [pack.seen for pack in packs.all()] == [(1,)]


def test_packs_that_have_landed_are_read_from_where_the_last_step_was(packs: Packs) -> None:
    for page in (1, 2, 3):
        packs.add(page, a_pack(page))

    (first, _), *rest = packs.landed(3, 0)

    assert [pack.seen for _, pack in packs.landed(3, first)] == [pack.seen for _, pack in rest]
    assert [pack.seen for _, pack in rest] == [(2,), (3,)]


def test_a_pack_of_which_glean_has_refused_some_takes_the_place_of_its_own_alone(
    packs: Packs,
) -> None:
    packs.add(1, a_pack(0))
    packs.add(1, a_pack(1))
    packs.add(2, a_pack(2))

    packs.amend(1, PagePack(number_next=2))

    assert [pack.seen for pack in packs.lost(2)] == [(0,)]
    assert sorted(pack.seen for pack in packs.seen(2)) == [(), (2,)]


def test_a_number_is_never_free_again_though_a_page_is_amended(packs: Packs) -> None:
    """Two things of one number are one to a crawl: that one is gone, nobody would see."""
    packs.add(1, a_pack(0, 1))
    packs.add(2, a_pack(2, 3))

    packs.amend(1, a_pack(0, 1))

    assert packs.number_next() == 4


def test_what_is_dropped_leaves_no_rows(storage: Storage, packs: Packs) -> None:
    packs.drop()
    packs.add(1, a_pack(0))

    packs.drop()

    assert list(packs.all()) == []
    assert packs.number_next() == 0
    for table in ("pack", "more_puts"):
        assert storage.exec(f"SELECT * FROM {table}").toArray() == []  # noqa: S608 - ours


def test_the_tables_that_are_made_anew_are_those_of_the_schema(storage: Storage) -> None:
    def columns() -> list[object]:
        tables = ("pack", "more_puts")
        return [storage.exec(f"PRAGMA table_info({table})").toArray() for table in tables]

    packs = Packs(lambda query, *bindings: storage.exec(query, *bindings).toArray())
    before = columns()
    packs.add(1, a_pack(0))

    packs.drop()

    assert columns() == before
