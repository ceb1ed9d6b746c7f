"""Figures of several rounds made one, with what they were spread over. Pure."""

from collections.abc import Sequence
from statistics import median

from msgspec import Struct


class Spread(Struct, frozen=True):
    """The median, the least and the most."""

    middle: float
    low: float
    high: float


def spread(figures: Sequence[float]) -> Spread:
    return Spread(median(figures), min(figures), max(figures))


def ratio(figures: Sequence[float], others: Sequence[float]) -> Spread:
    """One by the other, round by round: what slows a whole round down, slows both."""
    return spread([one / other for one, other in zip(figures, others, strict=True)])


def growth(figures: Sequence[float]) -> float:
    """The last figure by the least of those before it: 1 or less where nothing grows."""
    *before, last = figures
    return last / min(before)
