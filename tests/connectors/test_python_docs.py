"""The demo's connector against the demo's source, in this process."""

import httpx

from connectors.python_docs import connector
from dev.docs_source.app import create_app
from dev.docs_source.entry import Entry, Kind
from dev.docs_source.records import Records
from dev.kit import check_connector
from durable import Mode
from durable.sources.since import OVERLAP_MS


RECORD_COUNT = 450  # five pages
LONG_AGO_MS = 1_704_070_800_000  # after the import, before all changes


def some_records() -> Records:
    return Records(
        [
            Entry(
                path=f"module{number % 9}.name{number}",
                kind=Kind.FUNCTION,
                name=f"name{number}",
                module=f"module{number % 9}",
                text=f"Text {number}.",
            )
            for number in range(RECORD_COUNT)
        ]
    )


def test_the_connector_passes_the_kit() -> None:
    records = some_records()
    changes = records.change(change=130, remove=7, add=3, seed=1)

    report = check_connector(
        connector, httpx.ASGITransport(create_app(records)), since_ms=LONG_AGO_MS + OVERLAP_MS
    )

    live = list(records.live())
    assert [(found.id, found.title) for found in report.documents] == [
        (record.id, record.name) for record in live
    ]
    assert {deletion.id for deletion in report.deletions} == set(changes.removed)
    updated = {change.id for change in report.changes(Mode.INCREMENTAL)} - set(changes.removed)
    assert updated == {*changes.changed, *changes.added}


def test_five_pages_are_read_in_full_and_those_of_changes_in_turn() -> None:
    records = some_records()
    records.change(change=130, remove=7, add=3, seed=1)

    report = check_connector(
        connector, httpx.ASGITransport(create_app(records)), since_ms=LONG_AGO_MS + OVERLAP_MS
    )

    assert [(page.mode, page.number, len(page.records.records)) for page in report.pages] == [
        (Mode.FULL, 1, 100),
        (Mode.FULL, 2, 100),
        (Mode.FULL, 3, 100),
        (Mode.FULL, 4, 100),
        (Mode.FULL, 5, 46),
        (Mode.INCREMENTAL, 1, 100),
        (Mode.INCREMENTAL, 2, 40),
    ]
    since = [request.url.params.get("updated_since") for request in report.requests]
    assert since == [None] * 5 + ["2024-01-01T01:00:00.000Z"] * 2
