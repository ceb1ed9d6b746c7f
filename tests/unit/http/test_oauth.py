import asyncio
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from durable.environment import Secret, Variable
from durable.errors import Cause, ConfigurationError, UpstreamError
from durable.http.oauth import ClientCredentials, RefreshToken
from tests.fakes.answers import a_page
from tests.fakes.client import SECRETS, SignedReader, a_refusal, a_token
from tests.fakes.environment import an_environment
from tests.fakes.network import Network
from tests.fakes.source import a_crawl, context


CREDENTIALS = ClientCredentials(
    endpoint="${LOGIN_URL}/token",
    client_id=Variable("CLIENT_ID"),
    client_secret=Secret("CLIENT_SECRET"),
)
REFRESH = RefreshToken(
    endpoint="${LOGIN_URL}/token",
    client_id=Variable("CLIENT_ID"),
    client_secret=Secret("CLIENT_SECRET"),
    refresh_token=Secret("REFRESH_TOKEN"),
)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


def form(request: httpx.Request) -> dict[str, str]:
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    return {name: value for name, (value,) in parse_qs(request.content.decode()).items()}


def failed(client: SignedReader) -> UpstreamError:
    with pytest.raises(UpstreamError) as error:
        client.read()
    return error.value


# How a token is asked for


def test_a_token_is_asked_for_with_the_clients_secret_and_sent_as_a_bearer() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1", expires_in=3600))

    client.read()

    (request,) = client.token_requests
    assert str(request.url) == "https://login.example/token"
    assert request.headers["accept"] == "application/json"  # GitHub's sends a form without it
    assert form(request) == {"grant_type": "client_credentials"}
    assert client.proofs == ["Bearer t-1"]


def test_the_client_proves_itself_in_a_header_encoded_as_in_a_form() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1"))

    client.read()

    pair = b64encode(b"the+client:cl1ent%2Fs3cret").decode()
    assert client.token_requests[0].headers["authorization"] == f"Basic {pair}"


def test_the_client_may_prove_itself_in_the_body() -> None:
    client = SignedReader(
        ClientCredentials(
            endpoint="https://login.example/token",
            client_id=Variable("CLIENT_ID"),
            client_secret=Secret("CLIENT_SECRET"),
            client_in_body=True,
        )
    )
    client.gives(a_token("t-1"))

    client.read()

    (request,) = client.token_requests
    assert "authorization" not in request.headers
    assert form(request) == {
        "grant_type": "client_credentials",
        "client_id": "the client",
        "client_secret": "cl1ent/s3cret",
    }


def test_a_scope_and_further_params_are_sent_with_variables_filled_in() -> None:
    client = SignedReader(
        ClientCredentials(
            endpoint="${LOGIN_URL}/token",
            client_id=Variable("CLIENT_ID"),
            client_secret=Secret("CLIENT_SECRET"),
            scope="notes.read users.read",
            params={"audience": "https://${TENANT}.example/"},
        ),
        TENANT="acme",
    )
    client.gives(a_token("t-1"))

    client.read()

    assert form(client.token_requests[0]) == {
        "grant_type": "client_credentials",
        "scope": "notes.read users.read",
        "audience": "https://acme.example/",
    }


def test_a_refresh_token_is_sent_with_the_clients_proof() -> None:
    client = SignedReader(REFRESH)
    client.gives(a_token("t-1"))

    client.read()

    (request,) = client.token_requests
    assert request.headers["authorization"].startswith("Basic ")
    assert form(request) == {"grant_type": "refresh_token", "refresh_token": "r3fresh/t0ken"}
    assert client.proofs == ["Bearer t-1"]


def test_they_name_their_secrets() -> None:
    assert CREDENTIALS.secrets() == {"CLIENT_SECRET"}
    assert REFRESH.secrets() == {"CLIENT_SECRET", "REFRESH_TOKEN"}


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_what_is_not_set_is_named_before_anything_is_asked(missing: str) -> None:
    environment = an_environment(**{**SECRETS, missing: None})

    with pytest.raises(ConfigurationError, match=f"{missing} is not set"):
        REFRESH.signer(context(Network(), environment))


def test_a_token_url_that_names_no_server_is_refused() -> None:
    environment = an_environment(**{**SECRETS, "LOGIN_URL": "login.example"})

    with pytest.raises(ConfigurationError, match="names no server"):
        CREDENTIALS.signer(context(Network(), environment))


@pytest.mark.parametrize("in_body", [False, True])
def test_a_clients_secret_is_not_sent_for_all_to_read(in_body: bool) -> None:  # noqa: FBT001
    client = SignedReader(
        ClientCredentials(
            endpoint="http://login.example/token",
            client_id=Variable("CLIENT_ID"),
            client_secret=Secret("CLIENT_SECRET"),
            client_in_body=in_body,
        )
    )

    error = failed(client)

    assert not error.is_transient
    assert client.token_requests == []


@pytest.mark.parametrize("name", ["scope", "client_secret", "grant_type"])
@pytest.mark.parametrize("kind", [ClientCredentials, RefreshToken])
def test_params_that_have_a_field_of_their_own_are_refused(kind: Any, name: str) -> None:
    fields: dict[str, Any] = {
        "endpoint": "X",
        "client_id": Variable("X"),
        "client_secret": Secret("X"),
    }
    if kind is RefreshToken:
        fields["refresh_token"] = Secret("X")

    with pytest.raises(ConfigurationError, match=f"have {name}: use the fields"):
        kind(**fields, params={name: "x"})


# How long a token is kept


@pytest.mark.parametrize(
    ("expires_in", "good_ms"),
    [
        (3600, 59 * MINUTE_MS),
        ("nan", 59 * MINUTE_MS),
        ("inf", 999_999_940_000),
        ("3600", 59 * MINUTE_MS),
        (3600.5, 59 * MINUTE_MS + 500),
        (100, 90_000),
        (None, 59 * MINUTE_MS),
        (0, 59 * MINUTE_MS),
        (-1, 59 * MINUTE_MS),
        (10**300, 10**12 - MINUTE_MS),
    ],
)
def test_a_token_is_renewed_before_it_ends_and_not_sooner(expires_in: Any, good_ms: int) -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1", expires_in=expires_in), a_token("t-2"))

    client.read()
    client.now_ms += good_ms - 1
    client.read()
    client.now_ms += 1
    client.read()

    assert client.proofs == ["Bearer t-1", "Bearer t-1", "Bearer t-2"]


def test_a_token_that_does_not_say_when_it_ends_is_kept_for_an_hour() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1"), a_token("t-2"))

    client.read()
    client.now_ms += HOUR_MS - MINUTE_MS - 1
    client.read()
    assert len(client.token_requests) == 1

    client.now_ms += 1
    client.read()
    assert len(client.token_requests) == 2


def test_a_tokens_life_counts_from_when_it_was_asked_for() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1", expires_in=3600), a_token("t-2"))

    async def dawdle() -> None:
        client.now_ms += 30 * MINUTE_MS

    client.network.meanwhile(1, dawdle)
    client.read()
    client.now_ms += 29 * MINUTE_MS
    client.read()

    assert client.proofs == ["Bearer t-1", "Bearer t-2"]


def test_another_object_asks_anew() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1"), a_token("t-2"))

    client.read()
    client.restarted()
    client.read()

    assert client.proofs == ["Bearer t-1", "Bearer t-2"]


def test_another_secret_asks_anew() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1"), a_token("t-2"))
    client.read()

    client.environment = an_environment(**{**SECRETS, "CLIENT_SECRET": "another"})
    client.read()

    assert client.proofs == ["Bearer t-1", "Bearer t-2"]


# Many at once


def test_many_requests_at_once_ask_for_one_token() -> None:
    client = SignedReader(CREDENTIALS)
    client.network.rounds = 5
    client.gives(a_token("t-1"))
    client.sends(*(a_page("a") for _ in range(7)))

    async def at_once() -> None:
        same, other = client.reader(), client.reader()
        readers = [same, same, same, other, client.reader(), other, same]
        await asyncio.gather(*(reader.fetch(None, a_crawl()) for reader in readers))

    asyncio.run(at_once())

    assert len(client.token_requests) == 1
    assert client.proofs == ["Bearer t-1"] * 7


def test_many_that_are_refused_at_once_renew_it_once() -> None:
    client = SignedReader(CREDENTIALS)
    client.network.rounds = 5
    client.gives(a_token("t-1"), a_token("t-2"))
    client.sends(*(httpx.Response(401) for _ in range(5)), *(a_page("a") for _ in range(5)))

    async def at_once() -> None:
        await asyncio.gather(*(client.reader().fetch(None, a_crawl()) for _ in range(5)))

    asyncio.run(at_once())

    assert len(client.token_requests) == 2
    assert client.proofs == ["Bearer t-1"] * 5 + ["Bearer t-2"] * 5


def test_one_that_is_refused_late_takes_the_token_that_is_there_by_then() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1"), a_token("t-2"))
    client.sends(httpx.Response(401), httpx.Response(401), a_page("a"), a_page("a"))

    async def overtaken() -> None:
        await client.reader().fetch(None, a_crawl())

    client.network.meanwhile(2, overtaken)  # while the first page is under way
    client.read()

    assert len(client.token_requests) == 2
    assert client.proofs == ["Bearer t-1", "Bearer t-1", "Bearer t-2", "Bearer t-2"]


def test_many_that_wait_for_a_token_that_is_refused_get_the_same_error() -> None:
    client = SignedReader(CREDENTIALS)
    client.network.rounds = 5
    client.gives(a_refusal("invalid_client", 401))

    async def at_once() -> list[object]:
        fetching = (client.reader().fetch(None, a_crawl()) for _ in range(3))
        return [*await asyncio.gather(*fetching, return_exceptions=True)]

    errors = asyncio.run(at_once())

    assert len(client.token_requests) == 1
    assert all("the secret CLIENT_SECRET" in str(error) for error in errors)


def test_who_waits_asks_for_a_token_when_the_one_who_asked_is_cancelled() -> None:
    client = SignedReader(CREDENTIALS)
    client.network.rounds = 5
    client.gives(a_token("lost"), a_token("t-1"))
    client.sends(a_page("a"), a_page("a"))

    async def at_once() -> None:
        first = asyncio.create_task(client.reader().fetch(None, a_crawl()))
        others = [asyncio.create_task(client.reader().fetch(None, a_crawl())) for _ in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(*others)

    asyncio.run(at_once())

    assert client.proofs == ["Bearer t-1"] * 2


# A token that is refused


def test_a_refused_token_is_renewed_and_the_request_repeated() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1"), a_token("t-2"))
    client.sends(httpx.Response(401), a_page("a"), a_page("b"))

    page = client.read()

    assert len(page.records) == 1
    assert client.proofs == ["Bearer t-1", "Bearer t-2"]
    client.read()
    assert client.proofs[2:] == ["Bearer t-2"]


def test_it_is_repeated_once_and_then_what_to_check_is_named() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1"), a_token("t-2"))
    client.sends(httpx.Response(401), httpx.Response(401, text="no"))

    error = failed(client)

    assert "variable CLIENT_ID and the secret CLIENT_SECRET" in str(error)
    assert (error.is_transient, error.status) == (False, 401)
    assert len(client.proofs) == 2


def test_what_the_repeated_request_meets_counts() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1"), a_token("t-2"))
    client.sends(httpx.Response(401), httpx.Response(503, headers={"retry-after": "7"}))

    error = failed(client)

    assert (error.is_transient, error.status, error.retry_after) == (True, 503, "7")


def test_what_may_not_be_read_is_no_matter_of_the_token() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1"))
    client.sends(httpx.Response(403))

    assert failed(client).status == 403
    assert len(client.token_requests) == 1


def test_every_request_counts_those_for_tokens_too() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1"), a_token("t-2"))
    client.sends(a_page("a"), httpx.Response(401), a_page("b"), a_page("c"))

    assert [client.read().request_count for _ in range(3)] == [2, 3, 1]


# A refresh token that is replaced


def test_a_new_refresh_token_is_used_from_then_on() -> None:
    client = SignedReader(REFRESH)
    client.gives(
        a_token("t-1", refresh_token="r-1"), a_token("t-2"), a_token("t-3", refresh_token="r-3")
    )
    client.gives(a_token("t-4"))

    for _ in range(4):
        client.read()
        client.now_ms += HOUR_MS

    sent = [form(request)["refresh_token"] for request in client.token_requests]
    assert sent == ["r3fresh/t0ken", "r-1", "r-1", "r-3"]


def test_a_new_refresh_token_outlives_the_access_token_that_came_with_it() -> None:
    client = SignedReader(REFRESH)
    client.gives(a_token("t-1", refresh_token="r-1"), a_token("t-2"))
    client.sends(httpx.Response(401), a_page("a"))

    client.read()

    assert form(client.token_requests[1])["refresh_token"] == "r-1"


def test_another_object_begins_with_the_one_that_was_deployed() -> None:
    client = SignedReader(REFRESH)
    client.gives(a_token("t-1", refresh_token="r-1"), a_token("t-2"))

    client.read()
    client.restarted()
    client.read()

    assert form(client.token_requests[1])["refresh_token"] == "r3fresh/t0ken"


def test_a_refresh_token_that_is_taken_no_longer_says_what_to_do() -> None:
    client = SignedReader(REFRESH)
    client.gives(a_refusal("invalid_grant"))

    error = failed(client)

    assert "secret put REFRESH_TOKEN" in str(error)
    assert (error.cause, error.is_transient) == (Cause.REFUSED, False)


def test_after_a_new_refresh_token_was_refused_the_deployed_one_is_tried() -> None:
    client = SignedReader(REFRESH)
    client.gives(a_token("t-1", refresh_token="r-1"), a_refusal("invalid_grant"), a_token("t-2"))
    client.read()
    client.now_ms += HOUR_MS
    failed(client)

    client.read()

    assert form(client.token_requests[2])["refresh_token"] == "r3fresh/t0ken"


def test_a_new_refresh_token_outlives_other_refusals() -> None:
    client = SignedReader(REFRESH)
    client.gives(a_token("t-1", refresh_token="r-1"), httpx.Response(503), a_token("t-2"))
    client.gives(a_refusal("invalid_client", 401), a_token("t-3"))
    for _ in range(2):
        client.read()
        client.now_ms += HOUR_MS
        failed(client)

    client.read()

    assert form(client.token_requests[4])["refresh_token"] == "r-1"


def test_client_credentials_have_no_use_for_a_refresh_token() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("t-1", refresh_token="r-1"), a_token("t-2"))

    client.read()
    client.now_ms += HOUR_MS
    client.read()

    assert form(client.token_requests[1]) == {"grant_type": "client_credentials"}


# What the token endpoint refuses


CLIENT = "check the variable CLIENT_ID and the secret CLIENT_SECRET"


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("invalid_client", CLIENT),
        ("unauthorized_client", "grant; or " + CLIENT),
        ("unsupported_grant_type", "grant; or " + CLIENT),
        ("invalid_scope", "scope of the connector's"),
        ("invalid_request", "client_in_body"),
        ("invalid_grant", CLIENT),
        ("something_else", CLIENT),
    ],
)
def test_a_refusal_says_what_to_check_and_does_not_pass(
    status: int, error: str, remedy: str
) -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_refusal(error, status, error_description="look here", error_uri="https://x"))

    refusal = failed(client)

    assert remedy in str(refusal)
    assert str(refusal).endswith(f": {error}: look here")
    assert (refusal.is_transient, refusal.status) == (False, 401)
    assert client.proofs == []


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error", "slow_down"])
def test_some_refusals_may_pass(error: str) -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_refusal(error))

    assert failed(client).is_transient


def test_a_refusal_may_come_with_a_status_of_200() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_refusal("bad_verification", 200))

    assert str(failed(client)).endswith(f"answered 200, {CLIENT}: bad_verification")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "wrong client"}}', '{"error": {"message": "wrong client"}}'),
        (b"<html>wrong client", "<html>wrong client"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (b"[]", "[]"),
        (b"x" * 5_000, "x" * 300),
    ],
)
def test_a_refusal_of_another_shape_is_quoted(body: bytes, said: str) -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(httpx.Response(400, content=body))

    assert str(failed(client)).partition(f"{CLIENT}: ")[2] == said


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_a_refusal_that_says_nothing_is_one_all_the_same(body: bytes) -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(httpx.Response(400, content=body))

    error = failed(client)

    assert (error.status, error.is_transient) == (401, False)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_token_endpoint_may_pass_when_it_says_so(status: int) -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(httpx.Response(status, headers={"retry-after": "7"}))

    error = failed(client)

    assert (error.is_transient, error.retry_after) == (True, "7")


def test_a_token_endpoint_that_is_not_reached_may_pass() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(httpx.ConnectError("refused"))

    error = failed(client)

    assert error.cause is Cause.UNANSWERED
    assert error.is_transient


def test_a_token_endpoint_that_is_not_there_does_not_pass() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(httpx.Response(404))

    assert not failed(client).is_transient


# Answers that are none


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": 7},
        {"access_token": ["s3cr3t"]},
        {"access_token": "s3cr3t", "expires_in": "never"},
        {"access_token": "s3cr3t", "refresh_token": 7},
        ["s3cr3t"],
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_refused_and_not_quoted(answer: Any) -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(httpx.Response(200, json=answer))

    error = failed(client)

    assert (error.cause, error.is_transient) == (Cause.UNREADABLE, False)
    assert "s3cr3t" not in str(error)


@pytest.mark.parametrize(
    "body", [b"", b"access_token=s3cr3t", b"<html>s3cr3t", b'{"access_token": "s3cr3t', b"\xff"]
)
def test_what_is_not_json_may_pass_and_is_not_quoted(body: bytes) -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(httpx.Response(200, content=body))

    error = failed(client)

    assert (error.cause, error.is_transient) == (Cause.UNREADABLE, True)
    assert "token_url" in str(error)
    assert "s3cr3t" not in str(error)


@pytest.mark.parametrize("token", ["t0\nken", "t0ké", "t0\x00"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_quoted(token: str) -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token(token))

    error = failed(client)

    assert (error.cause, error.is_transient) == (Cause.UNREADABLE, False)
    assert "t0" not in str(error)


@pytest.mark.parametrize("kind", ["mac", "DPoP"])
def test_a_token_that_is_not_sent_as_a_bearer_is_refused(kind: str) -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(httpx.Response(200, json={"access_token": "t-1", "token_type": kind}))

    error = failed(client)

    assert error.cause is Cause.REFUSED
    assert f" {kind.lower()}:" in str(error)


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", "bot", None])
def test_any_other_type_is_sent_as_a_bearer(kind: str | None) -> None:
    client = SignedReader(CREDENTIALS)
    fields = {} if kind is None else {"token_type": kind}
    client.gives(httpx.Response(200, json={"access_token": "t-1", **fields}))

    client.read()

    assert client.proofs == ["Bearer t-1"]


# Secrets


def test_tokens_are_redacted_as_secrets_are() -> None:
    client = SignedReader(REFRESH)
    client.gives(a_token("acc3ss-1", refresh_token="r3fresh-1"), a_token("acc3ss-2"))
    client.read()
    client.now_ms += HOUR_MS
    client.read()

    text = client.environment.redacted(
        "acc3ss-1 acc3ss-2 r3fresh-1 r3fresh/t0ken cl1ent/s3cret "
        + client.token_requests[0].headers["authorization"]
    )

    assert text == "*** *** *** *** *** Basic ***"


def test_a_token_in_an_answer_that_is_refused_is_redacted_too() -> None:
    client = SignedReader(CREDENTIALS)
    client.gives(a_token("acc3ss-1", error="odd", token_type="mac"))

    failed(client)

    assert client.environment.redacted("acc3ss-1") == "***"
