"""Sources and Workers that mean ill, on the real runtime. See docs/security.md."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from dev.proxy import ThroughProxy
from dev.runtime import Runtime
from dev.stack import GLEAN_TOKEN, TRIGGER_TOKEN
from tests.fakes.deployed import IS_BARE, deployed_alone
from tests.workerd.hostile import Besieged, hostile


pytestmark = pytest.mark.workerd


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    folder: Path = tmp_path_factory.mktemp("besieged")
    with hostile() as ends:
        variables = {
            "DOCS_API_URL": ends.url,
            "GLEAN_SERVER_URL": ends.url,
            "GLEAN_INDEXING_API_TOKEN": GLEAN_TOKEN,
            "TRIGGER_TOKEN": TRIGGER_TOKEN,
            "LIMITS": '{"backoff_ms_min": 100}',
            "ANALYTICS": "a text, and no dataset",
        }
        http = httpx.Client(transport=ThroughProxy())
        with deployed_alone(folder, variables) as runtime, http:
            yield Besieged(runtime, ends, folder / "answers.log", http)


def test_an_analytics_engine_that_fails_disturbs_no_job_and_is_told_of_once(
    besieged: Besieged,
) -> None:
    """Once by each object: one that nobody asks for ten seconds is made anew."""
    first = besieged.synced(Response("it is closed", 404))
    before = besieged.log_lines("the Analytics Engine took no data")
    second = besieged.synced(Response("it is closed", 404))

    assert [first["state"], second["state"]] == ["failed", "failed"]
    assert besieged.log_lines("the Analytics Engine took no data") == before
    shown = json.loads(before[-1])
    assert (shown["level"], shown["connector"]) == ("warning", "python-docs")


def test_a_redirect_is_not_followed(besieged: Besieged) -> None:
    besieged.ends.paths.clear()

    job = besieged.synced(Response(status_code=302, headers={"location": "/elsewhere"}))

    assert "a redirect" in str(job["events"])
    assert "/elsewhere" not in besieged.ends.paths


@pytest.mark.parametrize("status", [400, 401, 500])
def test_an_error_that_echoes_the_token_is_shown_without_it(
    besieged: Besieged, status: int
) -> None:
    job = besieged.synced(Response(f"you sent {GLEAN_TOKEN}", status))

    assert "you sent ***" in str(job["events"])
    assert GLEAN_TOKEN not in str(job)


def test_a_record_that_echoes_the_token_is_rejected_without_it(besieged: Besieged) -> None:
    record = {"id": 7, "text": f"it is {GLEAN_TOKEN}"}

    job = besieged.synced(JSONResponse({"items": [record], "next_cursor": None}))

    (reject,) = besieged.request("GET", f"/rejects/{job['id']}")["rejects"]
    assert "it is ***" in reject["excerpt"]


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        ("forged-lf", '\r\n{"event":"queued","id":"forged-lf"}'),
        ("forged-ansi", "\x1b[2K\x1b[1A\x1b]0;forged-ansi\x07\x08\x7f"),
        ("forged-quote", '","state":"succeeded","id":"forged-quote'),
    ],
)
def test_what_a_source_sends_stays_within_its_line_of_the_log(
    besieged: Besieged, marker: str, text: str
) -> None:
    besieged.synced(Response(text, 400))

    lines = besieged.log_lines(marker)

    assert lines
    for line in lines:
        shown = json.loads(line)
        assert shown["event"] == "turn ended"
        assert shown["state"] == "failed"
        assert not re.search(r"[\x00-\x1f]", line)


@pytest.mark.parametrize(
    "character",
    [
        "\x85",
        "\u2028",
        "\x7f",
        "\x9b",
        "\u202e",
    ],
    ids=ascii,
)
def test_no_character_from_outside_moves_a_terminal(besieged: Besieged, character: str) -> None:
    """C1 controls and separators: some terminals obey them, some readers end a line at them."""
    marker = f"moved-{ord(character):x}"

    besieged.synced(Response(f"{marker}:{character}.", 400))

    assert [line for line in besieged.log_lines(marker) if character in line] == []


def test_a_key_of_a_caller_stays_within_its_line_of_the_log(besieged: Besieged) -> None:
    key = 'key-of-caller","event":"forged \\u001b[31m \\'
    headers = {"authorization": f"Bearer {TRIGGER_TOKEN}", "idempotency-key": key}

    url, order = f"{besieged.runtime.url}/trigger", {"mode": "INCREMENTAL"}
    job = httpx.post(url, json=order, headers=headers).json()
    ended = besieged.ended(job)

    assert ended["state"] == "succeeded", ended
    (line,) = besieged.log_lines("key-of-caller")
    assert json.loads(line)["event"] == "queued"
    assert json.loads(line)["trigger"] == f"request {key}"


def test_a_cron_of_no_connector_stays_within_its_line_of_the_log(besieged: Besieged) -> None:
    url = f"{besieged.runtime.url}/cdn-cgi/local/scheduled"

    httpx.get(url, params={"cron": '1 1 1 1 *"}\n{"event":"forged-cron"}', "time": "1"})

    # wrangler shows the address that was called, escaped; ours is JSON.
    events = [json.loads(line)["event"] for line in besieged.log_lines("forged-cron")]
    assert events == ["no connector has the schedule"]


@pytest.fixture(scope="module")
def intruder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    folder: Path = tmp_path_factory.mktemp("intruder")
    variables = {"GLEAN_INDEXING_API_TOKEN": GLEAN_TOKEN}
    packages = {"worker": Path(__file__).with_name("intruder")}
    with Runtime(folder, variables, packages=packages, is_bare=IS_BARE) as runtime:
        yield runtime


def test_who_holds_the_binding_reaches_the_objects_methods(intruder: Runtime) -> None:
    response = httpx.post(f"{intruder.url}/ask", json=['{"type":"TendObject","ticked_at_ms":0}'])

    assert (response.status_code, json.loads(response.json())[0]) == (200, "Heartbeat")


@pytest.mark.parametrize("text", ["", "7", "{}", '{"type":"__init__"}', '{"type":"Question"}'])
def test_what_is_no_question_is_not_answered(intruder: Runtime, text: str) -> None:
    response = httpx.post(f"{intruder.url}/ask", json=[text])

    assert response.status_code == 500
    assert "msgspec" in response.text


@pytest.mark.parametrize(
    "name", ["environment", "services", "connectors", "env", "ctx", "storage", "alarm", "__dict__"]
)
def test_what_the_object_holds_is_out_of_reach_even_then(intruder: Runtime, name: str) -> None:
    response = httpx.post(f"{intruder.url}/{name}", json=[])

    assert response.status_code == 500
    assert GLEAN_TOKEN not in response.text
