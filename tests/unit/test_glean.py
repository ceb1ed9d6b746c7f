import asyncio

import httpx
import msgspec
import pytest

from durable.batches import Batch, Endpoint
from durable.environment import Secret
from durable.errors import UpstreamError
from durable.glean import Glean
from durable.upstream import Upstream
from tests.fakes.network import Network


ROOT = "https://acme-be.glean.com/api/index/v1"


def glean(network: Network) -> Glean:
    return Glean(Upstream("Glean", network, Secret("TOKEN", "t0ken")), ROOT, "notes")


def history(*uploads: tuple[str, str]) -> httpx.Response:
    entries = [
        {"uploadId": upload_id, "status": status, "startTime": "…", "processingState": "…"}
        for upload_id, status in uploads
    ]
    documents = {"bulkUploadHistory": entries, "counts": {}}
    return httpx.Response(200, json={"documents": documents, "identity": {}})


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


@pytest.mark.parametrize("endpoint", Endpoint)
def test_a_batch_is_posted_to_its_endpoint_as_it_is(endpoint: Endpoint) -> None:
    network = Network(httpx.Response(200))

    asyncio.run(glean(network).send(Batch(endpoint=endpoint, body=b'{"as": "it is"}')))

    (request,) = network.requests
    assert str(request.url) == ROOT + endpoint.value
    assert request.headers["content-type"] == "application/json"
    assert request.content == b'{"as": "it is"}'


@pytest.mark.parametrize(
    ("answer", "is_closed"),
    [
        (history(("u-1", "SUCCESSFUL")), True),
        (history(("u-1", "ACTIVE")), False),
        (history(("u-0", "SUCCESSFUL"), ("u-2", "SUCCESSFUL")), False),
        (httpx.Response(200, json={"documents": {}}), False),
    ],
    ids=["closed", "still open", "others only", "no history"],
)
def test_glean_is_asked_whether_an_upload_is_closed(
    answer: httpx.Response, *, is_closed: bool
) -> None:
    network = Network(answer)

    assert asyncio.run(glean(network).is_closed("u-1")) is is_closed
    assert network.lines == ["POST /api/index/v1/debug/notes/status"]


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
        asyncio.run(glean(network).is_closed("u-1"))

    assert error.value.is_transient
