"""The wiki, as a connector meets it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dev.service import Service
from dev.wiki_source.app import create_app
from tests.fakes.in_process import client_of


SPACES = ["ENG", "FIN", "HR", "OPS", "PUB", "STAFF"]


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with client_of(create_app("user", "token-1")) as client:
        client.auth = httpx.BasicAuth("user", "token-1")
        yield client


def all_of(client: httpx.Client, path: str, **query: str) -> list[dict[str, Any]]:
    body = client.get(f"/api/{path}", params=query).raise_for_status().json()
    found: list[dict[str, Any]] = body["results"]
    while url := body["_links"].get("next"):
        assert url.startswith(f"/api/{path}?")
        body = client.get(url).raise_for_status().json()
        assert body["size"] == len(body["results"]) > 0
        found += body["results"]
    return found


@pytest.mark.parametrize("limit", ["5", "30", "100"])
def test_spaces_lead_to_every_page_once(client: httpx.Client, limit: str) -> None:
    keys = [space["key"] for space in all_of(client, "spaces", limit=limit)]
    pages = {key: all_of(client, f"spaces/{key}/pages", limit=limit) for key in keys}

    assert keys == SPACES
    assert [len(found) for found in pages.values()] == [30, 0, 30, 30, 30, 30]
    assert all(page["space"] == key for key, found in pages.items() for page in found)
    assert len({page["id"] for found in pages.values() for page in found}) == 150


def test_a_page_has_its_body_as_html(client: httpx.Client) -> None:
    page = all_of(client, "spaces/HR/pages")[0]

    assert page == {
        "id": "p00001",
        "space": "HR",
        "title": "Release notes 1",
        "version": 1,
        "author": {
            "id": "u003",
            "name": "Dana Diallo",
            "email": "dana.diallo.3@example.com",
            "active": True,
        },
        "labels": ["release"],
        "body": {
            "storage": {
                "value": "<h1>Release notes 1</h1><p>Version&nbsp;1 &amp; counting.</p>"
                "<ul><li>First &lt;thing&gt; of 1</li><li>Größe: 1</li></ul>"
                "<script>notForReaders()</script>",
                "representation": "storage",
            }
        },
        "created_at": "2024-01-01T00:00:00.000Z",
        "updated_at": "2024-01-01T00:00:00.000Z",
        "web_url": "https://wiki.example.com/spaces/HR/pages/p00001",
    }
    assert client.get("/api/pages/p00001").json() == page


@pytest.mark.parametrize("limit", ["2", "7"])
def test_comments_are_paged_below_their_page(client: httpx.Client, limit: str) -> None:
    found = all_of(client, "pages/p00007/comments", limit=limit)

    assert [comment["id"] for comment in found] == [f"p00007-c{index}" for index in range(1, 8)]
    assert found[0]["body"]["storage"]["value"] == "<p>Comment 1 on p00007</p>"
    assert all_of(client, "pages/p00008/comments") == []


def test_groups_have_members_who_are_users(client: httpx.Client) -> None:
    users = all_of(client, "users", limit="25")
    members = {
        group["name"]: all_of(client, f"groups/{group['name']}/members")
        for group in all_of(client, "groups", limit="3")
    }

    assert len({user["email"] for user in users}) == len(users) == 60
    assert {name: len(found) for name, found in members.items()} == {
        "all-staff": 54,
        "contractors": 0,
        "engineering": 15,
        "finance": 12,
        "hr": 15,
        "leads": 5,
        "operations": 12,
    }
    assert members["all-staff"] == [user for user in users if user["active"]]
    assert all(member in users for found in members.values() for member in found)


def test_a_space_is_read_by_groups_that_exist_or_by_all(client: httpx.Client) -> None:
    groups = {group["name"] for group in all_of(client, "groups")}
    spaces = {space["key"]: space["permissions"] for space in all_of(client, "spaces")}

    assert spaces["ENG"] == {"anonymous": False, "groups": ["engineering", "leads"]}
    assert spaces["PUB"] == {"anonymous": True, "groups": []}
    assert all(set(one["groups"]) <= groups for one in spaces.values())
    assert [key for key, one in spaces.items() if one["anonymous"]] == ["PUB"]
    for key, permissions in spaces.items():
        assert client.get(f"/api/spaces/{key}/permissions").json() == permissions


def test_changes_are_told_by_space_and_removals_by_the_trash(client: httpx.Client) -> None:
    since = "2025-10-09T08:53:20Z"
    change = {"change": 9, "remove": 4, "at_ms": 1_760_000_000_000}
    changes = client.post("/control/change", json=change).json()

    found = [
        page
        for key in SPACES
        for page in all_of(client, f"spaces/{key}/pages", updated_since=since, limit="1")
    ]
    trash = all_of(client, "trash", updated_since=since, limit="3")

    assert sorted(page["id"] for page in found) == sorted(changes["changed"])
    assert {page["version"] for page in found} == {2}
    assert sorted(page["id"] for page in trash) == sorted(changes["removed"])
    assert trash[0].keys() == {"id", "space", "trashed_at"}
    assert client.get(f"/api/pages/{trash[0]['id']}").status_code == 404
    assert client.get(f"/api/pages/{trash[0]['id']}/comments").status_code == 404


def test_a_page_may_be_gone_when_its_comments_are_asked_for(client: httpx.Client) -> None:
    client.put("/control/settings", json={"missing": ["p00007"]})

    assert client.get("/api/pages/p00007").status_code == 200
    assert client.get("/api/pages/p00007/comments").status_code == 404


@pytest.mark.parametrize("path", ["spaces/NO/pages", "spaces/NO/permissions", "groups/no/members"])
def test_what_is_not_there_is_not_found(client: httpx.Client, path: str) -> None:
    assert client.get(f"/api/{path}").status_code == 404


def test_the_user_and_the_token_are_needed(client: httpx.Client) -> None:
    for auth in (("user", "token-2"), ("other", "token-1")):
        answer = client.get("/api/users", auth=auth)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (
            401,
            'Basic realm="wiki"',
        )


def test_the_program_serves() -> None:
    arguments = ("--count", "5", "--user-env", "WIKI_USER", "--token-env", "WIKI_TOKEN")
    environment = {"WIKI_USER": "user", "WIKI_TOKEN": "token-1"}
    with (
        Service("dev.wiki_source", arguments, environment) as service,
        httpx.Client(base_url=service.url, auth=("user", "token-1")) as client,
    ):
        assert len(all_of(client, "spaces/ENG/pages")) == 1
