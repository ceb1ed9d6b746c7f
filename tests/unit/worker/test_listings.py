"""What the Worker puts together of what several objects know."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from durable.connector.definition import Connectors
from durable.engine.questions import ReadStatus
from durable.machine.commands import RefusalCode
from durable.machine.job import Mode
from durable.machine.job_events import JobEvent, TurnStats
from durable.machine.states import State
from durable.store.event_log import Event
from durable.views.job_summary import JobSummary
from durable.views.overview import Known, overview
from tests.fakes.connector import NOTES
from tests.fakes.edge import NOW_MS
from tests.fakes.requests import a_request, answered, check_problem, content
from tests.fakes.runners import JOB_ID, FakeRunners
from worker.job_handlers import EVENTS_MAX, JOBS_SHOWN


# Their names are the beginnings of each other, so that an order of texts alone would be wrong.
CONNECTORS: Connectors = {
    name: replace(NOTES, name=name) for name in ("notes", "notes-2", "a", "zoo")
}


def a_line(
    connector: str, moment: str, nonce: str = "0a1b2c", state: State = State.QUEUED
) -> JobSummary:
    return JobSummary(
        id=f"{connector}-20251124T{moment}Z-{nonce}",
        connector=connector,
        mode=Mode.FULL,
        state=state,
        begun_by=None,
        created_at="2025-11-24T16:00:00.000Z",
        started_at=None,
        finished_at=None,
        seconds=None,
        pages=0,
        documents=0,
        deleted=0,
        rejected=0,
        error=None,
    )


def jobs(runners: FakeRunners, **query: str) -> dict[str, Any]:
    return content(answered(a_request("GET", "/jobs", query=query), runners, CONNECTORS))


def ids(shown: Mapping[str, Any]) -> list[str]:
    return [job["id"] for job in shown["jobs"]]


def test_jobs_of_all_connectors_come_newest_first() -> None:
    lines = [a_line("zoo", "000000001"), a_line("a", "000000003"), a_line("notes", "000000002")]

    shown = jobs(FakeRunners(jobs=lines))

    assert ids(shown) == [lines[1].id, lines[2].id, lines[0].id]
    assert shown["next"] is None


@given(
    st.lists(
        st.builds(
            a_line,
            st.sampled_from(sorted(CONNECTORS)),
            st.sampled_from(["000000001", "000000002", "235959999"]),
            st.sampled_from(["000000", "0a1b2c", "ffffff"]),
        ),
        unique_by=lambda line: line.id,
    ),
    st.integers(1, 5),
)
def test_who_follows_next_sees_every_job_once_and_in_order(
    lines: list[JobSummary], limit: int
) -> None:
    runners, seen, query = FakeRunners(jobs=lines), list[str](), {"limit": str(limit)}

    while True:
        shown = jobs(runners, **query)
        assert len(shown["jobs"]) <= limit
        assert not set(seen) & set(ids(shown)), "a job is seen twice"
        seen += ids(shown)
        if shown["next"] is None:
            break
        path, _, text = shown["next"].partition("?")
        assert path == "/jobs"
        query = dict(part.split("=") for part in text.split("&"))

    moments = [job_id.rpartition("-")[0][-19:] for job_id in seen]
    assert sorted(seen) == sorted(line.id for line in lines)
    assert moments == sorted(moments, reverse=True)


def test_a_job_that_is_new_moves_none_to_another_page() -> None:
    lines = [a_line("notes", f"00000000{number}") for number in range(1, 5)]
    first = jobs(FakeRunners(jobs=lines), limit="2")
    before = first["next"].rpartition("=")[2]

    second = jobs(
        FakeRunners(jobs=[*lines, a_line("notes", "000000009")]), limit="2", before=before
    )

    assert ids(first) + ids(second) == [line.id for line in reversed(lines)]


def test_jobs_are_chosen_by_connector_and_state() -> None:
    lines = [
        a_line("notes", "000000001", state=State.FAILED),
        a_line("notes", "000000002", state=State.HELD),
        a_line("notes", "000000003", state=State.SUCCEEDED),
        a_line("zoo", "000000004", state=State.FAILED),
    ]

    shown = jobs(FakeRunners(jobs=lines), connector="notes", state="failed,held", limit="1")

    assert ids(shown) == [lines[1].id]
    assert shown["next"] == (
        f"/jobs?connector=notes&state=failed,held&limit=1&before={lines[1].id}"
    )


def test_without_a_limit_some_jobs_are_shown() -> None:
    lines = [a_line("notes", f"0000000{number:02}") for number in range(JOBS_SHOWN + 1)]

    assert len(jobs(FakeRunners(jobs=lines))["jobs"]) == JOBS_SHOWN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("limit", value) for value in ("0", "101", "-1", "ten", "")),
        *(("state", value) for value in ("", "done", "failed,", "FAILED", "failed held")),
        *(("before", value) for value in ("", "notes", "notes-1")),
        ("connector", "No Name"),
    ],
)
def test_a_parameter_that_is_none_is_400_and_says_what_it_takes(name: str, value: str) -> None:
    runners = FakeRunners()

    response = answered(a_request("GET", "/jobs", query={name: value}), runners, CONNECTORS)

    check_problem(response, 400, name, code=RefusalCode.BAD_PARAMETER)
    assert runners.asked == []


def test_jobs_of_an_unknown_connector_are_404_and_name_those_there_are() -> None:
    response = answered(a_request("GET", "/jobs", query={"connector": "x"}), None, CONNECTORS)

    check_problem(response, 404, "notes, notes-2, a, zoo", code=RefusalCode.UNKNOWN_CONNECTOR)


def test_an_object_that_does_not_answer_is_shown_as_such_and_hides_no_other() -> None:
    runners = FakeRunners(silent=["notes"])
    for name, connector in CONNECTORS.items():
        runners.overviews[name] = overview(connector, Known(), str, NOW_MS)

    shown = content(answered(a_request("GET", "/connectors"), runners, CONNECTORS))

    assert [(one["name"], one["health"]) for one in shown["connectors"]] == [
        *(("notes", "unreachable"), ("notes-2", "new"), ("a", "new"), ("zoo", "new"))
    ]
    assert shown["connectors"][0]["next_at"] == shown["connectors"][1]["next_at"]


def an_event(number: int) -> Event:
    return Event(number, JobEvent(number, "note", f"number {number}"))


@pytest.mark.parametrize("count", [0, EVENTS_MAX, EVENTS_MAX + 1, 2 * EVENTS_MAX + 1])
def test_who_follows_next_reads_every_event_once(count: int) -> None:
    runners = FakeRunners(events=[an_event(number) for number in range(1, count + 1)])
    path, seen = f"/events/{JOB_ID}", list[int]()

    while path:
        path, _, after = path.partition("?after=")
        request = a_request("GET", path, query={"after": after} if after else {})
        shown = content(answered(request, runners))
        assert (shown["job"], shown["total"]) == (JOB_ID, count)
        seen += [event["number"] for event in shown["events"]]
        path = shown["next"]

    assert seen == list(range(1, count + 1))


def test_an_event_of_a_turn_has_its_counts_and_another_has_none() -> None:
    worked = TurnStats(
        page_count=3,
        document_count=30,
        deletion_count=2,
        reject_count=1,
        byte_count=40,
        duration_ms=1_200,
    )
    turn = JobEvent(0, "turn", "turn 1", worked=worked)
    runners = FakeRunners(events=[Event(1, turn), an_event(2)])

    first, second = content(answered(a_request("GET", f"/events/{JOB_ID}"), runners))["events"]

    assert first == {
        "number": 1,
        "at": "1970-01-01T00:00:00.000Z",
        "kind": "turn",
        "what": "turn 1",
        "cause": None,
        "pages": 3,
        "documents": 30,
        "deleted": 2,
        "rejected": 1,
        "seconds": 1.2,
    }
    assert {second[name] for name in ("pages", "documents", "deleted", "rejected", "seconds")} == {
        None
    }


def test_events_of_an_unknown_job_are_404() -> None:
    other = JOB_ID[:-1] + "d"

    check_problem(answered(a_request("GET", f"/events/{other}")), 404, code=RefusalCode.UNKNOWN_JOB)


@pytest.mark.parametrize("seconds", ["0", "7", "60", "09"])
def test_who_asks_for_a_status_may_wait(seconds: str) -> None:
    runners = FakeRunners()

    response = answered(a_request("GET", f"/status/{JOB_ID}", query={"wait": seconds}), runners)

    assert response.status == 200
    assert runners.asked == [("notes", ReadStatus(JOB_ID, 1_000 * int(seconds)))]


@pytest.mark.parametrize("seconds", ["61", "-1", "1.5", "", "600", "soon"])
def test_nobody_waits_for_longer_than_a_minute(seconds: str) -> None:
    response = answered(a_request("GET", f"/status/{JOB_ID}", query={"wait": seconds}))

    check_problem(response, 400, "60", code=RefusalCode.BAD_PARAMETER)


def test_an_overview_can_be_read_as_it_is_documented() -> None:
    shown = overview(NOTES, Known(), str, NOW_MS)

    assert msgspec.convert(msgspec.to_builtins(shown), type(shown)) == shown
