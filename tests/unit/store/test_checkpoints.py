"""The ties that a job leaves to the next one, and what makes them void."""

import asyncio

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, Mode
from durable.machine.states import State
from durable.machine.ties import Tie
from durable.store.store import Store
from tests.fakes.storage import Storage


TIES = (Tie("a", "1", 5), Tie("b", "2", 6))
JOB = Job(
    id="notes-1",
    connector="notes",
    mode=Mode.INCREMENTAL,
    created_at_ms=1,
    state=State.SENDING,
    started_at_ms=70,
    fingerprint="f",
    ties=TIES,
)


@pytest.fixture
def storage() -> Storage:
    return Storage()


def after(storage: Storage, *jobs: Job) -> Store:
    """Made again on what is stored once these have succeeded."""
    store, limits = Store(storage), Limits(jobs_kept_max=1)

    async def end(job: Job) -> None:
        await store.add(job, None, None)
        await store.save(replace(job, state=State.SUCCEEDED), 5, limits)

    for job in jobs:
        asyncio.run(end(job))
    return Store(storage)


def test_the_ties_of_a_job_that_succeeded_are_there_for_the_next_one(storage: Storage) -> None:
    store = after(storage, JOB)

    assert store.successes.ties("f") == TIES
    assert store.successes.watermark_ms() == 70


def test_they_are_not_kept_twice(storage: Storage) -> None:
    store = after(storage, JOB)

    ended = store.load(JOB.id)
    assert ended is not None
    assert (ended.state, ended.ties) == (State.SUCCEEDED, ())


def test_of_a_connector_that_has_changed_they_say_nothing(storage: Storage) -> None:
    assert after(storage, JOB).successes.ties("g") == ()


def test_a_job_that_has_begun_takes_them_away(storage: Storage) -> None:
    """Whatever becomes of it: what it sends, nobody else knows of."""
    store = after(storage, JOB)

    store.successes.begun()

    assert Store(storage).successes.ties("f") == ()
    assert store.successes.watermark_ms() == 70


def test_a_job_without_ties_leaves_none(storage: Storage) -> None:
    later = replace(JOB, id="notes-2", ties=(), started_at_ms=80)

    assert after(storage, JOB, later).successes.ties("f") == ()


def test_an_old_job_that_was_retried_leaves_those_of_what_it_has_sent(storage: Storage) -> None:
    old = replace(JOB, id="notes-2", ties=TIES[:1], started_at_ms=60)

    store = after(storage, JOB, old)

    assert (store.successes.watermark_ms(), store.successes.ties("f")) == (70, TIES[:1])


def test_they_outlive_the_job_that_left_them(storage: Storage) -> None:
    repeating = replace(JOB, id="notes-2", repeats="notes-1", ties=())

    store = after(storage, JOB, repeating)

    assert store.load(JOB.id) is None
    assert store.successes.ties("f") == TIES


def test_a_watermark_of_code_that_knows_of_no_ties_makes_them_void(storage: Storage) -> None:
    """After a rollback. What it has sent, nobody has written down."""
    store = after(storage, JOB)

    storage.exec("INSERT OR REPLACE INTO watermark (name, at_ms) VALUES ('succeeded', 90)")

    assert store.successes.ties("f") == ()


def test_ties_and_the_success_are_one_transaction(storage: Storage) -> None:
    store = Store(storage)
    storage.commit()
    unsettled = store.save(replace(JOB, state=State.SUCCEEDED), 6, Limits())

    storage.rollback()  # the object dies before the first await

    assert store.successes.ties("f") == ()
    asyncio.run(settled(unsettled))


async def settled(unsettled: object) -> None:
    await unsettled  # type: ignore[misc]
