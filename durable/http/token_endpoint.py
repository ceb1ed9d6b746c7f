"""The server that gives out access tokens (RFC 6749), and what its refusals mean."""

import hashlib
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from durable.decoding import decode
from durable.environment import SecretText
from durable.errors import Cause, UpstreamError
from durable.http.auth import Authenticator, Credentials, FixedCredentials
from durable.http.charset import utf8
from durable.http.client import Answer, HttpClient
from durable.http.context import SourceContext
from durable.http.origins import Origins
from durable.http.token_cache import Token


NAME = "the source's token endpoint"
STATUSES = frozenset({200, 400, 401, 403})  # answers of its own; the others are any server's
ANSWER_BYTES_MAX = 1024 * 1024
LIFETIME_SECONDS = 3_600  # where it is not told; a token that ends before, the source refuses
LIFETIME_SECONDS_MAX = 1_000_000_000
MARGIN_MS_MAX = 60_000  # a token is renewed so long before it ends, or a tenth of its life
DESCRIPTION_CHARACTERS_MAX = 300
PASSING_ERRORS = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
PROVEN_TYPES = frozenset({"mac", "dpop", "pop"})  # of tokens that are not sent as bearers are


class Grant(Struct, frozen=True, kw_only=True):
    """One way of asking, and the names by which a person knows what it takes.

    Attributes:
        url: of the endpoint.
        form: what is sent, but for the refresh token.
        authorization: that header; empty where the client proves itself in the form.
        refresh: the refresh token, if it takes one.
        client: as in "the variable CLIENT_ID and the secret CLIENT_SECRET".
    """

    url: str
    form: Mapping[str, str]
    authorization: str
    refresh: SecretText | None
    client: str

    @property
    def key(self) -> str:
        """The same for those who ask alike. It tells nothing of the secrets."""
        refresh = "" if self.refresh is None else self.refresh.reveal()
        parts = (self.url, urlencode(self.form), self.authorization, refresh)
        return hashlib.sha256(repr(parts).encode()).hexdigest()


class _Granted(Struct, frozen=True):
    """An answer of whatever status (RFC 6749, 5.1 and 5.2)."""

    access_token: str = ""
    token_type: str = ""
    expires_in: float | None = None
    refresh_token: str | None = None
    error: str = ""
    error_description: str | None = None


class TokenAuthenticator(Authenticator):
    """Has tokens from a token endpoint, and sends them as bearers.

    Args:
        grant: how they are asked for.
        context: clock, network, and the tokens that are there.
    """

    def __init__(self, grant: Grant, context: SourceContext) -> None:
        self.remedy = f"check {grant.client}, and what this client may read"
        self._grant = grant
        self._key = grant.key
        self._environment = context.environment
        self._tokens = context.tokens
        self._now_ms = context.now_ms
        headers = {"authorization": grant.authorization} if grant.authorization else {}
        signer = FixedCredentials(Credentials(headers=headers), f"check {grant.client}")
        self._upstream = HttpClient(
            NAME, context.transport, signer, Origins(grant.url), is_confidential=True
        )

    @property
    def request_count(self) -> int:
        return self._upstream.request_count

    async def proof(self) -> Credentials:
        token = await self._tokens.token(self._key, self._now_ms, self._ask)
        return Credentials(headers={"authorization": f"Bearer {token.access.reveal()}"})

    async def renew(self, refused: Credentials) -> Credentials:
        self._tokens.refuse(self._key, refused.headers["authorization"].removeprefix("Bearer "))
        return await self.proof()

    async def _ask(self, before: Token | None) -> Token:
        """A new token. The refresh token that the latest answer gave is the one that is good."""
        refresh = self._grant.refresh
        if before is not None and before.refresh is not None:
            refresh = before.refresh
        form = dict(self._grant.form)
        if refresh is not None:
            form["refresh_token"] = refresh.reveal()
        asked_at_ms = self._now_ms()
        answer = await self._upstream.ask(
            "POST",
            self._grant.url,
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "accept": "application/json",
            },
            content=urlencode(form).encode(),
            bytes_max=ANSWER_BYTES_MAX,
            statuses=STATUSES,
        )
        granted = self._understood(answer)
        if answer.status != 200 or not granted.access_token:
            if granted.error == "invalid_grant":
                self._tokens.forget(self._key)  # the deployed one is all that is left to try
            raise self._refusal(answer, granted)
        return self._token(granted, asked_at_ms, refresh)

    def _understood(self, answer: Answer) -> _Granted:
        try:
            body = utf8(answer.body, answer.headers)
            granted = decode(body, _Granted, is_strict=False)  # some write numbers as texts
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if answer.status != 200:
                said = answer.body[:DESCRIPTION_CHARACTERS_MAX].decode(errors="replace")
                return _Granted(error_description=said)
            # It is not quoted, since it may hold a token.
            reason = f"{NAME} answered 200 without a token, {error}: check the token_url"
            is_json = isinstance(error, msgspec.ValidationError)
            raise UpstreamError(reason, cause=Cause.UNREADABLE, is_transient=not is_json) from error
        for text in (granted.access_token, granted.refresh_token):
            if text:
                self._environment.conceal(text)
        return granted

    def _token(self, granted: _Granted, asked_at_ms: int, refresh: SecretText | None) -> Token:
        access, kind = granted.access_token, granted.token_type.lower()
        if not (access.isascii() and access.isprintable()):
            reason = f"{NAME} gave a token with a character that no header can carry"
            raise UpstreamError(reason, cause=Cause.UNREADABLE)
        if kind in PROVEN_TYPES:
            reason = f"{NAME} gave a token of the type {kind}: have the client given bearer tokens"
            raise UpstreamError(reason, cause=Cause.REFUSED)
        lifetime = granted.expires_in or 0
        if not lifetime > 0:  # not a number, either
            lifetime = LIFETIME_SECONDS
        lifetime_ms = int(min(lifetime, LIFETIME_SECONDS_MAX) * 1_000)
        rotated = granted.refresh_token
        if rotated and self._grant.refresh is not None:
            refresh = SecretText(self._grant.refresh.name, rotated)
        return Token(
            access=SecretText("of an access token", access),
            renew_at_ms=asked_at_ms + lifetime_ms - min(MARGIN_MS_MAX, lifetime_ms // 10),
            refresh=refresh,
        )

    def _refusal(self, answer: Answer, granted: _Granted) -> UpstreamError:
        error, description = granted.error, granted.error_description or ""
        said = ": ".join(text for text in (error, description) if text)
        said = said[:DESCRIPTION_CHARACTERS_MAX] or "it does not say why"
        return UpstreamError(
            f"{NAME} answered {answer.status}, {self._remedy(error)}: {said}",
            is_transient=error in PASSING_ERRORS,
            status=401,  # to whoever asks the source, it comes to that
        )

    def _remedy(self, error: str) -> str:
        refresh = self._grant.refresh
        match error:
            case "invalid_grant" if refresh is not None:
                return (
                    "and takes the refresh token no longer: have a person consent again and run "
                    f"`npx wrangler secret put {refresh.name}` with what that gives; if it "
                    "happens again and again, the source takes each refresh token once, which is "
                    "not supported"
                )
            case "invalid_scope":
                return "check the scope of the connector's auth"
            case "unauthorized_client" | "unsupported_grant_type":
                return f"at the source, allow the client this grant; or check {self._grant.client}"
            case "invalid_request":
                return "check the token_url, the params and client_in_body of the connector's auth"
        return f"check {self._grant.client}"
