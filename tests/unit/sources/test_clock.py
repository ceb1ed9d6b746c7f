"""When records changed, by the clock of their source."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec import Raw, Struct
from msgspec.structs import replace

from durable import (
    Connector,
    HttpSource,
    NdjsonSource,
    Nested,
    NewestFirst,
    OnePage,
    PythonSource,
    Since,
    Stream,
    TimeFormat,
)
from durable.errors import Cause, UpstreamError
from durable.glean import Datasource
from durable.sources.clock import BEHIND_MS_MAX, Clock
from durable.sources.source import Source
from tests.fakes.errors import caused_by


NOW_MS = 1_764_000_000_123  # 2025-11-24T16:00:00.123Z
URL = "https://notes.example/list"
CLOCK = Clock("change/at", TimeFormat.RFC3339)


def records(*ats: object) -> list[Raw]:
    return [Raw(msgspec.json.encode({"change": {"at": at}})) for at in ats]


@pytest.mark.parametrize(
    ("form", "at", "at_ms"),
    [
        (TimeFormat.RFC3339, "2025-11-24T17:00:00.123+01:00", NOW_MS),
        (TimeFormat.RFC3339, "2025-11-24T16:00:00", 1_764_000_000_000),
        (TimeFormat.EPOCH_SECONDS, 1_764_000_000, 1_764_000_000_000),
        (TimeFormat.EPOCH_MS, "1764000000123", NOW_MS),
        ("%d.%m.%Y %H:%M", "24.11.2025 16:00", 1_764_000_000_000),
    ],
)
def test_a_time_is_read_in_its_format(form: str, at: object, at_ms: int) -> None:
    (record,) = records(at)

    assert Clock("change/at", form).changed_at_ms(record) == at_ms


@pytest.mark.parametrize("form", [*TimeFormat, "%d.%m.%Y %H:%M"])
def test_rfc_3339_is_understood_whatever_the_parameter_takes(form: str) -> None:
    clock, (record,) = Clock("change/at", form), records("2025-11-24T17:00:00.123+01:00")

    clock.check([record])

    assert clock.changed_at_ms(record) == NOW_MS


@pytest.mark.parametrize(
    ("form", "at"),
    [
        (TimeFormat.RFC3339, 1_764_000_000),
        (TimeFormat.RFC3339_SECONDS, "1764000000123"),
        (TimeFormat.RFC3339, "1761123012345"),  # the library takes it for a day of 1761
        (TimeFormat.DATE, 1_764_000_000.5),
        (TimeFormat.EPOCH_SECONDS, 1_764_000_000_123),
        (TimeFormat.EPOCH_MS, "1764000000"),
        (TimeFormat.EPOCH_MS, "24.11.2025 16:00"),
        ("%d.%m.%Y %H:%M", 1_764_000_000),
        ("%d.%m.%Y %H:%M", "24/11/2025"),
        (TimeFormat.RFC3339, "Mon, 24 Nov 2025 16:00:00 GMT"),
    ],
)
def test_times_in_another_format_are_refused_with_what_to_declare(form: str, at: object) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_TIME)) as error:
        Clock("change/at", form).check(records(None, at, at))

    assert not error.value.is_transient


@pytest.mark.parametrize(
    "page", [[], [None, ""], ["soon", "2025-11-24T16:00:00Z"], [None, "2025-11-24"]]
)
def test_one_time_that_is_read_is_enough_and_records_may_tell_none(page: list[object]) -> None:
    CLOCK.check(records(*page))


def test_what_is_seconds_and_what_milliseconds_is_declared_for_the_field_alone() -> None:
    since = Since(
        param="updated_since",
        format=TimeFormat.RFC3339,
        path="change/at",
        path_format=TimeFormat.EPOCH_MS,
    )
    assert since.clock is not None

    assert [since.clock.changed_at_ms(record) for record in records(NOW_MS)] == [NOW_MS]


@pytest.mark.parametrize("record", [b"{}", b'{"change":null}', b'{"change":{"at":null}}', b"[]"])
def test_a_record_may_not_tell_it(record: bytes) -> None:
    assert CLOCK.changed_at_ms(Raw(record)) is None


@pytest.mark.parametrize("at", [-1, 1e300, 10**30, "1e400", "nan", 253_402_300_800_000])
def test_a_number_that_is_no_time_of_these_days_tells_nothing(at: object) -> None:
    """It could not be stored either."""
    (record,) = records(at)

    assert Clock("change/at", TimeFormat.EPOCH_MS).changed_at_ms(record) is None


def test_the_latest_change_of_a_page_is_told_by_those_that_tell() -> None:
    told = records("2025-11-24T15:00:00Z", None, "2025-11-24T15:30:00Z", "yesterday")

    assert CLOCK.latest_ms(told, NOW_MS) == 1_764_000_000_000 - 30 * 60_000
    assert CLOCK.latest_ms(records(None, "soon"), NOW_MS) == 0
    assert CLOCK.latest_ms([], NOW_MS) == 0


def test_a_time_that_is_yet_to_come_was_not_told_by_a_clock() -> None:
    """A page that is to appear next year, would hide for a year how far the clock is behind."""
    planned = records("2025-11-24T15:00:00Z", "2026-01-01T00:00:00Z", "1969-01-01T00:00:00Z")

    assert CLOCK.latest_ms(planned, NOW_MS) == 1_764_000_000_000 - 60 * 60_000


def listed(since: Any = None, **fields: Any) -> HttpSource:
    return HttpSource(url=URL, paging=OnePage(), since=since, **{"records": "items", **fields})


TIMED = Since(param="updated_since", path="change/at")


@pytest.mark.parametrize(
    ("source", "clock"),
    [
        (listed(), None),
        (listed(Since(param="updated_since")), None),
        (listed(TIMED), CLOCK),
        (
            listed(Since(param="updated_since", path="at", format=TimeFormat.DATE)),
            Clock("at", TimeFormat.DATE),
        ),
        (listed(NewestFirst(path="change/at", params={})), replace(CLOCK, is_newest_first=True)),
        (NdjsonSource(url=URL), None),
        (NdjsonSource(url=URL, since=TIMED), CLOCK),
        (Nested(parents=listed(TIMED), children=listed(), name="space"), None),
        (Nested(parents=listed(), children=listed(TIMED), name="space"), CLOCK),
        (PythonSource(pages=lambda *_: None), None),  # type: ignore[arg-type]
    ],
)
def test_a_source_has_the_clock_that_is_declared(source: Source, clock: Clock | None) -> None:
    assert source.clock == clock


@pytest.mark.parametrize(
    ("since", "behind_ms_max"),
    [
        (Since(param="updated_since"), None),
        (TIMED, BEHIND_MS_MAX),
        (
            Since(
                param="updated_since",
                path="at",
                kept=timedelta(milliseconds=30 * 24 * BEHIND_MS_MAX),
            ),
            BEHIND_MS_MAX,
        ),
        (
            Since(
                param="updated_since",
                path="at",
                kept=timedelta(milliseconds=BEHIND_MS_MAX),
                overlap=timedelta(milliseconds=0),
            ),
            BEHIND_MS_MAX // 2,
        ),
    ],
)
def test_a_clock_may_be_behind_for_no_longer_than_changes_are_kept(
    since: Since, behind_ms_max: int | None
) -> None:
    connector = Connector(
        name="notes",
        datasource=Datasource("notes"),
        documents=Stream(source=listed(since), key="id", record=Struct, map=lambda _: None),
    )

    assert connector.job_spec("f").behind_ms_max == behind_ms_max
