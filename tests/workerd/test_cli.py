"""The CLI before the running Worker: what is drawn on a real terminal, and all of its commands."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from dev.comparison import differences
from dev.stack import TRIGGER_TOKEN, Stack
from dev.staging import ROOT
from glean_sync.app import app
from glean_sync.machine import this_machine
from tests.fakes.deployed import deployed
from tests.fakes.terminal import Terminal


pytestmark = [pytest.mark.workerd, pytest.mark.usefixtures("quiet")]

RECORDS = 400
REMOVED = 60  # 15 %: more than shrink_max lets go, and less than Glean asks about itself
CONNECTOR = "python-docs"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    backoff = {"backoff_ms_min": 100, "backoff_ms_max": 200}
    limits = {"turn_pages_max": 2, "shrink_max": 0.1, **backoff}
    with deployed(tmp_path_factory.mktemp("cli"), limits, RECORDS) as started:
        yield started


def signed_in(stack: Stack) -> dict[str, str]:
    return {"GLEAN_SYNC_URL": stack.worker_url, "GLEAN_SYNC_TOKEN": TRIGGER_TOKEN}


def synced(stack: Stack) -> None:
    """A FULL sync that succeeded, and has all that the source has."""
    job = stack.ended(stack.trigger("FULL")["id"])
    if job["state"] == "held":
        stack.command("approve", job["id"], list=job["missing_list"])
        job = stack.ended(job["id"])
    assert job["state"] == "succeeded", job


def with_rejects(stack: Stack) -> str:
    """A FULL sync that has set records aside."""
    synced(stack)
    bad = [record.id for record in stack.source_records()[:3]]
    stack.control_source("break", ids=bad, fields={"text": None})
    job = stack.ended(stack.trigger("FULL")["id"])
    assert (job["state"], job["rejected"]) == ("succeeded", 3), job
    stack.clear_faults()
    return str(job["id"])


def terminal(stack: Stack, *words: str) -> Terminal:
    """A real one, with a process of its own."""
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "cli"), "LANG": "C.UTF-8"}
    return Terminal("glean_sync", *words, environment={**variables, **signed_in(stack)})


def run(stack: Stack, *words: str) -> Result:
    """As a script would."""
    machine = replace(this_machine(), environment=signed_in(stack), is_asking=False)
    return CliRunner().invoke(app, words, obj=machine, catch_exceptions=False)


def as_json(stack: Stack, *words: str) -> Any:
    shown = run(stack, *words, "--json")
    assert shown.exit_code == 0, shown.output
    assert shown.stderr == ""
    return json.loads(shown.stdout)


def test_a_job_is_triggered_and_watched_to_its_end(stack: Stack) -> None:
    synced(stack)
    with terminal(stack, "trigger", CONNECTOR, "--mode", "FULL", "--watch") as window:
        code = window.ends()

    job = stack.request("GET", "/jobs?limit=1").json()["jobs"][0]
    assert code == 0, window.text
    assert "━━━━━━━━━━━━━━━━" in window.text
    assert f"{job['id']} succeeded {RECORDS} unchanged" in window.text
    assert "\x1b[32msucceeded" in window.raw
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_two_jobs_are_watched_at_once(stack: Stack) -> None:
    synced(stack)
    stack.stall()
    full, incremental = stack.trigger("FULL"), stack.trigger("INCREMENTAL")

    with terminal(stack, "watch", full["id"], incremental["id"]) as window:
        window.shows("sending", "queued", "failed: the source answered 503")
        stack.clear_faults()
        code = window.ends()

    assert code == 0, window.text
    for job in (full, incremental):
        assert f"{job['id']} succeeded" in window.text


def test_who_interrupts_ends_the_watching_and_not_the_job(stack: Stack) -> None:
    synced(stack)
    stack.stall()

    with terminal(stack, "trigger", CONNECTOR, "--mode", "FULL", "--watch") as window:
        window.shows("failed: the source answered 503")
        code = window.interrupts()

    assert code == 130, window.text
    assert "The job goes on: `glean-sync watch python-docs-" in window.text
    stack.clear_faults()
    (job,) = stack.request("GET", "/jobs?limit=1").json()["jobs"]
    assert stack.ended(job["id"])["state"] == "succeeded"


def test_a_person_is_asked_before_documents_are_deleted(stack: Stack) -> None:
    synced(stack)
    stack.control_source("change", remove=REMOVED)
    held = run(stack, "trigger", CONNECTOR, "--mode", "FULL", "--watch")
    stack.control_source("change", add=REMOVED)
    job_id = held.stdout.split()[0]
    # The space at its end is what input() writes.
    question = f"Delete {REMOVED} documents of {CONNECTOR} in Glean? [y/N]: "
    assert held.exit_code == 6, held.output
    assert f"{job_id} held" in held.stdout

    with terminal(stack, "approve", job_id) as window:
        window.shows(question)
        assert window.interrupts() == 130
    with terminal(stack, "approve", job_id) as window:
        window.shows(question)
        window.types("n\n")
        assert window.ends() == 2
    assert stack.status(job_id)["state"] == "held"
    assert run(stack, "approve", job_id).exit_code == 2
    assert run(stack, "approve", job_id, "--list", "of another job").exit_code == 3
    missing = as_json(stack, "missing", job_id)
    assert (missing["total"], len(missing["missing"])) == (REMOVED, REMOVED)
    assert missing["list"] == stack.status(job_id)["missing_list"]
    with terminal(stack, "approve", job_id) as window:
        window.shows(question)
        window.types("y\n")
        assert window.ends() == 0

    assert run(stack, "watch", job_id).exit_code == 0
    assert run(stack, "retry", job_id).exit_code == 3


def test_each_command_reads_what_the_worker_answers(stack: Stack) -> None:
    at = with_rejects(stack)

    def answered(path: str) -> Any:
        return stack.request("GET", path).json()

    assert as_json(stack, "status", CONNECTOR) == answered(f"/status/{at}")
    assert as_json(stack, "rejects", CONNECTOR) == answered(f"/rejects/{at}")
    assert as_json(stack, "events", CONNECTOR) == answered(f"/events/{at}")
    assert as_json(stack, "jobs", "--limit", "2") == answered("/jobs?limit=2")
    assert as_json(stack, "datasource", CONNECTOR) == answered(f"/datasource/{CONNECTOR}")
    assert as_json(stack, "check", CONNECTOR)["passed"] is True
    connectors = as_json(stack, "connectors")["connectors"]
    assert [connector["name"] for connector in connectors] == [CONNECTOR]
    lines = run(stack, "events", at, "--follow", "--json").stdout.splitlines()
    assert [json.loads(line) for line in lines] == answered(f"/events/{at}")["events"]
    listed = as_json(stack, "jobs", "--all", "--state", "succeeded")["jobs"]
    assert at in [line["id"] for line in listed]


def test_each_command_has_words_for_a_person(stack: Stack) -> None:
    job_id = with_rejects(stack)
    for words, expected in {
        ("status", CONNECTOR): f"job        {job_id}",
        ("jobs", "--state", "succeeded"): f"{job_id}\tFULL\tsucceeded",
        ("events", CONNECTOR): "Z queued       FULL job queued by request",
        ("rejects", CONNECTOR): "the record is not a Entry",
        ("connectors",): f"{CONNECTOR}\tdegraded\t",
        ("check", CONNECTOR): "source reachable\tpassed",
        ("datasource", CONNECTOR): "setting\tdeclared\tin Glean",
    }.items():
        shown = run(stack, *words)
        assert shown.exit_code == 0, shown.output
        assert expected in shown.stdout


def test_what_the_worker_refuses_is_told_with_what_to_do(stack: Stack) -> None:
    for words, code, expected in (
        (("check", "python-dogs"), 3, "Did you mean python-docs?"),
        (("jobs", "--connector", "python-dogs"), 3, "Did you mean python-docs?"),
        (("trigger", "python-dogs", "--mode", "FULL"), 3, "Did you mean python-docs?"),
        (("setup", CONNECTOR, "--yes"), 3, "not declared"),
        (("status", "python-docs-20261125T160000123Z-0a1b2c"), 3, "There is no job"),
    ):
        shown = run(stack, *words)
        assert (shown.exit_code, expected in shown.stderr) == (code, True), shown.output


def test_the_log_of_the_running_worker_is_read(stack: Stack) -> None:
    job_id = stack.ended(stack.trigger("FULL")["id"])["id"]
    log = stack.runtime.log.read_text(encoding="utf-8", errors="replace")
    words = ("tail", "-", "--connector", CONNECTOR, "--job", job_id)

    lines = CliRunner().invoke(app, words, log).stdout.splitlines()

    assert f"info {CONNECTOR} {job_id} queued mode=FULL state=queued" in lines[0]
    assert "turn ended mode=FULL state=succeeded" in lines[-1]


def test_a_login_is_kept_for_the_next_command(stack: Stack) -> None:
    words = ("login", "--url", stack.worker_url, "--token-file", "-")

    # Not among the files of the tests, in which the token is looked for.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.toml"
        machine = replace(this_machine(), environment={}, config_file=file)
        login = CliRunner().invoke(app, words, TRIGGER_TOKEN, obj=machine)
        shown = CliRunner().invoke(app, ["connectors"], obj=machine)

    assert (login.exit_code, shown.exit_code) == (0, 0)
    assert login.stdout == f"Signed in to {stack.worker_url}, which has: {CONNECTOR}.\n"
    assert TRIGGER_TOKEN not in login.output + shown.output
