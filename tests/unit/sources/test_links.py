"""Links to the next page, which a source could use to have the Worker talk to somebody else."""

import httpx
import pytest

from durable.environment import Secret
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.http.auth import Bearer
from durable.sources.http import HttpSource
from durable.sources.links import Links, named_origins
from durable.sources.paging.cursors import BodyCursor, NextUrl
from durable.sources.since import Since
from durable.sources.source import Records
from tests.fakes.environment import an_environment
from tests.fakes.errors import caused_by
from tests.fakes.network import Network
from tests.fakes.source import page_of


URL = "https://notes.example/api/list?space=A"
EU = "https://eu.notes.example:8443/somewhere"


def followed(link: str, url: str = URL, origins: tuple[str, ...] = (EU,)) -> str:
    return Links(named_origins(url, origins)).follow(link, url)


def refused(link: str, url: str = URL, origins: tuple[str, ...] = (EU,)) -> str:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_LINK)) as error:
        followed(link, url, origins)
    assert not error.value.is_transient
    return str(error.value)


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://notes.example/api/list?page=2", "https://notes.example/api/list?page=2"),
        ("https://notes.example:443/x", "https://notes.example/x"),
        ("HTTPS://NOTES.example/X", "https://notes.example/X"),
        ("//notes.example/x", "https://notes.example/x"),
        ("/x?page=2", "https://notes.example/x?page=2"),
        ("more?page=2", "https://notes.example/api/more?page=2"),
        ("?page=2", "https://notes.example/api/list?page=2"),
        ("../x", "https://notes.example/x"),
        ("/x?a=%2F%20b", "https://notes.example/x?a=%2F%20b"),
        ("https://eu.notes.example:8443/x", "https://eu.notes.example:8443/x"),
        ("/x?next=https://evil.example/", "https://notes.example/x?next=https://evil.example/"),
        ("/@evil.example/", "https://notes.example/@evil.example/"),
        ("http://notes.example/api/list?page=2", "https://notes.example/api/list?page=2"),
        ("http://notes.example:80/x", "https://notes.example/x"),
        ("http://notes.example:443/x", "https://notes.example/x"),
        ("http://eu.notes.example:8443/x", "https://eu.notes.example:8443/x"),
    ],
    ids=[
        "absolute",
        "default port",
        "upper case",
        "without a scheme",
        "path",
        "relative",
        "query",
        "parent",
        "escapes",
        "allowed origin",
        "another server in the query",
        "another server in the path",
        "without TLS",
        "without TLS, its port",
        "without TLS, but for the port",
        "without TLS, an allowed origin",
    ],
)
def test_a_link_to_the_sources_own_servers_is_followed(link: str, url: str) -> None:
    assert followed(link) == url


@pytest.mark.parametrize(
    ("link", "origin"),
    [
        ("https://evil.example/api/list", "https://evil.example"),
        ("//evil.example/api/list", "https://evil.example"),
        ("http://notes.example:8080/api/list", "http://notes.example:8080"),
        ("https://notes.example:8443/", "https://notes.example:8443"),
        ("https://notes.example:80/", "https://notes.example:80"),
        ("https://eu.notes.example/", "https://eu.notes.example"),
        ("http://eu.notes.example/", "http://eu.notes.example"),
        ("https://sub.notes.example/", "https://sub.notes.example"),
        ("https://notes.example.evil.example/", "https://notes.example.evil.example"),
        ("https://evilnotes.example/", "https://evilnotes.example"),
        ("https://notes.example./", "https://notes.example."),
        ("https://notes.example@evil.example/", "https://evil.example"),
        ("https://notes.example:443@evil.example/", "https://evil.example"),
        ("https://notes.example\\@evil.example/", "https://evil.example"),
        ("https://notes.example%2eevil.example/", "https://notes.example%2eevil.example"),
        ("http://127.0.0.1/", "http://127.0.0.1"),
        ("https://[::1]/", "https://[::1]"),
        ("https://[::ffff:127.0.0.1]:8443/", "https://[::ffff:127.0.0.1]:8443"),
        ("http://169.254.169.254/latest/meta-data", "http://169.254.169.254"),
        ("https://localhost/", "https://localhost"),
    ],
)
def test_a_link_to_another_server_is_refused(link: str, origin: str) -> None:
    assert f" {origin}, " in refused(link)


@pytest.mark.parametrize(
    "link",
    [
        "https://user:password@notes.example/",
        "https://user@notes.example/",
        "https://:@notes.example/",
        "https://evil.example\\@notes.example/",
        "//user:password@notes.example/",
    ],
)
def test_a_link_with_somebodys_name_is_refused(link: str) -> None:
    """The runtime takes a backslash for a slash, and would go to the server before it."""
    refused(link)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "ftp://notes.example/x",
        "https://notes.example:port/",
        "https://[::1/",
        "https://evil.example\t/",
        "ht\ntps://evil.example/",
        "https://xn--a/",
        "////evil.example/",
        "/x\x00",
        "/" + "x" * 70_000,
    ],
)
def test_what_is_no_url_of_a_server_is_refused(link: str) -> None:
    assert len(refused(link)) < 300


@pytest.mark.parametrize(
    "link",
    [
        "\\\\evil.example\\x",
        "/\\evil.example/x",
        "\\/evil.example/x",
        "///evil.example/x",
        "https:evil.example",
        "https:/evil.example/x",
        "https:///evil.example/x",
        " https://evil.example/",
        "https://:443/",
    ],
)
def test_a_link_that_browsers_read_otherwise_stays_on_the_server(link: str) -> None:
    """Whoever reads it: the URL that is asked for has been written out anew."""
    url = followed(link)

    assert url.startswith("https://notes.example/")
    assert httpx.URL(url).host == "notes.example"


def test_a_link_that_was_followed_is_followed_to_the_same_place() -> None:
    for link in ("?page=2", "/\\evil.example/x", "more", "https://eu.notes.example:8443/x"):
        assert followed(followed(link)) == followed(link)


@pytest.mark.parametrize("link", ["http://cdn.example/x", "https://cdn.example/x"])
def test_the_advice_never_names_a_server_without_tls(link: str) -> None:
    assert "link_origins, as https://cdn.example" in refused(link)


def test_a_server_that_is_named_with_and_without_tls_is_asked_with_it() -> None:
    origins = ("http://notes.example",)

    assert followed("http://notes.example/x", origins=origins) == "https://notes.example/x"


def test_without_further_origins_only_the_sources_own_is_allowed() -> None:
    assert "leads to https://eu.notes.example:8443" in refused(EU, origins=())


def test_a_local_source_is_followed_on_its_port_only() -> None:
    url = "http://[::1]:8787/list"

    assert followed("http://[::1]:8787/x", url) == "http://[::1]:8787/x"
    assert "is not followed" in refused("http://[::1]:8788/x", url)
    assert "is not followed" in refused("http://[::1]/x", url)


@pytest.mark.parametrize("origin", ["eu.notes.example", "", "ftp://eu.notes.example", "https://"])
def test_an_origin_that_is_no_server_is_refused(origin: str) -> None:
    with pytest.raises(ConfigurationError, match="names no server"):
        named_origins(URL, (origin,))


def test_an_address_and_a_port_are_not_another_address() -> None:
    assert refused("http://[fd00::1:8080]/", "http://[fd00::1]:8080/list")


# As the reader uses them


LINKED = HttpSource(
    records="items",
    url=URL,
    params={"limit": "5"},
    paging=NextUrl(path="next_cursor"),
    auth=Bearer(Secret("TOKEN")),
    since=Since(param="updated_since"),
    link_origins=("https://eu.notes.example:8443",),
)


def read(network: Network, cursor: str | None = None, since_ms: int | None = None) -> Records:
    return page_of(LINKED, network, cursor, since_ms, TOKEN="t0ken")


def page(next_cursor: str | None) -> httpx.Response:
    return httpx.Response(200, json={"items": [], "next_cursor": next_cursor})


def test_a_link_becomes_the_cursor_as_an_absolute_url() -> None:
    assert read(Network(page("?page=2"))).next_cursor == "https://notes.example/api/list?page=2"


def test_a_link_is_asked_for_as_it_is() -> None:
    network = Network(page(None))

    read(network, cursor="https://eu.notes.example:8443/x?page=2", since_ms=5)

    (request,) = network.requests
    assert str(request.url) == "https://eu.notes.example:8443/x?page=2"


def test_the_first_page_is_asked_for_with_the_parameters() -> None:
    network = Network(page(None))

    read(network, since_ms=0)

    assert dict(network.requests[0].url.params) == {
        "space": "A",
        "limit": "5",
        "updated_since": "1970-01-01T00:00:00.000Z",
    }


def test_a_link_elsewhere_is_refused_before_it_is_stored() -> None:
    with pytest.raises(UpstreamError, match="https://evil", check=caused_by(Cause.BAD_LINK)):
        read(Network(page("https://evil.example/")))


def test_a_link_elsewhere_that_was_stored_is_not_asked_for() -> None:
    """The connector may have named that server before it was deployed anew."""
    network = Network()

    with pytest.raises(UpstreamError, match="https://evil", check=caused_by(Cause.BAD_LINK)):
        read(network, cursor="https://evil.example/")

    assert network.requests == []


@pytest.mark.parametrize(
    "link", ["", "?page=2", "?p=" + "x" * 8_192], ids=["none", "the page's own", "too long"]
)
def test_a_link_that_leads_nowhere_is_refused(link: str) -> None:
    with pytest.raises(UpstreamError, check=caused_by(Cause.BAD_CURSOR)):
        read(Network(page(link)), cursor="https://notes.example/api/list?page=2")


def test_a_cursor_is_not_taken_for_a_link() -> None:
    source = HttpSource(
        records="items", url=URL, paging=BodyCursor(path="next_cursor", param="cursor")
    )
    network = Network(page("https://evil.example/"))

    assert page_of(source, network, "//evil.example").next_cursor == "https://evil.example/"
    assert network.requests[0].url.host == "notes.example"


def test_a_relative_link_is_read_from_its_own_page() -> None:
    records = read(Network(page("?page=3")), cursor="https://notes.example/api/v2/list?page=2")

    assert records.next_cursor == "https://notes.example/api/v2/list?page=3"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("/rest/api/space?start=2", "https://wiki.example/wiki/rest/api/space?start=2"),
        ("rest/api/space", "https://wiki.example/wiki/rest/api/space"),
        ("@evil.example/x", "https://wiki.example/wiki/@evil.example/x"),
        ("?start=2", "https://wiki.example/wiki/rest/api/space?start=2"),
        ("//wiki.example/x", "https://wiki.example/x"),
        ("https://wiki.example/x", "https://wiki.example/x"),
    ],
)
@pytest.mark.parametrize("base", ["${WIKI}/wiki", "${WIKI}/wiki/"])
def test_a_link_that_is_a_path_is_put_behind_the_base_that_is_declared(
    link: str, url: str, base: str
) -> None:
    source = HttpSource(
        records="items",
        url="${WIKI}/wiki/rest/api/space",
        paging=NextUrl(path="_links/next"),
        link_base=base,
    )
    answer = {"items": [{"id": "a"}, {"id": "b"}], "_links": {"next": link}}
    network = Network(httpx.Response(200, json=answer))

    assert page_of(source, network, WIKI="https://wiki.example").next_cursor == url


@pytest.mark.parametrize("link", ["//evil.example/x", "https://evil.example/", "http:evil"])
def test_a_base_leads_to_no_other_server(link: str) -> None:
    source = HttpSource(
        records="items",
        url="https://wiki.example/list",
        paging=NextUrl(),
        link_base="https://wiki.example/wiki",
    )
    network = Network(httpx.Response(200, json={"items": [], "next": link}))

    with pytest.raises(UpstreamError):
        page_of(source, network)


def test_a_base_on_another_server_is_one_that_is_named() -> None:
    source = HttpSource(
        records="items", url=URL, paging=NextUrl(), link_base="https://other.example/api"
    )
    network = Network(httpx.Response(200, json={"items": [], "next": "/list?page=2"}))

    with pytest.raises(
        UpstreamError, match=r"https://other\.example", check=caused_by(Cause.BAD_LINK)
    ):
        page_of(source, network)


def test_a_base_that_is_no_url_is_a_fault_of_the_declaration() -> None:
    with pytest.raises(ConfigurationError, match="WIKI"):
        HttpSource(records="items", url=URL, paging=NextUrl(), link_base="${WIKI}/wiki").locate(
            an_environment()
        )
