"""Tickets, made of a number, a version and a time."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from dev.rest.instants import rfc3339
from dev.rest.ledger import FIRST_AT_MS, Ledger, Stamp
from dev.rest.people import Person, person


STATES = ("open", "pending", "solved", "closed")
PRIORITIES = ("low", "normal", "high", "urgent")
PRODUCTS = ("Badge reader", "Laptop", "Phone", "Printer", "VPN")
TROUBLES = ("does not start", "is slow", "was lost", "makes a noise", "asks for a password")
DAY_MS = 86_400_000
COMMENTS_MAX = 4  # one in five tickets has none
DELETED = "deleted"


class Comment(Struct, frozen=True, kw_only=True):
    id: str
    author: Person
    body: str
    created_at: str


class CustomField(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    value: Any  # a text, a number, a list of texts, or null: as people set them up


class Ticket(Struct, frozen=True, kw_only=True):
    """Of a deleted one nothing is left but its id, state and time."""

    id: str
    state: str
    updated_at: str
    subject: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    priority: str | UnsetType = UNSET
    requester: Person | UnsetType = UNSET
    assignee: Person | UnsetType | None = UNSET
    tags: list[str] | UnsetType = UNSET
    custom_fields: list[CustomField] | UnsetType = UNSET
    comments: list[Comment] | UnsetType = UNSET
    created_at: str | UnsetType = UNSET


def ticket(ledger: Ledger, stamp: Stamp) -> Ticket:
    identifier, number = ledger.identifier(stamp), stamp.number
    if stamp.is_deleted:
        return Ticket(id=identifier, state=DELETED, updated_at=rfc3339(stamp.at_ms))
    product = PRODUCTS[number % len(PRODUCTS)]
    trouble = TROUBLES[number // len(PRODUCTS) % len(TROUBLES)]
    created_at_ms = FIRST_AT_MS - DAY_MS + number * 1_000
    return Ticket(
        id=identifier,
        # Each change moves the ticket on.
        state=STATES[(number + stamp.version - 1) % len(STATES)],
        updated_at=rfc3339(stamp.at_ms),
        subject=f"{product} {trouble} (no. {number})",
        description=f"My {product.lower()} {trouble} since this morning. Report {stamp.version}.",
        priority=PRIORITIES[number % len(PRIORITIES)],
        requester=person(number),
        assignee=None if number % 3 == 0 else person(number * 7 + 1),
        tags=[product.lower().replace(" ", "-"), *(["vip"] if number % 8 == 0 else [])],
        custom_fields=_custom_fields(number, product),
        comments=_comments(identifier, number, stamp.version, created_at_ms),
        created_at=rfc3339(created_at_ms),
    )


def _custom_fields(number: int, product: str) -> list[CustomField]:
    floor = None if number % 4 == 0 else number % 9
    sites = [f"site-{number % 3}", f"site-{number % 5 + 3}"]
    return [
        CustomField(id=101, name="product", value=product),
        CustomField(id=102, name="floor", value=floor),
        CustomField(id=103, name="sites", value=sites),
    ]


def _comments(identifier: str, number: int, version: int, created_at_ms: int) -> list[Comment]:
    count = number % (COMMENTS_MAX + 1)
    return [
        Comment(
            id=f"{identifier}-c{index + 1}",
            author=person(number * 7 + index),
            body=f"Comment {index + 1} on {identifier}, seen in version {version}.",
            created_at=rfc3339(created_at_ms + index * 1_000),
        )
        for index in range(count)
    ]
