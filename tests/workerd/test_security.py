"""Callers that mean ill, on the real runtime. See docs/security.md."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from dev.stack import TRIGGER_TOKEN, Stack


pytestmark = pytest.mark.workerd

FULL = b'{"mode": "FULL"}'
BEARER = f"Authorization: Bearer {TRIGGER_TOKEN}\r\n".encode()
LATENCY_MS = 300  # of the source, so that a job is under way while a hundred ask for it


def exchanged(stack: Stack, request: bytes, *, is_whole: bool = True) -> tuple[int, bytes]:
    """The status and the rest of the answer to these very bytes; 0 where there is none."""
    url = httpx.URL(stack.worker_url)
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(request)
        answer = bytearray()
        try:
            while part := connection.recv(65_536):
                answer += part
                if not is_whole:
                    break
        except ConnectionResetError:
            pass
    stack.keep(bytes(answer) + b"\n")
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else 0, bytes(answer)


def a_request(line: bytes, headers: bytes = b"", body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n".encode()
    return (
        line + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + length + headers + b"\r\n" + body
    )


@pytest.mark.parametrize(
    "path",
    [
        *(b"/trigger", b"//trigger", b"/./trigger", b"/x/../trigger", b"/health/../trigger"),
        *(b"/health/%2e%2e/trigger", b"/%74rigger", b"/trigger/", b"/trigger?x=/health"),
        *(b"/trigger#/health", b"/trigger;/health", b"/trigger%00/health", b"/trigger\\..\\health"),
        *(b"/health%2f..%2ftrigger", b"http://evil.example/trigger", b"/TRIGGER", b"trigger"),
        *(b"/trigger\x00", b"/\xff\xfe", b"/" + b"a" * 20_000, b"/status/" + b"../" * 2_000),
    ],
    ids=lambda path: repr(path[:30]),
)
def test_no_path_leads_past_the_token(stack: Stack, path: bytes) -> None:
    without, answer = exchanged(stack, a_request(b"POST " + path, body=FULL))
    wrong, _ = exchanged(stack, a_request(b"POST " + path, b"Authorization: Bearer x\r\n", FULL))

    assert {without, wrong} <= {0, 400, 401, 404, 405, 414, 431}, answer


@pytest.mark.parametrize(
    "path",
    [
        *(b"/status/..", b"/status/%2e%2e", b"/status/%2f", b"/status/%00", b"/status/\x7f"),
        *(b"/status/" + b"a" * 15_000, b"/status/%ff%fe", b"/status/..%5c", b"//status//x", b"/%"),
        *(
            b"/rejects/x?after=%00",
            b"/rejects/x?" + b"after=1.1&" * 1_000,
            b"/status/?x",
            b"/?/../",
        ),
    ],
    ids=lambda path: repr(path[:30]),
)
def test_no_path_makes_the_worker_fail(stack: Stack, path: bytes) -> None:
    status, answer = exchanged(stack, a_request(b"GET " + path, BEARER))

    # Some of them the runtime takes for `/`, which is the dashboard's page.
    assert status in {400, 404} or b"<!doctype html>" in answer, answer
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "headers",
    [
        b"Authorization: Bearer x\r\n" + BEARER,
        BEARER + b"Authorization: Bearer x\r\n",
        BEARER + BEARER,
        b"Authorization:\r\n Bearer " + TRIGGER_TOKEN.encode()[1:] + b"\r\n",
        b"Authorization: Bearer\x00" + TRIGGER_TOKEN.encode() + b"\r\n",
        b"Authorization: Bearer " + TRIGGER_TOKEN.encode() + b"\xff\r\n",
        b"X-Authorization: Bearer " + TRIGGER_TOKEN.encode() + b"\r\n",
    ],
    ids=["wrong, right", "right, wrong", "twice", "folded", "NUL", "not UTF-8", "another name"],
)
def test_of_several_or_broken_authorizations_none_counts(stack: Stack, headers: bytes) -> None:
    status, answer = exchanged(stack, a_request(b"POST /trigger", headers, FULL))

    assert status in {0, 400, 401}, answer


@pytest.mark.parametrize(
    "key",
    [
        b"a\r\n b",
        b"a\rb",
        b"a\nb: c",
        b"a\x00b",
        b"\x1b[31m",
        b"cl\xc3\xa9",
        b"\xff",
        b"",
        b"k" * 256,
    ],
    ids=repr,
)
def test_a_key_with_control_characters_is_refused(stack: Stack, key: bytes) -> None:
    headers = BEARER + b"Idempotency-Key: " + key + b"\r\n"

    # Without a mode: not even a key that a proxy has mended may begin a job here.
    status, answer = exchanged(stack, a_request(b"POST /trigger", headers, b"{}"))

    assert status in {0, 400}, answer


@pytest.mark.parametrize(
    "name", [b"X-HTTP-Method-Override", b"X-HTTP-Method", b"X-Method-Override"]
)
def test_no_header_changes_the_method(stack: Stack, name: bytes) -> None:
    headers = BEARER + name + b": POST\r\n"

    status, answer = exchanged(stack, a_request(b"GET /trigger", headers, FULL))

    assert status == 405, answer


@pytest.mark.parametrize("host", [b"evil.example", b"evil.example:99", b"", b"x/../y"])
def test_the_host_is_not_believed(stack: Stack, host: bytes) -> None:
    for headers in (b"Host: " + host, b"Host: x\r\nX-Forwarded-Host: " + host):
        line = b"GET /status/none HTTP/1.1\r\nConnection: close\r\n"
        status, answer = exchanged(stack, line + BEARER + headers + b"\r\n\r\n")

        assert status in {0, 400, 404}, answer
        assert b"evil.example" not in answer


def test_a_body_that_does_not_end_is_refused_before_it_ends(stack: Stack) -> None:
    head = b"POST /trigger HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + BEARER + b"\r\n"
    part = b"4000\r\n" + b" " * 0x4000 + b"\r\n"

    status, answer = exchanged(stack, head + part * 5, is_whole=False)

    assert status == 413, answer


def test_a_body_that_is_announced_too_large_is_not_waited_for(stack: Stack) -> None:
    head = b"POST /trigger HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n" + BEARER + b"\r\n"

    status, answer = exchanged(stack, head + b" " * 100_000, is_whole=False)

    assert status == 413, answer


@pytest.mark.parametrize(
    "body",
    [b"[" * 60_000, b'{"mode":' * 8_000, b'{"mode": 1e99999}', b"\xff\xfe", b'{"mode": "\\ud800"}'],
    ids=lambda body: repr(body[:12]),
)
def test_a_malformed_body_is_refused(stack: Stack, body: bytes) -> None:
    assert stack.request("POST", "/trigger", content=body).status_code == 400


@pytest.mark.usefixtures("quiet")
def test_a_hundred_triggers_at_once_give_one_job(stack: Stack) -> None:
    stack.control_source("latency", ms=LATENCY_MS)
    url, bearer = f"{stack.worker_url}/trigger", {"authorization": f"Bearer {TRIGGER_TOKEN}"}

    def trigger(number: int) -> httpx.Response:
        headers = {**bearer, "idempotency-key": f"flood {number % 50}"}
        return httpx.post(url, content=FULL, headers=headers, timeout=60)

    with ThreadPoolExecutor(25) as pool:
        responses = list(pool.map(trigger, range(100)))
    stack.control_source("latency", ms=0)

    assert {response.status_code for response in responses} == {202}
    (job_id,) = {response.json()["id"] for response in responses}
    assert stack.ended(job_id)["state"] == "succeeded"
