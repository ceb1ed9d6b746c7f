"""What is shown of jobs."""

import json
from pathlib import Path

import httpx
import pytest

from tests.fakes.operated import (
    DIGEST,
    JOB_ID,
    OTHER_ID,
    FakeWorker,
    a_connector,
    a_line,
    a_missing,
    a_status,
    an_event,
)
from tests.fakes.shell import Shell


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def shell(tmp_path: Path, worker: FakeWorker) -> Shell:
    return Shell(tmp_path, worker)


def test_a_status_says_what_the_job_waits_for_and_what_it_takes(
    shell: Shell, worker: FakeWorker
) -> None:
    why = "attempt 3 failed: the source answered 503"
    worker.stands(a_status(waits_because=why, waits_until="2026-11-25T17:05:00.000Z", deleted=2))

    shown = shell.run("status", JOB_ID)

    assert shown.exit_code == 0
    assert f"waits      {why} (until 2026-11-25 17:05:00Z)" in shown.stdout
    assert "brought    200 documents, 2 deleted, in 2 pages" in shown.stdout
    assert f"takes      glean-sync cancel {JOB_ID}" in shown.stdout
    assert "finished" not in shown.stdout
    assert shown.stderr == ""


def test_an_estimate_says_what_it_is_held_against(shell: Shell, worker: FakeWorker) -> None:
    progress = {
        "documents": 200,
        "of": 1000,
        "share": 0.2,
        "of_what": "what Glean has",
        "eta_at": "2026-11-25T17:10:00.000Z",
    }
    worker.stands(a_status(progress=progress))

    shown = shell.run("status", JOB_ID).stdout

    assert "20%, 200 of about 1,000 (what Glean has), done at about 2026-11-25 17:10" in shown


def test_of_a_job_that_rests_nothing_is_told_twice_or_estimated(
    shell: Shell, worker: FakeWorker
) -> None:
    progress = {"documents": 2, "of": 4, "share": 0.5, "of_what": "what Glean has"}
    why = "2 of 4 documents would be deleted"
    held = a_status(state="held", waits_because=why, last_error=why, missing=2)
    worker.stands(
        {**held, "next_step": None, "if_killed_now": None, "progress": {**progress, "eta_at": None}}
    )

    shown = shell.run("status", JOB_ID).stdout

    assert shown.count(why) == 1
    told = f"2 documents in Glean would be deleted: `glean-sync missing {JOB_ID}` lists them"
    assert f"missing    {told}" in shown
    assert "progress" not in shown
    assert "if killed" not in shown


def test_what_is_worth_knowing_of_a_job_is_shown(shell: Shell, worker: FakeWorker) -> None:
    text = "300 documents go in a minute."
    worker.stands(a_status(findings=[{"code": "slowed-documents", "parameters": {}, "text": text}]))

    shown = shell.run("status", JOB_ID).stdout

    assert f"findings   {text}" in shown


CHANGES = {"added": 12, "changed": 3, "access": 1, "deleted": 2, "unchanged": 8_088}


def test_what_a_job_has_changed_is_told_in_words(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status(state="succeeded", way="reconcile", changes=CHANGES))

    shown = shell.run("status", JOB_ID).stdout

    told = "12 added, 3 changed, 1 permissions alone, 2 deleted, 8,088 unchanged"
    assert f"changes    {told}" in shown
    assert "way        reconcile (the differences to what Glean has)" in shown


def test_what_did_not_happen_is_left_out(shell: Shell, worker: FakeWorker) -> None:
    changes = {**dict.fromkeys(CHANGES, 0), "unchanged": 7}
    worker.stands(a_status(state="succeeded", changes=changes))

    assert "changes    7 unchanged\n" in shell.run("status", JOB_ID).stdout


@pytest.mark.parametrize("changes", [None, dict.fromkeys(CHANGES, 0)], ids=str)
def test_where_nothing_is_compared_nothing_is_told(
    shell: Shell, worker: FakeWorker, changes: dict[str, int] | None
) -> None:
    worker.stands(a_status(mode="INCREMENTAL", way=None, changes=changes))

    shown = shell.run("status", JOB_ID).stdout

    assert "changes" not in shown
    assert "way" not in shown


def test_what_a_job_would_delete_is_listed(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status(state="held", missing=120, missing_list=DIGEST))
    worker.missing[JOB_ID] = [a_missing(number) for number in range(120)]

    shown = shell.run("missing", JOB_ID)

    head, first, *_ = shown.stdout.splitlines()
    assert (head, first) == ("id\ttype\ttitle\turl", "N0\tnote\tNote 0\thttps://notes.example/0")
    assert len(shown.stdout.splitlines()) == 121
    assert shown.stderr == f"120 documents, whose list is {DIGEST}.\n"
    assert worker.lines == [f"GET /missing/{JOB_ID}", f"GET /missing/{JOB_ID}?after=1.100"]


@pytest.mark.parametrize(
    ("total", "told"),
    [
        (None, "The source is not read to its end: nothing is known to be missing.\n"),
        (3, "3 were missing; their names are not kept any more.\n"),
        (0, ""),
    ],
)
def test_why_nothing_is_listed_is_told(
    shell: Shell, worker: FakeWorker, total: int | None, told: str
) -> None:
    worker.stands(a_status(missing=total))

    assert shell.run("missing", JOB_ID).stderr == told


def test_deletions_that_are_not_done_are_told(shell: Shell, worker: FakeWorker) -> None:
    states = {"users": "paused", "groups": "done", "documents": "unknown"}
    deletions = [{"stage": stage, "state": state} for stage, state in states.items()]
    worker.stands(a_status(state="succeeded", deletions=deletions))

    shown = shell.run("status", JOB_ID).stdout

    assert "users: DELETION PAUSED by Glean, documents: unknown" in shown
    assert "groups" not in shown


def test_a_connectors_name_stands_for_its_latest_job(shell: Shell, worker: FakeWorker) -> None:
    worker.jobs = [a_line(OTHER_ID), a_line(JOB_ID)]
    worker.stands(a_status(JOB_ID))

    shown = shell.run("status", "tickets")

    assert shown.exit_code == 0
    assert JOB_ID in shown.stdout
    assert worker.lines == ["GET /jobs?connector=tickets&limit=1", f"GET /status/{JOB_ID}"]


def test_a_connector_that_has_had_no_job_is_told_how_to_get_one(shell: Shell) -> None:
    shown = shell.run("status", "tickets")

    assert shown.exit_code == 3
    assert "glean-sync trigger tickets --mode FULL" in shown.stderr


@pytest.mark.parametrize("command", ["status", "events", "rejects", "watch"])
def test_the_nearest_connector_is_named(shell: Shell, command: str) -> None:
    shown = shell.run(command, "tikets")

    assert shown.exit_code == 3
    assert "There is no connector 'tikets'. Did you mean tickets?" in shown.stderr
    assert "There are: tickets, wiki." in shown.stderr


def test_json_is_the_workers_own_and_nothing_else(shell: Shell, worker: FakeWorker) -> None:
    status = a_status(new_field="of a newer Worker")
    worker.stands(status)

    shown = shell.run("status", JOB_ID, "--json", "--verbose")

    assert json.loads(shown.stdout) == status
    assert f"GET https://sync.example/status/{JOB_ID}: 200" in shown.stderr


def test_jobs_are_a_table_for_scripts_where_there_is_no_terminal(
    shell: Shell, worker: FakeWorker
) -> None:
    worker.jobs = [a_line(OTHER_ID, "failed", error="of\ttwo\nlines"), a_line()]

    rows = [row.split("\t") for row in shell.run("jobs").stdout.splitlines()]

    assert rows == [
        ["job", "mode", "state", "begun by", "took", "documents", "deleted", "rejected", "error"],
        [OTHER_ID, "FULL", "failed", "cron", "12.5 s", "1,200", "3", "0", "of\\ttwo\\nlines"],
        [JOB_ID, "FULL", "succeeded", "cron", "12.5 s", "1,200", "3", "0", ""],
    ]


def test_jobs_are_chosen_by_connector_and_state(shell: Shell, worker: FakeWorker) -> None:
    words = ("--connector", "wiki", "--state", "held", "--state", "failed", "--limit", "5")

    shell.run("jobs", *words)

    assert worker.lines == ["GET /jobs?limit=5&connector=wiki&state=held%2Cfailed"]


def test_older_jobs_are_spoken_of_and_listed_on_request(shell: Shell, worker: FakeWorker) -> None:
    worker.jobs = [a_line(f"wiki-20261125T160500{place:03}Z-4d5e6f") for place in range(250)]

    first, whole = shell.run("jobs"), shell.run("jobs", "--all", "--json")

    assert len(first.stdout.splitlines()) == 21
    assert "--all" in first.stderr
    assert json.loads(whole.stdout) == {"jobs": worker.jobs, "next": None}
    assert whole.stderr == ""


def test_a_list_that_leads_elsewhere_is_not_followed(shell: Shell, worker: FakeWorker) -> None:
    """The token is for the Worker alone."""
    for elsewhere in ("//elsewhere.example/jobs", "https://elsewhere.example/jobs"):
        worker.fails(httpx.Response(200, json={"jobs": [], "next": elsewhere}))
        shown = shell.run("jobs", "--all")
        assert shown.exit_code == 4
        assert elsewhere in shown.stderr

    assert {request.url.host for request in worker.requests} == {"sync.example"}


def test_events_are_told_from_the_first_over_all_parts(shell: Shell, worker: FakeWorker) -> None:
    turn = {"pages": 4, "documents": 400, "deleted": 0, "rejected": 1, "seconds": 2.4}
    worker.stands(a_status())
    worker.events[JOB_ID] = [an_event(1), *(an_event(number) for number in range(2, 150))]
    worker.events[JOB_ID].append(an_event(150, "turn", **turn))

    lines = shell.run("events", JOB_ID).stdout.splitlines()
    whole = json.loads(shell.run("events", JOB_ID, "--json").stdout)

    assert lines[0] == "2026-11-25 16:00:00Z begun        event 1"
    assert lines[-1].endswith("turn         event 150 (400 documents, 1 rejected, in 2.4 s)")
    assert len(lines) == 150
    assert whole["events"] == worker.events[JOB_ID]
    assert whole["next"] is None


def test_events_are_followed_until_the_job_rests(shell: Shell, worker: FakeWorker) -> None:
    """Also those that come with its end, and none twice."""
    worker.stands(a_status(), a_status(), a_status(state="succeeded"))
    worker.events[JOB_ID] = [an_event(1)]
    worker.meanwhile(3, lambda: worker.events[JOB_ID].append(an_event(2)))
    worker.meanwhile(5, lambda: worker.events[JOB_ID].append(an_event(3, new_field=1)))

    shown = shell.run("events", JOB_ID, "--follow", "--json")

    assert [json.loads(line) for line in shown.stdout.splitlines()] == worker.events[JOB_ID]
    assert shown.stderr == ""


def test_rejects_are_listed_over_all_parts(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status())
    worker.rejects[JOB_ID] = [
        {"page": 1, "record": place, "key": None, "reason": "no title", "excerpt": "{}"}
        for place in range(1, 131)
    ]

    rows = shell.run("rejects", JOB_ID).stdout.splitlines()
    whole = json.loads(shell.run("rejects", JOB_ID, "--json").stdout)

    assert rows[0] == "page\trecord\tkey\treason\texcerpt"
    assert rows[130] == "1\t130\t\tno title\t{}"
    assert whole["rejects"] == worker.rejects[JOB_ID]


def test_a_job_that_is_not_there_is_refused(shell: Shell) -> None:
    shown = shell.run("status", JOB_ID)

    assert shown.exit_code == 3
    assert f"Not Found (404): There is no job '{JOB_ID}'." in shown.stderr


def test_no_text_of_the_worker_moves_the_terminal(shell: Shell, worker: FakeWorker) -> None:
    worker.stands(a_status(last_error="\x1b[2J[bold red]gone\r\n\x9b0m"))

    shown = shell.run("status", JOB_ID, FORCE_COLOR="1")

    assert "\\x1b[2J[bold red]gone\\r\\n\\x9b0m" in shown.stdout


def test_a_connector_in_a_path_stays_one_name(shell: Shell, worker: FakeWorker) -> None:
    shell.run("check", "../jobs?x=1")

    assert worker.lines[0] == "POST /check/..%2Fjobs%3Fx%3D1"


@pytest.mark.parametrize("is_current", [True, False])
def test_a_connectors_current_job_is_watched_else_its_latest(
    tmp_path: Path, *, is_current: bool
) -> None:
    current = a_line(JOB_ID, "sending") if is_current else None
    latest = [a_line(OTHER_ID)]
    worker = FakeWorker(a_connector("tickets", current=current, jobs=latest))
    worker.stands(a_status(JOB_ID, "succeeded"), a_status(OTHER_ID, "succeeded"))

    shown = Shell(tmp_path, worker).run("watch", "tickets")

    assert worker.lines[-1] == f"GET /status/{JOB_ID if is_current else OTHER_ID}"
    assert shown.exit_code == 0
