"""A source of notes that people edit, as strict as a source may be."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

import httpx
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from durable.timestamps import rfc3339
from tests.simulation.connector import SOURCE_TOKEN


FEED_PAGE_ROWS = 3


class Order(StrEnum):
    PLACE = "each note once, in a place of its own that edits do not change"
    FEED = "oldest change first; asked for changes, every one of them, not just the latest"


class Row(Struct, frozen=True):
    id: str
    text: str | None  # None: deleted; the source goes on saying so
    updated_at_ms: int
    change: int  # counts the changes of all notes
    type: str = "Note"
    is_public: bool = True


Listing = tuple[list[Row], str | None]


class Source:
    """Answers `GET /notes`.

    Args:
        pages: the ids of the notes that are on each page.
        at_ms: when these notes were written.
        order: in which they are listed. In order of change, pages are of a fixed size.
    """

    def __init__(
        self, pages: Sequence[Sequence[str]], at_ms: int, order: Order = Order.PLACE
    ) -> None:
        self.order = order
        self._pages = [list(page) for page in pages] or [[]]
        self._changes: list[Row] = []
        self._lost_at_ms = 0
        self.rows: dict[str, Row] = {}
        self.change_count = 0  # changes of all notes, ever
        self.tombstones: set[str] = set()  # ids, folded, that it has ever told to be deleted
        self.respelt: set[str] = set()  # ids, folded, that were ever spelt in several ways
        self._spelt: dict[str, str] = {}
        self._types: dict[str, set[str]] = {}  # that they ever had
        self.broken: set[str] = set()  # notes that are not served as they should be
        self.untold: set[str] = set()  # notes that have changed, and do not tell
        self.nameless: set[str] = set()  # notes that are served without their id
        self.restless: set[str] = set()  # notes that read differently each time
        self.counts_reads = False  # each record tells how often it was read, which nobody maps
        self.read_count = 0
        for page in self._pages:
            for note_id in page:
                self._change(note_id, f"{note_id} 0", at_ms)

    @property
    def live(self) -> dict[str, str]:
        return {row.id: row.text for row in self.rows.values() if row.text is not None}

    @property
    def changed_at_ms(self) -> int:
        """When somebody last edited."""
        return max([self._lost_at_ms, *(row.updated_at_ms for row in self.rows.values())])

    @property
    def page_max(self) -> int:
        """Changes that a page may have."""
        return FEED_PAGE_ROWS if self.order is Order.FEED else max(map(len, self._pages))

    def edit(self, note_id: str, at_ms: int) -> None:
        """Write a note, or change it."""
        if note_id not in self.rows:
            self._pages[-1].append(note_id)
        self._change(note_id, f"{note_id} {self.change_count}", at_ms)

    def delete(self, note_id: str, at_ms: int) -> None:
        if note_id in self.rows:
            self._change(note_id, None, at_ms)

    def share(self, note_id: str, at_ms: int) -> None:
        """Have others see a note than did: its text is the same."""
        if (row := self.rows.get(note_id)) is not None:
            self._add(replace(row, is_public=not row.is_public), at_ms)

    def share_untold(self, note_id: str) -> None:
        """The same, and the note does not count as changed."""
        row = self.rows[note_id]
        self.untold.add(note_id)
        self._add(replace(row, is_public=not row.is_public), row.updated_at_ms)

    def retype(self, note_id: str, at_ms: int) -> None:
        """Make a memo of a note, or a note of a memo."""
        if (row := self.rows.get(note_id)) is not None:
            self._add(replace(row, type="Memo" if row.type == "Note" else "Note"), at_ms)

    def lose(self, note_ids: Iterable[str], at_ms: int) -> None:
        """Forget notes without a word: not even that they were deleted."""
        lost = set(note_ids)
        self._pages = [[name for name in page if name not in lost] for page in self._pages]
        self._changes = [row for row in self._changes if row.id not in lost]
        for name in lost:
            del self.rows[name]
        self._lost_at_ms = at_ms

    def types(self, note_id: str) -> set[str]:
        """All that it was ever of, however it was spelt."""
        return self._types.get(note_id.casefold(), set())

    def pages(self, since_ms: int | None) -> list[list[Row]]:
        """All that a reader would get now, without counting as reading."""
        rows, cursor = self._page(None, since_ms)
        pages = [rows]
        while cursor is not None:
            rows, cursor = self._page(cursor, since_ms)
            pages.append(rows)
        return pages

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {SOURCE_TOKEN}":
            return httpx.Response(401, text="who are you?")
        params = dict(request.url.params)
        cursor, since = params.pop("after", None), params.pop("changed_since", None)
        params.pop("limit", None)
        if request.method != "GET" or request.url.path != "/notes" or params != {"shape": "flat"}:
            return httpx.Response(400, text=f"there is no {request.method} {request.url}")
        since_ms = None
        if since is not None:
            since_ms = round(datetime.fromisoformat(since).timestamp() * 1_000)
        rows, next_cursor = self._page(cursor, since_ms)
        self.read_count += 1
        notes = [self._note(row) for row in rows]
        content = msgspec.json.encode({"notes": notes, "next": next_cursor})
        return httpx.Response(200, content=content)

    def _note(self, row: Row) -> dict[str, object]:
        text: object = 5 if row.id in self.broken else row.text
        if row.id in self.restless and row.text is not None:
            text = f"{row.text}, read {self.read_count} times"
        note = {"id": row.id, "text": text, "updated_at": rfc3339(row.updated_at_ms)}
        if row.id in self.nameless:
            del note["id"]
        if row.type != "Note":
            note["type"] = row.type
        if not row.is_public:
            note["is_public"] = False
        return {**note, "views": self.read_count} if self.counts_reads else note

    def _change(self, note_id: str, text: str | None, at_ms: int) -> None:
        before = self.rows.get(note_id, Row(note_id, None, 0, 0))
        self._add(replace(before, text=text), at_ms)

    def _add(self, row: Row, at_ms: int) -> None:
        row = replace(row, updated_at_ms=at_ms, change=self.change_count)
        self.change_count += 1
        self._changes.append(row)
        self.rows[row.id] = row
        key = row.id.casefold()
        self._types.setdefault(key, set()).add(row.type)
        if row.text is None:
            self.tombstones.add(key)
        if self._spelt.setdefault(key, row.id) != row.id:
            self.respelt.add(key)

    def _page(self, cursor: str | None, since_ms: int | None) -> Listing:
        if self.order is Order.PLACE:
            return self._page_by_place(cursor, since_ms)
        return self._page_by_change(cursor, since_ms)

    def _page_by_place(self, cursor: str | None, since_ms: int | None) -> Listing:
        number = 0 if cursor is None else int(cursor.removeprefix("page "))
        rows = [self.rows[note_id] for note_id in self._pages[number]]
        changed = [row for row in rows if since_ms is None or row.updated_at_ms >= since_ms]
        is_last = number + 1 == len(self._pages)
        return changed, None if is_last else f"page {number + 1}"

    def _page_by_change(self, cursor: str | None, since_ms: int | None) -> Listing:
        after = -1 if cursor is None else int(cursor.removeprefix("change "))
        rows = [
            row
            for row in self._changes
            if row.change > after
            and (row is self.rows[row.id] if since_ms is None else row.updated_at_ms >= since_ms)
        ]
        # It does not look ahead: a full page has a next one, be it empty.
        page = rows[:FEED_PAGE_ROWS]
        is_last = len(page) < FEED_PAGE_ROWS
        return page, None if is_last else f"change {page[-1].change}"
