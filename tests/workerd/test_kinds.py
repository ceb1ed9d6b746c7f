"""Kinds of paging, proof, change and record, on the real runtime, page by page. In CI all of them.

A turn has one page, so each page is read by a reader that knows nothing but its cursor; and the
runtime is killed in the middle.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec import Struct

from dev.stack import RESTING, Stack
from tests.fakes.deployed import LightStack
from tests.simulation.effort import IS_WHOLE
from tests.workerd.kinds._kinds import (
    CHANGES,
    CODE,
    KINDS,
    PAGINGS,
    PROOFS,
    RATE_MS,
    RECORDS,
    is_gleans,
)
from tests.workerd.kinds.site import COUNT, PLENTY, SECRETS, site


pytestmark = pytest.mark.workerd

GLEANS_RATE = 600  # documents in a minute, one by one: Glean's own
LIMITS = {
    "turn_pages_max": 1,
    "backoff_ms_min": 100,
    "documents_per_minute_max": GLEANS_RATE,
}
# All of them, and with proofs and faults, are read in tests/dev/test_kinds_read.py.
READ = [*PAGINGS][:: 1 if IS_WHOLE else 3]
NAMES = sorted({*READ, *KINDS.keys() - PAGINGS.keys()})
SYNCED = [name for name in NAMES if name != "paced"]
# Of the connector that has rules for them.
ODD: list[dict[str, Any]] = [
    {"path": "/kinds/cursor-flag", "skip": 1, "status": 404},
    {"path": "/kinds/cursor-flag", "skip": 1, "status": 200, "body": '{"error": "busy"}'},
    {"path": "/kinds/cursor-flag", "skip": 1, "status": 403, "body": "over your quota"},
]
# What they say of removed records; of the others, a FULL sync finds out.
TELLING = ("tombstones", "deletions")
# Records that are on two pages, as they share the time by which the pages are told apart.
REPEATED = {"keyset-time": 6}
# Lists that come as one page, whatever there is.
WHOLE = ("list",)

Jobs = dict[str, dict[str, Any]]


class Changed(Struct, frozen=True):
    """What came of changes, before any test went on from there.

    Attributes:
        removed: ids of what was removed.
        jobs: an INCREMENTAL one of each kind.
        live: what the source has.
        indexes: what Glean has of each kind.
        asked: what the source was asked for.
    """

    removed: set[str]
    jobs: Jobs
    live: Mapping[str, str]
    indexes: Mapping[str, Mapping[str, str]]
    asked: list[dict[str, Any]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("kinds")
    with LightStack(folder, LIMITS, site=site(folder / "connectors", NAMES)) as started:
        yield started


@pytest.fixture(scope="module")
def resting(stack: Stack) -> dict[str, Any]:
    """An INCREMENTAL job that has used up Glean's minute. It rests while all else goes on."""
    job = stack.trigger("INCREMENTAL", "paced")
    return stack.until(
        job["id"],
        lambda now: now["state"] in RESTING or "Glean takes" in (now["waits_because"] or ""),
    )


@pytest.fixture(scope="module")
def full(stack: Stack, resting: dict[str, Any]) -> Jobs:
    """A FULL sync of each, all at the same time, with a kill in the middle."""
    assert resting
    for fault in ODD:
        stack.control_source("faults", **fault)
    begun = {name: stack.trigger("FULL", name) for name in SYNCED}
    # Some are at their first page, some at their last.
    stack.until(begun[SYNCED[0]]["id"], lambda now: now["pages"] >= 1)
    stack.crash()
    return {name: stack.ended(job["id"]) for name, job in begun.items()}


@pytest.fixture(scope="module", autouse=True)
def changed(stack: Stack, full: Jobs) -> Changed:
    """Changes, and an INCREMENTAL sync of each."""
    assert full
    changes = stack.control_source("change", change=9, remove=4, add=3, seed=1)
    begun = {name: stack.trigger("INCREMENTAL", name) for name in SYNCED}
    jobs = {name: stack.ended(job["id"]) for name, job in begun.items()}
    return Changed(
        removed=set(changes["removed"]),
        jobs=jobs,
        live=expected(stack),
        indexes={name: index(stack, name) for name in SYNCED},
        asked=stack.source_requests(),
    )


def expected(stack: Stack, source: str | None = None) -> dict[str, str]:
    return {record["id"]: f"{record['title']}: {record['text']}" for record in stack.live(source)}


def index(stack: Stack, name: str) -> dict[str, str]:
    found = stack.glean_documents(name.replace("-", ""))
    return {indexed.id: indexed.document["title"] for indexed in found}


def sent_to(stack: Stack, datasource: str) -> list[dict[str, Any]]:
    """The job that rests goes on beside whatever is tested."""
    return [one for one in stack.glean_requests() if one["datasource"] == datasource]


def check_full(full: Jobs, changed: Changed, name: str) -> None:
    """Of a kind: all came, page by page; and then the changes, and no more."""
    job = full[name]
    assert job["state"] == "succeeded", job
    assert job["documents"] == COUNT + REPEATED.get(name, 0)
    assert job["turns"] > (1 if name in WHOLE else COUNT // 25)
    removed, found = changed.removed, changed.indexes[name]
    assert changed.jobs[name]["state"] == "succeeded", changed.jobs[name]
    assert changed.live == {key: title for key, title in found.items() if key not in removed}
    assert (removed & found.keys() == set()) is (name in TELLING)


@pytest.mark.parametrize("name", READ)
def test_a_source_is_read_in_its_own_way_of_paging(full: Jobs, changed: Changed, name: str) -> None:
    check_full(full, changed, name)


@pytest.mark.parametrize("name", PROOFS)
def test_a_source_is_told_who_asks_in_its_own_way(full: Jobs, changed: Changed, name: str) -> None:
    check_full(full, changed, name)


@pytest.mark.parametrize("name", [*CHANGES, "deletions"])
def test_a_source_is_asked_for_changes_in_its_own_way(
    full: Jobs, changed: Changed, name: str
) -> None:
    check_full(full, changed, name)
    assert changed.jobs[name]["documents"] < COUNT


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_made_whole_from_what_lies_elsewhere(
    full: Jobs, changed: Changed, name: str
) -> None:
    check_full(full, changed, name)


@pytest.mark.parametrize("name", CODE)
def test_a_source_is_read_by_code(full: Jobs, changed: Changed, name: str) -> None:
    check_full(full, changed, name)
    assert changed.jobs[name]["documents"] < COUNT


def test_a_record_that_is_none_of_gleans_business_is_left_out(full: Jobs, changed: Changed) -> None:
    jobs = (full["partial"], changed.jobs["partial"])

    assert [job["state"] for job in jobs] == ["succeeded"] * 2
    assert (full["partial"]["documents"], full["partial"]["rejected"]) == (COUNT // 2, 0)
    index = changed.indexes["partial"]
    found = {key: title for key, title in index.items() if key not in changed.removed}
    assert found == {key: title for key, title in changed.live.items() if is_gleans(key)}


def test_employees_and_teams_come_before_the_documents(stack: Stack, full: Jobs) -> None:
    job = full["people"]

    brought = {stage["stage"]: stage["brought"] for stage in job["stages"]}
    assert brought.keys() == {"employees", "teams", "documents"}
    assert (brought["employees"], brought["documents"]) == (COUNT, COUNT)
    assert len(stack.in_glean("employees", "people")) == COUNT
    assert len(stack.in_glean("teams", "people")) == brought["teams"] > 1


def test_an_error_means_what_the_connectors_rules_say(full: Jobs, changed: Changed) -> None:
    asked = [one for one in changed.asked if one["path"].endswith("/cursor-flag")]

    check_full(full, changed, "ruled")
    assert [one["fault"] for one in asked if one["fault"]] == ["404", "200", "403"]


def test_a_rule_ends_a_job_that_would_try_again(stack: Stack) -> None:
    path = "/kinds/cursor-flag"
    stack.control_source("faults", path=path, status=503, body="we have closed down")

    job = stack.ended(stack.trigger("INCREMENTAL", "ruled")["id"])

    assert (job["state"], job["turns"]) == ("failed", 1), job
    assert "503: we have closed down" in job["last_error"]


def test_a_rule_sets_aside_the_one_record_whose_detail_is_refused(stack: Stack) -> None:
    refused = min(expected(stack))
    stack.control_source("faults", path=f"/kinds/detail/{refused}", status=403)

    job = stack.ended(stack.trigger("FULL", "detail", replace=True)["id"])

    assert (job["state"], job["rejected"]) == ("succeeded", 1), job
    assert index(stack, "detail").keys() == expected(stack).keys() - {refused}


def test_a_cursor_that_has_expired_begins_the_crawl_anew(stack: Stack) -> None:
    stack.control_source("faults", path=None, times=1, skip=1, status=410)

    job = stack.ended(stack.trigger("FULL", "expiring")["id"])

    assert job["state"] == "succeeded", job
    assert [event for event in job["events"] if event["what"].startswith("begins anew: ")]
    assert index(stack, "expiring") == expected(stack)


def test_after_a_cursor_has_expired_the_crawl_goes_on_from_the_last_record(
    stack: Stack,
) -> None:
    before = len(stack.source_requests())
    stack.control_source("faults", path=None, times=1, skip=1, status=410)

    job = stack.ended(stack.trigger("FULL", "resuming", replace=True)["id"])

    assert job["state"] == "succeeded", job
    assert [event for event in job["events"] if event["what"].startswith("goes on after id r")]
    asked = stack.source_requests()[before:]
    assert [request["status"] for request in asked].count(410) == 1
    # Each record came once: the crawl did not begin anew.
    assert sum(request["count"] for request in asked) == len(expected(stack)) == job["documents"]
    assert index(stack, "resuming") == expected(stack)


def test_changes_that_the_source_has_forgotten_become_a_full_sync(stack: Stack) -> None:
    stack.control_source("faults", path=None, times=1, skip=0, status=410)

    job = stack.ended(stack.trigger("INCREMENTAL", "forgetting")["id"])

    assert (job["state"], job["mode"], job["became_full"]) == ("succeeded", "FULL", True), job
    assert index(stack, "forgetting") == expected(stack)


def test_a_source_is_not_asked_more_often_than_its_connector_declares(
    stack: Stack,
) -> None:
    before = len(stack.source_requests())
    stack.put_settings(rate={"requests": 1, "window_ms": RATE_MS - 100, "headers": "none"})
    try:
        job = stack.ended(stack.trigger("FULL", "rated")["id"])
    finally:
        stack.put_settings()

    assert job["state"] == "succeeded", job
    statuses = {request["status"] for request in stack.source_requests()[before:]}
    assert statuses == {200}


def test_a_token_that_is_refused_is_asked_for_anew(stack: Stack) -> None:
    stack.control_source("expire-tokens")

    jobs = [
        stack.ended(stack.trigger("INCREMENTAL", name)["id"])
        for name in ("client-credentials", "refresh-token")
    ]

    assert [job["state"] for job in jobs] == ["succeeded", "succeeded"], jobs


def test_a_record_whose_detail_is_not_there_is_rejected(stack: Stack) -> None:
    missing = min(expected(stack))
    stack.put_settings(missing=[missing])
    try:
        job = stack.ended(stack.trigger("FULL", "detail", replace=True)["id"])
    finally:
        stack.put_settings()

    assert (job["state"], job["rejected"]) == ("succeeded", 1), job
    assert index(stack, "detail").keys() == expected(stack).keys() - {missing}


def test_what_was_rejected_is_repeated_alone(stack: Stack) -> None:
    missing = min(expected(stack))
    stack.put_settings(missing=[missing])
    job = stack.ended(stack.trigger("FULL", "detail")["id"])
    stack.put_settings()

    again = stack.request("POST", f"/retry/{job['id']}?rejects=true").raise_for_status().json()
    ended = stack.ended(again["id"])

    assert (ended["state"], ended["repeats"], ended["pages"]) == ("succeeded", job["id"], 1), ended
    assert index(stack, "detail") == expected(stack)


def test_of_a_source_whose_clock_is_behind_each_change_is_sent_once(stack: Stack) -> None:
    stack.control_source("reset")
    stack.ended(stack.trigger("FULL", "since-field")["id"])
    behind_ms = time.time_ns() // 1_000_000 - 5 * 60_000
    stack.control_source("change", change=30, seed=2, at_ms=behind_ms)

    begun = stack.trigger("INCREMENTAL", "since-field")
    stack.until(begun["id"], lambda job: bool(job["pages"]))
    stack.crash()
    job = stack.ended(begun["id"])
    assert (job["state"], job["documents"]) == ("succeeded", 30), job
    assert index(stack, "since-field") == expected(stack)

    asked, sent = len(stack.source_requests()), sent_to(stack, "sincefield")
    again = stack.ended(stack.trigger("INCREMENTAL", "since-field")["id"])
    assert (again["state"], again["documents"]) == ("succeeded", 0), again
    assert sum(request["count"] for request in stack.source_requests()[asked:]) == 30
    assert sent_to(stack, "sincefield") == sent


def test_no_proof_is_stored_shown_or_logged(stack: Stack) -> None:
    told = stack.runtime.log.read_bytes() + stack.answers.read_bytes()
    stored = b"".join(
        file.read_bytes() for file in stack.runtime.log.parent.rglob("*.sqlite*") if file.is_file()
    )

    secrets = {
        value for name, value in SECRETS.items() if name not in {"KINDS_USER", "KINDS_CLIENT_ID"}
    }
    assert [name for name in secrets if name.encode() in told + stored] == []


def test_a_job_that_has_used_up_gleans_minute_rests_and_goes_on_by_itself(
    stack: Stack, resting: dict[str, Any]
) -> None:
    """It rests for most of a minute, and the others' kill comes in the middle of that."""
    ended = stack.ended(resting["id"])
    sent = sent_to(stack, "paced")

    assert (resting["state"], resting["mode"]) == ("sending", "INCREMENTAL"), resting
    assert resting["waits_because"] == f"Glean takes {GLEANS_RATE} documents a minute one by one"
    left_count = PLENTY - 100 * resting["pages"]
    assert resting["left_seconds"] == left_count * 60 // GLEANS_RATE > 0
    assert left_count >= PLENTY - GLEANS_RATE
    assert resting["last_error"] is None
    assert resting["progress_at"] < resting["waits_until"] < ended["progress_at"]

    assert (ended["state"], ended["documents"]) == ("succeeded", PLENTY), ended
    # Where it rested in the middle of a page, it does not send that part again.
    assert sum(one["document_count"] for one in sent) == PLENTY
    assert index(stack, "paced") == expected(stack, "PLENTY_URL")
