"""Jobs that are followed to their end."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fakes.operated import JOB_ID, OTHER_ID, FakeWorker, a_problem, a_status
from tests.fakes.shell import Shell


DEPLOYED = "Durable Object reset because its code was updated."


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def shell(tmp_path: Path, worker: FakeWorker) -> Shell:
    return Shell(tmp_path, worker)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["succeeded"], 0),
        (["failed"], 1),
        (["cancelled"], 1),
        (["held"], 6),
        (["succeeded", "succeeded"], 0),
        (["held", "succeeded"], 6),
        (["held", "failed"], 1),
    ],
)
def test_the_exit_code_is_of_the_job_that_ended_worst(
    shell: Shell, worker: FakeWorker, states: list[str], code: int
) -> None:
    ids = [JOB_ID, OTHER_ID][: len(states)]
    for job_id, state in zip(ids, states, strict=True):
        worker.stands(a_status(job_id, "queued"), a_status(job_id, state))

    assert shell.run("watch", *ids).exit_code == code


def test_without_a_terminal_each_change_of_state_is_a_line(
    shell: Shell, worker: FakeWorker
) -> None:
    worker.stands(
        a_status(state="queued", documents=0),
        a_status(state="sending", documents=0),
        a_status(state="sending", documents=600),
        a_status(state="failed", documents=800, last_error="the source answered 403"),
    )

    shown = shell.run("watch", JOB_ID)

    assert shown.stdout.splitlines() == [
        f"{JOB_ID} queued 0 documents",
        f"{JOB_ID} sending 0 documents",
        f"{JOB_ID} failed 800 documents: the source answered 403",
    ]
    assert shown.stderr == ""


def test_json_has_a_line_for_each_answer_that_is_news(shell: Shell, worker: FakeWorker) -> None:
    statuses = [a_status(), a_status(), a_status(pages=4), a_status(state="succeeded")]
    worker.stands(*statuses)

    shown = shell.run("watch", JOB_ID, "--json")

    assert [json.loads(line) for line in shown.stdout.splitlines()] == [
        statuses[0],
        *statuses[2:],
    ]


def test_the_worker_is_asked_to_answer_when_the_state_changes(
    shell: Shell, worker: FakeWorker
) -> None:
    worker.stands(a_status(), a_status(state="closing"), a_status(state="succeeded"))

    shell.run("watch", JOB_ID)

    at = f"GET /status/{JOB_ID}"
    assert worker.lines == [at, f"{at}?wait=2", f"{at}?wait=2"]
    assert shell.waited == []


def test_a_worker_that_does_not_wait_is_not_asked_without_a_pause(
    shell: Shell, worker: FakeWorker
) -> None:
    worker.stands(a_status(), a_status(pages=3), a_status(pages=4), a_status(state="succeeded"))

    shell.run("watch", JOB_ID)

    assert shell.waited == [2, 2]


def test_a_worker_that_is_away_for_a_while_is_waited_for(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status(), a_status(state="succeeded"))
    worker.fails(
        None,
        httpx.ConnectError("Connection refused"),
        httpx.RemoteProtocolError("Server disconnected"),
        httpx.Response(502, text="error code: 1101"),
        a_problem(500, "Internal Server Error", DEPLOYED),
    )

    shown = shell.run("watch", JOB_ID)

    assert shown.exit_code == 0
    assert shell.waited == [1, 2, 4, 8]
    assert "Connection refused" in shown.stderr
    assert "Trying again in 8 s." in shown.stderr


def test_a_worker_that_stays_away_is_given_up(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status())
    worker.fails(None, *[httpx.ConnectError("Connection refused")] * 6)

    shown = shell.run("watch", JOB_ID)

    assert shown.exit_code == 4
    assert shell.waited == [1, 2, 4, 8, 15]
    assert len(worker.requests) == 7


def test_a_refusal_is_not_tried_again(shell: Shell, worker: FakeWorker) -> None:
    assert shell.run("watch", JOB_ID).exit_code == 3
    assert len(worker.requests) == 1


def test_a_job_that_is_named_twice_is_watched_once(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status(state="succeeded"))

    shown = shell.run("watch", JOB_ID, JOB_ID)

    assert len(shown.stdout.splitlines()) == 1


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Also where whoever began the tests has had SIGINT ignored, as for a job in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("ids", "words"),
    [([JOB_ID], "The job goes on"), ([JOB_ID, OTHER_ID], "The jobs go on")],
)
@pytest.mark.usefixtures("interruptible")
def test_who_interrupts_is_told_that_the_job_goes_on(
    shell: Shell, worker: FakeWorker, ids: list[str], words: str
) -> None:
    for job_id in ids:
        worker.stands(a_status(job_id))
    worker.meanwhile(len(ids) + 1, lambda: signal.raise_signal(signal.SIGINT))

    shown = shell.run("watch", *ids)

    assert shown.exit_code == 130
    assert f"{words}: `glean-sync watch {' '.join(ids)}` follows again." in shown.stderr
    assert not any(line.startswith("POST") for line in worker.lines)
