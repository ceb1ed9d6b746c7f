"""Sources, read without a job."""

import asyncio

import httpx

from durable.environment import Environment
from durable.http.context import SourceContext
from durable.http.token_cache import Tokens
from durable.machine.job import Mode, ReadContext, Stage
from durable.sources.source import Reader, Records, Source
from tests.fakes.bench import NOW_MS
from tests.fakes.connections import Connections
from tests.fakes.environment import an_environment


def context(
    network: httpx.AsyncBaseTransport,
    environment: Environment | None = None,
    page_bytes_max: int = 100_000,
    tokens: Tokens | None = None,
) -> SourceContext:
    return SourceContext(
        environment=environment or an_environment(),
        transport=Connections(network),
        now_ms=lambda: NOW_MS,
        page_bytes_max=page_bytes_max,
        tokens=tokens or Tokens(),
    )


def a_crawl(since_ms: int | None = None) -> ReadContext:
    mode = Mode.FULL if since_ms is None else Mode.INCREMENTAL
    return ReadContext("notes-1", mode, Stage.DOCUMENTS, since_ms)


def read(reader: Reader, cursor: str | None = None, since_ms: int | None = None) -> Records:
    return asyncio.run(reader.fetch(cursor, a_crawl(since_ms)))


def page_of(
    source: Source,
    network: httpx.AsyncBaseTransport,
    cursor: str | None = None,
    since_ms: int | None = None,
    **variables: str,
) -> Records:
    """One page of the source."""
    reader = source.reader(context(network, an_environment(**variables)))
    return read(reader, cursor, since_ms)
