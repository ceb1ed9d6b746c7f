from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durable.timestamps import EPOCH, rfc3339, unix_seconds


MOMENT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SECONDS = 1_795_485_600
ZONES = st.timezones() | st.just(UTC) | st.just(timezone(timedelta(hours=-3, minutes=-30)))


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (MOMENT, SECONDS),
        (MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30))), SECONDS),
        (MOMENT + timedelta(milliseconds=999), SECONDS),
        (datetime(1969, 12, 31, 23, 59, 59, 500_000, UTC), -1),
        (date(2026, 11, 24), SECONDS - 7_200),
        ("2026-11-24T02:00:00Z", SECONDS),
        ("2026-11-24t02:00:00z", SECONDS),
        ("2026-11-24 02:00:00.999+00:00", SECONDS),
        ("2026-11-24T03:00:00+01:00", SECONDS),
        ("2026-11-24", SECONDS - 7_200),
    ],
    ids=str,
)
def test_an_instant_is_whole_seconds_of_unix(moment: Any, seconds: int) -> None:
    assert unix_seconds(moment) == seconds


@pytest.mark.parametrize(
    "moment", [MOMENT.replace(tzinfo=None), "2026-11-24T02:00:00"], ids=["datetime", "text"]
)
def test_an_instant_without_a_time_zone_is_refused(moment: Any) -> None:
    with pytest.raises(ValueError, match=r"does not say its time zone: add it.*tzinfo=UTC"):
        unix_seconds(moment)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "1795485600", "24/11/2026", "2026-13-01", "a" * 10]
)
def test_what_is_no_instant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"no time as RFC 3339 writes it, such as 2026-11-24T02"):
        unix_seconds(text)


@given(st.datetimes(timezones=ZONES))
def test_an_instant_is_the_same_as_a_text(moment: datetime) -> None:
    assert unix_seconds(moment.isoformat()) == unix_seconds(moment)
    fraction = moment - EPOCH - timedelta(seconds=unix_seconds(moment))
    assert timedelta(0) <= fraction < timedelta(seconds=1)


@given(st.integers(min_value=0, max_value=253_402_300_799))
def test_what_is_written_for_others_is_read_back(seconds: int) -> None:
    assert unix_seconds(rfc3339(seconds * 1_000)) == seconds
