"""A page compared with what Glean has. Pure."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec import Struct
from msgspec.structs import replace

from durable.machine.ledger import LedgerRow, PagePack, Put, doubted, former_types, is_same
from durable.machine.pages import ChangeCounts


class Candidate(Struct, frozen=True):
    """One change of a page, as the ledger looks at it."""

    put: Put  # without a number
    is_deletion: bool = False


class Compared(Struct, frozen=True):
    """A page's changes beside the ledger, by their index."""

    pack: PagePack
    to_send: frozenset[int]  # what differs
    access: frozenset[int]  # of these, where Glean has all but who may see it, for certain
    exposed: frozenset[int]  # likewise, where it may show an older version to others than this one
    former_types: Mapping[int, tuple[str, ...]]  # under which it is to be deleted before
    respelt: tuple[int, ...]  # ids that the crawl has seen in another spelling
    superseded: frozenset[int]  # the page has another change of the same id that holds
    numbers: Mapping[str, int]  # by key
    put_indexes: Mapping[str, int]  # by key: of the change that each put of the pack is of
    doubts: Mapping[str, Put]  # by key: what is known of it if any of its requests is refused
    changes: ChangeCounts


def compare(  # noqa: PLR0913 - what a page is looked at beside
    candidates: Sequence[Candidate],
    known: Mapping[str, LedgerRow],
    number_next: int,
    has_seen: Callable[[str, LedgerRow | None], bool],
    *,
    is_full: bool,
    is_whole: bool = False,
    is_newest_first: bool = False,
    is_in_any_order: bool = False,
) -> Compared:
    """Find what of a page differs from what Glean has.

    Of several changes of one id, the one that holds is sent and no other: how long a page takes
    does not depend on how often it names a thing.

    Args:
        candidates: in the order of the page.
        known: the rows of these keys, with what is under way.
        number_next: the first number that is free.
        has_seen: whether the crawl has come by a key, which has this row, before the page.
        is_full: the list has all there is. What is deleted in it counts as not listed.
        is_whole: what has no row, Glean does not have.
        is_newest_first: of two changes of one thing, the first one is the newer.
        is_in_any_order: pages go side by side, so that of two, either may be in Glean.
    """
    page = _Page(
        dict(known),
        number_next,
        has_seen,
        is_full=is_full,
        is_whole=is_whole,
        is_in_any_order=is_in_any_order,
    )
    newest = _newest(candidates, is_newest_first=is_newest_first)
    for index, candidate in enumerate(candidates):
        if newest[candidate.put.id] != index:
            page.supersede(index)
        elif is_newest_first and page.has_newer(candidate.put.key):
            page.unchanged_count += 1
        elif candidate.is_deletion:
            page.delete(index, candidate.put)
        else:
            page.put(index, candidate.put)
    return page.compared()


def _newest(candidates: Sequence[Candidate], *, is_newest_first: bool) -> dict[str, int]:
    """The index of the change that holds, by id."""
    indexes = [(candidate.put.id, index) for index, candidate in enumerate(candidates)]
    return dict(reversed(indexes) if is_newest_first else indexes)


class _Page:
    """A page while it is compared. Its rows are as they will be once all before is in Glean."""

    def __init__(  # noqa: PLR0913 - what a page is looked at beside
        self,
        rows: dict[str, LedgerRow],
        number_next: int,
        has_seen: Callable[[str, LedgerRow | None], bool],
        *,
        is_full: bool,
        is_whole: bool,
        is_in_any_order: bool,
    ) -> None:
        self._rows = rows
        self._number_next = number_next
        self._has_seen = has_seen
        self._is_full = is_full
        self._is_whole = is_whole
        self._is_in_any_order = is_in_any_order
        self._keys: set[str] = set()
        self._numbers: dict[str, int] = {}  # of what the page lists
        self._puts: dict[str, Put] = {}
        self._put_indexes: dict[str, int] = {}
        self._deleted: dict[str, None] = {}
        self._asked: dict[str, Put] = {}
        self._doubts: dict[str, Put] = {}
        self._superseded: set[int] = set()
        self._to_send: list[int] = []
        self._access: list[int] = []
        self._exposed: list[int] = []
        self._former_types: dict[int, tuple[str, ...]] = {}
        self._respelt: list[int] = []
        self._counts = dict.fromkeys(("added", "changed", "access", "rewritten"), 0)
        self.unchanged_count = 0

    def has_newer(self, key: str) -> bool:
        return key in self._keys or self._has_seen(key, self._rows.get(key))

    def supersede(self, index: int) -> None:
        self._superseded.add(index)
        self.unchanged_count += 1

    def delete(self, index: int, put: Put) -> None:
        row = self._rows.get(put.key)
        if self._is_full and row is not None and row.put.id != put.id:
            return  # of another record, whose id is spelt otherwise
        self._keys.add(put.key)
        self._rows.pop(put.key, None)
        self._numbers.pop(put.key, None)
        if self._is_full:
            return
        # A put before it stays in the pack: that may be all of the page that is ever sent.
        self._deleted[put.key] = None
        if row is None and self._is_whole:
            self.unchanged_count += 1
            return
        self._send(index, put, row)

    def put(self, index: int, put: Put) -> None:
        row = self._rows.get(put.key)
        if self._is_full and row is not None and row.put.id != put.id and self.has_newer(put.key):
            self._respelt.append(index)
            return
        is_again = self._is_in_any_order and row is not None and self.has_newer(put.key)
        self._keys.add(put.key)
        number = self._number_next if row is None else row.put.number
        self._number_next += row is None
        self._numbers[put.key] = number
        if row is not None and row.is_trusted and is_same(row.put, put):
            self.unchanged_count += 1
            self._ask(replace(put, number=number), row)  # an upload brings it all the same
            if row.is_missing or is_again:  # there again, or beside another version
                self._put(index, replace(put, number=number))
            return
        put = replace(put, number=number)
        self._counts[_change(row, put)] += 1
        if self._has_content(row, put):
            self._access.append(index)
        if self._is_exposed(row, put):
            self._exposed.append(index)
        if row is not None and row.is_trusted and row.put.content != put.content:
            self._counts["rewritten"] += 1
        self._send(index, put, row)
        self._put(index, self._asked[put.key] if is_again else put)

    def _has_content(self, row: LedgerRow | None, put: Put) -> bool:
        """Whether Glean certainly has all of it but for who may see it, and under this type alone.

        What an earlier page brought, Glean may refuse yet.
        """
        if self._is_in_any_order or row is None or former_types(row.put, put):
            return False
        return _change(row, put) == "access" and not self._has_seen(put.key, row)

    def _is_exposed(self, row: LedgerRow | None, put: Put) -> bool:
        """An upload shows nothing that is not in it, and only documents have permissions."""
        if row is None or self._is_in_any_order:
            return False
        return bool(put.access) and row.put.access != put.access

    def _send(self, index: int, put: Put, row: LedgerRow | None) -> None:
        self._to_send.append(index)
        former = () if row is None else former_types(row.put, put)
        if former:
            self._former_types[index] = former
        before = self._asked.get(put.key)
        if row is not None or before is not None or put.content:
            number = row.put.number if row else before.number if before else put.number
            # An upload deletes nothing before it: the one request is taken or not.
            is_several = bool(former) and not self._is_in_any_order
            self._ask(replace(put, number=number), row, is_several=is_several)

    def _ask(self, put: Put, row: LedgerRow | None, *, is_several: bool = False) -> None:
        """Of several requests for one thing, Glean may take some and refuse others."""
        before = self._asked.get(put.key)
        asked = doubted(row, replace(put, content="", access=""))
        if before is not None:
            asked = doubted(LedgerRow(before, is_trusted=False), asked)
        self._asked[put.key] = asked
        if is_several or before is not None:
            self._doubts[put.key] = asked

    def _put(self, index: int, put: Put) -> None:
        self._deleted.pop(put.key, None)
        self._puts[put.key] = put
        self._put_indexes[put.key] = index
        self._rows[put.key] = LedgerRow(put, is_trusted=True)

    def compared(self) -> Compared:
        pack = PagePack(
            tuple(self._numbers.values()),
            tuple(self._puts.values()),
            tuple(self._deleted),
            number_next=self._number_next,
        )
        changes = ChangeCounts(unchanged=self.unchanged_count, **self._counts)
        return Compared(
            pack,
            frozenset(self._to_send),
            frozenset(self._access),
            frozenset(self._exposed),
            self._former_types,
            tuple(self._respelt),
            frozenset(self._superseded),
            self._numbers,
            self._put_indexes,
            self._doubts,
            changes,
        )


def without(
    pack: PagePack,
    keys: AbstractSet[str],
    numbers: Mapping[str, int],
    doubts: Mapping[str, Put],
    *,
    is_upload: bool,
) -> PagePack:
    """A page's pack once some of it was rejected.

    By single requests, Glean keeps the older version; an upload deletes what is not in it.

    Args:
        pack: of the page.
        keys: that were rejected.
        numbers: of all of its keys.
        doubts: of things that the page has several requests for, by key.
        is_upload: whether it is a page of one.
    """
    lost = {numbers[key] for key in keys if key in numbers} if is_upload else set[int]()
    return replace(
        pack,
        seen=tuple(number for number in pack.seen if number not in lost),
        puts=(
            *(put for put in pack.puts if put.key not in keys),
            *(put for key, put in doubts.items() if key in keys),
        ),
        deleted_keys=tuple(key for key in pack.deleted_keys if key not in keys),
    )


def _change(row: LedgerRow | None, put: Put) -> str:
    """How a put differs from what the ledger has: a field of `ChangeCounts`."""
    if row is None:
        return "added"
    is_alike = (row.put.type, row.put.content) == (put.type, put.content)
    return "access" if row.is_trusted and is_alike else "changed"
