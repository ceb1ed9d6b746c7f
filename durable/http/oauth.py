"""Tokens of OAuth 2 (RFC 6749): asked for where one is needed, and kept in memory alone.

A token lives as long as the object does, for all turns of its jobs. It is renewed
before it ends, and once where the source refuses it. However many requests need
one at the same time, it is asked for once.
"""

from collections.abc import Mapping
from urllib.parse import quote_plus

from msgspec import Struct

from durable.environment import Environment, Secret, SecretText, Variable, check_named
from durable.errors import ConfigurationError
from durable.http.auth import basic
from durable.http.context import SourceContext
from durable.http.token_endpoint import Grant, TokenAuthenticator


OWN_PARAMS = frozenset({"grant_type", "client_id", "client_secret", "refresh_token", "scope"})


class ClientCredentials(Struct, frozen=True, kw_only=True):
    """A client that reads in its own name (RFC 6749, 4.4).

    Attributes:
        endpoint: the URL that gives out tokens; `${NAME}` stands for the variable NAME.
        client_id: the variable that holds it.
        client_secret: the secret that holds it.
        scope: what is asked for, with spaces between several; empty for what the client has.
        params: sent besides, an `audience` or a `resource` for example, with variables likewise.
        client_in_body: the client proves itself in the body, and not in the header Authorization.

    Raises:
        ConfigurationError: one of the params has a field of its own, or a name is none.
    """

    endpoint: str
    client_id: Variable
    client_secret: Secret
    scope: str = ""
    params: Mapping[str, str] = {}
    client_in_body: bool = False

    def __post_init__(self) -> None:
        check_named(self, client_id=Variable, client_secret=Secret)
        _check(self.params)

    def signer(self, context: SourceContext) -> TokenAuthenticator:
        grant = _grant(self, "client_credentials", None, context.environment)
        return TokenAuthenticator(grant, context)

    def secrets(self) -> frozenset[str]:
        return frozenset({self.client_secret.name})


class RefreshToken(Struct, frozen=True, kw_only=True):
    """A client that reads in the name of a person, who consented once (RFC 6749, 6).

    With an access token a server may give a new refresh token. That one is used from
    then on, and kept in memory, since no secret is stored. When the object dies, the next
    one begins again with the refresh token that was deployed. So a server that takes
    each refresh token once is not supported, unless it can be told not to; after such a death
    it refuses, and the job's error says what to do.

    Attributes:
        endpoint: the URL that gives out tokens; `${NAME}` stands for the variable NAME.
        client_id: the variable that holds it.
        client_secret: the secret that holds it.
        refresh_token: the secret that holds it.
        scope: what is asked for, with spaces between several; empty for all that was consented to.
        params: sent besides, with variables likewise.
        client_in_body: the client proves itself in the body, and not in the header Authorization.

    Raises:
        ConfigurationError: one of the params has a field of its own, or a name is none.
    """

    endpoint: str
    client_id: Variable
    client_secret: Secret
    refresh_token: Secret
    scope: str = ""
    params: Mapping[str, str] = {}
    client_in_body: bool = False

    def __post_init__(self) -> None:
        check_named(self, client_id=Variable, client_secret=Secret, refresh_token=Secret)
        _check(self.params)

    def signer(self, context: SourceContext) -> TokenAuthenticator:
        environment = context.environment
        refresh = environment.secret(self.refresh_token.name)
        return TokenAuthenticator(_grant(self, "refresh_token", refresh, environment), context)

    def secrets(self) -> frozenset[str]:
        return frozenset({self.client_secret.name, self.refresh_token.name})


def _check(params: Mapping[str, str]) -> None:
    if taken := OWN_PARAMS & params.keys():
        raise ConfigurationError(
            f"the params of an auth have {', '.join(sorted(taken))}: use the fields that are there "
            "for it"
        )


def _grant(
    auth: ClientCredentials | RefreshToken,
    grant_type: str,
    refresh: SecretText | None,
    environment: Environment,
) -> Grant:
    form = {"grant_type": grant_type}
    form |= {name: environment.filled(value) for name, value in auth.params.items()}
    if auth.scope:
        form["scope"] = auth.scope
    client_id = environment.variable(auth.client_id.name)
    secret = environment.secret(auth.client_secret.name).reveal()
    authorization = ""
    if auth.client_in_body:
        form |= {"client_id": client_id, "client_secret": secret}
    else:
        # Each is encoded as in a form first (2.3.1).
        authorization = basic(environment, quote_plus(client_id), quote_plus(secret))
    return Grant(
        url=environment.url(auth.endpoint),
        form=form,
        authorization=authorization,
        refresh=refresh,
        client=f"the variable {auth.client_id.name} and the secret {auth.client_secret.name}",
    )
