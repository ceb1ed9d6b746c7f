"""What follows a FULL job's success, on the object as it lives on: asked, stored, and when."""

import asyncio

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.connector.definition import AnyConnector
from durable.engine.processor import OVERDUE_MS
from durable.environment import Environment
from durable.glean.datasource import Datasource
from durable.limits import Limits
from durable.machine.job import Crawl, Job, Mode, Pacing, Upload, Way
from durable.machine.pacing import ALARM_MS_MIN, jittered_lease_ms
from durable.machine.remedies import RemedyCode
from durable.machine.states import Command, State
from durable.machine.verification import PROCESSING_MS, Verdict, Verification
from durable.views.status import Status
from tests.fakes.answers import (
    BULK,
    DELETE,
    INDEX,
    LIST,
    PROCESS,
    STATUS,
    a_count,
    a_history,
    a_note,
    a_page,
    a_page_of,
    ok,
)
from tests.fakes.bench import NOW_MS, SET, Bench
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment
from tests.fakes.jobs import alter


MINUTE_MS, HOUR_MS = 60_000, 3_600_000
VERIFYING = replace(NOTES, verify=True)
PROCESSING = replace(NOTES, process_immediately=True)
BOTH = replace(VERIFYING, process_immediately=True)
CLOSING = Job(
    id="notes-20251124T150000000Z-000000",
    connector="notes",
    mode=Mode.FULL,
    created_at_ms=NOW_MS,
    state=State.CLOSING,
    started_at_ms=NOW_MS,
    upload=Upload(id="u-1"),
    pacing=Pacing(progress_at_ms=NOW_MS),
    crawl=Crawl(has_end=True, document_count=10),
)


def succeeded(
    connector: AnyConnector = VERIFYING, environment: Environment | None = None, job: Job = CLOSING
) -> Bench:
    """Ten documents are in Glean, and the job is over."""
    bench = Bench(connector=connector, environment=environment)
    succeed(bench, job)
    return bench


def succeed(bench: Bench, job: Job = CLOSING) -> None:
    bench.knows(*"abcdefghij")
    bench.put(job, alarm_at_ms=bench.now_ms)
    bench.network.add(a_history((job.upload.id, "SUCCESSFUL")))
    assert bench.left().state is State.SUCCEEDED
    bench.network.requests.clear()


def later(bench: Bench, *answers: httpx.Response | Exception) -> Verification:
    """The alarm has fired at its time, and Glean has given these answers."""
    at_ms = bench.storage.alarm_at_ms
    assert at_ms is not None
    bench.now_ms = at_ms
    bench.network.add(*answers)
    bench.turned()
    return of(bench)


def of(bench: Bench, job_id: str = CLOSING.id) -> Verification:
    verification = bench.store.verifications.load(job_id)
    assert verification is not None
    return verification


def shown(bench: Bench, job_id: str = CLOSING.id) -> Status:
    job = bench.views.job(job_id)
    assert job is not None
    return bench.views.show(job)


def test_a_job_is_over_before_anything_is_verified() -> None:
    bench = succeeded()

    assert bench.store.successes.watermark_ms() == NOW_MS
    assert bench.network.requests == []
    assert of(bench).verdict is Verdict.PENDING
    assert bench.storage.alarm_at_ms == NOW_MS + 5 * MINUTE_MS


def test_glean_is_asked_once_where_it_holds_what_was_sent() -> None:
    bench = succeeded()
    before = bench.views.job(CLOSING.id)

    verification = later(bench, a_count("u-1", 10))

    assert bench.network.lines == [STATUS]
    assert (verification.verdict, verification.found_count) == (Verdict.VERIFIED, 10)
    assert bench.storage.alarm_at_ms is None
    assert bench.views.job(CLOSING.id) == before
    assert shown(bench).events[-1].what == "verified: 10 documents were sent, Glean has 10"
    assert bench.turned() is None


def test_glean_is_asked_again_until_it_holds_what_was_sent() -> None:
    bench = succeeded()

    assert later(bench, a_count("u-1", 9)).verdict is Verdict.PENDING
    assert bench.storage.alarm_at_ms == NOW_MS + 15 * MINUTE_MS
    assert later(bench, a_count("u-1", 10, "UPLOAD COMPLETED")).verdict is Verdict.PENDING
    assert bench.storage.alarm_at_ms == NOW_MS + 35 * MINUTE_MS
    assert later(bench, a_count("u-1", 10)).verdict is Verdict.VERIFIED


def test_at_the_deadline_the_job_shows_both_numbers_and_what_to_do() -> None:
    bench = succeeded()
    for _ in range(15):
        assert of(bench).verdict is Verdict.PENDING
        later(bench, a_count("u-1", 14, "DELETION PAUSED"))

    checked = shown(bench).verification
    assert checked is not None
    assert (checked.state, checked.sent, checked.found) == (Verdict.MISMATCH, 10, 14)
    assert checked.remedy is not None
    assert checked.remedy.code == RemedyCode.DELETE_OR_RESTORE
    assert bench.now_ms == NOW_MS + 12 * HOUR_MS


def test_a_turn_tells_which_job_it_was_about() -> None:
    bench = succeeded()
    bench.now_ms += 5 * MINUTE_MS
    bench.network.add(a_count("u-1", 9))

    assert bench.left().id == CLOSING.id


def test_an_alarm_that_fires_early_asks_nothing_and_is_set_again() -> None:
    bench = succeeded()
    bench.now_ms += 5 * MINUTE_MS - 1

    assert bench.turned() is None
    assert bench.network.requests == []
    assert bench.storage.alarm_at_ms == bench.now_ms + ALARM_MS_MIN


def test_glean_is_left_alone_for_as_long_as_it_asks() -> None:
    bench = succeeded()

    verification = later(bench, httpx.Response(429, headers={"retry-after": "1800"}))

    assert verification.verdict is Verdict.PENDING
    assert bench.storage.alarm_at_ms == bench.now_ms + 30 * MINUTE_MS
    checked = shown(bench).verification
    assert checked is not None
    told = "is left alone as its header retry-after says"
    assert checked.last_error == f"Glean answered 429, and {told}"


@pytest.mark.parametrize("status_code", [400, 401, 404, 500, 503])
def test_an_error_of_glean_never_touches_the_job(status_code: int) -> None:
    bench = succeeded()
    before = bench.views.job(CLOSING.id)

    later(bench, httpx.Response(status_code, text="no"))

    assert bench.views.job(CLOSING.id) == before
    assert bench.store.successes.watermark_ms() == NOW_MS
    assert later(bench, a_count("u-1", 10)).verdict is Verdict.VERIFIED


def test_an_error_never_shows_a_secret() -> None:
    bench = succeeded()

    verification = later(bench, httpx.Response(401, text="bad token t0ken"))

    assert verification.error.endswith(": bad token ***")
    assert "t0ken" not in msgspec.json.encode(shown(bench)).decode()


def test_a_secret_that_was_stored_by_other_code_is_not_shown() -> None:
    bench = succeeded()
    bench.store.verifications.put(replace(of(bench), error="bad token t0ken"))

    assert "t0ken" not in msgspec.json.encode(shown(bench)).decode()


def test_a_configuration_that_is_not_right_is_asked_with_later() -> None:
    variables: dict[str, object] = dict(SET)
    bench = succeeded(environment=an_environment(**SET))
    bench.environment = Environment(variables.get)
    bench.restarted()

    del variables["GLEAN_INDEXING_API_TOKEN"]
    assert "GLEAN_INDEXING_API_TOKEN is not set" in later(bench).error

    variables |= SET
    assert later(bench, a_count("u-1", 10)).verdict is Verdict.VERIFIED


def test_the_sources_secrets_are_of_no_concern() -> None:
    bench = succeeded()
    bench.environment = an_environment(LIMITS="no JSON", **SET)
    bench.restarted()

    assert later(bench, a_count("u-1", 10)).verdict is Verdict.VERIFIED


# Beside other jobs


def test_a_job_goes_before_a_verification_that_is_due() -> None:
    bench = succeeded()
    bench.now_ms += HOUR_MS
    job = bench.begun(Mode.INCREMENTAL)
    assert bench.storage.alarm_at_ms == bench.now_ms + ALARM_MS_MIN
    bench.network.add(a_page())

    assert bench.left().id == job.id
    assert bench.network.lines == [LIST]
    assert bench.storage.alarm_at_ms == bench.now_ms + ALARM_MS_MIN
    assert later(bench, a_count("u-1", 10)).verdict is Verdict.VERIFIED


def test_nothing_is_asked_while_a_job_waits() -> None:
    bench = succeeded()
    bench.now_ms += HOUR_MS
    bench.begun(Mode.INCREMENTAL)
    bench.network.add(httpx.Response(503))
    waiting = bench.left()

    assert bench.storage.alarm_at_ms == waiting.pacing.retry_at_ms
    assert later(bench, a_page()).ask_count == 0
    assert bench.network.lines == [LIST, LIST]


def test_a_job_that_is_begun_while_glean_is_asked_keeps_its_alarm() -> None:
    bench = succeeded()
    bench.network.meanwhile(1, lambda: bench.processor.begin(Mode.INCREMENTAL, None))

    assert later(bench, a_count("u-1", 9)).found_count == 9
    assert bench.storage.alarm_at_ms == bench.now_ms + ALARM_MS_MIN

    bench.network.add(a_page())
    assert bench.left().mode is Mode.INCREMENTAL
    assert bench.storage.alarm_at_ms == of(bench).ask_at_ms


def test_a_verdict_beside_a_job_that_was_begun_meanwhile_leaves_its_alarm() -> None:
    bench = succeeded()
    bench.network.meanwhile(1, lambda: bench.processor.begin(Mode.INCREMENTAL, None))

    assert later(bench, a_count("u-1", 10)).verdict is Verdict.VERIFIED
    assert bench.storage.alarm_at_ms == bench.now_ms + ALARM_MS_MIN


def test_an_answer_finds_a_verification_that_somebody_ended() -> None:
    bench = succeeded()

    async def end() -> None:
        over = replace(of(bench), verdict=Verdict.SUPERSEDED, ask_at_ms=None)
        bench.store.verifications.put(over)

    bench.network.meanwhile(1, end)

    assert later(bench, a_count("u-1", 10)).verdict is Verdict.SUPERSEDED


def test_a_job_that_is_cancelled_leaves_the_verification_its_alarm() -> None:
    bench = succeeded()
    due_at_ms = bench.storage.alarm_at_ms

    bench.commanded(bench.begun(Mode.INCREMENTAL), Command.CANCEL)

    assert bench.storage.alarm_at_ms == due_at_ms


def test_a_job_that_fails_leaves_the_verification_its_alarm() -> None:
    bench = succeeded()
    bench.begun(Mode.INCREMENTAL)
    bench.network.add(httpx.Response(404))

    assert bench.left().state is State.FAILED
    assert bench.storage.alarm_at_ms == NOW_MS + 5 * MINUTE_MS


def test_a_job_that_is_held_does_not_hold_up_the_verification() -> None:
    bench = succeeded()
    bench.begun(Mode.FULL)
    bench.network.on(LIST, a_page())
    bench.network.on(BULK, ok())
    bench.knows(*(f"known-{number}" for number in range(100)))

    assert bench.left().state is State.HELD
    assert later(bench, a_count("u-1", 10)).verdict is Verdict.VERIFIED


def test_the_next_full_job_takes_the_place_of_a_verification() -> None:
    bench = succeeded()
    bench.now_ms += 1
    second = alter(CLOSING, id="notes-20251124T160000000Z-000000", upload_id="u-2")

    succeed(bench, second)

    assert of(bench).verdict is Verdict.SUPERSEDED
    assert of(bench, second.id).verdict is Verdict.PENDING
    assert second.id in shown(bench).events[-1].what
    later(bench, a_count("u-2", 10))
    assert of(bench, second.id).verdict is Verdict.VERIFIED
    assert bench.storage.alarm_at_ms is None


def test_a_full_job_of_a_connector_that_verifies_no_more_ends_it_too() -> None:
    bench = succeeded()
    bench.connector = NOTES
    bench.restarted()

    succeed(bench, replace(CLOSING, id="notes-20251124T160000000Z-000000"))

    assert of(bench).verdict is Verdict.SUPERSEDED
    assert bench.storage.alarm_at_ms is None


def mismatched(bench: Bench) -> Verification:
    """Glean has one document less, until the deadline of what is verified now."""
    due = bench.store.verifications.due()
    while due is not None:
        count = a_count(due.upload_id, 9)
        later(bench, *([count] if due.ask_at_ms else []))
        job_id, due = due.job_id, bench.store.verifications.due()
    return of(bench, job_id)


def replaced(bench: Bench, job: Job) -> None:
    """The job brings all ten again."""
    bench.network.on(LIST, a_page(*"abcdefghij"))
    bench.network.on(BULK, ok(), ok(), ok())
    for state in ("ACTIVE", "SUCCESSFUL"):
        bench.network.on(STATUS, a_history((f"{job.id}-1", state)))
    bench.now_ms = bench.storage.alarm_at_ms or 0
    assert bench.left().state is State.SUCCEEDED
    bench.network.off(STATUS)


def test_a_mismatch_has_all_documents_replaced_once_and_then_it_is_only_shown() -> None:
    bench = succeeded()

    assert mismatched(bench).verdict is Verdict.MISMATCH
    (job,) = bench.store.pending()
    assert (job.mode, job.is_replace_asked, job.begun_by) == (Mode.FULL, True, "verification")

    replaced(bench, job)
    assert mismatched(bench).verdict is Verdict.MISMATCH
    assert bench.store.pending() == []
    assert bench.storage.alarm_at_ms is None


def test_once_a_count_was_right_without_a_replacement_the_next_mismatch_has_another() -> None:
    bench = succeeded()
    mismatched(bench)
    (job,) = bench.store.pending()
    replaced(bench, job)
    assert later(bench, a_count(f"{job.id}-1", 10)).verdict is Verdict.MISMATCH  # of the first
    assert of(bench, job.id).verdict is Verdict.VERIFIED
    assert bench.store.verifications.remembered().is_replaced

    for number in (1, 2):
        bench.now_ms += 1
        job_id = f"notes-2026112{number}T160000000Z-000000"
        succeed(bench, alter(CLOSING, id=job_id, upload_id=f"u-{number}"))
        if number == 1:
            reconciled = replace(bench.job(job_id), way=Way.RECONCILE)
            bench.store.put(reconciled, Limits())
            later(bench, a_count("u-1", 10))
            assert of(bench, job_id).verdict is Verdict.VERIFIED
    mismatched(bench)

    assert len(bench.store.pending()) == 1


def test_a_death_over_the_verdict_leaves_both_or_neither() -> None:
    bench = succeeded()
    while (due := bench.store.verifications.due()) is not None:
        before = due
        bench.storage.commit()
        later(bench, a_count("u-1", 9))
    bench.storage.rollback()
    bench.restarted()

    is_settled = of(bench).verdict is Verdict.MISMATCH
    assert before.verdict is Verdict.PENDING
    assert len(bench.store.pending()) == is_settled


@pytest.mark.parametrize(
    ("found", "verdict"),
    [(8, Verdict.PENDING), (9, Verdict.VERIFIED), (10, Verdict.VERIFIED), (11, Verdict.PENDING)],
)
def test_what_an_incremental_job_has_changed_since_then_is_allowed_for(
    found: int, verdict: Verdict
) -> None:
    bench = succeeded()
    bench.begun(Mode.INCREMENTAL)
    bench.network.on(LIST, a_page_of([a_note("a"), a_note("b", is_deleted=True)]))
    bench.network.on(INDEX, ok())
    bench.network.on(DELETE, ok())
    assert bench.left().state is State.SUCCEEDED

    assert later(bench, a_count("u-1", found)).verdict is verdict
    checked = shown(bench).verification
    assert checked is not None
    assert (checked.least, checked.most) == (9, 10)


# Alarms


@pytest.mark.parametrize(
    ("alarm_at_ms", "is_lost"),
    [(None, True), (NOW_MS - OVERDUE_MS - 1, True), (NOW_MS + 5 * MINUTE_MS, False)],
    ids=["lost", "overdue", "to come"],
)
def test_an_alarm_that_was_lost_is_set_again_for_its_time(
    alarm_at_ms: int | None, *, is_lost: bool
) -> None:
    bench = succeeded()
    bench.put(alarm_at_ms=alarm_at_ms)
    bench.restarted()

    assert bench.tended() == is_lost
    assert bench.storage.alarm_at_ms == NOW_MS + 5 * MINUTE_MS


def test_an_alarm_that_was_lost_long_ago_is_set_for_now() -> None:
    bench = succeeded()
    bench.storage.fire()
    bench.now_ms += HOUR_MS

    assert bench.tended()
    assert bench.storage.alarm_at_ms == bench.now_ms + ALARM_MS_MIN


def test_after_a_verdict_no_alarm_is_missed() -> None:
    bench = succeeded()
    later(bench, a_count("u-1", 10))

    assert not bench.tended()


def test_a_turn_that_a_bug_of_ours_ends_leaves_the_next_questions_alarm() -> None:
    bench = succeeded()

    with pytest.raises(AssertionError, match="no answer is prepared"):
        later(bench)

    assert bench.storage.alarm_at_ms == NOW_MS + 15 * MINUTE_MS
    assert of(bench).ask_count == 1


def test_the_lease_is_armed_before_anything_else_can_go_wrong() -> None:
    bench = succeeded()
    bench.storage.exec("UPDATE verification SET body = '{'")

    with pytest.raises(msgspec.DecodeError):
        later(bench)

    lease_ms = jittered_lease_ms(f"notes {bench.now_ms}", Limits())
    assert bench.storage.alarm_at_ms == bench.now_ms + lease_ms


# Processing at once


def test_the_processing_is_asked_for_once_right_after_the_success() -> None:
    bench = succeeded(PROCESSING)
    assert bench.storage.alarm_at_ms == NOW_MS + ALARM_MS_MIN

    later(bench, ok())

    (request,) = bench.network.requests
    assert bench.network.lines == [PROCESS]
    assert msgspec.json.decode(request.content) == {"datasource": "notes"}
    assert bench.storage.alarm_at_ms is None
    processing = shown(bench).processing
    assert processing is not None
    assert processing.asked_at == "2025-11-24T16:00:00.173Z"
    assert shown(bench).verification is None


def test_a_verification_goes_on_after_the_processing_was_asked_for() -> None:
    bench = succeeded(BOTH)

    later(bench, ok())
    assert bench.storage.alarm_at_ms == NOW_MS + 5 * MINUTE_MS
    assert later(bench, a_count("u-1", 10)).verdict is Verdict.VERIFIED
    assert bench.network.lines == [PROCESS, STATUS]


def test_no_job_asks_for_it_within_three_hours_of_another() -> None:
    bench = succeeded(PROCESSING)
    later(bench, ok())
    asked_at_ms = bench.now_ms
    bench.now_ms += HOUR_MS
    bench.restarted()

    succeed(bench, replace(CLOSING, id="notes-20251124T160000000Z-000000"))

    assert bench.storage.alarm_at_ms == asked_at_ms + PROCESSING_MS
    later(bench, ok())
    assert bench.network.lines == [PROCESS]


def test_another_datasource_has_a_limit_of_its_own() -> None:
    bench = succeeded(PROCESSING)
    later(bench, ok())
    bench.connector = replace(PROCESSING, datasource=Datasource("others"))
    bench.restarted()

    succeed(bench, replace(CLOSING, id="notes-20251124T160000000Z-000000"))

    assert bench.storage.alarm_at_ms == bench.now_ms + ALARM_MS_MIN


@pytest.mark.parametrize(
    ("answer", "is_remembered"),
    [
        (httpx.Response(429), True),
        (httpx.ReadTimeout("no answer"), True),
        (httpx.Response(500), True),
        (httpx.Response(502), True),
        (httpx.Response(504), True),
        (httpx.Response(202), True),
        (httpx.Response(503), False),
        (httpx.Response(400), False),
        (httpx.Response(401), False),
    ],
    ids=lambda answer: str(getattr(answer, "status_code", answer)),
)
def test_a_call_that_glean_may_have_heard_is_remembered_for_the_next_job(
    answer: httpx.Response | Exception, *, is_remembered: bool
) -> None:
    bench = succeeded(BOTH)
    later(bench, answer)

    called_at_ms = bench.store.verifications.called_at_ms("notes")
    assert called_at_ms == (bench.now_ms if is_remembered else None)


def test_a_call_that_was_refused_does_not_shorten_the_wait_after_an_earlier_one() -> None:
    bench = Bench(connector=PROCESSING)
    bench.store.verifications.called("notes", NOW_MS - PROCESSING_MS)
    succeed(bench)

    later(bench, httpx.Response(503))

    assert bench.store.verifications.called_at_ms("notes") == NOW_MS - PROCESSING_MS


def test_somebody_elses_call_is_waited_out_while_the_verification_is_pending() -> None:
    bench = succeeded(BOTH)
    blocked_at_ms = later(bench, httpx.Response(429)).process_at_ms
    assert blocked_at_ms == bench.now_ms + PROCESSING_MS
    assert bench.storage.alarm_at_ms == NOW_MS + 5 * MINUTE_MS

    for _ in range(5):
        later(bench, a_count("u-1", 9))
    assert bench.storage.alarm_at_ms == blocked_at_ms
    later(bench, ok())
    assert bench.network.lines == [PROCESS, *[STATUS] * 5, PROCESS]
    assert later(bench, a_count("u-1", 10)).verdict is Verdict.VERIFIED


def test_somebody_elses_call_is_enough_where_the_verification_is_over_by_then() -> None:
    bench = succeeded(BOTH)
    later(bench, httpx.Response(429))

    later(bench, a_count("u-1", 10))

    assert bench.storage.alarm_at_ms is None
    assert bench.network.lines == [PROCESS, STATUS]


def test_a_call_that_is_refused_for_good_touches_nothing() -> None:
    bench = succeeded(BOTH)
    before = bench.views.job(CLOSING.id)

    later(bench, httpx.Response(400, text="Invalid datasource"))

    assert bench.views.job(CLOSING.id) == before
    assert "Invalid datasource" in shown(bench).events[-1].what
    assert later(bench, a_count("u-1", 10)).verdict is Verdict.VERIFIED
    assert bench.network.lines == [PROCESS, STATUS]


def test_a_job_that_is_begun_while_glean_is_asked_to_process_keeps_its_alarm() -> None:
    bench = succeeded(PROCESSING)
    bench.network.meanwhile(1, lambda: bench.processor.begin(Mode.INCREMENTAL, None))

    later(bench, ok())

    assert bench.storage.alarm_at_ms == bench.now_ms + ALARM_MS_MIN
    assert asyncio.run(bench.processor.tend()) is False
