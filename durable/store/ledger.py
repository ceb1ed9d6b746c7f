"""The ledger: what Glean has acknowledged, and what a crawl means to it. A part of the store.

One crawl at a time writes packs. As it lands, by single requests, its puts become rows; what an
upload brought becomes rows once Glean has closed it. A crawl that is given up leaves its puts in
doubt: Glean may have them or not.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from msgspec.structs import replace

from durable.machine.ledger import (
    Kind,
    LedgerRow,
    PagePack,
    Put,
    RowState,
    doubted,
    fold,
)
from durable.machine.ledger_head import KindState, LedgerHead, OpenCrawl
from durable.machine.seen import Seen
from durable.store.gone_lists import GoneLists, GonePart
from durable.store.ledger_rows import GoneRow, LedgerRows
from durable.store.packs import Packs
from durable.store.sql import Query, read_summary, write_summary


HEAD = "ledger"
RANGE_ROWS = 10_000  # that are compared at a time
RANGES = 5  # of one step
APPLIED_TOGETHER = 5_000  # packs and rows of one step


class Ledger:
    """Of one connector.

    Args:
        query: the store's, so that all is written together.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self._rows = LedgerRows(query)
        self._packs = Packs(query)
        self.gone = GoneLists(query)
        self._head: LedgerHead | None = None
        self._seen: Seen | None = None

    @property
    def head(self) -> LedgerHead:
        if self._head is None:
            self._head = read_summary(self._query, HEAD, LedgerHead)
        return self._head

    def state(self, kind: Kind) -> KindState:
        return self.head.kinds.get(kind, KindState())

    def has_crawl(self, job_id: str, kind: Kind, at_ms: int) -> bool:
        """Whether the packs are those of this crawl."""
        crawl = self.head.crawl
        wanted = job_id, kind, at_ms
        return crawl is not None and (crawl.job_id, crawl.kind, crawl.at_ms) == wanted

    def begin(
        self,
        crawl: OpenCrawl,
        destination: str,
        doubts_max: int,
        kept: Iterable[int],
        landed_count: Callable[[OpenCrawl], int],
    ) -> None:
        """Make place for a crawl's packs; does nothing where they are its own already.

        Args:
            crawl: that is about to read its first page.
            destination: of what it brings: of another one, the ledger tells nothing.
            doubts_max: if an earlier one has left more in doubt, all rows are in doubt.
            kept: the crawls whose lists of what is gone are still needed.
            landed_count: how many pages an earlier crawl has landed; 0: nobody knows.
        """
        if self.has_crawl(crawl.job_id, crawl.kind, crawl.at_ms):
            return
        self._settle(crawl.at_ms, doubts_max, landed_count)
        if self.head.destination not in {"", destination}:
            for kind in Kind:  # of one that was never replaced there may be rows, too
                self.distrust(kind, crawl.at_ms)
            self._put_head(replace(self.head, since_ms=crawl.at_ms, is_ours=False))
        self.gone.keep(kept)
        self._put_head(replace(self.head, destination=destination, crawl=crawl))

    def distrust(self, kind: Kind, at_ms: int) -> None:
        """What earlier crawls have written of this kind is in doubt, and sent again."""
        kinds = {**self.head.kinds, kind: KindState(trusted_from_ms=at_ms)}
        self._put_head(replace(self.head, kinds=kinds))

    def look_up(self, kind: Kind, keys: Iterable[str]) -> dict[str, LedgerRow]:
        return self._rows.look_up(kind, keys, self.state(kind).trusted_from_ms)

    def is_lost(self, kind: Kind, doubts_max: int) -> bool:
        """Whether an upload leaves nothing certain of a kind, if another crawl begins now."""
        crawl = self.head.crawl
        if crawl is None or crawl.kind is not kind or not crawl.is_upload:
            return False
        counts = accumulate(len(pack.puts) for pack in self._packs.all())
        return crawl.is_closing or any(count > doubts_max for count in counts)

    def count(self, kind: Kind, since_ms: int = 0) -> int:
        return self._rows.count(kind, since_ms)

    def claim(self) -> None:
        """All that Glean has in the datasource was brought from here, or is known."""
        self._put_head(replace(self.head, is_ours=True))

    def unconfirmed_count(self, kind: Kind) -> int:
        return self._rows.unconfirmed_count(kind)

    def number_next(self) -> int:
        """The first number that no row and no pack has."""
        return max(self.head.number_next, self._packs.number_next())

    def add_pack(self, page: int, pack: PagePack) -> None:
        """Remember what is about to be sent of a page, before it is."""
        self._packs.add(page, pack)

    def amend_pack(self, page: int, pack: PagePack) -> None:
        """The same, once Glean has refused some of it."""
        self._packs.amend(page, pack)
        self._seen = None

    def has_seen(self, page_count: int, key: str, row: LedgerRow | None) -> bool:
        """Whether the crawl has come by this key before.

        Args:
            page_count: that have landed; later pages are under way.
            key: folded.
            row: that it has; None: none.
        """
        crawl = self.head.crawl
        if crawl is None:
            return False
        seen = self._seen_by(crawl, page_count)
        if row is None:  # nor does it have one if Glean has refused it
            return key in seen.deleted_keys or key in seen.rejected_ids
        return key in seen.deleted_keys or seen.has(row.put.number)

    def see(self, pack: PagePack) -> None:
        """A page has landed that may have been under way when this was gathered."""
        if self._seen is not None:
            self._seen.add(pack)

    def land(self, kind: Kind, pack: PagePack, crawl_at_ms: int) -> None:
        """A page is in Glean, by single requests."""
        self._rows.put(kind, pack.puts, RowState.CONFIRMED, crawl_at_ms)
        self._rows.remove(kind, pack.deleted_keys)

    def doubt_lost_tries(self, page_count: int) -> None:
        """A turn begins: what an earlier one had under way may be in Glean, or not.

        What an upload has of it is settled once that is closed.
        """
        crawl, self._seen = self.head.crawl, None
        if crawl is None or crawl.is_upload:
            return
        lost = list(self._packs.after_page(page_count))
        if lost:
            self._put_head(replace(self.head, number_next=self.number_next()))
            self._doubt(crawl, lost)
            self._packs.forget_after_page(page_count)

    def mark_closing(self) -> None:
        """From now on Glean may have closed the upload."""
        if (crawl := self.head.crawl) is not None and not crawl.is_closing:
            self._put_head(replace(self.head, crawl=replace(crawl, is_closing=True)))

    def gone_part(self, page_count: int, after: str, *, is_patient: bool) -> GonePart:
        """What Glean has and the crawl has not seen, of the keys that come next.

        What was rejected, the source still has: an upload deletes it all the same, and tells so.

        Args:
            page_count: of the crawl.
            after: the key up to which the ledger was compared.
            is_patient: what the FULL crawl before this one has seen, is left for the next one.
        """
        crawl = self.head.crawl
        assert crawl is not None, "a crawl is compared while there is one"
        seen = self._seen_by(crawl, page_count)
        rows: list[GoneRow] = []
        waiting: list[str] = []
        listed: set[str] = set()
        outdated_count = 0
        last: str | None = after
        for _ in range(RANGES):
            numbers, last = self._rows.numbers_after(crawl.kind, after, RANGE_ROWS)
            if last is None:
                # What Glean has refused itself, the crawl has seen.
                refused = self.look_up(crawl.kind, map(fold, seen.rejected_keys))
                outdated_count += sum(seen.has(row.put.number) for row in refused.values())
                self._seen = None
                break
            missing = [number for number in numbers if not seen.has(number)]
            for row in self._rows.numbered(crawl.kind, after, last, missing):
                is_listed = seen.may_be_rejected(row.id, row.record_key or row.id)
                if is_listed and not crawl.is_upload:
                    outdated_count += 1
                elif is_patient and not row.was_missing and not crawl.is_upload:
                    waiting.append(row.key)
                else:
                    rows.append(row)
                    listed |= {row.key} if is_listed else set()
            after = last
        self._rows.mark_missing(crawl.kind, waiting)
        told = frozenset(listed), "" in seen.rejected_keys
        return GonePart(rows, len(waiting), outdated_count, last, *told)

    def apply(self, page_count: int, after: int, state: KindState) -> int | None:
        """Make rows of some of what a closed upload brought.

        Args:
            page_count: of the crawl.
            after: what the step before gave; 0 at first.
            state: of the kind, once all of it is there.

        Returns:
            Where the next step goes on; None: all is done. A step may be repeated.
        """
        crawl = self.head.crawl
        assert crawl is not None, "an upload's crawl is kept until it is applied"
        lost, count = list(self._packs.lost(page_count)), 0
        staged = {number for pack in lost for number in pack.seen}
        for number, pack in self._packs.landed(page_count, after):
            # A lost try may have staged them as they were before.
            again = [put.number for put in pack.puts if put.number in staged]
            self._rows.unconfirm_numbers(crawl.kind, again, crawl.at_ms)
            self._rows.put(
                crawl.kind, pack.puts, RowState.CONFIRMED, crawl.at_ms, is_in_any_order=True
            )
            count += 1 + len(pack.puts)
            if count >= APPLIED_TOGETHER:
                return number
        if lost:
            self._doubt(crawl, lost)
            unseen = self._unseen(crawl, page_count, lost)
            self._rows.unconfirm_numbers(crawl.kind, unseen, crawl.at_ms)
        gone = (row.key for row in self.gone.rows(crawl.at_ms))
        self._rows.remove(crawl.kind, gone, but_of_ms=crawl.at_ms)
        self.gone.forget(crawl.at_ms)
        trusted_from_ms = self.state(crawl.kind).trusted_from_ms
        state = replace(state, trusted_from_ms=trusted_from_ms)
        kinds = {**self.head.kinds, crawl.kind: state}
        self._put_head(replace(self.head, number_next=self.number_next(), kinds=kinds, crawl=None))
        self._packs.drop()
        self._seen = None
        return None

    def _settle(
        self, now_ms: int, doubts_max: int, landed_count: Callable[[OpenCrawl], int]
    ) -> None:
        """What an earlier crawl has left behind, when it has come to no end of its own."""
        crawl, number_next = self.head.crawl, self.number_next()
        if crawl is not None and self.is_lost(crawl.kind, doubts_max):
            self.distrust(crawl.kind, now_ms)
        elif crawl is not None:
            landed = 0 if crawl.is_upload else landed_count(crawl)
            self._doubt(crawl, list(self._packs.after_page(landed)))
        self._put_head(replace(self.head, number_next=number_next, crawl=None))
        self._packs.drop()
        self._seen = None

    def _doubt(self, crawl: OpenCrawl, packs: Sequence[PagePack]) -> None:
        puts: dict[str, Put] = {}
        for put in (put for pack in packs for put in pack.puts):
            before = puts.get(put.key)
            row = None if before is None else LedgerRow(before, is_trusted=False)
            puts[put.key] = doubted(row, put)
        known = self.look_up(crawl.kind, puts)
        doubts = (doubted(known.get(key), put) for key, put in puts.items())
        self._rows.put(crawl.kind, doubts, RowState.UNCONFIRMED, crawl.at_ms)
        deleted = {key for pack in packs for key in pack.deleted_keys}
        self._rows.unconfirm(crawl.kind, deleted, crawl.at_ms)

    def _seen_by(self, crawl: OpenCrawl, page_count: int) -> Seen:
        if self._seen is None or self._seen.at_ms != crawl.at_ms:
            self._seen = seen = Seen(crawl.at_ms)
            for pack in self._packs.seen(page_count):
                seen.add(pack)
        return self._seen

    def _unseen(self, crawl: OpenCrawl, page_count: int, lost: Iterable[PagePack]) -> list[int]:
        """Numbers that only tries saw which came to nothing."""
        seen = self._seen_by(crawl, page_count)
        return [number for pack in lost for number in pack.seen if not seen.has(number)]

    def _put_head(self, head: LedgerHead) -> None:
        if head != self._head:
            self._head = head
            write_summary(self._query, HEAD, head)
