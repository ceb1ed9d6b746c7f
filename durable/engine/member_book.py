"""Keeps how many members groups have along with a job, and lists those that lose some."""

from collections.abc import Callable, Mapping
from hashlib import blake2b

from msgspec.structs import replace

from durable.machine.effects import Packed
from durable.machine.gone import Gone
from durable.machine.job import Job, Mode, Stage
from durable.machine.ledger import Kind
from durable.machine.members import GroupSize, lost_count, lost_of, sizes_by_key
from durable.machine.window import landed_pages
from durable.store.ledger_rows import GoneRow
from durable.store.store import Store


DIGEST_BYTES = 8  # of a list: a person compares them
GROUP = "group"  # the type of a row of the list


class MemberBook:
    """Of one turn. All that it writes commits with the job.

    Args:
        store: the object's memory.
    """

    def __init__(self, store: Store) -> None:
        self._sizes = store.group_sizes
        self._ledger = store.ledger
        self._known: dict[str, GroupSize] | None = None  # read once, and by these jobs alone

    def weighed(
        self, job: Job, packed: Packed, sizes_of: Callable[[int], Mapping[str, int]]
    ) -> Packed:
        """A page of groups, with how many members they lose."""
        if job.stage is not Stage.MEMBERSHIPS:
            return packed
        allowed = {row.key: row.count for row in self._approved(job)}
        count = lost_count(sizes_by_key(sizes_of(packed.page_index)), self._all_known(), allowed)
        return replace(packed, lost_member_count=count)

    def record(self, before: Job, after: Job, sizes_of: Callable[[int], Mapping[str, int]]) -> None:
        """Write what a step means to the sizes of groups.

        Args:
            before: the job.
            after: the same, after the step.
            sizes_of: the members of a page's groups, by the page's index.
        """
        if before.stage is not Stage.MEMBERSHIPS:
            return
        crawl_at_ms, is_full = before.crawl.begun_at_ms, before.mode is Mode.FULL
        for index in landed_pages(before, after):
            sizes = sizes_by_key(sizes_of(index))
            if is_full:
                if index == 0:
                    self._sizes.prune(crawl_at_ms)
                self._sizes.add(crawl_at_ms, index + 1, sizes)
            elif not before.crawl.is_withheld and not after.crawl.is_withheld:
                self._change(sizes)
        if is_full and len(after.done) > len(before.done):
            self._keep(crawl_at_ms)

    def list_lost(self, job: Job) -> Gone:
        """The groups that have lost members: listed as a person may approve of them."""
        crawl_at_ms, known = job.crawl.begun_at_ms, self._all_known()
        approved = {row.key: row.count for row in self._approved(job)}
        sizes = self._sizes.of(crawl_at_ms)
        rows = [
            GoneRow(
                key,
                GROUP,
                size.name,
                title=f"{size.count} of {known[key].count} members are left",
                count=size.count,
            )
            for key, size in sorted(sizes.items())
            if lost_of(size, known.get(key))
        ]
        self._ledger.gone.add(crawl_at_ms, rows)
        told = "".join(f"{row.key} {row.count}\n" for row in rows)
        digest = blake2b(told.encode(), digest_size=DIGEST_BYTES).hexdigest()
        new_count = sum(row.count < approved.get(row.key, row.count + 1) for row in rows)
        return Gone(len(rows), new_count, is_whole=True, digest=digest)

    def _change(self, sizes: Mapping[str, GroupSize]) -> None:
        known = self._all_known()
        changed = {key: size for key, size in sizes.items() if known.get(key) != size}
        if known and changed:  # without a FULL crawl, nobody knows how many there are
            self._sizes.change(changed)
            known |= changed

    def _keep(self, crawl_at_ms: int) -> None:
        """What a crawl has brought, and of what it has not, the groups that there still are."""
        left = self._all_known().keys() - self._sizes.of(crawl_at_ms).keys()
        there = self._ledger.look_up(Kind.GROUP, left)
        self._sizes.keep(crawl_at_ms, {key: self._all_known()[key] for key in there})
        self._known = None

    def _all_known(self) -> dict[str, GroupSize]:
        if self._known is None:
            self._known = self._sizes.known()
        return self._known

    def _approved(self, job: Job) -> list[GoneRow]:
        crawl_at_ms = job.approved.get(Stage.MEMBERSHIPS)
        return [] if crawl_at_ms is None else list(self._ledger.gone.rows(crawl_at_ms))
