"""Paging: every record exactly once, also while records change; and what changed since."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies

from dev.docs_source.entry import Entry, Kind
from dev.docs_source.paging import LIMIT_MAX, BadQueryError, Page, page
from dev.docs_source.records import Record, Records


LONG_AGO = "2000-01-01T00:00:00Z"


def some_records(count: int = 25) -> Records:
    """In three modules, so that many have the same instant."""
    return Records(
        [
            Entry(
                path=f"m{number % 3}.name{number}",
                kind=Kind.CLASS,
                name=f"name{number}",
                module=f"m{number % 3}",
                text="Text.",
            )
            for number in range(count)
        ]
    )


def pages(records: Records, limit: int, updated_since: str | None = None) -> Iterator[Page]:
    cursor = None
    while True:
        # As clients do: some repeat the whole query, some send the cursor alone.
        since = updated_since if cursor is None or limit % 2 else None
        found = page(records, str(limit), cursor, since)
        yield found
        cursor = found.next_cursor
        if cursor is None:
            return


def items(records: Records, limit: int, updated_since: str | None = None) -> list[Record]:
    return [item for found in pages(records, limit, updated_since) for item in found.items]


@given(count=strategies.integers(0, 30), limit=strategies.integers(1, 35))
def test_paging_gives_every_record_once_in_order(count: int, limit: int) -> None:
    records = some_records(count)

    assert items(records, limit) == list(records.live())
    assert [len(found.items) for found in pages(records, limit)][:-1] == [limit] * (
        max(0, count - 1) // limit
    )


@given(limit=strategies.integers(1, 35))
def test_since_long_ago_gives_every_record_once_in_the_order_of_change(limit: int) -> None:
    records = some_records()
    records.change(change=5, remove=3, add=2, seed=1)

    found = items(records, limit, LONG_AGO)

    positions = [(record.updated_at, record.id) for record in found]
    assert positions == sorted(set(positions))
    assert len(found) == 27
    assert sum(record.deleted for record in found) == 3


@settings(deadline=None)
@given(
    limit=strategies.integers(1, 10),
    changes=strategies.lists(strategies.tuples(*[strategies.integers(0, 3)] * 4), max_size=8),
    since=strategies.sampled_from([None, LONG_AGO]),
)
def test_a_record_that_stays_is_not_missed_while_others_change(
    limit: int, changes: list[tuple[int, int, int, int]], since: str | None
) -> None:
    records = some_records()
    before = {record.id for record in records.live()}
    touched: set[str] = set()
    seen: list[Record] = []
    remaining = list(changes)

    for found in pages(records, limit, since):
        seen += found.items
        # After the last page nobody looks any more.
        if remaining and found.next_cursor is not None:
            change, remove, add, seed = remaining.pop()
            if change + remove <= len(records.live()):
                made = records.change(change, remove, add, seed)
                touched |= {*made.changed, *made.removed, *made.added}

    ids = [record.id for record in seen]
    assert before - touched <= set(ids)
    if since is None:
        assert len(ids) == len(set(ids))
    else:
        # What changed comes again, at the end: whoever takes the last one has the state now.
        latest = {record.id: record for record in seen}
        assert {name for name, record in latest.items() if not record.deleted} == {
            record.id for record in records.live()
        }
        assert all(latest[record.id] == record for record in records.live())
        assert len([name for name in ids if name not in touched]) == len(before - touched)


def test_what_changed_since_is_all_that_changed_and_no_more() -> None:
    records = some_records()
    watermark = "2025-01-01T00:00:00Z"
    assert items(records, 4, watermark) == []

    made = records.change(change=3, remove=2, add=1, seed=5)

    found = {record.id: record for record in items(records, 4, watermark)}
    assert set(found) == {*made.changed, *made.removed, *made.added}
    tombstones = {identifier for identifier, record in found.items() if record.deleted}
    assert tombstones == set(made.removed)
    assert all(found[identifier].text == "" for identifier in tombstones)
    assert not {record.id for record in records.live()} & tombstones


def test_since_the_instant_of_a_change_includes_it() -> None:
    records = some_records()
    made = records.change(change=3, remove=0, add=0, seed=1)
    again = records.change(change=1, remove=0, add=0, seed=2)
    live = {record.id: record for record in records.live()}
    first_at = live[next(name for name in made.changed if name not in again.changed)].updated_at
    second_at = live[again.changed[0]].updated_at

    assert first_at < second_at
    assert {item.id for item in items(records, 1, second_at)} == set(again.changed)
    assert {item.id for item in items(records, 1, first_at)} == {*made.changed, *again.changed}


def test_since_may_have_any_offset() -> None:
    records = some_records()

    assert items(records, 9, "2024-01-01T02:00:00+02:00") == items(records, 9, LONG_AGO)
    assert items(records, 9, "2024-01-01T00:00:00-00:01") != items(records, 9, LONG_AGO)


def encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"limit": "0"}, "limit is a number of 1 to 1000, not '0'"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"updated_since": "yesterday"}, "RFC 3339"),
        ({"updated_since": "2024-01-01T00:00:00"}, "RFC 3339"),
        ({"updated_since": "1700000000"}, "RFC 3339"),
        ({"updated_since": ""}, "RFC 3339"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "ä"}, "cursor"),
        ({"cursor": "!!!!"}, "cursor"),
        ({"cursor": encoded(b"{}")}, "cursor"),
        ({"cursor": encoded(b'{"type":"id","last_id":3}')}, "cursor"),
        ({"cursor": encoded(b'{"type":"id","last_id":"a","more":1}')}, "cursor"),
        ({"cursor": encoded(b"\xff")}, "cursor"),
    ],
)
def test_a_bad_query_is_refused_with_what_is_wrong(query: dict[str, Any], text: str) -> None:
    arguments = {"limit": None, "cursor": None, "updated_since": None, **query}

    with pytest.raises(BadQueryError, match=text):
        page(some_records(), **arguments)


def test_a_cursor_is_for_its_own_query() -> None:
    records = some_records()
    by_id = page(records, "2", None, None).next_cursor
    since = page(records, "2", None, LONG_AGO).next_cursor

    for cursor, updated_since in ((by_id, LONG_AGO), (since, "2001-01-01T00:00:00Z")):
        with pytest.raises(BadQueryError, match="cursor was made for"):
            page(records, "2", cursor, updated_since)


def test_the_limit_has_a_default_and_a_maximum() -> None:
    records = some_records(LIMIT_MAX + 1)

    assert len(page(records, None, None, None).items) == 100
    assert len(page(records, "1000", None, None).items) == LIMIT_MAX
