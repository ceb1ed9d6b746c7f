"""Where the next job reads from, whatever the source's clock shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from durable.machine.job import Job, Mode
from durable.machine.states import State
from durable.machine.watermark import clock_ms, watermark_ms
from tests.fakes.jobs import a_job


HOUR_MS = 3_600_000
BEGUN_MS = 1_764_000_000_000
ENDED = replace(a_job(State.SUCCEEDED), started_at_ms=BEGUN_MS)
TIMED = replace(ENDED, behind_ms_max=HOUR_MS)


@pytest.mark.parametrize("state", State)
def test_the_watermark_is_the_start_of_a_job_that_succeeded(state: State) -> None:
    expected_ms = BEGUN_MS if state is State.SUCCEEDED else None

    assert watermark_ms(replace(ENDED, state=state)) == expected_ms
    assert (watermark_ms(replace(TIMED, state=state)) is None) is (expected_ms is None)


@pytest.mark.parametrize("job", [ENDED, TIMED])
def test_a_job_that_repeats_rejects_moves_no_watermark(job: Job) -> None:
    assert watermark_ms(replace(job, repeats="job-0")) is None


@pytest.mark.parametrize(
    ("clock_ms", "since_ms", "expected_ms"),
    [
        (BEGUN_MS - 300_000, None, BEGUN_MS - 300_000),
        (BEGUN_MS - 300_000, BEGUN_MS - 600_000, BEGUN_MS - 300_000),
        (BEGUN_MS - 600_000, BEGUN_MS - 300_000, BEGUN_MS - 300_000),
        (0, BEGUN_MS - 300_000, BEGUN_MS - 300_000),
        (BEGUN_MS - 299_001, None, BEGUN_MS - 300_000),
        (BEGUN_MS - HOUR_MS - 1, None, BEGUN_MS - HOUR_MS),
        (0, BEGUN_MS - 24 * HOUR_MS, BEGUN_MS - HOUR_MS),
        (0, None, BEGUN_MS - HOUR_MS),
        (BEGUN_MS + 300_000, None, BEGUN_MS),
        (0, BEGUN_MS + 300_000, BEGUN_MS),
    ],
    ids=[
        "what the clock showed",
        "though it was told to read from earlier",
        "not what was changed before that",
        "nothing has changed",
        "whole seconds",
        "nothing has changed for an hour",
        "nor in an INCREMENTAL job",
        "no record tells",
        "never later than the start",
        "whatever it was told to read from",
    ],
)
def test_where_records_tell_it_is_the_start_by_the_sources_clock(
    clock_ms: int, since_ms: int | None, expected_ms: int
) -> None:
    job = replace(TIMED, clock_ms=clock_ms, since_ms=since_ms)

    assert watermark_ms(job) == expected_ms


def test_there_is_no_time_before_1970() -> None:
    assert watermark_ms(replace(TIMED, started_at_ms=5)) == 0


def test_what_has_passed_since_the_start_is_taken_off_the_time_that_a_page_tells() -> None:
    assert clock_ms(TIMED, BEGUN_MS - 300_000, BEGUN_MS) == BEGUN_MS - 300_000
    assert clock_ms(TIMED, BEGUN_MS - 300_000, BEGUN_MS + 20_000) == BEGUN_MS - 320_000
    assert clock_ms(TIMED, 5, BEGUN_MS + 20_000) == 0
    assert clock_ms(TIMED, 0, BEGUN_MS + 20_000) == 0


class Doing(Struct, frozen=True):
    """Somebody writes a record, or the job reads the page that it is on."""

    record: int  # each is on a page of its own
    passing_ms: int  # since what was done before


@given(
    behind_ms=st.integers(0, HOUR_MS),
    before=st.dictionaries(st.integers(0, 3), st.integers(1, 2 * HOUR_MS)),
    order=st.permutations(range(4)),
    edits=st.lists(st.lists(st.builds(Doing, st.integers(0, 3), st.integers(0, 90_000)))),
    since_ms=st.none() | st.integers(1, 2 * HOUR_MS),
)
def test_what_a_job_has_not_read_is_not_older_than_its_watermark(
    behind_ms: int,
    before: dict[int, int],
    order: list[int],
    edits: list[list[Doing]],
    since_ms: int | None,
) -> None:
    """In whatever order the pages are, and whatever is written between two of them."""
    changed = {record: BEGUN_MS - behind_ms - ago_ms for record, ago_ms in before.items()}
    # What it was told to read from, the source's clock had passed.
    told_ms = None if since_ms is None else BEGUN_MS - behind_ms - since_ms
    mode = Mode.FULL if told_ms is None else Mode.INCREMENTAL
    job = replace(TIMED, mode=mode, since_ms=told_ms)
    now_ms, read = BEGUN_MS, dict[int, int | None]()
    for index, record in enumerate(order):
        for doing in edits[index] if index < len(edits) else ():
            now_ms += doing.passing_ms
            changed[doing.record] = (now_ms - behind_ms) // 1_000 * 1_000  # many write seconds
        read[record] = changed.get(record)
        learnt_ms = clock_ms(job, changed.get(record, 0), now_ms)
        job = replace(job, clock_ms=max(job.clock_ms, learnt_ms))

    at_ms = watermark_ms(job)

    assert at_ms is not None
    assert BEGUN_MS - HOUR_MS <= at_ms <= BEGUN_MS
    unread = [at for record, at in changed.items() if read[record] != at]
    assert all(at >= at_ms for at in unread)
