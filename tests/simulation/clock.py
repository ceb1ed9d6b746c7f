"""The time of a simulated world: it passes only where somebody waits."""

from msgspec import Struct


NEW_YEAR_MS = 1_767_225_600_000
HOUR_MS = 60 * 60 * 1_000


class Clock(Struct):
    now_ms: int = NEW_YEAR_MS
