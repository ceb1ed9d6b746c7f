"""The local Glean's index against the source, record by record."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct


class Record(Struct, frozen=True):
    """A record as the source has it now."""

    id: str
    kind: str
    name: str
    text: str
    url: str
    updated_at: datetime


class Indexed(Struct, frozen=True):
    """A document as the local Glean has it now, with Glean's own names of its fields."""

    id: str
    document: dict[str, Any]


class Difference(Struct, frozen=True):
    id: str
    what: str


def differences(records: Iterable[Record], index: Iterable[Indexed]) -> list[Difference]:
    """What is missing in the index, what should not be there, and what is not the same."""
    found = {indexed.id: indexed.document for indexed in index}
    different = []
    for record in records:
        document = found.pop(record.id, None)
        if document is None:
            different.append(Difference(record.id, "is not in the index"))
            continue
        for field, expected in _expect(record).items():
            if document.get(field) != expected:
                what = f"{field} is {document.get(field)!r:.80}, expected {expected!r:.80}"
                different.append(Difference(record.id, what))
                break
    different.extend(Difference(left, "is in the index, not in the source") for left in found)
    return different


def _expect(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "objectType": record.kind,
        "title": record.name,
        "viewURL": record.url,
        "body": {"mimeType": "text/plain", "textContent": record.text},
        "updatedAt": int(record.updated_at.timestamp()),
        "permissions": {"allowAnonymousAccess": True},
    }
