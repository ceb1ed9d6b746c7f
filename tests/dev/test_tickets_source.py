"""The ticket system, as a connector meets it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dev.service import Service
from dev.tickets_source.app import create_app
from tests.fakes.in_process import client_of


PATH = "/api/v1/tickets"
TOKEN = {"authorization": "Bearer token-1"}


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with client_of(create_app("token-1")) as client:
        client.headers = httpx.Headers(TOKEN)
        yield client


def tickets(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        body = client.get(PATH, params={**query, "cursor": cursor}).raise_for_status().json()
        found += body["tickets"]
        cursor = body["meta"]["next_cursor"]
    assert body["meta"]["total"] == len(found)
    return found


def test_pages_give_every_ticket_once(client: httpx.Client) -> None:
    found = tickets(client, limit="17")

    assert [ticket["id"] for ticket in found] == [f"T{number:05}" for number in range(1, 121)]
    assert found == [httpx.Response(200, text=line).json() for line in lines(client)]


def lines(client: httpx.Client) -> list[str]:
    return client.get("/control/records").text.splitlines()


def test_a_ticket_has_all_inside(client: httpx.Client) -> None:
    ticket = tickets(client)[16]

    assert ticket["subject"] == "Phone makes a noise (no. 17)"
    assert ticket["requester"] == {
        "id": "u017",
        "name": "Hana Berg",
        "email": "hana.berg.17@example.com",
        "active": True,
    }
    assert ticket["assignee"]["id"] == "u000"
    assert [comment["id"] for comment in ticket["comments"]] == ["T00017-c1", "T00017-c2"]
    assert {field["name"]: field["value"] for field in ticket["custom_fields"]} == {
        "product": "Phone",
        "floor": 8,
        "sites": ["site-2", "site-5"],
    }
    assert ticket["created_at"] < ticket["comments"][1]["created_at"] < ticket["updated_at"]


def test_some_tickets_lack_what_others_have(client: httpx.Client) -> None:
    found = tickets(client)

    assert {len(ticket["comments"]) for ticket in found} == {0, 1, 2, 3, 4}
    assert [ticket["id"] for ticket in found if ticket["assignee"] is None][:2] == [
        "T00003",
        "T00006",
    ]
    assert any(ticket["custom_fields"][1]["value"] is None for ticket in found)


def test_of_a_deleted_ticket_nothing_is_left_but_a_tombstone(client: httpx.Client) -> None:
    change = {"change": 2, "remove": 1, "at_ms": 1_760_000_000_000}
    changes = client.post("/control/change", json=change).json()

    found = tickets(client, updated_since="2025-10-09T08:53:20Z", limit="2")

    assert {ticket["id"] for ticket in found} == {*changes["changed"], *changes["removed"]}
    assert [ticket for ticket in found if ticket["state"] == "deleted"] == [
        {
            "id": changes["removed"][0],
            "state": "deleted",
            "updated_at": "2025-10-09T08:53:20.000Z",
        }
    ]
    assert len(tickets(client)) == 119


def test_a_change_moves_a_ticket_on_and_keeps_when_it_was_made(client: httpx.Client) -> None:
    before = {ticket["id"]: ticket for ticket in tickets(client)}
    (changed,) = client.post("/control/change", json={"change": 1}).json()["changed"]

    after = {ticket["id"]: ticket for ticket in tickets(client)}

    assert [one for one in after if after[one] != before[one]] == [changed]
    assert after[changed]["state"] != before[changed]["state"]
    assert after[changed]["created_at"] == before[changed]["created_at"]


def test_the_token_is_needed(client: httpx.Client) -> None:
    assert client.get(PATH, headers={"authorization": "Bearer other"}).status_code == 401
    assert client.get(PATH, headers={"authorization": ""}).status_code == 401


@pytest.mark.parametrize("query", [{"updated_since": "1760000000"}, {"cursor": "x"}], ids=str)
def test_a_bad_query_is_refused(client: httpx.Client, query: dict[str, str]) -> None:
    assert client.get(PATH, params=query).status_code == 400


def test_cursors_expire_and_faults_happen(client: httpx.Client) -> None:
    cursor = client.get(PATH).json()["meta"]["next_cursor"]
    client.post("/control/expire-cursors")
    client.post("/control/faults", json={"status": 503, "skip": 1})

    codes = [client.get(PATH, params={"cursor": cursor}).status_code for _ in range(3)]

    assert codes == [410, 503, 410]


def test_the_program_serves() -> None:
    arguments = ("--count", "3", "--token-env", "TICKETS_TOKEN")
    with Service("dev.tickets_source", arguments, {"TICKETS_TOKEN": "token-1"}) as service:
        body = httpx.get(service.url + PATH, headers=TOKEN).json()

    assert len(body["tickets"]) == 3
