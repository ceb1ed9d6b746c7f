"""A job whose requests were too large for Glean once, and what it reads after that."""

import asyncio

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.engine.clients import Clients
from durable.glean.documents import Content, Document
from durable.limits import Limits
from durable.machine.effects import Fetch, Pack, Packed
from tests.fakes.bench import SET
from tests.fakes.connector import NOTES, Note, document
from tests.fakes.desk import an_executor
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.network import Network
from tests.fakes.source import a_crawl


MIB = 1024 * 1024


def packed(
    texts: list[str],
    batch_bytes_max: int | None,
    page_bytes_max: int = Limits().page_bytes_max,
    connector: AnyConnector = NOTES,
) -> Packed:
    items = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    network = Network(httpx.Response(200, json={"items": items, "next_cursor": None}))
    limits = msgspec.json.encode({"page_bytes_max": page_bytes_max}).decode()
    executor = an_executor(connector, an_environment(**SET, LIMITS=limits), a_host(network))
    ends = executor.ends()
    assert isinstance(ends, Clients)
    asyncio.run(executor.perform(Fetch(0, None), ends, a_crawl()))
    event = asyncio.run(executor.perform(Pack(0, "u-1", batch_bytes_max), ends, a_crawl()))
    assert isinstance(event, Packed)
    return event


@pytest.mark.parametrize(
    ("batch_bytes_max", "batch_count"), [(None, 1), (10_000_000, 1), (1_000, 4)]
)
def test_pages_are_cut_into_requests_of_the_lowered_size(
    batch_bytes_max: int | None, batch_count: int
) -> None:
    page = packed(["x" * 600] * 4, batch_bytes_max)

    assert (page.batch_count, page.reject_count) == (batch_count, 0)


@pytest.mark.parametrize("large", [3 * MIB, 6 * MIB, 12 * MIB])
def test_a_document_above_what_a_request_should_be_goes_alone_and_in_its_order(large: int) -> None:
    """A file of four megabytes is one of more than five in base64."""
    texts = ["x" * 600, "x" * large, "x" * 600, "x" * 600]
    page = packed(texts, None, page_bytes_max=16 * MIB)

    assert (page.batch_count, page.reject_count) == (1 if large < 5 * MIB else 3, 0)


@pytest.mark.parametrize(("times", "reject_count"), [(1, 0), (7, 1)])
def test_a_document_of_more_than_two_pages_is_rejected_unasked(
    times: int, reject_count: int
) -> None:
    def swollen(note: Note) -> Document:
        found = document(note)
        assert isinstance(found, Document)
        return replace(found, body=Content.text(note.text * times), title=note.id)

    connector = replace(NOTES, documents=replace(NOTES.documents, map=swollen))
    page = packed(["x" * 900_000], None, MIB, connector)

    assert (page.document_count, page.reject_count) == (1 - reject_count, reject_count)


def test_a_document_above_the_lowered_size_is_still_sent() -> None:
    """Of a request of 3 MB that was refused, half is 1.5 MB; a document of 2 MB may be taken."""
    page = packed(["x" * 600, "x" * 2_000], batch_bytes_max=1_500)

    assert (page.document_count, page.reject_count) == (2, 0)
