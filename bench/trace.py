"""A sync as its two ends saw it. Pure."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from statistics import median

from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True):
    """One request; times are of a clock that all processes share.

    Attributes:
        kind: "page" for one to the source; "documents", "boundary", "deletion" or "status" for one
            to Glean.
        arrived_ms: when it was there.
        answered_ms: when its answer was handed to the network.
        index: of the page.
        documents: that it brought.
    """

    kind: str
    arrived_ms: float
    answered_ms: float
    index: int = 0
    documents: int = 0


class Trace(Struct, frozen=True):
    """All requests of a sync."""

    requests: Sequence[Request]

    @property
    def document_count(self) -> int:
        return sum(request.documents for request in self.requests)

    @property
    def total_ms(self) -> float:
        """From the first request to the last answer, opening and closing of the upload included."""
        first = min(request.arrived_ms for request in self.requests)
        return max(request.answered_ms for request in self.requests) - first

    @property
    def documents_per_second(self) -> float:
        return self.document_count / self.total_ms * 1_000

    def turn_overhead_ms(self, turn_ends: Collection[int]) -> float | None:
        """How much later a page comes where a turn ends before it than elsewhere, by the medians.

        Args:
            turn_ends: how many pages had been read where a turn ended.

        Returns:
            None where all was one turn.
        """
        arrivals = {
            request.index: request.arrived_ms for request in self.requests if request.kind == "page"
        }
        within: list[float] = []
        between: list[float] = []
        for before, after in pairwise(sorted(arrivals)):
            gaps = between if after in turn_ends else within
            gaps.append(arrivals[after] - arrivals[before])
        if not within or not between:
            return None
        return median(between) - median(within)
