"""Paused deletions on the object as it lives on: asked about, stored, shown, told."""

from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from durable.limits import Limits
from durable.machine.alerts import REMINDER_MS
from durable.machine.job import Crawl, Job, Mode, Pacing, Upload
from durable.machine.states import State
from durable.views.overview import Condition
from tests.fakes.answers import LIST, STATUS, a_page, ok
from tests.fakes.bench import NOW_MS, SET, Bench
from tests.fakes.connector import NOTES
from tests.fakes.environment import an_environment


WEBHOOK = "https://alerts.example/hook"
HOOK = "POST /hook"
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


def told(state: str | None, upload_id: str = "u-1") -> httpx.Response:
    """How Glean says that it stands with an upload that is closed."""
    upload = {"uploadId": upload_id, "status": "SUCCESSFUL", "processingState": state}
    return httpx.Response(200, json={"documents": {"bulkUploadHistory": [upload]}})


def succeeded(state: str | None, *, has_alerts: bool = False) -> Bench:
    """A job that is over, and what Glean said of its upload right after the close."""
    targets = {"ALERT_WEBHOOK_URL": WEBHOOK} if has_alerts else {}
    unscheduled = replace(NOTES, schedule={})  # else it would be stale before the reminder comes
    bench = Bench(environment=an_environment(**SET, **targets), connector=unscheduled)
    if has_alerts:
        bench.network.on(HOOK, *(ok() for _ in range(9)))
    bench.put(CLOSING, alarm_at_ms=bench.now_ms)
    bench.network.add(told(state))
    assert bench.left().state is State.SUCCEEDED
    return bench


def later(bench: Bench, *answers: httpx.Response | Exception) -> None:
    """The alarm has fired at its time, and Glean has given these answers."""
    at_ms = bench.storage.alarm_at_ms
    assert at_ms is not None
    bench.now_ms = at_ms
    bench.network.add(*answers)
    bench.turned()


def deletions(bench: Bench) -> tuple[str, str, Condition]:
    """Of the job, of the connector, and the connector's health."""
    job = bench.store.load(CLOSING.id)
    assert job is not None
    (of_job,), overview = bench.views.show(job).deletions, bench.views.overview()
    (of_connector,) = overview.deletions
    return of_job.state, of_connector.state, overview.health


def alerts(bench: Bench) -> list[str]:
    sent = [one for one in bench.network.requests if one.url.path == "/hook"]
    bodies: list[dict[str, Any]] = [httpx.Response(200, content=one.content).json() for one in sent]
    return [str(body["kind"]) for body in bodies]


def test_what_is_done_is_fine_and_asked_about_no_more() -> None:
    bench = succeeded("INDEXING COMPLETED")

    assert deletions(bench) == ("done", "done", Condition.OK)
    assert bench.storage.alarm_at_ms is None


def test_a_paused_deletion_is_shown_and_told_for_as_long_as_it_lasts() -> None:
    bench = succeeded("DELETION PAUSED", has_alerts=True)
    bench.turned()
    assert deletions(bench) == ("paused", "paused", Condition.PAUSED)
    assert "DELETION PAUSED" in (bench.views.overview().why or "")
    assert alerts(bench) == ["paused"]
    kinds = [one.happening.kind for one in bench.views.events(CLOSING.id, 0, 99)]
    assert kinds.count("deletions") == 1

    while bench.now_ms < NOW_MS + REMINDER_MS:
        later(bench, told("DELETION PAUSED"))
        assert deletions(bench) == ("paused", "paused", Condition.PAUSED)
    assert alerts(bench) == ["paused", "paused"]

    later(bench, told("INDEXING COMPLETED"))

    assert deletions(bench) == ("done", "done", Condition.OK)
    assert alerts(bench) == ["paused", "paused", "recovered"]
    assert bench.storage.alarm_at_ms is None


@pytest.mark.parametrize("answer", [httpx.Response(503), httpx.Response(200, text="<html>")])
def test_what_glean_does_not_answer_is_unknown_and_never_fine(answer: httpx.Response) -> None:
    bench = succeeded("UPLOAD COMPLETED")
    assert deletions(bench)[:2] == ("pending", "pending")
    error = None

    for _ in range(30):
        if bench.storage.alarm_at_ms is None:
            break
        later(bench, httpx.Response(answer.status_code, content=answer.content))
        error = bench.views.overview().deletions[0].last_error or error

    assert deletions(bench)[:2] == ("unknown", "unknown")
    assert error
    assert bench.storage.alarm_at_ms is None
    events = [one.happening for one in bench.views.events(CLOSING.id, 0, 99)]
    assert [one.kind for one in events][-1] == "deletions"


def test_a_pause_that_glean_tells_later_is_found() -> None:
    bench = succeeded(None)

    later(bench, told("UPLOAD COMPLETED"))
    later(bench, told("DELETION PAUSED"))

    assert deletions(bench) == ("paused", "paused", Condition.PAUSED)


def test_no_job_waits_for_an_answer() -> None:
    bench = succeeded("DELETION PAUSED")
    bench.begun(Mode.INCREMENTAL)
    bench.network.requests.clear()

    later(bench, a_page())

    assert LIST in bench.network.lines
    assert STATUS not in bench.network.lines


def test_an_object_that_lives_on_asks_where_the_one_before_it_would_have() -> None:
    bench = succeeded("DELETION PAUSED")
    at_ms = bench.storage.alarm_at_ms
    bench.restarted()

    later(bench, told("INDEXING COMPLETED"))

    assert at_ms == NOW_MS + Limits().verify_pause_ms_min
    assert deletions(bench)[0] == "done"
