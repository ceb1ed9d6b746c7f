"""People are told what is wrong, on the real runtime, by way of a server that fails at first."""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dev.loopback import serving
from dev.patience import SECONDS_MAX
from dev.site import DOCS
from dev.stack import Stack
from tests.fakes.deployed import deployed


pytestmark = pytest.mark.workerd

SECRET = "hook-Xw5RtY8uJk2LmN4pQz"
DAY_MS = 24 * 60 * 60 * 1_000
TICK = ("30 3 * * *", 1_795_489_200_000)  # of nobody's schedule


class Receiver:
    """Takes alerts, once it has failed so many times."""

    def __init__(self) -> None:
        self.failure_count = 0
        self.refused: deque[Any] = deque()
        self.taken: deque[Any] = deque()
        self.changed = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = msgspec.json.decode(await request.body())
        is_refused = self.failure_count > 0
        self.failure_count -= is_refused
        (self.refused if is_refused else self.taken).append(body)
        await Response(status_code=503 if is_refused else 204)(scope, receive, send)
        self.changed.set()

    def told(self, is_meant: Callable[[Any], bool]) -> Any:
        """The first alert that is this one, waited for."""
        deadline = time.monotonic() + SECONDS_MAX
        while not (found := [body for body in self.taken if is_meant(body)]):
            self.changed.wait(max(0, deadline - time.monotonic()))
            self.changed.clear()
            assert time.monotonic() < deadline, f"it was not told, but {[*self.taken]}"
        return found[0]


@pytest.fixture(scope="module")
def receiver() -> Receiver:
    return Receiver()


@contextmanager
def watched(receiver: Receiver, folder: Path) -> Iterator[Stack]:
    with serving(receiver) as url:
        variables = {"ALERT_WEBHOOK_URL": f"{url}/{SECRET}", "WORKER_URL": "https://sync.example"}
        site = replace(DOCS, variables=variables)
        with deployed(folder, {}, 200, site) as started:
            yield started


@pytest.fixture(scope="module")
def stack(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with watched(receiver, tmp_path_factory.mktemp("alerts")) as started:
        yield started


def failed(stack: Stack) -> dict[str, Any]:
    """A job that has failed, and one after it that has not."""
    stack.control_source("faults", path=None, status=404)
    job = stack.ended(stack.trigger("INCREMENTAL")["id"])
    assert job["state"] == "failed"
    stack.clear_faults()
    assert stack.ended(stack.trigger("INCREMENTAL")["id"])["state"] == "succeeded"
    return job


def test_a_failure_and_its_end_are_told_though_the_receiver_fails_at_first(
    stack: Stack, receiver: Receiver
) -> None:
    receiver.failure_count = 1
    job = failed(stack)

    failure = receiver.told(lambda body: body["kind"] == "failed" and body["job"] == job["id"])
    end = receiver.told(lambda body: body["kind"] == "recovered" and body["job"] > job["id"])

    assert failure == receiver.refused[-1]
    assert job["last_error"] in failure["text"]
    assert failure["url"] == f"https://sync.example/status/{job['id']}"
    assert end["url"] == f"https://sync.example/status/{end['job']}"


def altered(folder: Path, kind: str, statement: str, *bindings: str | int) -> None:
    """Change the one database of an object's class that has such a row, while nobody has it."""
    counts = []
    for file in folder.rglob(f"glean-durable-sync-{kind}/*.sqlite"):
        if file.name != "metadata.sqlite":
            with closing(sqlite3.connect(file)) as connection, connection:
                counts.append(connection.execute(statement, bindings).rowcount)
    assert sum(counts) == 1, f"{counts} rows of {kind}"


def test_a_connector_whose_object_is_silent_is_told_of_by_cron(tmp_path: Path) -> None:
    receiver = Receiver()
    with watched(receiver, tmp_path) as stack:
        check_silence(stack, receiver, tmp_path)


def check_silence(stack: Stack, receiver: Receiver, folder: Path) -> None:
    assert stack.ended(stack.trigger("FULL")["id"])["state"] == "succeeded"
    stack.tick(*TICK)
    stack.runtime.kill()
    altered(folder, "Runner", "UPDATE summary SET body = 'torn' WHERE name = 'tally'")
    altered(
        folder,
        "Watch",
        "UPDATE summary SET body = json_set(body, ?1, json_extract(body, ?1) - ?2)"
        "  WHERE name = 'watched'",
        '$.connectors."python-docs".succeeded_at_ms',
        DAY_MS,
    )
    stack.runtime.start()

    with pytest.raises(RuntimeError):
        stack.tick(*TICK)  # it says that an object could not be reached

    stale = receiver.told(lambda body: body["kind"] == "stale")
    assert stale["connector"] == "python-docs"
    assert stale["text"].endswith("no success for 1 day; its object does not answer")
    shown = stack.request("GET", "/connectors").json()["connectors"]
    assert [one["health"] for one in shown] == ["unreachable"]


def test_a_cron_that_never_ticks_is_told_of_by_any_request(tmp_path: Path) -> None:
    receiver = Receiver()
    with watched(receiver, tmp_path) as stack:
        stack.request("GET", "/connectors").raise_for_status()
        stack.runtime.kill()
        altered(
            tmp_path,
            "Watch",
            "UPDATE summary SET body = json_set(body, ?1, json_extract(body, ?1) - ?2)"
            "  WHERE name = 'watched' AND json_extract(body, ?1) IS NOT NULL",
            "$.noticed_at_ms",
            DAY_MS,
        )
        stack.runtime.start()

        stack.request("GET", "/connectors").raise_for_status()

        overdue = receiver.told(lambda body: body["kind"] == "overdue")
        assert "has not ticked since" in overdue["text"]


def test_the_address_of_the_receiver_is_in_no_log_and_no_answer(
    stack: Stack, receiver: Receiver
) -> None:
    job = failed(stack)
    receiver.told(lambda body: body["job"] == job["id"])
    log = stack.runtime.log.read_text(encoding="utf-8")

    assert SECRET not in log
    assert SECRET not in stack.answers.read_text(encoding="utf-8")
