"""Whatever there is, whoever wrote it: an answer, or a problem that says what is wrong."""

import asyncio
from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.connector.definition import Connectors
from durable.engine.processor import Begun
from durable.glean.datasource import Datasource
from durable.machine.alert_delivery import Delivery
from durable.machine.alerts import Alert
from durable.machine.job import Crawl, FinishedStage, Job, Mode, Stage
from durable.machine.rejects import Reject
from durable.machine.states import State
from durable.machine.verification import Verdict, Verification
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.connector import NOTES
from tests.fakes.edge import an_edge
from tests.fakes.environment import an_environment
from tests.fakes.objects import Objects
from tests.fakes.requests import a_request, content
from worker.endpoint import Endpoint
from worker.endpoints import ENDPOINTS
from worker.responses import WorkerResponse
from worker.routes import Routes


ONE: Connectors = {"notes": NOTES}
TWO: Connectors = {**ONE, "other": replace(NOTES, name="other", datasource=Datasource("other"))}
DEPLOYMENTS: dict[str, Connectors] = {"none": {}, "one": ONE, "two": TWO}
JOB = Job(
    id="notes-20261124T020000000Z-0a1b2c",
    connector="notes",
    mode=Mode.FULL,
    created_at_ms=NOW_MS,
    state=State.FAILED,
    started_at_ms=NOW_MS,
    finished_at_ms=NOW_MS,
    stages=(Stage.USERS, Stage.DOCUMENTS),
    stage_index=1,
    done=(FinishedStage(Stage.USERS, 1, 1, 0, 0, 9),),
    asked_mode=Mode.INCREMENTAL,
    repeated_mode=Mode.FULL,
    crawl=Crawl(reject_count=1),
)
GONE = "gone-20261124T020000000Z-0a1b2c"  # of a connector that was taken away
NAMES = {
    "job": (JOB.id, GONE, "notes-20990101T000000000Z-ff", "notes", "x", "%2e%2e", "notes-1", ""),
    "connector": ("notes", "other", "gone", "", "%20", "..", JOB.id),
}
QUERIES: dict[str, tuple[str, ...]] = {
    "connector": ("notes", "gone", ""),
    "state": ("failed", "failed,held", "unknown", ""),
    "limit": ("1", "100", "0", "101", "9" * 30),
    "before": (JOB.id, GONE, "x", ""),
    "wait": ("0", "x", "-1", "61"),
    "after": ("0", "0.0", "3.17", "9" * 15, f"{'9' * 15}.{'9' * 15}", "x", "-1", "9" * 30),
    "rejects": ("true", "x"),
}
READS = [endpoint for endpoint in ENDPOINTS if "GET" in endpoint.methods]


def paths(endpoint: Endpoint) -> Iterator[str]:
    start, brace, _ = endpoint.path.partition("{")
    name = endpoint.path[len(start) + 1 : -1]
    yield from (start + value for value in NAMES[name]) if brace else (start,)


def queries(endpoint: Endpoint) -> Iterator[dict[str, str]]:
    yield {}
    names = [each.name for each in endpoint.parameters if each.place == "query"]
    for name in names:
        yield from ({name: value} for value in QUERIES[name])
    for values in product(*(QUERIES[name][:2] for name in names)):
        yield dict(zip(names, values, strict=True))


def answers(
    objects: Objects, connectors: Connectors, endpoint: Endpoint
) -> Iterator[WorkerResponse]:
    routes = Routes(an_environment(TRIGGER_TOKEN="t0ken"), connectors, objects, an_edge())
    for path in paths(endpoint):
        for query in queries(endpoint):
            for name in connectors:  # whatever is asked of Glean
                objects.bench(name).network.add(httpx.Response(404))
            response = asyncio.run(routes.answer(a_request("GET", path, query=query)))
            check(response)
            yield response


def check(response: WorkerResponse) -> None:
    assert response.status < 500 or response.status == 502, response.body  # 502: Glean's answer
    if response.status >= 400:
        problem = content(response)
        assert response.headers["content-type"] == "application/problem+json"
        assert (problem["status"], bool(problem["detail"])) == (response.status, True)


@pytest.mark.parametrize("endpoint", READS, ids=lambda endpoint: endpoint.operation)
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("has_job", [False, True])
def test_whatever_there_is_reading_it_is_answered(
    deployment: str, endpoint: Endpoint, *, has_job: bool
) -> None:
    connectors = DEPLOYMENTS[deployment]
    objects = Objects(connectors)
    if has_job and "notes" in connectors:
        objects.bench("notes").put(JOB)

    assert [*answers(objects, connectors, endpoint)]


def test_without_connectors_there_are_no_jobs() -> None:
    (jobs,) = (endpoint for endpoint in READS if endpoint.path == "/jobs")

    first, *_ = answers(Objects({}), {}, jobs)

    assert (first.status, content(first)) == (200, {"jobs": [], "next": None})


@pytest.mark.parametrize("state", State)
def test_a_job_in_any_state_is_shown(state: State) -> None:
    for endpoint in READS:
        objects = Objects(ONE)
        objects.bench("notes").put(replace(JOB, state=state))

        assert [*answers(objects, ONE, endpoint)]


# As newer code wrote it, before a rollback


REJECT = Reject(1, "k", "because", cursor="b", digest="d")
DELIVERY = Delivery(
    alert=Alert(
        id="a", kind=State.FAILED.value, connector="notes", at_ms=1, text="t", job_id=JOB.id
    ),
    target="ALERT_WEBHOOK_URL",
    due_at_ms=1,
)
VERIFICATION = Verification(
    job_id=JOB.id,
    datasource="notes",
    upload_id="u",
    closed_at_ms=1,
    until_ms=NOW_MS,
    verdict=Verdict.PENDING,
    ask_at_ms=NOW_MS,
)
NEW = "of newer code"
NEWER: dict[str, dict[str, dict[str, Any]]] = {
    "a state": {"job": {"state": NEW}},
    "a mode": {"job": {"mode": NEW}},
    "a mode that was asked for": {"job": {"asked_mode": NEW}},
    "a mode that was repeated": {"job": {"repeated_mode": NEW}},
    "a stage": {"job": {"stages": [NEW]}},
    "a stage that is done": {"job": {"done": [{"stage": NEW}]}},
    "a kind of note": {"job": {"notes": [{"at_ms": 1, "text": "t", "kind": NEW, "cause": NEW}]}},
    "a field": {"job": {"of_newer_code": 1}, "reject": {"x": 1}, "event": {"x": 1}},
    "a reject's stage": {"reject": {"stage": NEW}},
    "an event's kind": {"event": {"kind": NEW, "cause": NEW}},
    "a verdict": {"verification": {"verdict": NEW}},
    "a kind of alert": {"delivery": {"alert": {"kind": NEW}, "target": NEW}},
    "a delivery": {"delivery": {"alert": 7}},
    "an end that is counted": {"tally": {"ended_counts": {f"{NEW} {NEW}": 1, NEW: 1}}},
}


def written(changes: dict[str, dict[str, Any]]) -> Bench:
    """Two jobs, of which the newer one is as newer code wrote it."""
    objects = Objects(ONE)
    bench = objects.bench("notes")
    older = replace(JOB, id="notes-20261123T020000000Z-0a1b2c")
    bench.put(older)
    sql = bench.storage.exec

    def body(struct: Any, name: str) -> str:
        content = msgspec.to_builtins(struct) if not isinstance(struct, dict) else struct
        return msgspec.json.encode({**content, **changes.get(name, {})}).decode()

    state = changes.get("job", {}).get("state", JOB.state.value)
    sql("INSERT INTO job VALUES (?, ?, ?)", JOB.id, state, body(JOB, "job"))
    event = {"at_ms": 1, "kind": "note", "text": "t"}
    for job_id in (older.id, JOB.id):
        sql("INSERT INTO reject VALUES (?, 1, 1, ?)", job_id, body(REJECT, "reject"))
        sql("INSERT INTO event VALUES (?, 7, ?)", job_id, body(event, "event"))
    verification = body(VERIFICATION, "verification")
    sql("INSERT INTO verification VALUES (?, 1, ?)", JOB.id, verification)
    sql("INSERT INTO delivery VALUES ('a', 1, ?)", body(DELIVERY, "delivery"))
    sql("INSERT OR REPLACE INTO summary VALUES ('tally', ?)", body({}, "tally"))
    bench.restarted()
    return bench


def objects_of(bench: Bench) -> Objects:
    objects = Objects(ONE)
    objects._benches["notes"] = bench  # noqa: SLF001 - a fake's own
    return objects


@pytest.mark.parametrize("endpoint", READS, ids=lambda endpoint: endpoint.operation)
@pytest.mark.parametrize("newer", NEWER)
def test_what_newer_code_stored_breaks_no_reading(newer: str, endpoint: Endpoint) -> None:
    assert [*answers(objects_of(written(NEWER[newer])), ONE, endpoint)]


@pytest.mark.parametrize("newer", NEWER)
def test_what_newer_code_stored_breaks_no_work(newer: str) -> None:
    bench = written(NEWER[newer])
    older = "notes-20261123T020000000Z-0a1b2c"

    repeated = asyncio.run(bench.processor.repeat(older))
    if newer != "a reject's stage":
        assert isinstance(repeated, Begun)
    assert bench.begun(Mode.FULL).state is State.QUEUED
    assert bench.views.pulse() is not None
    bench.tended()


def test_a_reject_of_a_stage_of_newer_code_is_shown_and_not_repeated() -> None:
    bench = written(NEWER["a reject's stage"])

    ((page, reject),) = bench.rejects(JOB)

    assert (page, reject.key, reject.stage) == (1, "k", NEW)
    assert bench.store.spots(JOB.id) == {}


def test_a_job_of_newer_code_ends_no_list_before_its_end() -> None:
    bench = written(NEWER["a mode"])

    (line,) = bench.views.lines("~", State, 1)

    assert line.id == "notes-20261123T020000000Z-0a1b2c"


def test_a_delivery_of_newer_code_wakes_nobody() -> None:
    bench = written(NEWER["a delivery"])

    assert bench.store.outbox.due_at_ms() is None
    assert bench.store.outbox.due(NOW_MS, 9) == []
