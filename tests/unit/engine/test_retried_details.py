"""What shows later than the list that tells of it comes with the next INCREMENTAL job."""

import asyncio
from datetime import UTC, datetime
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from durable import Detail, HttpSource, Nested, OnePage, Since, Stream, SubList
from durable.connector.connector import Connector
from durable.glean import Deletion, Document
from durable.machine.job import Job, Mode
from durable.machine.ledger import Kind
from durable.machine.states import PENDING, State
from durable.sources.belonging import Missing
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.connections import Connections
from tests.fakes.connector import NOTES, Note, document


URL = "https://notes.example"
HOUR_MS = 3_600_000
SINCE = Since(param="updated_since")
LISTED = HttpSource(url=f"{URL}/list", records="items", paging=OnePage(), since=SINCE)
DETAILED = replace(LISTED, detail=Detail(url=f"{URL}/late/${{id}}"))
GATHERED = replace(
    LISTED,
    sub_lists=(
        SubList(
            source=HttpSource(url=f"{URL}/late/${{id}}", records="items", paging=OnePage()),
            into="comments",
        ),
    ),
)
NESTED = Nested(
    parents=HttpSource(url=f"{URL}/parents", records="items", paging=OnePage()),
    children=replace(LISTED, url=f"{URL}/late/${{parent/id}}"),
    name="parent",
)


class Server(httpx.AsyncBaseTransport):
    """A source whose note n was written at a time, and Glean, which takes all."""

    def __init__(self) -> None:
        self.changed_at_ms = NOW_MS - 1
        self.is_late = False
        self.unfit: set[str] = set()
        self.sent: list[str] = []
        self.reads: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        path = request.url.path
        if request.method == "GET":
            self.reads.append(path)
            return self._read(path, parse_qs(request.url.query.decode()))
        body = msgspec.json.decode(content)
        named = [one["id"] for one in body.get("documents", [body])]
        if self.unfit.intersection(named):
            return httpx.Response(400, text=f"{named} are not valid")
        self.sent += named
        return httpx.Response(200)

    def _read(self, path: str, params: dict[str, list[str]]) -> httpx.Response:
        if path.startswith("/late/") and self.is_late:
            return httpx.Response(404, text="not yet")
        since = datetime.fromisoformat(params.get("updated_since", ["1970-01-01T00:00:00Z"])[0])
        changed_at = datetime.fromtimestamp(self.changed_at_ms / 1_000, UTC)
        note = {"id": "n", "text": f"about n at {self.changed_at_ms}"}
        if path.startswith("/late/") and "updated_since" not in params:
            return httpx.Response(200, json={**note, "items": []})
        if path == "/parents":
            return httpx.Response(200, json={"items": [{"id": "p"}]})
        return httpx.Response(200, json={"items": [note] if changed_at >= since else []})


def bench_of(connector: Connector) -> tuple[Bench, Server]:
    """The first job has brought what there was."""
    bench, server = Bench(connector=connector), Server()
    bench.host = replace(bench.host, transport=Connections(server))
    bench.restarted()
    server.changed_at_ms = 0
    incremental(bench)
    server.sent.clear()
    return bench, server


def incremental(bench: Bench) -> Job:
    """The job of the next hour."""
    bench.now_ms += HOUR_MS
    bench.begun(Mode.INCREMENTAL)
    while (job := bench.left()).state in PENDING:
        bench.now_ms += 1
    assert job.state is State.SUCCEEDED, job.error
    return job


def reading(source: HttpSource | Nested, **changes: object) -> Connector:
    stream = Stream(source=source, key="id", record=Note, map=document)
    return replace(NOTES, documents=replace(stream, **changes))


@pytest.mark.parametrize("source", [DETAILED, GATHERED, NESTED], ids=["detail", "list", "parent"])
def test_what_is_not_there_yet_is_asked_for_by_the_next_jobs(source: HttpSource | Nested) -> None:
    bench, server = bench_of(reading(source))
    server.changed_at_ms, server.is_late = bench.now_ms + HOUR_MS - 600_000, True
    assert incremental(bench).crawl.reject_count == 1
    assert incremental(bench).crawl.reject_count == 1
    server.is_late = False

    job = incremental(bench)

    assert server.sent == ["n"]
    assert job.retried_count == 1
    assert incremental(bench).reaches == {}
    assert server.sent == ["n"]


@pytest.mark.parametrize("missing", [Missing.LEAVE_OUT, Missing.KEEP])
def test_what_the_author_does_without_is_no_reject_and_not_asked_for_again(
    missing: Missing,
) -> None:
    detail = Detail(url=f"{URL}/late/${{id}}", missing=missing)
    bench, server = bench_of(reading(replace(LISTED, detail=detail)))
    server.changed_at_ms, server.is_late = bench.now_ms + HOUR_MS - 600_000, True
    incremental(bench)

    assert incremental(bench).reaches == {}


class Strict(Struct, frozen=True):
    """A record of code that is mended while its rejects are tried again."""

    id: str
    text: int


def raising(_note: Note) -> Document:
    raise KeyError("no such field")


@pytest.mark.parametrize("fault", [{"record": Strict}, {"map": raising}])
def test_a_mapping_that_is_mended_brings_what_it_could_not(fault: dict[str, object]) -> None:
    bench, server = bench_of(reading(LISTED, **fault))
    server.changed_at_ms = bench.now_ms + HOUR_MS - 600_000
    assert incremental(bench).crawl.reject_count == 1
    bench.connector = reading(LISTED)
    bench.restarted()
    incremental(bench)

    assert server.sent == ["n"]


def deletion(note: Note) -> Deletion:
    return Deletion(id=note.id, object_type="note")


def test_a_deletion_that_glean_refuses_is_tried_again() -> None:
    deletions = Stream(source=LISTED, key="id", record=Note, map=deletion)
    nothing = HttpSource(
        url=f"{URL}/list", records="items", paging=OnePage(), since=Since(param="since")
    )
    bench, server = bench_of(replace(reading(nothing, map=lambda _: None), deletions=deletions))
    bench.knows("n")
    server.changed_at_ms, server.unfit = bench.now_ms + HOUR_MS - 600_000, {"n"}
    assert sum(part.reject_count for part in incremental(bench).parts) == 1
    server.unfit = set()
    incremental(bench)

    assert server.sent == ["n"]
    assert bench.store.ledger.look_up(Kind.DOCUMENT, "n") == {}


def test_what_a_person_has_read_again_asks_as_the_job_did() -> None:
    """A cursor belongs to the request that it was given for."""
    bench, server = bench_of(reading(LISTED))
    server.changed_at_ms, server.unfit = bench.now_ms + HOUR_MS - 600_000, {"n"}
    incremental(bench)
    job = incremental(bench)
    assert job.reaches
    server.unfit = set()
    bench.now_ms += 1
    asyncio.run(bench.processor.repeat(job.id))
    assert bench.left().state is State.SUCCEEDED

    assert server.sent == ["n"]
