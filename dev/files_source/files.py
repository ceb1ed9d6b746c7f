"""Files and their contents, made of a number, a version and a time."""

import base64
from typing import Literal

from msgspec import Struct

from dev.rest.instants import rfc3339
from dev.rest.ledger import FIRST_AT_MS, Ledger, Stamp
from dev.rest.people import Person, person


NAMES = ("Minutes", "Budget", "Contract", "Handbook", "Poster", "Roadmap", "Survey")
TYPES = (
    ("txt", "text/plain"),
    ("html", "text/html"),
    ("md", "text/markdown"),
    ("pdf", "application/pdf"),
    ("bin", "application/octet-stream"),
)
WEB = "https://files.example.com/f"


class Permissions(Struct, frozen=True, kw_only=True):
    anyone: bool
    readers: list[str]


class File(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    mime_type: str
    size: int
    owner: Person
    permissions: Permissions
    web_url: str
    created_at: str
    modified_at: str


class Content(Struct, frozen=True, kw_only=True):
    id: str
    mime_type: str
    encoding: Literal["text", "base64"]
    content: str


def file(ledger: Ledger, stamp: Stamp) -> File:
    number, identifier = stamp.number, ledger.identifier(stamp)
    suffix, mime_type = TYPES[number % len(TYPES)]
    return File(
        id=identifier,
        name=f"{NAMES[number % len(NAMES)]} {number}.{suffix}",
        mime_type=mime_type,
        size=len(_bytes(ledger, stamp)),
        owner=person(number),
        permissions=_permissions(stamp),
        web_url=f"{WEB}/{identifier}",
        created_at=rfc3339(FIRST_AT_MS),
        modified_at=rfc3339(stamp.at_ms),
    )


def content(ledger: Ledger, stamp: Stamp) -> Content:
    _, mime_type = TYPES[stamp.number % len(TYPES)]
    data, is_text = _bytes(ledger, stamp), mime_type.startswith("text/")
    return Content(
        id=ledger.identifier(stamp),
        mime_type=mime_type,
        encoding="text" if is_text else "base64",
        content=data.decode() if is_text else base64.b64encode(data).decode(),
    )


def _permissions(stamp: Stamp) -> Permissions:
    # Each change lets in one more. Some files are their owner's alone.
    count = stamp.number % 4 + stamp.version - 1 + stamp.share_count
    readers = [person(stamp.number + 11 * (index + 1)).email for index in range(count)]
    return Permissions(anyone=stamp.number % 6 == 0, readers=readers)


def _bytes(ledger: Ledger, stamp: Stamp) -> bytes:
    text = f"What file {ledger.identifier(stamp)} holds in version {stamp.version}: größer als π."
    suffix, _ = TYPES[stamp.number % len(TYPES)]
    match suffix:
        case "html":
            return f"<html><body><h1>{stamp.number}</h1><p>{text}</p></body></html>".encode()
        case "pdf":
            return b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + text.encode()
        case "bin":
            return bytes(range(256)) + text.encode()
    return text.encode()
