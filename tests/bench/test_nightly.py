"""Nightly jobs are held against their targets, and priced."""

import pytest
from msgspec.structs import replace

from bench.nightly import Night, text


NIGHT = Night(
    what="nightly",
    way="reconcile",
    documents=10_000,
    pages=100,
    differences=15,
    seconds=10,
    cpu_seconds=2,
    requests=16,
    rows=277,
    read_rows=60_000,
    heap_bytes=64 * 2**20,
    stored_bytes=5_000_000,
)


def test_what_is_at_its_target_meets_it() -> None:
    assert NIGHT.is_met


@pytest.mark.parametrize(
    "night",
    [
        replace(NIGHT, requests=17),
        replace(NIGHT, rows=278),
        replace(NIGHT, heap_bytes=NIGHT.heap_bytes + 1),
    ],
)
def test_a_target_that_is_missed_is_seen(night: Night) -> None:
    assert not night.is_met
    assert "**missed**" in text([night])


def test_a_job_that_replaces_has_no_target() -> None:
    line = text([replace(NIGHT, way="replace", requests=1_000)]).splitlines()[-1]

    assert line.split("|")[-2].strip() == ""


def test_a_month_has_thirty_nights_and_what_is_stored() -> None:
    free = replace(NIGHT, rows=0, read_rows=0, seconds=0)

    assert free.usd == pytest.approx(0.001)
    assert replace(free, rows=1_000_000).usd == pytest.approx(30.001)
