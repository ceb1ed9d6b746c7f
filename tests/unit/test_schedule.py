from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from durable.job import Mode
from tests.fakes.connector import NOTES
from worker.schedule import Due, due


NIGHTLY, HOURLY = NOTES.schedule
NOTES_ONLY = {"notes": NOTES}


def at_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


def test_a_tick_begins_the_mode_that_its_expression_stands_for() -> None:
    (job,) = due(HOURLY, at_ms("2026-11-24 03:00"), NOTES_ONLY)

    assert job == Due("notes", Mode.INCREMENTAL, "cron 2026-11-24T03:00:00.000Z")


def test_ticks_of_one_minute_are_one_full_job_whatever_comes_first() -> None:
    two = at_ms("2026-11-24 02:00")

    (nightly,) = due(NIGHTLY, two + 30_000, NOTES_ONLY)
    (hourly,) = due(HOURLY, two, NOTES_ONLY)

    assert nightly == hourly == Due("notes", Mode.FULL, "cron 2026-11-24T02:00:00.000Z")


def test_ticks_of_different_minutes_are_different_jobs() -> None:
    (first,) = due(HOURLY, at_ms("2026-11-24 03:00"), NOTES_ONLY)
    (second,) = due(HOURLY, at_ms("2026-11-24 04:00"), NOTES_ONLY)

    assert first.trigger_key != second.trigger_key


def test_a_tick_is_believed_even_where_the_expression_is_read_otherwise() -> None:
    (job,) = due(NIGHTLY, at_ms("2026-11-24 05:17"), NOTES_ONLY)

    assert job.mode is Mode.FULL


def test_a_tick_is_for_every_connector_that_has_its_expression() -> None:
    connectors = {
        "notes": NOTES,
        "other": replace(NOTES, name="other", schedule={HOURLY: Mode.FULL}),
        "weekly": replace(NOTES, name="weekly", schedule={"0 3 * * 1": Mode.FULL}),
    }

    jobs = list(due(HOURLY, at_ms("2026-11-22 03:00"), connectors))

    assert [(job.connector, job.mode) for job in jobs] == [
        ("notes", Mode.INCREMENTAL),
        ("other", Mode.FULL),
    ]


def test_a_tick_that_nobody_asked_for_begins_nothing() -> None:
    assert list(due("* * * * *", at_ms("2026-11-24 02:00"), NOTES_ONLY)) == []


def test_a_full_job_whose_ticks_were_lost_is_asked_for_by_the_next_one() -> None:
    lost = Due("notes", Mode.FULL, "cron 2026-11-24T02:00:00.000Z")
    asked = {"notes": at_ms("2026-11-23 02:00") + 90_000}

    three = [*due(HOURLY, at_ms("2026-11-24 03:00"), NOTES_ONLY, asked)]
    two = [*due(HOURLY, at_ms("2026-11-24 02:00"), NOTES_ONLY, asked)]
    one = [*due(HOURLY, at_ms("2026-11-24 01:00"), NOTES_ONLY, asked)]

    assert three == [lost, Due("notes", Mode.INCREMENTAL, "cron 2026-11-24T03:00:00.000Z")]
    assert two == [lost]
    assert [job.mode for job in one] == [Mode.INCREMENTAL]


@pytest.mark.parametrize(
    "asked_at",
    ["2026-11-24 02:00", "2026-11-24 02:47", "2026-11-24 03:00", None],
    ids=["in time", "by hand since", "at work", "never"],
)
def test_nothing_is_made_good_that_was_not_lost(asked_at: str | None) -> None:
    asked = {"notes": None if asked_at is None else at_ms(asked_at)}

    (job,) = due(HOURLY, at_ms("2026-11-24 03:00"), NOTES_ONLY, asked)

    assert job.mode is Mode.INCREMENTAL


def test_a_tick_of_anybody_makes_good_what_a_connector_has_lost() -> None:
    """Also a week's, after days without any tick."""
    weekly = {"notes": replace(NOTES, schedule={"0 3 * * 1": Mode.FULL})}  # on Sundays
    asked = {"notes": at_ms("2026-11-15 03:00")}

    (job,) = due("30 * * * *", at_ms("2026-11-25 07:30"), weekly, asked)

    assert job == Due("notes", Mode.FULL, "cron 2026-11-22T03:00:00.000Z")
