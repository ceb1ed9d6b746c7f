"""Any command to a job in any state and stage, of any kind of connector: done, or refused."""

import asyncio
from itertools import product

import httpx
import pytest
from msgspec.structs import replace

from durable.connector.backend_connector import BackendConnector
from durable.connector.definition import AnyConnector
from durable.connector.stream import Stream
from durable.engine.processor import Begun
from durable.engine.questions import encode_answer
from durable.environment import Environment
from durable.http.context import SourceContext
from durable.machine.commands import Instruction, Refusal
from durable.machine.job import (
    Crawl,
    FinishedStage,
    Job,
    Mode,
    ReadContext,
    Stage,
    TurnUsage,
    Upload,
)
from durable.machine.states import ENDED, WORKING, Command, State
from durable.sources.backend import Backend
from durable.sources.http import HttpSource
from durable.sources.ndjson import NdjsonSource
from durable.sources.nested import Nested
from durable.sources.paging.cursors import BodyCursor
from durable.sources.python import PythonSource
from durable.sources.python_request import FetchRequest, SourcePage
from durable.sources.source import Reader, Records, Source
from tests.fakes.bench import NOW_MS, SET, Bench
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment


URL = "https://notes.example"
LIST = HttpSource(records="items", url=f"{URL}/list", paging=BodyCursor())
RUN = '{"url":"/index/run-1","asked":1,"begun_at_ms":1}'
CURSORS = (None, "abc", "", "7", "{}", RUN, '{"url": "//evil.example/"}', '{"parents": "x"}')


async def fetch(_request: FetchRequest) -> SourcePage:
    return SourcePage([])


class OddReader(Reader):
    async def fetch(self, cursor: str | None, crawl: ReadContext) -> Records:
        raise ValueError(cursor, crawl)

    async def cancel(self, cursor: str | None) -> None:
        raise ValueError(cursor)


class Odd(HttpSource, frozen=True):
    """Of an author who does not keep to what a reader promises."""

    def reader(self, _context: SourceContext, *_: object) -> OddReader:  # type: ignore[override]
        return OddReader()


class Lost(HttpSource, frozen=True):
    """Whose place cannot be told."""

    def locate(self, _environment: Environment) -> str:
        raise KeyError("REGION")


SOURCES: dict[str, Source] = {
    "http": LIST,
    "lines": NdjsonSource(url=f"{URL}/lines"),
    "nested": Nested(parents=LIST, children=LIST, name="note"),
    "python": PythonSource(fetch=fetch),
    "an author's own": Odd(records="items", url=URL, paging=BodyCursor()),
    "an author's own that is lost": Lost(records="items", url=URL, paging=BodyCursor()),
}
STAGES = {
    Mode.FULL: tuple(stage for stage in Stage if stage is not Stage.DELETIONS),
    Mode.INCREMENTAL: tuple(Stage),
}


DELEGATED = {"backend", "an author's own", "an author's own that is lost"}


def a_connector(kind: str) -> AnyConnector:
    if kind == "backend":
        return BackendConnector(
            name=NOTES.name, datasource=NOTES.datasource, backend=Backend(), schedule=NOTES.schedule
        )
    stream = Stream(source=LIST, key="id", record=NOTES.documents.record, map=lambda _: None)
    names = ("users", "groups", "memberships", "employees", "teams", "deletions")
    return replace(
        NOTES,
        documents=replace(NOTES.documents, source=SOURCES[kind]),
        **dict.fromkeys(names, stream),
    )


def jobs(state: State, *, is_delegated: bool) -> list[Job]:
    found: list[Job] = []
    # Any may be there: a stage's cursor is of that stage's source.
    cursors = CURSORS if is_delegated and state is State.SENDING else CURSORS[:2]
    for mode in Mode:
        stages = STAGES[mode]
        for index, cursor in product(range(len(stages)), cursors):
            done = tuple(FinishedStage(stage, 1, 1, 0, 0, 9) for stage in stages[:index])
            job = Job(
                id=f"notes-20261124T{len(found):09}Z-0a",
                connector="notes",
                mode=mode,
                created_at_ms=NOW_MS,
                state=state,
                started_at_ms=NOW_MS,
                finished_at_ms=NOW_MS if state in ENDED else None,
                stages=stages,
                stage_index=index,
                done=done,
                is_delegated=is_delegated,
                turn=TurnUsage(started_at_ms=NOW_MS) if state in WORKING else None,
                alarm_at_ms=NOW_MS,
                upload=Upload(id="u-1"),
                crawl=Crawl(cursor=cursor, page_count=1),
            )
            found.append(job)
    return found


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", [*SOURCES, "backend"])
def test_a_command_is_done_or_refused(kind: str, state: State) -> None:
    environment = an_environment(**SET, CONNECTOR_API_URL="https://crawler.example")
    bench = Bench(connector=a_connector(kind), environment=environment)
    lines = ("DELETE /index/run-1", "DELETE //evil.example/")
    for job in jobs(state, is_delegated=kind in DELEGATED):
        for command in Command:
            for line in lines:
                bench.network.on(line, httpx.Response(204))
            bench.put(job)

            after = bench.obeyed(job, command, list_digest="9")

            assert isinstance(after, Job | Refusal)
            encode_answer(bench.views.show(bench.job(job.id)))
            repeated = asyncio.run(bench.processor.repeat(job.id))
            assert isinstance(repeated, Begun | Refusal)
            bench.storage.exec("DELETE FROM job")
            bench.restarted()


def test_a_command_to_no_job_says_so() -> None:
    bench = Bench()
    order = Instruction(Command.CANCEL)

    assert asyncio.run(bench.processor.obey("notes-20261124T020000000Z-0a", order)) is None
    assert asyncio.run(bench.processor.repeat("notes-20261124T020000000Z-0a")) is None
