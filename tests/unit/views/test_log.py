"""Lines of the log."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from durable.machine.job import Mode
from durable.machine.states import State
from durable.machine.verification import Verdict, Verification
from durable.views import log
from durable.views.log import TEXT_CHARACTERS_MAX, Level
from durable.views.status import status
from tests.fakes.jobs import a_job


LINE_BYTES_MAX = 64 * 1024  # of the 256 KB that the platform takes of an invocation


def read(line: log.LogLine) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(line.text)
    return content


def test_a_line_says_what_happened_and_how_urgent_it_is() -> None:
    line = log.log_line("the turn broke off", Level.ERROR, connector="notes", text=None)

    assert line.level is Level.ERROR
    assert line.text == '{"event":"the turn broke off","level":"error","connector":"notes"}'


def test_a_text_from_outside_stays_within_its_line() -> None:
    line = log.log_line("queued", Level.INFO, trigger="a\r\nb\x1b[2K\x7f\u2028é")

    assert line.text.isascii()
    assert line.text.isprintable()
    assert read(line)["trigger"] == "a\r\nb\x1b[2K\x7f\u2028é"


def test_of_a_long_text_the_beginning_and_the_end_are_told() -> None:
    text = "Traceback" + " of it" * 100_000 + " at last: ValueError"

    shown = read(log.log_line("the turn broke off", Level.ERROR, text=text))["text"]

    assert len(shown) == TEXT_CHARACTERS_MAX
    assert shown.startswith("Traceback of it")
    assert shown.endswith("at last: ValueError")


def test_what_is_not_long_stays_as_it_is() -> None:
    text, found = "t" * TEXT_CHARACTERS_MAX, {"differences": [{"field": "name"}]}

    shown = read(
        log.log_line("the datasource was to be set up", Level.INFO, text=text, found=found)
    )

    assert (shown["text"], shown["found"]) == (text, found)


def test_no_line_comes_near_what_the_platform_takes() -> None:
    text = "\U0001f600" * 1_000_000
    found = {"differences": [{"field": str(number), "actual": text[:99]} for number in range(999)]}

    line = log.log_line("the datasource was to be set up", Level.INFO, text=text, found=found)

    assert len(line.text) <= LINE_BYTES_MAX
    assert read(line)["found"].endswith("}")


@pytest.mark.parametrize(
    ("state", "error", "level"),
    [
        (State.SENDING, "", Level.INFO),
        (State.SENDING, "the source answered 503", Level.WARNING),
        (State.HELD, "too much is missing", Level.ERROR),
        (State.FAILED, "the source answered 401", Level.ERROR),
        (State.CANCELLED, "cancelled on request", Level.INFO),
        (State.SUCCEEDED, "", Level.INFO),
    ],
)
def test_a_jobs_line_is_as_urgent_as_the_job(state: State, error: str, level: Level) -> None:
    job = replace(a_job(state), error=error, error_code=error and "glean-late")

    line = log.job_line("turn ended", status(job))

    assert (line.level, read(line)["level"]) == (level, level.value)
    assert read(line).get("error") == (error or None)
    assert read(line).get("error_code") == ("glean-late" if error else None)


def test_documents_that_are_not_in_glean_are_urgent() -> None:
    verification = Verification(
        job_id="job",
        datasource="notes",
        upload_id="job-1",
        closed_at_ms=0,
        until_ms=1,
        verdict=Verdict.MISMATCH,
    )

    line = log.job_line(
        "turn ended", status(a_job(State.SUCCEEDED, Mode.FULL), verification=verification)
    )

    assert line.level is Level.ERROR
    assert read(line)["verification"] == "mismatch"
