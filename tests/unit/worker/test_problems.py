from http import HTTPStatus

import msgspec
import pytest

from durable.machine.commands import RefusalCode
from durable.machine.remedies import Remedy, RemedyCode
from durable.views.texts import Message
from worker import problems
from worker.problems import Problem


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (problems.bad_request("why", RefusalCode.BAD_BODY), HTTPStatus.BAD_REQUEST),
        (problems.unauthorized("why"), HTTPStatus.UNAUTHORIZED),
        (problems.not_found("why", RefusalCode.UNKNOWN_JOB), HTTPStatus.NOT_FOUND),
        (problems.method_not_allowed("why"), HTTPStatus.METHOD_NOT_ALLOWED),
        (problems.too_large("why"), HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (problems.unavailable("why"), HTTPStatus.SERVICE_UNAVAILABLE),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Problem) else "",
)
def test_a_problem_has_the_members_of_rfc_9457(problem: Problem, status: HTTPStatus) -> None:
    """Without a `type`, which stands for about:blank, the title is the status's own phrase."""
    # Python before 3.13 knows these by their older phrases.
    title = {413: "Content Too Large", 422: "Unprocessable Content"}.get(status, status.phrase)

    members = {"title": title, "status": status.value, "detail": "why"}
    code = {400: {"code": "bad-body"}, 404: {"code": "unknown-job"}}.get(status, {})
    assert msgspec.to_builtins(problem) == members | code


@pytest.mark.parametrize("legal", [[], ["cancel"], ["approve", "cancel"]])
def test_a_conflict_says_what_can_be_done_even_if_that_is_nothing(legal: list[str]) -> None:
    assert msgspec.to_builtins(problems.conflict("why", legal, RefusalCode.ANOTHER_JOB)) == {
        "title": "Conflict",
        "status": 409,
        "detail": "why",
        "legal": legal,
        "code": "another-job",
    }


def test_a_refusal_says_in_a_word_what_is_in_the_way() -> None:
    problem = problems.key_reused("why", Remedy(RemedyCode.USE_ANOTHER_KEY))

    assert (problem.title, problem.status) == ("Unprocessable Content", 422)
    assert problem.code is RefusalCode.KEY_REUSED
    assert isinstance(problem.remedy, Message)
    assert problem.remedy.code == RemedyCode.USE_ANOTHER_KEY


def test_a_bug_of_ours_says_only_where_to_look() -> None:
    problem = problems.internal()

    assert (problem.status, problem.title) == (500, HTTPStatus.INTERNAL_SERVER_ERROR.phrase)
    assert isinstance(problem.remedy, Message)
    assert problem.remedy.code == RemedyCode.READ_LOG
