"""Counts of documents that are not right, on request: Glean's are late, and may disagree."""

import threading
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace


CountKind = Literal["uploaded", "indexed"]


class ObjectCount(Struct, frozen=True, rename="camel"):
    object_type: str
    count: int


class Miscount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By how much a count is wrong, and for how long."""

    datasource: str
    by: int  # is added to the count, which never falls below 0
    of: CountKind = "indexed"
    object_type: str | None = None  # None: the first one that is listed
    answers: int | None = None  # that are wrong; None: all until it is forgotten

    def __post_init__(self) -> None:
        if self.answers is not None and self.answers < 1:
            raise ValueError("answers must be positive")

    def applied(self, counts: Sequence[ObjectCount]) -> list[ObjectCount]:
        by_type = {count.object_type: count.count for count in counts}
        wrong_type = next(iter(by_type), "") if self.object_type is None else self.object_type
        by_type[wrong_type] = by_type.get(wrong_type, 0) + self.by
        return [ObjectCount(name, count) for name, count in sorted(by_type.items()) if count > 0]


class Miscounts:
    """Those that are in force. Used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Miscount] = []

    def add(self, miscount: Miscount) -> None:
        """Put one in force, instead of the one of the same datasource and kind."""
        with self._lock:
            self._waiting = [one for one in self._waiting if not _is_same(one, miscount)]
            self._waiting.append(miscount)

    def listed(self) -> list[Miscount]:
        return list(self._waiting)

    def forget(self) -> None:
        with self._lock:
            self._waiting = []

    def told(
        self, datasource: str, of: CountKind, counts: Sequence[ObjectCount]
    ) -> list[ObjectCount]:
        """The counts as an answer tells them. Counts the answer."""
        with self._lock:
            for index, miscount in enumerate(self._waiting):
                if (miscount.datasource, miscount.of) != (datasource, of):
                    continue
                if miscount.answers == 1:
                    del self._waiting[index]
                elif miscount.answers is not None:
                    self._waiting[index] = replace(miscount, answers=miscount.answers - 1)
                return miscount.applied(counts)
        return list(counts)


def _is_same(one: Miscount, other: Miscount) -> bool:
    return (one.datasource, one.of) == (other.datasource, other.of)
