"""What the documentation says of the log, is what is logged."""

import ast
import inspect
import json
import re
from collections.abc import Iterator

from dev.staging import ROOT
from durable.machine.states import Command
from durable.views import log


DOCUMENT = (ROOT / "docs/logs.md").read_text(encoding="utf-8")
PRINTING = (
    "durable/runner.py",
    "durable/engine/questions.py",
    "durable/engine/services.py",
    "worker/entry.py",
)
LOGGING = {"log_line", "job_line", "_log", "report", "say"}  # each is given the event first
TEXT_PLACES = {"_log": 1, "report": 2}
HANDED_ON = ("found", "fault")  # of a set-up, as a whole
NAME = re.compile(r"`([^`]+)`")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    _, _, text = DOCUMENT.partition(f"## {heading}\n")
    table = [line for line in text.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[1:]]


def documented_fields() -> set[str]:
    return {name for row in rows("Fields") for name in NAME.findall(row[0])}


def calls(code: str) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))


def printed() -> dict[str, set[str]]:
    """The fields of its own that each event is printed with somewhere."""
    found: dict[str, set[str]] = {}
    for path in PRINTING:
        for call in calls((ROOT / path).read_text(encoding="utf-8")):
            for event in named(call.args[0]) if name(call) in LOGGING else ():
                found.setdefault(event, set()).update(fields(call))
    return found


def name(call: ast.Call) -> str:
    """Of what is called, whosever it is."""
    return ast.unparse(call.func).rpartition(".")[2]


def fields(call: ast.Call) -> Iterator[str]:
    if len(call.args) > TEXT_PLACES.get(name(call), len(call.args)):
        yield "text"
    for word in call.keywords:
        yield from [word.arg] if word.arg else HANDED_ON


def named(event: ast.expr) -> set[str]:
    """The events that an expression stands for; none where it passes on what it was given."""
    match event:
        case ast.Constant(str(text)):
            return {text}
        case ast.JoinedStr([ast.FormattedValue(), ast.Constant(str(text))]):
            return {command.value + text for command in Command}
    return set()


def fields_of_a_job() -> set[str]:
    (call,) = (
        one for one in calls(inspect.getsource(log.job_line)) if ast.unparse(one.func) == "log_line"
    )
    return {word.arg for word in call.keywords if word.arg}


def test_each_event_is_documented_with_its_fields_and_no_other() -> None:
    documented = {
        event: set(NAME.findall(row[3])) for row in rows("Events") for event in NAME.findall(row[0])
    }

    assert documented == printed()


def test_each_field_is_documented_and_no_other() -> None:
    always = {"event", "level", "connector"}

    assert documented_fields() == always.union(fields_of_a_job(), *printed().values())


def test_the_line_that_is_shown_is_one() -> None:
    (shown,) = re.findall(r"```json\n(.*?)\n```", DOCUMENT)

    content = json.loads(shown)
    assert content.keys() <= documented_fields()
    assert content["event"] == "turn ended"
    assert json.dumps(content, separators=(",", ":")) == shown


def test_the_bound_of_a_text_is_the_documented_one() -> None:
    assert f"longer than {log.TEXT_CHARACTERS_MAX:,} characters" in DOCUMENT
