"""What a person may ask of a job, and what was rejected of it."""

import pytest

from durable.engine.questions import BeginJob, ObeyCommand, RepeatRejects
from durable.machine.commands import Refusal, RefusalCode
from durable.machine.job import Mode
from durable.machine.rejects import Reject
from durable.machine.states import Command
from durable.store.ledger_rows import GoneRow
from durable.views.views import MissingItem
from tests.fakes.requests import a_request, answered, check_problem, content
from tests.fakes.runners import DIGEST, JOB_ID, STATUS, FakeRunners
from worker.bodies import LIST_CHARACTERS_MAX
from worker.job_handlers import MISSING_MAX, REJECTS_MAX
from worker.request import BODY_BYTES_MAX


APPROVAL = b'{"list": "8c1f0e2d7a9b4c35"}'
OTHER = JOB_ID.replace("0a1b2c", "ffffff")
COMMANDS = [("cancel", b""), ("retry", b""), ("approve", APPROVAL)]


def a_reject(page: int, place: int, key: str = "a") -> tuple[int, Reject]:
    return page, Reject(place, key, "why", "{", code="bad-field", field="title")


@pytest.mark.parametrize(
    ("command", "body", "status", "list_digest"),
    [
        (Command.CANCEL, b"", 200, ""),
        (Command.CANCEL, b"not looked at", 200, ""),
        (Command.RETRY, b"", 202, ""),
        (Command.APPROVE, APPROVAL, 202, DIGEST),
        (Command.APPROVE, b'{"list": ""}', 202, ""),
    ],
)
def test_a_command_is_passed_on_and_its_job_shown(
    command: Command, body: bytes, status: int, list_digest: str
) -> None:
    runners = FakeRunners()

    response = answered(a_request("POST", f"/{command.value}/{JOB_ID}", body), runners)

    assert runners.asked == [("notes", ObeyCommand(JOB_ID, command, list_digest))]
    assert response.status == status
    assert response.headers["location"] == f"/status/{JOB_ID}"
    assert content(response) == {**STATUS, "status_url": f"/status/{JOB_ID}"}


@pytest.mark.parametrize(("path", "body"), COMMANDS)
@pytest.mark.parametrize("legal", [(), (Command.CANCEL,), (Command.APPROVE, Command.CANCEL)])
def test_a_command_that_the_job_does_not_take_is_409_with_those_that_it_takes(
    path: str, body: bytes, legal: tuple[Command, ...]
) -> None:
    runners = FakeRunners(Refusal(RefusalCode.COMMAND_NOT_TAKEN, "it is succeeded", legal))

    response = answered(a_request("POST", f"/{path}/{JOB_ID}", body), runners)

    check_problem(
        response,
        409,
        code=RefusalCode.COMMAND_NOT_TAKEN,
        legal=[command.value for command in legal],
    )


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "{"),
        (b"120", "`object`"),
        (b"{}", "`list`"),
        (b'{"deletions": 120}', "`deletions`"),
        (b'{"list": 120}', "$.list"),
        (b'{"list": null}', "$.list"),
        (b'{"list": ["8c1f"]}', "$.list"),
        (b'{"list": "' + b"8" * (LIST_CHARACTERS_MAX + 1) + b'"}', "$.list"),
        (b'{"list": "8c1f", "force": true}', "`force`"),
        (b'{"list": "8c1f"', "{"),
        (b"\xff", "{"),
    ],
)
def test_an_approval_without_a_list_is_400(body: bytes, named: str) -> None:
    runners = FakeRunners()

    check_problem(
        answered(a_request("POST", f"/approve/{JOB_ID}", body), runners),
        400,
        named,
        code=RefusalCode.BAD_BODY,
    )
    assert runners.asked == []


def test_an_approval_over_the_limit_is_413() -> None:
    body = APPROVAL.ljust(BODY_BYTES_MAX + 1)

    check_problem(answered(a_request("POST", f"/approve/{JOB_ID}", body)), 413, "65536")


@pytest.mark.parametrize(("path", "body"), COMMANDS)
def test_a_command_to_a_job_that_its_connector_does_not_know_is_404(path: str, body: bytes) -> None:
    runners = FakeRunners()

    check_problem(
        answered(a_request("POST", f"/{path}/{OTHER}", body), runners),
        404,
        OTHER,
        code=RefusalCode.UNKNOWN_JOB,
    )
    assert [getattr(question, "job_id", None) for _, question in runners.asked] == [OTHER]


@pytest.mark.parametrize(("path", "body"), COMMANDS)
@pytest.mark.parametrize(
    "job_id", ["", "notes", JOB_ID.replace("notes", "wiki"), JOB_ID + "\n", JOB_ID.upper()]
)
def test_for_a_command_to_a_job_that_cannot_be_no_object_is_made(
    path: str, body: bytes, job_id: str
) -> None:
    runners = FakeRunners()

    check_problem(
        answered(a_request("POST", f"/{path}/{job_id}", body), runners),
        404,
        code=RefusalCode.UNKNOWN_JOB,
    )
    assert runners.asked == []


def test_what_was_rejected_is_shown_with_where_it_was() -> None:
    runners = FakeRunners(rejects=[a_reject(1, 2), a_reject(3, 1, key="")])

    response = answered(a_request("GET", f"/rejects/{JOB_ID}"), runners)

    assert response.status == 200
    why = {"reason": "why", "code": "bad-field", "field": "title", "excerpt": "{"}
    assert content(response) == {
        "job": JOB_ID,
        "total": 2,
        "rejects": [
            {"page": 1, "record": 2, "key": "a", **why},
            {"page": 3, "record": 1, "key": None, **why},
        ],
        "next": None,
    }


def test_where_nothing_was_rejected_nothing_is_shown() -> None:
    shown = content(answered(a_request("GET", f"/rejects/{JOB_ID}")))

    assert shown == {"job": JOB_ID, "total": 0, "rejects": [], "next": None}


@pytest.mark.parametrize(
    "count", [1, REJECTS_MAX, REJECTS_MAX + 1, 2 * REJECTS_MAX, 2 * REJECTS_MAX + 1]
)
def test_who_follows_next_sees_every_reject_once(count: int) -> None:
    places = [(1 + number // 7, 1 + number % 7) for number in range(count)]
    runners = FakeRunners(rejects=[a_reject(*place) for place in places])
    path, seen, answer_count = f"/rejects/{JOB_ID}", list[tuple[int, int]](), 0

    while path:
        path, _, query = path.partition("?after=")
        request = a_request("GET", path, query={"after": query} if query else {})
        shown = content(answered(request, runners))
        assert shown["total"] == count
        assert len(shown["rejects"]) <= REJECTS_MAX
        seen += [(reject["page"], reject["record"]) for reject in shown["rejects"]]
        path, answer_count = shown["next"], answer_count + 1

    assert seen == places
    assert answer_count == -(-count // REJECTS_MAX)


@pytest.mark.parametrize(
    "after",
    [
        *("", "3", "3.", ".3", "3.1.7", "-1.2", "1.-2", "a.b", "1,2", " 1.2", "1.2 ", "1e3.1"),
        *("\u0661.1", "\u00b2.1", f"{10**15}.1", f"1.{10**15}"),
    ],
)
def test_a_place_that_is_none_is_400(after: str) -> None:
    runners = FakeRunners()

    response = answered(a_request("GET", f"/rejects/{JOB_ID}", query={"after": after}), runners)

    check_problem(response, 400, code=RefusalCode.BAD_PARAMETER)
    assert runners.asked == []


@pytest.mark.parametrize("after", ["0.0", "00.00", f"{10**15 - 1}.{10**15 - 1}"])
def test_a_place_may_be_any_number(after: str) -> None:
    response = answered(a_request("GET", f"/rejects/{JOB_ID}", query={"after": after}))

    assert response.status == 200


@pytest.mark.parametrize("job_id", [OTHER, "notes", JOB_ID.replace("notes", "wiki")])
def test_the_rejects_of_a_job_that_is_not_there_are_404(job_id: str) -> None:
    check_problem(
        answered(a_request("GET", f"/rejects/{job_id}")), 404, code=RefusalCode.UNKNOWN_JOB
    )


# What a job has rejected, once more


def test_rejects_are_repeated_by_a_job_of_their_own() -> None:
    runners = FakeRunners()

    response = answered(a_request("POST", f"/retry/{JOB_ID}", query={"rejects": "true"}), runners)

    assert runners.asked == [("notes", RepeatRejects(JOB_ID))]
    assert response.status == 202
    assert content(response) == {**STATUS, "status_url": f"/status/{JOB_ID}"}


def test_a_retry_may_say_that_it_is_not_of_rejects() -> None:
    runners = FakeRunners()

    answered(a_request("POST", f"/retry/{JOB_ID}", query={"rejects": "false"}), runners)

    assert runners.asked == [("notes", ObeyCommand(JOB_ID, Command.RETRY))]


@pytest.mark.parametrize("text", ["", "1", "True", "yes", "true "])
def test_rejects_is_true_or_false(text: str) -> None:
    runners = FakeRunners()

    response = answered(a_request("POST", f"/retry/{JOB_ID}", query={"rejects": text}), runners)

    check_problem(response, 400, "rejects", code=RefusalCode.BAD_PARAMETER)
    assert runners.asked == []


def test_rejects_of_an_unknown_job_are_404() -> None:
    response = answered(a_request("POST", f"/retry/{OTHER}", query={"rejects": "true"}))

    check_problem(response, 404, code=RefusalCode.UNKNOWN_JOB)


def test_rejects_that_cannot_be_repeated_are_409() -> None:
    runners = FakeRunners(Refusal(RefusalCode.NO_REJECTS, "it has no records to repeat", ()))

    response = answered(a_request("POST", f"/retry/{JOB_ID}", query={"rejects": "true"}), runners)

    check_problem(response, 409, code=RefusalCode.NO_REJECTS, legal=[])


# All documents anew


def test_who_asks_for_all_documents_anew_gets_them() -> None:
    runners = FakeRunners()

    response = answered(
        a_request("POST", "/trigger", b'{"mode": "FULL", "replace": true}'), runners
    )

    assert response.status == 202
    assert runners.asked == [("notes", BeginJob(Mode.FULL, None, is_replace_asked=True))]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"mode": "INCREMENTAL", "replace": true}', "`replace`"),
        (b'{"mode": "FULL", "replace": 1}', "$.replace"),
        (b'{"mode": "FULL", "replace": null}', "$.replace"),
    ],
)
def test_what_cannot_be_replaced_is_400(body: bytes, named: str) -> None:
    runners = FakeRunners()

    check_problem(
        answered(a_request("POST", "/trigger", body), runners),
        400,
        named,
        code=RefusalCode.BAD_BODY,
    )
    assert runners.asked == []


# What a FULL job would delete


def an_item(number: int, place: int) -> MissingItem:
    name = f"{number}.{place}"
    url = f"https://notes.example/{name}"
    return MissingItem((number, place), GoneRow(name, "note", name, None, f"Note {name}", url))


def test_what_would_be_deleted_is_shown_by_name() -> None:
    user = MissingItem((1, 2), GoneRow("ada", "", "Ada"))
    runners = FakeRunners(missing=[an_item(1, 1), user])

    response = answered(a_request("GET", f"/missing/{JOB_ID}"), runners)

    assert response.status == 200
    assert content(response) == {
        "job": JOB_ID,
        "stage": "documents",
        "total": 2,
        "list": DIGEST,
        "missing": [
            {"id": "1.1", "type": "note", "title": "Note 1.1", "url": "https://notes.example/1.1"},
            {"id": "Ada", "type": None, "title": None, "url": None},
        ],
        "next": None,
    }


def test_before_the_end_of_the_source_nothing_is_known_to_be_missing() -> None:
    shown = content(answered(a_request("GET", f"/missing/{JOB_ID}")))

    assert (shown["total"], shown["list"], shown["missing"]) == (None, None, [])


@pytest.mark.parametrize("count", [1, MISSING_MAX, MISSING_MAX + 1, 2 * MISSING_MAX + 1])
def test_who_follows_next_sees_all_that_would_be_deleted_once(count: int) -> None:
    items = [an_item(1 + number // 70, 1 + number % 70) for number in range(count)]
    runners = FakeRunners(missing=items)
    path, seen, answer_count = f"/missing/{JOB_ID}", list[str](), 0

    while path:
        path, _, query = path.partition("?after=")
        request = a_request("GET", path, query={"after": query} if query else {})
        shown = content(answered(request, runners))
        assert (shown["total"], len(shown["missing"]) <= MISSING_MAX) == (count, True)
        seen += [missing["id"] for missing in shown["missing"]]
        path, answer_count = shown["next"], answer_count + 1

    assert seen == [item.row.id for item in items]
    assert answer_count == -(-count // MISSING_MAX)


@pytest.mark.parametrize("after", ["", "3", "3.", "-1.2", "a.b", f"{10**15}.1"])
def test_a_place_in_the_list_that_is_none_is_400(after: str) -> None:
    runners = FakeRunners()

    response = answered(a_request("GET", f"/missing/{JOB_ID}", query={"after": after}), runners)

    check_problem(response, 400, code=RefusalCode.BAD_PARAMETER)
    assert runners.asked == []
