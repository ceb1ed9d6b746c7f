"""What is shown of connectors, and their datasources set up."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.operated import JOB_ID, FakeWorker, a_connector, a_line
from tests.fakes.shell import Shell


DIFFERENT = {
    "datasource": "tickets",
    "is_declared": True,
    "exists": True,
    "differences": [
        {"field": "url_regex", "declared": "^https://a", "actual": None},
        {"field": "is_test", "declared": False, "actual": True},
    ],
}


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def shell(tmp_path: Path, worker: FakeWorker) -> Shell:
    return Shell(tmp_path, worker)


def test_connectors_say_how_they_are_and_what_comes_next(tmp_path: Path) -> None:
    worker = FakeWorker(
        a_connector(current=a_line(JOB_ID, "sending"), health="working"),
        a_connector(
            "wiki",
            health="stale",
            why="no success for 3 days",
            next_at=None,
            next_mode=None,
            last_success_at=None,
            documents=None,
        ),
    )

    shown = Shell(tmp_path, worker).run("connectors")

    assert [row.split("\t") for row in shown.stdout.splitlines()] == [
        ["connector", "health", "last success", "next", "documents", "current job", "why"],
        [
            *("tickets", "working", "1 h 0 min ago", "FULL in 9 h 0 min"),
            *("1,200", f"{JOB_ID} sending", ""),
        ],
        ["wiki", "stale", "", "", "", "", "no success for 3 days"],
    ]


SLOWED = {"code": "slowed-documents", "parameters": {}, "text": "300 documents go in a minute."}


@pytest.mark.parametrize(
    ("why", "told"),
    [
        (None, "300 documents go in a minute."),
        ("held", "held. 300 documents go in a minute."),
        ("held.", "held. 300 documents go in a minute."),
    ],
)
def test_what_is_worth_knowing_is_shown_beside_the_reason(
    tmp_path: Path, why: str | None, told: str
) -> None:
    worker = FakeWorker(a_connector(why=why, findings=[SLOWED]))

    shown = Shell(tmp_path, worker).run("connectors")

    assert shown.stdout.splitlines()[1].split("\t")[-1] == told


@pytest.mark.parametrize(("outcome", "code"), [("passed", 0), ("skipped", 0), ("failed", 1)])
def test_a_check_that_fails_is_seen_by_scripts(
    shell: Shell, worker: FakeWorker, outcome: str, code: int
) -> None:
    worker.checks = [
        {"name": "configured", "outcome": "passed", "detail": ""},
        {"name": "source reachable", "outcome": outcome, "detail": "as it is"},
    ]

    shown = shell.run("check", "tickets")

    assert shown.exit_code == code
    assert shown.stdout.splitlines()[2] == f"source reachable\t{outcome}\tas it is"


@pytest.mark.parametrize("command", ["check", "datasource", "setup"])
def test_the_nearest_connector_is_named(shell: Shell, command: str) -> None:
    shown = shell.run(command, "wikki")

    assert shown.exit_code == 3
    assert "There is no connector 'wikki'. Did you mean wiki?" in shown.stderr


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "tickets differs in 2 settings."),
        ({"differences": []}, "tickets is right."),
        ({"differences": [], "exists": False}, "tickets is not in Glean yet."),
        ({"differences": [], "is_declared": False}, "not declared: it is not compared."),
    ],
)
def test_a_datasource_is_compared_with_what_is_declared(
    shell: Shell, worker: FakeWorker, fields: dict[str, Any], words: str
) -> None:
    worker.provisioned = {**DIFFERENT, **fields}

    shown = shell.run("datasource", "tickets")
    as_json = shell.run("datasource", "tickets", "--json")

    assert words in shown.stderr
    assert shown.stdout.startswith("setting\tdeclared\tin Glean\n")
    assert ("is_test\tfalse\ttrue" in shown.stdout) == bool(worker.provisioned["differences"])
    assert json.loads(as_json.stdout) == worker.provisioned


@pytest.mark.parametrize(("typed", "is_agreed"), [("y\n", True), ("n\n", False)])
def test_a_set_up_shows_the_differences_and_asks(
    tmp_path: Path, worker: FakeWorker, typed: str, *, is_agreed: bool
) -> None:
    worker.provisioned = DIFFERENT

    shown = Shell(tmp_path, worker, is_asking=True).run("setup", "tickets", stdin=typed)

    assert 'url_regex: "^https://a": null' in shown.stderr
    assert "Change 2 settings of tickets in Glean? [y/N]" in shown.stderr
    assert worker.bodies == ([{"differences": 2}] if is_agreed else [])


def test_a_set_up_that_nobody_can_be_asked_about_names_the_number(
    shell: Shell, worker: FakeWorker
) -> None:
    worker.provisioned = {**DIFFERENT, "exists": False}

    shown = shell.run("setup", "tickets")

    assert shown.exit_code == 2
    assert "Add the datasource tickets to Glean? Give --differences 2, or --yes." in shown.stderr
    assert worker.bodies == []


@pytest.mark.parametrize("words", [("--yes",), ("--differences", "2")])
def test_a_set_up_may_be_agreed_to_beforehand(
    shell: Shell, worker: FakeWorker, words: tuple[str, ...]
) -> None:
    worker.provisioned = DIFFERENT

    shown = shell.run("setup", "tickets", *words)

    assert worker.bodies == [{"differences": 2}]
    assert shown.stdout == "tickets is what is declared.\n"


def test_a_datasource_that_is_not_declared_is_not_set_up(shell: Shell, worker: FakeWorker) -> None:
    worker.provisioned = {**DIFFERENT, "is_declared": False, "differences": []}

    shown = shell.run("setup", "tickets", "--yes")

    assert shown.exit_code == 3
    assert "not declared" in shown.stderr
    assert worker.bodies == []
