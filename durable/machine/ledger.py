"""What Glean has acknowledged: the rows of the ledger. Pure.

A row stands for one thing in Glean. What is about to be sent is written as a pack before it is
sent, one for each try of a page. Once the page has landed, its puts become rows. So whatever a
crash leaves unknown is known to be in doubt, and is sent again.
"""

from enum import IntEnum

from msgspec import Struct
from msgspec.structs import replace


class Kind(IntEnum):
    """What a row stands for. Stored as a number."""

    DOCUMENT = 0
    USER = 1
    GROUP = 2
    TEAM = 3
    EMPLOYEE = 4
    MEMBERSHIP = 5  # all members of one group


class RowState(IntEnum):
    """How sure it is that Glean has what the row says. Stored as a number."""

    CONFIRMED = 1
    UNCONFIRMED = 2  # it was sent, and Glean may have it or not
    MISSING = 3  # confirmed, and the last FULL crawl has not seen it
    UNCONFIRMED_MISSING = 4


class Put(Struct, frozen=True, array_like=True):
    """What Glean is to have of one thing: a row, before it is acknowledged. Persisted."""

    key: str  # the id, folded as Glean folds it
    number: int  # its place in what a crawl has seen
    type: str
    content: str  # a digest of all but permissions; "": Glean may have one or another
    access: str  # a digest of the permissions; "": likewise, or it has none
    id: str  # as it is spelt
    record_key: str = ""  # the source's own id of the record
    title: str = ""  # for a person; of a group's members, how many they are
    url: str = ""
    former_types: tuple[str, ...] = ()  # under which Glean may have it too


class LedgerRow(Struct, frozen=True, array_like=True):
    """What the ledger has of one thing."""

    put: Put
    is_trusted: bool  # Glean has it just so
    is_missing: bool = False  # the last FULL crawl has not seen it
    at_ms: int = 0  # when the crawl began that wrote it; 0: it is under way


class PagePack(Struct, frozen=True):
    """What one try of a page means to the ledger."""

    seen: tuple[int, ...] = ()  # numbers of all that the page lists and Glean is to keep
    puts: tuple[Put, ...] = ()  # what differs from the ledger, and is to be sent
    deleted_keys: tuple[str, ...] = ()  # what is deleted after all that, by single requests
    rejected_keys: tuple[str, ...] = ()  # record keys: listed by the source, and not usable
    number_next: int = 0  # the first number that is free after it


def fold(document_id: str) -> str:
    """The same for ids that are one to Glean, which does not tell upper case from lower.

    It can be stored whatever the id holds: half of a surrogate pair is written out.
    """
    folded = document_id.casefold()
    return folded if folded.isascii() else folded.encode(errors="backslashreplace").decode()


def doubted(row: LedgerRow | None, put: Put) -> Put:
    """What is stored of a put that may or may not have reached Glean."""
    if row is None:
        return put
    access = put.access if row.put.access == put.access else ""
    return replace(put, access=access, former_types=former_types(row.put, put))


def is_same(before: Put, put: Put) -> bool:
    """Whether nothing of it has changed."""
    return (before.type, before.content, before.access) == (put.type, put.content, put.access)


def former_types(before: Put, put: Put) -> tuple[str, ...]:
    return tuple(sorted({*before.former_types, *put.former_types, before.type} - {put.type}))
