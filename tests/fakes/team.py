"""A team of Cloudflare Access, with real keys."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tests.fakes.edge import NOW_MS
from worker.access import Access, Key, UnavailableError


ISSUER = "https://team.cloudflareaccess.com"
CERTS = f"{ISSUER}/cdn-cgi/access/certs"
AUDIENCE = "97e2aae120121f902df8bc99fc345913ab186d174f3079ea729236766b2e7c4a"
A_PERSON = "person@example.com"
NOW = NOW_MS // 1_000


@lru_cache
def private(kid: str) -> rsa.RSAPrivateKey:
    """The key of this name; making one takes a moment."""
    del kid
    return rsa.generate_private_key(65_537, 2_048)


def written(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def public(kid: str) -> dict[str, str]:
    numbers = private(kid).public_key().public_numbers()
    n, e = (number.to_bytes((number.bit_length() + 7) // 8) for number in (numbers.n, numbers.e))
    both = {"n": written(n), "e": written(e)}
    return {"kid": kid, "kty": "RSA", "alg": "RS256", "use": "sig", **both}


def signed(header: Mapping[str, object], claims: Mapping[str, object], kid: str) -> str:
    """A JSON Web Token, signed with RS256, whatever its header says."""
    parts = (written(msgspec.json.encode(part)) for part in (header, claims))
    content = ".".join(parts)
    signature = private(kid).sign(content.encode(), padding.PKCS1v15(), SHA256())
    return f"{content}.{written(signature)}"


async def is_signed(key: Key, signature: bytes, content: bytes) -> bool:
    """As `worker.access.Access` wants it, without the platform."""
    assert key.kid
    try:
        private(key.kid).public_key().verify(signature, content, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


class Team:
    """Gives out assertions and, at its certs endpoint, the keys to check them.

    Args:
        kids: of the keys, the one in use first.
        fault: why the endpoint does not answer.
    """

    def __init__(self, kids: Sequence[str] = ("in-use", "before"), fault: str = "") -> None:
        self.kids = kids
        self.fault = fault
        self.certs: bytes | None = None  # in place of what it answers
        self.fetched: list[str] = []
        self.access = Access(self._fetch, is_signed)

    def assertion(
        self,
        claims: Mapping[str, object] | None = None,
        kid: str | None = None,
        header: Mapping[str, object] | None = None,
    ) -> str:
        """As Access adds it to a request, but for what is given; a claim of None is left out."""
        kid = kid or self.kids[0]
        usual = {
            "aud": [AUDIENCE],
            "email": A_PERSON,
            "exp": NOW + 300,
            "iat": NOW - 10,
            "nbf": NOW - 10,
            "iss": ISSUER,
            "type": "app",
            "sub": "7335d417-61da-459d-899c-0a01c76a2f94",
        }
        given = {**usual, **(claims or {})}
        whole = {name: value for name, value in given.items() if value is not None}
        return signed({"alg": "RS256", "kid": kid, "typ": "JWT", **(header or {})}, whole, kid)

    async def _fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        if self.fault:
            raise UnavailableError(self.fault)
        keys = [public(kid) for kid in self.kids]
        return self.certs or msgspec.json.encode({"keys": keys, "public_certs": []})
