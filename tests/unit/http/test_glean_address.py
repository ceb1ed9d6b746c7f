"""Where the indexing token goes: to Glean's server, or nowhere."""

import pytest

from durable.errors import ConfigurationError
from durable.http.glean_address import api_url, instance_of


ACME = "https://acme-be.glean.com/api/index/v1"


@pytest.mark.parametrize(
    "text",
    [
        "acme",
        " acme\n",
        "ACME",
        "acme-be.glean.com",
        "Acme-BE.Glean.com",
        "acme-be.glean.com:443",
        "acme-be.glean.com/",
        "https://acme-be.glean.com",
        "https://acme-be.glean.com/",
        "https://acme-be.glean.com:443/api/index/v1/",
        "HTTPS://ACME-BE.GLEAN.COM",
    ],
)
def test_an_instance_is_understood_however_it_is_pasted(text: str) -> None:
    assert api_url(None, text) == ACME
    assert instance_of(None, text) == "acme"


@pytest.mark.parametrize(
    "text",
    [
        "acme-be",  # of acme, or of acme-be
        "https://acme-be-be",
        "",
        "   ",
        "-acme",
        "acme-",
        "acme_x",
        "acme x",
        "acme.glean.com",
        "acme-be.glean.com.",
        "acme-be.glean.com:8443",
        "acme-be.glean.com.evil.example",
        "evil.example",
        "evil.example/x",
        "evil.example/acme-be.glean.com",
        "evil.example#",
        "evil.example?",
        "evil.example\\",
        "evil.example/?",
        "evil.example:80#",
        "user:pass@acme-be.glean.com",
        "acme-be.glean.com@evil.example",
        "https://acme-be.glean.com@evil.example/",
        "https://acme-be.glean.com\\@evil.example/",
        "http://acme-be.glean.com",
        "https://acme-be.glean.com/rest/api/v1",
        "https://app.glean.com/admin/about-glean",
        "https://acme-be.glean.com?x=1",
        "acme-bé.glean.com",
        "\u0430cme",  # a letter that only looks like an a
        "127.0.0.1",
        "localhost:8080",
        "//acme-be.glean.com",
        "https:acme-be.glean.com",
        "a" * 64,
    ],
)
def test_an_instance_that_may_be_another_server_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ConfigurationError, match="GLEAN_SERVER_URL"):
        api_url(None, text)
    with pytest.raises(ConfigurationError):
        instance_of(None, text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://acme-be.glean.com", ACME),
        ("https://acme-be.glean.com/", ACME),
        (" https://acme-be.glean.com\n", ACME),
        ("HTTPS://Acme-be.Glean.com", ACME),
        (ACME, ACME),
        (f"{ACME}/", ACME),
        ("https://acme-be.glean.com:443", ACME),
        ("https://glean.example:8443", "https://glean.example:8443/api/index/v1"),
        ("https://gateway.example/Glean/", "https://gateway.example/Glean/api/index/v1"),
        ("https://10.1.2.3", "https://10.1.2.3/api/index/v1"),
        ("http://localhost:8080", "http://localhost:8080/api/index/v1"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/api/index/v1"),
        ("http://127.9.9.9", "http://127.9.9.9/api/index/v1"),
        ("http://[::1]:8080", "http://[::1]:8080/api/index/v1"),
    ],
)
def test_a_server_is_asked_at_its_indexing_api(text: str, url: str) -> None:
    assert api_url(text, None) == url
    assert api_url(text, "other") == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "acme",
        "acme-be.glean.com",
        "https://",
        "http:///",
        "ftp://acme-be.glean.com",
        "https://acme",
        "http://acme-be.glean.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://0.0.0.0",
        "http://10.1.2.3",
        "https://user:pass@acme-be.glean.com",
        "https://acme-be.glean.com@evil.example",
        "https://acme-be.glean.com\\@evil.example",
        "https://acme-be.glean.com\\.evil.example",
        "https://acme-be.glean.com /",
        "https://acme-be.glean.com/?token=x",
        "https://acme-be.glean.com/#x",
        "https://acme-be.glean.com%2f.evil.example",
        "https://acme-be.glean.com/rest/api/v1",
        "https://acme-bé.glean.com",
        "https://-acme.example",
        "https://acme-be.glean.com:port",
        "https:/acme-be.glean.com",
    ],
)
def test_a_server_that_is_not_one_of_the_web_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ConfigurationError, match="GLEAN_SERVER_URL"):
        api_url(text, "acme")


def test_where_nothing_is_set_the_server_url_is_asked_for_first() -> None:
    with pytest.raises(ConfigurationError) as error:
        api_url(None, None)

    text = str(error.value)
    assert 0 <= text.index("GLEAN_SERVER_URL") < text.index("GLEAN_INSTANCE")


@pytest.mark.parametrize("look", [api_url, instance_of])
@pytest.mark.parametrize(
    "text",
    [
        *("someone:s3cret@acme-be.glean.com", "https://someone:s3cret@acme-be.glean.com"),
        *("acme-be.glean.com/?key=s3cret", "https://acme-be.glean.com/?key=s3cret", "s3cret" * 9),
    ],
)
def test_what_may_be_a_secret_is_not_quoted(look: object, text: str) -> None:
    for arguments in ((text, None), (None, text)):
        with pytest.raises(ConfigurationError) as error:
            look(*arguments)  # type: ignore[operator]
        assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("server_url", "instance", "name"),
    [
        ("https://acme-be.glean.com", None, "acme"),
        ("https://acme-be.glean.com/api/index/v1", None, "acme"),
        ("http://127.0.0.1:8080", "acme", "acme"),
        ("https://other-be.glean.com", "acme", "acme"),
    ],
)
def test_the_instances_name_comes_from_whichever_tells_it(
    server_url: str, instance: str | None, name: str
) -> None:
    assert instance_of(server_url, instance) == name


@pytest.mark.parametrize("server_url", [None, "https://glean.example"])
def test_an_instance_that_nothing_tells_is_asked_for(server_url: str | None) -> None:
    with pytest.raises(ConfigurationError, match="npx wrangler secret put GLEAN_INSTANCE"):
        instance_of(server_url, None)
