"""A job whose requests were too large for Glean once, and what it reads after that."""

import asyncio

import httpx
import pytest

from durable.ends import Ends
from durable.events import Fetch, Pack, Packed
from durable.executor import Executor
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.network import Network
from tests.fakes.source import a_crawl


ENVIRONMENT = an_environment(
    GLEAN_SERVER_URL="https://glean.example", GLEAN_INDEXING_API_TOKEN="t0ken"
)


def packed(texts: list[str], batch_bytes_max: int | None) -> Packed:
    items = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    network = Network(httpx.Response(200, json={"items": items, "next_cursor": None}))
    host = a_host(network)
    executor = Executor(NOTES, ENVIRONMENT, host)
    ends = executor.ends()
    assert isinstance(ends, Ends)
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


def test_a_document_above_the_lowered_size_is_still_sent() -> None:
    """Of a request of 3 MB that was refused, half is 1.5 MB; a document of 2 MB may be taken."""
    page = packed(["x" * 600, "x" * 2_000], batch_bytes_max=1_500)

    assert (page.document_count, page.reject_count) == (2, 0)
