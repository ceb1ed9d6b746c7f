"""What comes of reading a source: with Glean's own SDK, and with this project's reader."""

import asyncio
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dev.loopback import HOST
from dev.setup import venv
from dev.staging import ROOT
from dev.truncation.case import IDS, PAGE_BYTES_MAX, Case, Verdict
from durable.engine.packing import measure_page
from durable.environment import Environment
from durable.errors import Recourse, UpstreamError
from durable.http.context import SourceContext
from durable.http.token_cache import Tokens
from durable.limits import Limits
from durable.machine.effects import Fetched, Packed
from durable.machine.job import Job, Mode, ReadContext, TurnUsage
from durable.machine.machine import step
from durable.machine.states import State
from durable.sources.source import Records


SDK_LOCK = Path("dev/locks/sdk.txt")
SDK_VENV = venv("Glean's own SDK", ".cache/sdk", SDK_LOCK)
PULL = ROOT / "dev/truncation/pull.py"
PULL_SECONDS_MAX = 300  # each case that the SDK tries twice costs it up to 2 s
PAGES_MAX = 30  # ten times what there is: whoever reads as many reads on for ever
MESSAGE_CHARACTERS_MAX = 160
JOB = Job(id="job", connector="notes", mode=Mode.FULL, created_at_ms=0, state=State.SENDING)


class Pulled(Struct, frozen=True):
    """One source as the SDK read it: the ids, or the name of what was raised."""

    ids: list[str] = []
    ended: bool = True
    raised: str = ""


class Report(Struct, frozen=True):
    """What dev/truncation/pull.py prints."""

    version: str
    outcomes: list[Pulled]

    @property
    def cells(self) -> list[str]:
        return [
            f"raises {pulled.raised}" if pulled.raised else _read(pulled.ids, pulled.ended)
            for pulled in self.outcomes
        ]


def pulled_by_the_sdk(urls: Sequence[str]) -> Report:
    """Read sources in a process of the SDK's own virtual environment, which must be there."""
    python = ROOT / SDK_VENV.target / "bin/python"
    ended = subprocess.run(
        [python, "-I", PULL, *urls],
        # No proxy that the machine may have, since it would not find this server.
        env={**os.environ, "NO_PROXY": HOST, "no_proxy": HOST},
        stdout=subprocess.PIPE,
        timeout=PULL_SECONDS_MAX,
        check=True,
    )
    return msgspec.json.decode(ended.stdout, type=Report)


def read_by_this_project(urls: Iterable[str], cases: Iterable[Case]) -> list[str]:
    return [asyncio.run(_outcome(url, case)) for url, case in zip(urls, cases, strict=True)]


async def _outcome(url: str, case: Case) -> str:
    """As a job reads: page by page, until the machine has it end, wait or close."""
    ids: list[str] = []
    mode = Mode.FULL if case.since_ms is None else Mode.INCREMENTAL
    job = replace(
        JOB, mode=mode, turn=TurnUsage(started_at_ms=0), crawl=replace(JOB.crawl, is_fetching=True)
    )
    async with httpx.AsyncHTTPTransport() as transport:
        environment = Environment({"NOTES_URL": url}.get)
        context = SourceContext(environment, transport, int, PAGE_BYTES_MAX, Tokens())
        reader = case.source.reader(context)
        while _is_reading(job) and job.crawl.page_count < PAGES_MAX:
            try:
                page = await reader.fetch(
                    job.crawl.cursor, ReadContext(job.id, job.mode, job.stage, case.since_ms)
                )
            except UpstreamError as error:
                verdict = Verdict.WAITS if error.is_transient else Verdict.FAILS
                if error.recourse is Recourse.RESTART:
                    verdict = Verdict.RESTARTS
                return f"{verdict}: {_shorten(str(error))}"
            ids += [_id(raw) for raw in page.records]
            job = _land(job, page)
    if job.state is State.FAILED:
        return f"{Verdict.FAILS}: {_shorten(job.error)}"
    return _read(ids, ended=not _is_reading(job))


def _is_reading(job: Job) -> bool:
    return job.state is State.SENDING and not job.crawl.has_end


def _land(job: Job, page: Records) -> Job:
    """The job after the page, as the machine sees it; nothing of it is sent."""
    index, count = job.crawl.page_count, len(page.records)
    packed = Packed(index, batch_count=0, document_count=count, deletion_count=0)
    for event in (Fetched(index, measure_page(page)), packed):
        job, _ = step(job, event, 0, Limits())
    return job


def _id(raw: msgspec.Raw) -> str:
    record: dict[str, Any] = msgspec.json.decode(raw)
    return str(record["id"])


def _read(ids: Sequence[str], ended: bool) -> str:  # noqa: FBT001 - one of the two things known
    if not ended:
        return "reads on for ever"
    count = len(set(ids))
    if count == len(IDS):
        return f"{Verdict.GOES_ON}: all {count} records"
    return f"**reads to the end as if whole, {count} of {len(IDS)} records**"


def _shorten(message: str) -> str:
    line = " ".join(message.split()).rstrip(":")
    return line if len(line) <= MESSAGE_CHARACTERS_MAX else f"{line[:MESSAGE_CHARACTERS_MAX]}…"
