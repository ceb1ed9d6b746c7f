from http import HTTPStatus

import msgspec
import pytest

from durable.machine.commands import RefusalCode
from durable.machine.remedies import RemedyCode
from durable.views.texts import Message
from worker import problems


@pytest.mark.parametrize("status", problems.STATUSES)
def test_a_problem_has_the_members_of_rfc_9457(status: int) -> None:
    """Without a `type`, which stands for about:blank, the title is the status's own phrase."""
    # Python before 3.13 knows these by their older phrases.
    newer = {413: "Content Too Large", 422: "Unprocessable Content"}
    title = newer.get(status, HTTPStatus(status).phrase)

    members = {"title": title, "status": status, "detail": "why"}
    assert msgspec.to_builtins(problems.describe(status, "why")) == members


@pytest.mark.parametrize("legal", [[], ["cancel"], ["approve", "cancel"]])
def test_a_conflict_says_what_can_be_done_even_if_that_is_nothing(legal: list[str]) -> None:
    problem = problems.describe(409, "why", RefusalCode.ANOTHER_JOB, legal=legal)

    assert msgspec.to_builtins(problem) == {
        "title": "Conflict",
        "status": 409,
        "detail": "why",
        "legal": legal,
        "code": "another-job",
    }


def test_a_bug_of_ours_says_only_where_to_look() -> None:
    problem = problems.INTERNAL

    assert (problem.status, problem.title) == (500, HTTPStatus.INTERNAL_SERVER_ERROR.phrase)
    assert isinstance(problem.remedy, Message)
    assert problem.remedy.code == RemedyCode.READ_LOG
