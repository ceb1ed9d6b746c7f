"""What the Worker refuses before any object is asked. See docs/security.md."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from durable.connector.definition import Connectors
from durable.engine.questions import BeginJob, RunnerQuestion
from durable.machine.job import Job, Mode
from durable.store.store import TRIGGER_KEYS_MAX, Store
from tests.fakes.connector import NOTES
from tests.fakes.edge import an_edge
from tests.fakes.environment import an_environment
from tests.fakes.runners import JOB_ID, FakeRunners
from tests.fakes.storage import Storage
from worker.endpoint import Endpoint
from worker.endpoints import ENDPOINTS
from worker.request import Request
from worker.responses import WorkerResponse
from worker.routes import Routes


TOKEN = "t0ken-of-the-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}
ORIGIN = "https://sync.example"
CONNECTORS: Connectors = {"notes": NOTES}
FULL = b'{"mode": "FULL"}'
PUBLIC = {"health", "openapi", "sign-in"}
GUARDED = [endpoint for endpoint in ENDPOINTS if endpoint.operation not in PUBLIC]
NAMING = [endpoint for endpoint in GUARDED if "{" in endpoint.path]


def answered(
    method: str,
    path: str,
    body: bytes | None = FULL,
    headers: Mapping[str, str] = BEARER,
    token: str = TOKEN,
) -> tuple[WorkerResponse, list[tuple[str, RunnerQuestion[Any]]]]:
    """The answer, and what the objects were asked. A body of None must not be read."""

    async def read(_bytes_max: int) -> bytes | None:
        assert body is not None, "the body was read"
        return body

    runners = FakeRunners()
    routes = Routes(an_environment(TRIGGER_TOKEN=token), CONNECTORS, runners, an_edge())
    request = Request(method=method, origin=ORIGIN, path=path, headers=headers, body=read)
    return asyncio.run(routes.answer(request)), runners.asked


@pytest.mark.parametrize("endpoint", GUARDED, ids=lambda endpoint: endpoint.operation)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Bearer {TOKEN}, Bearer {TOKEN}"},  # two headers, as they are joined
        {"authorization": f"Bearer wrong, Bearer {TOKEN}"},
        {"authorization": f"Basic {TOKEN}"},
        {"cookie": f"authorization=Bearer {TOKEN}"},
        {"x-authorization": f"Bearer {TOKEN}"},
        {"proxy-authorization": f"Bearer {TOKEN}"},
    ],
    ids=str,
)
def test_without_the_token_no_object_is_asked_and_no_body_read(
    endpoint: Endpoint, headers: Mapping[str, str]
) -> None:
    path = endpoint.path.replace("{job}", JOB_ID)

    response, asked = answered(endpoint.methods[0], path, None, headers)

    assert response.status == 401
    assert asked == []


@pytest.mark.parametrize("endpoint", GUARDED, ids=lambda endpoint: endpoint.operation)
@pytest.mark.parametrize("token", ["", "two\nlines", "tokén"], ids=["none", "lines", "no ASCII"])
def test_where_the_token_is_not_usable_nobody_is_answered(endpoint: Endpoint, token: str) -> None:
    path = endpoint.path.replace("{job}", JOB_ID)
    headers = {"authorization": f"Bearer {token}"}

    response, asked = answered(endpoint.methods[0], path, None, headers, token)

    assert response.status == 503
    assert token.encode() not in response.body or not token
    assert asked == []


def test_a_token_that_was_compared_is_redacted_from_then_on() -> None:
    environment = an_environment(TRIGGER_TOKEN=TOKEN)
    routes = Routes(environment, CONNECTORS, FakeRunners(), an_edge())

    async def read(_bytes_max: int) -> bytes:
        return FULL

    request = Request(method="POST", origin=ORIGIN, path="/trigger", headers=BEARER, body=read)

    asyncio.run(routes.answer(request))

    assert environment.redacted(f"Traceback: {TOKEN}") == "Traceback: ***"


@pytest.mark.parametrize(
    "job_id",
    [
        *("", ".", "..", "%2e%2e", "%2f", "..%2fhealth", "%00", "\x00", "*", "' OR 1=1 --"),
        *(f"other{JOB_ID[5:]}", f"NOTES{JOB_ID[5:]}", f"{JOB_ID}%0a", f"{JOB_ID}\n", f" {JOB_ID}"),
        *(f"..{JOB_ID}", f"notes%2f{JOB_ID}", f"-{JOB_ID}", JOB_ID * 1_000, "a" * 100_000),
    ],
    ids=lambda job_id: repr(job_id[:40]),
)
@pytest.mark.parametrize("endpoint", NAMING, ids=lambda endpoint: endpoint.operation)
def test_for_what_is_no_job_of_a_known_connector_no_object_is_made(
    endpoint: Endpoint, job_id: str
) -> None:
    path = endpoint.path.replace("{job}", job_id)

    response, asked = answered(endpoint.methods[0], path, b'{"list": "8c1f"}')

    assert response.status == 404
    assert len(response.body) < 1_000
    assert asked == []


@pytest.mark.parametrize(
    "path",
    ["//health", "/health//", "/./health", "/health/..", "/HEALTH", "/health%2f", "/%68ealth"],
)
def test_a_path_is_taken_as_it_came(path: str) -> None:
    response, asked = answered("GET", path)

    assert response.status == 404
    assert asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"\xff\xfe{\x00",
        b'{"mode": "FULL", "connector": "\xc3\x28"}',
        b'{"mode": "\\ud800"}',
        b"\xef\xbb\xbf" + FULL,
        FULL + FULL,
        FULL[:-1],
        b"[" * 60_000,
        b'{"mode":' * 8_000,
        b'{"connector":' * 4_000,
        b'{"mode": ' + b"9" * 60_000 + b"}",
        b'{"mode": 1e999999}',
        b'{"mode": NaN}',
        b'{"__proto__": {}, "mode": "FULL"}',
        b'{"mode": "FULL", "connector": "notes\\u0000"}',
        b"mode=FULL",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_malformed_body_is_refused(body: bytes) -> None:
    response, asked = answered("POST", "/trigger", body)

    assert response.status == 400
    assert len(response.body) < 1_000
    assert asked == []


@pytest.mark.parametrize(
    "digest",
    ["-1", "1e999", "1" * 5_000, "true", "null", '["8c1f"]', f'"{"8" * 65}"', '"\\ud800"'],
    ids=lambda digest: digest[:20],
)
def test_an_approval_of_no_list_is_refused(digest: str) -> None:
    body = f'{{"list": {digest}}}'.encode()

    response, asked = answered("POST", f"/approve/{JOB_ID}", body)

    assert response.status == 400
    assert len(response.body) < 1_000
    assert asked == []


def test_of_a_key_that_is_there_twice_the_last_counts_for_all() -> None:
    """One decoder reads the body once, so no two parts of the Worker can differ about it."""
    _, asked = answered("POST", "/trigger", b'{"mode": "FULL", "mode": "INCREMENTAL"}')

    assert asked == [("notes", BeginJob(Mode.INCREMENTAL))]


@pytest.mark.parametrize(
    "key",
    ["", "a\r\nx-forged: 1", "a\nb", "a\x00b", "\x1b[31m", "clé", "\u2028", "k" * 256],
    ids=repr,
)
def test_a_key_that_could_not_be_logged_or_bounded_is_refused(key: str) -> None:
    response, asked = answered("POST", "/trigger", FULL, {**BEARER, "idempotency-key": key})

    assert response.status == 400
    assert asked == []


def test_a_callers_key_is_never_that_of_a_cron_tick() -> None:
    key = "cron 2026-11-24T02:00:00.000Z"

    _, asked = answered("POST", "/trigger", FULL, {**BEARER, "idempotency-key": key})

    assert asked == [("notes", BeginJob(Mode.FULL, f"request {key}"))]


@pytest.mark.parametrize(
    "header", ["x-http-method-override", "x-http-method", "x-method-override", "x-original-url"]
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/trigger"), ("POST", "/health")])
def test_no_header_changes_the_method_or_the_path(method: str, path: str, header: str) -> None:
    value = "/trigger" if header == "x-original-url" else "POST" if method == "GET" else "GET"

    response, asked = answered(method, path, None, {**BEARER, header: value})

    assert response.status == 405
    assert asked == []


def test_of_trigger_keys_only_the_latest_are_kept() -> None:
    store = Store(Storage())
    jobs = [
        Job(id=f"notes-{n:05}", connector="notes", mode=Mode.FULL, created_at_ms=n)
        for n in range(TRIGGER_KEYS_MAX + 3)
    ]

    for job in jobs:
        asyncio.run(_added(store, job))

    assert store.triggered_by("request notes-00002") is None
    assert store.triggered_by("request notes-00003") is not None


async def _added(store: Store, job: Job) -> None:
    await store.add(job, f"request {job.id}", None)
