"""What is known of a page before all of it has landed: no try begins it from its start. Pure.

A page lands as a whole. A try of it may end halfway, for Glean's minute is used up, or an answer
is lost. The next try reads the page again, and it may have changed. So each change that Glean
took or refused is remembered by its id and its content, not by its place.

Several changes of one document stand in one chain, in the order of the page: a digest tells what
of the chain is in Glean. What follows it is sent. Where the chain is another one, all of it is.
"""

import hashlib
from collections.abc import Iterator, Sequence
from enum import IntFlag
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace


KEY_BYTES = 4  # two documents that share one are sent again without need, and no worse
DIGEST_BYTES = 7  # of the id too
MARK_BYTES = KEY_BYTES + DIGEST_BYTES
ENTRY_BYTES = MARK_BYTES + 1
ENTRIES_MAX = 20_000  # they are stored with the job, in 16 characters each
DOUBTED = bytes(DIGEST_BYTES)  # no change has this one


class Landing(IntFlag):
    """What became of a change."""

    TAKEN = 0
    REFUSED = 1
    LAST = 2  # of its document on the page
    DOUBTFUL = 4  # another change of the document was about to be sent


class SentChange(Protocol):
    """What a record of the page became."""

    @property
    def key(self) -> str: ...
    @property
    def change(self) -> Struct: ...


class PageProgress(Struct, frozen=True):
    """What is known of the page at the cursor. Persisted: add fields with defaults."""

    entries: bytes = b""  # of changes that Glean took or refused, oldest first
    refused_count: int = 0  # of these
    batch_changes_max: int | None = None  # of the next request: Glean refused twice as many
    is_full: bool = False  # there were too many, and nothing is remembered of the page any more

    @property
    def count(self) -> int:
        return len(self.entries) // ENTRY_BYTES

    def lacks(self, entries: bytes) -> bool:
        """Whether one of these is known for the first time: what is only sent again, is not."""
        if DOUBTED not in self.entries:
            return True
        known = {key + digest for key, digest, _ in _read(self.entries)}
        return any(key + digest not in known for key, digest, _ in _read(entries))

    def acknowledged(self, entries: bytes) -> "PageProgress":
        """After a request that Glean took, or whose only change it refused."""
        ahead = self.batch_changes_max and 2 * len(entries) // ENTRY_BYTES
        refused_count = sum(fate & Landing.REFUSED for _, _, fate in _read(entries))
        return replace(self._with(entries, refused_count), batch_changes_max=ahead)

    def doubted(self, entries: bytes) -> "PageProgress":
        """Before documents are sent again of which Glean has something: which, may be lost."""
        return self._with(entries, 0)

    def _with(self, entries: bytes, refused_count: int) -> "PageProgress":
        if not entries or self.is_full:
            return self
        if len(self.entries) + len(entries) > ENTRIES_MAX * ENTRY_BYTES:
            return PageProgress(batch_changes_max=self.batch_changes_max, is_full=True)
        return replace(
            self,
            entries=self.entries + entries,
            refused_count=self.refused_count + refused_count,
        )


class Remaining(Struct, frozen=True):
    """The changes of a page, by their index, and what is still to be done about each."""

    to_send: list[int]
    taken: list[int]  # in Glean
    refused: list[int]  # by Glean
    left: list[int]  # in Glean as they were before; they were sent again often enough
    marks: list[bytes]  # of all of them
    fates: list[Landing]  # that they have, if Glean takes them
    doubts: bytes  # to be remembered before anything is sent


def remaining(landed: PageProgress, changes: Sequence[SentChange], resends_max: int) -> Remaining:
    """What is to be sent of a page, of which Glean may have a part.

    What was never sent goes first, so that each try comes further, however often the rest
    changes. The changes of one document stay in order.

    Args:
        landed: of the page, as it was read before.
        changes: of the page as it is now.
        resends_max: once so many were sent again, what has changed since is left as it is. It
            has changed after the job's start, so the next one reads it.
    """
    marks = _marks(changes)
    known = _Known(landed)
    last = {mark[:KEY_BYTES]: index for index, mark in enumerate(marks)}
    until = {
        mark[:KEY_BYTES]: index
        for index, mark in enumerate(marks)
        if known.latest.get(mark[:KEY_BYTES]) == mark[KEY_BYTES:]
        # What was to follow it when the page was read before, may have been sent, and is no more.
        and (mark[:KEY_BYTES] in known.ended or index < last[mark[:KEY_BYTES]])
    }
    fates = [
        Landing.LAST if last[mark[:KEY_BYTES]] == index else Landing.TAKEN
        for index, mark in enumerate(marks)
    ]
    rest = Remaining([], [], [], [], marks, fates, b"")
    again: list[int] = []
    for index, mark in enumerate(marks):
        key = mark[:KEY_BYTES]
        if index <= until.get(key, -1):
            (rest.refused if mark in known.refused else rest.taken).append(index)
        elif key not in known.latest or key in until:
            rest.to_send.append(index)
        elif known.doubt_count < resends_max or key not in known.whole:
            again.append(index)
        else:
            (rest.refused if known.whole[key] & Landing.REFUSED else rest.left).append(index)
    rest.to_send.extend(again)
    keys = dict.fromkeys(marks[index][:KEY_BYTES] for index in rest.to_send)
    doubts = [
        encode_entry(key + DOUBTED, Landing.DOUBTFUL)
        for key in keys
        if known.latest.get(key, DOUBTED) != DOUBTED
    ]
    return replace(rest, doubts=b"".join(doubts))


def encode_entry(mark: bytes, fate: Landing) -> bytes:
    """What is remembered of a change."""
    return mark + bytes([fate])


class _Known:
    """Entries, as far as they tell of each document."""

    def __init__(self, landed: PageProgress) -> None:
        self.latest: dict[bytes, bytes] = {}  # how far its changes are in Glean
        self.whole: dict[bytes, int] = {}  # those of which all was sent once, with the last's fate
        self.ended: set[bytes] = set()  # those of which nothing was to be sent after the latest
        self.refused: set[bytes] = set()  # marks
        self.doubt_count = 0
        for key, digest, fate in _read(landed.entries):
            self.latest[key] = digest
            self.doubt_count += bool(fate & Landing.DOUBTFUL)
            if fate & Landing.LAST:
                self.whole[key] = fate
                self.ended.add(key)
            else:
                self.ended.discard(key)
            if fate & Landing.REFUSED:
                self.refused.add(key + digest)


def _read(entries: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    for start in range(0, len(entries), ENTRY_BYTES):
        end = start + MARK_BYTES
        yield entries[start : start + KEY_BYTES], entries[start + KEY_BYTES : end], entries[end]


def _marks(changes: Sequence[SentChange]) -> list[bytes]:
    """Which document each is of, and what came of it up to there."""
    chains: dict[bytes, bytes] = {}
    marks = []
    for change in changes:
        name = change.key.casefold().encode(errors="replace")  # Glean may take no notice of case
        key = hashlib.blake2b(name, digest_size=KEY_BYTES).digest()
        before = chains.get(key, b"") + name
        chains[key] = _digest(before + _content(change))
        marks.append(key + chains[key])
    return marks


def _content(change: SentChange) -> bytes:
    try:
        return msgspec.json.encode([type(change.change).__name__, change.change])
    except (TypeError, ValueError, OverflowError):  # nobody can send it, and it is rejected
        return repr(change.change).encode(errors="backslashreplace")


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()
