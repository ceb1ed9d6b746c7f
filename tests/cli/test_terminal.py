"""What is drawn on a terminal, and what is not where there is none."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert
from rich.console import Console

from glean_sync.answers import Status
from glean_sync.bars import Bars
from tests.fakes.operated import AT, JOB_ID, FakeWorker, a_line, a_status
from tests.fakes.shell import NOW, Shell


ESCAPE = "\x1b"
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HALF = {
    "documents": 600,
    "of": 1200,
    "share": 0.5,
    "of_what": "what Glean has",
    "eta_at": "2026-11-25T17:02:00.000Z",
}


def drawn(*statuses: dict[str, Any], width: int = 100, is_terminal: bool = True) -> list[str]:
    """The last lines of bars that were given these, without colours."""
    output = io.StringIO()
    console = Console(
        file=output,
        force_terminal=is_terminal,
        width=width,
        color_system=None,
        legacy_windows=False,
    )
    with Bars(console, lambda: NOW) as bars:
        for status in statuses:
            bars.update(convert(status, Status))
    text = SEQUENCE.sub("", output.getvalue())
    return [line.rstrip() for line in text.replace("\r", "\n").splitlines() if line.strip()]


def test_a_bar_shows_the_share_and_about_how_long_it_takes() -> None:
    line = drawn(a_status(documents=600, rejected=2, progress=HALF), width=120)[-1]

    assert line.startswith("tickets")
    assert "sending" in line
    assert line.count("━") == 8
    assert "600 documents, 2 rejected, of about 1,200, done in 2 min 0 s, about" in line


def test_each_job_has_a_bar() -> None:
    other = a_status("wiki-20261125T160500000Z-4d5e6f", "succeeded")

    lines = drawn(a_status(), other)[-2:]

    assert [line.split()[0] for line in lines] == ["tickets", "wiki"]


@pytest.mark.parametrize(
    ("fields", "is_told"),
    [
        ({"next_attempt_at": AT}, True),
        ({"state": "queued"}, True),
        ({}, False),  # between two turns, a moment
        ({"state": "failed", "next_attempt_at": AT}, False),
    ],
)
def test_a_bar_says_what_holds_a_job_up(fields: dict[str, Any], *, is_told: bool) -> None:
    why = "attempt 2 failed: 503"

    assert (why in drawn(a_status(waits_because=why, **fields))[-1]) == is_told


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_bar_keeps_to_the_width_of_the_terminal(width: int) -> None:
    why = "attempt 2 failed: " + "long " * 100

    lines = drawn(a_status(next_attempt_at=AT, waits_because=why), width=width)

    assert max(map(len, lines)) <= width


def test_no_bar_is_drawn_where_there_is_no_terminal() -> None:
    assert drawn(a_status(), is_terminal=False) == []


def on_a_terminal(shell: Shell, *words: str, columns: int) -> str:
    variables = {"FORCE_COLOR": "1", "COLUMNS": str(columns), "TERM": "xterm"}
    return shell.run(*words, **variables).stdout


def test_a_table_on_a_terminal_tells_long_texts_beneath_their_rows(tmp_path: Path) -> None:
    worker = FakeWorker()
    worker.jobs = [
        a_line(deleted=0, rejected=12, error="too many records were rejected"),
        a_line("wiki-20261125T160500000Z-4d5e6f", "sending", mode="INCREMENTAL", deleted=0),
    ]

    shown = on_a_terminal(Shell(tmp_path, worker), "jobs", columns=90)

    assert f"{ESCAPE}[32msucceeded" in shown
    assert SEQUENCE.sub("", shown).splitlines() == [
        "job                                 mode         state      begun by  took    documents",
        "tickets-20261125T160000123Z-0a1b2c  FULL         succeeded  cron      12.5 s  1,200",
        "    12 rejected, too many records were rejected",
        "wiki-20261125T160500000Z-4d5e6f     INCREMENTAL  sending    cron      12.5 s  1,200",
    ]


@pytest.mark.parametrize("columns", [40, 80])
def test_a_table_keeps_to_the_width_of_the_terminal_and_loses_nothing(
    tmp_path: Path, columns: int
) -> None:
    worker = FakeWorker()
    worker.jobs = [a_line(error="a long story " * 20)]

    shown = on_a_terminal(Shell(tmp_path, worker), "jobs", columns=columns)

    lines = SEQUENCE.sub("", shown).splitlines()
    assert max(map(len, lines)) <= columns
    assert "".join(lines).count("story") == 20
    assert JOB_ID in lines[1] + lines[2]


def test_an_empty_table_is_not_drawn_on_a_terminal(tmp_path: Path) -> None:
    assert on_a_terminal(Shell(tmp_path, FakeWorker()), "jobs", columns=80) == ""


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1", "FORCE_COLOR": "1"}, {}])
def test_there_are_no_colours_where_they_are_not_wanted(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    worker = FakeWorker()
    worker.stands(a_status(state="failed"))

    shown = Shell(tmp_path, worker).run("status", JOB_ID, **variables).stdout

    assert f"{ESCAPE}[31" not in shown
    assert f"{ESCAPE}[1;31" not in shown
