"""Routes and authentication on the real runtime."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dev.runtime import Runtime
from dev.stack import Stack
from dev.staging import ROOT
from durable import __version__
from tests.fakes.deployed import deployed_alone


pytestmark = pytest.mark.workerd


@pytest.fixture(scope="module")
def without_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    folder: Path = tmp_path_factory.mktemp("without-token")
    with deployed_alone(folder, {}) as runtime:
        yield runtime


@pytest.fixture(scope="module")
def open_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    folder: Path = tmp_path_factory.mktemp("open-door")
    with deployed_alone(folder, {"ALLOW_UNAUTHENTICATED_FOR_LOCAL_USE": "true"}) as runtime:
        yield runtime


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (None, 200),
        ("localhost:8787", 200),
        ("[::1]:8787", 200),
        ("evil.example", 503),
        ("evil.example:8787", 503),
        ("localhost.evil.example", 503),
    ],
)
def test_the_open_door_is_at_names_of_this_machine_alone(
    open_door: Runtime, host: str | None, status: int
) -> None:
    headers = {} if host is None else {"host": host}

    response = httpx.get(f"{open_door.url}/connectors", headers=headers)

    assert response.status_code == status
    assert httpx.get(f"{open_door.url}/health", headers=headers).status_code == 200


def test_health_is_for_everybody(stack: Stack) -> None:
    response = stack.request("GET", "/health", headers={})

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "version": __version__, "commit": None}


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer", "Basic x", "Bearer é"])
def test_who_has_not_the_token_is_turned_away(stack: Stack, authorization: str | None) -> None:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]

    response = stack.request("POST", "/trigger", json={"mode": "FULL"}, headers=headers)

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("path", ["cancel", "retry", "approve"])
def test_who_has_not_the_token_commands_nobody(stack: Stack, path: str) -> None:
    job = stack.trigger("INCREMENTAL")

    response = httpx.post(f"{stack.worker_url}/{path}/{job['id']}", json={"list": "8c1f"})

    assert response.status_code == 401
    assert stack.ended(job["id"])["state"] == "succeeded"


def test_without_its_secret_the_worker_says_what_to_set(without_token: Runtime) -> None:
    response = httpx.post(f"{without_token.url}/trigger", json={"mode": "FULL"})

    assert response.status_code == 503
    assert "TRIGGER_TOKEN" in response.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/assets/entry.py", 404),
        ("POST", "/", 405),
        ("GET", "/status", 404),
        ("GET", "/status/python-docs-20260101T000000000Z-abcdef", 404),
        ("GET", "/status/other-20260101T000000000Z-abcdef", 404),
        ("GET", "/status/..%2f..%2fhealth", 404),
        ("GET", "/rejects/python-docs-20260101T000000000Z-abcdef", 404),
        ("POST", "/cancel/python-docs-20260101T000000000Z-abcdef", 404),
        ("POST", "/retry/python-docs-20260101T000000000Z-abcdef", 404),
        ("POST", "/retry/other-20260101T000000000Z-abcdef", 404),
        ("POST", "/cancel", 404),
        ("GET", "/trigger", 405),
        ("GET", "/cancel/x", 405),
        ("POST", "/rejects/x", 405),
        ("PURGE", "/health", 405),
        ("DELETE", "/status/x", 405),
    ],
)
def test_what_is_not_there_is_a_problem(stack: Stack, method: str, path: str, status: int) -> None:
    response = stack.request(method, path)

    assert response.status_code == status
    assert response.json()["status"] == status
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "JSON"),
        (b"[]", "object"),
        (b"\xff\xfe", "JSON"),
        (b'{"mode": "full"}', "mode"),
        (b'{"connector": "python-docs"}', "mode"),
        (b'{"mode": "FULL", "conector": "python-docs"}', "conector"),
        (b'{"mode": "FULL", "connector": "nobody"}', "nobody"),
    ],
)
def test_a_wrong_trigger_is_told_what_to_send(stack: Stack, body: bytes, named: str) -> None:
    response = stack.request("POST", "/trigger", content=body)

    assert response.status_code == 400
    assert named in response.json()["detail"]


def test_a_body_that_is_too_large_is_not_read(stack: Stack) -> None:
    response = stack.request("POST", "/trigger", content=b" " * 100_000)

    assert response.status_code == 413


def test_a_datasource_that_is_only_named_is_shown_and_not_set_up(stack: Stack) -> None:
    shown = stack.request("GET", "/datasource/python-docs")
    refusal = stack.request("POST", "/setup/python-docs", json={"differences": 0})

    assert shown.status_code == 200
    assert shown.json() == {
        "datasource": "pythondocs",
        "is_declared": False,
        "exists": True,
        "differences": [],
    }
    assert refusal.status_code == 409
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.json()["code"] == "not-declared"


def test_a_browser_gets_the_dashboard_from_the_bundle(stack: Stack) -> None:
    page = stack.request("GET", "/jobs", headers={"accept": "text/html"})
    assets = {
        path: stack.request("GET", path, headers={})
        for path in ("/assets/dashboard.js", "/assets/dashboard.css", "/assets/icon.svg")
    }
    again = stack.request("GET", "/", headers={"if-none-match": page.headers["etag"]})

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert all(path in page.text for path in assets)
    for path, response in assets.items():
        name = path.rpartition("/")[2]
        assert response.content == (ROOT / "worker/dashboard" / name).read_bytes()
    assert (again.status_code, again.content) == (304, b"")
