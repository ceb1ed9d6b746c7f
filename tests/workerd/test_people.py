"""People on the real runtime: jobs cancelled, retried, approved, asked for twice."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dev.comparison import differences
from dev.stack import DATASOURCE, GLEAN_TOKEN, TRIGGER_TOKEN, Stack
from tests.fakes.deployed import IS_BARE, deployed


pytestmark = [pytest.mark.workerd, pytest.mark.usefixtures("quiet")]

RECORDS = 600
READ = 3  # pages, of which two turns are made, before the source answers nobody
LATENCY_MS = 200  # of the source, so that a job is not over when others ask for it
REMOVED = 90  # 15 %: more than shrink_max lets go, and less than Glean asks about itself
Status = dict[str, Any]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    backoff = {"backoff_ms_min": 100, "backoff_ms_max": 200}
    limits = {"turn_pages_max": 2, "shrink_max": 0.1, **backoff}
    with deployed(tmp_path_factory.mktemp("people"), limits, RECORDS) as started:
        yield started


def synced(stack: Stack, *, replace: bool = False) -> Status:
    """A FULL sync that succeeded, so that the index is the source's."""
    job = stack.ended(stack.trigger("FULL", replace=replace)["id"])
    if job["state"] == "held":
        stack.command("approve", job["id"], list=job["missing_list"])
        job = stack.ended(job["id"])
    assert job["state"] == "succeeded", job
    return job


def cancelled(stack: Stack) -> Status:
    """A FULL job with an upload, cancelled in its middle. To its end, it would delete nothing."""
    synced(stack)
    stack.stall(READ)
    job = stack.trigger("FULL", replace=True)
    stack.until(job["id"], lambda now: now["pages"] == READ)
    return stack.command("cancel", job["id"])


def held(stack: Stack) -> Status:
    """A FULL job that waits for a person, since the source lost much."""
    synced(stack)
    stack.control_source("change", remove=REMOVED)
    job = stack.ended(stack.trigger("FULL")["id"])
    stack.control_source("change", add=REMOVED)
    assert job["state"] == "held", job
    return job


def good_fetches(stack: Stack) -> int:
    return sum(request["status"] == 200 for request in stack.source_requests())


def pushes(stack: Stack, upload_id: str) -> list[dict[str, Any]]:
    return [request for request in stack.glean_requests() if request["uploadId"] == upload_id]


def standing(stack: Stack, upload_id: str) -> str | None:
    """How the upload stands, by Glean's history."""
    url = f"{stack.glean_url}/api/index/v1/debug/{DATASOURCE}/status"
    answer = httpx.post(url, headers={"authorization": f"Bearer {GLEAN_TOKEN}"}, json={}).json()
    history = answer["documents"]["bulkUploadHistory"]
    return next((one["status"] for one in history if one["uploadId"] == upload_id), None)


def test_nothing_is_pushed_after_a_cancellation_and_the_next_upload_replaces_it(
    stack: Stack,
) -> None:
    job = cancelled(stack)
    before = stack.glean_documents()
    count = len(pushes(stack, job["upload_id"]))

    stack.clear_faults()
    stack.ended(stack.trigger("INCREMENTAL")["id"])

    # What was under way when the command came, may have been heard.
    assert count <= len(pushes(stack, job["upload_id"])) <= count + 1
    left = stack.status(job["id"])
    assert (left["state"], left["pages"], left["commands"]) == (
        "cancelled",
        job["pages"],
        ["retry"],
    )
    assert standing(stack, job["upload_id"]) == "ACTIVE"
    assert stack.glean_documents() == before

    synced(stack, replace=True)
    assert standing(stack, job["upload_id"]) != "ACTIVE"
    assert not any(push["isLastPage"] for push in pushes(stack, job["upload_id"]))
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_a_retry_goes_on_from_the_stored_cursor_in_the_same_upload(stack: Stack) -> None:
    job = cancelled(stack)
    before = good_fetches(stack)
    stack.clear_faults()

    response = stack.request("POST", f"/retry/{job['id']}")
    ended = stack.ended(job["id"])

    assert response.status_code == 202
    assert response.headers["location"] == f"/status/{job['id']}"
    assert ended["state"] == "succeeded", ended
    assert ended["upload_id"] == job["upload_id"]
    assert ended["documents"] == len(stack.source_records())
    assert good_fetches(stack) - before <= ended["pages"] - job["pages"] + 1
    assert sum(push["isFirstPage"] for push in pushes(stack, job["upload_id"])) == 1
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_a_retry_after_another_upload_begins_anew(stack: Stack) -> None:
    job = cancelled(stack)
    stack.clear_faults()
    synced(stack)

    stack.command("retry", job["id"])
    ended = stack.ended(job["id"])

    assert ended["state"] == "succeeded", ended
    assert ended["upload_id"] != job["upload_id"]
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_a_hundred_triggers_at_once_give_one_job(stack: Stack) -> None:
    stack.control_source("latency", ms=LATENCY_MS)

    async def triggered() -> list[httpx.Response]:
        headers = {"authorization": f"Bearer {TRIGGER_TOKEN}"}
        async with httpx.AsyncClient(base_url=stack.worker_url, timeout=60) as client:
            return await asyncio.gather(
                *(
                    client.post(
                        "/trigger",
                        json={"mode": "FULL"},
                        headers={**headers, "idempotency-key": f"hundred {number}"},
                    )
                    for number in range(100)
                )
            )

    responses = asyncio.run(triggered())

    assert {response.status_code for response in responses} == {202}
    (job_id,) = {response.json()["id"] for response in responses}
    stack.control_source("latency", ms=0)
    assert stack.ended(job_id)["state"] == "succeeded"


def test_a_request_that_is_sent_again_gives_its_job_and_a_changed_one_is_refused(
    stack: Stack,
) -> None:
    def triggered(mode: str, key: str) -> httpx.Response:
        headers = {"idempotency-key": key, "authorization": f"Bearer {TRIGGER_TOKEN}"}
        return httpx.post(f"{stack.worker_url}/trigger", json={"mode": mode}, headers=headers)

    job_id = triggered("INCREMENTAL", "key").json()["id"]
    assert triggered("INCREMENTAL", "key").json()["id"] == job_id
    refused = triggered("FULL", "key")
    stack.ended(job_id)

    assert refused.status_code == 422
    assert job_id in refused.json()["detail"]
    assert triggered("INCREMENTAL", "key").json()["id"] == job_id
    assert triggered("FULL", "key").status_code == 422
    another = triggered("INCREMENTAL", "another key").json()["id"]
    assert another != job_id
    stack.ended(another)
    assert triggered("INCREMENTAL", "k" * 256).status_code == 400


@pytest.mark.parametrize(("first", "second"), [("FULL", "INCREMENTAL"), ("INCREMENTAL", "FULL")])
def test_jobs_of_both_modes_run_one_after_the_other(stack: Stack, first: str, second: str) -> None:
    synced(stack)
    stack.control_source("change", change=RECORDS // 3)
    stack.stall(1)
    running = stack.trigger(first)
    stack.until(running["id"], lambda now: now["pages"] >= 1)

    waiting = stack.trigger(second)
    stack.clear_faults()
    ended = stack.ended(waiting["id"])

    assert waiting["state"] == "queued"
    assert running["id"] in waiting["waits_because"]
    assert ended["state"] == "succeeded", ended
    assert ended["started_at"] >= stack.status(running["id"])["finished_at"]
    assert differences(stack.source_records(), stack.glean_documents()) == []


def listed(stack: Stack, job_id: str) -> list[dict[str, Any]]:
    """All that a job would delete."""
    path, found = f"/missing/{job_id}", list[dict[str, Any]]()
    while path:
        shown = stack.request("GET", path).raise_for_status().json()
        found += shown["missing"]
        path = shown["next"]
    return found


def test_what_would_delete_too_much_is_held_until_a_person_approves_of_the_list(
    stack: Stack,
) -> None:
    job = held(stack)
    assert job["missing"] == REMOVED
    assert job["remedy"]["parameters"]["deletions"] == REMOVED
    assert job["commands"] == ["approve", "cancel"]

    index = {one.id for one in stack.glean_documents()}
    source = {record.id for record in stack.source_records()}
    missing = listed(stack, job["id"])
    assert {one["id"] for one in missing} == index - source
    assert all(one["title"] and one["url"] and one["type"] for one in missing)

    refused = stack.request("POST", f"/approve/{job['id']}", json={"list": "of another job"})
    assert refused.status_code == 409
    assert refused.json()["legal"] == ["approve", "cancel"]
    assert refused.json()["code"] == "deletions-not-approved"
    assert stack.status(job["id"])["state"] == "held"

    approved = stack.command("approve", job["id"], list=job["missing_list"])
    ended = stack.ended(job["id"])

    assert approved["state"] == "queued"
    assert ended["state"] == "succeeded", ended
    assert ended["changes"]["deleted"] == REMOVED
    gone = index - {one.id for one in stack.glean_documents()}
    assert gone == {one["id"] for one in missing}
    assert differences(stack.source_records(), stack.glean_documents()) == []


def test_what_is_missing_since_and_is_not_on_the_list_is_held_anew(stack: Stack) -> None:
    job = held(stack)
    stack.control_source("change", remove=REMOVED)

    stack.command("approve", job["id"], list=job["missing_list"])
    again = stack.ended(job["id"])
    stack.control_source("change", add=REMOVED)

    assert again["state"] == "held", again
    assert again["missing"] > job["missing"]
    assert again["missing_list"] != job["missing_list"]


@pytest.mark.parametrize("way", ["reconcile", "replace"])
def test_what_a_person_let_go_is_gone_at_once_however_much_it_is(stack: Stack, way: str) -> None:
    """Glean's own check would wait for a week: it is switched off for what was named."""
    synced(stack)
    removed = set(stack.control_source("change", remove=RECORDS // 4)["removed"])
    job = stack.ended(stack.trigger("FULL", replace=way == "replace")["id"])
    assert (job["state"], job["way"]) == ("held", way)

    stack.command("approve", job["id"], list=job["missing_list"])
    ended = stack.ended(job["id"])
    left = {one.id for one in stack.glean_documents()}
    stack.control_source("change", add=RECORDS // 4)  # for the tests that come after

    assert ended["state"] == "succeeded", ended
    assert not left & removed


def test_a_held_job_that_is_cancelled_deletes_nothing(stack: Stack) -> None:
    synced(stack)
    before = stack.glean_documents()
    job = held(stack)

    ended = stack.command("cancel", job["id"])

    assert ended["state"] == "cancelled"
    assert stack.glean_documents() == before


def test_a_held_job_ends_where_a_later_one_has_read_all_of_the_source(stack: Stack) -> None:
    job = held(stack)

    second = synced(stack)

    ended = stack.status(job["id"])
    assert ended["state"] == "cancelled"
    assert second["id"] in ended["last_error"]
    assert differences(stack.source_records(), stack.glean_documents()) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": None}, "not-decoded"),
        ({"id": "x" * 201}, "bad-field"),
        ({"url": "https://elsewhere.example/"}, "refused"),
        ({"kind": "poem"}, "refused"),
    ],
    ids=["it does not decode", "its id is too long", "its URL is refused", "its type is refused"],
)
def test_a_bad_record_is_rejected_and_all_others_are_brought(
    stack: Stack, fields: dict[str, object], code: str
) -> None:
    synced(stack)
    bad = [stack.source_records()[place].id for place in (7, 42, 43, 250)]
    stack.control_source("break", ids=bad, fields=fields)

    job = stack.ended(stack.trigger("FULL", replace=True)["id"])
    shown = stack.request("GET", f"/rejects/{job['id']}").json()

    assert job["state"] == "succeeded", job
    assert job["rejected"] == shown["total"] == len(bad)
    places = [(reject["page"], reject["record"]) for reject in shown["rejects"]]
    assert places == [(1, 8), (1, 43), (1, 44), (3, 51)]
    assert [reject["code"] for reject in shown["rejects"]] == [code] * len(bad)
    assert all(reject["key"] for reject in shown["rejects"])
    different = differences(stack.source_records(), stack.glean_documents())
    assert sorted(one.id for one in different) == sorted(bad)


def test_a_rejected_record_keeps_its_older_document_where_differences_alone_are_sent(
    stack: Stack,
) -> None:
    synced(stack)
    bad = [stack.source_records()[place].id for place in (7, 42, 43, 250)]
    stack.control_source("break", ids=bad, fields={"text": None})

    job = stack.ended(stack.trigger("FULL")["id"])

    assert (job["state"], job["way"], job["rejected"]) == ("succeeded", "reconcile", 4), job
    assert job["changes"]["deleted"] == 0
    assert {one.id for one in stack.glean_documents()} >= set(bad)


def test_rejects_are_shown_page_by_page(stack: Stack) -> None:
    synced(stack)
    bad = [record.id for record in stack.source_records()[: RECORDS // 4]]
    stack.control_source("break", ids=bad, fields={"text": None})
    job = stack.ended(stack.trigger("FULL")["id"])
    assert job["state"] == "failed", job
    assert job["remedy"]["code"] == "correct-records"

    first = stack.request("GET", f"/rejects/{job['id']}").json()
    second = stack.request("GET", first["next"]).json()
    beyond = stack.request("GET", f"/rejects/{job['id']}?after={10**15 - 1}.{10**15 - 1}")

    places = [(r["page"], r["record"]) for r in first["rejects"] + second["rejects"]]
    assert places == [(1 + place // 100, 1 + place % 100) for place in range(len(bad))]
    assert second["next"] is None
    assert (beyond.status_code, beyond.json()["rejects"]) == (200, [])
    assert stack.request("GET", f"/rejects/{job['id']}?after=x").status_code == 400


@pytest.mark.parametrize(
    ("command", "body"), [("cancel", None), ("retry", None), ("approve", {"list": "8c1f"})]
)
def test_what_a_job_does_not_take_is_409_with_what_it_takes(
    stack: Stack, command: str, body: object
) -> None:
    job = synced(stack)

    refused = stack.request("POST", f"/{command}/{job['id']}", json=body)

    assert refused.status_code == 409
    assert refused.json()["legal"] == []
    assert stack.status(job["id"]) == job


@pytest.mark.skipif(IS_BARE, reason="it is wrangler that tells errors from the rest; CI has it")
def test_a_job_that_waits_for_a_person_is_told_where_errors_are_looked_for(stack: Stack) -> None:
    """wrangler writes what the Worker sends to standard error as an error."""
    job = held(stack)

    lines = stack.runtime.log.read_text(encoding="utf-8").splitlines()
    told = [line for line in lines if job["id"] in line and '"state":"held"' in line]

    assert any("ERROR" in line for line in told)
    assert GLEAN_TOKEN not in "\n".join(told)
