"""The file store, as a connector meets it."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dev.files_source.app import create_app
from dev.rest.credentials import Credentials
from dev.service import Service
from tests.fakes.in_process import client_of


CLIENT = {"client_id": "client-1", "client_secret": "secret-1"}
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with client_of(create_app(Credentials(**CLIENT))) as client:
        client.headers = httpx.Headers(proof(client))
        yield client


def proof(client: httpx.Client) -> dict[str, str]:
    answer = client.post("/oauth/token", data=GRANT, auth=("client-1", "secret-1"))
    return {"authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


def files(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    answer = client.get("/files", params=query).raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    while match := re.search(
        r'<([^>]+)>; type="[^"]+"; REL="prefetch Next"', answer.headers["link"]
    ):
        answer = client.get(match[1]).raise_for_status()
        found += answer.json()
    return found


def test_links_lead_through_every_file_once(client: httpx.Client) -> None:
    ids = [file["id"] for file in files(client, per_page="40")]

    assert ids == [f"F{number:05}" for number in range(1, 91)]


def test_a_file_names_its_readers_by_their_addresses(client: httpx.Client) -> None:
    file = files(client)[6]

    assert file == {
        "id": "F00007",
        "name": "Minutes 7.md",
        "mime_type": "text/markdown",
        "size": 53,
        "owner": {
            "id": "u007",
            "name": "Hana Horvat",
            "email": "hana.horvat.7@example.com",
            "active": True,
        },
        "permissions": {
            "anyone": False,
            "readers": [
                "ines.costa.18@example.com",
                "jonas.fischer.29@example.com",
                "ada.arslan.40@example.com",
            ],
        },
        "web_url": "https://files.example.com/f/F00007",
        "created_at": "2024-01-01T00:00:00.000Z",
        "modified_at": "2024-01-01T00:01:00.001Z",
    }
    assert client.get("/files/F00007").json() == file


def test_some_files_are_their_owners_alone_and_some_everybodys(client: httpx.Client) -> None:
    permissions = [file["permissions"] for file in files(client)]

    assert {len(one["readers"]) for one in permissions} == {0, 1, 2, 3}
    assert sum(one["anyone"] for one in permissions) == 15
    assert {"anyone": False, "readers": []} in permissions


def test_each_type_comes_in_its_encoding_and_is_as_long_as_said(client: httpx.Client) -> None:
    for file in files(client)[:5]:
        content = client.get(f"/files/{file['id']}/content").json()

        assert content["encoding"] == ("text" if "text/" in file["mime_type"] else "base64")
        is_text = content["encoding"] == "text"
        data = content["content"].encode() if is_text else base64.b64decode(content["content"])
        assert len(data) == file["size"]
        assert f"file {file['id']} holds in version 1: größer".encode() in data


def test_a_file_that_is_shared_with_one_more_keeps_its_time(client: httpx.Client) -> None:
    before = {file["id"]: file for file in files(client)}
    shared = client.post("/control/change", json={"share": 3}).json()["shared"]

    for name, file in ((file["id"], file) for file in files(client)):
        was = before[name]["permissions"]["readers"]
        assert len(file["permissions"]["readers"]) == len(was) + (name in shared)
        assert {**file, "permissions": 0} == {**before[name], "permissions": 0}


def test_what_was_modified_since_is_listed_and_what_was_removed_is_gone(
    client: httpx.Client,
) -> None:
    change = {"change": 3, "remove": 2, "at_ms": 1_760_000_000_000}
    changes = client.post("/control/change", json=change).json()
    gone = changes["removed"][0]

    found = files(client, modified_since="2025-10-09T10:53:20+02:00", per_page="2")

    assert sorted(file["id"] for file in found) == sorted(changes["changed"])
    assert len(files(client)) == 88
    assert client.get(f"/files/{gone}").status_code == 404
    assert client.get(f"/files/{gone}/content").status_code == 404


def test_a_listed_file_may_have_no_content(client: httpx.Client) -> None:
    client.put("/control/settings", json={"missing": ["F00002"]})

    assert client.get("/files/F00002").status_code == 200
    assert client.get("/files/F00002/content").status_code == 404


def test_a_token_that_ended_is_refused_and_another_is_to_be_had(client: httpx.Client) -> None:
    assert client.get("/files").status_code == 200

    client.post("/control/expire-tokens")

    answer = client.get("/files")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert client.get("/files", headers=proof(client)).status_code == 200
    assert client.get("/control/tokens").json() == {"issued": 2, "live": 1}


def test_the_program_serves() -> None:
    arguments = ("--count", "3", "--client-id-env", "ID", "--client-secret-env", "SECRET")
    environment = {"ID": "client-1", "SECRET": "secret-1"}
    with (
        Service("dev.files_source", arguments, environment) as service,
        httpx.Client(base_url=service.url) as client,
    ):
        assert len(client.get("/files", headers=proof(client)).json()) == 3
