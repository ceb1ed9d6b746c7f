"""What comes from outside, too deep, too long or too large for JavaScript, through every door.

Each door is a row. Whatever comes through it, the process lives, and a neighbour's job goes on:
they are of one isolate.
"""

import socket
from base64 import urlsafe_b64encode
from collections.abc import Iterator

import httpx
import pytest
from msgspec import Struct

from dev.patience import wait_until
from dev.stack import TRIGGER_TOKEN
from durable.decoding import DEPTH_MAX
from tests.fakes.team import AUDIENCE, signed
from tests.simulation.effort import IS_WHOLE
from tests.workerd.doors.site import CERTS, Site, site


pytestmark = pytest.mark.workerd

DEPTHS = (9_000, 9_500, 12_000, 200_000)
SHORT = (9_000, 9_500, 11_500)  # in what may have 16 KB with all that is around it
EXACT = 2**53


class Door(Struct, frozen=True):
    """Where an answer comes in: from the source of a connector, or from Glean for its job."""

    connector: str
    path: str  # that is answered badly
    before: str = '{"items": [{"id": "a", "x": '
    after: str = '}], "next_cursor": null}'
    status: int = 200
    mode: str = "INCREMENTAL"
    depths: tuple[int, ...] = DEPTHS


GLEAN = "/api/index/v1"
DOORS = {
    "a page": Door("page", "/page"),
    "a page, in what is not looked at": Door("page", "/page", '{"y": ', ', "items": []}'),
    "a page in its records' place": Door("page", "/page", '{"items": ', "}"),
    "a page, in its cursor": Door("page", "/page", '{"items": [], "next_cursor": ', "}"),
    "a page that is nothing else": Door("page", "/page", "", ""),
    "a page that is cut": Door("page", "/page", '{"items": [{"id": ', "cut"),
    "a later page": Door("later", "/later?2"),
    "a page that is resumed": Door("resumed", "/later?2"),
    "a page of keyed records": Door(
        "keyed", "/keyed", '{"items": {"a": ', '}, "next_cursor": null}'
    ),
    "the only page": Door("single", "/single"),
    "a total": Door("totalled", "/totalled", '{"items": [], "next_cursor": null, "total": ', "}"),
    "a page that a rule looks at": Door("page", "/page", '{"error": {"code": ', "}}"),
    "an error that a rule looks at": Door("page", "/page", '{"error": {"code": ', "}}", 400),
    "an error": Door("page", "/page", "", "", 500),
    "a detail": Door("detailed", "/detail/a", '{"id": "a", "x": ', "}"),
    "a gathered list": Door("gathered", "/members/a"),
    "parents": Door("nested", "/parents"),
    "parents in their key's place": Door("nested", "/parents", '{"items": [{"id": '),
    "children": Door("nested", "/of/p"),
    "a line": Door("lines", "/lines", '{"id": "a", "x": ', "}\n"),
    "a page of GraphQL": Door("graph", "/graph", '{"data": {"x": {"nodes": [', "]}}}"),
    "GraphQL's errors": Door("graph", "/graph", '{"errors": [{"message": ', "}]}"),
    "a wiki's error": Door("wiki", "/wiki", '{"error": {"info": ', "}}"),
    "where a wiki goes on": Door("wiki", "/wiki", '{"continue": {"x": ', "}}"),
    "a token": Door("token", "/token", '{"access_token": "a", "x": ', "}"),
    "a token's refusal": Door("token", "/token", '{"error": ', "}", 400),
    "code of the author's": Door("python", "/python"),
    "a backend": Door("backend", "/index", '{"error": ', ', "status": "failed"}'),
    "Glean's status": Door("page", f"{GLEAN}/debug/doorspage/status", mode="FULL"),
    "Glean's answer to an upload": Door("page", f"{GLEAN}/bulkindexdocuments", mode="FULL"),
    # Each answer that is not believed counts for Glean's minute: more of them would be waited for.
    "Glean's answer to a document": Door("page", f"{GLEAN}/indexdocuments", depths=(200_000,)),
    "Glean's refusal": Door("page", f"{GLEAN}/indexdocuments", status=400),
    "whoever is told": Door("single", "/alerts", status=400),
}
NESTS = [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]"), ("[", "]")]


def nested(depth: int, nest: tuple[str, str], inside: str = "1") -> str:
    opening, closing = nest
    return opening * depth + inside + closing * depth


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("doors")) as started:
        yield started


@pytest.fixture(scope="module")
def neighbour(besieged: Site) -> str:
    """A job that is under way all the time."""
    return besieged.begun("good", "INCREMENTAL")


@pytest.fixture(autouse=True)
def going_on(besieged: Site, neighbour: str) -> Iterator[None]:
    """The process lives, and the neighbour's job has never been killed and comes further."""
    before = besieged.status(neighbour)["pages"]
    yield
    besieged.beyond.spoilt.clear()
    assert besieged.crash_count == 0
    job = wait_until(lambda: besieged.status(neighbour), lambda job: job["pages"] > before)
    assert job["state"] == "sending", job
    assert "killed" not in {event["what"] for event in job["events"]}


@pytest.mark.parametrize("name", DOORS)
def test_what_is_nested_too_deep_is_an_error_of_its_own(besieged: Site, name: str) -> None:
    door = DOORS[name]
    for depth, nest in [*zip(door.depths, NESTS, strict=False)][:: 1 if IS_WHOLE else 3]:
        body = f"{door.before}{nested(depth, nest)}{door.after}".encode()
        besieged.beyond.spoilt[door.path] = door.status, body

        job = besieged.ended(besieged.begun(door.connector, door.mode))

        assert len(str(job["last_error"])) < 1_000
        assert besieged.request("GET", "/health").status_code == 200
        assert besieged.crash_count == 0, (depth, nest)


@pytest.mark.parametrize("name", DOORS)
def test_what_is_as_deep_as_is_read_ends_nothing(besieged: Site, name: str) -> None:
    door = DOORS[name]
    body = f"{door.before}{nested(DEPTH_MAX - 10, ('[', ']'))}{door.after}".encode()
    besieged.beyond.spoilt[door.path] = door.status, body

    besieged.ended(besieged.begun(door.connector, door.mode))

    assert besieged.crash_count == 0


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("a page", "nested more than 500 deep"),
        ("a later page", "nested more than 500 deep"),
        ("a line", "nested more than 500 deep"),
        ("code of the author's", "nested more than 500 deep"),
        ("parents", "nested more than 500 deep"),
    ],
)
def test_the_error_says_what_it_was_and_is_not_tried_again(
    besieged: Site, name: str, error: str
) -> None:
    door = DOORS[name]
    body = f"{door.before}{nested(10_000, ('[', ']'))}{door.after}".encode()
    besieged.beyond.spoilt[door.path] = door.status, body

    job = besieged.ended(besieged.begun(door.connector, door.mode))

    assert job["state"] == "failed"
    assert error in job["last_error"]
    assert job["last_error_code"] == "source-unreadable"


@pytest.mark.parametrize(
    "number", [str(EXACT), str(EXACT + 1), "1" + "0" * 30, "1e300", "9" * 5_000]
)
def test_a_total_that_javascript_does_not_have_is_refused_and_named(
    besieged: Site, number: str
) -> None:
    body = f'{{"items": [{{"id": "a"}}], "next_cursor": "2", "total": {number}}}'
    besieged.beyond.spoilt["/totalled"] = 200, body.encode()

    job_id = besieged.begun("totalled")
    job = besieged.ended(job_id)

    assert job["state"] == "failed"
    assert "$.total" in job["last_error"]
    for path in (f"/status/{job_id}", "/connectors", "/jobs", f"/events/{job_id}", "/metrics"):
        assert besieged.request("GET", path).status_code == 200


def test_the_largest_total_that_javascript_has_is_shown(besieged: Site) -> None:
    body = f'{{"items": [{{"id": "a"}}], "next_cursor": "2", "total": {EXACT - 1}}}'
    besieged.beyond.spoilt["/totalled"] = 200, body.encode()

    job_id = besieged.begun("totalled")

    for path in (f"/status/{job_id}", "/connectors", "/jobs", f"/events/{job_id}", "/metrics"):
        assert besieged.request("GET", path).status_code == 200
    besieged.ended(job_id)


@pytest.mark.parametrize(
    "value", [str(EXACT + 1), "[" * 400 + "]" * 400, '{"a": 9223372036854775807}']
)
def test_what_glean_has_of_a_datasource_may_be_any_json(besieged: Site, value: str) -> None:
    path = f"{GLEAN}/getdatasourceconfig"
    besieged.beyond.spoilt[path] = 200, f'{{"name": "x", "displayName": {value}}}'.encode()

    assert besieged.request("GET", "/datasource/page").status_code in {200, 502}


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("path", [f"{GLEAN}/getdatasourceconfig", "/page"])
def test_a_check_survives_it(besieged: Site, path: str, depth: int) -> None:
    body = f'{{"items": [{{"id": "a", "x": {nested(depth, ("[", "]"))}}}]}}'
    besieged.beyond.spoilt[path] = 200, body.encode()

    assert besieged.request("POST", "/check/page").status_code == 200
    assert besieged.request("GET", "/datasource/page").status_code in {200, 502}


# The Worker's own doors, with the token and without it.

BEARER = {"authorization": f"Bearer {TRIGGER_TOKEN}"}


def part(content: str) -> str:
    return urlsafe_b64encode(content.encode()).decode().rstrip("=")


def to_access(besieged: Site, head: str, claims: str) -> dict[str, str]:
    del besieged
    return {"cf-access-jwt-assertion": f"{part(head)}.{part(claims)}.AAAA"}


@pytest.mark.parametrize("depth", [*SHORT, 8_000])
@pytest.mark.parametrize("beginning", ["[", '{"a":['])
def test_no_assertion_ends_the_process(besieged: Site, beginning: str, depth: int) -> None:
    deep = '{"alg": "RS256", "a": ' + (beginning * depth)[:11_000]

    for head, claims in ((deep, "{}"), ('{"alg": "RS256"}', deep), ("[" * 11_000, "{}")):
        headers = to_access(besieged, head, claims)
        answer = besieged.request("GET", "/connectors", headers=headers)

        assert answer.status_code in {401, 431}, answer.text
        assert besieged.request("GET", "/health").status_code == 200


@pytest.mark.parametrize("depth", DEPTHS)
def test_no_set_of_keys_ends_the_process(besieged: Site, depth: int) -> None:
    besieged.beyond.spoilt[CERTS] = 200, b'{"keys": ' + b"[" * depth
    claims = {"iss": besieged.beyond.url, "aud": [AUDIENCE], "exp": 4_000_000_000}
    assertion = signed({"alg": "RS256", "kid": f"deep-{depth}", "typ": "JWT"}, claims, "in-use")

    headers = {"cf-access-jwt-assertion": assertion}
    answer = besieged.request("GET", "/connectors", headers=headers)

    assert answer.status_code in {401, 503}, answer.text


BODIES = {
    **{f"{depth} deep": "[" * depth for depth in (501, *SHORT, 60_000)},
    "deep objects": '{"a":' * 12_000,
    "deep in a field": '{"mode":' + "[" * 60_000,
    "deep in another field": '{"x":' + "[" * 60_000,
    "too long": " " * 70_000,
    "a token twice": '{"token": "x", "token": "y", "x": 1}',
    "a lone surrogate": '{"\\ud800": 1}',
    "a lone surrogate in a value": '{"mode": "\\udfff"}',
    "a surrogate as bytes": b'{"\xed\xa0\x80": 1}',
    "no UTF-8": b'{"\xff": 1}',
    "a long name": '{"' + "k" * 60_000 + '": 1}',
    "a number past all": '{"differences": 1' + "0" * 400 + "}",
    "a number of digits": '{"differences": ' + "9" * 60_000 + "}",
    "a list past all": '{"list": "' + "9" * 60_000 + '"}',
    "an exponent": '{"differences": 1e999999}',
    "no number": '{"differences": NaN}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "nothing": "",
}
PATHS = ("/trigger", "/approve/{job}", "/setup/page", "/session")


@pytest.mark.parametrize("is_known", [True, False], ids=["with the token", "without"])
@pytest.mark.parametrize("path", PATHS)
def test_no_body_is_more_than_a_bad_request(
    besieged: Site, neighbour: str, path: str, *, is_known: bool
) -> None:
    headers, is_asked = BEARER if is_known else {}, is_known or path == "/session"
    for name, body in BODIES.items():
        content = body.encode() if isinstance(body, str) else body

        at = path.format(job=neighbour)
        answer = besieged.request("POST", at, content=content, headers=headers)

        assert answer.status_code in ({400, 413} if is_asked else {401}), (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


LONG = {
    "a path": (b"GET /" + b"a" * 15_000, b""),
    "a job's name": (b"GET /status/" + b"a" * 15_000, b""),
    "a query": (b"GET /jobs?" + b"a=1&" * 3_500, b""),
    "a query of JSON": (b"GET /jobs?before=" + b"[" * 14_000, b""),
    "a query twice": (b"GET /jobs?limit=1&limit=x", b""),
    "a query of no UTF-8": (b"GET /jobs?limit=%ff&%ed%a0%80=%ff", b""),
    "a header": (b"GET /jobs", b"x-long: " + b"a" * 14_000),
    "a cookie": (b"GET /jobs", b"cookie: " + b"__Host-session=[;" * 800),
    "a deep cookie": (b"GET /jobs", b"cookie: __Host-session=" + b"[" * 14_000),
    "an accept": (b"GET /jobs", b"accept: " + b'a/b;q="\\' * 1_500),
    "an authorization": (b"GET /jobs", b"authorization: Bearer " + b"[" * 14_000),
    "a key": (b"POST /trigger", b"idempotency-key: " + b"k" * 14_000),
    "an origin": (b"POST /trigger", b"origin: " + b"[" * 14_000),
    "a method": (b"A" * 9_000 + b" /jobs", b""),
    "a number": (b"GET /rejects/x?after=" + b"9" * 5_000 + b".1", b""),
}


@pytest.mark.parametrize("is_known", [True, False], ids=["with the token", "without"])
@pytest.mark.parametrize("name", LONG)
def test_nothing_that_is_too_long_makes_the_worker_fail(
    besieged: Site, name: str, *, is_known: bool
) -> None:
    line, header = LONG[name]
    bearer = f"authorization: Bearer {TRIGGER_TOKEN}\r\n".encode() if is_known else b""
    head = b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n" + bearer
    request = line + head + (header + b"\r\n" if header else b"") + b"\r\n{}"

    answer = exchanged(besieged, request)

    assert not answer.startswith((b"HTTP/1.1 500", b"HTTP/1.1 503")), answer[:300]
    assert b"Traceback" not in answer


def exchanged(besieged: Site, request: bytes) -> bytes:
    """The answer to these very bytes; nothing where the platform closes the connection."""
    url = httpx.URL(besieged.runtime.url)
    answer = bytearray()
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        try:
            connection.sendall(request)
            while received := connection.recv(65_536):
                answer += received
        except ConnectionError:
            pass
    return bytes(answer)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/approve/{job}", '{"list": "a", "list": "b"}'),
        ("/setup/page", '{"differences": 1, "differences": 2}'),
        ("/trigger", '{"mode": "FULL", "mode": "INCREMENTAL", "connector": "good"}'),
        ("/session", '{"token": "x", "token": "y"}'),
    ],
)
def test_of_a_name_that_is_there_twice_the_last_counts(
    besieged: Site, neighbour: str, path: str, body: str
) -> None:
    answer = besieged.request("POST", path.format(job=neighbour), content=body)

    assert answer.status_code < 500
    if path == "/trigger":
        assert answer.json()["id"] == neighbour
