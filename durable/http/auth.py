"""How the Worker proves to a server who asks.

    Bearer               a token in the header Authorization
    Basic                a user and a password
    ApiKey               a key in a header or in the query
    ClientCredentials    a token of OAuth 2, asked for with a client's secret (oauth.py)
    RefreshToken         likewise, with the consent that a person gave once

A declaration names secrets and never holds one.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from types import NoneType
from typing import Protocol
from urllib.parse import unquote_plus

from msgspec import Struct

from durable.environment import Environment, Secret, SecretText, Variable, check_named
from durable.errors import ConfigurationError
from durable.http.context import SourceContext


HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # its name (RFC 9110, 5.6.2)


class Credentials(Struct, frozen=True, kw_only=True):
    """What a request carries beside what it asks for."""

    headers: Mapping[str, str] = {}
    params: Mapping[str, str] = {}

    def left_out_of(self, url: str) -> str:
        """The URL without any part of its query that says what this proves.

        Some servers write the caller's token into the links to their next pages. It is
        proven anew with each request, and is better not kept.
        """
        tokens = {value.rpartition(" ")[2] for value in self.headers.values()}
        beginning, _, rest = url.partition("?")
        query, hash_mark, fragment = rest.partition("#")
        parts = query.split("&")
        kept = []
        for part in parts:
            name, _, value = part.partition("=")
            if unquote_plus(name) not in self.params and unquote_plus(value) not in tokens:
                kept.append(part)
        if len(kept) == len(parts):
            return url
        return beginning + ("?" if kept else "") + "&".join(kept) + hash_mark + fragment


class Authenticator(Protocol):
    """Gives the proof, request by request."""

    remedy: str  # what to do where the server refuses it, as "check the secret API_TOKEN"

    @property
    def request_count(self) -> int:
        """Made so far, to have proofs."""
        return 0  # a body, so that signers inherit it

    async def proof(self) -> Credentials:
        """Raises UpstreamError where it has to be asked for, and cannot be had."""

    async def renew(self, refused: Credentials) -> Credentials | None:  # noqa: ARG002 - for those who can
        """Another one in place of one that the server refused; None if there is no other.

        Raises UpstreamError as `proof` does.
        """
        return None  # likewise


class Auth(Protocol):
    """One way of proving it."""

    def signer(self, context: SourceContext) -> Authenticator:
        """Raises ConfigurationError where a secret is not set, or cannot be sent."""

    def secrets(self) -> frozenset[str]:
        """The names of those that it takes."""


class Bearer(Struct, frozen=True):
    """A token in the header Authorization (RFC 6750).

        Bearer(Secret("TICKETS_TOKEN"))

    Raises:
        ConfigurationError: it is not the name of a secret.
    """

    token: Secret

    def __post_init__(self) -> None:
        check_named(self, token=Secret)

    def signer(self, context: SourceContext) -> "BearerAuthenticator":
        return BearerAuthenticator(context.environment.secret(self.token.name))

    def secrets(self) -> frozenset[str]:
        return frozenset({self.token.name})


class Basic(Struct, frozen=True):
    """A user and a password in the header Authorization (RFC 7617).

        Basic(Variable("JIRA_USER"), Secret("JIRA_TOKEN"))
        Basic(Secret("HARVEST_KEY"))

    Attributes:
        user: a variable; or a secret, as some servers take a key in the user's place.
        password: None: it is empty.

    Raises:
        ConfigurationError: one of them is no such name.
    """

    user: Variable | Secret
    password: Secret | None = None

    def __post_init__(self) -> None:
        check_named(self, user=(Variable, Secret), password=(Secret, NoneType))

    def signer(self, context: SourceContext) -> "FixedCredentials":
        environment = context.environment
        name, password, remedies = self.user.name, "", []
        if isinstance(self.user, Secret):
            user = environment.secret(name).reveal()
            remedies.append(f"the secret {name}")
        else:
            user = environment.variable(name)
            remedies.append(f"the variable {name}")
        if self.password is not None:
            password = environment.secret(self.password.name).reveal()
            remedies.append(f"the secret {self.password.name}")
        if ":" in user or not user.isprintable():
            raise ConfigurationError(
                f"the variable {name} has a colon or a line break, which no user's name has "
                "in Basic: set it again"
            )
        return FixedCredentials(
            Credentials(headers={"authorization": basic(environment, user, password)}),
            f"check {' and '.join(remedies)}",
        )

    def secrets(self) -> frozenset[str]:
        return frozenset(
            each.name for each in (self.user, self.password) if isinstance(each, Secret)
        )


class ApiKey(Struct, frozen=True):
    """A key in a header or in the query.

        ApiKey(Secret("API_KEY"), header="x-api-key")
        ApiKey(Secret("API_KEY"), header="authorization", prefix="Token ")
        ApiKey(Secret("API_KEY"), param="api_key")

    Attributes:
        key: the secret.
        header: the header that takes it.
        param: the query parameter that takes it, in a header's place. A header is better, as
            servers write what they are asked for into their logs.
        prefix: before the key.

    Raises:
        ConfigurationError: it is not the name of a secret, or there is no header and no
            parameter, or both.
    """

    key: Secret
    header: str = ""
    param: str = ""
    prefix: str = ""

    def __post_init__(self) -> None:
        check_named(self, key=Secret)
        if bool(self.header) == bool(self.param):
            raise ConfigurationError(
                f"ApiKey({self.key.name!r}): name either the `header` or the `param` that takes it"
            )
        if self.header and not HEADER.fullmatch(self.header):
            raise ConfigurationError(
                f"ApiKey({self.key.name!r}): the header {self.header!r} has a character that no "
                "header's name has"
            )
        if not (self.prefix.isascii() and self.prefix.isprintable()):
            raise ConfigurationError(
                f"ApiKey({self.key.name!r}): the prefix {self.prefix!r} has a line break or a "
                "character that is not ASCII"
            )

    def signer(self, context: SourceContext) -> "FixedCredentials":
        key = {
            self.header or self.param: self.prefix
            + context.environment.secret(self.key.name).reveal()
        }
        proof = Credentials(headers=key) if self.header else Credentials(params=key)
        return FixedCredentials(proof, f"check the secret {self.key.name}")

    def secrets(self) -> frozenset[str]:
        return frozenset({self.key.name})


class FixedCredentials(Authenticator):
    """Gives one and the same proof.

    Args:
        proof: that.
        remedy: what to do where it is refused.
    """

    def __init__(self, proof: Credentials, remedy: str) -> None:
        self.remedy = remedy
        self._proof = proof

    async def proof(self) -> Credentials:
        return self._proof


class BearerAuthenticator(FixedCredentials):
    """Of a token that is there."""

    def __init__(self, token: SecretText) -> None:
        headers = {"authorization": f"Bearer {token.reveal()}"}
        super().__init__(Credentials(headers=headers), f"check the secret {token.name}")


class NoAuthentication(FixedCredentials):
    """For a server that lets everybody in."""

    def __init__(self) -> None:
        super().__init__(Credentials(), "it wants to know who asks: declare the source's auth")


def authenticator_of(auth: Auth | None, context: SourceContext) -> Authenticator:
    """None is for a server that lets everybody in. Raises ConfigurationError as its signer does."""
    return NoAuthentication() if auth is None else auth.signer(context)


def secrets_of(auth: Auth | None) -> frozenset[str]:
    """The names of those that it takes."""
    return frozenset() if auth is None else auth.secrets()


def basic(environment: Environment, user: str, password: str) -> str:
    """The header Authorization of a user with a password, which is redacted as these are."""
    encoded = b64encode(f"{user}:{password}".encode()).decode()
    environment.conceal(encoded)
    return f"Basic {encoded}"
