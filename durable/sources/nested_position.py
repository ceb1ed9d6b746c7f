"""The place of a crawl of many lists: the parent, and the cursor in its children. Pure.

A parent is found again by its key. Its position would not do: it moves when another is
added, or the source sorts them by what happened last.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from durable.decoding import decode
from durable.errors import Cause, Recourse, UpstreamError
from durable.json_paths import Shape
from durable.sources.source import Records


MARK_BYTES = 6  # two of a thousand parents have the same one once in 500 million pages
MARK_CHARACTERS = 8
KEY_REMEDY = "declare the field that no two of them share, as in key='id'"
AGAIN_MAX = 10  # pages: where one is added, those after it move on, and come once more
SLICE_PARENTS = 128  # a page of more is gone through in parts: the cursor has a mark for each


class ListPosition(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the crawl continues. As JSON it is the cursor: add fields with defaults only."""

    parents: str | None = None  # the cursor of the page of parents
    slices: int = 0  # that the page is gone through in; 0: it was not looked at yet
    slice: int = 0
    done: str = ""  # the marks of the parents in this slice whose children are all read
    at: str = ""  # the mark of the parent whose children are being read
    children: str | None = None  # the cursor in their list
    read: int = 0  # of these, if their number is told
    before: str = ""  # which parents were on an earlier page
    again: int = 0  # pages that had the very same
    pages: int = 0  # before this one

    def cursor(self) -> str:
        return msgspec.json.encode(self).decode()


class Parents:
    """One page of parents.

    Args:
        page: as their source gave it.
        keys: of its records, in order; None for those that are rejected or left out.
        name: of a parent, for errors.

    Raises:
        UpstreamError: two of them have one key.
    """

    def __init__(self, page: Records, keys: Sequence[str | None], name: str) -> None:
        self.next_cursor = page.next_cursor
        self.rejects: list[tuple[Raw, str]] = []
        self._by_mark: dict[str, Raw] = {}
        self._numbers: dict[str, int] = {}  # by which they are dealt out to slices
        for place, (raw, key) in enumerate(zip(page.records, keys, strict=True), start=1):
            if key is not None:
                self._add(raw, key, name)
            elif (reason := page.faults[place]) is not None:
                self.rejects.append((raw, reason))

    def _add(self, raw: Raw, key: str, name: str) -> None:
        digest = hashlib.blake2b(key.encode(errors="replace"), digest_size=MARK_BYTES).digest()
        mark = urlsafe_b64encode(digest).decode()
        if bytes(self._by_mark.setdefault(mark, raw)) != bytes(raw):
            raise UpstreamError(
                f"two of the source's {name} records have the key {key!r:.100}; {KEY_REMEDY}",
                cause=Cause.BAD_KEY,
            )
        self._numbers[mark] = int.from_bytes(digest, "big")

    def __getitem__(self, mark: str) -> Raw:
        return self._by_mark[mark]

    @property
    def slices(self) -> int:
        return 1 + len(self._by_mark) // SLICE_PARENTS

    def mark_at(self, place: ListPosition) -> str | None:
        """The mark of the next parent; None at the end of the slice.

        One that is gone, is passed. One that has come, is read like any other.
        """
        marks = [
            mark for mark, number in self._numbers.items() if number % place.slices == place.slice
        ]
        if place.at in marks:
            return place.at
        ends = range(0, len(place.done), MARK_CHARACTERS)
        done = {place.done[start : start + MARK_CHARACTERS] for start in ends}
        return next((mark for mark in marks if mark not in done), None)

    def after(self, place: ListPosition) -> ListPosition | None:
        """Where to continue after a slice; None at the end of all parents."""
        if place.slice + 1 < place.slices:
            return replace(place, slice=place.slice + 1, done="", at="", children=None, read=0)
        if self.next_cursor is None:
            return None
        pages, is_same = place.pages + 1, bool(self.digest) and place.before == self.digest
        # At powers of two, so that a circle of any length is found in time.
        is_mark = bool(self.digest) and pages.bit_count() == 1
        return ListPosition(
            parents=self.next_cursor,
            before=self.digest if is_mark or not place.before else place.before,
            again=place.again + is_same,
            pages=pages,
        )

    @property
    def digest(self) -> str:
        """A checksum of the parents; empty if there are none."""
        if not self._by_mark:
            return ""
        return hashlib.blake2b("".join(self._by_mark).encode(), digest_size=MARK_BYTES).hexdigest()


def place_of(cursor: str | None) -> ListPosition:
    """The position in a cursor. Raises UpstreamError if it is of another source."""
    if cursor is None:
        return ListPosition()
    try:
        return decode(cursor, ListPosition)
    except msgspec.DecodeError as error:
        raise UpstreamError(
            f"the cursor {cursor!r:.200} is none of nested lists: {error}",
            cause=Cause.BAD_CURSOR,
            recourse=Recourse.RESTART,
        ) from error


def keys_of(page: Records, shape: Shape, path: str, name: str) -> list[str | None]:
    """The keys of the records, as texts. Raises UpstreamError if one has none."""
    keys: list[str | None] = []
    for place, raw in enumerate(page.records, start=1):
        if place in page.faults:
            keys.append(None)
            continue
        try:
            key: Any = shape.read_part(raw)[path]
        except msgspec.DecodeError as error:
            raise UpstreamError(
                f"the source's {name} {place} of a page has no key {path!r}: {error}; {KEY_REMEDY}",
                cause=Cause.BAD_KEY,
            ) from error
        keys.append(str(key))
    return keys
