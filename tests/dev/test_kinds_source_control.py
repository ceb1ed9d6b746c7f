"""What else the source of all kinds has: proofs, limits, removals, children, and its control."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dev.kinds_source.app import create_app
from dev.rest.credentials import Credentials
from dev.rest.ledger import Clock
from dev.service import Service
from tests.fakes.in_process import client_of


KNOWN = Credentials(
    token="token-1",
    user="user",
    password="pass:word",
    client_id="client id",
    client_secret="client/secret",
    refresh_token="refresh-1",
)
CLIENT = {"client_id": KNOWN.client_id, "client_secret": KNOWN.client_secret}
GRANT = {"grant_type": "client_credentials"}


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at_ms = 1_800_000_000_400

    def __call__(self) -> int:
        return self.at_ms


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def client(clock: Clock) -> Iterator[httpx.Client]:
    with client_of(create_app(KNOWN, clock=clock)) as client:
        yield client


def basic(user: str, password: str) -> dict[str, str]:
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"Basic {pair}"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def granted(client: httpx.Client, **form: str) -> Any:
    answer = client.post("/oauth/token", data={**GRANT, **CLIENT, **form})
    return answer.raise_for_status().json()


def status(client: httpx.Client, proof: str, **options: Any) -> int:
    return client.get(f"/auth/{proof}/kinds/cursor", **options).status_code


@pytest.mark.parametrize(
    ("proof", "good", "bad"),
    [
        ("bearer", {"headers": bearer("token-1")}, {"headers": bearer("token-2")}),
        ("bearer", {"headers": bearer("token-1")}, {"headers": basic("user", "token-1")}),
        ("basic", {"headers": basic("user", "pass:word")}, {"headers": basic("user", "pass")}),
        ("basic", {"headers": basic("user", "pass:word")}, {"headers": bearer("pass:word")}),
        ("api-key-header", {"headers": {"x-api-key": "token-1"}}, {"headers": {"x-api-key": ""}}),
        ("api-key-query", {"params": {"api_key": "token-1"}}, {"params": {"api_key": "token"}}),
    ],
)
def test_each_path_takes_its_own_proof_only(
    client: httpx.Client, proof: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    assert status(client, proof, **good) == 200
    assert status(client, proof, **bad) == 401
    assert status(client, proof) == 401


@pytest.mark.parametrize("proof", ["bearer", "basic", "api-key-header", "api-key-query", "oauth"])
def test_without_credentials_nobody_is_let_in(proof: str) -> None:
    client = client_of(create_app())
    empty = [bearer(""), basic("", ""), {"x-api-key": ""}]

    assert [status(client, proof, headers=one) for one in empty] == [401] * 3
    assert status(client, proof, params={"api_key": ""}) == 401


def test_links_stay_below_the_proof_and_hold_no_key(client: httpx.Client) -> None:
    path = "/auth/api-key-query/kinds/next-url"

    body = client.get(path, params={"api_key": "token-1", "per_page": "2"}).json()

    assert body["next"].startswith(f"http://testserver{path}?per_page=2&cursor=")
    assert "token-1" not in body["next"]
    assert "token-1" not in client.get("/control/requests").text


def test_a_client_gets_a_token_by_either_proof(client: httpx.Client) -> None:
    in_body = granted(client)
    in_header = client.post(
        "/oauth/token", data=GRANT, headers=basic("client+id", "client%2Fsecret")
    ).json()

    for answer in (in_body, in_header):
        assert answer.keys() == {"access_token", "token_type", "expires_in"}
        assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3_600)
        assert status(client, "oauth", headers=bearer(answer["access_token"])) == 200
    assert in_body["access_token"] != in_header["access_token"]
    assert client.get("/control/tokens").json() == {"issued": 2, "live": 2}


@pytest.mark.parametrize(
    ("form", "code", "error"),
    [
        ({**GRANT, **CLIENT, "client_secret": "x"}, 401, "invalid_client"),
        (GRANT, 401, "invalid_client"),
        (CLIENT, 400, "invalid_request"),
        ({**CLIENT, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({**CLIENT, "grant_type": "refresh_token"}, 400, "invalid_grant"),
        (
            {**CLIENT, "grant_type": "refresh_token", "refresh_token": "old"},
            400,
            "invalid_grant",
        ),
    ],
    ids=str,
)
def test_the_token_endpoint_refuses_as_the_rfc_has_it(
    client: httpx.Client, form: dict[str, str], code: int, error: str
) -> None:
    answer = client.post("/oauth/token", data=form)

    assert (answer.status_code, answer.json()) == (code, {"error": error})
    assert ("www-authenticate" in answer.headers) == (code == 401)
    assert client.get("/control/tokens").json() == {"issued": 0, "live": 0}


def test_the_token_endpoint_takes_forms_and_one_proof_only(client: httpx.Client) -> None:
    in_json = client.post("/oauth/token", json={**GRANT, **CLIENT})
    both = client.post(
        "/oauth/token", data={**GRANT, **CLIENT}, headers=basic("client+id", "client%2Fsecret")
    )

    assert [in_json.json(), both.json()] == [{"error": "invalid_request"}] * 2


def test_a_token_ends_with_its_time(client: httpx.Client, clock: Hand) -> None:
    client.put("/control/settings", json={"expires_in_seconds": 10})
    answer = granted(client)
    headers = bearer(answer["access_token"])

    clock.at_ms += 9_999
    before = status(client, "oauth", headers=headers)
    clock.at_ms += 1

    assert answer["expires_in"] == 10
    assert (before, status(client, "oauth", headers=headers)) == (200, 401)


def test_a_token_may_end_without_having_said_so(client: httpx.Client, clock: Hand) -> None:
    client.put("/control/settings", json={"expires_in_seconds": None})
    answer = granted(client)
    clock.at_ms += 10**12
    before = status(client, "oauth", headers=bearer(answer["access_token"]))

    client.post("/control/expire-tokens")

    assert "expires_in" not in answer
    assert (before, status(client, "oauth", headers=bearer(answer["access_token"]))) == (200, 401)
    assert status(client, "oauth", headers=bearer(granted(client)["access_token"])) == 200


def test_a_refresh_token_is_rotated_on_request(client: httpx.Client) -> None:
    refresh = {"grant_type": "refresh_token", "refresh_token": "refresh-1"}
    assert "refresh_token" not in granted(client, **refresh)
    client.put("/control/settings", json={"rotates_refresh_tokens": True})

    second = granted(client, **refresh)["refresh_token"]

    assert client.post("/oauth/token", data={**CLIENT, **refresh}).status_code == 400
    assert granted(client, **{**refresh, "refresh_token": second})["access_token"]


@pytest.mark.parametrize(
    ("headers", "first", "refusal"),
    [
        ("retry-after", {}, {"retry-after": "3"}),
        ("retry-date", {}, {"retry-after": "Fri, 15 Jan 2027 08:00:03 GMT"}),
        (
            "reset",
            {"x-ratelimit-remaining": "1", "x-ratelimit-reset": "1800000003"},
            {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000003"},
        ),
        (
            "reset-after",
            {"x-ratelimit-limit": "2", "x-ratelimit-reset": "3"},
            {"x-ratelimit-limit": "2", "x-ratelimit-reset": "3"},
        ),
        ("none", {}, {}),
    ],
)
def test_a_limit_is_told_by_its_headers(
    client: httpx.Client, clock: Hand, headers: str, first: object, refusal: object
) -> None:
    rate = {"requests": 2, "window_ms": 2_500, "headers": headers}
    client.put("/control/settings", json={"rate": rate})

    answers = [client.get("/kinds/list") for _ in range(3)]
    clock.at_ms += 2_500
    answers.append(client.get("/kinds/list"))

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    told = [
        {
            name: value
            for name, value in answer.headers.items()
            if name.startswith(("retry", "x-rate"))
        }
        for answer in answers
    ]
    assert {**told[0], **first} == told[0]  # type: ignore[dict-item]
    assert {**told[2], **refusal} == told[2]  # type: ignore[dict-item]
    assert bool(told[0]) == bool(first)
    assert bool(told[2]) == bool(refusal)


def test_a_limit_does_not_hold_for_tokens(client: httpx.Client) -> None:
    client.put("/control/settings", json={"rate": {"requests": 0, "window_ms": 1_000}})

    assert client.get("/kinds/list").status_code == 429
    assert granted(client)["access_token"]


@pytest.mark.parametrize(
    ("kind", "code", "message"),
    [
        ("cursor", 410, '{"error":"cursor expired"}'),
        ("nested", 410, '{"error":"cursor expired"}'),
        ("folders", 410, '{"error":"cursor expired"}'),
        ("folders/f00001/items", 410, '{"error":"cursor expired"}'),
    ],
)
def test_cursors_handed_out_so_far_can_be_made_to_expire(
    client: httpx.Client, kind: str, code: int, message: str
) -> None:
    def cursor() -> str:
        body = client.get(f"/kinds/{kind}", params={"limit": "2"}).json()
        found: str = body["next_cursor"] if "next_cursor" in body else body["meta"]["next"]
        return found

    old = cursor()
    assert client.get(f"/kinds/{kind}", params={"cursor": old}).status_code == 200

    client.post("/control/expire-cursors")

    answer = client.get(f"/kinds/{kind}", params={"cursor": old})
    assert (answer.status_code, answer.text) == (code, message)
    assert client.get(f"/kinds/{kind}", params={"cursor": cursor()}).status_code == 200


def test_an_expired_cursor_is_told_in_the_way_of_its_protocol(client: httpx.Client) -> None:
    wiki = {"action": "query", "generator": "allpages", "gaplimit": "5"}
    more = client.get("/kinds/mediawiki", params=wiki).json()["continue"]
    body = {"query": "{ records }"}
    page = client.post("/kinds/graphql", json=body).json()["data"]["records"]["pageInfo"]
    client.post("/control/expire-cursors")

    graphql = client.post(
        "/kinds/graphql", json={**body, "variables": {"after": page["endCursor"]}}
    )

    assert graphql.json()["errors"][0]["extensions"] == {"code": "CURSOR_EXPIRED"}
    error = client.get("/kinds/mediawiki", params={**wiki, **more}).json()["error"]
    assert error["code"] == "cursorexpired"


def test_changes_may_be_kept_for_some_time_only(client: httpx.Client) -> None:
    client.put("/control/settings", json={"changes_kept_since_ms": 1_704_067_260_001})

    old = client.get("/kinds/offset", params={"since_ms": "1704067260000"})

    assert old.status_code == 410
    assert "2024-01-01T00:01:00.001Z" in old.json()["error"]
    assert client.get("/kinds/offset", params={"since_ms": "1704067260001"}).status_code == 200
    assert client.get("/kinds/offset").status_code == 200


def test_removed_records_are_listed_with_their_time(client: httpx.Client) -> None:
    client.post("/control/change", json={"remove": 1, "seed": 1, "at_ms": 1_750_000_000_000})
    later = {"remove": 3, "seed": 2, "at_ms": 1_760_000_000_000}
    removed = client.post("/control/change", json=later).json()["removed"]

    query = {"since": "1760000000", "limit": "2"}
    first = client.get("/kinds/deleted", params=query).json()
    second = client.get("/kinds/deleted", params={"cursor": first["next_cursor"]}).json()

    items = first["items"] + second["items"]
    assert sorted(item["id"] for item in items) == sorted(removed)
    assert {item["deleted_at"] for item in items} == {"2025-10-09T08:53:20.000Z"}
    assert second["next_cursor"] is None
    assert len(client.get("/kinds/deleted").json()["items"]) == 4


def test_only_the_detail_has_the_text(client: httpx.Client) -> None:
    client.put("/control/settings", json={"missing": ["r00002"]})
    items = client.get("/kinds/summaries", params={"limit": "3"}).json()["items"]

    details = [client.get(f"/kinds/detail/{item['id']}") for item in items]

    assert [detail.status_code for detail in details] == [200, 404, 200]
    assert "text" not in items[0]
    assert {**details[0].json(), "text": None} == {**items[0], "text": None}
    assert details[0].json()["text"].startswith(items[0]["title"])
    removed = client.post("/control/change", json={"remove": 1}).json()["removed"]
    assert client.get(f"/kinds/detail/{removed[0]}").status_code == 404


def test_every_record_is_in_one_folder_and_one_folder_is_empty(client: httpx.Client) -> None:
    folders = client.get("/kinds/folders", params={"limit": "5"}).json()
    more = client.get("/kinds/folders", params={"cursor": folders["next_cursor"]}).json()
    found = {
        folder["id"]: client.get(
            f"/kinds/folders/{folder['id']}/items", params={"limit": "100"}
        ).json()
        for folder in folders["items"] + more["items"]
    }

    assert [len(body["items"]) for body in found.values()] == [41, 42, 42, 0, 42, 42, 41]
    ids = [item["id"] for body in found.values() for item in body["items"]]
    assert len(set(ids)) == len(ids) == 250
    assert client.get("/kinds/folders/f00008/items").status_code == 404


def test_a_cursor_is_good_for_its_own_folder_only(client: httpx.Client) -> None:
    path = "/kinds/folders/{}/items"
    cursor = client.get(path.format("f00001"), params={"limit": "2"}).json()["next_cursor"]

    assert client.get(path.format("f00002"), params={"cursor": cursor}).status_code == 400


@pytest.mark.parametrize("kind", ["cursor", "tombstones"])
def test_a_cursor_keeps_the_time_that_it_was_made_for(client: httpx.Client, kind: str) -> None:
    removal = {"remove": 5, "change": 5, "at_ms": 1_760_000_000_000}
    changes = client.post("/control/change", json=removal).json()
    query = {"since": "1760000000", "limit": "4"}
    first = client.get(f"/kinds/{kind}", params=query).json()

    cursor = {"cursor": first["next_cursor"]}
    rest = client.get(f"/kinds/{kind}", params=cursor).json()
    other = client.get(f"/kinds/{kind}", params={**cursor, "since": "1760000001"})

    gone = changes["removed"] if kind == "tombstones" else []
    ids = {item["id"] for item in first["items"] + rest["items"]}
    assert ids == {*changes["changed"], *gone}
    assert (other.status_code, "another time" in other.text) == (400, True)


def test_changes_are_drawn_by_their_seed_and_dated_by_the_clock(
    client: httpx.Client, clock: Hand
) -> None:
    other = client_of(create_app(clock=clock))
    change = {"change": 2, "remove": 2, "add": 2, "seed": 5}

    changes, same = (one.post("/control/change", json=change).json() for one in (client, other))
    again = client.post("/control/change", json=change).json()

    assert changes == same
    assert changes["at_ms"] == clock.at_ms
    assert again["at_ms"] == clock.at_ms + 1
    assert changes["added"] == ["r00251", "r00252"]
    changed = client.get(f"/kinds/detail/{changes['changed'][0]}").json()
    assert "Version 2" in changed["text"] or changes["changed"][0] in again["changed"]


@pytest.mark.parametrize(
    "body", [{"change": 251}, {"change": 200, "remove": 51}, {"add": -1}, {"grow": 1}, []], ids=str
)
def test_a_change_that_cannot_be_made_changes_nothing(client: httpx.Client, body: object) -> None:
    before = client.get("/control/records").text

    assert client.post("/control/change", json=body).status_code == 400

    assert client.get("/control/records").text == before


def test_a_reset_brings_back_how_it_was(client: httpx.Client) -> None:
    before = client.get("/control/records").text
    client.post("/control/change", json={"change": 1, "remove": 1, "add": 1})
    client.put("/control/settings", json={"missing": ["r00001"], "expires_in_seconds": 5})
    client.post("/control/faults", json={"status": 503})
    token = granted_in_spite_of_a_fault(client)

    client.post("/control/reset")

    assert client.get("/control/records").text == before
    assert client.get("/control/settings").json()["missing"] == []
    assert client.get("/control/requests").json() == []
    assert client.get("/kinds/detail/r00001").status_code == 200
    assert status(client, "oauth", headers=bearer(token)) == 401


def granted_in_spite_of_a_fault(client: httpx.Client) -> str:
    assert client.post("/oauth/token", data={**GRANT, **CLIENT}).status_code == 503
    token: str = granted(client)["access_token"]
    client.post("/control/faults", json={"status": 503, "times": 9})
    return token


def test_settings_that_are_none_are_refused(client: httpx.Client) -> None:
    assert client.put("/control/settings", json={"rates": None}).status_code == 400
    rate = {"requests": 1, "window_ms": 0}
    assert client.put("/control/settings", json={"rate": rate}).status_code == 400
    assert client.get("/control/settings").json()["rate"] is None


def test_faults_and_the_log_are_for_all_but_control(client: httpx.Client) -> None:
    client.post("/control/faults", json={"drop": "before", "path": "/kinds/list"})

    with pytest.raises(ConnectionResetError):
        client.get("/kinds/list")
    client.get("/kinds/lines", params={"since": "5"}, headers={"range": "bytes=7-"})
    client.post("/oauth/token", data={**GRANT, **CLIENT})

    dropped, lines, token = client.get("/control/requests").json()
    assert (dropped["fault"], dropped["status"]) == ("drop before", None)
    assert (lines["method"], lines["path"], lines["count"]) == ("GET", "/kinds/lines", 250)
    assert (lines["query"], lines["range"]) == ({"since": "5"}, "bytes=7-")
    assert (token["path"], token["grant_type"]) == ("/oauth/token", "client_credentials")
    assert "secret" not in str(token)


def test_the_program_takes_its_token_from_the_environment() -> None:
    arguments = ("--count", "3", "--token-env", "KINDS_TOKEN")
    with Service("dev.kinds_source", arguments, {"KINDS_TOKEN": "token-1"}) as service:
        path = f"{service.url}/auth/bearer/kinds/list"
        assert httpx.get(path).status_code == 401
        assert len(httpx.get(path, headers=bearer("token-1")).json()) == 3
