import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from durable.connector import Connectors
from durable.job import Mode
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from worker.routes import BODY_BYTES_MAX, Request, Response, Routes, failure


JOB_ID = "notes-20251124T160000123Z-0a1b2c"
STATUS = {"id": JOB_ID, "connector": "notes", "state": "queued"}
BEARER = {"authorization": "Bearer t0ken"}
NOTES_ONLY: Connectors = {"notes": NOTES}
TWO: Connectors = {"notes": NOTES, "other": replace(NOTES, name="other", datasource="other")}


class FakeRunners:
    """Objects that know one job, and keep what they were asked."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, Mode, str | None]] = []
        self.asked: list[tuple[str, str]] = []

    async def begin(
        self, connector: str, mode: Mode, trigger_key: str | None
    ) -> Mapping[str, object]:
        self.begun.append((connector, mode, trigger_key))
        return STATUS

    async def status(self, connector: str, job_id: str) -> Mapping[str, object] | None:
        self.asked.append((connector, job_id))
        return STATUS if job_id == JOB_ID else None


def a_request(
    method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = BEARER
) -> Request:
    async def read(bytes_max: int) -> bytes | None:
        return body if len(body) <= bytes_max else None

    return Request(method=method, path=path, headers=headers, body=read)


def answered(
    request: Request,
    runners: FakeRunners | None = None,
    connectors: Connectors = NOTES_ONLY,
    **variables: str,
) -> Response:
    environment = an_environment(**({"TRIGGER_TOKEN": "t0ken"} | variables))
    routes = Routes(environment, connectors, runners or FakeRunners())
    return asyncio.run(routes.answer(request))


def content(response: Response) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(response.body)
    return decoded


def check_problem(response: Response, status: int, detail: str) -> None:
    """It is a problem document of RFC 9457 that says so."""
    problem = content(response)
    assert response.status == problem["status"] == status
    assert response.headers["content-type"] == "application/problem+json"
    assert problem.keys() == {"title", "status", "detail"}
    assert detail in problem["detail"]


def test_health_is_told_to_anybody() -> None:
    response = answered(a_request("GET", "/health", headers={}), TRIGGER_TOKEN="")

    assert (response.status, content(response)) == (200, {"status": "ok"})
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("mode", Mode)
def test_a_trigger_begins_a_job_and_says_where_to_follow_it(mode: Mode) -> None:
    runners = FakeRunners()
    body = msgspec.json.encode({"mode": mode, "connector": "notes"})

    response = answered(a_request("POST", "/trigger", body), runners)

    assert response.status == 202
    assert response.headers["location"] == f"/status/{JOB_ID}"
    assert content(response) == {**STATUS, "status_url": f"/status/{JOB_ID}"}
    assert runners.begun == [("notes", mode, None)]


def test_the_only_connector_need_not_be_named() -> None:
    runners = FakeRunners()

    answered(a_request("POST", "/trigger", b'{"mode": "FULL"}'), runners)

    assert runners.begun == [("notes", Mode.FULL, None)]


def test_the_status_of_a_job_is_shown() -> None:
    response = answered(a_request("GET", f"/status/{JOB_ID}"))

    assert (response.status, content(response)) == (200, STATUS)


@pytest.mark.parametrize("path", ["/health", f"/status/{JOB_ID}"])
def test_head_is_answered_like_get(path: str) -> None:
    got = answered(a_request("GET", path))
    asked = answered(a_request("HEAD", path))

    assert (asked.status, asked.headers) == (got.status, got.headers)


@pytest.mark.parametrize("path", ["/health", f"/status/{JOB_ID}", "/nothing"])
def test_no_answer_is_kept_by_caches(path: str) -> None:
    assert answered(a_request("GET", path)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/", "", "/Health", "/health/", "/trigger/now", "/status", "/status/a/b", "//health"]
)
def test_a_path_that_leads_nowhere_is_404(path: str) -> None:
    check_problem(answered(a_request("GET", path)), 404, f"nothing at {path!r}")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/health", "GET, HEAD"),
        ("GET", "/trigger", "POST"),
        ("OPTIONS", "/trigger", "POST"),
        ("DELETE", f"/status/{JOB_ID}", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_for_the_path_is_405(method: str, path: str, allow: str) -> None:
    response = answered(a_request(method, path))

    check_problem(response, 405, f"{method} is not for {path!r}")
    assert response.headers["allow"] == allow


@pytest.mark.parametrize(("method", "path"), [("POST", "/trigger"), ("GET", f"/status/{JOB_ID}")])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}], ids=["no", "wrong"])
def test_without_the_token_nothing_is_done(
    method: str, path: str, headers: Mapping[str, str]
) -> None:
    runners = FakeRunners()

    response = answered(a_request(method, path, b'{"mode": "FULL"}', headers), runners)

    check_problem(response, 401, "Authorization: Bearer")
    assert response.headers["www-authenticate"] == "Bearer"
    assert (runners.begun, runners.asked) == ([], [])


def test_where_no_token_is_set_nothing_is_done() -> None:
    runners = FakeRunners()

    response = answered(
        a_request("POST", "/trigger", b'{"mode": "FULL"}'), runners, TRIGGER_TOKEN=""
    )

    check_problem(response, 503, "npx wrangler secret put TRIGGER_TOKEN")
    assert "www-authenticate" not in response.headers
    assert runners.begun == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "Send JSON like"),
        (b"mode=FULL", "Send JSON like"),
        (b"[]", "Expected `object`"),
        (b"{}", "missing required field `mode`"),
        (b'{"mode": "full"}', "'full'"),
        (b'{"mode": "FULL", "force": true}', "unknown field `force`"),
        (b'{"mode": "FULL", "connector": 7}', "$.connector"),
        (b'{"mode": "FULL", "connector": "wiki"}', "no connector 'wiki'; there are: notes."),
        (b'{"mode": "FULL", "connector": ""}', "no connector ''"),
        (b'{"mode": "FULL", "connector": "\xff"}', "Send JSON like"),
    ],
    ids=[
        "nothing",
        "a form",
        "a list",
        "no mode",
        "an unknown mode",
        "an unknown field",
        "a number",
        "an unknown connector",
        "an empty connector",
        "not UTF-8",
    ],
)
def test_a_trigger_that_cannot_be_understood_is_400(body: bytes, detail: str) -> None:
    runners = FakeRunners()

    check_problem(answered(a_request("POST", "/trigger", body), runners), 400, detail)
    assert runners.begun == []


def test_of_several_connectors_one_must_be_named() -> None:
    response = answered(a_request("POST", "/trigger", b'{"mode": "FULL"}'), connectors=TWO)

    check_problem(response, 400, "one of: notes, other.")


def test_a_body_over_the_limit_is_413() -> None:
    body = b'{"mode": "FULL"}'.ljust(BODY_BYTES_MAX)

    assert answered(a_request("POST", "/trigger", body)).status == 202
    check_problem(answered(a_request("POST", "/trigger", body + b" ")), 413, "65536")


def test_a_job_that_its_connector_does_not_know_is_404() -> None:
    runners = FakeRunners()
    other = JOB_ID.replace("0a1b2c", "ffffff")

    check_problem(answered(a_request("GET", f"/status/{other}"), runners), 404, other)
    assert runners.asked == [("notes", other)]


@pytest.mark.parametrize(
    "job_id",
    ["", "notes", "%2e%2e", JOB_ID.replace("notes", "wiki"), JOB_ID.upper()],
    ids=["empty", "a name", "escaped", "of an unknown connector", "in capitals"],
)
def test_for_a_job_that_cannot_be_no_object_is_made(job_id: str) -> None:
    runners = FakeRunners()

    check_problem(answered(a_request("GET", f"/status/{job_id}"), runners), 404, "no job")
    assert runners.asked == []


def test_a_bug_of_ours_is_500_and_no_more_is_said() -> None:
    check_problem(failure(), 500, "npx wrangler tail")
