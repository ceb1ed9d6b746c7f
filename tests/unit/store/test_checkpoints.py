"""The watermark that a job leaves to the next one."""

import asyncio

import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.job import Job, Mode
from durable.machine.states import State
from durable.store.store import Store
from tests.fakes.storage import Storage


JOB = Job(
    id="notes-1",
    connector="notes",
    mode=Mode.INCREMENTAL,
    created_at_ms=1,
    state=State.SENDING,
    started_at_ms=70,
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


def test_it_outlives_the_job_that_left_it(storage: Storage) -> None:
    store = after(storage, JOB, replace(JOB, id="notes-2", started_at_ms=60))

    assert store.load(JOB.id) is None
    assert store.successes.watermark_ms() == 70


def test_a_job_that_repeats_rejects_leaves_none(storage: Storage) -> None:
    repeating = replace(JOB, id="notes-2", repeats="notes-1", started_at_ms=80)

    assert after(storage, JOB, repeating).successes.watermark_ms() == 70
