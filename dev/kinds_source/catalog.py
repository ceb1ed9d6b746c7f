"""The records that are served, and what all kinds of paging share."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request

from dev.rest.instants import rfc3339, since_ms
from dev.rest.ledger import Clock, Ledger, Stamp, now_ms
from dev.rest.listing import Chosen, Listing, Order, Page, Wanted, is_live, size
from dev.rest.refusal import RefusedError
from dev.rest.settings import InForce, Settings


RECORD_COUNT = 250
# One has no records: a crawl must pass it by.
FOLDERS = ("f00001", "f00002", "f00003", "f00005", "f00006", "f00007")
FOLDER_COUNT = 7
SUBJECTS = ("Invoices", "Holidays", "Laptops", "Visitors", "Parking", "Contracts", "Travel")
ACTIONS = ("approve", "archive", "order", "renew", "report", "share", "return", "book", "cancel")


class Record(Struct, frozen=True, kw_only=True):
    id: str
    title: str
    text: str
    updated_at: str
    updated: int
    deleted: bool


class Catalog:
    """What a source of one kind of record serves.

    Args:
        count: of records at the start.
        clock: in milliseconds.
    """

    def __init__(self, count: int = RECORD_COUNT, clock: Clock = now_ms) -> None:
        self.in_force = InForce(Settings())
        self.ledger = Ledger(count, "r", clock)
        self.listing = Listing(self.ledger, self.in_force)
        self._folder_ledger = Ledger(FOLDER_COUNT, "f", clock)
        self.folder_listing = Listing(self._folder_ledger, self.in_force)

    def record(self, stamp: Stamp) -> Record:
        subject = SUBJECTS[stamp.number % len(SUBJECTS)]
        action = ACTIONS[stamp.number % len(ACTIONS)]
        title = f"{subject}: how to {action}, part {stamp.number}"
        text = f"{title}. Version {stamp.version} of what to know about it."
        return Record(
            id=self.ledger.identifier(stamp),
            title=title,
            text="" if stamp.is_deleted else text,
            updated_at=rfc3339(stamp.at_ms),
            updated=stamp.at_ms // 1_000,
            deleted=stamp.is_deleted,
        )

    def records(self, request: Request, stamps: Sequence[Stamp]) -> list[Record]:
        """Those of a page, counted in the log."""
        request.state.log["count"] = len(stamps)
        return [self.record(stamp) for stamp in stamps]

    def detail(self, identifier: str) -> Record:
        """One record. Raises RefusedError."""
        stamp = self.ledger.find(identifier)
        if stamp is None or identifier in self.in_force.now.missing:
            raise RefusedError(f"there is no record {identifier}", 404, "not_found")
        return self.record(stamp)

    def changed(self, request: Request, chosen: Chosen = is_live) -> Sequence[Stamp]:
        """All that a request asks for, on whatever pages. Raises RefusedError."""
        return self.listing.all(chosen, since_ms(request.query_params))

    def page(
        self,
        request: Request,
        chosen: Chosen = is_live,
        changed: Chosen | None = None,
        *,
        hint: str = "limit",
        scope: str = "",
    ) -> Page:
        """The page after the request's cursor, as `Listing.page`. Raises RefusedError."""
        after = request.query_params.get("after_id")
        if after is not None:
            # It is another list, so each of its pages is to be asked for with the same id.
            chosen, scope = self._after(after, chosen), f"{scope} after {after}"
            changed = None if changed is None else self._after(after, changed)
        return self.listing.page(wanted(request, hint, scope), chosen, changed)

    def _after(self, identifier: str, chosen: Chosen) -> Chosen:
        return lambda stamp: chosen(stamp) and self.ledger.identifier(stamp) > identifier

    def folders(self, request: Request) -> tuple[list[dict[str, str]], Page]:
        page = self.folder_listing.page(wanted(request, "limit", "folders"), is_live)
        request.state.log["count"] = len(page.stamps)
        names = [self._folder_ledger.identifier(stamp) for stamp in page.stamps]
        return [{"id": name, "name": f"Folder {name}"} for name in names], page

    def in_folder(self, identifier: str) -> Chosen:
        """Which records are live and in a folder. Raises RefusedError."""
        if self._folder_ledger.find(identifier) is None:
            raise RefusedError(f"there is no folder {identifier}", 404, "not_found")
        return lambda stamp: (
            not stamp.is_deleted and FOLDERS[stamp.number % len(FOLDERS)] == identifier
        )


def wanted(request: Request, hint: str, scope: str = "") -> Wanted:
    """What a query asks for, by the name of its page-size hint. Raises RefusedError."""
    query = request.query_params
    try:
        order = Order(query["sort"]) if "sort" in query else None
    except ValueError as error:
        raise RefusedError(
            f"sort is id, updated_at or -updated_at, not {query['sort']!r}"
        ) from error
    return Wanted(
        size=size(query, hint),
        cursor=query.get("cursor"),
        since_ms=since_ms(query),
        order=order,
        scope=scope,
    )


def without(records: Iterable[Record], field: str) -> list[dict[str, Any]]:
    """Records that lack a field."""
    plain = (msgspec.to_builtins(record) for record in records)
    return [{name: value for name, value in one.items() if name != field} for one in plain]
