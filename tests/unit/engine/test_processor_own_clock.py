"""A connector's jobs, from a source whose clock is five minutes behind into the local Glean."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct

from dev.kinds_source.app import create_app as create_source
from dev.local_glean.app import create_app as create_glean
from dev.local_glean.database import Database
from durable import BodyCursor, Connector, HttpSource, Mode, NewestFirst, Since, Stream
from durable.engine.platform import Platform, RunnerContext
from durable.engine.processor import Begun, Processor
from durable.glean.datasource import Datasource
from durable.glean.documents import Deletion, Document, Permissions
from durable.machine.job import Job
from durable.machine.states import PENDING, State
from durable.sources.since import Changes
from durable.store.store import Store
from tests.fakes.bench import NOW_MS
from tests.fakes.environment import an_environment
from tests.fakes.network import no_wait
from tests.fakes.storage import Storage


BEHIND_MS = 5 * 60_000
MINUTE_MS = 60_000
COUNT = 7
SINCE = Since(param="updated_since", path="updated_at")
NEWEST = NewestFirst(path="updated_at", params={"sort": "-updated_at"})
DATASOURCE: Mapping[str, Any] = {
    "name": "entries",
    "datasourceCategory": "PUBLISHED_CONTENT",
    "urlRegex": "https://entries.example/.*",
    "objectDefinitions": [{"name": "entry", "docCategory": "PUBLISHED_CONTENT"}],
}


class Entry(Struct, frozen=True):
    id: str
    text: str
    deleted: bool


def document(entry: Entry) -> Document | Deletion:
    if entry.deleted:
        return Deletion(id=entry.id, object_type="entry")
    return Document(
        id=entry.id,
        object_type="entry",
        title=entry.text,
        view_url=f"https://entries.example/{entry.id}",
        permissions=Permissions(allow_anonymous_access=True),
    )


class Office(httpx.AsyncBaseTransport):
    """The source, the local Glean, and the processor between them.

    Args:
        database: of the local Glean.
        since: how the source is asked for changes.
    """

    def __init__(self, database: Database, since: Changes) -> None:
        self.now_ms = NOW_MS
        source = create_source(count=COUNT, clock=lambda: self.now_ms - BEHIND_MS)
        self._apps = {
            "source.example": httpx.ASGITransport(source),
            "glean.example": httpx.ASGITransport(create_glean(database, "t0ken")),
        }
        self._sent: list[str] = []
        self._ask("glean.example", "/api/index/v1/adddatasource", DATASOURCE)
        connector = Connector(
            name="entries",
            datasource=Datasource("entries"),
            documents=Stream(
                source=HttpSource(
                    records="items",
                    url="https://source.example/kinds/tombstones",
                    paging=BodyCursor(path="next_cursor", param="cursor", size=2),
                    since=since,
                ),
                key="id",
                record=Entry,
                map=document,
            ),
        )
        environment = an_environment(
            GLEAN_SERVER_URL="https://glean.example", GLEAN_INDEXING_API_TOKEN="t0ken"
        )
        nonces = count()
        host = Platform(
            lambda: self.now_ms, lambda: f"{next(nonces):06x}", lambda: 1.0, self, no_wait
        )
        self._processor = Processor(RunnerContext(connector, environment, Store(Storage()), host))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        if request.url.path.endswith("/indexdocuments"):
            self._sent += [one["id"] for one in msgspec.json.decode(body)["documents"]]
        if request.url.path.endswith("/deletedocument"):
            self._sent.append(msgspec.json.decode(body)["id"])
        return await self._apps[request.url.host].handle_async_request(request)

    def change(self, **counts: int) -> set[str]:
        """A minute later, somebody changes records; their ids."""
        self.now_ms += MINUTE_MS
        changes = self._ask("source.example", "/control/change", counts).json()
        return {*changes["changed"], *changes["removed"], *changes["added"]}

    def run(self, mode: Mode) -> tuple[Job, list[str]]:
        """A minute later, a job; what it sent one by one."""
        self.now_ms += MINUTE_MS
        self._sent = []
        job = asyncio.run(self._turn(mode))
        assert job.state is State.SUCCEEDED, job.error
        return job, self._sent

    async def _turn(self, mode: Mode) -> Job:
        begun = await self._processor.begin(mode, None)
        assert isinstance(begun, Begun)
        job = await self._processor.turn()
        while job is not None and job.state in PENDING:  # what is gone is deleted in another one
            job = await self._processor.turn()
        assert job is not None
        return job

    @property
    def is_right(self) -> bool:
        """Whether Glean has what the source has."""
        live = self._lines("source.example", "/control/records")
        found = self._lines("glean.example", "/control/documents?datasource=entries")
        titles = {one["id"]: one["document"]["title"] for one in found}
        return titles == {one["id"]: one["text"] for one in live}

    def _lines(self, host: str, path: str) -> list[Any]:
        return msgspec.json.Decoder().decode_lines(self._ask(host, path).content)

    def _ask(self, host: str, path: str, body: Any = None) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._apps[host], headers={"authorization": "Bearer t0ken"}
            ) as client:
                method = "GET" if body is None else "POST"
                return await client.request(method, f"https://{host}{path}", json=body)

        return asyncio.run(asked()).raise_for_status()


@pytest.fixture
def database() -> Iterator[Database]:
    with Database(":memory:") as opened:
        yield opened


def test_without_the_field_a_change_after_a_jobs_start_is_lost(database: Database) -> None:
    office = Office(database, Since(param="updated_since", overlap=timedelta(milliseconds=0)))
    office.run(Mode.FULL)
    office.change(change=2)

    job, sent = office.run(Mode.INCREMENTAL)

    assert (job.crawl.record_count, sent) == (0, [])
    assert not office.is_right


@pytest.mark.parametrize("since", [SINCE, NEWEST], ids=["since", "newest first"])
def test_with_the_field_it_is_read_and_sent_once(database: Database, since: Changes) -> None:
    office = Office(database, since)
    office.run(Mode.FULL)
    changed = office.change(change=2, add=1)
    changed_ms = office.now_ms - BEHIND_MS

    first, sent = office.run(Mode.INCREMENTAL)
    assert (first.crawl.record_count, sorted(sent)) == (3, sorted(changed))

    second, sent = office.run(Mode.INCREMENTAL)
    assert (second.crawl.record_count, second.crawl.document_count, sent) == (3, 0, [])
    assert second.since_ms == changed_ms // 1_000 * 1_000
    assert office.is_right


def test_a_deletion_is_sent_once_too(database: Database) -> None:
    office = Office(database, SINCE)
    office.run(Mode.FULL)
    changed = office.change(remove=1)

    assert set(office.run(Mode.INCREMENTAL)[1]) == changed
    job, sent = office.run(Mode.INCREMENTAL)

    assert (job.crawl.record_count, job.crawl.deletion_count, sent) == (1, 0, [])
    assert office.is_right


def test_of_what_is_read_again_only_what_has_changed_is_sent(database: Database) -> None:
    office = Office(database, SINCE)
    office.run(Mode.FULL)
    for _ in range(3):
        changed = office.change(change=3)

        job, sent = office.run(Mode.INCREMENTAL)

        assert set(sent) == changed
        assert job.crawl.document_count == len(sent) == 3
    assert office.is_right


def test_after_a_full_job_what_is_read_again_is_not_sent(database: Database) -> None:
    office = Office(database, SINCE)
    office.run(Mode.FULL)
    changed = office.change(change=2)
    assert set(office.run(Mode.INCREMENTAL)[1]) == changed

    for mode in (Mode.FULL, Mode.INCREMENTAL):
        job, sent = office.run(mode)
        assert (job.crawl.record_count > 0, sent) == (True, [])
    assert office.is_right


def test_a_full_job_sends_what_has_changed_and_deletes_what_is_gone(database: Database) -> None:
    office = Office(database, SINCE)
    office.run(Mode.FULL)
    changed = office.change(change=2, add=1, remove=1)

    _, sent = office.run(Mode.FULL)

    assert sorted(sent) == sorted(changed)
    assert office.is_right


def test_the_watermark_of_a_source_at_rest_goes_on(database: Database) -> None:
    office = Office(database, SINCE)
    office.run(Mode.FULL)
    office.now_ms += 24 * 60 * MINUTE_MS
    office.run(Mode.INCREMENTAL)

    job, _ = office.run(Mode.INCREMENTAL)

    assert job.since_ms == (office.now_ms - 61 * MINUTE_MS) // 1_000 * 1_000
