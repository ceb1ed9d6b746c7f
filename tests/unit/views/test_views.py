import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from durable import cron
from durable.connector.definition import AnyConnector
from durable.engine.platform import Platform
from durable.errors import ConfigurationError
from durable.limits import Limits
from durable.machine.counters import Counters
from durable.machine.job import Job, Mode, Stage
from durable.machine.ledger import Kind, Put, RowState
from durable.machine.rejects import Reject
from durable.machine.states import State
from durable.store.ledger_rows import LedgerRows
from durable.timestamps import rfc3339
from durable.views.overview import Condition, Known, Overview, overview
from durable.views.views import LAST_ID, Views
from tests.fakes.answers import LIST, a_page
from tests.fakes.bench import NOW_MS, Bench
from tests.fakes.connector import NOTES
from tests.fakes.jobs import alter


HOUR_MS = 3_600_000
JOB = Job(id="notes-1", connector="notes", mode=Mode.FULL, created_at_ms=NOW_MS)
SUCCEEDED = replace(JOB, state=State.SUCCEEDED, started_at_ms=NOW_MS, finished_at_ms=NOW_MS + 5)
HELD = replace(JOB, id="notes-2", state=State.HELD, error="too many", started_at_ms=NOW_MS)
FAILED = replace(
    SUCCEEDED, id="notes-3", state=State.FAILED, error="the source answered 404: t0ken"
)
OUTDATED = replace(SUCCEEDED, outdated_count=3)
OUT_OF_DATE = "Glean has older versions of 3 documents, whose records were rejected"
INCREMENTAL = replace(SUCCEEDED, id="notes-5", mode=Mode.INCREMENTAL, finished_at_ms=NOW_MS + 9)
INCREMENTAL_FAILED = replace(FAILED, id="notes-5", mode=Mode.INCREMENTAL)
# More than are shown.
AFTER = [replace(INCREMENTAL, id=f"notes-5{number:02}") for number in range(40)]
AT_WORK = replace(JOB, id="notes-5", mode=Mode.INCREMENTAL)
# It ended after one that was begun later.
RETRIED = {"id": "notes-2", "state": State.SUCCEEDED, "error": "", "finished_at_ms": NOW_MS + 9}


def overview_of(*jobs: Job, connector: AnyConnector = NOTES) -> Overview:
    bench = Bench(connector=connector)
    bench.put(*jobs)
    return bench.views.overview()


@pytest.mark.parametrize(
    ("jobs", "condition", "why"),
    [
        ([], Condition.NEW, None),
        ([JOB], Condition.WORKING, None),
        ([alter(JOB, retry_at_ms=1, error="busy")], Condition.WAITING, "busy"),
        ([alter(JOB, retry_at_ms=1, pause="rests")], Condition.WORKING, None),
        ([SUCCEEDED], Condition.OK, None),
        ([OUTDATED, INCREMENTAL], Condition.DEGRADED, OUT_OF_DATE),
        (
            [OUTDATED, replace(SUCCEEDED, id="notes-6", finished_at_ms=NOW_MS + 9)],
            Condition.OK,
            None,
        ),
        ([OUTDATED, AT_WORK], Condition.DEGRADED, OUT_OF_DATE),
        ([SUCCEEDED, HELD], Condition.HELD, "too many"),
        ([SUCCEEDED, FAILED], Condition.FAILING, "the source answered 404: ***"),
        ([FAILED, replace(SUCCEEDED, id="notes-4")], Condition.OK, None),
        ([FAILED, replace(SUCCEEDED, id="notes-4", state=State.CANCELLED)], Condition.OK, None),
        ([FAILED, replace(JOB, id="notes-4")], Condition.WORKING, None),
        ([FAILED, INCREMENTAL], Condition.FAILING, "the source answered 404: ***"),
        ([FAILED, *AFTER], Condition.FAILING, "the source answered 404: ***"),
        ([FAILED, AT_WORK], Condition.FAILING, "the source answered 404: ***"),
        ([INCREMENTAL_FAILED, replace(SUCCEEDED, id="notes-6")], Condition.OK, None),
        ([INCREMENTAL_FAILED, replace(AT_WORK, id="notes-6")], Condition.WORKING, None),
        (
            [INCREMENTAL_FAILED, replace(AT_WORK, id="notes-6", repeats="notes-1")],
            Condition.FAILING,
            "the source answered 404: ***",
        ),
        ([INCREMENTAL_FAILED, replace(FAILED, id="notes-6", error="x")], Condition.FAILING, "x"),
        ([replace(FAILED, finished_at_ms=NOW_MS), alter(FAILED, **RETRIED)], Condition.OK, None),
    ],
    ids=str,
)
def test_a_connector_is_as_its_jobs_are(
    jobs: list[Job], condition: Condition, why: str | None
) -> None:
    shown = overview_of(*jobs)

    assert (shown.health, shown.why) == (condition, why)


def test_a_connector_whose_records_were_rejected_counts_older_documents() -> None:
    bench = Bench()
    bench.put(replace(SUCCEEDED, outdated_count=3))

    shown = bench.views.overview()

    assert (shown.health, shown.outdated) == (Condition.DEGRADED, 3)
    assert shown.remedy is not None
    assert (shown.remedy.code, shown.remedy.parameters) == ("repeat-rejects", {"job": "notes-1"})
    assert bench.views.measures().outdated_count == 3


def test_older_documents_that_a_later_job_has_replaced_count_no_more() -> None:
    later = replace(SUCCEEDED, id="notes-4", finished_at_ms=NOW_MS + 9)
    bench = Bench()
    bench.put(replace(SUCCEEDED, outdated_count=3), later)

    assert (bench.views.overview().health, bench.views.overview().outdated) == (Condition.OK, 0)


@pytest.mark.parametrize("full", [[], [replace(SUCCEEDED, finished_at_ms=1)]])
def test_rejects_that_are_tried_no_more_count_as_older_documents(full: list[Job]) -> None:
    bench = Bench()
    bench.put(*full)
    rejected = replace(INCREMENTAL, state=State.SENDING, since_ms=1, stages=(Stage.DOCUMENTS,))
    bench.put(rejected)
    bench.store.keep_rejects(rejected.id, 1, [Reject(1, "a", "why")], Limits())
    bench.store.put(replace(rejected, state=State.SUCCEEDED), Limits())
    assert bench.views.overview().health is Condition.OK
    bench.now_ms += 25 * HOUR_MS

    shown = bench.views.overview()

    assert (shown.health, shown.outdated) == (Condition.DEGRADED, 1)
    assert shown.remedy is not None
    assert (shown.remedy.code, shown.remedy.parameters) == (
        "read-all-again",
        {"connector": "notes"},
    )
    assert bench.views.measures().outdated_count == 1


def test_documents_that_are_not_known_to_be_in_glean_are_counted() -> None:
    bench = Bench()
    rows = LedgerRows(lambda *query: bench.storage.exec(*query).toArray())
    put = Put("a", 0, "note", "c", "p", "a")
    rows.put(Kind.DOCUMENT, [put], RowState.UNCONFIRMED, 1)
    rows.put(Kind.DOCUMENT, [replace(put, key="b", id="b")], RowState.CONFIRMED, 1)

    assert bench.views.overview().unconfirmed == 1
    assert bench.views.measures().unconfirmed_count == 1


def test_before_a_full_job_nobody_knows_what_is_older() -> None:
    assert overview_of(INCREMENTAL).outdated is None


def test_a_connector_is_shown_with_its_next_jobs_and_its_latest() -> None:
    shown = overview_of(SUCCEEDED, HELD)

    # 2025-11-24T16:00:00.123Z
    assert [(one.cron, one.mode, one.next_at) for one in shown.schedule] == [
        ("0 2 * * *", Mode.FULL, "2025-11-25T02:00:00.000Z"),
        ("0 * * * *", Mode.INCREMENTAL, "2025-11-24T17:00:00.000Z"),
    ]
    assert (shown.next_at, shown.next_mode) == ("2025-11-24T17:00:00.000Z", Mode.INCREMENTAL)
    assert [line.id for line in shown.jobs] == ["notes-2", "notes-1"]
    assert shown.current is not None
    assert shown.current.id == "notes-2"


def test_of_two_that_are_due_in_one_minute_the_full_one_is_next() -> None:
    schedule = {"0 17 * * *": Mode.INCREMENTAL, "0 17,18 * * *": Mode.FULL}
    shown = overview_of(connector=replace(NOTES, schedule=schedule))

    assert shown.next_mode is Mode.FULL


def test_a_connector_without_a_schedule_is_never_due() -> None:
    shown = overview_of(connector=replace(NOTES, schedule={}))

    assert (shown.schedule, shown.next_at, shown.next_mode) == ([], None, None)


def test_a_connector_without_a_success_for_too_long_is_stale() -> None:
    bench = Bench(
        connector=replace(NOTES, stale_after=timedelta(milliseconds=2 * HOUR_MS), schedule={})
    )
    bench.network.on(LIST, a_page(), httpx.Response(503))
    bench.begun(Mode.INCREMENTAL)
    assert bench.left().state is State.SUCCEEDED

    bench.now_ms += 2 * HOUR_MS
    assert bench.views.overview().health is Condition.OK
    bench.now_ms += 1
    shown = bench.views.overview()

    assert (shown.health, shown.why) == (Condition.STALE, "no success for 2 hours")
    assert (shown.last_success_at, shown.stale_after_seconds) == (rfc3339(NOW_MS), 7_200)


@pytest.mark.parametrize(
    ("fields", "hours", "condition", "why"),
    [
        ({}, 48, Condition.OK, None),
        ({}, 49, Condition.STALE, "no FULL success for 2 days"),
        ({"full_stale_after": timedelta(hours=26)}, 26, Condition.OK, None),
        (
            {"full_stale_after": timedelta(hours=26)},
            27,
            Condition.STALE,
            "no FULL success for 1 day",
        ),
        ({"stale_after": timedelta(hours=99)}, 99, Condition.OK, None),
        ({"stale_after": timedelta(hours=99)}, 100, Condition.STALE, "no FULL success for 4 days"),
        ({"schedule": {"0 * * * *": Mode.INCREMENTAL}}, 1_000, Condition.OK, None),
    ],
)
def test_full_jobs_go_stale_by_themselves(
    fields: dict[str, Any], hours: int, condition: Condition, why: str | None
) -> None:
    """The nightly FULL one has not succeeded for twice its gap; INCREMENTAL ones have."""
    now_ms = NOW_MS + hours * HOUR_MS
    tally = Counters(succeeded_at_ms=now_ms, full_succeeded_at_ms=NOW_MS, begun_at_ms=NOW_MS)
    known = Known(jobs=[INCREMENTAL], tally=tally, ticked_at_ms=now_ms)

    shown = overview(replace(NOTES, **fields), known, str, now_ms)

    assert shown.health is condition
    assert shown.why == why
    assert shown.last_full_success_at == rfc3339(NOW_MS)


@pytest.mark.parametrize(
    ("expressions", "hours"),
    [
        (["0 * * * *"], 2),
        (["*/5 * * * *"], 2 / 12),
        (["0 2 * * *"], 48),
        (["0 2 * * *", "0 14 * * *"], 24),
        (["0 2 * * *", "0 5 * * *"], 42),
        (["0 9 * * 2-6"], 144),  # of weekdays: from Friday to Monday
        (["*/5 9-17 * * 2-6"], 2 * (63 + 5 / 60)),
        (["* 9-17 * * 2-6"], 2 * (63 + 1 / 60)),
        (["0 3 * * 1"], 336),
        (["0 3 1 * *"], 2 * 31 * 24),
        (["0 3 29 2 *"], 2 * 1461 * 24),
    ],
)
def test_without_a_word_of_its_author_a_connector_is_stale_after_twice_its_longest_gap(
    expressions: list[str], hours: float
) -> None:
    connector = replace(NOTES, schedule=dict.fromkeys(expressions, Mode.INCREMENTAL))
    tally, after_ms = Counters(succeeded_at_ms=NOW_MS), round(hours * HOUR_MS)

    for more_ms, condition in ((0, Condition.OK), (1, Condition.STALE)):
        at_ms = NOW_MS + after_ms + more_ms
        known = Known(jobs=[INCREMENTAL], tally=tally, ticked_at_ms=at_ms)
        shown = overview(connector, known, str, at_ms)
        assert (shown.health, shown.stale_after_seconds) == (condition, after_ms // 1_000)


def test_a_connector_without_a_schedule_is_never_stale() -> None:
    known = Known(jobs=[INCREMENTAL], tally=Counters(succeeded_at_ms=NOW_MS))

    by_hand = overview(replace(NOTES, schedule={}), known, str, NOW_MS + 9_999 * HOUR_MS)

    assert (by_hand.health, by_hand.stale_after_seconds) == (Condition.OK, None)


def test_a_cron_that_never_ticked_is_overdue_from_the_first_look_on() -> None:
    """Whoever looks: a schedule counts from when it was seen."""
    bench = Bench()
    bench.processor.see()
    bench.now_ms += HOUR_MS + 29 * cron.MINUTE_MS
    assert bench.views.overview().health is Condition.NEW
    bench.now_ms += 2 * cron.MINUTE_MS

    assert bench.views.overview().health is Condition.OVERDUE


def test_a_cron_that_has_ticked_and_does_no_more_is_overdue() -> None:
    bench = Bench()
    bench.network.on(LIST, a_page())
    bench.begun(Mode.INCREMENTAL, cron.trigger_key(NOW_MS))
    assert bench.left().state is State.SUCCEEDED

    bench.now_ms += HOUR_MS + 29 * cron.MINUTE_MS
    assert bench.views.overview().health is Condition.OK
    bench.now_ms += 2 * cron.MINUTE_MS
    shown = bench.views.overview()

    assert shown.health is Condition.OVERDUE
    assert shown.why is not None
    assert "2025-11-24T17:00" in shown.why


def test_a_connector_that_never_had_a_success_is_stale_after_its_first_job() -> None:
    bench = Bench(connector=replace(NOTES, stale_after=timedelta(milliseconds=HOUR_MS)))
    bench.network.on(LIST, httpx.Response(404))
    bench.begun(Mode.INCREMENTAL)
    bench.left()

    bench.now_ms += HOUR_MS + 1

    assert bench.views.overview().health is Condition.STALE


@pytest.mark.parametrize(
    "after", [timedelta(0), timedelta(seconds=59), timedelta(-1), 3_600_000, "1 day", timedelta.max]
)
def test_a_time_that_is_none_is_refused(after: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"stale_after: .* is a timedelta of a minute"):
        replace(NOTES, stale_after=after)


def test_jobs_are_listed_newest_first_before_an_id_and_by_state() -> None:
    bench = Bench()
    bench.put(SUCCEEDED, HELD, FAILED)

    def ids(before_id: str, *states: State, count: int = 9) -> list[str]:
        return [line.id for line in bench.views.lines(before_id, states or State, count)]

    assert ids(LAST_ID) == ["notes-3", "notes-2", "notes-1"]
    assert ids("notes-3", count=1) == ["notes-2"]
    assert ids(LAST_ID, State.SUCCEEDED, State.FAILED) == ["notes-3", "notes-1"]


def test_a_job_in_a_line_has_its_counts_and_no_secret() -> None:
    bench = Bench()
    bench.put(alter(FAILED, document_count=7, page_count=2, reject_count=1))

    (line,) = bench.views.lines(LAST_ID, State, 9)

    assert (line.documents, line.pages, line.rejected, line.seconds) == (7, 2, 1, 0.005)
    assert line.error == "the source answered 404: ***"


class Clock:
    """Time passes while somebody waits, and things happen at certain times."""

    def __init__(self, bench: Bench, events: dict[int, Job]) -> None:
        self._bench = bench
        self._events = events

    async def wait(self, duration_ms: int) -> None:
        self._bench.now_ms += duration_ms
        for at_ms in [at_ms for at_ms in self._events if at_ms <= self._bench.now_ms]:
            job = self._events.pop(at_ms)
            await self._bench.store.save(job, job.alarm_at_ms, self._bench.environment.limits())


def waited(job: Job, wait_ms: int, events: dict[int, Job]) -> tuple[Job, int]:
    """The job that is answered, and after how long."""
    bench = Bench()
    bench.put(job)
    host = bench.host
    clock = Clock(bench, {NOW_MS + after_ms: later for after_ms, later in events.items()})
    host = Platform(host.now_ms, host.nonce, host.draw, host.transport, clock.wait)
    views = Views(bench.connector, bench.environment, bench.store, host)
    answered = asyncio.run(views.wait_for_change(job.id, wait_ms))
    assert answered is not None
    return answered, bench.now_ms - NOW_MS


def test_who_waits_for_a_job_is_answered_when_its_state_changes() -> None:
    opening = replace(JOB, state=State.OPENING, alarm_at_ms=1)

    job, after_ms = waited(JOB, 60_000, {9_900: replace(JOB, alarm_at_ms=2), 20_000: opening})

    assert (job.state, after_ms) == (State.OPENING, 20_000)


def test_who_waits_for_a_job_is_answered_after_the_time_at_the_latest() -> None:
    assert waited(JOB, 5_000, {}) == (JOB, 5_000)


@pytest.mark.parametrize("job", [SUCCEEDED, HELD, FAILED], ids=lambda job: job.state)
def test_nobody_waits_for_a_job_that_stays_as_it_is(job: Job) -> None:
    assert waited(job, 60_000, {}) == (job, 0)


def test_nobody_waits_for_a_job_that_is_not_there() -> None:
    assert asyncio.run(Bench().views.wait_for_change("notes-9", 60_000)) is None
