"""What a FULL crawl has not seen, as a source of deletions."""

import asyncio

import msgspec
import pytest

from durable.connector.context import Contexts
from durable.connector.mapping import changes
from durable.engine.clients import Clients
from durable.engine.gone_source import GoneReader, GoneSource, with_gone
from durable.glean.documents import Deletion
from durable.machine.job import Mode, Stage
from durable.store.gone_lists import TOGETHER
from durable.store.ledger import Ledger
from durable.store.ledger_rows import GoneRow
from durable.store.store import Store
from tests.fakes.connector import NOTES
from tests.fakes.desk import Desk
from tests.fakes.environment import an_environment
from tests.fakes.network import Network
from tests.fakes.source import a_crawl
from tests.fakes.storage import Storage


AT_MS = 5


@pytest.fixture
def ledger() -> Ledger:
    return Store(Storage()).ledger


def listed(ledger: Ledger, count: int) -> list[GoneRow]:
    rows = [GoneRow(f"k{n:05}", "note", f"K{n:05}", "record") for n in range(count)]
    ledger.gone.add(AT_MS, rows)
    return rows


def read(ledger: Ledger) -> list[list[str]]:
    """The ids, page by page."""
    reader, cursor, pages = GoneReader(ledger, AT_MS), None, list[list[str]]()
    while True:
        page = asyncio.run(reader.fetch(cursor, a_crawl()))
        pages.append([msgspec.json.decode(record)["id"] for record in page.records])
        assert page.byte_count == sum(map(len, page.records))
        cursor = page.next_cursor
        if cursor is None:
            return pages


@pytest.mark.parametrize("count", [1, TOGETHER, TOGETHER + 1, 2 * TOGETHER])
def test_a_list_is_read_a_part_a_page_and_ends_with_the_last(ledger: Ledger, count: int) -> None:
    rows = listed(ledger, count)

    pages = read(ledger)

    assert [one for page in pages for one in page] == [row.id for row in rows]
    assert len(pages) == -(-count // TOGETHER)


def test_a_list_that_is_not_there_has_one_empty_page(ledger: Ledger) -> None:
    assert read(ledger) == [[]]


def test_the_list_of_another_crawl_is_none_of_it(ledger: Ledger) -> None:
    ledger.gone.add(AT_MS + 1, [GoneRow("a", "note", "a")])

    assert read(ledger) == [[]]


def clients(ledger: Ledger) -> Clients:
    return with_gone(Desk(Network()).ends, ledger, AT_MS)


def test_what_is_listed_becomes_deletions_as_they_are_spelt_and_typed(ledger: Ledger) -> None:
    ledger.gone.add(AT_MS, [GoneRow("a", "page", "A"), GoneRow("b", "note", "b")])
    ends = clients(ledger)
    page = asyncio.run(ends.readers[Stage.DELETIONS].fetch(None, a_crawl()))

    mapped = changes(
        ends.streams[Stage.DELETIONS],
        Stage.DELETIONS,
        page,
        [],
        Contexts(NOTES, an_environment(), Mode.FULL),
    )

    assert [one.change for one in mapped] == [
        Deletion(id="A", object_type="page"),
        Deletion(id="b", object_type="note"),
    ]


def test_all_other_stages_stay_as_they_are(ledger: Ledger) -> None:
    before, after = Desk(Network()).ends, clients(ledger)

    assert after.streams[Stage.DOCUMENTS] == before.streams[Stage.DOCUMENTS]
    assert set(after.readers) == {*before.readers, Stage.DELETIONS}


def test_it_asks_nobody_and_needs_nothing(ledger: Ledger) -> None:
    source = GoneSource(ledger, AT_MS)

    assert (source.secrets(), source.locate(an_environment())) == (frozenset(), "")
    assert (source.rate, source.kept_ms, source.clock) == (None, None, None)
