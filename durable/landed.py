"""What is known of a page before all of it has landed: no try begins it from its start. Pure.

A page lands as a whole. A try of it may end halfway, for Glean's minute is used up, or an answer
is lost. The next try reads the page again, and it may have changed. So each change that Glean
took or refused is remembered by its id and its content, not by its place.

Several changes of one document stand in one chain, in the order of the page: a digest tells what
of the chain is in Glean. What follows it is sent. Where the chain is another one, all of it is.
"""

import hashlib
from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct


KEY_BYTES = 4  # two documents that share one are sent again without need, and no worse
DIGEST_BYTES = 7  # of the id too
MARK_BYTES = KEY_BYTES + DIGEST_BYTES
ENTRY_BYTES = MARK_BYTES + 1
TAKEN, REFUSED = b"\x00", b"\x01"
ENTRIES_MAX = 20_000  # they are stored with the job, in 16 characters each


class Change(Protocol):
    """What a record of the page became."""

    @property
    def key(self) -> str: ...
    @property
    def change(self) -> Struct: ...


class Landed(Struct, frozen=True):
    """What is known of the page at the cursor. Persisted: add fields with defaults."""

    entries: bytes = b""  # of changes that Glean took or refused, oldest first
    refused_count: int = 0  # of these
    batch_changes_max: int | None = None  # of the next request: Glean refused twice as many

    @property
    def count(self) -> int:
        return len(self.entries) // ENTRY_BYTES

    @property
    def is_full(self) -> bool:
        """Whether nothing more is remembered of the page."""
        return self.count >= ENTRIES_MAX

    @property
    def refused(self) -> frozenset[bytes]:
        """The marks of what Glean refused."""
        return frozenset(entry[:-1] for entry in self._listed() if entry.endswith(REFUSED))

    def acknowledged(self, entries: bytes) -> "Landed":
        """After a request that Glean took, or whose only change it refused."""
        if self.is_full or not entries:
            return self
        refused_count = self.refused_count + entries.endswith(REFUSED)
        ahead = self.batch_changes_max and 2 * len(entries) // ENTRY_BYTES
        return Landed(self.entries + entries, refused_count, ahead)

    def latest(self) -> dict[bytes, bytes]:
        """For each key, how far its chain is in Glean."""
        return {entry[:KEY_BYTES]: entry[KEY_BYTES:MARK_BYTES] for entry in self._listed()}

    def _listed(self) -> list[bytes]:
        starts = range(0, len(self.entries), ENTRY_BYTES)
        return [self.entries[start : start + ENTRY_BYTES] for start in starts]


class Remaining(Struct, frozen=True):
    """The changes of a page, by their index, and what is still to be done about each."""

    to_send: list[int]
    taken: list[int]  # in Glean
    refused: list[int]  # by Glean, as they are
    left: list[int]  # in Glean as they were before; they were sent again often enough
    marks: list[bytes]  # of all of them


def remaining(landed: Landed, changes: Sequence[Change], resends_max: int) -> Remaining:
    """What is to be sent of a page, of which Glean may have a part.

    What was never sent goes first, so that each try comes further, however often the rest
    changes. The changes of one document stay in order.

    Args:
        landed: of the page, as it was read before.
        changes: of the page as it is now.
        resends_max: once so many were sent again, what has changed since is left as it is.
    """
    marks, latest, refused = _marks(changes), landed.latest(), landed.refused
    may_resend = landed.count - len(latest) < resends_max
    known_until = {
        mark[:KEY_BYTES]: index
        for index, mark in enumerate(marks)
        if latest.get(mark[:KEY_BYTES]) == mark[KEY_BYTES:]
    }
    rest = Remaining([], [], [], [], marks)
    changed: list[int] = []
    for index, mark in enumerate(marks):
        key = mark[:KEY_BYTES]
        if index <= known_until.get(key, -1):
            (rest.refused if mark in refused else rest.taken).append(index)
        elif key not in latest or key in known_until:
            rest.to_send.append(index)
        else:
            changed.append(index)
    (rest.to_send if may_resend else rest.left).extend(changed)
    return rest


def _marks(changes: Sequence[Change]) -> list[bytes]:
    """Which document each is of, and what came of it up to there."""
    chains: dict[bytes, bytes] = {}
    marks = []
    for change in changes:
        name = change.key.casefold().encode(errors="replace")  # Glean may take no notice of case
        key = hashlib.blake2b(name, digest_size=KEY_BYTES).digest()
        before = chains.get(key, b"") + name
        content = msgspec.json.encode([type(change.change).__name__, change.change])
        chains[key] = _digest(before + content)
        marks.append(key + chains[key])
    return marks


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()
