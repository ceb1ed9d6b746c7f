"""The Worker's log, made readable."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dev.staging import ROOT
from tests.fakes.operated import JOB_ID, OTHER_ID, FakeWorker
from tests.fakes.shell import Shell


AT_MS = 1_795_622_400_123
TURN = {
    "event": "turn ended",
    "level": "info",
    "connector": "tickets",
    "job": JOB_ID,
    "mode": "FULL",
    "state": "sending",
    "turn": 3,
    "documents": 200,
    "deleted": 0,
    "waits_because": "it is\nlate",
}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path, FakeWorker(), {})


def a_line(**fields: Any) -> str:
    """As the Worker prints it."""
    return json.dumps(fields, separators=(",", ":"))


def an_invocation(*logs: tuple[str, str], **fields: Any) -> str:
    """As wrangler prints it: an object over several lines."""
    told = [{"message": [message], "level": level, "timestamp": AT_MS} for level, message in logs]
    whole = {"outcome": "ok", "exceptions": [], "logs": told, "eventTimestamp": AT_MS, **fields}
    return json.dumps(whole, indent=4)


def test_a_line_of_ours_has_its_time_level_connector_job_and_event_first(shell: Shell) -> None:
    log = an_invocation(("log", a_line(**TURN)))

    shown = shell.run("tail", "-", stdin=f"{log}\n")

    assert shown.stdout == (
        f"2026-11-25 16:00:00Z info tickets {JOB_ID} turn ended mode=FULL state=sending "
        "turn=3 documents=200 waits_because=it is\\nlate\n"
    )
    assert shown.stderr == ""


@pytest.mark.parametrize(
    ("fields", "printed_as", "level"),
    [
        ({}, "log", "info"),
        ({}, "warn", "warning"),
        ({}, "error", "error"),
        ({"level": "error"}, "log", "error"),
        ({"level": "WARNING"}, "log", "warning"),
        ({"level": "of a newer Worker"}, "log", "info"),
    ],
)
def test_the_level_is_the_lines_own_else_that_of_the_console(
    shell: Shell, fields: Mapping[str, str], printed_as: str, level: str
) -> None:
    log = an_invocation((printed_as, a_line(event="queued", **fields)))

    assert shell.run("tail", "-", stdin=log).stdout == f"2026-11-25 16:00:00Z {level} queued\n"


def test_a_long_value_is_cut_short(shell: Shell) -> None:
    shown = shell.run("tail", "-", stdin=a_line(event="failed", error="x" * 200)).stdout

    assert f"error={'x' * 120}...\n" in shown


def test_other_lines_are_shown_as_they_are(shell: Shell) -> None:
    log = "\n".join(
        [
            "[wrangler:info] Ready on http://localhost:8787",
            "{not json",
            '{"event":"in one line"}',
            an_invocation(("log", "print() of a connector"), ("log", '["a list"]')),
        ]
    )

    assert shell.run("tail", "-", stdin=log).stdout.splitlines() == [
        "[wrangler:info] Ready on http://localhost:8787",
        "{not json",
        "info in one line",
        "print() of a connector",
        '["a list"]',
    ]


def test_what_the_platform_tells_of_an_invocation_is_an_error(shell: Shell) -> None:
    thrown = [{"name": "Error", "message": "Network connection lost", "timestamp": AT_MS}]
    log = an_invocation(outcome="exceededCpu", exceptions=thrown)

    shown = shell.run("tail", "-", "--level", "error", stdin=log)

    assert shown.stdout.splitlines() == [
        "Error: Network connection lost",
        "the invocation ended: exceededCpu",
    ]


@pytest.mark.parametrize(
    ("words", "events"),
    [
        ((), ["a", "b", "c", "d"]),
        (("--connector", "tickets"), ["a", "b"]),
        (("--job", OTHER_ID), ["c"]),
        (("--level", "warning"), ["b", "c"]),
        (("--level", "error", "--connector", "tickets"), []),
    ],
)
def test_lines_are_chosen_by_connector_job_and_level(
    shell: Shell, words: tuple[str, ...], events: list[str]
) -> None:
    log = [
        a_line(event="a", connector="tickets", job=JOB_ID),
        a_line(event="b", connector="tickets", level="warning"),
        a_line(event="c", connector="wiki", job=OTHER_ID, level="error"),
        a_line(event="d"),
    ]

    shown = shell.run("tail", "-", "--json", *words, stdin="\n".join(log))

    assert [json.loads(line)["event"] for line in shown.stdout.splitlines()] == events


def test_json_is_the_lines_as_they_are_and_nothing_else(shell: Shell) -> None:
    log = "\n".join(["Ready", an_invocation(("log", a_line(**TURN)))])

    shown = shell.run("tail", "-", "--json", stdin=log)

    assert [json.loads(line) for line in shown.stdout.splitlines()] == [TURN]
    assert shown.stderr == "Ready\n"


def test_no_line_moves_the_terminal(shell: Shell) -> None:
    log = "\n".join(["\x1b[2Jgone", a_line(event="\x1b]0;title\x07", connector="[red]x")])

    shown = shell.run("tail", "-", stdin=log, FORCE_COLOR="1")

    assert "\x1b[2J" not in shown.stdout
    assert "\x1b]" not in shown.stdout
    assert "[red]x" in shown.stdout


def an_npx(folder: Path, log: str, code: int) -> str:
    """A folder for PATH whose npx prints this and ends so."""
    (folder / "log").write_text(log, encoding="utf-8")
    script = (
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        f"here = pathlib.Path({str(folder)!r})\n"
        "(here / 'words').write_text(' '.join(sys.argv[1:]))\n"
        "print((here / 'log').read_text())\n"
        f"sys.exit({code})\n"
    )
    (folder / "npx").write_text(script, encoding="utf-8")
    (folder / "npx").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize(("words", "asked"), [((), ""), (("my-worker",), " my-worker")])
def test_the_log_is_read_through_wrangler(
    tmp_path: Path, shell: Shell, words: tuple[str, ...], asked: str
) -> None:
    path = an_npx(tmp_path, an_invocation(("log", a_line(event="queued"))), 0)

    shown = shell.run("tail", *words, PATH=path)

    assert (shown.exit_code, shown.stdout) == (0, "2026-11-25 16:00:00Z info queued\n")
    assert (tmp_path / "words").read_text() == f"wrangler tail --format json{asked}"


def test_a_wrangler_that_fails_is_told_with_what_to_do(tmp_path: Path, shell: Shell) -> None:
    shown = shell.run("tail", PATH=an_npx(tmp_path, "", 3))

    assert shown.exit_code == 4
    assert "`npx wrangler tail --format json` ended with 3" in shown.stderr
    assert "npx wrangler login" in shown.stderr


def test_without_npx_the_log_can_be_piped_in(tmp_path: Path, shell: Shell) -> None:
    shown = shell.run("tail", PATH=str(tmp_path))

    assert shown.exit_code == 2
    assert "`npx wrangler tail --format json | glean-sync tail -`" in shown.stderr


def test_a_reader_that_has_seen_enough_ends_it_without_a_word(tmp_path: Path) -> None:
    """As in `glean-sync tail - | head`."""
    (tmp_path / "log").write_text(a_line(event="queued") + "\n" * 2 + "x\n" * 100_000)
    words = [sys.executable, "-m", "glean_sync", "tail", "-"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "cli")}

    with (
        (tmp_path / "log").open() as log,
        subprocess.Popen(
            words, env=variables, stdin=log, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as program,
    ):
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == b"info queued\n"
        program.stdout.close()
        assert program.stderr.read() == b""
