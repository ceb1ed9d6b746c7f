import re
from pathlib import Path

import pytest
from msgspec.structs import replace

import durable
from durable.limits import Limits
from durable.machine.commands import LEGAL
from durable.machine.gone import Gone
from durable.machine.remedies import Remedy, RemedyCode, remedy_of
from durable.machine.states import Command, State
from durable.machine.transitions import end_job
from durable.views.connector_findings import FindingCode
from durable.views.steps import ReachCode, RepeatCode, StepCode
from durable.views.texts import WORDINGS, Message, Surface, say, template, to_message
from glean_sync import answers, texts
from tests.fakes.jobs import NOW_MS, a_job, alter
from tests.golden.texts import FILE, said, text


DURABLE = Path(durable.__file__).parent
REQUEST = re.compile(r"\b(GET|POST|DELETE|PUT)\b|[{}]")
PARAMETER = re.compile(r"\$(?:\w+)")
SENTENCE = re.compile(r"[.:;(){}] *")
QUOTE = 24  # characters: what is shorter, anybody may write
TESTS = Path(__file__).parents[2]


def test_the_texts_are_those_of_the_golden_file() -> None:
    command = "PYTHONPATH=cli .venv/bin/python -m tests.golden.texts"
    assert FILE.read_text(encoding="utf-8") == text(), f"run `{command}` and look at the difference"


def test_each_code_has_its_words() -> None:
    assert [*WORDINGS] == [*RemedyCode, *StepCode, *RepeatCode, *ReachCode, *FindingCode]


@pytest.mark.parametrize("code", WORDINGS)
def test_only_the_api_speaks_of_requests(code: str) -> None:
    words = said(code)
    del words["api"]

    assert [text for text in words.values() if REQUEST.search(text)] == []


def test_no_other_test_quotes_the_table() -> None:
    """Who asks for the code, lets the sentence be worded anew; the golden file holds it."""
    surfaces = [text for one in WORDINGS.values() for text in (one.api, one.dashboard, one.alert)]
    pieces = [piece for text in surfaces for piece in PARAMETER.split(text)]
    sentences = {part for piece in pieces for part in SENTENCE.split(piece) if len(part) > QUOTE}
    texts = {
        path.relative_to(TESTS): path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")
    }

    quoting = {
        path.as_posix(): found
        for path, text in texts.items()
        if not {"golden", "views"} & {*path.parts}
        and (found := [one for one in sentences if one in text])
    }
    assert quoting == {}


def test_no_text_beside_the_table_speaks_of_requests_that_do_something() -> None:
    asks = re.compile(r"POST /(approve|cancel|retry|setup)\b")
    texts = {path.as_posix(): path.read_text(encoding="utf-8") for path in DURABLE.rglob("*.py")}

    speaking = [path for path, text in texts.items() if asks.search(text)]
    assert [path.removeprefix(DURABLE.as_posix()) for path in speaking] == ["/views/texts.py"]


@pytest.mark.parametrize("code", WORDINGS)
def test_all_parameters_are_filled_in(code: str) -> None:
    assert [words for words in said(code).values() if PARAMETER.search(words)] == []


@pytest.mark.parametrize("surface", Surface)
def test_a_parameter_that_earlier_code_did_not_store_breaks_nothing(surface: Surface) -> None:
    assert say(Remedy(RemedyCode.DECIDE), surface)


@pytest.mark.parametrize("surface", Surface)
def test_of_a_code_of_newer_code_nothing_is_said(surface: Surface) -> None:
    assert (template("newer", surface), say(Remedy("newer"), surface), say(None, surface)) == (
        "",
        "",
        "",
    )


def test_the_cli_says_a_code_of_a_newer_worker_as_that_does() -> None:
    assert texts.say(answers.Message("newer", {}, "POST /x")) == "POST /x"
    assert texts.say(None) == ""


def test_a_parameter_is_never_taken_for_words() -> None:
    remedy = Remedy(RemedyCode.RETRY, {"job": "$job {job} $$"})

    assert "$job {job} $$" in say(remedy, Surface.API)


def test_the_api_shows_the_code_its_parameters_and_its_own_words() -> None:
    assert to_message(None) is None
    assert to_message(Remedy(RemedyCode.RETRY, {"job": "job"})) == Message(
        RemedyCode.RETRY, {"job": "job"}, "POST /retry/job queues it again."
    )


# What can be done about a job


@pytest.mark.parametrize("state", State)
def test_a_job_that_takes_a_retry_or_an_approval_says_so(state: State) -> None:
    remedy = remedy_of(a_job(state))

    assert (remedy is None) is not bool({Command.RETRY, Command.APPROVE} & {*LEGAL[state]})


def test_a_held_job_is_to_be_decided_with_the_list_of_what_would_go() -> None:
    gone = Gone(count=40, new_count=40, is_whole=True, digest="8c1f")
    job = alter(a_job(State.HELD), gone=gone)

    parameters: dict[str, str | int] = {"job": job.id, "deletions": 40, "list": "8c1f"}
    assert remedy_of(job) == Remedy(RemedyCode.DECIDE, parameters)


def test_what_can_be_done_about_an_end_does_not_outlast_it() -> None:
    failed = replace(a_job(State.FAILED), remedy=RemedyCode.CORRECT_RECORDS.value)
    cancelled = end_job(failed, State.CANCELLED, NOW_MS, Limits(), "cancelled on request")

    assert remedy_of(failed) == Remedy(RemedyCode.CORRECT_RECORDS, {"job": "job"})
    assert remedy_of(replace(failed, state=State.SENDING)) is None
    assert remedy_of(cancelled) == Remedy(RemedyCode.RETRY, {"job": "job"})
