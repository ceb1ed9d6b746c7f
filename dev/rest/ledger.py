"""When which record changed: all that a server has to keep of synthetic records."""

import random
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import Struct


FIRST_AT_MS = 1_704_067_200_000  # 2024-01-01T00:00:00Z
# So many records in a row have one time, as after an import at a real API, and the next ones
# come a minute later. Pages must not break on that.
TIED_COUNT = 4
INTERVAL_MS = 60_001  # not whole seconds: a client that cuts them off asks for too much or little

Clock = Callable[[], int]


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Stamp(Struct, frozen=True, kw_only=True):
    """One record as it is now."""

    number: int  # counts from 1
    at_ms: int  # of its last change, which may be its removal
    version: int = 1
    is_deleted: bool = False
    share_count: int = 0  # of people who were let in since, which is no change of the record's own


class Changes(Struct, frozen=True, kw_only=True):
    """When something happened, and to which records, by their ids."""

    at_ms: int
    changed: Sequence[str]
    removed: Sequence[str]
    added: Sequence[str]
    shared: Sequence[str]


class Ledger:
    """All records of a server, the removed ones too.

    Args:
        count: of records at the start.
        prefix: of their ids; the number follows, in as many digits for all.
        clock: for changes that name no time.
    """

    def __init__(self, count: int, prefix: str, clock: Clock = now_ms) -> None:
        self._first_count = count
        self._prefix = prefix
        self._clock = clock
        self._stamps: dict[int, Stamp] = {}
        self.reset()

    def reset(self) -> None:
        """All as it was at the start."""
        first = (
            Stamp(number=number, at_ms=FIRST_AT_MS + (number - 1) // TIED_COUNT * INTERVAL_MS)
            for number in range(1, self._first_count + 1)
        )
        self._stamps = {stamp.number: stamp for stamp in first}

    def stamps(self) -> Sequence[Stamp]:
        """Of all records that ever were, by number."""
        return list(self._stamps.values())  # put in by number; a change keeps the place

    def live(self) -> Sequence[Stamp]:
        """Of those that were not removed, by number."""
        return [stamp for stamp in self._stamps.values() if not stamp.is_deleted]

    def identifier(self, stamp: Stamp) -> str:
        return f"{self._prefix}{stamp.number:05}"

    def find(self, identifier: str) -> Stamp | None:
        """The live record of an id."""
        digits = identifier.removeprefix(self._prefix)
        stamp = self._stamps.get(int(digits)) if digits.isascii() and digits.isdecimal() else None
        if stamp is None or stamp.is_deleted or self.identifier(stamp) != identifier:
            return None
        return stamp

    def change(  # noqa: PLR0913 - a count for each kind of change
        self,
        *,
        change: int,
        remove: int,
        add: int,
        seed: int,
        share: int = 0,
        at_ms: int | None = None,
    ) -> Changes:
        """Change, remove, add and share records, all at one time.

        Args:
            change: so many get another version.
            remove: so many others are removed.
            add: so many are new.
            seed: draws them.
            share: so many others are shared with somebody more, and have no other time by that.
            at_ms: when; None: now, and later than whatever happened before.

        Raises:
            ValueError: there are fewer records than that.
        """
        live = self.live()
        if change + remove + share > len(live):
            raise ValueError(
                f"{change} + {remove} + {share} of {len(live)} records cannot be drawn"
            )
        if at_ms is None:
            last_ms = max((stamp.at_ms for stamp in self._stamps.values()), default=0)
            at_ms = max(self._clock(), last_ms + 1)
        drawn = random.Random(seed).sample(live, change + remove + share)
        drawn, to_share = drawn[: change + remove], drawn[change + remove :]
        shared = [
            msgspec.structs.replace(stamp, share_count=stamp.share_count + 1) for stamp in to_share
        ]
        changed, removed = (
            [
                msgspec.structs.replace(
                    stamp, at_ms=at_ms, version=stamp.version + 1, is_deleted=is_deleted
                )
                for stamp in some
            ]
            for some, is_deleted in ((drawn[:change], False), (drawn[change:], True))
        )
        next_number = max(self._stamps, default=0) + 1
        added = [Stamp(number=next_number + index, at_ms=at_ms) for index in range(add)]
        new = (*changed, *removed, *added, *shared)
        self._stamps.update((stamp.number, stamp) for stamp in new)
        return Changes(
            at_ms=at_ms,
            changed=self._identifiers(changed),
            removed=self._identifiers(removed),
            added=self._identifiers(added),
            shared=self._identifiers(shared),
        )

    def _identifiers(self, stamps: Iterable[Stamp]) -> list[str]:
        return [self.identifier(stamp) for stamp in stamps]
