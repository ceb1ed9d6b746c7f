"""What the Worker has under a name: a job, a connector, a whole list."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

import msgspec

from glean_sync.answers import Connector, Connectors, Jobs, Status
from glean_sync.exits import RefusedError, UnreachableError, UsageError
from glean_sync.worker import Answer, Worker


JOB_ID = re.compile(r"(?P<connector>[a-z0-9-]{1,40})-[0-9]{8}T[0-9]{9}Z-[0-9a-f]+")
# Of a path with a name in it that is none: a trigger has the name in its body.
UNKNOWN_STATUSES = frozenset({400, 404})


def path(endpoint: str, name: str) -> str:
    return f"/{endpoint}/{quote(name, safe='')}"


def require_job(text: str, command: str) -> str:
    """The id of a job that is to be changed: it has to be named itself.

    Raises:
        UsageError: it is none.
    """
    if not JOB_ID.fullmatch(text):
        raise UsageError(
            f"{text!r:.100} is no job's id, and {command} takes nothing else: "
            f"`glean-sync jobs --connector CONNECTOR` lists them."
        )
    return text


async def find_job(worker: Worker, text: str) -> str:
    """The id of a job that is to be shown: a connector's name stands for its latest job."""
    if JOB_ID.fullmatch(text):
        return text
    async with about(worker, text):
        parameters = {"connector": text, "limit": "1"}
        jobs = (await worker.get("/jobs", parameters)).read(Jobs).jobs
    return jobs[0].id if jobs else await _none(worker, text)


async def find_current_job(worker: Worker, text: str) -> str:
    """The id of a job that is to be watched: a connector's name stands for its current job.

    Where none is pending, it is the latest.
    """
    if JOB_ID.fullmatch(text):
        return text
    connector = await _connector(worker, text)
    job = connector.current or next(iter(connector.jobs), None)
    return job.id if job is not None else await _none(worker, text)


async def status(worker: Worker, job_id: str) -> tuple[Answer, Status]:
    answer = await worker.get(path("status", job_id))
    return answer, answer.read(Status)


async def gather(
    worker: Worker, start: str, field: str, parameters: dict[str, str] | None = None
) -> Answer:
    """All parts of a list as one; where there is one part, as it came.

    Args:
        worker: is asked for each part.
        start: the path of the first.
        field: has the list.
        parameters: of the first.
    """
    answer = await worker.get(start, parameters)
    whole = answer.read(dict[str, Any])
    if not whole.get("next"):
        return answer
    while whole["next"]:
        following = whole["next"]
        # The token goes where it was meant to go.
        if not (isinstance(following, str) and re.match("/[^/]", following)):
            raise UnreachableError(f"The next part of the list is at {following!r:.100}.")
        part = (await worker.get(following)).read(dict[str, Any])
        whole[field] += part[field]
        whole["next"] = part["next"]
    return Answer(msgspec.json.encode(whole))


@asynccontextmanager
async def about(worker: Worker, connector: str | None) -> AsyncIterator[None]:
    """Where what is asked is refused since there is no such connector, say which there are."""
    try:
        yield
    except RefusedError as error:
        if connector is not None and error.status in UNKNOWN_STATUSES:
            await _connector(worker, connector)
        raise


async def _connector(worker: Worker, name: str) -> Connector:
    connectors = (await worker.get("/connectors")).read(Connectors).connectors
    names = [connector.name for connector in connectors]
    if name in names:
        return connectors[names.index(name)]
    near = get_close_matches(name, names, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    there = ", ".join(names) or "none"
    raise RefusedError(f"There is no connector {name!r:.100}.{hint} There are: {there}.")


async def _none(worker: Worker, name: str) -> str:
    await _connector(worker, name)
    raise RefusedError(
        f"{name} has had no job yet: `glean-sync trigger {name} --mode FULL` begins one."
    )
