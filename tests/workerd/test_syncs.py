"""Whole jobs on the real runtime, against the local Glean."""

import json
import time
from typing import Any

import pytest

from dev.comparison import differences
from dev.stack import GLEAN_TOKEN, TRIGGER_TOKEN, Stack
from tests.workerd.conftest import LIMITS


pytestmark = [pytest.mark.workerd, pytest.mark.usefixtures("quiet")]


def run(stack: Stack, mode: str, *, replace: bool = False) -> dict[str, Any]:
    return stack.ended(stack.trigger(mode, replace=replace)["id"])


def synced(stack: Stack, *, replace: bool = False) -> dict[str, Any]:
    """A FULL sync that succeeded, so that the index is the source's."""
    job = run(stack, "FULL", replace=replace)
    assert job["state"] == "succeeded", job
    return job


def settled(stack: Stack) -> None:
    """What others changed a little before is read again, and known from then on."""
    synced(stack)
    run(stack, "INCREMENTAL")


def test_a_full_sync_brings_every_record_over_many_alarms(stack: Stack) -> None:
    response = stack.request("POST", "/trigger", json={"mode": "FULL", "replace": True})
    job = stack.ended(response.json()["id"])
    count = len(stack.source_records())
    page_count = -(-count // 100)

    assert response.status_code == 202
    assert response.headers["location"] == f"/status/{job['id']}" == response.json()["status_url"]
    assert job["state"] == "succeeded", job
    assert job["mode"] == "FULL"
    assert job["way"] == "replace"
    assert job["connector"] == "python-docs"
    assert job["pages"] == page_count
    assert job["documents"] == count
    assert job["turns"] > page_count // LIMITS["turn_pages_max"]
    assert job["bytes"] > 100 * count
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert job["last_error"] is None
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_an_incremental_sync_brings_changes_and_removals_and_no_more(stack: Stack) -> None:
    settled(stack)
    stack.control_source("change", change=30, remove=20, add=10, seed=3)

    job = run(stack, "INCREMENTAL")

    assert job["state"] == "succeeded", job
    assert job["documents"] == 40
    assert job["deleted"] == 20
    assert job["upload_id"] is None
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_a_second_full_sync_removes_what_the_source_no_longer_has(stack: Stack) -> None:
    synced(stack)
    stack.control_source("change", change=0, remove=15, add=0, seed=4)

    synced(stack, replace=True)

    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_once_all_is_known_a_full_sync_sends_the_differences_alone(stack: Stack) -> None:
    settled(stack)
    before = openings(stack)
    stack.control_source("change", change=30, remove=15, add=10, seed=6)

    job = synced(stack)

    assert job["way"] == "reconcile"
    unchanged = len(stack.source_records()) - 40
    assert job["changes"] == {
        "added": 10,
        "changed": 30,
        "access": 0,
        "deleted": 15,
        "unchanged": unchanged,
    }
    assert (job["documents"], job["deleted"], openings(stack)) == (40, 15, before)
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_asking_again_while_a_job_runs_gives_that_job(stack: Stack) -> None:
    first, second = stack.trigger("FULL"), stack.trigger("FULL")

    assert first["id"] == second["id"]
    assert stack.ended(first["id"])["state"] == "succeeded"


def test_an_incremental_job_waits_for_the_full_one_and_then_runs(stack: Stack) -> None:
    full, incremental = stack.trigger("FULL"), stack.trigger("INCREMENTAL")

    ended = stack.ended(incremental["id"])

    assert incremental["state"] == "queued"
    assert ended["state"] == "succeeded"
    assert ended["started_at"] >= stack.status(full["id"])["finished_at"]


def test_a_cron_tick_that_fires_twice_and_with_another_gives_one_job(stack: Stack) -> None:
    before = full_jobs(stack)
    at_two = 1_795_485_600_000  # 2026-11-24T02:00Z
    ticks = ("0 2 * * *", "0 * * * *", "0 2 * * *")

    for cron in ticks:
        stack.tick(cron, at_two)
    job = stack.trigger("FULL")  # gives the one under way
    assert stack.ended(job["id"])["state"] == "succeeded"
    for cron in ticks:
        stack.tick(cron, at_two)
    idle = stack.trigger("INCREMENTAL")
    stack.ended(idle["id"])

    assert full_jobs(stack) - before == {job["id"]}


def test_an_hourly_tick_reads_changes_only(stack: Stack) -> None:
    synced(stack)
    before = openings(stack)
    stack.control_source("change", change=5, remove=0, add=0, seed=5)

    stack.tick("0 * * * *", 1_795_489_200_000)  # 2026-11-24T03:00Z
    job = stack.trigger("INCREMENTAL")
    ended = stack.ended(job["id"])

    assert ended["state"] == "succeeded"
    assert openings(stack) == before
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_trouble_that_passes_delays_the_job_and_loses_nothing(stack: Stack) -> None:
    stack.control_source("faults", path=None, times=2, skip=3, status=503)
    bulk = "/bulkindexdocuments"
    stack.control_glean("faults", path=bulk, times=1, skip=2, status=429, retry_after="1")
    stack.control_glean("faults", path=bulk, times=1, skip=4, drop="before")
    stack.control_glean("faults", path=bulk, times=1, skip=6, drop="after")

    job = synced(stack, replace=True)

    assert job["documents"] == len(stack.source_records())
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_a_connector_whose_documents_are_too_many_for_glean_says_that_it_is_slowed(
    stack: Stack,
) -> None:
    settled(stack)
    stack.control_source("change", change=30, seed=7)
    single = "/indexdocuments"
    stack.control_glean("faults", path=single, times=1, status=429, retry_after="1")

    job = run(stack, "INCREMENTAL")

    (shown,) = stack.request("GET", "/connectors").json()["connectors"]
    (finding,) = shown["findings"]
    told = finding["parameters"]
    assert job["state"] == "succeeded", job
    assert finding["code"] == "slowed-documents"
    whole = told["documents_per_minute_max"]
    assert whole // 2 <= told["documents_per_minute"] < whole
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_a_request_that_is_too_large_is_halved_and_nothing_is_lost(stack: Stack) -> None:
    bulk = "/bulkindexdocuments"
    stack.control_glean("faults", path=bulk, times=1, skip=2, status=413)

    job = synced(stack, replace=True)

    assert job["documents"] == len(stack.source_records())
    assert job["rejected"] == 0
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_a_close_whose_answer_is_lost_is_asked_about_and_not_repeated(stack: Stack) -> None:
    pages = -(-len(stack.source_records()) // 100)
    stack.control_glean("faults", path="/bulkindexdocuments", times=1, skip=1 + pages, drop="after")

    job = synced(stack, replace=True)

    closings = [
        r for r in stack.glean_requests() if r["uploadId"] == job["upload_id"] and r["isLastPage"]
    ]
    assert len(closings) == 1


def test_a_refused_token_ends_the_job_and_names_the_secret(stack: Stack) -> None:
    stack.control_glean("faults", path=None, times=1, status=401, body=f"bad token {GLEAN_TOKEN}")

    job = run(stack, "FULL", replace=True)

    assert job["state"] == "failed"
    assert "GLEAN_INDEXING_API_TOKEN" in str(job["last_error"])
    assert GLEAN_TOKEN not in str(job)


LOGIN = "<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>"


def test_changes_that_a_login_page_swallowed_are_sent_again(stack: Stack) -> None:
    settled(stack)
    stack.control_source("change", change=30, remove=20, add=10, seed=5)
    since = len(stack.glean_requests())
    page = {"status": 200, "body": LOGIN, "content_type": "text/html"}
    stack.control_glean("faults", path="/indexdocuments", times=1, **page)
    stack.control_glean("faults", path="/deletedocument", times=2, skip=3, **page)

    job = run(stack, "INCREMENTAL")

    assert job["state"] == "succeeded", job
    assert (job["documents"], job["deleted"]) == (40, 20)
    assert differences(stack.source_records(), stack.glean_documents()) == []
    swallowed = [entry for entry in stack.glean_requests()[since:] if entry["fault"] == "200"]
    assert len(swallowed) == 3


@pytest.mark.parametrize("skip", [0, 3], ids=["the opening", "a page"])
def test_an_upload_that_a_login_page_swallowed_in_part_is_whole_in_the_end(
    stack: Stack, skip: int
) -> None:
    page = {"status": 200, "body": LOGIN, "content_type": "text/html"}
    stack.control_glean("faults", path="/bulkindexdocuments", times=1, skip=skip, **page)

    job = run(stack, "FULL", replace=True)

    assert job["state"] == "succeeded", job
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_no_secret_is_in_the_log(stack: Stack) -> None:
    synced(stack)
    log = stack.runtime.log.read_text(encoding="utf-8")

    assert '"event":"turn ended"' in log
    assert "never awaited" not in log
    assert GLEAN_TOKEN not in log
    assert TRIGGER_TOKEN not in log


def test_the_analytics_engine_takes_what_it_is_told(stack: Stack) -> None:
    run(stack, "INCREMENTAL")

    log = stack.runtime.log
    settings = json.loads(log.with_name("wrangler.json").read_text(encoding="utf-8"))
    assert settings["analytics_engine_datasets"] == [{"binding": "ANALYTICS"}]
    assert b"the Analytics Engine took no data" not in log.read_bytes()


def full_jobs(stack: Stack) -> set[str]:
    jobs = stack.request("GET", "/jobs?limit=100").raise_for_status().json()["jobs"]
    return {job["id"] for job in jobs if job["mode"] == "FULL"}


def openings(stack: Stack) -> int:
    return sum(1 for request in stack.glean_requests() if request["isFirstPage"])


def test_what_an_operator_asks_is_what_happened(stack: Stack) -> None:
    # The ticks of other tests are of a day that is over: cron would be overdue.
    stack.tick("0 * * * *", int(time.time()) // 3_600 * 3_600_000)
    stack.settle()
    job = stack.trigger("FULL", replace=True)
    waited = stack.request("GET", f"/status/{job['id']}?wait=60").json()
    assert waited["state"] != job["state"]
    job = stack.ended(job["id"])
    assert job["state"] == "succeeded", job

    count = len(stack.source_records())
    (shown,) = stack.request("GET", "/connectors").json()["connectors"]
    listed = stack.request("GET", "/jobs?limit=1&state=succeeded").json()["jobs"]
    events = stack.request("GET", f"/events/{job['id']}").json()["events"]
    metrics = stack.request("GET", "/metrics").text

    assert (shown["health"], shown["documents"]) == ("ok", count)
    assert shown["last_success_at"] == job["finished_at"]
    assert [line["id"] for line in listed] == [shown["jobs"][0]["id"]] == [job["id"]]
    assert listed[0]["documents"] == count
    kinds = [event["kind"] for event in events]
    assert kinds[:3] == ["queued", "begun", "opened"]
    assert kinds[-1] == "succeeded"
    assert sum(event["documents"] or 0 for event in events) == count
    turn_count = sum(event["kind"] == "turn" for event in events)
    assert 1 < turn_count <= job["turns"]
    assert f'glean_sync_last_full_documents{{connector="python-docs"}} {count}\n' in metrics
    assert 'glean_sync_jobs_ended_total{connector="python-docs",mode="FULL",state="succeeded"}' in (
        metrics
    )
