"""Authenticates requests."""

import hmac
from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from durable.environment import Environment
from durable.errors import ConfigurationError
from durable.http.origins import is_loopback
from worker import access, problems, sessions
from worker.access import Access, DeniedError, UnavailableError
from worker.problems import Problem
from worker.request import Request


TOKEN = "TRIGGER_TOKEN"  # noqa: S105 - the name of a secret
OPEN = "ALLOW_UNAUTHENTICATED_FOR_LOCAL_USE"


class Via(StrEnum):
    """How a caller is authenticated."""

    TOKEN = "token"  # noqa: S105 - no secret
    COOKIE = "cookie"
    ACCESS = "access"  # Cloudflare Access let the request through
    NOBODY = "nobody asked"  # local use


class Caller(Struct, frozen=True):
    """An authenticated caller."""

    via: Via
    who: str | None = None  # as Cloudflare Access names them
    expires_at_ms: int | None = None


class Authentication:
    """Authenticates callers, or says why they are refused.

    Args:
        environment: holds the token, and names the team of Cloudflare Access.
        team: knows the team's keys.
        now_ms: the clock.
    """

    def __init__(self, environment: Environment, team: Access, now_ms: Callable[[], int]) -> None:
        self._environment = environment
        self._team = team
        self._now_ms = now_ms

    async def caller(self, request: Request) -> Caller | Problem:
        """The caller, or why they are refused.

        Who sends a token is judged by that alone. All else comes with what a browser sends by
        itself, perhaps at the wish of another site's page.
        """
        if self._is_open() and _is_local(request):
            caller: Caller | Problem = Caller(Via.NOBODY)
        elif authorization := request.headers.get("authorization"):
            return self._by_token(authorization)
        else:
            caller = self._by_cookie(request) or await self._by_access(request) or self._stranger()
        if isinstance(caller, Problem):
            return caller
        origin = request.headers.get("origin")
        is_sent_by_page = origin is not None or "sec-fetch-site" in request.headers
        is_browser = caller.via is not Via.NOBODY or is_sent_by_page
        if is_browser and sessions.is_forged(request.method, origin, request.origin):
            return problems.describe(
                403,
                f"The header Origin is not {request.origin!r:.200}: another site's page may have "
                f"sent this. A program sends `Authorization: Bearer TOKEN` instead, of {TOKEN}.",
            )
        return caller

    def token(self) -> str | Problem:
        """The deployment's token, or why it cannot be used."""
        if self._environment.optional(TOKEN) is None:
            return problems.describe(
                503,
                f"The secret {TOKEN} is not set, so nobody may call this. Run "
                f"`npx wrangler secret put {TOKEN}`; or for local use only set {OPEN} to true, and "
                "ask at 127.0.0.1 or localhost: another site may lead its own name here.",
            )
        try:
            return self._environment.secret(TOKEN).reveal()  # from here on, no log shows it
        except ConfigurationError as error:
            return problems.describe(503, f"{error}.")

    def _is_open(self) -> bool:
        closing = (TOKEN, access.TEAM_DOMAIN, access.AUDIENCE)
        is_closed = any(self._environment.optional(name) is not None for name in closing)
        return not is_closed and self._environment.optional(OPEN) == "true"

    def _by_token(self, authorization: str) -> Caller | Problem:
        token = self.token()
        if isinstance(token, Problem):
            return token
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer" or not is_same(given.strip(), token):
            return self._stranger()
        return Caller(Via.TOKEN)

    def _by_cookie(self, request: Request) -> Caller | None:
        cookie, token = sessions.session_value(request.headers.get("cookie", "")), self.token()
        if not cookie or isinstance(token, Problem):
            return None
        expires_at_ms = sessions.expires_at_ms(cookie, token, self._now_ms())
        if expires_at_ms is None:
            return None
        self._environment.conceal(cookie)
        return Caller(Via.COOKIE, expires_at_ms=expires_at_ms)

    async def _by_access(self, request: Request) -> Caller | Problem | None:
        assertion = request.headers.get(access.HEADER)
        if not assertion:
            return None
        try:
            team = access.access_team(self._environment)
            if team is None:
                return None
            identity = await self._team.identity(assertion, team, self._now_ms())
        except DeniedError as error:
            return problems.describe(401, f"The header {access.HEADER} {error}.")
        except UnavailableError as error:
            return problems.describe(503, f"The keys of Cloudflare Access cannot be had: {error}.")
        except ConfigurationError as error:
            return problems.describe(503, f"{error}.")
        self._environment.conceal(assertion)
        return Caller(Via.ACCESS, identity.who, identity.expires_at_ms)

    def _stranger(self) -> Problem:
        token = self.token()
        if isinstance(token, Problem):
            return token
        return problems.describe(
            401,
            f"Send the header `Authorization: Bearer TOKEN` with the value of {TOKEN}, or sign in.",
        )


def _is_local(request: Request) -> bool:
    """Whether it was sent to a name of this machine.

    A page of another site may have that site's name lead here, and then reads all answers.
    """
    host = request.headers.get("host")
    return is_loopback(request.origin) and (host is None or is_loopback(f"//{host}"))


def is_same(given: str, token: str) -> bool:
    """Compare in constant time, so that the time tells nothing about the token."""
    return hmac.compare_digest(given.encode(), token.encode())
