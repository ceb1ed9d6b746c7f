"""The store's part that remembers verifications."""

import asyncio

import msgspec
import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, Mode
from durable.machine.mismatch import Remembered
from durable.store.store import Store
from tests.fakes.storage import Storage
from tests.fakes.verifications import FULL, a_verification


DUE = a_verification()
OVER = replace(DUE, ask_at_ms=None)


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def store(storage: Storage) -> Store:
    return Store(storage)


def added(store: Store, *jobs: Job) -> None:
    async def add() -> None:
        for job in jobs:
            await store.add(job, None, None)

    asyncio.run(add())


def saved(store: Store, job: Job, limits: Limits) -> None:
    async def save() -> None:
        await store.save(job, None, limits)

    asyncio.run(save())


def test_it_is_loaded_as_it_was_put_also_by_another_object(storage: Storage, store: Store) -> None:
    store.verifications.put(DUE)

    assert Store(storage).verifications.load(DUE.job_id) == DUE
    assert store.verifications.load("another") is None


def test_putting_it_again_takes_the_place_of_the_former(store: Store) -> None:
    store.verifications.put(DUE)
    store.verifications.put(OVER)

    assert store.verifications.load(DUE.job_id) == OVER


def test_there_is_something_to_do_of_those_that_are_due(store: Store) -> None:
    assert store.verifications.due() is None

    store.verifications.put(DUE)
    store.verifications.put(replace(OVER, job_id="notes-9"))
    assert store.verifications.due() == DUE

    store.verifications.put(OVER)
    assert store.verifications.due() is None


def test_it_is_written_with_what_is_written_beside_it(storage: Storage, store: Store) -> None:
    storage.commit()

    store.verifications.put(DUE)
    store.verifications.called("notes", 5)
    storage.rollback()  # the object dies before its first await

    assert (store.verifications.due(), store.verifications.called_at_ms("notes")) == (None, None)


def test_what_is_remembered_from_one_to_the_next_is_so_until_it_is_not(store: Store) -> None:
    assert not store.verifications.remembered().is_replaced

    for is_replaced in (True, True, False):
        store.verifications.remember(Remembered(is_replaced))
        assert store.verifications.remembered() == Remembered(is_replaced)


def test_a_job_that_is_forgotten_takes_its_verification_along(store: Store) -> None:
    newer = replace(FULL, id="notes-2")
    added(store, FULL, newer)
    store.verifications.put(OVER)
    store.verifications.put(replace(OVER, job_id="notes-2"))
    store.verifications.put(replace(DUE, job_id="notes-0"))  # code that knew of none forgot its job

    saved(store, newer, Limits(jobs_kept_max=1))

    kept = [store.verifications.load(f"notes-{number}") for number in range(3)]
    assert [verification is not None for verification in kept] == [False, False, True]


def test_one_of_newer_code_is_not_there_and_keeps_no_other_from_its_turn(
    storage: Storage, store: Store
) -> None:
    store.verifications.put(DUE)
    body = msgspec.json.encode(msgspec.to_builtins(DUE) | {"verdict": "doubtful"}).decode()
    storage.exec("INSERT INTO verification VALUES (?, ?, ?)", "notes-2", 1, body)

    assert store.verifications.due() == DUE
    assert store.verifications.load("notes-2") is None


def test_calls_are_remembered_for_each_datasource(storage: Storage, store: Store) -> None:
    store.verifications.called("notes", 5)
    store.verifications.called("notes", 7)
    store.verifications.called("others", 6)

    again = Store(storage).verifications
    assert (again.called_at_ms("notes"), again.called_at_ms("others")) == (7, 6)

    again.called("notes", None)
    assert again.called_at_ms("notes") is None


@pytest.mark.parametrize("mode", list(Mode))
def test_a_connector_that_declares_nothing_costs_no_row(
    storage: Storage, store: Store, mode: Mode
) -> None:
    added(store, replace(FULL, mode=mode))
    saved(store, replace(FULL, mode=mode), Limits())

    tables = "SELECT job_id FROM verification UNION ALL SELECT datasource FROM processing"
    assert storage.exec(tables).toArray() == []
