"""What makes a job wait though nothing is wrong, and what makes it another one."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from durable.errors import Recourse
from durable.limits import Limits
from durable.machine.effects import Failed, Fetch, Fetched, Opened, Pack, Packed, Send, Sent, Woke
from durable.machine.job import Job, JobSpec, Mode, Stage, Way
from durable.machine.notes import ErrorCode, EventKind, WaitReason
from durable.machine.page_progress import Landing, PageProgress, encode_entry
from durable.machine.pages import ChangeCounts, Page
from durable.machine.rate import Rate
from durable.machine.states import State
from durable.views.explanation import waiting_reason, waits_for
from tests.fakes.jobs import NOW_MS, WOKE, a_job, a_page, after, alter, arrived, at


MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
LIMITS = Limits(documents_per_minute_max=60)  # ten in one request
TEN = encode_entry(b"1" * 11, Landing.LAST) * 10  # what is remembered of them


def reading(mode: Mode = Mode.INCREMENTAL) -> Job:
    """It reads its first page."""
    return alter(a_job(State.SENDING, mode), cursor=None)


def a_read_page(**fields: object) -> Page:
    return replace(a_page("b", batch_count=0), **{"record_count": 1, "digest": "1-a", **fields})


def filled(count: int) -> Job:
    """It has just sent so many documents, and has a page of ten batches at hand."""
    job = alter(reading(), indexed_until_ms=NOW_MS + 1_000 * count)
    page = replace(a_page("b", batch_count=10), digest="1-a")
    return after(job, Fetched(0, replace(page, batch_count=0)), Packed(0, 10, 100, 0))


# Glean takes so many documents a minute


def test_documents_are_sent_one_by_one_until_the_minutes_share_is_used_up() -> None:
    job = filled(0)
    for place in range(10, 60, 10):
        job, effects = at(
            job, Sent(0, place // 10 - 1, document_count=10, entries=TEN), NOW_MS, LIMITS
        )
        assert effects == (Send(0, place // 10),)

    job, effects = at(job, Sent(0, 5, document_count=10, entries=TEN), limits=LIMITS)
    assert effects == ()
    job, effects = at(job, Failed("the source is busy", True, effect=Fetch(1, "b")), limits=LIMITS)

    assert effects == ()
    assert job.turn is None
    assert job.pacing.retry_at_ms is not None


def changes_packed(landed: bytes = b"") -> Pack:
    """Of the first page, of which so much has landed."""
    return Pack(0, "", None, PageProgress(landed), is_all_sent=False, lists_all=False)


def paused() -> Job:
    """The share is used up in the middle of a page."""
    job = alter(filled(50), is_fetching=False)
    return after(job, Sent(0, 0, document_count=10, entries=TEN), limits=LIMITS)


def test_a_job_that_has_used_up_the_minutes_share_rests_until_the_next() -> None:
    job = paused()

    assert (job.state, job.turn, job.crawl.flights) == (State.SENDING, None, ())
    assert job.alarm_at_ms == job.pacing.retry_at_ms == NOW_MS + MINUTE_MS
    assert waits_for(job, None) is WaitReason.RATE


def test_a_rest_is_no_failed_attempt() -> None:
    assert after(paused(), WOKE, now_ms=NOW_MS + MINUTE_MS).pacing.attempt == 1


def test_a_rest_does_not_make_the_next_wait_after_an_error_a_short_one() -> None:
    job = alter(reading(), turn=None, is_fetching=False, source_at_ms=NOW_MS + MINUTE_MS)

    job = after(alter(job, attempt=7), WOKE)

    assert (job.turn, job.pacing.retry_at_ms, job.pacing.attempt) == (None, NOW_MS + MINUTE_MS, 7)


def test_an_alarm_before_the_rest_is_over_does_nothing() -> None:
    job, effects = at(paused(), WOKE, NOW_MS + MINUTE_MS - 100)

    assert effects == ()
    assert (job.alarm_at_ms, job.turn) == (NOW_MS + MINUTE_MS, None)


def test_after_the_rest_the_page_is_read_again_and_what_was_sent_of_it_is_not() -> None:
    woken, effects = at(paused(), WOKE, NOW_MS + MINUTE_MS)
    again = after(woken, now_ms=NOW_MS + MINUTE_MS)
    _, packing = at(again, Fetched(0, a_read_page()), NOW_MS + MINUTE_MS)

    assert effects == (Fetch(0, None),)
    assert changes_packed(TEN) in packing


def test_of_a_page_that_has_changed_meanwhile_it_is_known_what_was_sent() -> None:
    woken = after(paused(), WOKE, now_ms=NOW_MS + MINUTE_MS)

    _, effects = at(woken, Fetched(0, a_read_page(digest="1-b")), NOW_MS + MINUTE_MS)

    assert changes_packed(TEN) in effects


def test_what_glean_refused_of_a_page_is_remembered_with_what_it_took() -> None:
    job, refused = alter(filled(0), is_fetching=False), encode_entry(b"2" * 11, Landing.REFUSED)
    job = after(
        job,
        Sent(0, 0, document_count=1, rejected_document_count=1, entries=refused),
        Sent(0, 1, document_count=10, entries=TEN),
    )

    assert job.crawl.landed == PageProgress(refused + TEN, refused_count=1)


def test_a_batch_that_glean_took_is_progress_though_its_page_has_not_landed() -> None:
    job = alter(filled(0), attempt=7, pause_count=8, paused_ms=9, progress_at_ms=0)

    job = after(job, Sent(0, 0, document_count=10, entries=TEN))

    assert (job.pacing.attempt, job.pacing.pause_count, job.pacing.paused_ms) == (1, 0, 0)
    assert job.pacing.progress_at_ms == NOW_MS


def test_what_is_no_more_remembered_is_no_progress() -> None:
    full = PageProgress(is_full=True)
    job = alter(filled(0), attempt=7, landed=full, progress_at_ms=0)

    job = after(job, Sent(0, 0, document_count=10, entries=TEN), limits=Limits(changes_max=10**6))

    assert (job.pacing.attempt, job.pacing.progress_at_ms, job.crawl.landed) == (7, 0, full)


@pytest.mark.parametrize(
    ("repeats", "state", "mode"),
    [("", State.QUEUED, Mode.FULL), ("job-0", State.FAILED, Mode.INCREMENTAL)],
)
def test_a_page_of_more_changes_than_are_remembered_is_not_brought_one_by_one(
    repeats: str, state: State, mode: Mode
) -> None:
    limits = Limits(documents_per_minute_max=60, changes_max=10**6)
    job = alter(filled(50), is_fetching=False, repeats=repeats)
    job = alter(job, landed=PageProgress(is_full=True))

    job = after(job, Sent(0, 0, document_count=10, entries=TEN), limits=limits)

    assert (job.state, job.mode) == (state, mode)


def test_one_that_reconciles_replaces_all_for_such_a_page() -> None:
    limits = Limits(documents_per_minute_max=60, changes_max=10**6)
    job = alter(filled(50), is_fetching=False, mode=Mode.FULL, way=Way.RECONCILE)
    job = alter(job, landed=PageProgress(is_full=True), changes=ChangeCounts(unchanged=10**4))

    job = after(job, Sent(0, 0, document_count=10, entries=TEN), limits=limits)

    assert (job.state, job.way, job.crawl.landed) == (State.OPENING, Way.REPLACE, PageProgress())


def test_changes_of_a_page_that_has_not_landed_count_for_what_is_worth_it() -> None:
    job = alter(filled(0), landed=PageProgress(TEN * 30), is_fetching=False)

    job = after(job, Sent(0, 0, document_count=10, entries=TEN), limits=Limits(changes_max=250))

    assert (job.mode, job.state) == (Mode.FULL, State.QUEUED)


def test_a_page_that_has_landed_leaves_nothing_behind() -> None:
    job = alter(filled(0), landed=PageProgress(TEN, 0, 4))
    for index in range(10):
        job = after(job, Sent(0, index, document_count=10, entries=TEN))

    assert (job.crawl.page_count, job.crawl.landed) == (1, PageProgress())


def test_an_upload_is_not_paced() -> None:
    job = alter(a_job(State.SENDING), indexed_until_ms=NOW_MS + MINUTE_MS)

    job = after(job, *arrived(0, a_page("b")), limits=LIMITS)

    assert job.crawl.flights[0].sending == (0,)
    assert after(job, Sent(0, 0, document_count=3)).pacing.indexed_until_ms == NOW_MS + MINUTE_MS


def test_the_share_grows_back_with_time() -> None:
    job = after(
        filled(50), Sent(0, 0, document_count=10, entries=TEN), now_ms=NOW_MS, limits=LIMITS
    )
    assert job.pacing.indexed_until_ms == NOW_MS + MINUTE_MS

    _, early = at(job, Fetched(1, a_read_page(next_cursor="c")), NOW_MS + 9_999, LIMITS)
    _, later = at(job, Fetched(1, a_read_page(next_cursor="c")), NOW_MS + 10_000, LIMITS)

    assert Send(0, 1) not in early
    assert Send(0, 1) in later


# A source is asked so often and no more


RATE = Rate(requests=10, per=timedelta(milliseconds=MINUTE_MS))


def asked(count: int, **fields: object) -> tuple[Job, tuple[object, ...]]:
    """Of a source that takes ten requests a minute, a page took so many."""
    job = alter(reading(), rate=RATE)
    return at(job, Fetched(0, a_read_page(request_count=count, **fields)))


@pytest.mark.parametrize(("count", "reads_on"), [(1, True), (5, True), (6, False), (10, False)])
def test_another_page_is_read_while_as_many_requests_are_left_as_this_one_took(
    count: int, *, reads_on: bool
) -> None:
    _, effects = asked(count)

    assert (Fetch(1, "b") in effects) is reads_on


def test_a_job_whose_source_takes_no_more_requests_rests_until_it_does() -> None:
    job, _ = asked(6)

    job = after(job, Packed(0, 0, 0, 0))

    assert (job.crawl.page_count, job.turn) == (1, None)
    assert job.alarm_at_ms == NOW_MS + MINUTE_MS
    assert waits_for(job, None) is WaitReason.SOURCE


@pytest.mark.parametrize(
    ("rate", "reason"),
    [
        (
            Rate(requests=1, per=timedelta(milliseconds=500)),
            "the source takes 1 request every 0.5 s",
        ),
        (
            Rate(requests=2, per=timedelta(milliseconds=3_600_000)),
            "the source takes 2 requests every 3600 s",
        ),
    ],
)
def test_a_rate_is_told_as_it_is_declared(rate: Rate, reason: str) -> None:
    job = alter(reading(), rate=rate)

    job = after(job, Fetched(0, a_read_page(request_count=2)), Packed(0, 0, 0, 0))

    assert waiting_reason(job, None) == reason


@pytest.mark.parametrize(("asked_ms", "is_of_source"), [(MINUTE_MS - 1, False), (61_000, True)])
def test_of_two_reasons_to_wait_the_one_that_lasts_is_told(
    asked_ms: int, *, is_of_source: bool
) -> None:
    wish = "the source's header ratelimit asks for a pause"
    job, _ = asked(10, wait_ms=asked_ms, wait_reason=wish)

    job = after(job, Packed(0, 0, 0, 0))

    rate = "the source takes 10 requests every 60 s"
    assert waiting_reason(job, None) == (wish if is_of_source else rate)


def test_a_job_that_earlier_code_has_paused_says_as_much_as_is_known() -> None:
    job = alter(reading(), turn=None, source_at_ms=NOW_MS + MINUTE_MS)

    assert waits_for(after(job, WOKE), None) is WaitReason.SOURCE


def test_requests_count_for_the_span_in_which_they_were_made() -> None:
    job, _ = asked(5)

    limits, page = Limits(turn_ms_max=2 * MINUTE_MS), a_read_page(request_count=5, next_cursor="c")
    job = after(job, Packed(0, 0, 0, 0), now_ms=NOW_MS + MINUTE_MS, limits=limits)
    later, effects = at(job, Fetched(1, page), NOW_MS + MINUTE_MS, limits)

    assert later.pacing.asked_count == 5
    assert Fetch(2, "c") in effects


def test_a_request_that_failed_counts_too() -> None:
    job = alter(reading(), rate=RATE)

    assert (
        after(job, Failed("no", is_transient=True, effect=Fetch(0, None))).pacing.asked_count == 1
    )


def test_a_source_that_asks_for_a_rest_gets_it_and_what_was_read_is_sent() -> None:
    wish = "the source's header ratelimit asks for a pause"
    job, effects = at(reading(), Fetched(0, a_read_page(wait_ms=5_000, wait_reason=wish)))
    job, sends = at(job, Packed(0, 1, 1, 0))
    job = after(job, Sent(0, 0, document_count=1, entries=TEN[:12]))

    assert effects == (changes_packed(),)
    assert sends == (Send(0, 0),)
    assert (job.crawl.page_count, job.alarm_at_ms) == (1, NOW_MS + 5_000)
    assert waiting_reason(job, None) == wish


def test_the_last_page_is_not_waited_for() -> None:
    job = after(
        reading(), Fetched(0, a_read_page(next_cursor=None, wait_ms=5_000)), Packed(0, 0, 0, 0)
    )

    assert job.state is State.SUCCEEDED


# What the job before it has used


LAST = alter(
    a_job(State.SUCCEEDED, Mode.INCREMENTAL),
    id="last",
    rate=RATE,
    asked_until_ms=NOW_MS + MINUTE_MS,
    asked_count=9,
    indexed_until_ms=NOW_MS + MINUTE_MS,
)
NEXT = Woke(spec=JobSpec(rates={Stage.DOCUMENTS: RATE}), last=LAST)


def test_a_new_job_counts_on_from_where_the_last_one_was_with_its_source() -> None:
    woken = after(a_job(State.QUEUED), NEXT, Opened())

    job, effects = at(woken, Fetched(0, a_read_page()))

    assert job.pacing.asked_count == 10
    assert effects == (Pack(0, "job-1", None),)
    assert job.pacing.source_at_ms == NOW_MS + MINUTE_MS


def test_a_new_job_rests_while_glean_takes_no_more_than_the_last_one_has_sent() -> None:
    job = after(a_job(State.QUEUED, Mode.INCREMENTAL), NEXT)

    assert (job.state, job.turn, job.alarm_at_ms) == (State.SENDING, None, NOW_MS + MINUTE_MS)
    assert waits_for(job, None) is WaitReason.RATE


def test_a_source_that_has_another_rate_is_counted_apart_from_the_last_one() -> None:
    hourly = Rate(requests=1_000, per=timedelta(milliseconds=60 * MINUTE_MS))
    rates = {Stage.USERS: hourly, Stage.DOCUMENTS: RATE}
    spec = JobSpec(stages={Mode.FULL: (Stage.USERS, Stage.DOCUMENTS)}, rates=rates)

    job = after(a_job(State.QUEUED), Woke(spec=spec, last=LAST))

    assert (job.stage, job.pacing.rate, job.pacing.asked_count) == (Stage.USERS, hourly, 0)
    assert job.pacing.spans == ((RATE, NOW_MS + MINUTE_MS, 9),)


def test_a_job_that_works_keeps_its_own_counts() -> None:
    job = alter(reading(), turn=None, rate=RATE, asked_count=1, asked_until_ms=NOW_MS + 1)

    assert after(job, NEXT).pacing.asked_count == 1


# A cursor that has expired


EXPIRED = Failed("the source answered 410", False, recourse=Recourse.RESTART)


@pytest.mark.parametrize(
    ("mode", "state"), [(Mode.FULL, State.OPENING), (Mode.INCREMENTAL, State.SENDING)]
)
def test_a_job_whose_cursor_has_expired_begins_anew(mode: Mode, state: State) -> None:
    job = alter(a_job(State.SENDING, mode), cursor="old", page_count=4, since_ms=7)

    job = after(job, EXPIRED)

    assert (job.state, job.crawl.cursor, job.crawl.page_count, job.since_ms) == (state, None, 0, 7)
    assert job.turn is None
    assert job.notes[-1].kind == EventKind.RESTARTED
    assert "410" in job.notes[-1].text


def test_a_job_whose_cursor_expires_each_time_ends_and_says_so() -> None:
    job = alter(a_job(State.SENDING), cursor="old", rewind_count=Limits().restarts_max)

    job = after(job, EXPIRED)

    assert (job.state, job.crawl.cursor) == (State.FAILED, None)
    assert job.error_code == ErrorCode.CURSOR_EXPIRED


# Changes that are not the way any more


def test_an_incremental_job_becomes_a_full_one_where_the_source_no_longer_tells_changes() -> None:
    job = alter(reading(), cursor="old", page_count=4, since_ms=7)

    job = after(job, replace(EXPIRED, recourse=Recourse.FULL))

    assert (job.state, job.mode, job.asked_mode) == (State.QUEUED, Mode.FULL, Mode.INCREMENTAL)
    assert (job.since_ms, job.crawl.cursor, job.alarm_at_ms) == (None, None, NOW_MS + 50)
    assert job.notes[-1].kind == EventKind.PROMOTED
    assert "410" in job.notes[-1].text


def test_it_then_reads_everything_into_an_upload() -> None:
    job = after(reading(), replace(EXPIRED, recourse=Recourse.FULL))

    job = after(job, Woke(watermark_ms=7, known_counts={Stage.DOCUMENTS: 40}))

    assert (job.state, job.since_ms, job.known_count) == (State.OPENING, None, 40)


def test_a_full_job_cannot_become_one() -> None:
    job = after(a_job(State.SENDING), replace(EXPIRED, recourse=Recourse.FULL))

    assert job.state is State.FAILED


@pytest.mark.parametrize(("age_days", "mode"), [(29, Mode.INCREMENTAL), (31, Mode.FULL)])
def test_a_watermark_older_than_the_source_keeps_its_changes_asks_for_a_full_sync(
    age_days: int, mode: Mode
) -> None:
    now_ms = 100 * DAY_MS
    woke = Woke(watermark_ms=now_ms - age_days * DAY_MS, spec=JobSpec(kept_ms=30 * DAY_MS))

    job = after(a_job(State.QUEUED, Mode.INCREMENTAL), woke, now_ms=now_ms)

    assert job.mode is mode
    assert (EventKind.PROMOTED in {note.kind for note in job.notes}) is (mode is Mode.FULL)


def test_more_changes_than_are_worth_sending_one_by_one_become_a_full_sync() -> None:
    limits = Limits(changes_max=4)

    few = after(reading(), *arrived(0, replace(a_page("b"), deletion_count=1)), limits=limits)
    many = after(reading(), *arrived(0, a_page("b")), limits=limits)

    assert few.mode is Mode.INCREMENTAL
    assert (many.mode, many.state) == (Mode.FULL, State.QUEUED)
    assert many.notes[-1].kind == EventKind.PROMOTED
    assert "changes_max (4)" in many.notes[-1].text


def test_a_full_job_may_have_as_many_documents_as_there_are() -> None:
    job = after(a_job(State.SENDING), *arrived(0, a_page("b")), limits=Limits(changes_max=1))

    assert job.mode is Mode.FULL
    assert job.crawl.flights
