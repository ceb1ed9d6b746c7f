"""The server's clock, which a test can move, and the limit that it matters to."""

import threading
import time

from dev.local_glean.errors import RefusedError


PROCESSING_MS_MIN = 3 * 60 * 60 * 1000  # between two calls


class Clock:
    def __init__(self) -> None:
        self._ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def advance(self, by_ms: int) -> None:
        self._ahead_ms += by_ms

    def reset(self) -> None:
        self._ahead_ms = 0


class ProcessingLimit:
    """One processing in three hours, where somebody has asked for the limit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._called_at_ms: dict[str, int] = {}
        self.is_kept = False

    def keep(self, *, is_kept: bool) -> None:
        """Keep the limit from now on, or do not. Forgets all calls."""
        with self._lock:
            self.is_kept = is_kept
            self._called_at_ms.clear()

    def take(self, target: str, blocked_by: tuple[str, ...], now_ms: int) -> None:
        """Count a call. Raises RefusedError if one was counted less than three hours ago.

        Args:
            target: what is to be processed.
            blocked_by: targets whose processing this one has to wait for.
            now_ms: Unix milliseconds.
        """
        with self._lock:
            called = [self._called_at_ms[one] for one in blocked_by if one in self._called_at_ms]
            if self.is_kept and any(now_ms - at_ms < PROCESSING_MS_MIN for at_ms in called):
                raise RefusedError(429, f"{target} can be processed once in 3 hours")
            self._called_at_ms[target] = now_ms
