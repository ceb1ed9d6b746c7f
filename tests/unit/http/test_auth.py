from base64 import b64encode
from urllib.parse import quote

import httpx
import pytest

from durable.environment import Environment, Secret, Variable
from durable.errors import ConfigurationError, UpstreamError
from durable.http.auth import ApiKey, Auth, Basic, Bearer, Credentials
from durable.sources.http import HttpSource
from durable.sources.paging.cursors import BodyCursor
from tests.fakes.environment import an_environment
from tests.fakes.network import Network
from tests.fakes.source import context, read


def asked(
    auth: Auth, environment: Environment, answer: httpx.Response | None = None
) -> httpx.Request:
    """The request for a page."""
    network = Network(answer or httpx.Response(200, json={"items": [], "next_cursor": None}))
    source = HttpSource(
        records="items",
        url="https://notes.example/list?a=b",
        params={"c": "d"},
        paging=BodyCursor(),
        auth=auth,
    )
    read(source.reader(context(network, environment)))
    (request,) = network.requests
    return request


def refused(auth: Auth, environment: Environment) -> str:
    with pytest.raises(UpstreamError) as error:
        asked(auth, environment, httpx.Response(401))
    assert not error.value.is_transient
    return str(error.value)


def fault(auth: Auth, environment: Environment) -> str:
    with pytest.raises(ConfigurationError) as error:
        auth.signer(context(Network(), environment))
    return str(error.value)


# Bearer


def test_a_bearer_token_is_sent_in_its_header() -> None:
    request = asked(Bearer(Secret("TOKEN")), an_environment(TOKEN="t0ken"))

    assert request.headers["authorization"] == "Bearer t0ken"


# Basic


JIRA = an_environment(JIRA_USER="ann@acme.example", JIRA_TOKEN="pass:word=")


def test_a_user_and_a_password_are_sent_as_basic() -> None:
    request = asked(Basic(Variable("JIRA_USER"), Secret("JIRA_TOKEN")), JIRA)

    pair = b64encode(b"ann@acme.example:pass:word=").decode()
    assert request.headers["authorization"] == f"Basic {pair}"


def test_a_user_beyond_ascii_is_sent_in_utf_8() -> None:
    request = asked(Basic(Variable("A"), Secret("B")), an_environment(A="Zoë", B="password"))

    pair = b64encode("Zoë:password".encode()).decode()
    assert request.headers["authorization"] == f"Basic {pair}"


def test_a_key_may_stand_in_the_users_place() -> None:
    auth = Basic(Secret("KEY"))

    request = asked(auth, an_environment(KEY="k3y-k3y"))

    assert request.headers["authorization"] == f"Basic {b64encode(b'k3y-k3y:').decode()}"
    assert auth.secrets() == {"KEY"}


def test_a_user_is_no_secret_and_a_password_is() -> None:
    environment = an_environment(A="ann@acme.example", B="pass word")

    asked(Basic(Variable("A"), Secret("B")), environment)

    assert environment.redacted("ann@acme.example has pass word") == "ann@acme.example has ***"
    assert Basic(Variable("A"), Secret("B")).secrets() == {"B"}


def test_what_basic_makes_of_a_password_is_redacted_like_it() -> None:
    environment = an_environment(A="ann", B="pass?word>")
    pair = b64encode(b"ann:pass?word>").decode()

    asked(Basic(Variable("A"), Secret("B")), environment)

    assert environment.redacted(f"Basic {pair}, {quote(pair, '')}") == "Basic ***, ***"


def test_a_refused_password_names_what_to_check() -> None:
    assert "check the variable JIRA_USER and the secret JIRA_TOKEN" in refused(
        Basic(Variable("JIRA_USER"), Secret("JIRA_TOKEN")), JIRA
    )
    assert "check the secret KEY" in refused(Basic(Secret("KEY")), an_environment(KEY="k3y"))


@pytest.mark.parametrize("user", ["ann:bob", "ann\n"])
def test_a_user_that_basic_cannot_carry_is_named_with_the_remedy(user: str) -> None:
    message = fault(Basic(Variable("A"), Secret("B")), an_environment(A=user, B="password"))

    assert message.startswith("the variable A has a colon or a line break")
    assert message.endswith("set it again")
    assert user not in message


def test_a_missing_user_or_password_is_named_with_the_remedy() -> None:
    assert "the variable A is not set: add it" in fault(
        Basic(Variable("A"), Secret("B")), an_environment(B="b")
    )
    assert "npx wrangler secret put B" in fault(
        Basic(Variable("A"), Secret("B")), an_environment(A="a")
    )
    assert "npx wrangler secret put A" in fault(Basic(Secret("A")), an_environment())


# ApiKey


KEY = an_environment(KEY="k3y+/=& k3y")


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (ApiKey(Secret("KEY"), header="x-api-key"), "x-api-key", "k3y+/=& k3y"),
        (ApiKey(Secret("KEY"), header="X-Api-Key"), "x-api-key", "k3y+/=& k3y"),
        (
            ApiKey(Secret("KEY"), header="authorization", prefix="Token "),
            "authorization",
            "Token k3y+/=& k3y",
        ),
    ],
)
def test_a_key_is_sent_in_the_header_that_takes_it(auth: ApiKey, header: str, value: str) -> None:
    request = asked(auth, KEY)

    assert request.headers[header] == value
    assert dict(request.url.params) == {"a": "b", "c": "d"}


def test_a_key_is_sent_in_the_parameter_that_takes_it() -> None:
    request = asked(ApiKey(Secret("KEY"), param="api_key"), KEY)

    assert dict(request.url.params) == {"a": "b", "c": "d", "api_key": "k3y+/=& k3y"}
    assert "authorization" not in request.headers


def test_a_key_in_a_url_is_redacted_as_it_was_sent() -> None:
    environment = an_environment(KEY="k3y+/=& k3y")

    request = asked(ApiKey(Secret("KEY"), param="api_key"), environment)

    assert environment.redacted(str(request.url)).endswith("api_key=***")


def test_a_refused_key_names_what_to_check() -> None:
    assert "check the secret KEY" in refused(ApiKey(Secret("KEY"), param="key"), KEY)
    assert ApiKey(Secret("KEY"), param="key").secrets() == {"KEY"}


@pytest.mark.parametrize("places", [{}, {"header": "x-api-key", "param": "key"}], ids=str)
def test_a_key_goes_to_one_place(places: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"ApiKey\('KEY'\): name either the `header` or"):
        ApiKey(Secret("KEY"), **places)


@pytest.mark.parametrize("header", ["x api key", "x-api-key:", "x\nkey", "schlüssel"])
def test_a_header_that_there_cannot_be_is_refused(header: str) -> None:
    with pytest.raises(ConfigurationError, match="a character that no header's name has"):
        ApiKey(Secret("KEY"), header=header)


@pytest.mark.parametrize("prefix", ["Token\n", "Schlüssel "])
def test_a_prefix_that_no_header_can_carry_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the prefix .* is not ASCII"):
        ApiKey(Secret("KEY"), header="authorization", prefix=prefix)


# Links that carry a proof


SIGNED = Credentials(headers={"authorization": "Bearer t0ken/+"}, params={"api key": "k3y"})


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", ""),
        ("?", "?"),
        ("?page=2", "?page=2"),
        ("?page=2&api+key=k3y", "?page=2"),
        ("?api%20key=another&page=2", "?page=2"),
        ("?api+key=k3y", ""),
        ("?page=2&access_token=t0ken%2F%2B&x", "?page=2&x"),
        ("?page=2&access_token=t0ken/%2b#end", "?page=2#end"),
        ("?access_token=t0ken%2F%2B", ""),
        ("?a=b&&c=%zz&d=", "?a=b&&c=%zz&d="),
        ("?a&&b&api+key&c=%41", "?a&&b&c=%41"),
    ],
)
def test_what_is_proven_anew_is_left_out_of_a_link(query: str, left: str) -> None:
    url = "https://notes.example/list"

    assert SIGNED.left_out_of(url + query) == url + left


def test_a_proof_of_nothing_leaves_a_link_as_it_is() -> None:
    assert Credentials().left_out_of("https://a.example/?b=&c&d=e") == "https://a.example/?b=&c&d=e"
