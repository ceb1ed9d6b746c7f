import pytest

from durable.environment import CONCEALED_MAX, Environment, SecretText
from durable.errors import ConfigurationError
from durable.http.glean_address import glean_url
from durable.limits import Limits
from tests.fakes.environment import an_environment


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = an_environment(TOKEN="t0ken").secret("TOKEN")

    assert secret.reveal() == "t0ken"
    for shown in (repr(secret), str(secret), f"{secret}", f"{[secret]}"):
        assert "t0ken" not in shown
        assert "TOKEN" in shown


def test_a_secret_that_was_read_is_redacted() -> None:
    environment = an_environment(A="t0ken", B="pass word", C="never read")
    environment.secret("A")
    environment.secret("B")

    text = environment.redacted("GET ?key=t0ken: t0ken and pass word refused; never read")

    assert text == "GET ?key=***: *** and *** refused; never read"


def test_a_secret_that_begins_with_another_is_redacted_whole() -> None:
    environment = an_environment(A="t0ken", B="t0ken-of-the-source")
    environment.secret("A")
    environment.secret("B")

    assert environment.redacted("t0ken-of-the-source") == "***"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("pass word/7", "pass%20word%2F7"),
        ("a+b=c&d", "a%2Bb%3Dc%26d"),
        ('say "t0ken"', 'say \\"t0ken\\"'),
        ("back\\slash", "back\\\\slash"),
    ],
    ids=["URL", "query", "JSON quotes", "JSON backslash"],
)
def test_a_secret_is_redacted_as_urls_and_json_have_it(secret: str, shown: str) -> None:
    environment = an_environment(A=secret)
    environment.secret("A")

    assert shown != secret
    assert environment.redacted(f"<{shown}> and <{secret}>") == "<***> and <***>"


@pytest.mark.parametrize(
    ("cut", "is_redacted"), [("t0ken-of-the-sourc", True), ("t0ken-", True), ("t0ken", False)]
)
def test_a_text_that_was_cut_within_a_secret_is_redacted_where_enough_of_it_is_left(
    cut: str, *, is_redacted: bool
) -> None:
    environment = an_environment(A="t0ken-of-the-source")
    environment.secret("A")

    assert environment.redacted(f"Bearer {cut}") == f"Bearer {'***' if is_redacted else cut}"


def test_the_beginning_of_a_secret_within_a_text_gives_nothing_away() -> None:
    environment = an_environment(A="t0ken-of-the-source")
    environment.secret("A")

    assert environment.redacted("t0ken-of-Ada and more") == "t0ken-of-Ada and more"


def test_every_secret_is_redacted_wherever_the_text_was_cut() -> None:
    environment = an_environment(A="first-secret", B="second-secret")
    environment.secret("A")
    environment.secret("B")
    text = "first-secret second-secret first-secret second-secret"

    for length in range(len(text) + 1):
        redacted = environment.redacted(text[:length])
        assert "first-" not in redacted
        assert "second" not in redacted


def test_a_text_without_secrets_stays_as_it_is() -> None:
    environment = an_environment(A="t0ken")
    environment.secret("A")

    assert environment.redacted("") == ""
    assert environment.redacted("no such thing") == "no such thing"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("abc/def+ghi=", "abc\\/def+ghi="),
        ("abc/def+ghi=", "abc/def+ghi\\u003d"),
        ("abc/def+ghi=", "abc%2fdef%2bghi%3d"),
        ("pass word/7", "pass+word%2F7"),
        ("aBc/Def+gHi=", "https://abc%2fdef%2bghi%3d"),
        ("abc/def+ghi=", "cut: abc%2Fdef%2Bgh"),
        ('say-"t0ken"-of', 'cut: say-\\"t0ken\\"'),
    ],
    ids=[
        "PHP's JSON",
        "Java's JSON",
        "a URL in lower case",
        "a form",
        "a host",
        "a URL that was cut",
        "JSON that was cut",
    ],
)
def test_a_secret_is_redacted_in_all_that_servers_make_of_it(secret: str, shown: str) -> None:
    environment = an_environment(A=secret)
    environment.secret("A")

    assert environment.redacted(shown).endswith("***")


@pytest.mark.parametrize("value", [None, "", 7, object()], ids=["unset", "empty", "int", "object"])
def test_only_a_text_counts_as_set(value: object) -> None:
    assert Environment(lambda _name: value).optional("NAME") is None


def test_a_variable_that_is_not_set_is_named_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError) as error:
        an_environment().variable("NOTES_URL")

    assert str(error.value) == (
        "the variable NOTES_URL is not set: add it to [vars] in wrangler.toml"
    )


def test_a_secret_that_is_not_set_is_named_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError) as error:
        an_environment().secret("TOKEN")

    assert "the secret TOKEN is not set" in str(error.value)
    assert "npx wrangler secret put TOKEN" in str(error.value)


@pytest.mark.parametrize("token", ["\u201ct0ken\u201d", "t0ken\n", "t0\x00ken"])
def test_a_secret_that_no_header_can_carry_is_named_with_the_remedy(token: str) -> None:
    environment = an_environment(TOKEN=token)

    with pytest.raises(ConfigurationError, match="npx wrangler secret put TOKEN") as error:
        environment.secret("TOKEN")

    assert "t0" not in str(error.value)
    assert environment.redacted(token) == "***"


def test_the_limits_are_the_defaults() -> None:
    assert an_environment().limits() == Limits()


def test_a_limit_that_is_set_differs() -> None:
    limits = an_environment(
        LIMITS='{"lease_ms": 3000, "shrink_max": 0.5, "shrink_count": 0}'
    ).limits()

    assert limits == Limits(lease_ms=3_000, shrink_max=0.5, shrink_count=0)


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ('{"lease": 3000}', "lease"),
        ('{"lease_ms": 0}', "lease_ms"),
        ('{"lease_ms": -5}', "lease_ms"),
        ('{"lease_ms": "3000"}', "lease_ms"),
        ('{"lease_ms": 1.5}', "lease_ms"),
        ('{"lease_ms": 9007199254740992}', "lease_ms"),
        ('{"rejects_max": 1000000000000000000000000000000}', "rejects_max"),
        ('{"lease_ms": ' + "[" * 10_000, "deep"),
        ('{"shrink_max": 20}', "shrink_max"),
        ('{"rejects_share_max": -0.1}', "rejects_share_max"),
        ('{"rejects_max": -1}', "rejects_max"),
        ("lease_ms=3000", "malformed"),
        ('{"lease_ms": 3000', "truncated"),
        ("[]", "object"),
    ],
)
def test_limits_that_are_not_right_are_named_with_the_remedy(limits: str, named: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        an_environment(LIMITS=limits).limits()

    fault, _, remedy = str(error.value).partition("; it takes a JSON object of ")
    assert fault.startswith("the variable LIMITS is not right: ")
    assert named in fault
    assert "lease_ms" in remedy.split(", ")


def test_gleans_url_comes_from_the_server_else_from_the_instance() -> None:
    server, instance = {"GLEAN_SERVER_URL": "https://a.example"}, {"GLEAN_INSTANCE": "acme"}

    assert glean_url(an_environment(**instance)) == "https://acme-be.glean.com/api/index/v1"
    assert glean_url(an_environment(**server, **instance)) == "https://a.example/api/index/v1"


@pytest.mark.parametrize("url", ["acme-be.glean.com", "ftp://acme.example", "https://", "http:///"])
def test_a_server_that_is_no_url_is_named_with_the_remedy(url: str) -> None:
    with pytest.raises(ConfigurationError, match="must start with https://") as error:
        glean_url(an_environment(GLEAN_SERVER_URL=url))

    assert url.rstrip("/") in str(error.value)


def test_a_secret_names_the_variable_it_is_from() -> None:
    assert SecretText("TOKEN", "t0ken").name == "TOKEN"


# What is made of secrets


def test_what_was_got_for_a_secret_is_redacted_like_one() -> None:
    environment = an_environment()
    assert environment.redacted("acc3ss/t0ken") == "acc3ss/t0ken"

    environment.conceal("acc3ss/t0ken")
    assert environment.redacted("acc3ss/t0ken an0ther") == "*** an0ther"
    environment.conceal("an0ther")
    assert environment.redacted("acc3ss/t0ken an0ther") == "*** ***"

    text = "acc3ss/t0ken acc3ss%2Ft0ken Bearer acc3ss/t0k"
    assert environment.redacted(text) == "*** *** Bearer ***"


def test_a_secret_that_is_read_later_is_redacted_from_then_on() -> None:
    environment = an_environment(A="first-secret", B="second-secret", C="third-secret")
    text = "first-secret second-secret third-secret"

    environment.secret("A")
    assert environment.redacted(text) == "*** second-secret third-secret"
    environment.hide("B")
    assert environment.redacted(text) == "*** *** third-secret"
    environment.conceal("third-secret")
    assert environment.redacted(text) == "*** *** ***"


def test_of_very_many_tokens_the_latest_are_redacted_and_all_secrets() -> None:
    environment = an_environment(A="deployed-secret")
    environment.secret("A")
    environment.conceal("used-all-along")
    for number in range(CONCEALED_MAX):
        environment.conceal("used-all-along")
        environment.conceal(f"token-{number:05}")

    text = "deployed-secret used-all-along token-00000 token-00001 token-00099"
    assert environment.redacted(text) == "*** *** token-00000 *** ***"


def test_of_two_beginnings_of_a_secret_each_is_redacted() -> None:
    environment = an_environment(A="eyJhbGciOiJI.eyJzdWIi")
    environment.secret("A")

    text = "eyJhbGciOiJ, eyJhbGxxx eyJhbG eyJhbGciOiJI.eyJ; eyJhb"
    assert environment.redacted(text) == "***, eyJhbGxxx *** ***; eyJhb"


def test_variables_are_filled_in_by_their_names() -> None:
    environment = an_environment(NOTES_URL="https://notes.example", SPACE_2="a")

    assert environment.filled("${NOTES_URL}/${SPACE_2}/{id}") == "https://notes.example/a/{id}"
    with pytest.raises(ConfigurationError, match="the variable TEAM is not set"):
        environment.filled("${TEAM}")
