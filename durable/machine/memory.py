"""The memory of an isolate, which the pages of all its connectors share. Pure.

A turn takes a lease of the bytes that it may hold before it reads a page. Where there is no room,
it comes back later: an object must not wait for another one.
"""

from msgspec import Struct
from msgspec.structs import replace


NEAR_MS_MIN = 300  # who comes back so soon, finds what it waits for still free
NEAR_SHARE = 4  # likewise, of the time for which it has waited
LATE_MS = 5_000  # an alarm may be; who is later than that, is not coming
SILENT_MS_MAX = 120_000  # a turn that has not been heard of for so long, has broken off


class _Waiter(Struct, frozen=True):
    """Who found no room."""

    byte_count: int
    since_ms: int
    at_ms: int  # it asks again

    def is_near(self, now_ms: int) -> bool:
        """Whether room is kept for it. Too early, and it would stand empty."""
        waited_ms = now_ms - self.since_ms
        return self.at_ms - now_ms <= max(NEAR_MS_MIN, waited_ms // NEAR_SHARE)


class Lease:
    """Of one turn.

    Args:
        holder: the connector: its next turn takes the place of one that broke off.
    """

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.byte_count = 0
        self.until_ms = 0


class MemoryBudget:
    """Whose bytes are whose, and who waits for some. One for each isolate.

    All leases together stay within a bound; what alone is more, is given where nothing else is.
    Of those who wait, the longest comes first: room is kept for it shortly before it comes back.
    """

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}  # by holder
        self._waiting: dict[str, _Waiter] = {}  # likewise, the longest first

    def ask(self, lease: Lease, byte_count: int, bytes_max: int, now_ms: int) -> int:
        """Have a lease hold so many bytes in all, if there is room.

        Returns:
            0 if it does now; else its holder's place among those who wait, from 1. What it held
            before, it holds on.
        """
        self._expire(now_ms)
        is_held = self._holds(lease)
        others = (other for other in self._leases.values() if other.holder != lease.holder)
        taken = sum(other.byte_count for other in others) + self._kept_before(lease.holder, now_ms)
        needed = byte_count if is_held else min(byte_count, bytes_max)
        if needed <= bytes_max - taken or (is_held and needed <= lease.byte_count):
            self._waiting.pop(lease.holder, None)
            self._leases[lease.holder] = lease
            lease.byte_count, lease.until_ms = byte_count, now_ms + SILENT_MS_MAX
            return 0
        if is_held:
            return 1  # it wants more than it has, and goes on without
        self._waiting.setdefault(lease.holder, _Waiter(needed, now_ms, now_ms))
        return [*self._waiting].index(lease.holder) + 1

    def keep(self, lease: Lease, least_bytes: int, most_bytes: int, now_ms: int) -> None:
        """Have a lease hold no more than its turn needs, and what it has, though it is too much."""
        if self._holds(lease):
            lease.byte_count = max(least_bytes, min(lease.byte_count, most_bytes))
        self.renew(lease, now_ms)

    def renew(self, lease: Lease, now_ms: int) -> None:
        """Its turn is heard of."""
        if self._holds(lease):
            lease.until_ms = now_ms + SILENT_MS_MAX

    def expect(self, lease: Lease, at_ms: int) -> None:
        """Its holder found no room, and asks again then."""
        if (waiter := self._waiting.get(lease.holder)) is not None:
            self._waiting[lease.holder] = replace(waiter, at_ms=at_ms)

    def leave(self, lease: Lease) -> None:
        """Its holder found no room, and does not ask again."""
        self._waiting.pop(lease.holder, None)

    def give_back(self, lease: Lease) -> None:
        """The turn is over. Another one of its holder, that has begun since, keeps its own."""
        if self._holds(lease):
            del self._leases[lease.holder]

    def held_bytes(self, now_ms: int) -> int:
        """Of all leases."""
        self._expire(now_ms)
        return sum(lease.byte_count for lease in self._leases.values())

    def _holds(self, lease: Lease) -> bool:
        return self._leases.get(lease.holder) is lease

    def _kept_before(self, asker: str, now_ms: int) -> int:
        """What those wait for who have waited longer, and are back soon."""
        kept = 0
        for holder, waiter in self._waiting.items():
            if holder == asker:
                break
            kept += waiter.byte_count if waiter.is_near(now_ms) else 0
        return kept

    def _expire(self, now_ms: int) -> None:
        """Without those whose turn, or whose return, is not to be expected any more."""
        self._leases = {
            holder: lease for holder, lease in self._leases.items() if lease.until_ms > now_ms
        }
        self._waiting = {
            holder: waiter
            for holder, waiter in self._waiting.items()
            if waiter.at_ms + LATE_MS > now_ms
        }


ISOLATE = MemoryBudget()  # of this one, whose objects all have it in common
