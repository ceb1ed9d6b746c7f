"""Jobs of a backend: begun, followed, called off, begun anew."""

from datetime import timedelta
from typing import ClassVar

import httpx
import pytest
from msgspec.structs import replace

from durable.connector.backend_connector import BackendConnector
from durable.connector.stream import Stream
from durable.environment import Secret
from durable.errors import ConfigurationError
from durable.glean.identities import DatasourceUser
from durable.http.context import SourceContext
from durable.machine.job import Mode
from durable.machine.ledger import Kind
from durable.machine.states import Command, State
from durable.sources.backend import Backend
from durable.sources.http import HttpReader, HttpSource
from durable.sources.paging.cursors import BodyCursor
from durable.sources.paging.one_page import OnePage
from durable.sources.source import NO_NAMES
from tests.fakes.answers import STATUS, a_page, ok
from tests.fakes.bench import SET, Bench
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment


URL = "https://crawler.example"
DELEGATED = BackendConnector(
    name=NOTES.name,
    datasource=NOTES.datasource,
    backend=Backend(url=Secret("CONNECTOR_API_URL"), poll_every=timedelta(milliseconds=60_000)),
    schedule=NOTES.schedule,
)
RUN = httpx.Response(202, headers={"location": "/index/run-1"})


class Listener(HttpReader):
    """Keeps what it was told."""

    told: ClassVar[list[str | None]] = []

    async def cancel(self, cursor: str | None) -> None:
        self.told.append(cursor)


class Listening(HttpSource, frozen=True):
    """A source whose readers would hear of a cancel."""

    def reader(self, context: SourceContext, names: frozenset[str] = NO_NAMES) -> Listener:
        return Listener(self, context, names)


def a_bench(*answers: httpx.Response | Exception) -> Bench:
    environment = an_environment(**SET, CONNECTOR_API_URL=URL)
    return Bench(*answers, connector=DELEGATED, environment=environment)


def test_a_job_that_is_cancelled_calls_its_backend_off() -> None:
    bench = a_bench(RUN)
    job = bench.begun(Mode.FULL)
    assert bench.left().state is State.SENDING
    bench.network.add(httpx.Response(204))

    after = bench.commanded(job, Command.CANCEL)

    assert after.state is State.CANCELLED
    assert bench.network.lines == ["POST /index", "DELETE /index/run-1"]


def test_a_backend_hears_of_it_once_the_job_is_stored_as_cancelled() -> None:
    bench = a_bench(RUN)
    job = bench.begun(Mode.FULL)
    bench.left()
    bench.network.add(httpx.Response(204))
    states = []

    async def look() -> None:
        stored = bench.views.job(job.id)
        states.append(stored and stored.state)

    bench.network.meanwhile(2, look)
    bench.commanded(job, Command.CANCEL)

    assert states == [State.CANCELLED]


def test_a_source_that_is_read_here_is_not_told_of_a_cancel() -> None:
    source = Listening(
        records="items", url="https://notes.example/list", paging=BodyCursor(path="next_cursor")
    )
    connector = replace(NOTES, documents=replace(NOTES.documents, source=source))
    page = a_page("a", next_cursor="2")
    bench = Bench(page, ok(), connector=connector, limits={"turn_pages_max": 1})
    job = bench.begun(Mode.FULL)
    assert bench.left().state is State.SENDING
    Listener.told.clear()

    assert bench.commanded(job, Command.CANCEL).state is State.CANCELLED
    assert Listener.told == []


def test_a_backend_that_does_not_hear_of_it_does_not_keep_the_job() -> None:
    bench = a_bench(RUN)
    job = bench.begun(Mode.FULL)
    bench.left()
    bench.network.add(httpx.ConnectError("gone"))

    assert bench.commanded(job, Command.CANCEL).state is State.CANCELLED


def test_a_job_can_be_cancelled_whose_backend_is_not_known_any_more() -> None:
    bench = a_bench(RUN)
    job = bench.begun(Mode.FULL)
    bench.left()
    bench.environment = an_environment(**SET)
    bench.restarted()

    assert bench.commanded(job, Command.CANCEL).state is State.CANCELLED
    assert bench.network.lines == ["POST /index"]


def test_a_crawl_that_failed_is_begun_anew_under_another_key() -> None:
    failed = httpx.Response(500, json={"status": "error", "error": "disk is full"})
    bench = a_bench(failed)
    job = bench.begun(Mode.FULL)
    assert bench.left().state is State.FAILED
    bench.network.add(httpx.Response(200, json={"status": "ok"}))

    bench.commanded(job, Command.RETRY)
    bench.now_ms += 1_000

    assert bench.left().state is State.SUCCEEDED
    first, second = (request.headers["idempotency-key"] for request in bench.network.requests)
    assert first != second
    assert first.startswith(job.id)
    assert second.startswith(job.id)


def test_users_are_brought_and_closed_before_the_backend_is_asked() -> None:
    users = Stream(
        source=HttpSource(records="items", url="https://notes.example/users", paging=OnePage()),
        key="id",
        record=NOTES.documents.record,
        map=lambda note: DatasourceUser(email=f"{note.id}@notes.example", name=note.id),
    )
    environment = an_environment(**SET, CONNECTOR_API_URL=URL)
    bench = Bench(connector=replace(DELEGATED, users=users), environment=environment)
    bench.network.on("GET /users", a_page("a", "b"))
    bench.network.on("POST /api/index/v1/bulkindexusers", ok(), ok(), ok())
    histories = [
        httpx.Response(
            200,
            json={
                "documents": {},
                "identity": {
                    "users": {
                        "bulkUploadHistory": [
                            {
                                "uploadId": "UPLOAD",
                                "status": status,
                                "startTime": "2026-11-24T00:00:00Z",
                            }
                        ]
                    }
                },
            },
        )
        for status in ("ACTIVE", "SUCCESSFUL")
    ]
    job = bench.begun(Mode.FULL)
    upload_id = f"{job.id}-1"
    bench.network.on(
        STATUS,
        *(httpx.Response(200, text=one.text.replace("UPLOAD", upload_id)) for one in histories),
    )
    bench.network.on("POST /index", httpx.Response(200, json={"status": "ok"}))

    bench.left()
    bench.now_ms += 1_000
    after = bench.left()

    assert after.state is State.SUCCEEDED, after.error
    assert bench.network.lines == [
        "POST /api/index/v1/bulkindexusers",
        "GET /users",
        "POST /api/index/v1/bulkindexusers",
        STATUS,
        "POST /api/index/v1/bulkindexusers",
        STATUS,
        "POST /index",
    ]
    counts = [bench.store.ledger.count(kind) for kind in (Kind.USER, Kind.DOCUMENT)]
    assert counts == [2, 0]


@pytest.mark.parametrize("name", ["documents", "deletions", "users", "groups", "teams"])
def test_a_backend_is_no_source_of_records(name: str) -> None:
    stream = Stream(source=Backend(), key="id", record=NOTES.documents.record, map=lambda _: None)

    with pytest.raises(ConfigurationError, match=f"{name}: a backend"):
        replace(NOTES, **{name: stream})
