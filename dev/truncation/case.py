"""What a case of a truncated source is, and the well-behaved source that it is made of."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor
from durable.sources.since import Since


IDS = "abcdef"  # of all records
PAGE_BYTES_MAX = 2_048  # many times a page of this source
SOURCE = HttpSource(
    records="items",
    url="${NOTES_URL}/notes",
    paging=BodyCursor(path="next_cursor", param="cursor"),
    since=Since(param="updated_since"),
)
JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html"}
SIGN_IN = b"<!doctype html><title>Sign in</title><form method=post></form>"
MISSING_BYTES = 100  # announced and not sent


class Verdict(StrEnum):
    """What is right to do at page 2."""

    GOES_ON = "goes on"
    WAITS = "waits and tries again"
    RESTARTS = "begins anew, and fails after three times"
    FAILS = "fails"


class Answer(Struct, frozen=True):
    """What the source sends. The body's length is announced, unless the headers name another."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: JSON)


class Case(Struct, frozen=True, kw_only=True):
    """One thing that goes wrong.

    Attributes:
        name: for a table.
        answers: in the place of those of the well-behaved source, by cursor.
        verdict: what is right.
        says: a part of the error that a person then reads; empty where there is none.
        source: as a connector would declare it.
        since_ms: the watermark of an INCREMENTAL job; None: a FULL one reads it.
    """

    name: str
    answers: Mapping[str, Answer]
    verdict: Verdict
    says: str = ""
    source: HttpSource = SOURCE
    since_ms: int | None = None

    def answer(self, cursor: str) -> Answer:
        """The page at a cursor; the first page's is the empty text."""
        known = {**GOOD, **self.answers}
        return known.get(cursor, Answer(b'{"error": "there is no such cursor"}', 400))


def note(note_id: str, text: str = "") -> dict[str, str]:
    """A record. No text of its own: the one that says that it was never changed."""
    return {"id": note_id, "text": text or f"{note_id} 0", "updated_at": "2025-12-31T23:00:00Z"}


def content(ids: str, next_cursor: str | None) -> dict[str, Any]:
    """A page as it should be."""
    return {"items": [note(note_id) for note_id in ids], "next_cursor": next_cursor}


def page(value: object, status: int = 200, **headers: str) -> Answer:
    """Anything as JSON."""
    return Answer(msgspec.json.encode(value), status, {**JSON, **headers})


GOOD = {
    "": page(content("ab", "two")),
    "two": page(content("cd", "three")),
    "three": page(content("ef", None)),
    # Where the redirects of two cases lead.
    "sign-in": Answer(SIGN_IN, headers=HTML),
    "sign-in.json": page({"sign_in": "/login"}),
}
