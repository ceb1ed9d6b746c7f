"""Opening, asking and closing, and what is needed for any of it."""

import httpx
import msgspec
import pytest

from durable.errors import Cause
from durable.limits import Limits
from durable.machine.effects import (
    Close,
    Closed,
    CloseRefused,
    CloseWithDocument,
    Event,
    Failed,
    Open,
    Opened,
    QueryUpload,
    UploadQueried,
)
from durable.machine.job import UploadStatus
from tests.fakes.answers import a_history, a_note, a_page, a_page_of, ok
from tests.fakes.connector import NOTES
from tests.fakes.desk import UPLOAD, Desk, an_executor
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.network import Network


OPEN = (UPLOAD, "ACTIVE")


def test_an_opening_and_a_question_are_answered() -> None:
    desk = Desk(Network(ok(), a_history(OPEN)))

    assert desk.performed(Open(UPLOAD)) == Opened()
    assert desk.performed(QueryUpload(UPLOAD)) == UploadQueried(UploadStatus.OPEN)


def failed(reason: str, is_transient: bool, cause: Cause) -> Failed:  # noqa: FBT001 - in a table
    is_lost = cause is Cause.UNANSWERED
    close = Close(UPLOAD)
    return Failed(f"Glean {reason}", is_transient, 0, 0.5, close, cause=cause, may_be_done=is_lost)


@pytest.mark.parametrize(
    ("answer", "event"),
    [
        (ok(), Closed()),
        (httpx.Response(400, text="empty"), CloseRefused("Glean answered 400: empty")),
        (httpx.Response(409, text="no"), failed("answered 409: no", True, Cause.CONFLICT)),
        (httpx.Response(503, text="no"), failed("answered 503: no", True, Cause.UNAVAILABLE)),
        (httpx.Response(404, text="no"), failed("answered 404: no", False, Cause.REFUSED)),
        (
            httpx.ReadError("lost"),
            failed("did not answer: ReadError lost", True, Cause.UNANSWERED),
        ),
    ],
    ids=["taken", "empty is refused", "a conflict", "busy", "refused", "lost"],
)
def test_a_close_is_settled_by_asking_unless_glean_said_what_it_made_of_it(
    answer: httpx.Response | Exception, event: Event
) -> None:
    assert Desk(Network(answer)).performed(Close(UPLOAD)) == event


def closed_with(network: Network, index: int = 0) -> Event:
    return Desk(network).performed(CloseWithDocument(UPLOAD, "7", index))


def test_where_an_empty_close_is_refused_a_document_of_the_last_page_goes_with_it() -> None:
    network = Network(a_page("a", "b"), ok())

    assert closed_with(network) == Closed()

    fetch, close = network.requests
    assert fetch.url.params["cursor"] == "7"
    body = msgspec.json.decode(close.content)
    assert (body["uploadId"], body["isLastPage"], "isFirstPage" in body) == (UPLOAD, True, False)
    assert [one["id"] for one in body["documents"]] == ["a"]


def test_the_document_of_the_close_is_one_that_can_be_sent() -> None:
    network = Network(a_page_of([{"id": 7}, a_note("a"), a_note("b")]), ok())

    assert closed_with(network, 1) == Closed()
    assert b'"id":"b"' in network.requests[1].content


def test_a_document_that_glean_does_not_take_is_left_to_the_machine() -> None:
    network = Network(a_page("a", "b"), httpx.Response(400, text="bad"))

    assert closed_with(network) == CloseRefused("Glean answered 400: bad")


def test_an_empty_source_is_closed_by_a_page_that_is_the_first_and_the_last() -> None:
    network = Network(ok())

    assert Desk(network).performed(Close(UPLOAD, is_only_page=True)) == Closed()
    assert msgspec.json.decode(network.requests[0].content) == {
        "uploadId": UPLOAD,
        "datasource": "notes",
        "documents": [],
        "isFirstPage": True,
        "isLastPage": True,
        "forceRestartUpload": True,
    }


@pytest.mark.parametrize(
    ("answers", "reason", "is_transient"),
    [
        ([a_page()], "no longer has one that Glean takes", True),
        ([httpx.Response(503)], "the source answered 503", True),
        ([a_page("a"), httpx.Response(409)], "Glean answered 409", True),
        ([a_page("a"), httpx.Response(403)], "Glean answered 403", False),
    ],
    ids=["it is gone", "the source is busy", "a conflict", "refused"],
)
def test_a_close_with_a_document_that_fails_says_why(
    answers: list[httpx.Response], reason: str, *, is_transient: bool
) -> None:
    event = closed_with(Network(*answers))

    assert isinstance(event, Failed)
    assert reason in event.reason
    assert event.is_transient == is_transient


def test_what_a_connector_needs_is_looked_for_before_anything_is_asked() -> None:
    host = a_host(Network())

    ends = an_executor(NOTES, an_environment(GLEAN_INSTANCE="acme"), host).ends()

    assert isinstance(ends, Failed)
    assert not ends.is_transient
    assert "npx wrangler secret put GLEAN_INDEXING_API_TOKEN" in ends.reason


def test_the_default_limits_are_those_of_a_deployment_that_sets_none() -> None:
    assert Desk(Network()).ends.limits == Limits()
