"""Ledgers that know something already."""

from collections.abc import Iterable

from msgspec.structs import replace

from durable.machine.ledger import Kind, PagePack, Put
from durable.machine.ledger_head import KindState, OpenCrawl
from durable.store.ledger import Ledger


EARLIER = "earlier"  # the job that brought it
BEGUN_MS = 1_000  # and when it began
WHOLE = KindState(replaced_at_ms=BEGUN_MS, fingerprint="f", recipe="r")
DOUBTS_MAX = 1_000


def a_put(
    key: str, number: int = 0, content: str = "c", access: str = "a", type_: str = "note"
) -> Put:
    """Spelt as its key is."""
    return Put(key, number, type_, content, access, key)


def learn(
    ledger: Ledger,
    puts: Iterable[Put],
    state: KindState = WHOLE,
    *,
    kind: Kind = Kind.DOCUMENT,
    at_ms: int = BEGUN_MS,
) -> None:
    """An upload of one page, that Glean has closed, brought all of these; their numbers are new."""
    crawl = OpenCrawl(EARLIER, kind, at_ms, is_upload=True)
    ledger.begin(crawl, ledger.head.destination, DOUBTS_MAX, (), lambda _crawl: 0)
    first = ledger.number_next()
    numbered = tuple(replace(put, number=place) for place, put in enumerate(puts, start=first))
    seen = tuple(put.number for put in numbered)
    ledger.add_pack(1, PagePack(seen, numbered, number_next=first + len(numbered)))
    after: int | None = 0
    while after is not None:
        after = ledger.apply(1, after, state)
