"""A parent's list that is not there for a while: what it brought before, stays."""

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable import HttpSource, Nested, OnePage, Stream
from durable.connector.connector import Connector
from durable.machine.job import Job, Mode, Way
from durable.machine.ledger import Kind
from durable.machine.states import PENDING, State
from tests.fakes.answers import a_history
from tests.fakes.bench import Bench
from tests.fakes.connections import Connections
from tests.fakes.connector import NOTES, Note, document


URL = "https://notes.example"
PARENTS = "pqrs"
LISTS = Nested(
    parents=HttpSource(url=f"{URL}/parents", records="items", paging=OnePage()),
    children=HttpSource(url=f"{URL}/lists/${{parent/id}}", records="items", paging=OnePage()),
    name="parent",
)
NESTED = replace(NOTES, documents=Stream(source=LISTS, key="id", record=Note, map=document))


class Server(httpx.AsyncBaseTransport):
    """Two notes for each parent, and Glean, which takes all."""

    def __init__(self) -> None:
        self.lost: set[str] = set()
        self.gone: set[str] = set()  # parents that are deleted
        self.deleted: list[str] = []
        self._uploads: dict[str, str] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content, path = await request.aread(), request.url.path
        if request.method == "GET":
            return self._read(path.rpartition("/")[2])
        if path.endswith("/status"):
            return a_history(*self._uploads.items())
        body = msgspec.json.decode(content)
        if path.endswith("/bulkindexdocuments"):
            state = "SUCCESSFUL" if body.get("isLastPage") else "ACTIVE"
            self._uploads[body["uploadId"]] = state
        elif path.endswith("/deletedocument"):
            self.deleted.append(body["id"])
        return httpx.Response(200)

    def _read(self, name: str) -> httpx.Response:
        if name in self.lost:
            return httpx.Response(404, text="no such list, for now")
        if name == "parents":
            items = [{"id": parent} for parent in PARENTS if parent not in self.gone]
            return httpx.Response(200, json={"items": items})
        items = [{"id": f"{name}{number}", "text": "a note"} for number in range(2)]
        return httpx.Response(200, json={"items": items})


def bench_of(connector: Connector) -> tuple[Bench, Server]:
    bench, server = Bench(connector=connector), Server()
    bench.host = replace(bench.host, transport=Connections(server))
    bench.restarted()
    return bench, server


def full(bench: Bench) -> Job:
    bench.now_ms += 1_000
    bench.begun(Mode.FULL)
    while (job := bench.left()).state in PENDING:
        bench.now_ms += 1_000
    assert job.state is State.SUCCEEDED, job.error
    return job


@pytest.mark.parametrize("lost", ["p", "s"])
def test_what_a_lost_list_brought_before_is_not_deleted(lost: str) -> None:
    bench, server = bench_of(NESTED)
    full(bench)
    server.lost = {lost}

    job = full(bench)

    assert (job.way, sum(part.reject_count for part in job.parts)) == (Way.RECONCILE, 1)
    assert server.deleted == []
    assert job.outdated_count == 2
    server.lost = set()
    assert full(bench).outdated_count == 0
    assert bench.store.ledger.count(Kind.DOCUMENT) == 2 * len(PARENTS)


def test_what_went_with_its_parent_is_deleted() -> None:
    bench, server = bench_of(NESTED)
    full(bench)
    server.gone = {"q"}
    full(bench)

    assert sorted(server.deleted) == ["q0", "q1"]
