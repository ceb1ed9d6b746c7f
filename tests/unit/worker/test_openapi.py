import inspect
import re
import tomllib
from typing import Any

import msgspec
import pytest

from dev.staging import ROOT
from durable.machine.job import Job, Mode
from durable.views.status import Status, status
from worker import openapi
from worker.bodies import Accepted, Approval, Rejects, Session, SignIn, Trigger
from worker.endpoint import KEY, PLACE, Endpoint
from worker.endpoints import ENDPOINTS, find_endpoints
from worker.problems import Problem


JOB_ID = "notes-20251124T160000123Z-0a1b2c"
DOCUMENT = openapi.document(ENDPOINTS)
SCHEMAS = DOCUMENT["components"]["schemas"]


def parameters(path: str, method: str) -> dict[str, Any]:
    return {one["name"]: one for one in DOCUMENT["paths"][path][method]["parameters"]}


def test_each_operation_has_one_endpoint() -> None:
    operations = [endpoint.operation for endpoint in ENDPOINTS]

    assert len(set(operations)) == len(operations)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation)
def test_an_endpoint_is_found_at_its_path(endpoint: Endpoint) -> None:
    start, brace, _ = endpoint.path.partition("{")

    at = find_endpoints(f"{start}x" if brace else start)

    assert at is not None
    assert endpoint in at[0]
    assert at[1] == ("x" if brace else "")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation)
def test_a_handler_reads_the_body_that_its_row_names(endpoint: Endpoint) -> None:
    code = inspect.getsource(endpoint.handler)

    kinds = re.findall(r"decode_body\(call\.request, (\w+)", code)
    assert kinds == ([] if endpoint.body is None else [endpoint.body.__name__])


def test_a_method_is_of_one_endpoint_of_a_path() -> None:
    asked = [(method, one.path) for one in ENDPOINTS for method in one.methods]

    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "health", "/health/", "//health", "/Health", "/status", "/status/a/b"),
        *("/trigger/x", "/x", "/x/status/a", "status/a", "/{job}", "/status\n/a", "/openapi"),
    ],
)
def test_at_any_other_path_is_none(path: str) -> None:
    assert find_endpoints(path) is None


def test_whatever_follows_the_last_slash_is_taken_for_a_job() -> None:
    status = [one for one in ENDPOINTS if one.operation == "status"]

    assert find_endpoints("/status/") == (status, "")
    assert find_endpoints("/status/..") == (status, "..")


def test_the_document_can_be_encoded_and_is_of_openapi_3_1() -> None:
    assert msgspec.json.decode(msgspec.json.encode(DOCUMENT)) == DOCUMENT
    assert DOCUMENT["openapi"] == "3.1.0"


def test_its_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert DOCUMENT["info"]["version"] == project["version"]


def test_all_that_is_referred_to_is_there() -> None:
    text = msgspec.json.encode(DOCUMENT).decode()

    assert set(re.findall(r"#/components/schemas/([A-Za-z]+)", text)) <= set(SCHEMAS)


@pytest.mark.parametrize(
    "kind", [Trigger, Approval, Accepted, Status, Rejects, Session, SignIn, Problem]
)
def test_a_type_is_shown_with_its_docstring_and_its_fields(kind: type[msgspec.Struct]) -> None:
    schema = SCHEMAS[kind.__name__]

    assert schema["description"] == " ".join((kind.__doc__ or "?").split())
    assert list(schema["properties"]) == list(kind.__struct_fields__)


def test_a_status_has_all_that_is_declared_and_no_more() -> None:
    job = Job(id=JOB_ID, connector="notes", mode=Mode.FULL, created_at_ms=0)

    shown = msgspec.json.decode(msgspec.json.encode(status(job)))

    assert set(shown) == set(SCHEMAS["Status"]["properties"]) == set(SCHEMAS["Status"]["required"])


@pytest.mark.parametrize(
    ("pattern", "schema", "texts"),
    [
        (KEY, parameters("/trigger", "post")["Idempotency-Key"], ["k", "a b", "", "é", "k" * 256]),
        (PLACE, parameters("/rejects/{job}", "get")["after"], ["3.17", "", "3", ".1", "1" * 16]),
    ],
    ids=["key", "place"],
)
def test_a_pattern_is_what_the_code_checks(
    pattern: re.Pattern[str], schema: dict[str, Any], texts: list[str]
) -> None:
    shown = re.compile(schema["schema"]["pattern"])

    assert [bool(shown.search(text)) for text in texts] == [
        bool(pattern.fullmatch(text)) for text in texts
    ]


def test_a_jobs_id_is_shown_without_pythons_own_syntax() -> None:
    pattern = parameters("/status/{job}", "get")["job"]["schema"]["pattern"]

    assert re.fullmatch(pattern, JOB_ID)
    assert not re.fullmatch(pattern, "..")
    assert "?P" not in pattern


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation)
def test_only_what_is_public_asks_for_no_token(endpoint: Endpoint) -> None:
    is_public = endpoint.operation in {"health", "openapi", "sign-in"}
    for method in endpoint.methods:
        shown = DOCUMENT["paths"][endpoint.path][method.lower()]
        assert shown["security"] == ([] if is_public else [{"token": []}, {"session": []}])
        assert is_public or {"401", "503"} <= set(shown["responses"])


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.operation)
def test_what_a_page_may_have_sent_is_refused_where_something_is_done(endpoint: Endpoint) -> None:
    is_guarded = not endpoint.is_public and not set(endpoint.methods) <= {"GET", "HEAD"}

    assert (403 in endpoint.refusals) is is_guarded


def test_every_status_says_what_it_means() -> None:
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            assert all(answer["description"] for answer in operation["responses"].values())


def test_the_schema_forbids_a_replace_to_an_incremental_job() -> None:
    document = openapi.document(ENDPOINTS)
    (rule,) = [document["components"]["schemas"]["Trigger"]["not"]]

    assert rule["properties"] == {"mode": {"const": "INCREMENTAL"}, "replace": {"const": True}}
    assert rule["required"] == ["mode", "replace"]
