"""What a FULL crawl has not seen, as a source of deletions: the ledger's own list."""

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from durable.connector.stream import Stream
from durable.engine.clients import Clients
from durable.environment import Environment
from durable.glean.documents import Deletion
from durable.http.context import SourceContext
from durable.machine.job import ReadContext, Stage
from durable.machine.rate import Rate
from durable.sources.clock import Clock
from durable.sources.source import Reader, Records
from durable.store.ledger import Ledger


class GoneDocument(Struct, frozen=True):
    """One line of the list."""

    id: str
    type: str


class GoneReader(Reader):
    """Reads the list, a part of it as a page; the cursor is that part's number.

    Args:
        ledger: that has it.
        crawl_at_ms: when the crawl began that has not seen these.
    """

    def __init__(self, ledger: Ledger, crawl_at_ms: int) -> None:
        self._ledger = ledger
        self._crawl_at_ms = crawl_at_ms

    async def fetch(self, cursor: str | None, crawl: ReadContext) -> Records:  # noqa: ARG002
        """The part after the cursor. See `Reader`."""
        parts = self._ledger.gone.parts(self._crawl_at_ms, int(cursor or 0), 2)
        if not parts:
            return Records(records=[], next_cursor=None, byte_count=0, request_count=0)
        number, rows = parts[0]
        records = [Raw(msgspec.json.encode(GoneDocument(row.id, row.type))) for row in rows]
        return Records(
            records=records,
            next_cursor=str(number) if len(parts) > 1 else None,
            byte_count=sum(map(len, records)),
            request_count=0,
        )


class GoneSource:
    """The same, as a stream has its source.

    Args:
        ledger: that has the list.
        crawl_at_ms: when the crawl began.
    """

    rate: Rate | None = None
    kept_ms: int | None = None
    clock: Clock | None = None
    tells_changes = False
    has_moving_pages = False

    def __init__(self, ledger: Ledger, crawl_at_ms: int) -> None:
        self._ledger = ledger
        self._crawl_at_ms = crawl_at_ms

    def reader(self, context: SourceContext) -> Reader:  # noqa: ARG002 - it asks nobody
        return GoneReader(self._ledger, self._crawl_at_ms)

    def secrets(self) -> frozenset[str]:
        return frozenset()

    def locate(self, environment: Environment) -> str:  # noqa: ARG002 - as above
        return ""


def with_gone(ends: Clients, ledger: Ledger, crawl_at_ms: int) -> Clients:
    """A job's ends, where the deletions are those of the list."""
    stream = Stream(
        source=GoneSource(ledger, crawl_at_ms), key="id", record=GoneDocument, map=_deletion
    )
    return replace(
        ends,
        streams={**ends.streams, Stage.DELETIONS: stream},
        readers={**ends.readers, Stage.DELETIONS: GoneReader(ledger, crawl_at_ms)},
    )


def _deletion(gone: GoneDocument) -> Deletion:
    return Deletion(id=gone.id, object_type=gone.type)
