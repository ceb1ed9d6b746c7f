"""What Cloudflare Access says of a request, believed only if it is signed by the team."""

import asyncio
import hashlib
import hmac

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from durable.decoding import DEPTH_MAX
from tests.fakes.edge import NOW_MS
from tests.fakes.team import (
    A_PERSON,
    AUDIENCE,
    CERTS,
    ISSUER,
    NOW,
    Team,
    is_signed,
    private,
    public,
    written,
)
from worker import access
from worker.access import Access, DeniedError, Identity, UnavailableError


MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


def identity(team: Team, assertion: str, now_ms: int = NOW_MS) -> Identity:
    return asyncio.run(team.access.identity(assertion, access.AccessTeam(ISSUER, AUDIENCE), now_ms))


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


@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, 9_000, 11_900])
@pytest.mark.parametrize("beginning", [b"[", b'{"a":', b'{"alg":"RS256","a":['])
def test_a_token_that_is_nested_too_deep_is_denied_and_no_key_fetched(
    beginning: bytes, depth: int
) -> None:
    team = Team()
    head, claims, signature = team.assertion().split(".")
    deep = written((beginning * depth)[:11_900])

    for assertion in (f"{deep}.{claims}.{signature}", f"{head}.{deep}.{signature}"):
        assert denial(team, assertion)
    assert team.fetched == []


def test_a_token_that_is_too_long_is_denied_and_no_key_fetched() -> None:
    team = Team()

    said = denial(team, team.assertion({"groups": ["g" * 100] * 200}))

    assert "characters" in said
    assert team.fetched == []


@pytest.mark.parametrize(
    "claims", [{"iss": "https://other.example"}, {"aud": "another"}, {"exp": NOW - 90}]
)
def test_no_key_is_fetched_for_what_is_denied_whatever_keys_there_are(
    claims: dict[str, object],
) -> None:
    team = Team()

    denial(team, team.assertion(claims))

    assert team.fetched == []


class Crowd(Team):
    """A team whose certs endpoint answers once it is let, while others wait."""

    def __init__(self, fault: str = "") -> None:
        super().__init__(fault=fault)
        self.is_let = asyncio.Event()
        self.waited_ms = 0
        self.let_after_ms = 10 * access.POLL_MS
        self.access = Access(self._late, is_signed, self._wait)

    async def outcomes(self, assertions: list[str]) -> list[object]:
        team = access.AccessTeam(ISSUER, AUDIENCE)
        asked = [self.access.identity(one, team, NOW_MS) for one in assertions]
        return await asyncio.gather(*asked, return_exceptions=True)

    async def _late(self, url: str) -> bytes:
        asked = asyncio.ensure_future(self._fetch(url))
        await self.is_let.wait()
        return await asked

    async def _wait(self, duration_ms: int) -> None:
        self.waited_ms += duration_ms
        if self.waited_ms >= self.let_after_ms:
            self.is_let.set()
        await asyncio.sleep(0)


@pytest.mark.parametrize("kid", ["in-use", "unknown"])
def test_however_many_ask_at_once_the_keys_are_fetched_once(kid: str) -> None:
    team = Crowd()

    outcomes = asyncio.run(team.outcomes([team.assertion(kid=kid)] * 300))

    assert len(team.fetched) == 1
    kind = Identity if kid == "in-use" else DeniedError
    assert [type(outcome) for outcome in outcomes] == [kind] * 300


def test_however_many_ask_at_once_a_fetch_that_fails_is_one() -> None:
    team = Crowd(fault="it answered 500")

    outcomes = asyncio.run(team.outcomes([team.assertion()] * 300))

    assert len(team.fetched) == 1
    assert [type(outcome) for outcome in outcomes] == [UnavailableError] * 300


def test_a_fetch_that_comes_to_no_end_is_begun_again_by_another_after_a_while() -> None:
    """As where the request that began it is gone: the platform goes on with neither."""
    team = Crowd()
    team.let_after_ms = 4 * access.FETCH_MS

    outcomes = asyncio.run(team.outcomes([team.assertion()] * 4))

    assert 1 < len(team.fetched) <= 4
    assert [type(outcome) for outcome in outcomes] == [Identity] * 4


def test_a_set_of_keys_that_is_too_long_is_not_read() -> None:
    team = Team()
    team.certs = b'{"keys": []' + b" " * access.CERTS_BYTES_MAX + b"}"

    with pytest.raises(UnavailableError, match="bytes"):
        identity(team, team.assertion())


@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, 10_000])
def test_a_set_of_keys_that_is_nested_too_deep_is_none(depth: int) -> None:
    team = Team()
    team.certs = b'{"keys": ' + b"[" * depth

    with pytest.raises(UnavailableError, match="no set of keys"):
        identity(team, team.assertion())


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
