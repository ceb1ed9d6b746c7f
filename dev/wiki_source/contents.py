"""Spaces, pages and comments."""

from collections.abc import Sequence

from msgspec import Struct

from dev.rest.instants import rfc3339
from dev.rest.ledger import FIRST_AT_MS, Ledger, Stamp
from dev.rest.people import Person, person


WEB = "https://wiki.example.com"
COMMENTS_MAX = 7
TOPICS = ("Onboarding", "Release", "Incident", "Budget", "Offsite", "Retrospective")
FORMS = ("checklist", "notes", "plan", "guide", "FAQ")


class Permissions(Struct, frozen=True, kw_only=True):
    anonymous: bool
    groups: Sequence[str]


class Space(Struct, frozen=True, kw_only=True):
    key: str
    name: str
    permissions: Permissions
    web_url: str


class Storage(Struct, frozen=True):
    value: str  # HTML
    representation: str = "storage"


class Body(Struct, frozen=True):
    storage: Storage


class Page(Struct, frozen=True, kw_only=True):
    id: str
    space: str
    title: str
    version: int
    author: Person
    labels: list[str]
    body: Body
    created_at: str
    updated_at: str
    web_url: str


class Comment(Struct, frozen=True, kw_only=True):
    id: str
    author: Person
    body: Body
    created_at: str


def _space(key: str, name: str, *groups: str) -> Space:
    permissions = Permissions(anonymous=not groups, groups=groups)
    return Space(key=key, name=name, permissions=permissions, web_url=f"{WEB}/spaces/{key}")


SPACES = (
    _space("ENG", "Engineering", "engineering", "leads"),
    _space("FIN", "Finance", "finance"),  # has no pages
    _space("HR", "People", "hr"),
    _space("OPS", "Operations", "engineering", "operations"),
    _space("PUB", "Public"),
    _space("STAFF", "Everybody", "all-staff"),
)
FILLED = ("ENG", "HR", "OPS", "PUB", "STAFF")


def space_of(stamp: Stamp) -> str:
    return FILLED[stamp.number % len(FILLED)]


def page(ledger: Ledger, stamp: Stamp) -> Page:
    number, identifier = stamp.number, ledger.identifier(stamp)
    title = f"{TOPICS[number % len(TOPICS)]} {FORMS[number % len(FORMS)]} {number}"
    html = (
        f"<h1>{title}</h1><p>Version&nbsp;{stamp.version} &amp; counting.</p>"
        f"<ul><li>First &lt;thing&gt; of {number}</li><li>Größe: {number}</li></ul>"
        "<script>notForReaders()</script>"
    )
    return Page(
        id=identifier,
        space=space_of(stamp),
        title=title,
        version=stamp.version,
        author=person(number * 3),
        labels=[] if number % 4 == 0 else [TOPICS[number % len(TOPICS)].lower()],
        body=Body(Storage(html)),
        created_at=rfc3339(FIRST_AT_MS),
        updated_at=rfc3339(stamp.at_ms),
        web_url=f"{WEB}/spaces/{space_of(stamp)}/pages/{identifier}",
    )


def comments(ledger: Ledger, stamp: Stamp) -> list[Comment]:
    """Of a page; some have none."""
    identifier = ledger.identifier(stamp)
    return [
        Comment(
            id=f"{identifier}-c{index + 1}",
            author=person(stamp.number + index),
            body=Body(Storage(f"<p>Comment {index + 1} on {identifier}</p>")),
            created_at=rfc3339(FIRST_AT_MS + index * 1_000),
        )
        for index in range(stamp.number % (COMMENTS_MAX + 1))
    ]
