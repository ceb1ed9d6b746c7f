"""The guide for whoever is on call has all that there is to be met, and nothing else."""

import re
from collections.abc import Iterable

import pytest

from dev.staging import ROOT
from durable.glean.statuses import MEANINGS, Meaning, meaning
from durable.limits import Limits
from durable.machine.notes import ErrorCode, EventKind
from durable.machine.rejects import RejectCode
from durable.machine.states import TRAITS, Command, State
from durable.machine.verification import Verdict
from durable.views.connector_findings import FindingCode
from durable.views.overview import Condition


GUIDE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
RULES = (ROOT / "docs/prometheus-rules.yaml").read_text(encoding="utf-8")


HEADS = frozenset({"health", "state", "kind", "code"})


def named(heading: str) -> list[str]:
    """What the first column of the table under a heading names."""
    _, _, text = GUIDE.partition(f"\n## {heading}\n")
    cells = re.findall(r"^\| (`[^|]+) \|", text.partition("\n## ")[0], re.MULTILINE)
    names = re.findall(r"`([^`]+)`", " ".join(cells))
    return [name for name in names if name not in HEADS]


@pytest.mark.parametrize(
    ("heading", "there"),
    [
        ("Health", Condition),
        ("States", State),
        ("Findings", FindingCode),
        (
            "Events",
            {*EventKind, *State} - {State.OPENING, State.SENDING},
        ),  # their turns tell of them
        ("Errors", [*ErrorCode, *RejectCode]),
        ("Alerts", re.findall(r"- alert: (\w+)", RULES)),
        ("Verification", Verdict),
    ],
)
def test_everything_that_can_be_met_is_explained(heading: str, there: Iterable[str]) -> None:
    assert sorted(named(heading)) == sorted(str(each) for each in there)


@pytest.mark.parametrize("state", State)
def test_a_state_takes_the_commands_that_the_guide_names(state: State) -> None:
    _, _, text = GUIDE.partition("\n## States\n")
    does, *_ = re.findall(rf"^\| `{state}` \| [^|]+ \| ([^|`]+)", text, re.MULTILINE)

    assert {*re.findall(r"\w+", does)} & {*Command} == {*TRAITS[state].commands}


def test_of_several_healths_the_first_is_shown_as_documented() -> None:
    assert named("Health") == [condition.value for condition in Condition]


def test_what_glean_answers_leads_to_what_the_table_says() -> None:
    _, _, text = GUIDE.partition("\n## Glean's answers\n")
    rows = re.findall(r"^\| ([\d, ]+) \|[^|]*\| (?:`([a-z ]+)`|-) \|", text, re.MULTILINE)
    told = {int(status): sense for row, sense in rows for status in row.split(", ")}

    assert set(told.values()) == {"", *(each.value for each in Meaning)}
    assert told.pop(200) == ""
    assert told == {status: meaning(status).value for status in told}
    assert set(MEANINGS) <= set(told)


def test_the_limits_that_are_named_are_there() -> None:
    limits = set(Limits.__struct_fields__)

    found = re.findall(r"`(\w+_(?:max|min)(?:_\w+)?)`", GUIDE)

    assert found
    assert [name for name in found if name not in limits] == []
