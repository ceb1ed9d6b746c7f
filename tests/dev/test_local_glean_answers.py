"""Whole jobs against the local Glean, and what it, or something in front of it, answers."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec
import pytest

from durable.connector.definition import AnyConnector
from durable.engine.platform import Platform, RunnerContext
from durable.engine.processor import Begun, Processor
from durable.environment import Environment
from durable.machine.job import Job, Mode
from durable.machine.rejects import Reject
from durable.machine.states import State
from durable.store.store import Store
from tests.fakes.answers import a_note, a_page_of
from tests.fakes.bench import NOW_MS
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.network import no_wait
from tests.fakes.storage import Storage


API = "/api/index/v1"
DATASOURCE = {
    "name": "notes",
    "datasourceCategory": "PUBLISHED_CONTENT",
    "urlRegex": "https://notes.example/.*",
    "objectDefinitions": [{"name": "note"}],
}
PAGE = {"status": 200, "body": "<!doctype html><title>x</title>", "content_type": "text/html"}
TURNS_MAX = 60


@pytest.fixture
def glean(empty_glean: httpx.Client) -> httpx.Client:
    empty_glean.post(f"{API}/adddatasource", json=DATASOURCE).raise_for_status()
    return empty_glean


class Relay(httpx.AsyncBaseTransport):
    """One page of notes, and the local Glean behind a blocking client."""

    def __init__(self, glean: httpx.Client, notes: Sequence[Mapping[str, object]]) -> None:
        self._glean = glean
        self._notes = notes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "notes.example":
            return a_page_of(self._notes)
        headers = {"content-type": request.headers["content-type"]}
        answer = self._glean.post(request.url.path, content=request.content, headers=headers)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


class Site:
    """A connector's object between the two.

    Args:
        glean: a client of the local one.
        notes: of the source.
        connector: in place of the notes.
    """

    def __init__(
        self,
        glean: httpx.Client,
        notes: Sequence[Mapping[str, object]],
        connector: AnyConnector = NOTES,
    ) -> None:
        self._now_ms = NOW_MS
        environment: Environment = an_environment(
            GLEAN_SERVER_URL=str(glean.base_url),
            GLEAN_INDEXING_API_TOKEN="token",
            LIMITS=msgspec.json.encode({"page_bytes_max": 16 * 1024 * 1024}).decode(),
        )
        host = Platform(
            lambda: self._now_ms, lambda: "0", lambda: 0.5, Relay(glean, notes), no_wait
        )
        self._storage = Storage()
        self.store = Store(self._storage)
        self._processor = Processor(RunnerContext(connector, environment, self.store, host))

    def ended(self, mode: Mode) -> Job:
        begun = asyncio.run(self._processor.begin(mode, None))
        assert isinstance(begun, Begun)
        for _ in range(TURNS_MAX):
            self._now_ms = max(self._now_ms + 100, self.store.set_at_ms or 0)
            self._storage.fire()
            job = asyncio.run(self._processor.turn())
            if job is not None and job.state in {State.SUCCEEDED, State.FAILED}:
                return job
        raise AssertionError("the job does not end")

    def rejects(self, job: Job) -> list[Reject]:
        return [reject for _, reject in self.store.rejects(job.id, (0, 0), 1_000)]


def ids(glean: httpx.Client) -> set[str]:
    answer = glean.get("/control/documents", params={"datasource": "notes"})
    return {msgspec.json.decode(line)["id"] for line in answer.content.splitlines()}


def requests(glean: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = glean.get("/control/requests").json()
    return found


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("skip", range(4))
def test_of_a_page_in_gleans_place_nothing_is_believed(
    glean: httpx.Client, mode: Mode, skip: int
) -> None:
    glean.post("/control/faults", json={**PAGE, "skip": skip, "times": 2}).raise_for_status()
    site = Site(glean, [a_note(name) for name in "abc"])

    job = site.ended(mode)

    assert (job.state, job.crawl.reject_count) == (State.SUCCEEDED, 0)
    assert ids(glean) == set("abc")


@pytest.mark.parametrize("count", [1, 1_000])
def test_a_datasource_that_glean_does_not_know_is_told_as_what_it_is(
    glean: httpx.Client, count: int
) -> None:
    glean.post("/control/reset").raise_for_status()
    site = Site(glean, [a_note(f"note-{number}") for number in range(count)])

    job = site.ended(Mode.INCREMENTAL)

    assert (job.state, job.crawl.reject_count) == (State.FAILED, 0)
    assert "notes" in job.error
    assert site.store.successes.watermark_ms() is None
    assert len(requests(glean)) <= 5


@pytest.mark.parametrize("mode", list(Mode))
def test_one_document_that_glean_refuses_among_many_is_found(
    glean: httpx.Client, mode: Mode
) -> None:
    """In words that do not name it."""
    fault = {"status": 400, "body": "not this one", "within": '"id":"note-77"', "times": 99}
    glean.post("/control/faults", json=fault).raise_for_status()
    site = Site(glean, [a_note(f"note-{number}") for number in range(100)])

    job = site.ended(mode)

    assert (job.state, job.crawl.reject_count) == (State.SUCCEEDED, 1)
    assert [reject.key for reject in site.rejects(job)] == ["note-77"]
    assert len(ids(glean)) == 99


@pytest.mark.parametrize("mode", list(Mode))
def test_a_document_that_glean_finds_too_large_is_rejected_by_glean_alone(
    glean: httpx.Client, mode: Mode
) -> None:
    large = a_note("large", text="x" * (6 * 1024 * 1024))
    site = Site(glean, [a_note("a"), large, a_note("b")])

    job = site.ended(mode)

    (reject,) = site.rejects(job)
    assert reject.key == "large"
    assert reject.reason.startswith("Glean answered 413: ")
    assert ids(glean) == {"a", "b"}
