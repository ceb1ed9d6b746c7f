import asyncio
from collections.abc import Awaitable, Callable

import httpx
import msgspec
import pytest

from durable.environment import SecretText
from durable.errors import Cause, UpstreamError
from durable.glean.batches import Batch, Item
from durable.glean.client import Glean
from durable.glean.payloads import GleanEndpoint
from durable.http.auth import BearerAuthenticator
from durable.http.client import HttpClient
from durable.http.origins import Origins
from durable.machine.index_status import Deletions, Holdings
from durable.machine.job import Stage, UploadStatus
from tests.fakes.answers import a_count
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.zone import nine_hours_ahead


ROOT = "https://acme-be.glean.com/api/index/v1"


def glean(network: Network, stage: Stage = Stage.DOCUMENTS) -> Glean:
    return Glean(
        HttpClient(
            "Glean", network, BearerAuthenticator(SecretText("TOKEN", "t0ken")), Origins(ROOT)
        ),
        ROOT,
        "notes",
        stage,
    )


def an_upload(
    upload_id: str, status: str = "ACTIVE", start_time: object = "2025-11-24T16:00:00.000Z"
) -> dict[str, object]:
    return {
        "uploadId": upload_id,
        "status": status,
        "startTime": start_time,
        "endTime": "NA",
        "processingState": "UNKNOWN",
    }


def history(*uploads: dict[str, object]) -> httpx.Response:
    documents = {"bulkUploadHistory": uploads, "counts": {}}
    return httpx.Response(200, json={"documents": documents, "identity": {}})


def standing(*uploads: dict[str, object]) -> UploadStatus:
    """Of the upload u-1."""
    return asyncio.run(glean(Network(history(*uploads))).standing("u-1"))


def test_an_upload_is_opened_by_an_empty_page_that_discards_earlier_ones() -> None:
    network = Network(httpx.Response(200))

    asyncio.run(glean(network).open("u-1"))

    (request,) = network.requests
    assert str(request.url) == f"{ROOT}/bulkindexdocuments"
    assert request.headers["authorization"] == "Bearer t0ken"
    assert msgspec.json.decode(request.content) == {
        "uploadId": "u-1",
        "datasource": "notes",
        "documents": [],
        "isFirstPage": True,
        "forceRestartUpload": True,
    }


def test_an_upload_is_closed_by_an_empty_page() -> None:
    network = Network(httpx.Response(200))

    asyncio.run(glean(network).close("u-1"))

    (request,) = network.requests
    assert str(request.url) == f"{ROOT}/bulkindexdocuments"
    assert msgspec.json.decode(request.content) == {
        "uploadId": "u-1",
        "datasource": "notes",
        "documents": [],
        "isLastPage": True,
    }


@pytest.mark.parametrize("endpoint", GleanEndpoint)
def test_a_batch_is_posted_to_its_endpoint_as_it_is(endpoint: GleanEndpoint) -> None:
    network = Network(httpx.Response(200))
    batch = Batch(endpoint=endpoint, items=(Item(1, "a", b'{"id":"a"}'),), head=b'{"documents":[')

    asyncio.run(glean(network).send(batch))

    (request,) = network.requests
    assert str(request.url) == ROOT + endpoint.value
    assert request.headers["content-type"] == "application/json"
    assert request.content == batch.body


def test_an_upload_may_be_closed_with_one_of_its_documents() -> None:
    network = Network(httpx.Response(200))

    asyncio.run(glean(network).close_with("u-1", Item(1, "a", b'{"datasource":"notes","id":"a"}')))

    (request,) = network.requests
    assert str(request.url) == f"{ROOT}/bulkindexdocuments"
    assert msgspec.json.decode(request.content) == {
        "uploadId": "u-1",
        "datasource": "notes",
        "documents": [{"datasource": "notes", "id": "a"}],
        "isLastPage": True,
    }


UNCHECKED = {
    Stage.DOCUMENTS: {"disableStaleDocumentDeletionCheck": True},
    Stage.USERS: {"disableStaleDataDeletionCheck": True},
    Stage.GROUPS: {"disableStaleDataDeletionCheck": True},
    Stage.TEAMS: {},  # Glean never checks them, and knows no such flag
}
CLOSES: list[Callable[[Glean, bool], Awaitable[None]]] = [
    lambda ours, checked: ours.close("u-1", is_deletion_checked=checked),
    lambda ours, checked: ours.close("u-1", is_only_page=True, is_deletion_checked=checked),
    lambda ours, checked: ours.close_with(
        "u-1", Item(1, "a", b'{"id":"a"}'), is_deletion_checked=checked
    ),
]


@pytest.mark.parametrize("close", CLOSES)
@pytest.mark.parametrize("stage", UNCHECKED)
def test_a_close_of_any_form_may_let_glean_delete_without_its_check(
    stage: Stage, close: Callable[[Glean, bool], Awaitable[None]]
) -> None:
    network = Network(httpx.Response(200), httpx.Response(200))
    for is_checked in (True, False):
        asyncio.run(_awaited(close(glean(network, stage), is_checked)))

    checked, unchecked = (msgspec.json.decode(request.content) for request in network.requests)
    assert checked["isLastPage"] is True
    assert unchecked == {**checked, **UNCHECKED[stage]}
    assert not checked.keys() & {
        "disableStaleDocumentDeletionCheck",
        "disableStaleDataDeletionCheck",
    }


def test_no_other_page_has_the_flag_that_only_a_last_one_may_have() -> None:
    network = Network(httpx.Response(200))

    asyncio.run(glean(network).open("u-1"))

    (request,) = network.requests
    assert b"disableStale" not in request.content


async def _awaited(awaitable: Awaitable[None]) -> None:
    await awaitable


@pytest.mark.parametrize("status", [400, 409, 413, 503])
def test_a_refusal_is_passed_on_with_its_status(status: int) -> None:
    network = Network(httpx.Response(status, text="no"))

    with pytest.raises(UpstreamError, match=f"Glean answered {status}: no") as error:
        asyncio.run(glean(network).open("u-1"))

    assert error.value.status == status


# How an upload stands


EARLIER, LATER = "2025-11-24T15:59:59.999Z", "2025-11-24T16:00:00.001Z"


def test_glean_is_asked_at_the_datasources_status() -> None:
    network = Network(history())

    asyncio.run(glean(network).standing("u-1"))

    assert network.lines == ["POST /api/index/v1/debug/notes/status"]


@pytest.mark.parametrize(
    ("uploads", "stands"),
    [
        ([an_upload("u-1")], UploadStatus.OPEN),
        ([an_upload("u-1", "SUCCESSFUL")], UploadStatus.CLOSED),
        ([], UploadStatus.UNLISTED),
        ([an_upload("u-10"), an_upload("u-2", "SUCCESSFUL")], UploadStatus.UNLISTED),
        ([an_upload("u-1"), an_upload("u-2", "ACTIVE", LATER)], UploadStatus.REPLACED),
        ([an_upload("u-1"), an_upload("u-2", "SUCCESSFUL", LATER)], UploadStatus.REPLACED),
        ([an_upload("u-1"), an_upload("u-0", "ACTIVE", EARLIER)], UploadStatus.OPEN),
        ([an_upload("u-1"), an_upload("u-0", "SUCCESSFUL", EARLIER)], UploadStatus.OPEN),
        ([an_upload("u-1"), an_upload("u-2")], UploadStatus.REPLACED),
        ([an_upload("u-1", "SUCCESSFUL"), an_upload("u-2", "ACTIVE", LATER)], UploadStatus.CLOSED),
        ([an_upload("u-1"), an_upload("u-1", "SUCCESSFUL", LATER)], UploadStatus.CLOSED),
        (
            [
                an_upload("u-1", "ACTIVE", EARLIER),
                an_upload("u-2"),
                an_upload("u-1", "ACTIVE", LATER),
            ],
            UploadStatus.OPEN,
        ),
    ],
    ids=[
        "open",
        "closed",
        "no history",
        "others only",
        "a later one open",
        "a later one closed",
        "an earlier one left open",
        "an earlier one closed",
        "another of the same moment",
        "closed before a later one",
        "listed twice, once as closed",
        "listed twice, opened again after another",
    ],
)
@pytest.mark.parametrize("is_reversed", [False, True], ids=["", "the other way round"])
def test_the_history_says_how_an_upload_stands(
    uploads: list[dict[str, object]], stands: UploadStatus, *, is_reversed: bool
) -> None:
    assert standing(*(reversed(uploads) if is_reversed else uploads)) is stands


@pytest.mark.parametrize(
    ("ours", "later"),
    [
        ("2025-11-24T16:00:00Z", "2025-11-24T16:00:01Z"),
        ("2025-11-24T16:00:00", "2025-11-24T16:00:01Z"),
        ("2025-11-24T16:00:00.5Z", "2025-11-24T16:00:00.6Z"),
        ("2025-11-24T17:00:00+01:00", "2025-11-24T16:00:01Z"),
        ("2025-11-24 16:00:00", "2025-11-24 16:00:01"),
        ("2025-11-24T16:00:00.123456789Z", "2025-11-25T16:00:00.123456789Z"),
        ("20251124T160000Z", "20251124T160001Z"),
        ("2025-11-24", "2025-11-25"),
    ],
)
def test_start_times_are_compared_in_whatever_form_they_come(ours: str, later: str) -> None:
    others = [an_upload("u-2", "ACTIVE", later)]

    assert standing(an_upload("u-1", "ACTIVE", ours), *others) is UploadStatus.REPLACED
    assert standing(an_upload("u-1", "ACTIVE", later), an_upload("u-2", "ACTIVE", ours)) is (
        UploadStatus.OPEN
    )


def test_a_start_without_a_zone_is_in_utc_wherever_it_is_read() -> None:
    others = [an_upload("u-2", "ACTIVE", "2025-11-24T16:00:01")]

    with nine_hours_ahead():
        assert standing(an_upload("u-1"), *others) is UploadStatus.REPLACED


UNREADABLE = [None, "", "NA", "…", "1764000000", "Mon Nov 24 16:00:00 UTC 2025"]


@pytest.mark.parametrize("start_time", UNREADABLE)
def test_an_upload_of_which_no_start_can_be_read_is_as_it_is_said_to_be(
    start_time: object,
) -> None:
    others = [an_upload("u-2", "SUCCESSFUL", start_time)]

    assert standing(an_upload("u-1", "ACTIVE", start_time), *others) is UploadStatus.OPEN
    assert standing(an_upload("u-1", "SUCCESSFUL", start_time), *others) is UploadStatus.CLOSED


@pytest.mark.parametrize("start_time", UNREADABLE)
def test_another_upload_of_which_no_start_can_be_read_replaces_nothing(start_time: object) -> None:
    assert standing(an_upload("u-1"), an_upload("u-2", "ACTIVE", start_time)) is UploadStatus.OPEN


def test_a_history_without_start_times_is_read() -> None:
    ours: dict[str, object] = {"uploadId": "u-1", "status": "ACTIVE"}

    assert standing(ours, {"uploadId": "u-2", "status": "SUCCESSFUL"}) is UploadStatus.OPEN


def test_a_datasource_without_a_history_lists_nothing() -> None:
    network = Network(httpx.Response(200, json={"documents": {}}))

    assert asyncio.run(glean(network).standing("u-1")) is UploadStatus.UNLISTED


@pytest.mark.parametrize("start_time", UNREADABLE)
def test_an_upload_without_a_start_is_not_replaced_by_an_earlier_one(start_time: object) -> None:
    others = [an_upload("u-0", "SUCCESSFUL", EARLIER)]

    assert standing(an_upload("u-1", "ACTIVE", start_time), *others) is UploadStatus.OPEN


@pytest.mark.parametrize(
    "other",
    [
        an_upload("u-0", "FAILED", EARLIER),
        an_upload("u-0", "SUCCESSFUL", 1_764_000_000),
        {"uploadId": "u-0", "status": None},
    ],
    ids=["status", "start", "no status"],
)
def test_another_upload_in_another_form_is_passed_over(other: dict[str, object]) -> None:
    assert standing(an_upload("u-1"), other) is UploadStatus.OPEN


def test_a_history_of_null_lists_nothing() -> None:
    network = Network(httpx.Response(200, json={"documents": {"bulkUploadHistory": None}}))

    assert asyncio.run(glean(network).standing("u-1")) is UploadStatus.UNLISTED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"documents": {"bulkUploadHistory": [{"uploadId": "\xff", "status": "ACTIVE"}]}}',
    ],
)
def test_a_history_that_cannot_be_read_may_pass(body: bytes) -> None:
    network = Network(httpx.Response(200, content=body))

    with pytest.raises(UpstreamError, match="debug/notes/status") as error:
        asyncio.run(glean(network).standing("u-1"))

    assert error.value.is_transient


# What it holds


def test_glean_is_asked_what_it_holds_at_the_datasources_status() -> None:
    network = Network(a_count("u-1", 3, uploaded=4))

    found = asyncio.run(glean(network).holdings("u-1"))

    assert network.lines == ["POST /api/index/v1/debug/notes/status"]
    deletions = {"u-1": Deletions.DONE}
    assert found == Holdings(3, 4, "INDEXING COMPLETED", is_indexed=True, deletions=deletions)


def test_glean_is_asked_to_process_this_datasource_and_no_other() -> None:
    """Without a name it would block the calls for all datasources."""
    network = Network(httpx.Response(200))

    asyncio.run(glean(network).process())

    (request,) = network.requests
    assert str(request.url) == f"{ROOT}/processalldocuments"
    assert msgspec.json.decode(request.content) == {"datasource": "notes"}


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "OK", '{"error": "no"}'])
def test_a_question_to_process_that_somebody_else_answers_may_be_asked_again(body: str) -> None:
    network = Network(httpx.Response(200, text=body))

    with pytest.raises(UpstreamError) as error:
        asyncio.run(glean(network).process())

    assert (error.value.is_transient, error.value.status) == (True, None)


def test_a_long_history_is_read_and_one_without_an_end_may_pass() -> None:
    uploads = [an_upload(f"u-{number}", "SUCCESSFUL", EARLIER) for number in range(20_000)]

    assert standing(*uploads, an_upload("u-x")) is UploadStatus.CLOSED
    with pytest.raises(UpstreamError, check=caused_by(Cause.TOO_LARGE)) as error:
        asyncio.run(glean(Network(history(*uploads * 4))).standing("u-1"))
    assert error.value.is_transient


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "", "OK", "{}", "[]"])
def test_what_glean_holds_is_not_told_by_somebody_else(body: str) -> None:
    with pytest.raises(UpstreamError) as error:
        asyncio.run(glean(Network(httpx.Response(200, text=body))).holdings("u-1"))

    assert error.value.is_transient
    assert ("login" in str(error.value)) == ("html" in body)
