"""Whatever the OpenAPI document allows, and whatever it forbids, asked of the real runtime.

Each answer must be one that the document declares: its status, content type, headers and shape.
What the document forbids must be refused, another method by 405; and nothing is answered to those
who have not the token, or a wrong one.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok

from dev.stack import TRIGGER_TOKEN, Stack
from durable.connector import definition
from durable.machine.job_id import JOB_ID
from tests.fakes.deployed import deployed
from tests.simulation.effort import IS_WHOLE
from worker import openapi
from worker.bodies import LIST_CHARACTERS_MAX
from worker.endpoint import KEY, SECONDS
from worker.endpoints import ENDPOINTS


pytestmark = pytest.mark.workerd

SEED = 20261124
# Of each operation, beside those that go through its constraints one by one.
EXAMPLES = 120 if IS_WHOLE else 10
RECORDS = 900
# Of the declared statuses those that need more than a request: a cookie, a large body, a bug, no
# token; and 401, which a check of Schemathesis's own asks for.
UNMET = frozenset({"401", "403", "413", "500", "503"})
# Of these, what a connector that there is would answer: its source is down here.
NAMED = {
    *("POST /check/{connector}", "GET /datasource/{connector}"),
    *("HEAD /datasource/{connector}", "POST /setup/{connector}"),
}
COMMANDS = ("/cancel/", "/retry/", "/approve/")  # take a job that is in a state of theirs
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": SEED,
        "generation": {"database": "none"},
        "auth": {"openapi": {"token": {"bearer": TRIGGER_TOKEN}}},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", 401, 404, 409, 422]},
            "negative_data_rejection": {"expected-statuses": [400, 401, 404, 405]},
        },
    }
)
SCHEMA = schemathesis.openapi.from_dict(openapi.document(ENDPOINTS), config=CONFIG)

jobs: list[str] = []  # in all states that a job can be kept in
waiting: list[tuple[str, str]] = []  # held jobs, and the list that each has
met: dict[str, set[str]] = defaultdict(set)  # statuses, by method and path


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, since jobs are cancelled and retried at random."""
    with deployed(tmp_path_factory.mktemp("fuzzed"), {"shrink_count": 10}, RECORDS) as started:
        yield started


@pytest.fixture(scope="module")
def asked(stack: Stack) -> Stack:
    """With jobs that were there before anything is asked."""
    jobs[:] = prepared(stack)
    return stack


def prepared(stack: Stack) -> Iterator[str]:
    """Jobs that succeeded, set records aside, failed, were cancelled, are held and work."""
    stack.settle()
    stack.control_source("change", add=RECORDS - len(stack.source_records()))
    yield stack.ended(stack.trigger("FULL")["id"])["id"]
    body = '{"items": [{"id": 1}, {"id": "x\\n"}], "next_cursor": null}'
    stack.control_source("faults", status=200, body=body)
    yield stack.ended(stack.trigger("INCREMENTAL")["id"])["id"]
    stack.control_glean("faults", status=401)
    yield stack.ended(stack.trigger("FULL")["id"])["id"]
    stack.control_source("change", change=0, remove=RECORDS // 2, add=0, seed=1)
    held = stack.ended(stack.trigger("FULL")["id"])
    assert held["state"] == "held", held
    waiting[:] = [(held["id"], held["missing_list"])]
    yield held["id"]
    stack.stall()
    working = stack.trigger("INCREMENTAL")["id"]
    stack.until(working, lambda now: now["state"] == "sending")
    yield working
    cancelled = stack.trigger("FULL")["id"]
    stack.request("POST", f"/cancel/{cancelled}").raise_for_status()
    yield cancelled


def chosen(value: str, count: int) -> int:
    """One of so many, always the same for the same value."""
    return zlib.crc32(value.encode()) % count


def settle(case: Case[Any]) -> None:
    """In the place of most values that could be, one that is: a job, the connector, a used key."""
    if JOB_ID.fullmatch(drawn := str(case.path_parameters.get("job"))):
        case.path_parameters["job"] = [*jobs, drawn][chosen(drawn, len(jobs) + 1)]
    if KEY.fullmatch(drawn := str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = ["a", "b c", "~" * 255, drawn][chosen(drawn, 4)]
    if SECONDS.fullmatch(drawn := str(case.query.get("wait", ""))):
        case.query["wait"] = ["0", "1"][not chosen(drawn, 8)]  # else all the time is spent here
    # Where this is no length, the platform refuses the request before it comes to the Worker.
    case.headers.pop("content-length", None)
    if isinstance(case.body, dict) and isinstance(name := case.body.get("connector"), str):
        is_short = len(name) <= definition.NAME_CHARACTERS_MAX
        if is_short and definition.NAME.fullmatch(name):
            case.body["connector"] = "python-docs"
    if isinstance(case.body, dict) and isinstance(token := case.body.get("token"), str):
        case.body["token"] = [TRIGGER_TOKEN, token][chosen(token, 2)]
    if isinstance(case.body, dict) and isinstance(digest := case.body.get("list"), str):
        # Mostly that of the job that is held; what is to be refused stays as it is.
        is_right = len(digest) <= LIST_CHARACTERS_MAX and chosen(f"{digest} {case.headers}", 4)
        if is_right and "202" not in met[case.operation.label]:
            case.path_parameters["job"], case.body["list"] = waiting[0]


def asking(label: str) -> Any:
    """The test of one operation."""
    method, path = label.split(" ")

    @SCHEMA.include(method=method, path=path).parametrize()
    @hypothesis.settings(max_examples=EXAMPLES, deadline=None)
    def test_whatever_is_asked_the_answer_is_declared(case: Case[Any], asked: Stack) -> None:
        stack = asked
        if case.operation.label not in met and case.operation.path.startswith(COMMANDS):
            jobs[:] = prepared(stack)  # others may have commanded all that there was
        settle(case)
        if "approve" in case.operation.path and case.operation.label not in met:
            # One of the same mode is in the way of a held job.
            stack.request("POST", f"/cancel/{stack.trigger('FULL')['id']}").raise_for_status()
        response = case.call(base_url=stack.worker_url)

        head = f"{case.method} {response.request.url}: {response.status_code} {response.headers}\n"
        stack.keep(head.encode(errors="replace") + response.content + b"\n")
        met[case.operation.label].add(str(response.status_code))
        case.validate_response(response, transport_kwargs={"base_url": stack.worker_url})

    return test_whatever_is_asked_the_answer_is_declared


# A name for each, since Schemathesis gives the tests of one function one id, and whoever spreads
# tests over processes would run one of them.
for number, found in enumerate(SCHEMA.get_all_operations()):
    if isinstance(found, Ok):
        name = f"test_whatever_is_asked_the_answer_is_declared_{number}"
        globals()[name] = asking(found.ok().label)


@pytest.mark.last
def test_all_that_is_declared_was_met() -> None:
    operations = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
    if not all(operation.label in met for operation in operations):
        pytest.skip("not all was asked")
    for operation in operations:
        unmet = UNMET | ({"200", "400", "409", "502"} if operation.label in NAMED else set())
        assert set(operation.responses.status_codes) - unmet <= met[operation.label], operation


def test_the_worker_shows_the_document_that_was_tried(stack: Stack) -> None:
    response = stack.request("GET", "/openapi.json", headers={})

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == openapi.document(ENDPOINTS)
