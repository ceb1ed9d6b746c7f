"""The connectors to copy, on the real runtime, against servers that behave like the real thing."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from connectors.examples import tickets
from dev.examples import SECRETS
from dev.gathering import gather
from dev.live import pass_minute, site
from dev.rehearsal import keep_image
from dev.rest.ledger import now_ms
from dev.rest.people import people
from dev.stack import RESTING, Stack
from dev.wiki_source.contents import SPACES
from dev.wiki_source.identities import GROUPS, members
from durable.glean.datasource import definition
from tests.fakes.deployed import LightStack


pytestmark = pytest.mark.workerd

CHANGES_MAX = 100
LIMITS = {"turn_pages_max": 3, "backoff_ms_min": 100, "changes_max": CHANGES_MAX}
COUNT = 60
KILLS = 2


HELD_MS = 600_000  # far longer than it takes to kill who waits for it


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("connectors")
    arguments = ("--limit-records", str(COUNT))
    examples = site(gather(folder / "connectors"), COUNT)
    image_folder = keep_image("examples", examples.connectors)
    with LightStack(folder, LIMITS, arguments, site=examples, image_folder=image_folder) as started:
        yield started


@pytest.fixture(autouse=True)
def _quiet(quiet: Stack) -> None:
    quiet.put_settings("CONNECTOR_API_URL")


def run(stack: Stack, mode: str, connector: str, *, replace: bool = False) -> dict[str, Any]:
    job = stack.ended(stack.trigger(mode, connector, replace=replace)["id"])
    assert job["state"] == "succeeded", job
    return job


def titles(stack: Stack, datasource: str) -> dict[str, Any]:
    documents = stack.glean_documents(datasource)
    return {indexed.id: indexed.document.get("title") for indexed in documents}


def live(stack: Stack, variable: str, field: str) -> dict[str, Any]:
    return {record["id"]: record[field] for record in stack.live(variable)}


def check_people(stack: Stack) -> None:
    """The local Glean has the wiki's people, groups, and who is in them; no more, no less."""
    users, groups, memberships = (
        stack.in_glean(what, "examplewiki") for what in ("users", "groups", "memberships")
    )
    assert {one["email"] for one in users} == {person.email for person in people()}
    assert {one["name"] for one in groups} == {each.name for each in GROUPS}
    assert sorted((one["groupName"], one["memberUserId"]) for one in memberships) == sorted(
        (each.name, person.email) for each in GROUPS for person in members(each.name)
    )


def check_pages(stack: Stack) -> None:
    """The local Glean has the wiki's pages, each for the groups of its space."""
    groups = {space.key: sorted(space.permissions.groups) for space in SPACES}
    expected = {
        page["id"]: (page["title"], groups[page["space"]]) for page in stack.live("WIKI_URL")
    }
    found = {
        one.id: (
            one.document["title"],
            sorted(one.document["permissions"].get("allowedGroups", [])),
        )
        for one in stack.glean_documents("examplewiki")
    }
    assert found == expected


def check_tickets(stack: Stack) -> None:
    """The local Glean has the tickets, each with its people, remarks and custom fields."""
    expected = {
        ticket["id"]: {
            "title": ticket["subject"],
            "text": ticket["description"],
            "author": ticket["requester"]["email"],
            "status": ticket["state"],
            "tags": ticket["tags"],
            "properties": {
                "priority": ticket["priority"],
                **{
                    field["name"]: field["value"]
                    for field in ticket["custom_fields"]
                    if field["value"] is not None
                },
            },
            "comments": [
                (remark["id"], remark["author"]["email"], remark["body"])
                for remark in ticket["comments"]
            ],
        }
        for ticket in stack.live("TICKETS_URL")
    }
    found = {
        one.id: {
            "title": one.document["title"],
            "text": one.document["body"]["textContent"],
            "author": one.document["author"]["email"],
            "status": one.document["status"],
            "tags": one.document["tags"],
            "properties": {
                each["name"]: each["value"] for each in one.document["customProperties"]
            },
            "comments": [
                (remark["id"], remark["author"]["email"], remark["content"]["textContent"])
                for remark in one.document["comments"]
            ],
        }
        for one in stack.glean_documents("exampletickets")
    }
    assert found == expected


def check_files(stack: Stack) -> None:
    """The local Glean has the files that people can read, each for its owner and its readers."""
    expected = {
        file["id"]: (
            file["name"],
            file["permissions"]["anyone"],
            []
            if file["permissions"]["anyone"]
            else sorted([file["owner"]["email"], *file["permissions"]["readers"]]),
        )
        for file in stack.live("FILES_URL")
        if not file["name"].endswith(".bin")
    }
    found = {
        one.id: (
            one.document["title"],
            one.document["permissions"].get("allowAnonymousAccess", False),
            sorted(user["email"] for user in one.document["permissions"].get("allowedUsers", [])),
        )
        for one in stack.glean_documents("examplefiles")
    }
    assert found == expected


def check_order(stack: Stack, since: int) -> None:
    """All of one kind of thing comes before the first of the next."""
    sequences: dict[str, list[int]] = {}
    for request in stack.glean_requests(since):
        kind = request["endpoint"].removeprefix("bulkindex")
        sequences.setdefault(kind, []).append(request["sequence"])
    kinds = ("users", "groups", "memberships", "documents")
    for before, after in pairwise(kinds):
        assert max(sequences[before]) < min(sequences[after]), f"{after} before all {before}"


def asked_last(stack: Stack) -> int:
    """The sequence number of Glean's latest request."""
    return max((request["sequence"] for request in stack.glean_requests()), default=0)


def hold(stack: Stack, skipped: int) -> None:
    """Have the wiki not answer the request after so many others."""
    stack.control_source("faults", "WIKI_URL", skip=skipped, delay_ms=HELD_MS)


def test_a_wiki_brings_its_people_before_the_pages_that_name_their_groups(stack: Stack) -> None:
    before = asked_last(stack)
    job = run(stack, "FULL", "wiki", replace=True)

    assert [stage["stage"] for stage in job["stages"]] == [
        "users",
        "groups",
        "memberships",
        "documents",
    ]
    check_order(stack, before)
    check_people(stack)
    check_pages(stack)


def test_a_wikis_changes_and_removals_are_brought(stack: Stack) -> None:
    run(stack, "FULL", "wiki")
    changed = stack.control_source("change", "WIKI_URL", change=7, remove=4, add=3, seed=1)

    job = run(stack, "INCREMENTAL", "wiki")

    assert job["deleted"] >= len(changed["removed"])
    assert titles(stack, "examplewiki") == live(stack, "WIKI_URL", "title")


@pytest.mark.parametrize("seed", [1, 2])
def test_people_and_pages_arrive_in_order_after_kills_at_any_moment(
    stack: Stack, seed: int
) -> None:
    stack.control_source("change", "WIKI_URL", change=9, remove=2, add=5, seed=seed)
    draw = random.Random(seed)
    asked = len(stack.source_requests(source="WIKI_URL"))
    run(stack, "FULL", "wiki")
    request_count = len(stack.source_requests(source="WIKI_URL")) - asked
    before = asked_last(stack)
    # Some come among the people and some later. The request at which one comes, waits for it.
    places = sorted(draw.sample(range(request_count), KILLS))
    hold(stack, places[0])
    job = stack.trigger("FULL", "wiki", replace=True)
    for skipped in [*(later - place for place, later in pairwise(places)), None]:
        stack.until(job["id"], lambda _now: not stack.source_faults("WIKI_URL"))
        stack.runtime.kill()
        if skipped is not None:
            hold(stack, skipped)
        stack.runtime.start()
    ended = stack.ended(job["id"])

    assert ended["state"] == "succeeded", ended
    check_order(stack, before)
    check_people(stack)
    check_pages(stack)


def latest(stack: Stack) -> dict[str, dict[str, Any]]:
    """The latest job of each connector, once it has ended."""
    shown = stack.request("GET", "/connectors").raise_for_status().json()["connectors"]
    return {each["name"]: stack.ended(each["jobs"][0]["id"]) for each in shown}


def asked_mode(job: dict[str, Any]) -> str:
    """A job became FULL where other tests have changed more than an INCREMENTAL one takes."""
    return "INCREMENTAL" if job["became_full"] else job["mode"]


def test_what_make_dev_keeps_alive_has_jobs_each_minute_and_something_to_do(
    stack: Stack, tmp_path: Path
) -> None:
    used, begun_ms = gather(tmp_path / "connectors"), now_ms()

    pass_minute(stack, used, 0, begun_ms)
    first = latest(stack)
    pass_minute(stack, used, 1, begun_ms + 60_000)
    second = latest(stack)

    assert set(first) == {"backend", "files", "python-docs", "tickets", "wiki"}
    for jobs, mode in ((first, "FULL"), (second, "INCREMENTAL")):
        assert {job["state"] for job in jobs.values()} == {"succeeded"}
        assert {asked_mode(job) for job in jobs.values()} == {mode}
    assert sum(job["documents"] for job in second.values()) > 0


def test_a_datasource_is_made_what_its_connector_declares(stack: Stack) -> None:
    declared = definition(tickets.connector.datasource)
    stack.ask_glean("adddatasource", **{**declared, "displayName": "Other"}).raise_for_status()

    shown = stack.request("GET", "/datasource/tickets").raise_for_status().json()
    unseen = stack.request("POST", "/setup/tickets", json={"differences": 0})
    stack.request("POST", "/setup/tickets", json={"differences": 1}).raise_for_status()
    after = stack.request("GET", "/datasource/tickets").raise_for_status().json()

    assert [each["field"] for each in shown["differences"]] == ["display_name"]
    assert unseen.status_code == 409
    assert (after["exists"], after["differences"]) == (True, [])


def test_a_connector_that_works_passes_its_checks(stack: Stack) -> None:
    checked = stack.request("POST", "/check/wiki").raise_for_status().json()

    assert checked["passed"], checked
    assert {check["outcome"] for check in checked["checks"]} <= {"passed", "skipped"}


def test_tickets_and_tombstones_are_brought_and_too_many_changes_become_a_full_sync(
    stack: Stack,
) -> None:
    run(stack, "FULL", "tickets")
    # What others changed a little before it is read again, and known from then on.
    run(stack, "INCREMENTAL", "tickets")
    check_tickets(stack)
    changed = stack.control_source("change", "TICKETS_URL", change=7, remove=4, add=3, seed=1)

    job = run(stack, "INCREMENTAL", "tickets")

    assert (job["documents"], job["deleted"]) == (10, len(changed["removed"]))
    check_tickets(stack)

    # In the same test: whoever reads after these many changes, reads them again for a while.
    stack.control_source("change", "TICKETS_URL", change=50, remove=3, add=COUNT, seed=2)
    # The first page of the FULL sync, after the two of changes: there is a middle to kill it in.
    stack.control_source("faults", "TICKETS_URL", skip=2, delay_ms=HELD_MS)
    job = stack.trigger("INCREMENTAL", "tickets")

    there = stack.until(job["id"], lambda now: now["became_full"])
    stack.crash()
    ended = stack.ended(job["id"])

    assert there["state"] not in RESTING, "killed too late to matter"
    assert (ended["state"], ended["mode"], ended["became_full"]) == ("succeeded", "FULL", True)
    # How many it has seen by then, is a matter of what was sent before and is unchanged.
    told = [event["what"] for event in ended["events"] if event["kind"] == "promoted"]
    assert [what for what in told if f"changes_max ({CHANGES_MAX})" in what], told
    check_tickets(stack)


def test_files_are_brought_with_what_they_hold_and_who_may_read_them(stack: Stack) -> None:
    run(stack, "FULL", "wiki")  # has the people
    run(stack, "FULL", "files")
    check_files(stack)
    stack.control_source("change", "FILES_URL", change=7, remove=0, add=3, seed=1)

    run(stack, "INCREMENTAL", "files")

    check_files(stack)
    bodies = [one.document["body"] for one in stack.glean_documents("examplefiles")]
    assert {"textContent", "binaryContent"} <= {name for body in bodies for name in body}


def test_who_may_see_a_document_is_sent_alone(stack: Stack) -> None:
    run(stack, "FULL", "wiki")  # has the people
    run(stack, "FULL", "files")
    asked = asked_last(stack)
    shared = stack.control_source("change", "FILES_URL", share=COUNT // 2, seed=3)["shared"]

    job = run(stack, "FULL", "files")

    # Not those that are brought to nobody, and those that anybody can read.
    known = {one.id: one.document["permissions"] for one in stack.glean_documents("examplefiles")}
    concerned = {name for name in shared if "allowedUsers" in known.get(name, {})}
    told = [request["endpoint"] for request in stack.glean_requests(asked)]
    assert told.count("updatepermissions") == job["changes"]["access"] == len(concerned) > 0
    assert "indexdocuments" not in told
    check_files(stack)


def test_files_that_vanish_are_found_out_by_the_next_full_sync(stack: Stack) -> None:
    run(stack, "FULL", "wiki")
    run(stack, "FULL", "files")
    removed = set(
        stack.control_source("change", "FILES_URL", change=5, remove=6, add=2, seed=2)["removed"]
    )

    run(stack, "INCREMENTAL", "files")
    between = titles(stack, "examplefiles").keys()
    run(stack, "FULL", "files")

    assert removed & between
    assert not removed & titles(stack, "examplefiles").keys()
    check_files(stack)


def test_a_backend_that_answers_when_it_is_done_is_waited_for(stack: Stack) -> None:
    job = run(stack, "FULL", "backend")

    assert (job["pages"], job["upload_id"]) == (1, None)


def test_a_backend_that_answers_at_once_is_followed_to_its_end(stack: Stack) -> None:
    stack.put_settings("CONNECTOR_API_URL", is_asynchronous=True, polls=3, retry_after="1")

    job = run(stack, "INCREMENTAL", "backend")

    assert job["pages"] >= 3


def test_a_backend_that_fails_fails_the_job_with_its_own_words(stack: Stack) -> None:
    stack.put_settings(
        "CONNECTOR_API_URL", is_asynchronous=True, polls=1, retry_after="1", error="disk is full"
    )

    job = stack.ended(stack.trigger("FULL", "backend")["id"])

    assert job["state"] == "failed"
    assert "disk is full" in job["last_error"]


def test_no_secret_of_a_connector_is_shown_or_logged(stack: Stack) -> None:
    for connector in ("wiki", "tickets", "files", "backend"):
        run(stack, "FULL", connector)
    told = stack.runtime.log.read_bytes() + stack.answers.read_bytes()

    hidden = [SECRETS[name] for name in SECRETS if name not in {"FILES_CLIENT_ID", "WIKI_USER"}]
    assert [secret for secret in hidden if secret.encode() in told] == []
