"""Jobs followed until they rest, several at once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from msgspec import Raw, Struct

from glean_sync.answers import Event, Status
from glean_sync.decoding import decode
from glean_sync.exits import ExitCode
from glean_sync.lookup import gather, path
from glean_sync.machine import Machine
from glean_sync.states import TRAITS
from glean_sync.worker import Answer, Worker


WAIT_SECONDS = 2  # the Worker answers earlier where the state changes


async def standings(
    worker: Worker, machine: Machine, job_id: str
) -> AsyncIterator[tuple[Status, Answer]]:
    """How a job stands, again and again; the last time, it rests.

    Args:
        worker: where it is away for a while, it is waited for.
        machine: the clock.
        job_id: of the job.
    """
    at = path("status", job_id)
    answer = await worker.get(at, is_patient=True)
    status = answer.read(Status)
    yield status, answer
    while not status.is_resting:
        asked_at, state = machine.monotonic_seconds(), status.state
        answer = await worker.get(at, {"wait": str(WAIT_SECONDS)}, is_patient=True)
        status = answer.read(Status)
        yield status, answer
        left_seconds = WAIT_SECONDS - (machine.monotonic_seconds() - asked_at)
        if status.state == state and left_seconds > 0:
            # It has not waited for so long: it was just restarted, or is of another version.
            await machine.wait(left_seconds)


async def follow(
    worker: Worker,
    machine: Machine,
    job_ids: Sequence[str],
    show: Callable[[Status, Answer], None],
) -> list[Status]:
    """How the jobs stand when all rest; `show` is given each answer on the way."""

    async def one(job_id: str) -> Status:
        async for status, answer in standings(worker, machine, job_id):
            show(status, answer)
        return status

    return await asyncio.gather(*map(one, job_ids))


async def happening(
    worker: Worker, machine: Machine, job_id: str
) -> AsyncIterator[tuple[Event, bytes]]:
    """The events of a job, from its first, as they happen, each also as it came.

    The end comes when the job rests.
    """
    after = 0
    # The standing first: what happened before a job came to rest, is then among its events.
    async for _ in standings(worker, machine, job_id):
        parameters = {"after": str(after)}
        answer = await gather(worker, path("events", job_id), "events", parameters)
        for body in answer.read(_Events).events:
            event = decode(body, Event)
            yield event, bytes(body)
            after = event.number


class _Events(Struct, frozen=True):
    events: list[Raw]


def exit_code(statuses: Sequence[Status]) -> ExitCode:
    """Of the job that ended worst."""
    codes = {TRAITS[status.state].exit_code for status in statuses}
    return next(code for code in (ExitCode.FAILED, ExitCode.HELD, ExitCode.DONE) if code in codes)
