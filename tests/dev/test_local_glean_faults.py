"""Faults on request, on real connections, and the log that tells what became of each request."""

import socket
import time
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from glean.api_client import Glean
from glean.api_client.errors import GleanError
from glean.api_client.models import DatasourceCategory, EmployeeInfoDefinition


API = "/api/index/v1"
DATASOURCE = {
    "name": "docs",
    "datasourceCategory": "PUBLISHED_CONTENT",
    "urlRegex": "https://docs.test/.*",
}
POLLS_MAX = 200
POLL_SECONDS = 0.02


@pytest.fixture
def client(empty_glean: httpx.Client) -> httpx.Client:
    assert empty_glean.post(f"{API}/adddatasource", json=DATASOURCE).status_code == 200
    return empty_glean


def index(client: httpx.Client, *ids: str, upload: str | None = None) -> httpx.Response:
    documents = [
        {"id": identifier, "datasource": "docs", "viewURL": f"https://docs.test/{identifier}"}
        for identifier in ids
    ]
    body: dict[str, Any] = {"datasource": "docs", "documents": documents}
    if upload is None:
        return client.post(f"{API}/indexdocuments", json=body)
    return client.post(f"{API}/bulkindexdocuments", json={**body, "uploadId": upload})


def live_count(client: httpx.Client) -> int:
    answer = client.get("/control/documents", params={"datasource": "docs"})
    return len(answer.text.splitlines())


def fault(client: httpx.Client, **fields: Any) -> None:
    assert client.post("/control/faults", json=fields).status_code == 200


def logged(client: httpx.Client) -> list[tuple[int | None, str | None]]:
    """Status and fault of the requests after the datasource was added."""
    entries = client.get("/control/requests", params={"since": first_sequence(client)}).json()
    return [(entry["status"], entry["fault"]) for entry in entries]


def first_sequence(client: httpx.Client) -> int:
    return int(client.get("/control/requests").json()[0]["sequence"])


def until(condition: Callable[[], bool]) -> None:
    for _ in range(POLLS_MAX):
        if condition():
            return
        time.sleep(POLL_SECONDS)
    raise AssertionError("it did not come true")


def test_a_status_is_answered_without_the_effect(client: httpx.Client) -> None:
    fault(client, status=503, retry_after="2", body="busy", times=2)

    for _ in range(2):
        answer = index(client, "a")
        assert (answer.status_code, answer.text) == (503, "busy")
        assert answer.headers["retry-after"] == "2"
    assert live_count(client) == 0

    assert index(client, "a").status_code == 200
    assert logged(client) == [(503, "503"), (503, "503"), (200, None)]


def test_a_connection_dropped_before_the_effect_leaves_nothing(client: httpx.Client) -> None:
    fault(client, drop="before")

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        index(client, "a")

    assert live_count(client) == 0
    assert logged(client) == [(None, "drop before")]


def test_a_connection_dropped_after_the_effect_leaves_the_effect(client: httpx.Client) -> None:
    fault(client, drop="after")

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        index(client, "a")

    assert live_count(client) == 1
    assert logged(client) == [(200, "drop after")]


def test_a_connection_dropped_amid_the_answer_leaves_half_of_it(client: httpx.Client) -> None:
    whole = client.post(f"{API}/debug/docs/status").content
    fault(client, path="/status", drop="amid")
    received = bytearray()

    with client.stream("POST", f"{API}/debug/docs/status") as answer:
        parts = answer.iter_raw()
        received += next(parts)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            next(parts)

    assert answer.status_code == 200
    assert received == whole[: len(whole) // 2]
    assert logged(client) == [(200, None), (200, "drop amid")]


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_dropped_connection_gives_not_a_single_byte(client: httpx.Client, drop: str) -> None:
    fault(client, drop=drop)
    url = urlsplit(str(client.base_url))
    body = b'{"datasource":"docs","documents":[]}'
    head = (
        f"POST {API}/indexdocuments HTTP/1.1\r\nHost: {url.netloc}\r\n"
        "Authorization: Bearer token\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )

    with socket.create_connection((url.hostname, url.port), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        try:
            received = connection.recv(1)
        except ConnectionResetError:
            received = b""

    assert received == b""


def test_a_delay_delays_and_does_the_work(client: httpx.Client) -> None:
    fault(client, delay_ms=150)

    started = time.monotonic()
    assert index(client, "a").status_code == 200

    assert time.monotonic() - started >= 0.15
    assert live_count(client) == 1
    assert logged(client) == [(200, "delay 150 ms")]


def test_a_delay_holds_up_nobody_else(client: httpx.Client) -> None:
    fault(client, delay_ms=3_000)
    impatient = httpx.Client(base_url=client.base_url, timeout=0.2)
    with impatient, pytest.raises(httpx.ReadTimeout):
        index(impatient, "a")

    assert client.get("/control/faults").json() == []
    assert logged(client) == []  # the other one is still held up
    until(lambda: logged(client) != [])


def test_a_fault_waits_for_its_path_and_lets_the_first_ones_pass(client: httpx.Client) -> None:
    fault(client, path="/bulkindexdocuments", skip=1, status=500)

    assert index(client, "a").status_code == 200
    statuses = [index(client, "a", upload="u").status_code for _ in range(3)]

    assert statuses == [409, 500, 409]
    assert client.get("/control/faults").json() == []


def test_a_fault_can_wait_for_what_is_in_a_body(client: httpx.Client) -> None:
    fault(client, within='"id":"b"', status=500)

    assert [index(client, identifier).status_code for identifier in "abb"] == [200, 500, 200]


def test_faults_wait_in_a_queue(client: httpx.Client) -> None:
    faults = [{"status": 500}, {"status": 429, "retry_after": "1"}, {"status": 400}]
    assert client.post("/control/faults", json=faults).status_code == 200

    assert [index(client).status_code for _ in range(4)] == [500, 429, 400, 200]


def test_waiting_faults_are_listed_and_forgotten(client: httpx.Client) -> None:
    fault(client, status=500, times=3)

    index(client)

    (waiting,) = client.get("/control/faults").json()
    assert (waiting["status"], waiting["times"]) == (500, 2)
    assert client.delete("/control/faults").json() == []
    assert index(client).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"times": 0, "status": 500},
        {"status": 42},
        {"status": 500, "drop": "after"},
        {"drop": "during"},
        {"delay": 5},
    ],
)
def test_a_fault_that_means_nothing_is_refused(
    client: httpx.Client, fields: dict[str, Any]
) -> None:
    assert client.post("/control/faults", json=fields).status_code == 400
    assert client.get("/control/faults").json() == []


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("bulkindexusers", {"users": [{"email": "a@docs.test", "name": "A"}], "uploadId": "u"}),
        ("indexgroup", {"group": {"name": "staff"}}),
        ("processallmemberships", {}),
        ("indexteam", {"team": {"id": "1", "name": "A", "members": []}}),
        ("processallemployeesandteams", {}),
    ],
)
def test_a_fault_befalls_every_endpoint(
    client: httpx.Client, endpoint: str, body: dict[str, Any]
) -> None:
    faults = [{"path": f"/{endpoint}", "status": 429}, {"path": f"/{endpoint}", "drop": "before"}]
    client.post("/control/faults", json=faults)

    assert client.post(f"{API}/{endpoint}", json=body).status_code == 429
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.post(f"{API}/{endpoint}", json=body)

    assert logged(client) == [(429, "429"), (None, "drop before")]
    for entity in ("users", "groups", "teams"):
        assert client.get(f"/control/{entity}", params={"datasource": "docs"}).text == ""


def test_the_log_tells_pages_apart_and_goes_on_from_a_number(client: httpx.Client) -> None:
    index(client, "a", "b", upload="u")
    index(client, "a", "b", upload="u")
    index(client, "c", upload="u")

    _, first, second, third = client.get("/control/requests").json()

    assert first["path"] == f"{API}/bulkindexdocuments"
    assert (first["uploadId"], first["isFirstPage"], first["document_count"]) == ("u", False, 2)
    assert (first["first_id"], first["last_id"]) == ("a", "b")
    assert first["ids_hash"] == second["ids_hash"] != third["ids_hash"]
    since = client.get("/control/requests", params={"since": second["sequence"]})
    assert since.json() == [third]


def test_a_client_that_vanishes_harms_nobody(client: httpx.Client) -> None:
    url = urlsplit(str(client.base_url))
    head = f"POST {API}/indexdocuments HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{"

    for content in ("P", head):
        with socket.create_connection((url.hostname, url.port)) as connection:
            connection.sendall(content.encode())

    assert index(client, "a").status_code == 200
    assert logged(client) == [(200, None)]


def test_the_official_client_can_use_it(client: httpx.Client) -> None:
    with Glean(api_token="token", server_url=str(client.base_url)) as glean:
        glean.indexing.datasources.add(
            name="other",
            datasource_category=DatasourceCategory.PUBLISHED_CONTENT,
            url_regex="https://docs.test/.*",
        )
        glean.indexing.documents.bulk_index(
            upload_id="u",
            datasource="other",
            documents=[{"datasource": "other", "id": "a", "view_url": "https://docs.test/a"}],
            is_first_page=True,
            is_last_page=True,
        )
        status = glean.indexing.datasource.status(datasource="other")

    assert status.documents is not None
    assert status.documents.bulk_upload_history is not None
    (upload,) = status.documents.bulk_upload_history
    assert (upload.upload_id, upload.status) == ("u", "SUCCESSFUL")


def test_the_official_client_can_send_identities(client: httpx.Client) -> None:
    page = {"datasource": "docs", "is_first_page": True, "is_last_page": True}
    with Glean(api_token="token", server_url=str(client.base_url)) as glean:
        send = glean.indexing.permissions
        send.bulk_index_users(
            **page,
            upload_id="users",
            users=[{"email": email, "name": "A"} for email in ("a@docs.test", "b@docs.test")],
            disable_stale_data_deletion_check=True,
        )
        send.bulk_index_groups(**page, upload_id="groups", groups=[{"name": "staff"}])
        member = {"member_user_id": "a@docs.test"}
        send.bulk_index_memberships(**page, upload_id="staff", group="staff", memberships=[member])
        send.index_user(datasource="docs", user={"email": "c@docs.test", "name": "C"})
        send.index_group(datasource="docs", group={"name": "guests"})
        for user in ("b@docs.test", "c@docs.test"):
            membership = {"group_name": "guests", "member_user_id": user}
            send.index_membership(datasource="docs", membership=membership)
        send.delete_membership(
            datasource="docs", membership={"group_name": "guests", "member_user_id": "c@docs.test"}
        )
        send.delete_user(datasource="docs", email="b@docs.test")
        send.process_memberships(request={"datasource": "docs"})
        status = glean.indexing.datasource.status(datasource="docs")
        send.delete_group(datasource="docs", group_name="staff")

    assert status.identity is not None
    told = status.identity.model_dump(by_alias=True)
    counts = {name: told[name]["counts"]["uploaded"] for name in ("users", "groups", "memberships")}
    assert counts == {"users": 2, "groups": 2, "memberships": 1}
    assert [len(told[name]["bulkUploadHistory"]) for name in counts] == [1, 1, 1]
    assert len(told["processingHistory"]) == 4
    left = client.get("/control/memberships", params={"datasource": "docs"})
    assert left.text == ""


# The client says so of what it is going to remove; Glean takes it until then.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_official_client_can_send_people(client: httpx.Client) -> None:
    page = {"is_first_page": True, "is_last_page": True}
    with Glean(api_token="token", server_url=str(client.base_url)) as glean:
        people = glean.indexing.people
        employee = EmployeeInfoDefinition(
            email="a@docs.test", department="Engineering", start_date=date(2020, 2, 29)
        )
        people.bulk_index(**page, upload_id="employees", employees=[employee])
        people.index(employee={"email": "b@docs.test", "department": "Sales"})
        members = [{"email": "a@docs.test", "relationship": "LEAD"}]
        teams = [{"id": "1", "name": "Engines", "members": members}]
        people.bulk_index_teams(**page, upload_id="teams", teams=teams)
        people.index_team(team={"id": "2", "name": "Sales", "members": []})
        people.process_all_employees_and_teams()
        people.delete(employee_email="b@docs.test")
        people.delete_team(id="2")

    assert client.get("/control/employees").json()["startDate"] == "2020-02-29"
    assert client.get("/control/teams").json()["members"] == members


def test_the_official_client_can_ask_for_a_datasource_and_its_processing(
    client: httpx.Client,
) -> None:
    with Glean(api_token="token", server_url=str(client.base_url)) as glean:
        config = glean.indexing.datasources.retrieve_config(datasource="docs")
        client.put("/control/limits", json={"processing": True})
        glean.indexing.documents.process_all(request={"datasource": "docs"})
        with pytest.raises(GleanError) as refusal:
            glean.indexing.documents.process_all(request={"datasource": "docs"})

    assert (config.name, config.url_regex) == ("CUSTOM_DOCS", DATASOURCE["urlRegex"])
    assert refusal.value.status_code == 429


def test_a_page_in_the_place_of_an_answer_has_no_effect(client: httpx.Client) -> None:
    page = "<!doctype html><title>Sign in</title>"
    fault(client, path="/indexdocuments", status=200, body=page, content_type="text/html")

    answer = index(client, "a")

    assert (answer.status_code, answer.text) == (200, page)
    assert answer.headers["content-type"].startswith("text/html")
    assert live_count(client) == 0
    assert index(client, "a").text == ""
    assert live_count(client) == 1
