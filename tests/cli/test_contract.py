"""The CLI is a package of its own: what it reads is held here against what the Worker sends."""

from typing import get_args

import msgspec
import pytest
from msgspec import Struct

from durable.engine.checks import Check, Outcome
from durable.engine.processor import JOB_ID
from durable.glean.differences import Difference, Provisioned
from durable.machine.job import PENDING, Mode, State
from durable.views.job_summary import Line
from durable.views.log import Level
from durable.views.overview import Overview
from durable.views.progress import Progress
from durable.views.status import Status
from glean_sync import answers, arguments, log_lines, lookup
from tests.fakes import operated
from worker import bodies, problems


READ: dict[type[Struct], type[Struct]] = {
    answers.Problem: problems.Problem,
    answers.Progress: Progress,
    answers.Status: Status,
    answers.Line: Line,
    answers.Jobs: bodies.Jobs,
    answers.Connector: Overview,
    answers.Connectors: bodies.Connectors,
    answers.Event: bodies.Occurred,
    answers.Events: bodies.Events,
    answers.Reject: bodies.Rejected,
    answers.Rejects: bodies.Rejects,
    answers.Check: Check,
    answers.Checked: bodies.Checked,
    answers.Difference: Difference,
    answers.Provisioned: Provisioned,
}
MADE = {
    Status: operated.a_status(),
    Line: operated.a_line(),
    Overview: operated.a_connector(),
    bodies.Occurred: operated.an_event(1),
}


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.__name__)
def test_each_field_that_is_read_is_sent(kind: type[Struct]) -> None:
    assert set(kind.__struct_fields__) <= set(READ[kind].__struct_encode_fields__)


@pytest.mark.parametrize("kind", MADE, ids=lambda kind: kind.__name__)
def test_the_fake_worker_sends_what_the_real_one_does(kind: type[Struct]) -> None:
    """Also its values are of the right types."""
    made = MADE[kind]

    assert set(made) == set(kind.__struct_encode_fields__)
    msgspec.convert(made, kind)


def test_the_words_of_both_sides_are_the_same() -> None:
    assert {*arguments.Mode} == {*Mode}
    assert {*arguments.State} == {*State}
    assert {*log_lines.Level} == {*Level}
    assert {*get_args(answers.Check.__annotations__["outcome"])} == {*Outcome}
    assert {*State} - PENDING == answers.RESTING
    assert JOB_ID.fullmatch(operated.JOB_ID)
    assert lookup.JOB_ID == JOB_ID
