import asyncio

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.connector import AnyConnector
from durable.environment import Environment
from durable.job import Job, Mode, State
from durable.sources.json_pages import JsonPages
from durable.store import Store
from durable.turn import REASON_CHARACTERS_MAX, Host, Turn
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.network import Network
from tests.fakes.storage import Storage


NOW_MS = 1_764_000_000_123
SET = {"GLEAN_INSTANCE": "acme", "GLEAN_INDEXING_API_TOKEN": "t0ken"}
ENVIRONMENT = an_environment(**SET)
QUEUED = Job(id="notes-1", connector="notes", mode=Mode.INCREMENTAL, created_at_ms=NOW_MS)
FULL = replace(QUEUED, mode=Mode.FULL)
BULK = "POST /api/index/v1/bulkindexdocuments"


def ok() -> httpx.Response:
    return httpx.Response(200)


def a_page(*names: str, next_cursor: str | None = None) -> httpx.Response:
    items = [{"id": name, "text": f"about {name}"} for name in names]
    return httpx.Response(200, json={"items": items, "next_cursor": next_cursor})


def turned(
    job: Job,
    network: Network,
    environment: Environment = ENVIRONMENT,
    connector: AnyConnector = NOTES,
) -> Job:
    """The job after one turn."""
    store = Store(Storage())
    host = Host(now_ms=lambda: NOW_MS, nonce=lambda: "0", transport=network)

    async def run() -> None:
        await store.add(job, None, NOW_MS)
        await Turn(job.id, connector, environment, store, host).run()

    asyncio.run(run())
    left = store.load(job.id)
    assert left is not None
    return left


def test_a_full_job_is_opened_sent_and_closed_in_one_turn() -> None:
    network = Network(ok(), a_page("a", "b", next_cursor="2"), ok(), a_page("c"), ok(), ok())

    job = turned(FULL, network)

    assert network.lines == [BULK, "GET /list", BULK, "GET /list", BULK, BULK]
    assert job.state is State.SUCCEEDED
    assert (job.page_count, job.document_count, job.upload_id) == (2, 3, "notes-1-1")
    requests = [msgspec.json.decode(network.requests[place].content) for place in (2, 4)]
    sent = [[document["id"] for document in request["documents"]] for request in requests]
    assert sent == [["a", "b"], ["c"]]
    assert {request["uploadId"] for request in requests} == {"notes-1-1"}


def test_a_page_larger_than_a_request_is_sent_in_batches() -> None:
    environment = an_environment(LIMITS='{"batch_documents_max": 2}', **SET)
    network = Network(a_page("a", "b", "c"), ok(), ok())

    job = turned(QUEUED, network, environment)

    assert network.lines[1:] == ["POST /api/index/v1/indexdocuments"] * 2
    assert (job.state, job.page_count, job.document_count) == (State.SUCCEEDED, 1, 3)


def test_limits_are_read_at_every_turn() -> None:
    environment = an_environment(LIMITS='{"turn_pages_max": 1}', **SET)

    job = turned(QUEUED, Network(a_page("a", next_cursor="2"), ok()), environment)

    assert (job.state, job.cursor, job.turn) == (State.SENDING, "2", None)


@pytest.mark.parametrize(
    ("answer", "is_closed"), [("SUCCESSFUL", True), ("ACTIVE", False)], ids=["closed", "open"]
)
def test_a_close_is_not_repeated_when_it_was_done(answer: str, *, is_closed: bool) -> None:
    closing = replace(FULL, state=State.CLOSING, upload_id="u-1", attempt=1, progress_at_ms=NOW_MS)
    history = {"documents": {"bulkUploadHistory": [{"uploadId": "u-1", "status": answer}]}}
    network = Network(httpx.Response(200, json=history), ok())

    job = turned(closing, network)

    assert job.state is State.SUCCEEDED
    assert network.lines == ["POST /api/index/v1/debug/notes/status", BULK][: 1 if is_closed else 2]


def test_the_token_of_the_source_goes_to_the_source_only() -> None:
    source = JsonPages(url="https://notes.example/list", token_secret="NOTES_TOKEN")
    network = Network(a_page("a"), ok())

    turned(
        QUEUED,
        network,
        an_environment(NOTES_TOKEN="s3cret", **SET),
        replace(NOTES, source=source),
    )

    tokens = [request.headers["authorization"] for request in network.requests]
    assert tokens == ["Bearer s3cret", "Bearer t0ken"]


def test_an_error_that_may_pass_is_remembered_until_the_next_try() -> None:
    busy = httpx.Response(503, text="busy", headers={"retry-after": "9"})

    job = turned(QUEUED, Network(busy))

    assert (job.state, job.retry_at_ms) == (State.SENDING, NOW_MS + 9_000)
    assert job.error == "the source answered 503: busy"


def test_an_error_that_will_not_pass_fails_the_job() -> None:
    job = turned(QUEUED, Network(a_page("a"), httpx.Response(400, text="Invalid datasource")))

    assert job.state is State.FAILED
    assert job.error == "Glean answered 400: Invalid datasource"


def test_an_error_never_shows_a_secret() -> None:
    echo = httpx.Response(401, text="bad token t0ken")

    job = turned(FULL, Network(echo))

    assert job.error.endswith(": bad token ***")


def test_an_error_is_one_short_line() -> None:
    job = turned(QUEUED, Network(httpx.Response(500, text="many\n\n  \tlines " * 500)))

    assert job.error.startswith("the source answered 500: many lines many lines ")
    assert len(job.error) == REASON_CHARACTERS_MAX


def test_a_long_refusal_still_names_the_secret() -> None:
    job = turned(FULL, Network(httpx.Response(403, text="<html>" + "x" * 5_000)))

    assert "check the secret GLEAN_INDEXING_API_TOKEN" in job.error


@pytest.mark.parametrize(
    ("environment", "connector", "remedy"),
    [
        (
            an_environment(GLEAN_INSTANCE="acme"),
            NOTES,
            "npx wrangler secret put GLEAN_INDEXING_API_TOKEN",
        ),
        (
            an_environment(GLEAN_INDEXING_API_TOKEN="t0ken"),
            NOTES,
            "npx wrangler secret put GLEAN_INSTANCE",
        ),
        (an_environment(LIMITS="{", **SET), NOTES, "LIMITS"),
        (
            ENVIRONMENT,
            replace(NOTES, source=JsonPages(url="{NOTES_URL}/list")),
            "add it to [vars] in wrangler.toml",
        ),
        (
            ENVIRONMENT,
            replace(NOTES, source=JsonPages(url="notes.example/list")),
            "must start with https://",
        ),
        (
            ENVIRONMENT,
            replace(NOTES, source=JsonPages(url="https://a.example", token_secret="NOTES_TOKEN")),
            "npx wrangler secret put NOTES_TOKEN",
        ),
        (
            an_environment(GLEAN_INSTANCE="acme", GLEAN_INDEXING_API_TOKEN="\u201ct0ken\u201d"),
            NOTES,
            "npx wrangler secret put GLEAN_INDEXING_API_TOKEN",
        ),
    ],
    ids=[
        "no token",
        "no instance",
        "bad limits",
        "no variable",
        "no server",
        "no source's token",
        "a pasted token",
    ],
)
def test_a_configuration_that_is_not_right_fails_the_job_with_the_remedy(
    environment: Environment, connector: AnyConnector, remedy: str
) -> None:
    job = turned(QUEUED, Network(), environment, connector)

    assert (job.state, job.alarm_at_ms) == (State.FAILED, None)
    assert remedy in job.error
    assert "t0ken" not in job.error


def test_an_answer_for_a_job_that_somebody_ended_changes_nothing() -> None:
    ended = replace(QUEUED, state=State.FAILED, error="ended by hand")

    assert turned(ended, Network()) == ended
