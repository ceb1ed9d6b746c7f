"""Who is in a group, and what Glean does not delete, on the real runtime."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.site import DOCS, Site
from dev.stack import Stack
from durable.glean.datasource import Datasource, definition
from durable.glean.object_types import Category, ObjectType
from tests.fakes.deployed import LightStack


pytestmark = pytest.mark.workerd

COUNT = 1_200  # more than a request holds
STALE_COUNT = 700  # more than Glean deletes by itself
LIMITS = {"backoff_ms_min": 100, "verify_pause_ms_min": 300, "verify_pause_ms_max": 300}
ROSTER = Datasource(
    "roster",
    category=Category.KNOWLEDGE_HUB,
    url_regex=r"https://roster\.example/.*",
    is_user_referenced_by_email=True,
    object_types=(ObjectType("note"),),
)
CONNECTOR = f"""
from typing import Any

from msgspec import Struct

from durable import Connector, FetchRequest, PythonSource, SourcePage, Stream
from durable.glean import (
    Category, Datasource, DatasourceUser, Document, Group, Members, ObjectType, Permissions,
)

COUNT = {COUNT}
PEOPLE = [{{"name": f"u{{number}}@roster.example"}} for number in range(COUNT)]
LEAVER = {{"name": "leaver@roster.example"}}
TEAMS = [
    {{"name": "eng", "members": [*(one["name"] for one in PEOPLE), "bot@roster.example"]}},
    {{"name": "finance", "members": ["bot@roster.example", "u5@roster.example"]}},
    {{"name": "left", "members": []}},
]


class Named(Struct, frozen=True):
    name: str
    members: list[str] = []


def source(records: list[Any]) -> PythonSource:
    async def fetch(_request: FetchRequest) -> SourcePage:
        return SourcePage(records, next_cursor=None)

    return PythonSource(url="${{DOCS_API_URL}}", fetch=fetch)


def stream(records: list[Any], change: Any) -> Stream[Named]:
    return Stream(source=source(records), key="name", record=Named, map=change)


connector = Connector(
    name="roster",
    datasource=Datasource(
        "roster",
        category=Category.KNOWLEDGE_HUB,
        url_regex=r"https://roster\\.example/.*",
        is_user_referenced_by_email=True,
        object_types=(ObjectType("note"),),
    ),
    users=stream([*PEOPLE, LEAVER], lambda one: DatasourceUser(email=one.name, name=one.name)),
    groups=stream(TEAMS, lambda one: Group(name=one.name)),
    memberships=stream(TEAMS, lambda one: Members(group=one.name, user_ids=one.members)),
    documents=stream(
        [{{"name": "a"}}],
        lambda one: Document(
            id=one.name,
            object_type="note",
            view_url="https://roster.example/a",
            permissions=Permissions.of(groups=["eng"]),
        ),
    ),
)
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("exposures")
    package = folder / "connectors"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "roster.py").write_text(CONNECTOR, encoding="utf-8")
    site = Site(servers=DOCS.servers, datasources=[definition(ROSTER)], connectors=package)
    state = folder / "state"
    state.mkdir()
    with LightStack(state, LIMITS, ("--limit-records", "5"), site=site) as started:
        yield started


def members(stack: Stack, group: str) -> set[str]:
    found = stack.in_glean("memberships", "roster")
    return {one["memberUserId"] for one in found if one["groupName"] == group}


def indexed(stack: Stack, endpoint: str, **body: Any) -> None:
    stack.ask_glean(endpoint, datasource="roster", **body).raise_for_status()


def of_roster(stack: Stack) -> dict[str, Any]:
    (shown,) = stack.request("GET", "/connectors").raise_for_status().json()["connectors"]
    found: dict[str, Any] = shown
    return found


def states(shown: dict[str, Any]) -> dict[str, str]:
    return {each["stage"]: each["state"] for each in shown["deletions"]}


def test_groups_have_their_members_and_a_paused_deletion_is_shown_until_it_is_over(
    stack: Stack,
) -> None:
    """A group of more members than a request holds, strangers in two, and people who have left."""
    leaver = "leaver@roster.example"
    stale = [f"x{number}@roster.example" for number in range(STALE_COUNT)]
    for email in (leaver, *stale):
        indexed(stack, "indexuser", user={"email": email, "name": email})
    for group in ("eng", "finance", "left"):
        indexed(stack, "indexgroup", group={"name": group})
        indexed(stack, "indexmembership", membership={"groupName": group, "memberUserId": leaver})

    job = stack.ended(stack.trigger("FULL", "roster")["id"])

    assert job["state"] == "succeeded", job
    assert members(stack, "eng") == {f"u{number}@roster.example" for number in range(COUNT)}
    assert members(stack, "finance") == {"u5@roster.example"}
    assert members(stack, "left") == set()
    shown = stack.request("GET", f"/rejects/{job['id']}").json()
    assert (shown["total"], [each["key"] for each in shown["rejects"]]) == (
        2,
        ["bot@roster.example"] * 2,
    )
    assert ["'eng'" in each["reason"] for each in shown["rejects"]] == [True, False]

    # Of the users, more than Glean deletes by itself were not in the upload.
    job = stack.status(job["id"])
    assert states(job) == {"users": "paused", "groups": "done", "documents": "done"}
    assert of_roster(stack)["health"] == "paused"
    assert "DELETION PAUSED" in of_roster(stack)["why"]
    metrics = stack.request("GET", "/metrics").text
    assert 'glean_sync_deletions_paused{connector="roster",stage="users"} 1' in metrics

    for email in stale:
        indexed(stack, "deleteuser", email=email)
    job = stack.until(job["id"], lambda now: states(now)["users"] == "done")

    assert of_roster(stack)["health"] == "ok"
