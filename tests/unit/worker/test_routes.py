"""Health, triggers and the status, and what holds for all paths."""

from collections.abc import Mapping

import msgspec
import pytest
from msgspec.structs import replace

from durable import __version__
from durable.connector.definition import Connectors
from durable.engine.checks import Check, CheckOutcome
from durable.engine.questions import BeginJob, CompareDatasource, ReadStatus, SetUpDatasource
from durable.glean.datasource import Datasource
from durable.glean.differences import Difference, Provisioned, Unprovisioned
from durable.machine.commands import Refusal, RefusalCode
from durable.machine.job import Mode
from tests.fakes.connector import NOTES
from tests.fakes.requests import BEARER, a_request, answered, check_problem, content
from tests.fakes.runners import JOB_ID, STATUS, FakeRunners
from worker.request import BODY_BYTES_MAX
from worker.routes import failure


TWO: Connectors = {
    "notes": NOTES,
    "other": replace(NOTES, name="other", datasource=Datasource("other")),
}
KEY_CHARACTERS_MAX = 255
TRIGGER = b'{"mode": "FULL"}'


def test_health_is_told_to_anybody() -> None:
    response = answered(a_request("GET", "/health", headers={}), TRIGGER_TOKEN="")

    told = {"status": "ok", "version": __version__, "commit": None}
    assert (response.status, content(response)) == (200, told)
    assert response.headers["content-type"] == "application/json"


def test_health_tells_the_commit_that_is_deployed() -> None:
    response = answered(a_request("GET", "/health", headers={}), VERSION_TAG="cf9a1bf3c82c")

    assert content(response)["commit"] == "cf9a1bf3c82c"


@pytest.mark.parametrize("path", ["/health", f"/status/{JOB_ID}", "/nothing", "/trigger"])
def test_an_answer_is_neither_guessed_at_nor_kept(path: str) -> None:
    headers = answered(a_request("GET", path)).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("mode", Mode)
def test_a_trigger_begins_a_job_and_says_where_to_follow_it(mode: Mode) -> None:
    runners = FakeRunners()
    body = msgspec.json.encode({"mode": mode, "connector": "notes"})

    response = answered(a_request("POST", "/trigger", body), runners)

    assert response.status == 202
    assert response.headers["location"] == f"/status/{JOB_ID}"
    assert content(response) == {**STATUS, "status_url": f"/status/{JOB_ID}"}
    assert runners.asked == [("notes", BeginJob(mode))]


def test_the_only_connector_need_not_be_named() -> None:
    runners = FakeRunners()

    answered(a_request("POST", "/trigger", b'{"mode": "FULL"}'), runners)

    assert runners.asked == [("notes", BeginJob(Mode.FULL))]


def test_the_status_of_a_job_is_shown() -> None:
    response = answered(a_request("GET", f"/status/{JOB_ID}"))

    assert (response.status, content(response)) == (200, STATUS)


@pytest.mark.parametrize("path", ["/health", f"/status/{JOB_ID}", f"/rejects/{JOB_ID}"])
def test_head_is_answered_like_get(path: str) -> None:
    got = answered(a_request("GET", path))
    asked = answered(a_request("HEAD", path))

    assert (asked.status, asked.headers) == (got.status, got.headers)


@pytest.mark.parametrize("path", ["/health", f"/status/{JOB_ID}", "/nothing"])
def test_no_answer_is_kept_by_caches(path: str) -> None:
    assert answered(a_request("GET", path)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/Health",
        "/health/",
        "/trigger/now",
        "/status",
        "/status/a/b",
        "//health",
        "/cancel",
        "/retry/a/b",
        "/approve",
        "/rejects",
        "/tend/a",
    ],
)
def test_a_path_that_leads_nowhere_is_404(path: str) -> None:
    check_problem(answered(a_request("GET", path)), 404, repr(path), code=RefusalCode.UNKNOWN_PATH)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/health", "GET, HEAD"),
        ("GET", "/trigger", "POST"),
        ("OPTIONS", "/trigger", "POST"),
        ("DELETE", f"/status/{JOB_ID}", "GET, HEAD"),
        ("POST", f"/rejects/{JOB_ID}", "GET, HEAD"),
        ("GET", f"/cancel/{JOB_ID}", "POST"),
        ("GET", f"/retry/{JOB_ID}", "POST"),
        ("PUT", f"/approve/{JOB_ID}", "POST"),
    ],
)
def test_a_method_that_is_not_for_the_path_is_405(method: str, path: str, allow: str) -> None:
    response = answered(a_request(method, path))

    check_problem(response, 405, repr(path))
    assert response.headers["allow"] == allow


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/trigger"),
        ("GET", f"/status/{JOB_ID}"),
        ("HEAD", f"/status/{JOB_ID}"),
        ("GET", f"/rejects/{JOB_ID}"),
        ("POST", f"/cancel/{JOB_ID}"),
        ("POST", f"/retry/{JOB_ID}"),
        ("POST", f"/approve/{JOB_ID}"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}], ids=["no", "wrong"])
def test_without_the_token_nothing_is_done(
    method: str, path: str, headers: Mapping[str, str]
) -> None:
    runners = FakeRunners()

    response = answered(a_request(method, path, b'{"mode": "FULL"}', headers), runners)

    check_problem(response, 401, "Authorization: Bearer")
    assert response.headers["www-authenticate"] == "Bearer"
    assert runners.asked == []


def test_where_no_token_is_set_nothing_is_done() -> None:
    runners = FakeRunners()

    response = answered(
        a_request("POST", "/trigger", b'{"mode": "FULL"}'), runners, TRIGGER_TOKEN=""
    )

    check_problem(response, 503, "TRIGGER_TOKEN")
    assert "www-authenticate" not in response.headers
    assert runners.asked == []


@pytest.mark.parametrize(
    ("body", "named", "code"),
    [
        (b"", "empty", RefusalCode.BAD_BODY),
        (b"mode=FULL", "{", RefusalCode.BAD_BODY),
        (b"[]", "`object`", RefusalCode.BAD_BODY),
        (b"{}", "`mode`", RefusalCode.BAD_BODY),
        (b'{"mode": "full"}', "'full'", RefusalCode.BAD_BODY),
        (b'{"mode": "FULL", "force": true}', "`force`", RefusalCode.BAD_BODY),
        (b'{"mode": "FULL", "connector": 7}', "$.connector", RefusalCode.BAD_BODY),
        (b'{"mode": "FULL", "connector": "wiki"}', "'wiki'", RefusalCode.UNKNOWN_CONNECTOR),
        (b'{"mode": "FULL", "connector": ""}', "''", RefusalCode.UNKNOWN_CONNECTOR),
        (b'{"mode": "FULL", "connector": "\xff"}', "{", RefusalCode.BAD_BODY),
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
def test_a_trigger_that_cannot_be_understood_is_400(
    body: bytes, named: str, code: RefusalCode
) -> None:
    runners = FakeRunners()

    check_problem(answered(a_request("POST", "/trigger", body), runners), 400, named, code=code)
    assert runners.asked == []


@pytest.mark.parametrize("key", ["a", " ", "7f3c", "x" * KEY_CHARACTERS_MAX, "cron 2026"])
def test_the_key_of_a_trigger_is_one_of_requests_whatever_it_is(key: str) -> None:
    runners = FakeRunners()

    response = answered(
        a_request("POST", "/trigger", TRIGGER, {**BEARER, "idempotency-key": key}), runners
    )

    assert response.status == 202
    assert runners.asked == [("notes", BeginJob(Mode.FULL, f"request {key}"))]


@pytest.mark.parametrize(
    "key", ["", "x" * (KEY_CHARACTERS_MAX + 1), "\u00e9", "a\tb", "a\x00b", "a\x7f"]
)
def test_a_key_that_is_too_long_or_not_plain_text_is_400(key: str) -> None:
    runners = FakeRunners()

    response = answered(
        a_request("POST", "/trigger", TRIGGER, {**BEARER, "idempotency-key": key}), runners
    )

    check_problem(response, 400, "Idempotency-Key", code=RefusalCode.BAD_PARAMETER)
    assert runners.asked == []


def test_a_key_that_asked_for_something_else_before_is_422() -> None:
    runners = FakeRunners(Refusal(RefusalCode.KEY_REUSED, "use another key"))

    response = answered(
        a_request("POST", "/trigger", TRIGGER, {**BEARER, "idempotency-key": "a"}), runners
    )

    check_problem(response, 422, code=RefusalCode.KEY_REUSED)


def test_of_several_connectors_one_must_be_named() -> None:
    response = answered(a_request("POST", "/trigger", b'{"mode": "FULL"}'), connectors=TWO)

    check_problem(response, 400, "notes, other", code=RefusalCode.UNNAMED_CONNECTOR)


def test_a_body_over_the_limit_is_413() -> None:
    body = b'{"mode": "FULL"}'.ljust(BODY_BYTES_MAX)

    assert answered(a_request("POST", "/trigger", body)).status == 202
    check_problem(answered(a_request("POST", "/trigger", body + b" ")), 413, "65536")


def test_a_job_that_its_connector_does_not_know_is_404() -> None:
    runners = FakeRunners()
    other = JOB_ID.replace("0a1b2c", "ffffff")

    check_problem(
        answered(a_request("GET", f"/status/{other}"), runners),
        404,
        other,
        code=RefusalCode.UNKNOWN_JOB,
    )
    assert runners.asked == [("notes", ReadStatus(other))]


@pytest.mark.parametrize(
    "job_id",
    ["", "notes", "%2e%2e", JOB_ID.replace("notes", "wiki"), JOB_ID.upper()],
    ids=["empty", "a name", "escaped", "of an unknown connector", "in capitals"],
)
def test_for_a_job_that_cannot_be_no_object_is_made(job_id: str) -> None:
    runners = FakeRunners()

    check_problem(
        answered(a_request("GET", f"/status/{job_id}"), runners), 404, code=RefusalCode.UNKNOWN_JOB
    )
    assert runners.asked == []


def test_a_bug_of_ours_is_500_and_no_more_is_said() -> None:
    check_problem(failure(), 500)


# Checking a connector


def test_a_connector_is_checked_by_its_name() -> None:
    runners = FakeRunners()
    runners.checks = [Check("configured", CheckOutcome.PASSED, "all is set")]

    response = answered(a_request("POST", "/check/notes"), runners)

    assert response.status == 200
    assert content(response) == {
        "connector": "notes",
        "passed": True,
        "checks": [
            {"name": "configured", "outcome": "passed", "detail": "all is set", "remedy": None}
        ],
    }


def test_one_check_that_failed_is_enough() -> None:
    runners = FakeRunners()
    runners.checks = [
        Check("configured", CheckOutcome.PASSED, ""),
        Check("source reachable", CheckOutcome.FAILED, "no"),
    ]

    assert content(answered(a_request("POST", "/check/notes"), runners))["passed"] is False


@pytest.mark.parametrize("name", ["other", "", "Notes", ".."])
def test_a_connector_that_there_is_not_is_404_and_no_object_is_made(name: str) -> None:
    runners = FakeRunners()

    response = answered(a_request("POST", f"/check/{name}"), runners)

    check_problem(response, 404, code=RefusalCode.UNKNOWN_CONNECTOR)
    assert runners.asked == []


# The datasource


PROVISIONED = Provisioned(
    datasource="notes",
    is_declared=True,
    exists=True,
    differences=[Difference("url_regex", "a", "b")],
)


def test_a_datasource_is_shown() -> None:
    runners = FakeRunners()
    runners.provisioned = PROVISIONED

    response = answered(a_request("GET", "/datasource/notes"), runners)

    assert (response.status, content(response)) == (200, msgspec.to_builtins(PROVISIONED))
    assert runners.asked == [("notes", CompareDatasource())]


def test_a_datasource_is_set_up_with_the_differences_that_were_seen() -> None:
    runners = FakeRunners()
    runners.provisioned = PROVISIONED

    response = answered(a_request("POST", "/setup/notes", b'{"differences": 1}'), runners)

    assert (response.status, content(response)) == (200, msgspec.to_builtins(PROVISIONED))
    assert runners.asked == [("notes", SetUpDatasource(1))]


@pytest.mark.parametrize(("code", "status"), [(None, 502), (RefusalCode.NOT_DECLARED, 409)])
def test_a_datasource_that_cannot_be_set_up_is_told_by_whose_fault(
    status: int, code: RefusalCode | None
) -> None:
    runners = FakeRunners()
    runners.provisioned = Unprovisioned("that is why", code)

    response = answered(a_request("POST", "/setup/notes", b'{"differences": 1}'), runners)

    assert response.status == status
    assert content(response)["detail"] == "that is why"
    assert content(response).get("code") == code


@pytest.mark.parametrize("body", [b"", b"{}", b'{"differences": -1}', b'{"differences": "1"}'])
def test_a_set_up_names_the_differences_as_a_number(body: bytes) -> None:
    response = answered(a_request("POST", "/setup/notes", body))

    check_problem(response, 400, code=RefusalCode.BAD_BODY)


@pytest.mark.parametrize(("method", "path"), [("GET", "/datasource/x"), ("POST", "/setup/x")])
def test_a_datasource_of_no_connector_is_404(method: str, path: str) -> None:
    check_problem(
        answered(a_request(method, path, b'{"differences": 0}')),
        404,
        code=RefusalCode.UNKNOWN_CONNECTOR,
    )
