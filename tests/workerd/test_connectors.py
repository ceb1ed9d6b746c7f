"""The connectors to copy, on the real runtime, against servers that behave like the real thing."""

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.examples import files, tickets, wiki
from dev.site import Server, Site
from dev.stack import Stack
from dev.staging import ROOT
from durable.model.datasource import Datasource, definition


pytestmark = pytest.mark.workerd

LIMITS = {"turn_pages_max": 3, "backoff_ms_min": 100}
COUNT = 60
KILLS = 4
SECRETS = {
    "TICKETS_TOKEN": "tickets-token-Kf4RmW8sPz2L",
    "FILES_CLIENT_ID": "client-1",
    "FILES_CLIENT_SECRET": "files-secret-Yt6GhN3xQb9V",
    "WIKI_USER": "reader",
    "WIKI_TOKEN": "wiki-token-Lc7TdJ5vMw1X",
    "CONNECTOR_SIGNING_KEY": "signing-key-Pb3ZrF8nHk6S",
}
COUNTED = ("--count", str(COUNT))
TICKETS = Server(
    "TICKETS_URL", "dev.tickets_source", ("--token-env", "TICKETS_TOKEN", *COUNTED), SECRETS
)
FILES = Server(
    "FILES_URL",
    "dev.files_source",
    ("--client-id-env", "FILES_CLIENT_ID", "--client-secret-env", "FILES_CLIENT_SECRET", *COUNTED),
    SECRETS,
)
WIKI = Server(
    "WIKI_URL",
    "dev.wiki_source",
    ("--user-env", "WIKI_USER", "--token-env", "WIKI_TOKEN", *COUNTED),
    SECRETS,
)
BACKEND = Server(
    "CONNECTOR_API_URL", "dev.backend", ("--signing-secret-env", "CONNECTOR_SIGNING_KEY"), SECRETS
)
DECLARED: list[Datasource] = [
    each.datasource for each in (wiki.connector, tickets.connector, files.connector)
]
SITE = Site(
    servers=[TICKETS, FILES, WIKI, BACKEND],
    datasources=[definition(datasource) for datasource in DECLARED],
    variables={**SECRETS, "GLEAN_INSTANCE": "acme"},
    connectors=ROOT / "connectors/examples",
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("connectors"), LIMITS, site=SITE) as started:
        yield started


def run(stack: Stack, mode: str, connector: str) -> dict[str, Any]:
    job = stack.ended(stack.trigger(mode, connector)["id"])
    assert job["state"] == "succeeded", job
    return job


def titles(stack: Stack, datasource: str) -> dict[str, Any]:
    documents = stack.glean_documents(datasource)
    return {indexed.id: indexed.document.get("title") for indexed in documents}


def live(stack: Stack, variable: str, field: str) -> dict[str, Any]:
    return {record["id"]: record[field] for record in stack.live(variable)}


def people_are_whole(stack: Stack) -> bool:
    """Whether the local Glean has the wiki's sixty people, seven groups, and who is in them."""
    found = {what: stack.in_glean(what, "examplewiki") for what in ("users", "groups")}
    members = stack.in_glean("memberships", "examplewiki")
    in_staff = [one for one in members if one["groupName"] == "all-staff"]
    return (len(found["users"]), len(found["groups"]), len(in_staff)) == (60, 7, 54)


def order(stack: Stack, since: int) -> list[str]:
    """The kinds of things that were closed in Glean, or sent by themselves, in order."""
    kinds: list[str] = []
    for request in stack.glean_requests(since):
        kind = request["endpoint"].removeprefix("bulkindex")
        if kind in {"users", "groups", "memberships", "documents"} and kind not in kinds:
            kinds.append(kind)
    return kinds


def test_a_wiki_brings_its_people_before_the_pages_that_name_their_groups(stack: Stack) -> None:
    job = run(stack, "FULL", "wiki")

    assert [stage["stage"] for stage in job["stages"]] == [
        "users",
        "groups",
        "memberships",
        "documents",
    ]
    assert order(stack, 0) == ["users", "groups", "memberships", "documents"]
    assert people_are_whole(stack)
    assert titles(stack, "examplewiki") == live(stack, "WIKI_URL", "title")
    named = [one.document["permissions"] for one in stack.glean_documents("examplewiki")]
    assert {"allowedGroups": ["hr"]} in named


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
    before = max((request["sequence"] for request in stack.glean_requests()), default=0)
    job = stack.trigger("FULL", "wiki")

    for _ in range(KILLS):
        time.sleep(draw.uniform(0.1, 1.2))
        stack.crash()
    ended = stack.ended(job["id"])

    assert ended["state"] == "succeeded", ended
    assert order(stack, before) == ["users", "groups", "memberships", "documents"]
    assert people_are_whole(stack)
    assert titles(stack, "examplewiki") == live(stack, "WIKI_URL", "title")


def test_tickets_their_changes_and_tombstones_are_brought(stack: Stack) -> None:
    run(stack, "FULL", "tickets")
    assert titles(stack, "exampletickets") == live(stack, "TICKETS_URL", "subject")
    changed = stack.control_source("change", "TICKETS_URL", change=7, remove=4, add=3, seed=1)

    job = run(stack, "INCREMENTAL", "tickets")

    assert (job["documents"], job["deleted"]) == (10, len(changed["removed"]))
    assert titles(stack, "exampletickets") == live(stack, "TICKETS_URL", "subject")


def test_files_are_brought_with_what_they_hold_and_who_may_read_them(stack: Stack) -> None:
    run(stack, "FULL", "wiki")  # has the people
    run(stack, "FULL", "files")
    stack.control_source("change", "FILES_URL", change=7, remove=0, add=3, seed=1)

    run(stack, "INCREMENTAL", "files")

    readable = {
        record["id"]: record["name"]
        for record in stack.live("FILES_URL")
        if not record["name"].endswith(".bin")
    }
    assert titles(stack, "examplefiles") == readable
    bodies = [one.document["body"] for one in stack.glean_documents("examplefiles")]
    assert {"textContent", "binaryContent"} <= {name for body in bodies for name in body}


def test_a_backend_that_answers_when_it_is_done_is_waited_for(stack: Stack) -> None:
    stack.put_settings("CONNECTOR_API_URL")

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
    told = stack.runtime.log.read_bytes() + stack.answers.read_bytes()

    hidden = [SECRETS[name] for name in SECRETS if name not in {"FILES_CLIENT_ID", "WIKI_USER"}]
    assert [secret for secret in hidden if secret.encode() in told] == []
