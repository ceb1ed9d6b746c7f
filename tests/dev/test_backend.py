"""The backend that crawls by itself, as the Worker meets it."""

import hashlib
import hmac
from typing import Any

import httpx
import pytest

from dev.backend.app import create_app
from dev.service import Service
from tests.fakes.in_process import client_of


FULL = {"mode": "FULL", "glean_instance": "example"}
NOW_S = 1_800_000_000


@pytest.fixture
def client() -> httpx.Client:
    return client_of(create_app())


def settings(client: httpx.Client, **values: Any) -> None:
    client.put("/control/settings", json=values).raise_for_status()


def started(client: httpx.Client, **headers: str) -> str:
    answer = client.post("/index", json=FULL, headers=headers)
    assert answer.status_code == 202
    return str(answer.headers["location"])


def statuses(client: httpx.Client, url: str, count: int) -> list[str]:
    return [client.get(url).raise_for_status().json()["status"] for _ in range(count)]


@pytest.mark.parametrize(("mode", "documents"), [("FULL", 120), ("INCREMENTAL", 7)])
def test_a_run_is_waited_for_unless_said_otherwise(
    client: httpx.Client, mode: str, documents: int
) -> None:
    answer = client.post("/index", json={**FULL, "mode": mode})

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "documents": documents})
    assert "location" not in answer.headers


def test_a_run_that_is_waited_for_may_fail(client: httpx.Client) -> None:
    settings(client, error="the disk is full")

    answer = client.post("/index", json=FULL)

    assert answer.status_code == 500
    assert answer.json() == {"status": "error", "error": "the disk is full"}


def test_a_run_takes_as_many_polls_as_settings_say(client: httpx.Client) -> None:
    settings(client, is_asynchronous=True, polls=3, retry_after="2")

    url = started(client)

    assert url == "/index/run-1"
    first = client.get(url)
    assert first.json() == {"status": "running", "documents": 1, "error": None}
    assert first.headers["retry-after"] == "2"
    assert statuses(client, url, 3) == ["running", "running", "succeeded"]
    last = client.get(url)
    assert last.json() == {"status": "succeeded", "documents": 120, "error": None}
    assert "retry-after" not in last.headers


def test_a_run_may_fail_at_its_end(client: httpx.Client) -> None:
    settings(client, is_asynchronous=True, polls=1, error="the source is gone")

    url = started(client)

    assert statuses(client, url, 2) == ["running", "failed"]
    assert client.get(url).json()["error"] == "the source is gone"


def test_a_run_may_never_end_until_settings_let_it(client: httpx.Client) -> None:
    settings(client, is_asynchronous=True, polls=None)
    url = started(client)
    assert set(statuses(client, url, 50)) == {"running"}

    settings(client, is_asynchronous=True, polls=0)

    assert statuses(client, url, 1) == ["succeeded"]


def test_a_runs_url_may_have_the_server_in_it(client: httpx.Client) -> None:
    settings(client, is_asynchronous=True, has_absolute_location=True)

    assert started(client) == "http://testserver/index/run-1"


def test_the_same_key_is_the_same_run(client: httpx.Client) -> None:
    settings(client, is_asynchronous=True)
    urls = [started(client, **{"idempotency-key": key}) for key in "aba"]
    urls += [started(client), started(client)]

    other = client.post(
        "/index", json={**FULL, "mode": "INCREMENTAL"}, headers={"idempotency-key": "a"}
    )

    assert urls == [f"/index/run-{number}" for number in (1, 2, 1, 3, 4)]
    assert other.status_code == 422


def test_an_answer_that_was_lost_can_be_had_again(client: httpx.Client) -> None:
    client.post("/control/faults", json={"drop": "after"})
    with pytest.raises(ConnectionResetError):
        client.post("/index", json=FULL, headers={"idempotency-key": "a"})

    answer = client.post("/index", json=FULL, headers={"idempotency-key": "a"})

    assert answer.json()["documents"] == 120
    assert len(client.get("/control/runs").json()) == 1


def test_a_run_can_be_cancelled_while_it_runs(client: httpx.Client) -> None:
    settings(client, is_asynchronous=True, polls=1)
    running, ended = started(client), started(client)
    assert statuses(client, ended, 2)[-1] == "succeeded"

    codes = [client.delete(url).status_code for url in (running, running, ended, "/index/run-9")]

    assert codes == [204, 204, 409, 404]
    assert statuses(client, running, 2) == ["cancelled", "cancelled"]


def test_runs_are_listed_with_what_became_of_them(client: httpx.Client) -> None:
    client.post("/index", json=FULL, headers={"idempotency-key": "a"})

    assert client.get("/control/runs").json() == [
        {
            "id": "run-1",
            "order": FULL,
            "key": "a",
            "is_asynchronous": False,
            "status": "succeeded",
            "polls": 0,
            "documents": 120,
            "error": None,
        }
    ]


def test_a_reset_forgets_runs_but_not_their_number(client: httpx.Client) -> None:
    settings(client, is_asynchronous=True)
    url = started(client)

    client.post("/control/reset")

    assert client.get(url).status_code == 404
    settings(client, is_asynchronous=True)
    assert started(client) == "/index/run-2"


@pytest.mark.parametrize("body", [{"mode": "HALF", "glean_instance": "x"}, {"mode": "FULL"}, []])
def test_an_order_that_is_none_starts_nothing(client: httpx.Client, body: object) -> None:
    assert client.post("/index", json=body).status_code == 400
    assert client.get("/control/runs").json() == []


def signed(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    content = f"{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return {"x-signature-timestamp": str(timestamp), "x-signature-256": f"sha256={digest}"}


BODY = b'{"mode":"FULL","glean_instance":"example"}'
GOOD = signed("secret", NOW_S, BODY)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (GOOD, 200),
        (signed("secret", NOW_S - 300, BODY), 200),
        (signed("secret", NOW_S - 301, BODY), 401),
        (signed("secret", NOW_S + 301, BODY), 401),
        (signed("other", NOW_S, BODY), 401),
        (signed("secret", NOW_S, BODY + b" "), 401),
        ({**GOOD, "x-signature-timestamp": str(NOW_S - 1)}, 401),
        ({**GOOD, "x-signature-timestamp": "today"}, 401),
        ({}, 401),
    ],
)
def test_a_request_must_be_signed_where_there_is_a_secret(
    headers: dict[str, str], code: int
) -> None:
    client = client_of(create_app(signing_secret="secret", clock=lambda: NOW_S * 1_000))

    assert client.post("/index", content=BODY, headers=headers).status_code == code


def test_polls_are_signed_by_what_they_ask_for() -> None:
    client = client_of(create_app(signing_secret="secret", clock=lambda: NOW_S * 1_000))
    settings(client, is_asynchronous=True)
    url = client.post("/index", content=BODY, headers=GOOD).headers["location"]

    polled = signed("secret", NOW_S, f"GET {url}".encode())
    queried = signed("secret", NOW_S, f"GET {url}?a=%20b".encode())
    assert client.get(url).status_code == 401
    assert client.get(url, headers=signed("secret", NOW_S, b"")).status_code == 401
    assert client.get(url, headers=polled).status_code == 200
    assert client.get(f"{url}?a=%20b", headers=polled).status_code == 401
    assert client.get(f"{url}?a=%20b", headers=queried).status_code == 200
    assert client.delete(url, headers=polled).status_code == 401


def test_the_program_takes_its_token_from_the_environment() -> None:
    with Service("dev.backend", ("--token-env", "BACKEND"), {"BACKEND": "token-1"}) as service:
        url = f"{service.url}/index"
        assert httpx.post(url, json=FULL).status_code == 401
        headers = {"authorization": "Bearer token-1"}
        assert httpx.post(url, json=FULL, headers=headers).json()["status"] == "ok"
