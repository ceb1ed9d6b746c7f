import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.rejects import Reject
from durable.store.store import Store
from tests.fakes.storage import Storage


JOB_ID = "notes-1"
START = (0, 0)
LIMITS = Limits()


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def store(storage: Storage) -> Store:
    return Store(storage)


def reject(place: int, reason: str = "why") -> Reject:
    return Reject(place, f"id {place}", reason, "«excerpt»")


def places(store: Store, job_id: str = JOB_ID) -> list[tuple[int, int]]:
    return [(page, found.place) for page, found in store.rejects(job_id, START, 1_000)]


def test_a_reject_is_found_as_it_was_rejected(store: Store) -> None:
    store.keep_rejects(JOB_ID, 3, [reject(17)], LIMITS)

    assert store.rejects(JOB_ID, START, 10) == [(3, reject(17))]


def test_rejects_of_another_job_are_not_shown(store: Store) -> None:
    store.keep_rejects("notes-2", 1, [reject(1)], LIMITS)

    assert places(store) == []


def test_rejects_survive_the_object(storage: Storage, store: Store) -> None:
    store.keep_rejects(JOB_ID, 1, [reject(1)], LIMITS)

    assert places(Store(storage)) == [(1, 1)]


def test_a_page_that_is_read_again_sets_nothing_aside_twice(store: Store) -> None:
    store.keep_rejects(JOB_ID, 1, [reject(1), reject(2)], LIMITS)

    store.keep_rejects(JOB_ID, 1, [reject(1, "another reason"), reject(2)], LIMITS)

    assert store.rejects(JOB_ID, START, 10) == [(1, reject(1, "another reason")), (1, reject(2))]


def test_rejects_are_kept_as_long_as_there_is_room_and_each_job_has_its_own(store: Store) -> None:
    limits = Limits(rejects_kept_max=3)

    store.keep_rejects(JOB_ID, 1, [reject(1), reject(2)], limits)
    store.keep_rejects(JOB_ID, 2, [reject(1), reject(2)], limits)
    store.keep_rejects("notes-2", 1, [reject(9)], limits)

    assert places(store) == [(1, 1), (1, 2), (2, 1)]
    assert places(store, "notes-2") == [(1, 9)]


def test_no_reject_is_kept_where_none_is_wanted(store: Store) -> None:
    store.keep_rejects(JOB_ID, 1, [reject(1)], Limits(rejects_kept_max=0))

    assert places(store) == []


@pytest.mark.parametrize(
    ("after", "count", "found"),
    [
        (START, 2, [(2, 9), (2, 10)]),
        ((2, reject(9).order), 2, [(2, 10), (10, 1)]),
        ((2, reject(10).order), 2, [(10, 1), (10, 2)]),
        ((3, reject(99).order), 2, [(10, 1), (10, 2)]),
        ((10, reject(1).order), 2, [(10, 2)]),
        ((10, reject(2).order), 2, []),
        ((10**15 - 1, 10**15 - 1), 2, []),
    ],
)
def test_rejects_are_paged_by_number_and_not_by_text(
    store: Store, after: tuple[int, int], count: int, found: list[tuple[int, int]]
) -> None:
    store.keep_rejects(JOB_ID, 10, [reject(2), reject(1)], LIMITS)
    store.keep_rejects(JOB_ID, 2, [reject(10), reject(9)], LIMITS)

    shown = store.rejects(JOB_ID, after, count)

    assert [(page, one.place) for page, one in shown] == found


def test_members_of_one_group_are_rejects_of_their_own(store: Store) -> None:
    group, *members = (replace(reject(2), part=part) for part in (0, 1, 2, 10))
    store.keep_rejects(JOB_ID, 1, [reject(3), *reversed(members), group], LIMITS)

    assert [one.part for _, one in store.rejects(JOB_ID, START, 9)] == [0, 1, 2, 10, 0]
    assert store.rejects(JOB_ID, (1, members[1].order), 1) == [(1, members[2])]


def test_a_crawl_that_begins_anew_forgets_its_own_rejects_only(store: Store) -> None:
    store.keep_rejects(JOB_ID, 1, [reject(1)], LIMITS)
    store.keep_rejects("notes-2", 1, [reject(1)], LIMITS)

    store.forget_rejects(JOB_ID)

    assert (places(store), places(store, "notes-2")) == ([], [(1, 1)])


def test_rejects_and_their_page_are_one_transaction(storage: Storage, store: Store) -> None:
    storage.commit()

    store.keep_rejects(JOB_ID, 1, [reject(1)], LIMITS)
    assert storage.has_uncommitted
    storage.rollback()  # the object dies before the page is saved

    assert places(store) == []
