"""Documents that were sent and may be read again: what is unchanged is not sent twice. Pure.

Imports nothing of ours.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from msgspec import Raw, Struct


TIES_MAX = 200  # of a connector: they are stored with its job


class Tie(Struct, frozen=True, array_like=True):
    """A document as Glean has it. Persisted: add fields with defaults at the end."""

    key: str  # a digest of its id
    digest: str  # of the record that it was made of
    at_ms: int  # when that record changed, as it says itself


class Change(Protocol):
    """A document or a deletion, and the record that it was made of."""

    @property
    def key(self) -> str: ...
    @property
    def raw(self) -> Raw: ...


Changed = TypeVar("Changed", bound=Change)


class Ties:
    """What Glean has of the latest documents, while the changes of a page are made.

    Args:
        ties: as they are before the page.
    """

    def __init__(self, ties: Iterable[Tie]) -> None:
        self._by_key = {tie.key: tie for tie in ties}

    def news(
        self,
        changes: Iterable[Changed],
        told: Callable[[Raw], int | None],
        *,
        is_newest_first: bool = False,
    ) -> Iterator[Changed]:
        """Those that are to be sent. From then on, they count as sent.

        Args:
            changes: of the page.
            told: when a record changed; None: it does not say, and is never left out.
            is_newest_first: what comes after a newer record of the same id is left out.
        """
        seen = set[str]()
        for change in changes:
            key, at_ms = key_of(change.key), told(change.raw)
            if is_newest_first:
                newer = self._by_key.get(key)
                is_older = newer is not None and at_ms is not None and at_ms < newer.at_ms
                if key in seen or is_older:
                    continue
                seen.add(key)
            tie = None if at_ms is None else Tie(key, _digest(memoryview(change.raw)), at_ms)
            before = self._by_key.pop(key, None)
            if tie is not None:
                self._by_key[key] = tie
            if tie is None or tie != before:
                yield change

    def after(self, rejected_ids: Iterable[str]) -> tuple[Tie, ...]:
        """As they are once all of the page is sent but these: so many as are remembered."""
        for rejected_id in rejected_ids:
            self._by_key.pop(key_of(rejected_id), None)
        latest = sorted(self._by_key.values(), key=lambda tie: (tie.at_ms, tie.key))
        return tuple(latest[-TIES_MAX:])


def key_of(document_id: str) -> str:
    """What a tie has in the place of the id. Glean may take no notice of its case."""
    return _digest(document_id.casefold().encode(errors="replace"))


def _digest(content: bytes | memoryview) -> str:
    return hashlib.blake2b(content, digest_size=8).hexdigest()
