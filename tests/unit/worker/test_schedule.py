from datetime import UTC, datetime

from msgspec.structs import replace

from durable.machine.job import Mode
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
