"""A source does not choose whom the Worker talks to. See docs/security.md."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from durable.environment import Secret
from durable.errors import UpstreamError
from durable.http.auth import Bearer
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor, NextUrl
from tests.fakes.network import Network
from tests.fakes.source import page_of


URL = "https://source.example/v1/list?limit=100"
ORIGIN = "https://source.example"
TOKEN = "s0urce-t0ken"
ELSEWHERE = [
    *(
        "https://evil.example/",
        "//evil.example/",
        "http://source.example:8080/",
        "https://source.example:8443/",
    ),
    *(
        "https://source.example.evil.example/",
        "https://evilsource.example/",
        "https://sub.source.example/",
    ),
    *(
        "https://source.example@evil.example/",
        "https://user@source.example/",
        "https://:p@source.example/",
    ),
    *("https://evil.example#@source.example/", "https://evil.example?@source.example/"),
    *("https://evil.example\\@source.example/", "https://source.example\\@evil.example/"),
    *("https://source.example:443@evil.example/", "https://[::1]/", "http://127.0.0.1:8787/"),
    *("http://169.254.169.254/latest/meta-data", "http://2130706433/", "http://localhost/"),
    *(
        "https://source.example./",
        "https://\u0455ource.example/",
        "https://source\u3002example.evil.example/",
    ),
    *("file:///etc/passwd", "ftp://source.example/", "javascript:alert(1)", "data:text/plain,x"),
    *(
        "https://source.example\t.evil.example/",
        "https://ev\nil.example/",
    ),
    *("https://source.example:99999/", "https://source.example:-1/", "https://[", "https://%00/"),
    *(
        "\x00https://evil.example/",
        "https://source.example%2eevil.example/",
    ),
    *("https://source.example%40evil.example/", "https://source.example%2f.evil.example/"),
]
OWN = [
    *("?cursor=2", "/v1/list?cursor=2", "next", "../x", "https://source.example/v1/list?cursor=2"),
    *("https://SOURCE.example/x", "https://source.example:443/x", "//source.example/x", "#x", ""),
    *("/\\evil.example/", "\\\\evil.example/", "/\t/evil.example/", "https:evil.example/"),
    *("https:///evil.example/", "https:/evil.example/", "///evil.example/", "/@evil.example/"),
    *(
        "https:\\\\evil.example/",
        " https://evil.example/",
        "?next=https://evil.example/",
        "/%2f%2fevil.example/",
        "/..//evil.example/",
        ".//evil.example/",
    ),
]


PLAIN = HttpSource(records="items", url=URL, paging=BodyCursor(path="next_cursor", param="cursor"))


def followed(link: str, origins: tuple[str, ...] = ()) -> list[httpx.Request]:
    """What is asked for where the first page names this link."""
    first = httpx.Response(200, json={"items": [], "next_cursor": link})
    last = httpx.Response(200, json={"items": [], "next_cursor": None})
    network = Network(first, last)
    source = HttpSource(
        records="items",
        url=URL,
        paging=NextUrl(path="next_cursor"),
        auth=Bearer(Secret("S")),
        link_origins=origins,
    )
    with suppress(UpstreamError):
        page = page_of(source, network, S=TOKEN)
        page_of(source, network, page.next_cursor, S=TOKEN)
    return network.requests


@pytest.mark.parametrize("link", ELSEWHERE, ids=ascii)
def test_a_link_that_leads_elsewhere_is_not_followed(link: str) -> None:
    requests = followed(link)

    assert [str(request.url) for request in requests[1:]] == []


@pytest.mark.parametrize("link", OWN, ids=ascii)
def test_a_link_is_followed_to_the_sources_own_origin_only(link: str) -> None:
    for request in followed(link):
        assert f"{request.url.scheme}://{request.url.netloc.decode()}" == ORIGIN


def test_what_is_followed_the_runtimes_own_parser_reads_alike() -> None:
    """Two parsers that differ about a URL would let one through that the other sends elsewhere."""
    urls = [str(request.url) for link in [*OWN, *ELSEWHERE] for request in followed(link)]
    script = "console.log(JSON.stringify(JSON.parse(process.argv[1]).map(u => new URL(u).origin)))"
    node = Path(sys.executable).with_name("node")

    ended = subprocess.run(
        [node, "-e", script, json.dumps(urls)], capture_output=True, check=True, text=True
    )

    assert set(json.loads(ended.stdout)) == {ORIGIN}


def test_a_connector_may_allow_further_origins_and_the_token_goes_there() -> None:
    requests = followed("https://eu.example/x", ("https://eu.example",))

    assert [request.url.host for request in requests] == ["source.example", "eu.example"]
    assert requests[1].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "link", ["http://eu.example:81/", "https://eu.example:8443/", "https://x.eu.example/"]
)
def test_an_allowed_origin_is_that_one_only(link: str) -> None:
    assert len(followed(link, ("https://eu.example",))) == 1


@pytest.mark.parametrize("link", ["http://eu.example/x", "http://eu.example:80/x"])
def test_no_link_has_the_token_sent_for_all_to_read(link: str) -> None:
    """Also where the connector names the server without TLS."""
    with_tls = followed(link, ("https://eu.example",))
    without_tls = followed(link, ("http://eu.example",))

    assert [str(request.url) for request in with_tls[1:]] == ["https://eu.example/x"]
    assert without_tls[1:] == []


def test_without_links_a_cursor_is_a_parameter_whatever_it_holds() -> None:
    first = httpx.Response(200, json={"items": [], "next_cursor": "https://evil.example/"})
    network = Network(first, httpx.Response(200, json={"items": [], "next_cursor": None}))

    page = page_of(PLAIN, network)
    page_of(PLAIN, network, page.next_cursor)

    assert {request.url.host for request in network.requests} == {"source.example"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_only_its_origin_told(status: int) -> None:
    answer = httpx.Response(status, headers={"location": f"https://evil.example/?t={TOKEN}"})
    network = Network(answer)

    with pytest.raises(UpstreamError, match=r"a redirect to https://evil\.example") as caught:
        page_of(PLAIN, network)

    assert len(network.requests) == 1
    assert TOKEN not in str(caught.value)
