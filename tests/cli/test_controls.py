"""Jobs that are begun, ended, resumed and let go on."""

import json
from pathlib import Path

import httpx
import pytest

from tests.fakes.operated import DIGEST, JOB_ID, FakeWorker, a_missing, a_problem, a_status
from tests.fakes.shell import Shell


HELD = a_status(
    state="held",
    missing=120,
    missing_list=DIGEST,
    waits_because="120 of 1,200 documents are missing (10 %)",
    commands=["approve", "cancel"],
)


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def shell(tmp_path: Path, worker: FakeWorker) -> Shell:
    return Shell(tmp_path, worker)


@pytest.mark.parametrize("mode", ["FULL", "full", "INCREMENTAL"])
def test_a_trigger_names_the_connector_and_the_mode(
    shell: Shell, worker: FakeWorker, mode: str
) -> None:
    worker.stands(a_status(state="queued"))

    shown = shell.run("trigger", "tickets", "--mode", mode)

    assert (shown.exit_code, shown.stdout) == (0, f"{JOB_ID} queued\n")
    assert worker.bodies == [{"mode": mode.upper(), "connector": "tickets"}]


def test_a_trigger_may_ask_for_all_documents_anew(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status(state="queued"))

    shown = shell.run("trigger", "tickets", "--mode", "FULL", "--replace")

    assert shown.exit_code == 0
    assert worker.bodies == [{"mode": "FULL", "connector": "tickets", "replace": True}]


def test_a_trigger_that_the_network_loses_is_sent_again_with_the_same_key(
    shell: Shell, worker: FakeWorker
) -> None:
    worker.stands(a_status(state="queued"))
    worker.fails(httpx.ReadError("reset"), httpx.ConnectError("refused"))

    shown = shell.run("trigger", "tickets", "--mode", "FULL")

    assert shown.exit_code == 0
    keys = [request.headers["idempotency-key"] for request in worker.requests]
    assert keys == ["a key of its own"] * 3


@pytest.mark.parametrize(
    "words",
    [
        ("cancel", JOB_ID),
        ("retry", JOB_ID),
        ("retry", JOB_ID, "--rejects"),
        ("approve", JOB_ID, "--list", DIGEST),
        ("check", "tickets"),
        ("setup", "tickets", "--differences", "3"),
    ],
)
def test_what_else_changes_something_is_never_sent_again(
    shell: Shell, worker: FakeWorker, words: tuple[str, ...]
) -> None:
    worker.stands(HELD)
    worker.fails(httpx.ReadTimeout("too long"))

    shown = shell.run(*words)

    assert shown.exit_code == 4
    assert "It may have been done nevertheless." in shown.stderr
    assert len(worker.requests) == 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [("tikets", " Did you mean tickets?"), ("mail", "")],
)
def test_a_trigger_of_no_connector_names_those_that_there_are(
    shell: Shell, name: str, hint: str
) -> None:
    shown = shell.run("trigger", name, "--mode", "FULL")

    assert shown.exit_code == 3
    expected = f"There is no connector '{name}'.{hint} There are: tickets, wiki."
    assert shown.stderr == f"{expected}\n"


def test_a_job_that_was_triggered_can_be_watched(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status(state="queued"), a_status(state="failed"))

    shown = shell.run("trigger", "tickets", "--mode", "FULL", "--watch", "--json")

    first, second, third = [json.loads(line) for line in shown.stdout.splitlines()]
    assert first["status_url"] == f"/status/{JOB_ID}"
    assert [second["state"], third["state"]] == ["queued", "failed"]
    assert shown.exit_code == 1


def test_a_retry_says_whether_it_starts_over(shell: Shell, worker: FakeWorker) -> None:
    text = "retried on request: starts over, as its cursor is of no use any more"
    begun = [{"at": "2026-01-01T00:00:00.000Z", "what": each} for each in ("begun", text)]
    worker.stands(a_status(state="queued", events=begun))

    shown = shell.run("retry", JOB_ID)

    assert (shown.exit_code, shown.stdout) == (0, f"{JOB_ID} queued\n")
    assert text in shown.stderr
    assert "begun" not in shown.stderr


def test_a_retry_may_be_of_the_rejects_and_be_watched(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status(state="succeeded"))

    assert shell.run("retry", JOB_ID).exit_code == 0
    assert shell.run("retry", JOB_ID, "--rejects", "--watch").exit_code == 0

    assert worker.lines == [
        f"POST /retry/{JOB_ID}",
        f"POST /retry/{JOB_ID}?rejects=true",
        f"GET /status/{JOB_ID}",
    ]


def test_a_refused_command_names_those_that_the_job_takes(shell: Shell, worker: FakeWorker) -> None:
    worker.fails(a_problem(409, "Conflict", "The job is held.", legal=["approve", "cancel"]))

    shown = shell.run("retry", JOB_ID)

    assert shown.exit_code == 3
    expected = "Conflict (409): The job is held. The job takes: approve, cancel."
    assert shown.stderr == f"{expected}\n"


def test_an_approval_of_what_has_no_names_says_so_and_asks(
    tmp_path: Path, worker: FakeWorker
) -> None:
    worker.stands({**HELD, "unnamed": True, "missing": 5_000})
    worker.missing[JOB_ID] = [{"id": "note", "type": "note", "title": "5000 documents"}]

    shown = Shell(tmp_path, worker, is_asking=True).run("approve", JOB_ID, stdin="y\n")

    assert "note · note · 5000 documents\n" in shown.stderr
    assert " more: " not in shown.stderr
    question = "Of 5,000 documents of tickets in Glean, delete all that the source does not have?"
    assert question in shown.stderr
    assert worker.bodies == [{"list": DIGEST}]


def test_what_is_asked_of_held_groups_is_to_take_members_out(
    tmp_path: Path, worker: FakeWorker
) -> None:
    title = "0 of 54 members are left"
    worker.stands(a_status(state="held", stage="memberships", missing=2, missing_list=DIGEST))
    worker.missing[JOB_ID] = [
        {"id": name, "type": "group", "title": title, "url": None} for name in ("hr", "staff")
    ]

    shown = Shell(tmp_path, worker, is_asking=True).run("approve", JOB_ID, stdin="y\n")

    assert "These groups would lose members:\n  hr · group · 0 of 54" in shown.stderr
    assert "Take members out of 2 groups of tickets in Glean" in shown.stderr
    assert "elete" not in shown.stderr


@pytest.mark.parametrize("command", ["cancel", "retry", "approve"])
def test_a_job_that_is_to_be_changed_is_named_itself(
    shell: Shell, worker: FakeWorker, command: str
) -> None:
    """The latest job of a connector may be another one than a person thinks of."""
    shown = shell.run(command, "tickets")

    assert shown.exit_code == 2
    assert "is no job's id" in shown.stderr
    assert worker.requests == []


@pytest.mark.parametrize(("typed", "is_approved"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_an_approval_says_what_would_be_deleted_and_asks(
    tmp_path: Path, worker: FakeWorker, typed: str, *, is_approved: bool
) -> None:
    worker.stands(HELD)
    worker.missing[JOB_ID] = [a_missing(number) for number in range(120)]

    shown = Shell(tmp_path, worker, is_asking=True).run("approve", JOB_ID, stdin=typed)

    assert "120 of 1,200 documents are missing (10 %)" in shown.stderr
    assert "  N0 · note · Note 0 · https://notes.example/0\n" in shown.stderr
    assert "N19" in shown.stderr
    assert "N20" not in shown.stderr
    assert f"  and 100 more: `glean-sync missing {JOB_ID}`\n" in shown.stderr
    assert "Delete 120 documents of tickets in Glean? [y/N]" in shown.stderr
    assert worker.bodies == ([{"list": DIGEST}] if is_approved else [])
    assert shown.exit_code == (0 if is_approved else 2)


def test_a_question_that_is_broken_off_approves_nothing(tmp_path: Path, worker: FakeWorker) -> None:
    worker.stands(HELD)

    shown = Shell(tmp_path, worker, is_asking=True).run("approve", JOB_ID, stdin="")

    assert shown.exit_code == 130
    assert worker.bodies == []


def test_an_approval_that_nobody_can_be_asked_for_names_the_list(
    shell: Shell, worker: FakeWorker
) -> None:
    worker.stands(HELD)

    shown = shell.run("approve", JOB_ID, stdin="y\n")

    assert shown.exit_code == 2
    assert f"Give --list {DIGEST}, or --yes." in shown.stderr
    assert worker.bodies == []


def test_a_list_that_was_given_is_the_one_that_is_approved(
    shell: Shell, worker: FakeWorker
) -> None:
    worker.stands(HELD)

    shell.run("approve", JOB_ID, "--list", "another")

    assert worker.lines == [f"POST /approve/{JOB_ID}"]
    assert worker.bodies == [{"list": "another"}]


def test_yes_approves_what_was_found(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(HELD)

    shown = shell.run("approve", JOB_ID, "--yes", "--json")

    assert worker.bodies == [{"list": DIGEST}]
    assert json.loads(shown.stdout)["id"] == JOB_ID


def test_a_job_that_is_not_held_has_nothing_to_approve(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status(missing=50))

    shown = shell.run("approve", JOB_ID, "--yes")

    assert shown.exit_code == 3
    assert "nothing to approve" in shown.stderr
    assert worker.bodies == []
