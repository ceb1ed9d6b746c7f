"""A token endpoint of OAuth 2 (RFC 6749): client credentials and refresh tokens.

POST /oauth/token              the endpoint; the client proves itself by Basic or in the body
POST /control/expire-tokens    all access tokens handed out so far are refused from now on
GET  /control/tokens           -> {"issued": N, "live": M}, of access tokens
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.faults import json_response
from dev.rest.credentials import Credentials, bearer, is_same
from dev.rest.ledger import Clock
from dev.rest.settings import InForce, Settings


TOKEN_PATH = "/oauth/token"  # noqa: S105
CHALLENGE = 'Bearer error="invalid_token"'
FOREVER_MS = 1 << 62


class _OAuthError(Exception):
    """One of section 5.2."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


class TokenServer:
    """Hands out access tokens and knows them again.

    Args:
        credentials: of the one client, and the first refresh token.
        in_force: says how long a token lasts.
        clock: in milliseconds.
    """

    def __init__(self, credentials: Credentials, in_force: InForce[Settings], clock: Clock) -> None:
        self._credentials = credentials
        self._in_force = in_force
        self._clock = clock
        self._count = 0  # never begins again, so that no token is handed out twice
        self.reset()

    def reset(self) -> None:
        self._issued_count = 0
        self._expires_at_ms: dict[str, int] = {}
        self._refresh_token = self._credentials.refresh_token

    def accepts(self, request: HTTPConnection) -> bool:
        """Whether a request bears a token that is still good."""
        return self._clock() < self._expires_at_ms.get(bearer(request), 0)

    def beside(self, api: ASGIApp) -> ASGIApp:
        """An application that has the token endpoint as well as whatever `api` has."""
        endpoint = Starlette(routes=[Route(TOKEN_PATH, self._token, methods=["POST"])])

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            target = endpoint if scope["path"] == TOKEN_PATH else api
            await target(scope, receive, send)

        return app

    def control_routes(self) -> list[Route]:
        async def expire(_request: Request) -> Response:
            self._expires_at_ms.clear()
            return Response(status_code=204)

        async def tokens(_request: Request) -> Response:
            now_ms = self._clock()
            live = sum(at_ms > now_ms for at_ms in self._expires_at_ms.values())
            return json_response({"issued": self._issued_count, "live": live})

        return [
            Route("/control/expire-tokens", expire, methods=["POST"]),
            Route("/control/tokens", tokens, methods=["GET"]),
        ]

    async def _token(self, request: Request) -> Response:
        try:
            form = _form(request.headers.get("content-type", ""), await request.body())
            request.state.log["grant_type"] = form.get("grant_type")
            self._identify(request.headers.get("authorization"), form)
            answer = json_response(self._grant(form))
        except _OAuthError as error:
            answer = json_response({"error": error.error}, error.status)
            if error.status == 401:
                answer.headers["www-authenticate"] = "Basic"
        answer.headers["cache-control"] = "no-store"
        return answer

    def _identify(self, authorization: str | None, form: Mapping[str, str]) -> None:
        if authorization is None:
            client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        elif "client_secret" in form:
            raise _OAuthError("invalid_request")  # 2.3: one way of proof in a request
        else:
            client_id, secret = _basic(authorization)
        known = self._credentials
        if not (is_same(client_id, known.client_id) and is_same(secret, known.client_secret)):
            raise _OAuthError("invalid_client", 401)

    def _grant(self, form: Mapping[str, str]) -> dict[str, Any]:
        settings = self._in_force.now
        answer: dict[str, Any] = {"token_type": "Bearer"}
        match form.get("grant_type"):
            case None:
                raise _OAuthError("invalid_request")
            case "client_credentials":
                pass  # 4.4.3: no refresh token
            case "refresh_token":
                if not is_same(form.get("refresh_token", ""), self._refresh_token):
                    raise _OAuthError("invalid_grant")
                if settings.rotates_refresh_tokens:
                    self._refresh_token = self._make_secret("refresh")
                    answer["refresh_token"] = self._refresh_token
            case _:
                raise _OAuthError("unsupported_grant_type")
        answer["access_token"] = self._make_secret("access")
        lifetime = settings.expires_in_seconds
        if lifetime is not None:
            answer["expires_in"] = lifetime
        expires_at_ms = FOREVER_MS if lifetime is None else self._clock() + lifetime * 1_000
        self._expires_at_ms[answer["access_token"]] = expires_at_ms
        self._issued_count += 1
        return answer

    def _make_secret(self, kind: str) -> str:
        self._count += 1
        text = f"{kind} {self._count} {self._credentials.client_secret}"
        return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise _OAuthError("invalid_request")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True)
    except UnicodeDecodeError as error:
        raise _OAuthError("invalid_request") from error
    if len({name for name, _ in pairs}) < len(pairs):
        raise _OAuthError("invalid_request")  # 3.2: no parameter twice
    return dict(pairs)


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _OAuthError("invalid_client", 401) from error
    client_id, colon, secret = pair.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise _OAuthError("invalid_client", 401)
    # 2.3.1: both are encoded like a form before they are put together.
    return unquote_plus(client_id), unquote_plus(secret)
