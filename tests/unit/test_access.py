"""What Cloudflare Access says of a request, believed only if it is signed by the team."""

import asyncio
import hashlib
import hmac

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.edge import NOW_MS
from tests.fakes.team import (
    A_PERSON,
    AUDIENCE,
    CERTS,
    ISSUER,
    NOW,
    Team,
    private,
    public,
    written,
)
from worker import access
from worker.access import DeniedError, Identity, UnavailableError


MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


def identity(team: Team, assertion: str, now_ms: int = NOW_MS) -> Identity:
    return asyncio.run(team.access.identity(assertion, access.Team(ISSUER, AUDIENCE), now_ms))


def is_let_through(team: Team, assertion: str, now_ms: int = NOW_MS) -> bool:
    return identity(team, assertion, now_ms).who == A_PERSON


def denial(team: Team, assertion: str, now_ms: int = NOW_MS) -> str:
    with pytest.raises(DeniedError) as caught:
        identity(team, assertion, now_ms)
    assert assertion not in str(caught.value)
    return str(caught.value)


def test_a_person_is_known_by_the_address_and_a_service_by_its_name() -> None:
    team = Team()

    person = identity(team, team.assertion())
    by_name = {"email": None, "common_name": "e3.access", "sub": "", "nbf": None}
    service = identity(team, team.assertion(by_name))
    nobody = identity(team, team.assertion({"email": None}))

    assert person == Identity(A_PERSON, (NOW + 300) * 1_000)
    assert (service.who, nobody.who) == ("e3.access", None)


@pytest.mark.parametrize("aud", [AUDIENCE, ["another", AUDIENCE]])
def test_one_of_the_audiences_is_enough(aud: object) -> None:
    team = Team()

    assert identity(team, team.assertion({"aud": aud})).who == A_PERSON


@pytest.mark.parametrize("aud", ["another", [], ["another"], AUDIENCE[:-1], [f"{AUDIENCE} "]])
def test_another_audience_is_denied(aud: object) -> None:
    team = Team()

    assert "another application" in denial(team, team.assertion({"aud": aud}))


@pytest.mark.parametrize("iss", ["https://other.cloudflareaccess.com", "", f"{ISSUER}/"])
def test_another_team_is_denied(iss: str) -> None:
    team = Team()

    assert "another team" in denial(team, team.assertion({"iss": iss}))


def test_clocks_may_differ_by_a_minute() -> None:
    team = Team()

    assert is_let_through(team, team.assertion({"exp": NOW - 59}))
    assert is_let_through(team, team.assertion({"iat": NOW + 60, "nbf": NOW + 60}))
    assert "has expired" in denial(team, team.assertion({"exp": NOW - 60}))
    assert "not valid yet" in denial(team, team.assertion({"iat": NOW + 61}))
    assert "not valid yet" in denial(team, team.assertion({"nbf": NOW + 61}))


def test_both_keys_of_the_team_are_good_and_fetched_once() -> None:
    team = Team()

    assert is_let_through(team, team.assertion(kid="in-use"))
    assert is_let_through(team, team.assertion(kid="before"))
    assert team.fetched == [CERTS]


def test_a_key_that_is_new_is_fetched() -> None:
    team = Team()
    identity(team, team.assertion())

    team.kids = ("new", "in-use")

    assert is_let_through(team, team.assertion(), NOW_MS + MINUTE_MS)
    assert len(team.fetched) == 2


def test_a_key_that_the_team_has_given_up_is_none_after_an_hour() -> None:
    team = Team()
    earlier = team.assertion({"exp": NOW + 24 * 3_600}, kid="before")
    identity(team, earlier)

    team.kids = ("new", "in-use")

    assert is_let_through(team, earlier, NOW_MS + HOUR_MS - 1)
    assert "none of the team's keys" in denial(team, earlier, NOW_MS + HOUR_MS)


def test_for_unknown_keys_there_is_one_fetch_a_minute() -> None:
    team = Team()
    identity(team, team.assertion())
    unknown = team.assertion(kid="unknown")

    for second in range(0, 180, 7):
        assert "none of the team's keys" in denial(team, unknown, NOW_MS + second * 1_000)

    assert len(team.fetched) == 3


def test_a_token_signed_by_another_key_under_a_known_name_is_denied() -> None:
    team = Team()

    assert "wrong signature" in denial(
        team, team.assertion(kid="intruder", header={"kid": "in-use"})
    )


def test_a_changed_claim_breaks_the_signature() -> None:
    team = Team()
    header, _, signature = team.assertion().split(".")
    _, claims, _ = team.assertion({"email": "boss@example.com"}).split(".")

    assert "wrong signature" in denial(team, f"{header}.{claims}.{signature}")


@pytest.mark.parametrize("algorithm", ["none", "None", "", "HS256", "RS512", "ES256", "rs256"])
def test_another_algorithm_is_denied_before_any_key_is_fetched(algorithm: str) -> None:
    team = Team()

    said = denial(team, team.assertion(header={"alg": algorithm}))

    assert said.endswith("and not by RS256")
    assert team.fetched == []


def test_a_token_without_a_signature_is_denied() -> None:
    team = Team()
    head, claims, _ = team.assertion(header={"alg": "none"}).split(".")

    for assertion in (f"{head}.{claims}.", f"{head}.{claims}", f"{head}.{claims}.AA"):
        assert denial(team, assertion)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_the_public_key_is_no_secret_to_sign_with(encoding: Encoding) -> None:
    team = Team()
    content = team.assertion(header={"alg": "HS256"}).rpartition(".")[0]
    key = private("in-use").public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    signature = hmac.digest(key, content.encode(), hashlib.sha256)

    assert "HS256" in denial(team, f"{content}.{written(signature)}")


def test_an_extension_that_must_be_understood_is_denied() -> None:
    team = Team()

    assert "extensions" in denial(team, team.assertion(header={"crit": ["exp"], "exp": 1}))


@pytest.mark.parametrize(
    "claims",
    [
        *({"exp": None}, {"exp": "tomorrow"}, {"exp": -1}, {"exp": 1e300}, {"iss": None}),
        *({"aud": None}, {"aud": 7}, {"aud": [7]}, {"nbf": "now"}, {"email": ["x"]}),
    ],
    ids=str,
)
def test_claims_of_another_shape_are_denied(claims: dict[str, object]) -> None:
    team = Team()

    assert "not a JSON Web Token" in denial(team, team.assertion(claims))


@pytest.mark.parametrize(
    "assertion",
    [
        *("x", "a.b", "a.b.c.d", "..", "a.b.c", "e30.e30.e30", "e30.e30.", " e30.e30.e30"),
        *("e30=.e30.e30", "e30+.e30.e30", "é.é.é", "bnVsbA.e30.e30", "W10.e30.e30", "x" * 9_000),
        f"{written(bytes([255, 254]))}.e30.e30",
        f"{written(b'[' * 5_000)}.e30.e30",
    ],
    ids=lambda assertion: assertion[:20],
)
def test_what_is_no_token_is_denied_and_no_key_fetched(assertion: str) -> None:
    team = Team()

    assert "not a JSON Web Token" in denial(team, assertion)
    assert team.fetched == []


def test_while_the_keys_cannot_be_had_nobody_is_believed() -> None:
    team = Team(fault="it answered 500")

    for second in range(0, 60, 10):
        with pytest.raises(UnavailableError, match="it answered 500"):
            identity(team, team.assertion(), NOW_MS + second * 1_000)
    assert len(team.fetched) == 1

    team.fault = ""
    assert is_let_through(team, team.assertion(), NOW_MS + MINUTE_MS)


def test_keys_that_are_known_are_good_for_their_hour_while_no_new_ones_can_be_had() -> None:
    team = Team()
    long = team.assertion({"exp": NOW + 24 * 3_600})
    identity(team, long)
    team.fault = "it is down"

    unknown = team.assertion(kid="unknown")
    assert "none of the team's keys" in denial(team, unknown, NOW_MS + 2 * MINUTE_MS)
    assert is_let_through(team, long, NOW_MS + 2 * MINUTE_MS)
    with pytest.raises(UnavailableError, match="it is down"):
        identity(team, long, NOW_MS + HOUR_MS)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"keys": {}}', b"\xff"])
def test_what_is_no_set_of_keys_is_told_as_such(body: bytes) -> None:
    team = Team()
    team.certs = body

    if not body:
        team.certs = b" "
    with pytest.raises(UnavailableError, match="no set of keys"):
        identity(team, team.assertion())


def test_keys_for_anything_but_rs256_signatures_are_passed_over() -> None:
    team = Team()
    good = public("in-use")
    others = [{**good, "kid": "a", "kty": "EC"}, {**good, "kid": "b", "alg": "RS512"}]
    others += [{**good, "kid": "c", "use": "enc"}, {"kty": "oct", "k": "AA", "kid": "d"}]
    others += [{**good, "kid": ""}]
    team.certs = msgspec.json.encode({"keys": [*others, good]})

    assert is_let_through(team, team.assertion())
    for kid in ("a", "b", "c", "d", ""):
        assert "none of the team's keys" in denial(team, team.assertion(header={"kid": kid}))
