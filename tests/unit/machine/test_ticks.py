"""Which jobs make good what cron did not begin."""

from datetime import UTC, datetime

import pytest

from durable.machine.job import Mode
from durable.machine.ticks import (
    MissedTick,
    Ticks,
    missed_ticks,
    overdue_since_ms,
    record_begun,
    see_schedule,
)


NIGHTLY, HOURLY, WEEKLY = "0 2 * * *", "0 * * * *", "0 3 * * 1"  # on Sundays
BOTH = {NIGHTLY: Mode.FULL, HOURLY: Mode.INCREMENTAL}
NOBODY: dict[Mode, int | None] = {}


def at_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


SEEN = see_schedule(Ticks(), BOTH, at_ms("2026-11-23 12:30"))
SERVED = record_begun(record_begun(SEEN, Mode.FULL, at_ms("2026-11-24 02:00")), Mode.INCREMENTAL, 0)


def full(due: str) -> list[MissedTick]:
    return [MissedTick(Mode.FULL, at_ms(due))]


def incremental(due: str) -> list[MissedTick]:
    return [MissedTick(Mode.INCREMENTAL, at_ms(due))]


def test_of_all_that_was_missed_the_latest_is_begun_and_full_alone() -> None:
    assert missed_ticks(SEEN, BOTH, NOBODY, at_ms("2026-11-26 05:59")) == full("2026-11-26 02:00")
    assert missed_ticks(SEEN, BOTH, NOBODY, at_ms("2026-11-24 01:59")) == incremental(
        "2026-11-24 01:00"
    )


def test_an_incremental_job_is_made_good_too() -> None:
    assert missed_ticks(SERVED, BOTH, NOBODY, at_ms("2026-11-24 05:59")) == incremental(
        "2026-11-24 05:00"
    )


@pytest.mark.parametrize("until", ["2026-11-24 02:00", "2026-11-24 02:59"])
def test_what_was_due_in_the_minute_of_a_full_job_was_no_other(until: str) -> None:
    assert missed_ticks(SERVED, BOTH, NOBODY, at_ms(until)) == []


def test_nothing_is_missed_from_before_the_schedule_was_seen() -> None:
    assert missed_ticks(SEEN, BOTH, NOBODY, at_ms("2026-11-23 12:59")) == []
    assert missed_ticks(Ticks(), BOTH, NOBODY, at_ms("2026-11-23 12:59")) == []


def test_a_schedule_that_is_changed_begins_to_count_anew_and_the_others_do_not() -> None:
    changed = {WEEKLY: Mode.FULL, HOURLY: Mode.INCREMENTAL}
    ticks = see_schedule(SERVED, changed, at_ms("2026-11-24 05:30"))

    assert ticks.seen_at_ms.keys() == {f"FULL {WEEKLY}", f"INCREMENTAL {HOURLY}"}
    assert missed_ticks(ticks, changed, NOBODY, at_ms("2026-11-24 05:31")) == incremental(
        "2026-11-24 05:00"
    )
    assert missed_ticks(ticks, changed, NOBODY, at_ms("2026-11-30 00:00")) == full(
        "2026-11-29 03:00"
    )
    # The other mode of the same expression is another schedule.
    turned = see_schedule(SERVED, {HOURLY: Mode.FULL}, at_ms("2026-11-24 05:30"))
    assert missed_ticks(turned, {HOURLY: Mode.FULL}, NOBODY, at_ms("2026-11-24 05:31")) == []


def test_each_expression_of_a_mode_counts() -> None:
    schedule = {NIGHTLY: Mode.FULL, "30 14 * * *": Mode.FULL}
    ticks = record_begun(see_schedule(Ticks(), schedule, 0), Mode.FULL, at_ms("2026-11-24 02:00"))

    assert missed_ticks(ticks, schedule, NOBODY, at_ms("2026-11-24 15:00")) == full(
        "2026-11-24 14:30"
    )


@pytest.mark.parametrize(
    ("worked", "is_missed"),
    [
        ("2026-11-24 01:59", True),
        ("2026-11-24 02:00", False),
        ("2026-11-24 02:47", False),
        (None, True),
    ],
    ids=["before", "in time", "by hand since", "never"],
)
def test_whoever_began_a_job_since_it_was_due_did_what_was_missed(
    worked: str | None, *, is_missed: bool
) -> None:
    worked_at_ms = {Mode.FULL: None if worked is None else at_ms(worked)}
    schedule = {NIGHTLY: Mode.FULL}
    ticks = see_schedule(Ticks(), schedule, at_ms("2026-11-23 12:30"))

    found = missed_ticks(ticks, schedule, worked_at_ms, at_ms("2026-11-24 05:00"))

    assert found == (full("2026-11-24 02:00") if is_missed else [])


def test_a_tick_that_comes_late_takes_nothing_back() -> None:
    late = record_begun(SERVED, Mode.FULL, at_ms("2026-11-23 02:00"))

    assert late.begun_at_ms["FULL"] == at_ms("2026-11-24 02:00")


def test_a_cron_that_never_ticked_is_overdue_since_the_schedule_was_seen() -> None:
    assert overdue_since_ms(SEEN, BOTH, None, at_ms("2026-11-23 13:30")) is None
    assert overdue_since_ms(SEEN, BOTH, None, at_ms("2026-11-23 13:31")) == at_ms(
        "2026-11-23 13:00"
    )
    ticked_ms = at_ms("2026-11-24 05:00")
    assert overdue_since_ms(SEEN, BOTH, ticked_ms, at_ms("2026-11-24 06:15")) is None
    assert overdue_since_ms(Ticks(), BOTH, None, at_ms("2026-11-24 06:15")) is None
    assert overdue_since_ms(SEEN, {}, None, at_ms("2026-11-24 06:15")) is None
