"""How the Worker proves to a server who asks.

A declaration names secrets and never holds one.
"""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from durable.environment import Secret
from durable.sources.source import Surroundings


class Proof(Struct, frozen=True, kw_only=True):
    """What a request carries beside what it asks for."""

    headers: Mapping[str, str] = {}
    params: Mapping[str, str] = {}


class Signer(Protocol):
    """Gives the proof, request by request."""

    remedy: str  # what to do where the server refuses it, as "check the secret API_TOKEN"

    async def proof(self) -> Proof:
        """Raises UpstreamError where it has to be asked for, and cannot be had."""


class Auth(Protocol):
    """One way of proving it."""

    def signer(self, surroundings: Surroundings) -> Signer:
        """Raises ConfigurationError where a secret is not set, or cannot be sent."""

    def secrets(self) -> frozenset[str]:
        """The names of those that it takes."""


class Bearer(Struct, frozen=True):
    """A token in the header Authorization (RFC 6750)."""

    secret: str  # the token's name

    def signer(self, surroundings: Surroundings) -> "BearerSigner":
        return BearerSigner(surroundings.environment.secret(self.secret))

    def secrets(self) -> frozenset[str]:
        return frozenset({self.secret})


class BearerSigner:
    def __init__(self, token: Secret) -> None:
        self.remedy = f"check the secret {token.name}"
        self._proof = Proof(headers={"authorization": f"Bearer {token.reveal()}"})

    async def proof(self) -> Proof:
        return self._proof


class Unsigned:
    """For a server that lets everybody in."""

    remedy = "it wants to know who asks: declare the source's auth"

    async def proof(self) -> Proof:
        return Proof()
