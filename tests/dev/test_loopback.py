"""Local servers ask nobody for a token, and are there for this machine alone."""

from collections.abc import Iterator, Mapping

import httpx
import pytest
from starlette.responses import PlainTextResponse

from dev.loopback import serving


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(PlainTextResponse("done")) as url:
        yield url


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_program_is_answered(url: str, method: str) -> None:
    assert httpx.request(method, url).text == "done"
    local = url.replace("127.0.0.1", "localhost")
    headers = {"host": local.removeprefix("http://"), "origin": local}
    assert httpx.request(method, url, headers=headers).text == "done"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example", "origin": "http://evil.example"},
        {"host": "localhost.evil.example:80"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_what_another_site_sends_is_refused(url: str, headers: Mapping[str, str]) -> None:
    assert httpx.post(url, headers=headers).status_code == 403


def test_another_name_of_this_machine_reads_nothing_either(url: str) -> None:
    assert httpx.get(url, headers={"host": "evil.example"}).status_code == 403
