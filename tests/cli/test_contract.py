"""The CLI is a package of its own: what it reads is held here against what the Worker sends."""

from typing import get_args

import msgspec
import pytest
from msgspec import Struct

from durable.engine.checks import Check, CheckOutcome
from durable.glean.differences import Difference, Provisioned
from durable.machine.job import Mode
from durable.machine.job_id import JOB_ID
from durable.machine.states import PENDING, TRAITS, State
from durable.views.job_summary import DocumentChanges, JobSummary
from durable.views.log import Level
from durable.views.overview import Overview
from durable.views.progress import Progress
from durable.views.status import Status
from durable.views.texts import WORDINGS, Message
from glean_sync import answers, arguments, log_lines, lookup, states, texts
from tests.fakes import operated
from worker import bodies, problems


READ: dict[type[Struct], type[Struct]] = {
    answers.Problem: problems.Problem,
    answers.Progress: Progress,
    answers.Status: Status,
    answers.Line: JobSummary,
    answers.Jobs: bodies.Jobs,
    answers.Connector: Overview,
    answers.Connectors: bodies.Connectors,
    answers.Event: bodies.Occurred,
    answers.Events: bodies.Events,
    answers.Reject: bodies.Rejected,
    answers.Rejects: bodies.Rejects,
    answers.MissingDocument: bodies.MissingDocument,
    answers.MissingDocuments: bodies.MissingDocuments,
    answers.Changes: DocumentChanges,
    answers.Message: Message,
    answers.Check: Check,
    answers.Checked: bodies.Checked,
    answers.Difference: Difference,
    answers.Provisioned: Provisioned,
}
MADE = {
    Status: operated.a_status(),
    JobSummary: operated.a_line(),
    Overview: operated.a_connector(),
    bodies.Occurred: operated.an_event(1),
    bodies.MissingDocument: operated.a_missing(1),
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
    assert [*states.TRAITS] == [*states.State] == [*State]
    assert {*texts.TEXTS} <= {*WORDINGS}
    assert {*log_lines.Level} == {*Level}
    assert {*get_args(answers.Check.__annotations__["outcome"])} == {*CheckOutcome}
    assert {*State} - PENDING == states.RESTING
    styles = {(traits.look, states.TRAITS[state].style) for state, traits in TRAITS.items()}
    assert len(styles) == len(dict(styles)) == len({style for _, style in styles})
    assert JOB_ID.fullmatch(operated.JOB_ID)
    assert lookup.JOB_ID == JOB_ID
