"""Verifies the identity that Cloudflare Access adds to a request. Pure, but for its arguments.

Access adds a JSON Web Token, signed with RS256 by a key of the team's. The team's keys are public:
the one in use and the one before, changed about every six weeks, the earlier one valid for seven
days more. (Cloudflare's documentation, "Validate JWTs" and "Application token".)
"""

import asyncio
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from durable.decoding import decode
from durable.environment import Environment
from durable.errors import ConfigurationError


HEADER = "cf-access-jwt-assertion"
TEAM_DOMAIN = "ACCESS_TEAM_DOMAIN"
AUDIENCE = "ACCESS_AUD"
ORIGIN = re.compile(r"https://[a-z0-9.-]+|http://127\.0\.0\.1:[0-9]+")  # the latter for local runs
CERTS_PATH = "/cdn-cgi/access/certs"
ALGORITHM = "RS256"
KEPT_MS = 60 * 60 * 1_000
PAUSE_MS = 60 * 1_000  # between two fetches, whoever asks for whatever key
FETCH_MS = 2_000  # one that takes longer may be that of a request which is gone: another is begun
POLL_MS = 50  # how often it is looked whether another request's fetch is over
CERTS_BYTES_MAX = 64 * 1024
ASSERTION_CHARACTERS_MAX = 16 * 1024
LEEWAY_SECONDS = 60  # clocks differ
TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")

Part = TypeVar("Part", bound=Struct)
Seconds = Annotated[float, Meta(ge=0, le=253_402_300_799)]  # since 1970, to the end of year 9999


class DeniedError(Exception):
    """The token is refused. The message follows the header's name, and shows none of the token."""


class UnavailableError(Exception):
    """The team's keys are not available. The message says why."""


class AccessTeam(Struct, frozen=True):
    """The team, and the application, whose tokens are valid."""

    issuer: str
    audience: str  # the application's


class Identity(Struct, frozen=True):
    """Who sent the request: a person's e-mail address, or a service token's name."""

    who: str | None
    expires_at_ms: int


class Key(Struct, frozen=True):
    """A public key, as RFC 7517 writes it."""

    kid: str = ""
    kty: str = ""
    n: str = ""
    e: str = ""
    alg: str = ALGORITHM
    use: str = "sig"


class _Keys(Struct, frozen=True):
    keys: list[Key]


class _Header(Struct, frozen=True):
    alg: str
    kid: str = ""
    crit: list[str] | None = None


class _Claims(Struct, frozen=True):
    iss: str
    aud: list[str] | str
    exp: Seconds
    iat: Seconds | None = None
    nbf: Seconds | None = None
    email: str = ""
    common_name: str = ""


async def _wait(duration_ms: int) -> None:
    """Where the platform has no timers of its own."""
    never = asyncio.get_running_loop().create_future()
    await asyncio.wait({never}, timeout=duration_ms / 1_000)


class Access:
    """Verifies tokens by the team's keys, which it keeps in memory.

    Args:
        fetch: the body of the answer of 200 at a URL. Raises UnavailableError.
        is_signed: whether a key has made a signature, by RSASSA-PKCS1-v1_5 with SHA-256, of these
            bytes.
        wait: for so many milliseconds. On the platform, by a timer of the request's own.
    """

    def __init__(
        self,
        fetch: Callable[[str], Awaitable[bytes]],
        is_signed: Callable[[Key, bytes, bytes], Awaitable[bool]],
        wait: Callable[[int], Awaitable[object]] = _wait,
    ) -> None:
        self._fetch = fetch
        self._is_signed = is_signed
        self._wait = wait
        self._keys: Mapping[str, Key] = {}
        self._kept_until_ms = 0
        self._fetching_since_ms: int | None = None  # None: no fetch is under way
        self._tried_at_ms: int | None = None  # the latest fetch that is over
        self._fault: UnavailableError | None = None  # that it ended with

    async def identity(self, assertion: str, team: AccessTeam, now_ms: int) -> Identity:
        """Who sent the request.

        Raises:
            DeniedError: nobody was.
            UnavailableError: that cannot be told now.
        """
        if len(assertion) > ASSERTION_CHARACTERS_MAX:
            raise DeniedError(f"has more than {ASSERTION_CHARACTERS_MAX} characters")
        if (parts := TOKEN.fullmatch(assertion)) is None:
            raise DeniedError("is not a JSON Web Token")
        header, claims, signature = map(_bytes, parts.groups())
        # Nothing is fetched for what would be denied whatever keys there are.
        kid, identity = _kid(header), _identity(claims, team, now_ms)
        key = await self._key(kid, team, now_ms)
        signed = assertion.rpartition(".")[0].encode()
        if not await self._is_signed(key, signature, signed):
            raise DeniedError("has a wrong signature")
        return identity

    async def _key(self, kid: str, team: AccessTeam, now_ms: int) -> Key:
        is_old = now_ms >= self._kept_until_ms
        if is_old or kid not in self._keys:
            await self._refresh(team, now_ms, is_needed=is_old)
        if (key := self._keys.get(kid)) is None:
            raise DeniedError("is signed by none of the team's keys")
        return key

    async def _refresh(self, team: AccessTeam, now_ms: int, *, is_needed: bool) -> None:
        # No request may await what another one has begun, and none sees another's end otherwise.
        while self._is_fetching(now_ms):
            await self._wait(POLL_MS)
            now_ms += POLL_MS
        if self._tried_at_ms is None or now_ms >= self._tried_at_ms + PAUSE_MS:
            self._fetching_since_ms = now_ms
            try:
                self._keys = _usable(await self._fetch(team.issuer + CERTS_PATH))
                self._kept_until_ms, self._fault = now_ms + KEPT_MS, None
            except UnavailableError as error:
                self._fault = error
            self._fetching_since_ms, self._tried_at_ms = None, now_ms
        if is_needed and self._fault is not None:
            raise self._fault

    def _is_fetching(self, now_ms: int) -> bool:
        since_ms = self._fetching_since_ms
        return since_ms is not None and now_ms < since_ms + FETCH_MS


def access_team(environment: Environment) -> AccessTeam | None:
    """The team that the deployment names; None without Access.

    Raises:
        ConfigurationError: it is named in part, or not as Access needs it.
    """
    issuer, audience = environment.optional(TEAM_DOMAIN), environment.optional(AUDIENCE)
    if issuer is None and audience is None:
        return None
    if issuer is None or audience is None:
        missing = TEAM_DOMAIN if issuer is None else AUDIENCE
        raise ConfigurationError(
            f"the variable {missing} is not set: Cloudflare Access needs both {TEAM_DOMAIN} and "
            f"{AUDIENCE} in [vars] of wrangler.toml"
        )
    if not ORIGIN.fullmatch(issuer):
        raise ConfigurationError(
            f"the variable {TEAM_DOMAIN} is {issuer!r:.100}, and has to be as in "
            "https://TEAM.cloudflareaccess.com, with nothing behind it"
        )
    return AccessTeam(issuer, audience)


def _kid(encoded: bytes) -> str:
    header = _read(encoded, _Header)
    if header.alg != ALGORITHM:
        raise DeniedError(f"is signed by {header.alg!r:.20} and not by {ALGORITHM}")
    if header.crit is not None:
        raise DeniedError("has extensions that must be understood, and are not")
    return header.kid


def _identity(encoded: bytes, team: AccessTeam, now_ms: int) -> Identity:
    claims, now = _read(encoded, _Claims), now_ms / 1_000
    if claims.iss != team.issuer:
        raise DeniedError(f"is of another team than {TEAM_DOMAIN} names")
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if team.audience not in audiences:
        raise DeniedError(f"is for another application than {AUDIENCE} names")
    if now >= claims.exp + LEEWAY_SECONDS:
        raise DeniedError("has expired: sign in to Cloudflare Access again")
    if any(at is not None and now < at - LEEWAY_SECONDS for at in (claims.nbf, claims.iat)):
        raise DeniedError("is not valid yet")
    return Identity(claims.email or claims.common_name or None, int(claims.exp * 1_000))


def _usable(body: bytes) -> Mapping[str, Key]:
    if len(body) > CERTS_BYTES_MAX:
        raise UnavailableError(f"what is there has more than {CERTS_BYTES_MAX} bytes")
    try:
        keys = decode(body, _Keys).keys
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnavailableError("what is there is no set of keys") from error
    wanted = ("RSA", ALGORITHM, "sig")
    return {key.kid: key for key in keys if (key.kty, key.alg, key.use) == wanted and key.kid}


def _read(encoded: bytes, kind: type[Part]) -> Part:
    try:
        return decode(encoded, kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DeniedError("is not a JSON Web Token") from error


def _bytes(part: str) -> bytes:
    try:
        return b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise DeniedError("is not a JSON Web Token") from error
