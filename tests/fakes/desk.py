"""An executor at work, between a source and a Glean."""

import asyncio
from collections import deque
from collections.abc import Sequence

import httpx

from durable.connector.definition import AnyConnector
from durable.engine.clients import Clients
from durable.engine.executor import Executor
from durable.engine.ledger_book import LedgerBook
from durable.engine.platform import Platform
from durable.environment import Environment
from durable.machine.effects import (
    Event,
    Fetch,
    Fetched,
    Pack,
    Packed,
    RequestEffect,
    Send,
    Sent,
    Split,
)
from durable.machine.job import ReadContext
from durable.store.store import Store
from tests.fakes.bench import SET
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.host import a_host
from tests.fakes.source import a_crawl
from tests.fakes.storage import Storage


UPLOAD = "u-1"


def an_executor(
    connector: AnyConnector, environment: Environment, host: Platform, store: Store | None = None
) -> Executor:
    """Beside the ledger of a store, or one that has nothing yet."""
    store = store or Store(Storage())
    return Executor(connector, environment, host, LedgerBook(store, connector, environment))


class Desk:
    """Asks an executor for what the machine would ask for, of a page or of anything.

    Args:
        network: answers both.
        upload_id: empty for an INCREMENTAL job.
        connector: in place of the notes.
        variables: beside those that are needed.
    """

    def __init__(
        self,
        network: httpx.AsyncBaseTransport,
        upload_id: str = UPLOAD,
        connector: AnyConnector = NOTES,
        **variables: str,
    ) -> None:
        host = a_host(network)
        environment = an_environment(**{**SET, **variables})
        store = Store(Storage())
        self.ledger = store.ledger
        self.executor = an_executor(connector, environment, host, store)
        ends = self.executor.ends()
        assert isinstance(ends, Clients), ends
        self.ends = ends
        self.upload_id = upload_id

    def performed(self, effect: RequestEffect) -> Event:
        return self.carried(effect, a_crawl())

    def carried(self, effect: RequestEffect, crawl: ReadContext) -> Event:
        """As a part of another crawl than that of the documents."""
        return asyncio.run(self.executor.perform(effect, self.ends, crawl))

    def fetched(self) -> Fetched:
        event = self.performed(Fetch(0, None))
        assert isinstance(event, Fetched), event
        return event

    def packed(self, batch_bytes_max: int | None = None) -> Packed:
        """The page is read and cut."""
        self.fetched()
        is_upload = bool(self.upload_id)
        event = self.performed(
            Pack(0, self.upload_id, batch_bytes_max, is_all_sent=is_upload, lists_all=is_upload)
        )
        assert isinstance(event, Packed), event
        return event

    def sent(self) -> Sequence[Event]:
        """All that becomes of the page, batch after batch, as the machine would ask for it."""
        indices, events = deque(range(self.packed().batch_count)), list[Event]()
        while indices:
            event = self.performed(Send(0, indices.popleft()))
            events.append(event)
            if isinstance(event, Split):
                halves = () if event.half_index is None else (event.half_index,)
                indices.extendleft((*halves, event.batch_index))
            elif not isinstance(event, Sent):
                break
        return events
