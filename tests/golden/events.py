"""What refusals of a server and events of a job say, for the golden file."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx

from durable.environment import SecretText
from durable.errors import UpstreamError
from durable.http.auth import BearerAuthenticator
from durable.http.client import HttpClient
from durable.http.origins import Origins
from durable.limits import Limits
from durable.machine.commands import Instruction, obey
from durable.machine.job import Job, JobSpec, Mode
from durable.machine.states import Command, State
from durable.machine.transitions import (
    end_job,
    promote_to_full,
    record_death,
    restart_expired_cursor,
    restart_lost_upload,
    restart_redefined,
)
from tests.fakes.jobs import NOW_MS, a_job, alter
from tests.fakes.network import Network


URL = "https://notes.example/list"
ANSWERS: tuple[httpx.Response | Exception, ...] = (
    *(httpx.Response(status, text="why") for status in (202, 400, 401, 403, 404, 409, 410, 500)),
    httpx.Response(302, headers={"location": "https://login.example/sso?state=1"}),
    httpx.Response(429, headers={"retry-after": "7"}),
    httpx.Response(503, headers={"retry-after": "7"}, text="why"),
    httpx.ConnectError("no route"),
)


def refusals() -> Iterator[tuple[str, str]]:
    """What a server did, and what is said of it."""
    for answer in ANSWERS:
        signer = BearerAuthenticator(SecretText("NOTES_TOKEN", "t0ken"))
        client = HttpClient("the source", Network(answer), signer, Origins(URL))
        try:
            asyncio.run(client.get(URL, bytes_max=1_000))
        except UpstreamError as error:
            yield f"{error.status or 'no answer'} ({error.cause})", str(error)


def events() -> Iterator[tuple[str, str]]:
    """The kind of an event of a job, and what is said of it."""
    limits, why = Limits(), "the source answered 410"
    sending = alter(a_job(State.SENDING), page_count=4)
    often: dict[str, Any] = {"rewind_count": 9, "restart_count": 9, "redefined_count": 99}
    jobs = (
        promote_to_full(a_job(State.SENDING, Mode.INCREMENTAL), why, NOW_MS, limits),
        restart_expired_cursor(sending, why, NOW_MS, limits),
        restart_expired_cursor(alter(sending, **often), why, NOW_MS, limits),
        restart_lost_upload(sending, "the upload is replaced", NOW_MS, limits),
        restart_lost_upload(alter(sending, **often), "the upload is replaced", NOW_MS, limits),
        restart_redefined(sending, JobSpec(), NOW_MS, limits),
        restart_redefined(alter(sending, **often), JobSpec(), NOW_MS, limits),
        record_death(sending, NOW_MS, limits),
        end_job(sending, State.FAILED, NOW_MS, limits, "no such list"),
        *_commanded(limits),
    )
    for job in jobs:
        yield job.notes[-1].kind, job.notes[-1].text


def _commanded(limits: Limits) -> Iterator[Job]:
    for state, command in (
        (State.SENDING, Command.CANCEL),
        (State.HELD, Command.APPROVE),
        (State.FAILED, Command.RETRY),
    ):
        job = obey(a_job(state), Instruction(command), None, NOW_MS, limits)
        assert isinstance(job, Job), f"{state} takes {command}"
        yield job
