"""What people are told, how often, and that no job suffers by it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from durable.connector.definition import Connectors
from durable.engine.staleness_monitor import LEASE_MS, StalenessMonitor
from durable.limits import Limits
from durable.machine.alert_delivery import (
    GIVE_UP_MS,
    RETRY_MS_MAX,
    RETRY_MS_MIN,
    SLACK,
    WEBHOOK,
    Delivery,
    content,
    record_attempt,
)
from durable.machine.alerts import (
    REMINDER_MS,
    Alert,
    AlertHistory,
    AlertKind,
    alert_of_outcome,
    alerts_of_job,
    remind,
    reminders,
)
from durable.machine.commands import supersede
from durable.machine.job import Job, Mode
from durable.machine.remedies import Remedy, RemedyCode, degraded_remedy, remedy_of
from durable.machine.staleness import Heartbeat, Watched, check_cron, check_staleness
from durable.machine.states import Command, State
from durable.store.outbox import DELIVERIES_MAX, Outbox
from durable.views.texts import Surface, say
from tests.fakes.answers import LIST, a_page
from tests.fakes.bench import NOW_MS, SET, Bench
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment


HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SLACK_URL = "https://hooks.example/slack/s3cret"
WEBHOOK_URL = "https://hooks.example/hook/s3cret"
SLACK_LINE, WEBHOOK_LINE = "POST /slack/s3cret", "POST /hook/s3cret"
WORKING = Job(
    id="notes-1",
    connector="notes",
    mode=Mode.FULL,
    created_at_ms=NOW_MS,
    state=State.SENDING,
    started_at_ms=NOW_MS,
)
FAILED = replace(WORKING, state=State.FAILED, error="the source answered 404")
HELD = replace(WORKING, state=State.HELD, error="the close would delete 9 of 10 documents")
SUCCEEDED = replace(WORKING, state=State.SUCCEEDED)
OUTDATED = replace(SUCCEEDED, outdated_count=3)  # of three documents, Glean has older versions
ALERT = Alert(id="a", kind="failed", connector="notes", at_ms=NOW_MS, text="why", job_id="notes-1")


def a_bench(*, slack: str = "", webhook: str = WEBHOOK_URL, **variables: str) -> Bench:
    urls = {SLACK: slack, WEBHOOK: webhook}
    return Bench(environment=an_environment(**SET, **urls, **variables))


def failing(bench: Bench, *answers: httpx.Response | Exception) -> Job:
    """A job fails, and whoever is told answers so."""
    bench.network.on(LIST, httpx.Response(404, text="gone"))
    bench.network.on(WEBHOOK_LINE, *answers)
    bench.begun(Mode.INCREMENTAL)
    job = bench.left()
    assert job.state is State.FAILED
    return job


def told(bench: Bench, line: str = WEBHOOK_LINE) -> list[Mapping[str, Any]]:
    """The bodies that were sent."""
    pairs = zip(bench.network.lines, bench.network.requests, strict=True)
    return [msgspec.json.decode(request.content) for at, request in pairs if at == line]


def test_a_job_that_fails_is_told_with_the_reason() -> None:
    bench = a_bench(WORKER_URL="https://sync.example/")

    job = failing(bench, httpx.Response(204))

    (body,) = told(bench)
    assert body == {
        "id": f"notes-failed-{NOW_MS}",
        "kind": "failed",
        "connector": "notes",
        "job": job.id,
        "at": "2025-11-24T16:00:00.123Z",
        "text": (
            f"notes failed: the INCREMENTAL job {job.id} has failed: {job.error}. "
            f"{say(remedy_of(job), Surface.ALERT)}"
        ),
        "remedy": {"code": "retry", "parameters": {"job": job.id}},
        "url": f"https://sync.example/status/{job.id}",
    }
    assert bench.store.outbox.due_at_ms() is None
    assert bench.storage.alarm_at_ms is None


def test_slack_is_told_in_its_own_words_and_nothing_in_them_is_markup() -> None:
    alert = replace(ALERT, text="<!channel> & <https://evil.example|look>")
    delivery = Delivery(alert=alert, target=SLACK, due_at_ms=0)

    body = msgspec.json.decode(content(delivery, "https://sync.example"))

    assert body == {
        "text": (
            "notes failed: &lt;!channel&gt; &amp; &lt;https://evil.example|look&gt; "
            "<https://sync.example/status/notes-1|open the job>"
        )
    }
    assert msgspec.json.decode(content(delivery, None))["text"].endswith("look&gt;")


def test_all_who_are_to_be_told_are_told_each_by_itself() -> None:
    bench = a_bench(slack=SLACK_URL)
    bench.network.on(SLACK_LINE, httpx.Response(200, text="ok"))

    failing(bench, httpx.Response(503))

    assert [len(told(bench, line)) for line in (SLACK_LINE, WEBHOOK_LINE)] == [1, 1]
    assert bench.storage.alarm_at_ms == NOW_MS + RETRY_MS_MIN
    bench.now_ms += RETRY_MS_MIN
    bench.network.on(WEBHOOK_LINE, httpx.Response(200))
    bench.turned()
    assert [len(told(bench, line)) for line in (SLACK_LINE, WEBHOOK_LINE)] == [1, 2]
    assert bench.storage.alarm_at_ms is None


def test_no_alert_is_sent_where_its_secret_address_could_be_read_on_the_way() -> None:
    bench = a_bench(webhook=WEBHOOK_URL.replace("https:", "http:"))

    failing(bench, httpx.Response(204))

    assert told(bench) == []
    assert bench.store.outbox.due_at_ms() is not None


def test_where_nobody_is_to_be_told_nothing_is_kept() -> None:
    bench = a_bench(webhook="")
    bench.network.on(LIST, httpx.Response(404))
    bench.begun(Mode.INCREMENTAL)
    bench.left()

    assert bench.store.outbox.told() == AlertHistory()
    assert bench.storage.alarm_at_ms is None


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, text=f"we do not like {WEBHOOK_URL}"),
        httpx.Response(302, headers={"location": "https://elsewhere.example"}),
        httpx.Response(404),
        httpx.ConnectError("no route"),
        httpx.ReadTimeout("slow"),
    ],
    ids=["broken", "moved", "gone", "no route", "slow"],
)
def test_a_message_that_does_not_arrive_is_sent_again_and_the_job_is_none_the_worse(
    answer: httpx.Response | Exception,
) -> None:
    bench = a_bench()

    job = failing(bench, answer)

    assert job.error.startswith("the source answered 404")
    notes = [event.happening.text for event in bench.views.events(job.id, 0, 99)]
    assert notes[-1].startswith("an alert is not sent yet: ")
    assert "s3cret" not in repr(notes)
    bench.network.on(WEBHOOK_LINE, httpx.Response(200))
    bench.now_ms += RETRY_MS_MIN
    bench.turned()
    first, second = told(bench)
    assert first == second
    assert bench.storage.alarm_at_ms is None


def test_who_asks_for_time_gets_it_up_to_an_hour() -> None:
    bench = a_bench()
    failing(bench, httpx.Response(429, headers={"retry-after": "120"}))
    assert bench.storage.alarm_at_ms == NOW_MS + 120_000

    bench.now_ms += 120_000
    bench.network.on(WEBHOOK_LINE, httpx.Response(429, headers={"retry-after": "999999"}))
    bench.turned()

    assert bench.storage.alarm_at_ms == bench.now_ms + 2 * RETRY_MS_MIN + RETRY_MS_MAX


def test_pauses_grow_to_an_hour_and_after_a_day_it_is_given_up() -> None:
    delivery: Delivery | None = Delivery(alert=ALERT, target=WEBHOOK, due_at_ms=NOW_MS)
    now_ms, pauses = NOW_MS, list[int]()
    while delivery is not None:
        now_ms = delivery.due_at_ms
        delivery = record_attempt(delivery, now_ms)
        pauses += [delivery.due_at_ms - now_ms] if delivery else []

    assert pauses[:3] == [10_000, 20_000, 40_000]
    assert pauses == sorted(pauses)
    assert pauses[-1] == RETRY_MS_MAX
    assert GIVE_UP_MS <= now_ms - NOW_MS < GIVE_UP_MS + RETRY_MS_MAX


def test_what_is_given_up_is_noted_with_its_job() -> None:
    bench = a_bench()
    job = failing(bench, httpx.Response(500))
    bench.now_ms += GIVE_UP_MS

    bench.turned()

    note = bench.views.events(job.id, 0, 99)[-1].happening.text
    assert note.startswith(f"an alert is given up, as {WEBHOOK} did not take it")
    assert (bench.store.outbox.due_at_ms(), bench.storage.alarm_at_ms) == (None, None)


def test_an_attempt_that_kills_is_counted_before_it_is_made() -> None:
    bench = a_bench()

    async def look() -> None:
        (delivery,) = bench.store.outbox.due(bench.now_ms + HOUR_MS, 9)
        assert (delivery.attempt_count, delivery.due_at_ms) == (1, NOW_MS + RETRY_MS_MIN)

    bench.network.meanwhile(2, look)
    failing(bench, httpx.Response(200))


def test_a_job_goes_before_a_message_and_is_not_late_for_one() -> None:
    bench = a_bench()
    failing(bench, httpx.Response(500))
    bench.network.on(LIST, httpx.Response(503))
    bench.begun(Mode.INCREMENTAL)
    waiting = bench.left()
    assert waiting.pacing.retry_at_ms is not None
    assert bench.storage.alarm_at_ms == waiting.pacing.retry_at_ms < NOW_MS + RETRY_MS_MIN

    bench.now_ms = NOW_MS + RETRY_MS_MIN
    bench.network.on(LIST, httpx.Response(503, headers={"retry-after": "1800"}))
    bench.network.on(WEBHOOK_LINE, httpx.Response(500))
    before = len(bench.network.lines)
    waiting = bench.left()

    assert bench.network.lines[before:] == [LIST, WEBHOOK_LINE]
    assert waiting.pacing.retry_at_ms is not None
    assert bench.storage.alarm_at_ms == NOW_MS + 3 * RETRY_MS_MIN < waiting.pacing.retry_at_ms

    bench.now_ms = NOW_MS + 3 * RETRY_MS_MIN
    bench.network.on(WEBHOOK_LINE, httpx.Response(200))
    again = bench.left()
    assert (again.pacing.attempt, again.turn_count) == (waiting.pacing.attempt, waiting.turn_count)
    assert bench.storage.alarm_at_ms == waiting.pacing.retry_at_ms


def test_a_url_that_is_none_is_noted_and_disturbs_nothing() -> None:
    bench = a_bench(webhook="hooks.example")

    job = failing(bench)

    note = bench.views.events(job.id, 0, 99)[-1].happening.text
    assert note == (
        "an alert is not sent: the URL '***' names no server: it must start with https://, or "
        "http:// for a local one"
    )


def through(*jobs: Job, told_before: AlertHistory | None = None) -> list[str]:
    """What is told as a job becomes each of these, an hour after the other."""
    known, kinds = told_before or AlertHistory(), list[str]()
    for number, (before, after) in enumerate(pairwise(jobs)):
        now_ms = NOW_MS + number * HOUR_MS
        known, of_job = alerts_of_job(known, before, after, now_ms)
        known, of_outcome = alert_of_outcome(known, before, after, now_ms)
        kinds += [alert.kind for alert in (of_job, of_outcome) if alert]
    return kinds


INCREMENTAL = replace(WORKING, mode=Mode.INCREMENTAL)


@pytest.mark.parametrize(
    ("jobs", "kinds"),
    [
        ([WORKING, FAILED], ["failed"]),
        ([WORKING, HELD], ["held"]),
        ([WORKING, SUCCEEDED], []),
        ([WORKING, FAILED, WORKING, FAILED], ["failed"]),
        ([WORKING, FAILED, WORKING, SUCCEEDED], ["failed", "recovered"]),
        ([WORKING, FAILED, WORKING, SUCCEEDED, WORKING, SUCCEEDED], ["failed", "recovered"]),
        ([WORKING, FAILED, WORKING, SUCCEEDED, WORKING, FAILED], ["failed", "recovered", "failed"]),
        ([WORKING, HELD, WORKING, HELD], ["held", "held"]),
        ([WORKING, HELD, replace(HELD, state=State.CANCELLED)], ["held"]),
        (
            [WORKING, FAILED, INCREMENTAL, replace(INCREMENTAL, state=State.SUCCEEDED)],
            ["failed"],
        ),
        (
            [INCREMENTAL, replace(INCREMENTAL, state=State.FAILED), WORKING, SUCCEEDED],
            ["failed", "recovered"],
        ),
        ([WORKING, FAILED, WORKING, replace(SUCCEEDED, repeats="notes-0")], ["failed"]),
        ([WORKING, replace(WORKING, state=State.CANCELLED)], []),
        ([WORKING, OUTDATED], ["degraded"]),
        ([WORKING, OUTDATED, WORKING, replace(OUTDATED, outdated_count=9)], ["degraded"]),
        ([WORKING, OUTDATED, WORKING, SUCCEEDED], ["degraded", "recovered"]),
        ([WORKING, OUTDATED, WORKING, SUCCEEDED, WORKING, SUCCEEDED], ["degraded", "recovered"]),
        (
            [WORKING, OUTDATED, INCREMENTAL, replace(INCREMENTAL, state=State.SUCCEEDED)],
            ["degraded"],
        ),
        ([WORKING, OUTDATED, WORKING, replace(SUCCEEDED, repeats="notes-0")], ["degraded"]),
        (
            [WORKING, OUTDATED, WORKING, FAILED, WORKING, OUTDATED],
            ["degraded", "failed", "recovered"],
        ),
        ([WORKING, FAILED, WORKING, OUTDATED], ["failed", "recovered", "degraded"]),
        (
            [WORKING, FAILED, WORKING, OUTDATED, WORKING, SUCCEEDED],
            ["failed", "recovered", "degraded", "recovered"],
        ),
        ([WORKING, replace(OUTDATED, state=State.CANCELLED)], []),
        ([WORKING, replace(OUTDATED, repeats="notes-0")], []),
        ([INCREMENTAL, replace(OUTDATED, mode=Mode.INCREMENTAL)], []),
    ],
    ids=str,
)
def test_one_thing_is_told_once_until_it_is_over(jobs: Sequence[Job], kinds: list[str]) -> None:
    assert through(*jobs) == kinds


def test_what_lasts_is_told_again_each_day() -> None:
    before = AlertHistory({"failed FULL": NOW_MS - REMINDER_MS + 1})
    assert through(WORKING, FAILED, told_before=before) == []

    before = AlertHistory({"failed FULL": NOW_MS - REMINDER_MS})
    assert through(WORKING, FAILED, told_before=before) == ["failed"]


def test_a_person_who_ends_a_held_job_has_seen_it() -> None:
    bench = a_bench()
    bench.put(HELD)
    bench.store.outbox.put_told(AlertHistory({"held FULL": NOW_MS}))

    bench.commanded(HELD, Command.CANCEL)

    assert bench.store.outbox.told() == AlertHistory()


def test_of_too_many_deliveries_the_oldest_go() -> None:
    outbox: Outbox = Bench().store.outbox
    for number in range(DELIVERIES_MAX + 3):
        alert = replace(ALERT, id=f"a-{number:03}", at_ms=NOW_MS + number)
        outbox.add(alert, [WEBHOOK])

    deliveries = outbox.due(NOW_MS + HOUR_MS, 999)

    assert len(deliveries) == DELIVERIES_MAX
    assert deliveries[0].alert.id == "a-003"


STALE: Connectors = {
    name: replace(NOTES, name=name, stale_after=timedelta(milliseconds=HOUR_MS))
    for name in ("notes", "other")
}
ALIVE = Heartbeat(NOW_MS)


def test_a_connector_without_a_success_for_too_long_is_told_once_and_when_that_is_over() -> None:
    known, alerts = check_staleness(Watched(), {"notes": ALIVE}, STALE, NOW_MS + HOUR_MS)
    assert alerts == []

    known, alerts = check_staleness(known, {"notes": ALIVE}, STALE, NOW_MS + HOUR_MS + 1)
    assert [(alert.kind, alert.text) for alert in alerts] == [
        (AlertKind.STALE, "no success for 1 hour")
    ]
    known, alerts = check_staleness(known, {"notes": ALIVE}, STALE, NOW_MS + 2 * HOUR_MS)
    assert alerts == []

    later = Heartbeat(NOW_MS + 2 * HOUR_MS)
    known, alerts = check_staleness(known, {"notes": later}, STALE, NOW_MS + 2 * HOUR_MS)
    assert [alert.kind for alert in alerts] == [AlertKind.RECOVERED]
    assert known.told == AlertHistory()


def test_an_object_that_is_silent_is_told_of_by_what_it_said_last() -> None:
    known, _ = check_staleness(Watched(), {"notes": ALIVE, "other": ALIVE}, STALE, NOW_MS - HOUR_MS)
    known, alerts = check_staleness(known, {"notes": None, "other": ALIVE}, STALE, NOW_MS + HOUR_MS)
    assert alerts == []

    _, alerts = check_staleness(known, {"notes": None, "other": ALIVE}, STALE, NOW_MS + HOUR_MS + 1)

    assert [alert.text for alert in alerts] == [
        "no success for 1 hour; its object does not answer",
        "no success for 1 hour",
    ]


def test_an_object_that_never_said_anything_is_told_of_after_the_time() -> None:
    known, alerts = check_staleness(Watched(), {"notes": None}, STALE, NOW_MS)
    assert alerts == []
    known, alerts = check_staleness(known, {"notes": None}, STALE, NOW_MS + HOUR_MS)
    assert alerts == []

    _, alerts = check_staleness(known, {"notes": None}, STALE, NOW_MS + HOUR_MS + 1)

    assert [alert.kind for alert in alerts] == [AlertKind.STALE]


def test_a_connector_that_is_gone_is_forgotten() -> None:
    known, _ = check_staleness(Watched(), {"notes": ALIVE}, STALE, NOW_MS + 2 * HOUR_MS)
    assert known.told != AlertHistory()

    known, _ = check_staleness(known, {}, STALE, NOW_MS + 3 * HOUR_MS)

    assert known == Watched(looked_at_ms=NOW_MS + 3 * HOUR_MS)


def a_watchman(bench: Bench) -> StalenessMonitor:
    return StalenessMonitor(STALE, bench.environment, bench.store, bench.host)


def test_the_watchman_tells_with_its_own_alarm_and_tries_again() -> None:
    bench = a_bench()
    watchman = a_watchman(bench)
    asyncio.run(watchman.look({"notes": Heartbeat(NOW_MS - 2 * HOUR_MS)}))
    assert bench.network.lines == []
    assert bench.storage.alarm_at_ms is not None

    bench.network.on(WEBHOOK_LINE, httpx.Response(500), httpx.Response(200))
    (fault,) = asyncio.run(watchman.deliver())
    assert "s3cret" not in fault
    assert bench.storage.alarm_at_ms == NOW_MS + RETRY_MS_MIN

    bench.now_ms += RETRY_MS_MIN
    assert asyncio.run(watchman.deliver()) == []
    assert [body["kind"] for body in told(bench)] == ["stale", "stale"]
    assert bench.store.outbox.due_at_ms() is None


def test_the_watchman_remembers_through_its_death() -> None:
    bench = a_bench()
    asyncio.run(a_watchman(bench).look({"notes": ALIVE}))
    bench.restarted()
    bench.now_ms += 2 * HOUR_MS

    asyncio.run(a_watchman(bench).look({"notes": None}))

    (delivery,) = bench.store.outbox.due(bench.now_ms, 9)
    assert delivery.alert.text == "no success for 2 hours; its object does not answer"


def test_the_watchman_is_woken_again_if_it_dies_while_it_tells() -> None:
    bench = a_bench()
    watchman = a_watchman(bench)
    asyncio.run(watchman.look({"notes": Heartbeat(NOW_MS - 2 * HOUR_MS)}))

    async def look() -> None:
        assert bench.storage.alarm_at_ms == NOW_MS + LEASE_MS

    bench.network.on(WEBHOOK_LINE, httpx.Response(200))
    bench.network.meanwhile(1, look)
    asyncio.run(watchman.deliver())


def test_where_nobody_is_to_be_told_the_watchman_will_tell_whoever_comes() -> None:
    bench = a_bench(webhook="")
    asyncio.run(a_watchman(bench).look({"notes": Heartbeat(NOW_MS - 2 * HOUR_MS)}))

    assert bench.store.outbox.watched().told == AlertHistory()
    assert bench.storage.alarm_at_ms is None


HOURLY = replace(
    NOTES,
    schedule={"0 * * * *": Mode.INCREMENTAL},
    stale_after=timedelta(milliseconds=99 * HOUR_MS),
)
NIGHTLY = replace(NOTES, schedule={"0 2 * * *": Mode.FULL, "0 * * * *": Mode.INCREMENTAL})


def test_success_of_an_incremental_job_is_none_of_a_full_one() -> None:
    known, days = Watched(), list[list[str]]()
    for hour in range(5 * 24):
        now_ms = NOW_MS + hour * HOUR_MS
        known, alerts = check_staleness(
            known, {"notes": Heartbeat(now_ms, NOW_MS)}, {"notes": NIGHTLY}, now_ms
        )
        days += [[alert.text for alert in alerts]] if alerts else []

    assert days[0] == ["no FULL success for 2 days"]
    assert len(days) >= 2

    full = Heartbeat(NOW_MS + 5 * DAY_MS, NOW_MS + 5 * DAY_MS)
    known, alerts = check_staleness(known, {"notes": full}, {"notes": NIGHTLY}, NOW_MS + 5 * DAY_MS)
    assert [alert.kind for alert in alerts] == [AlertKind.RECOVERED]


def test_a_cron_that_does_not_tick_is_found_out_by_the_watchmans_own_alarm() -> None:
    """And told each day, until it ticks again."""
    bench = a_bench()
    watchman = StalenessMonitor({"notes": HOURLY}, bench.environment, bench.store, bench.host)
    asyncio.run(watchman.look({"notes": ALIVE}))
    bench.network.on(WEBHOOK_LINE, *[httpx.Response(200)] * 9)

    began_at_ms = bench.now_ms
    while bench.now_ms < began_at_ms + 3 * DAY_MS:
        alarm_at_ms = bench.storage.alarm_at_ms
        assert alarm_at_ms is not None
        bench.now_ms = max(bench.now_ms, alarm_at_ms)
        bench.storage.fire()
        assert asyncio.run(watchman.deliver()) == []

    bodies = told(bench)
    assert {(body["kind"], body["connector"]) for body in bodies} == {("overdue", None)}
    assert 3 <= len(bodies) <= 5
    # The tick of 17:00 was due 59 minutes after the look.
    assert bodies[0]["at"] < "2025-11-24T17:35"

    asyncio.run(watchman.look({"notes": Heartbeat(bench.now_ms)}))
    assert [delivery.alert.kind for delivery in bench.store.outbox.due(bench.now_ms, 9)] == [
        AlertKind.RECOVERED
    ]


def test_a_cron_that_never_ticked_is_found_out_from_the_first_request_on() -> None:
    bench = a_bench()
    watchman = StalenessMonitor({"notes": HOURLY}, bench.environment, bench.store, bench.host)
    asyncio.run(watchman.notice())
    bench.network.on(WEBHOOK_LINE, *[httpx.Response(200)] * 9)
    assert bench.storage.alarm_at_ms is not None
    bench.now_ms += 20 * 60_000
    asyncio.run(watchman.notice())  # which puts nothing off

    bench.now_ms = bench.storage.alarm_at_ms
    assert asyncio.run(watchman.deliver()) == []

    assert [(body["kind"], body["connector"]) for body in told(bench)] == [("overdue", None)]
    assert told(bench)[0]["at"] < "2025-11-24T17:35"


def test_a_request_tells_of_a_cron_that_has_stopped_though_the_watchmans_alarm_was_lost() -> None:
    bench = a_bench()
    watchman = StalenessMonitor({"notes": HOURLY}, bench.environment, bench.store, bench.host)
    asyncio.run(watchman.look({"notes": ALIVE}))
    bench.storage.fire()  # and nobody is woken
    bench.store.disarmed()
    bench.now_ms += 3 * HOUR_MS

    asyncio.run(watchman.notice())
    asyncio.run(watchman.notice())

    assert [delivery.alert.kind for delivery in bench.store.outbox.due(bench.now_ms, 9)] == [
        "overdue"
    ]
    assert bench.storage.alarm_at_ms is not None


def test_a_cron_that_ticks_in_time_is_not_told_of() -> None:
    known, alerts = check_staleness(Watched(), {"notes": ALIVE}, {"notes": HOURLY}, NOW_MS)

    assert check_cron(known, {"notes": HOURLY}, NOW_MS + HOUR_MS) == (known, alerts)
    assert alerts == []


def test_what_is_wrong_is_told_each_day_though_nothing_happens_anew() -> None:
    """A job that is held waits for days, and a FULL one that has failed for its next night."""
    bench = a_bench()
    bench.put(replace(WORKING, alarm_at_ms=NOW_MS))
    bench.store.outbox.announce(WORKING, HELD, [WEBHOOK], NOW_MS)
    bench.put(replace(HELD, id="notes-2"))
    bench.network.on(WEBHOOK_LINE, *[httpx.Response(200)] * 9)
    bench.obeyed(WORKING, Command.CANCEL)
    bench.turned()

    for _ in range(3 * 24):
        bench.now_ms += HOUR_MS
        bench.tended()
        if bench.storage.alarm_at_ms is not None:
            bench.turned()

    bodies = told(bench)
    assert {body["kind"] for body in bodies} == {"held"}
    assert {body["job"] for body in bodies} == {WORKING.id}
    assert 4 <= len(bodies) <= 5


@pytest.mark.parametrize("earlier_ms", [0, 5_000, 2 * HOUR_MS, -2 * HOUR_MS])
def test_no_night_is_skipped_where_a_job_fails_earlier_or_later(earlier_ms: int) -> None:
    known, nights = AlertHistory(), list[bool]()
    for night in range(4):
        at_ms = NOW_MS + night * DAY_MS - (earlier_ms if night % 2 else 0)
        known, is_due = remind(known, "failed FULL", at_ms)
        nights.append(is_due)

    assert nights == [True] * 4


def test_a_mode_that_no_schedule_asks_for_is_told_once() -> None:
    known, _ = alerts_of_job(AlertHistory(), WORKING, FAILED, NOW_MS)

    assert reminders(known, "notes", {Mode.INCREMENTAL}, NOW_MS + DAY_MS) == (known, [])
    (reminder,) = reminders(known, "notes", {Mode.FULL}, NOW_MS + DAY_MS)[1]
    assert (reminder.kind, reminder.job_id) == (State.FAILED, FAILED.id)
    assert reminder.remedy == remedy_of(FAILED)


def test_older_documents_are_told_with_what_can_be_done_and_again_each_day() -> None:
    known, alert = alert_of_outcome(AlertHistory(), WORKING, OUTDATED, NOW_MS)
    later = replace(OUTDATED, id="notes-9", outdated_count=9)
    known, none = alert_of_outcome(known, WORKING, later, NOW_MS + HOUR_MS)

    assert alert is not None
    assert (alert.kind, alert.job_id, none) == (AlertKind.DEGRADED, OUTDATED.id, None)
    assert alert.remedy == Remedy(RemedyCode.REPEAT_REJECTS.value, {"job": OUTDATED.id})
    (reminder,) = reminders(known, "notes", {Mode.FULL}, NOW_MS + DAY_MS)[1]
    assert (reminder.kind, reminder.job_id) == (AlertKind.DEGRADED, later.id)
    assert "9 documents" in reminder.text


def test_a_connector_that_is_degraded_is_told_of_in_the_words_of_an_alert() -> None:
    bench = a_bench(slack=SLACK_URL)
    bench.network.on(WEBHOOK_LINE, httpx.Response(204))
    bench.network.on(SLACK_LINE, httpx.Response(200))
    bench.store.outbox.announce(WORKING, OUTDATED, [SLACK, WEBHOOK], NOW_MS)

    bench.turned()

    (body,) = told(bench)
    remedy = say(degraded_remedy(OUTDATED), Surface.ALERT)
    assert (body["kind"], body["job"]) == ("degraded", OUTDATED.id)
    assert body["text"].endswith(remedy)
    assert body["remedy"]["code"] == RemedyCode.REPEAT_REJECTS
    assert len(told(bench, SLACK_LINE)) == 1


def test_a_held_job_that_fails_is_no_longer_told_as_held() -> None:
    known, _ = alerts_of_job(AlertHistory(), WORKING, HELD, NOW_MS)
    known, _ = alerts_of_job(known, HELD, FAILED, NOW_MS)

    assert set(known.at_ms) == set(known.texts) == set(known.job_ids) == {"failed FULL"}
    assert known.remedies == {"failed FULL": remedy_of(FAILED)}


def test_jobs_that_are_held_one_after_the_other_are_told_of_once_a_day() -> None:
    """Each takes the place of the one before it: nobody has looked."""
    known, held, hours = AlertHistory(), HELD, list[int]()
    known, _ = alerts_of_job(known, WORKING, held, NOW_MS)
    for hour in range(1, 48):
        now_ms, begun = NOW_MS + hour * HOUR_MS, replace(WORKING, id=f"notes-{hour:02}")
        following = replace(begun, state=State.HELD)
        replaced = supersede(held, following, now_ms, Limits())
        known, none = alerts_of_job(known, held, replaced, now_ms)
        known, alert = alerts_of_job(known, begun, following, now_ms)
        held, hours = following, [*hours, hour] if alert else hours
        assert none is None

    assert hours == [20, 40]
    assert known.job_ids == {"held FULL": held.id}
    succeeded = replace(SUCCEEDED, id="notes-99")
    known, _ = alerts_of_job(known, held, supersede(held, succeeded, NOW_MS, Limits()), NOW_MS)
    known, alert = alerts_of_job(known, WORKING, succeeded, NOW_MS)
    assert (known, alert and alert.kind) == (AlertHistory(), AlertKind.RECOVERED)


def test_a_job_that_fails_while_another_is_held_leaves_that_one_told() -> None:
    known, _ = alerts_of_job(AlertHistory(), WORKING, HELD, NOW_MS)
    known, _ = alerts_of_job(known, WORKING, replace(FAILED, id="notes-9"), NOW_MS)

    assert set(known.at_ms) == {"held FULL", "failed FULL"}


def test_a_success_ends_what_was_told() -> None:
    bench = a_bench()
    failing(bench, httpx.Response(200))
    bench.network.on(LIST, a_page("a"))
    bench.network.on("POST /api/index/v1/indexdocuments", httpx.Response(200))
    bench.network.on(WEBHOOK_LINE, httpx.Response(200))
    bench.begun(Mode.INCREMENTAL)
    assert bench.left().state is State.SUCCEEDED

    assert [body["kind"] for body in told(bench)] == ["failed", "recovered"]
