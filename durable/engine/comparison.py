"""A page's changes beside the ledger, before they are cut into requests."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

from msgspec import UNSET, Struct
from msgspec.structs import replace

from durable.connector.stream import AnyStream
from durable.engine.members import with_doubts
from durable.glean.batches import document_count
from durable.glean.digests import digests_of, document_digests, encode
from durable.glean.documents import Deletion, Document, EncodedDocument
from durable.glean.identities import Members
from durable.glean.mapped_record import MappedRecord
from durable.machine.ledger import Kind, LedgerRow, PagePack, Put, fold
from durable.machine.page_changes import Candidate, Compared, compare, without
from durable.machine.pages import ChangeCounts
from durable.machine.rejects import Reject, RejectCode


TEXT_CHARACTERS_MAX = 200  # of a title or an address: for a person, in a list
UNSTORABLE_ID = "its id has a secret of this deployment in it"
RESPELT = (
    "another record's id is the same but for upper and lower case, and Glean takes them as one"
)


class LedgerView(Protocol):
    """What of the ledger a page is compared with, pages under way included."""

    def look_up(self, kind: Kind, keys: Iterable[str]) -> dict[str, LedgerRow]: ...
    def number_next(self) -> int: ...
    def is_whole(self, kind: Kind) -> bool: ...
    def has_seen(self, key: str, row: LedgerRow | None) -> bool: ...


class LedgerPage(Struct, frozen=True):
    """What a page is to the ledger."""

    pack: PagePack
    numbers: Mapping[str, int]  # of its keys
    doubts: Mapping[str, Put]  # of those that it has several requests for
    changes: ChangeCounts
    is_upload: bool
    kind: Kind
    access: frozenset[int] = frozenset()  # places of changes whose permissions alone will do
    # By place: what is to be sent instead of it if it is rejected, for others may see it.
    withdrawals: Mapping[int, Deletion] = {}

    def without(self, ids: Iterable[str]) -> "LedgerPage":
        """Once some of it was rejected."""
        keys = {fold(one) for one in ids}
        pack = without(self.pack, keys, self.numbers, self.doubts, is_upload=self.is_upload)
        return replace(self, pack=pack) if keys else self

    def with_withdrawn(self, ids: Iterable[str]) -> "LedgerPage":
        """Once the older versions of some that were rejected are deleted, or are about to be."""
        # Of several requests for one thing, another one may bring it yet.
        keys = dict.fromkeys(key for one in ids if (key := fold(one)) not in self.doubts)
        deleted = tuple(dict.fromkeys(chain(self.pack.deleted_keys, keys)))
        return replace(self, pack=replace(self.pack, deleted_keys=deleted))

    def with_rejected(self, record_keys: Iterable[str]) -> "LedgerPage":
        """With what the source lists, and could not be used."""
        listed = tuple(dict.fromkeys(chain(self.pack.rejected_keys, record_keys)))
        return replace(self, pack=replace(self.pack, rejected_keys=listed))


class Comparison:
    """Compares the pages of one stage.

    Args:
        kind: of what the stage brings.
        stream: names the path of a record's own id.
        ledger: what Glean has.
        is_upload: whether all of a page is sent, as a page of an upload.
        is_full: whether the list has all there is.
        is_newest_first: of two records of one id, the first one read is the newer.
        clean: takes secrets out of a text: what is compared is stored.
    """

    def __init__(  # noqa: PLR0913 - all that a page is looked at by
        self,
        kind: Kind,
        stream: AnyStream,
        ledger: LedgerView,
        *,
        is_upload: bool,
        is_full: bool,
        is_newest_first: bool,
        clean: Callable[[str], str],
    ) -> None:
        self._kind = kind
        self._stream = stream
        self._ledger = ledger
        self._is_upload = is_upload
        self._is_full = is_full
        self._is_newest_first = is_newest_first and not is_full
        self._clean = clean

    def news(
        self, changes: Iterable[MappedRecord], rejects: list[Reject]
    ) -> tuple[list[MappedRecord], LedgerPage]:
        """What is to be sent of a page, and what is to be remembered before it is.

        Args:
            changes: of the page.
            rejects: gets those that are one with another in all but spelling, and those whose ids
                have a secret in them.
        """
        placed: list[MappedRecord] = []
        candidates: list[Candidate] = []
        unfit: list[MappedRecord] = []
        for change in changes:
            try:
                slim, candidate = _candidate(change)
            except (TypeError, ValueError, OverflowError):
                unfit.append(change)  # whoever writes the requests, says why
                continue
            placed.append(slim)
            candidates.append(candidate)
        if self._has_secret("\n".join(one.put.id for one in candidates)):
            secret = {i for i, one in enumerate(candidates) if self._has_secret(one.put.id)}
            rejects += [
                placed[index].reject(RejectCode.BAD_ID, UNSTORABLE_ID) for index in sorted(secret)
            ]
            placed = [one for index, one in enumerate(placed) if index not in secret]
            candidates = [one for index, one in enumerate(candidates) if index not in secret]
        known = self._known(placed, candidates)
        compared = compare(
            candidates,
            known,
            self._ledger.number_next(),
            self._ledger.has_seen,
            is_full=self._is_full,
            is_whole=self._ledger.is_whole(self._kind),
            is_newest_first=self._is_newest_first,
            is_in_any_order=self._is_upload,
        )
        if self._kind is Kind.MEMBERSHIP:
            # Of a group that lacks a member, or was brought in part, Glean has one list or another.
            doubts = {put.key: replace(put, content="") for put in compared.pack.puts}
            compared = replace(compared, doubts=doubts)
        respelt = [placed[index] for index in compared.respelt]
        rejects += [one.reject(RejectCode.BAD_ID, RESPELT) for one in respelt]
        kept = placed if self._is_upload else self._differing(placed, compared)
        lost = {placed[index].place for index in (*compared.respelt, *compared.superseded)}
        return (
            [*(one for one in kept if one.place not in lost), *unfit],
            LedgerPage(
                self._named(placed, compared),
                compared.numbers,
                compared.doubts,
                compared.changes,
                self._is_upload,
                self._kind,
                frozenset(placed[index].place for index in compared.access),
                {
                    placed[index].place: _withdrawal(candidates[index].put)
                    for index in compared.exposed
                },
            ),
        )

    def _known(
        self, placed: Iterable[MappedRecord], candidates: Iterable[Candidate]
    ) -> Mapping[str, LedgerRow]:
        rows = self._ledger.look_up(self._kind, {one.put.key for one in candidates})
        groups = [one.change for one in placed if isinstance(one.change, Members)]
        return with_doubts(rows, groups, self._ledger.look_up) if groups else rows

    def _differing(
        self, placed: Sequence[MappedRecord], compared: Compared
    ) -> Iterator[MappedRecord]:
        for index, change in enumerate(placed):
            if index not in compared.to_send:
                continue
            for former in compared.former_types.get(index, ()):
                # Whichever Glean tells documents by, it has this one no longer.
                deletion = Deletion(id=change.key, object_type=former)
                yield MappedRecord(-change.place, deletion, change.raw)
            yield change

    def _named(self, placed: Sequence[MappedRecord], compared: Compared) -> PagePack:
        """With the records' own ids, which are read of those alone that are written."""

        def record_key(put: Put) -> str:
            return self._stream.key_of(placed[compared.put_indexes[put.key]].raw)

        puts = [replace(put, record_key=record_key(put)) for put in compared.pack.puts]
        texts = "\n".join(f"{put.title}\n{put.url}\n{put.record_key}" for put in puts)
        if self._has_secret(texts):
            puts = [self._cleaned(put) for put in puts]
        return replace(compared.pack, puts=tuple(puts))

    def keys_of(self, rejects: Iterable[Reject]) -> Iterator[str]:
        """The records' own ids; "" for one that is not to be stored: nobody knows which it is."""
        keys = ("" if reject.is_list else reject.key for reject in rejects if not reject.part)
        return (key if _is_whole(key) and not self._has_secret(key) else "" for key in keys)

    def _has_secret(self, text: str) -> bool:
        return self._clean(text) != text

    def _cleaned(self, put: Put) -> Put:
        """Without secrets. A key that had one is none: nobody could find its record by it."""
        key = "" if self._has_secret(put.record_key) else put.record_key
        title, url = self._clean(put.title), self._clean(put.url)
        return replace(put, record_key=key, title=title, url=url)


def overlaid(ledger: LedgerView, under_way: Callable[[], Iterable[LedgerPage]]) -> LedgerView:
    """The ledger as it is once all pages under way have landed."""
    return _Overlay(ledger, under_way)


class _Overlay:
    def __init__(self, ledger: LedgerView, under_way: Callable[[], Iterable[LedgerPage]]) -> None:
        self._ledger = ledger
        self._under_way = under_way

    def look_up(self, kind: Kind, keys: Iterable[str]) -> dict[str, LedgerRow]:
        wanted = set(keys)
        rows = self._ledger.look_up(kind, wanted)
        for page in self._under_way():
            if page.kind is not kind:
                continue
            rows |= {
                put.key: LedgerRow(put, is_trusted=True)
                for put in page.pack.puts
                if put.key in wanted
            }
            for key in page.pack.deleted_keys:
                rows.pop(key, None)
        return rows

    def number_next(self) -> int:
        return self._ledger.number_next()

    def is_whole(self, kind: Kind) -> bool:
        return self._ledger.is_whole(kind)

    def has_seen(self, key: str, row: LedgerRow | None) -> bool:
        pages = list(self._under_way())
        is_under_way = any(key in page.numbers or key in page.pack.deleted_keys for page in pages)
        return is_under_way or self._ledger.has_seen(key, row)


def _candidate(placed: MappedRecord) -> tuple[MappedRecord, Candidate]:
    """A change as the ledger sees it; of a document, its text is held once from here on."""
    change: Any = placed.change
    key = fold(placed.key)
    match change:
        case Document():
            content = encode(change)
            digests = document_digests(change, content)
            put = Put(
                key,
                0,
                change.object_type,
                digests.content,
                digests.access,
                change.id,
                title=_shortened(change.title),
                url=_shortened(change.view_url),
            )
            return replace(placed, change=EncodedDocument(change.id, content)), Candidate(put)
        case Deletion():
            put = Put(key, 0, change.object_type, "", "", change.id)
            return placed, Candidate(put, is_deletion=True)
    put = Put(key, 0, "", digests_of(change).content, "", placed.key)
    if isinstance(change, Members):
        put = replace(put, title=str(document_count(change)))
    return placed, Candidate(put)


def _withdrawal(put: Put) -> Deletion:
    return Deletion(id=put.id, object_type=put.type)


def _is_whole(text: str) -> bool:
    """Whether no half of a character is in it, which nobody can store."""
    return text.isascii() or text.encode(errors="replace").decode() == text


def _shortened(text: Any) -> str:
    return "" if text is UNSET else str(text)[:TEXT_CHARACTERS_MAX]
